export type Compression = "none" | "gzip" | "zstd" | "bzip2" | "xz";

/** As many bytes of a stream as `detectCompression` wants to see. */
export const MAGIC_BYTES = 8;

/**
 * The compression that the first bytes of a stream show; media types lie often enough that every engine looks instead.
 * Needs 6 bytes; with fewer the answer is `none`.
 */
export function detectCompression(start: Uint8Array): Compression {
  const begins = (...magic: number[]): boolean => magic.every((byte, index) => start[index] === byte);
  if (begins(0x1f, 0x8b, 0x08)) return "gzip";
  if (begins(0x28, 0xb5, 0x2f, 0xfd)) return "zstd";
  // A skippable frame (RFC 8878, 3.1.2) may come before the first zstd frame: 0x184D2A50 to 0x184D2A5F.
  if (((start[0] ?? 0) & 0xf0) === 0x50 && start[1] === 0x2a && start[2] === 0x4d && start[3] === 0x18) return "zstd";
  if (begins(0x42, 0x5a, 0x68)) return "bzip2";
  if (begins(0xfd, 0x37, 0x7a, 0x58, 0x5a, 0x00)) return "xz";
  return "none";
}
