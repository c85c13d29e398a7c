import { constants, fstatSync, openSync, writeSync } from "node:fs";
import { BrokenPipe } from "./context.ts";

const FULL_PAUSE_MS = 2;
const OWN_PIPE = constants.O_WRONLY | constants.O_NONBLOCK;
let asleep: Int32Array | undefined;
/** Descriptors of our own, which do not block, by those of pipes that we share with others; undefined for anything else. */
const pipes = new Map<number, number | undefined>();
let whileBlocked = (wait: () => void): void => {
  wait();
};

/**
 * Says what is to be done around waiting for a reader that does not read: this thread waits, so that nothing else in
 * the process runs meanwhile, no handler of a signal either.
 */
export function onBlockedWrite(around: (wait: () => void) => void): void {
  whileBlocked = around;
}

/**
 * Writes all of `bytes` before it returns, whatever happens next: nothing is left to flush when the command ends, and a
 * slow reader slows the writer instead of filling our memory.
 * @throws {BrokenPipe} when nobody reads any more
 */
export function writeDescriptor(fd: number, bytes: Uint8Array): void {
  const own = pipes.has(fd) ? pipes.get(fd) : openPipe(fd);
  let done = writeSome(own ?? fd, bytes, 0);
  if (done === bytes.length) return;
  whileBlocked(() => {
    for (;;) {
      done = writeSome(fd, bytes, done);
      if (done === bytes.length) return;
      Atomics.wait((asleep ??= new Int32Array(new SharedArrayBuffer(4))), 0, 0, FULL_PAUSE_MS);
    }
  });
}

/** Writes what fits, or, where the descriptor blocks, all; returns where it has come to. */
function writeSome(fd: number, bytes: Uint8Array, from: number): number {
  let done = from;
  try {
    while (done < bytes.length) done += writeSync(fd, bytes, done, bytes.length - done);
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (code === "EPIPE") throw new BrokenPipe();
    // The reader is slow: our pipe's, or that of a terminal which somebody else made non-blocking.
    if (code !== "EAGAIN") throw error;
  }
  return done;
}

/** Opened anew, a pipe can be made not to block without the others who hold it noticing. */
function openPipe(fd: number): number | undefined {
  let own: number | undefined;
  try {
    if (fstatSync(fd).isFIFO()) own = openSync(`/proc/self/fd/${fd}`, OWN_PIPE);
  } catch {
    // No /proc, another's pipe, or a reader that has gone already, as the write will tell.
  }
  pipes.set(fd, own);
  return own;
}
