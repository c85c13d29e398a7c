import { writeSync } from "node:fs";
import { BrokenPipe } from "../../framework/context.ts";

const asleep = new Int32Array(new SharedArrayBuffer(4));
const FULL_PAUSE_MS = 2;

/**
 * Writes a container's output to a descriptor as it comes. All of it is written when this returns, so nothing is left to
 * flush when the container has ended, and a slow reader slows the container instead of filling our memory.
 * @throws {BrokenPipe} when nobody reads any more
 */
export function writeOutput(fd: number, bytes: Uint8Array): void {
  for (let done = 0; done < bytes.length;) {
    try {
      done += writeSync(fd, bytes, done, bytes.length - done);
    } catch (error) {
      const code = (error as NodeJS.ErrnoException).code;
      if (code === "EPIPE") throw new BrokenPipe();
      if (code !== "EAGAIN") throw error;
      Atomics.wait(asleep, 0, 0, FULL_PAUSE_MS);
    }
  }
}
