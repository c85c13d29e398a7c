/** A stream of bytes, to be read once, forward. */
export interface ByteStream {
  /** How messages call it. */
  label: string;
  /** If it is known beforehand. */
  totalBytes: number | undefined;
  /** A chunk is valid until the next is asked for. Ends early with CANCELLED when its signal aborts. */
  chunks: AsyncGenerator<Uint8Array, void, undefined>;
  close(): void;
}
