import { writeSync } from "node:fs";

/**
 * Writes all of `bytes` at the descriptor's own position: write(2) may write less than it is given.
 * @throws Node's error of the write that failed; fileError (src/errors/file-error.ts) puts it into gantry's terms
 */
export function writeAll(fd: number, bytes: Uint8Array): void {
  for (let done = 0; done < bytes.length;) done += writeSync(fd, bytes, done, bytes.length - done);
}
