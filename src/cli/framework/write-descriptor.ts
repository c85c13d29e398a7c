import { writeSync } from "node:fs";
import { BrokenPipe } from "./context.ts";

const FULL_PAUSE_MS = 2;
let asleep: Int32Array | undefined;

/**
 * Writes all of `bytes` before it returns, whatever happens next: nothing is left to flush when the command ends, and a
 * slow reader slows the writer instead of filling our memory.
 * @throws {BrokenPipe} when nobody reads any more
 */
export function writeDescriptor(fd: number, bytes: Uint8Array): void {
  for (let done = 0; done < bytes.length;) {
    try {
      done += writeSync(fd, bytes, done, bytes.length - done);
    } catch (error) {
      const { code } = error as NodeJS.ErrnoException;
      if (code === "EPIPE") throw new BrokenPipe();
      // Somebody made the pipe or terminal that we share non-blocking: wait for its reader.
      if (code !== "EAGAIN") throw error;
      Atomics.wait((asleep ??= new Int32Array(new SharedArrayBuffer(4))), 0, 0, FULL_PAUSE_MS);
    }
  }
}
