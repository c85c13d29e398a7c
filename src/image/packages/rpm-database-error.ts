/** An rpm database cannot be read; the message is half a sentence about it. */
export class RpmDatabaseError extends Error {}
