import { close, open, write } from "node:fs";
import { promisify } from "node:util";
import { fileError, GantryError } from "../errors/index.ts";

const writeAsync = promisify(write);
const NOT_YET_MS = 2;

/**
 * What `work` gives, or CANCELLED as soon as the signal is pulled. A system call that waits for somebody else (a pipe that
 * nobody reads, one that nobody has opened) cannot be called off: it is left to itself, and what it comes to is not told.
 * Until the process ends, which dies of the signal then, its descriptor must not be used for anything else.
 * @throws CANCELLED, what `work` throws
 */
export async function unlessCancelled<T>(work: Promise<T>, signal: AbortSignal | undefined): Promise<T> {
  if (signal === undefined) return await work;
  work.catch(() => undefined);
  let cancel: () => void = () => undefined;
  const cancelled = new Promise<never>((_resolve, reject) => {
    cancel = () => {
      reject(new GantryError("CANCELLED", "cancelled"));
    };
  });
  if (signal.aborted) cancel();
  signal.addEventListener("abort", cancel);
  try {
    return await Promise.race([work, cancelled]);
  } finally {
    signal.removeEventListener("abort", cancel);
  }
}

/**
 * Writes all of `bytes` at the descriptor's own position, waiting in another thread for a slow reader. The bytes must not
 * change until it settles.
 * @param label what messages call it
 * @throws CANCELLED also while nobody reads; NO_SPACE, SYSTEM_CALL_FAILED (EPIPE when the reader has gone)
 */
export async function writeToReader(
  fd: number,
  bytes: Uint8Array,
  label: string,
  signal: AbortSignal | undefined,
): Promise<void> {
  for (let done = 0; done < bytes.length;) {
    try {
      const written = writeAsync(fd, bytes, done, bytes.length - done, null);
      done += (await unlessCancelled(written, signal)).bytesWritten;
    } catch (error) {
      // Somebody else's non-blocking pipe: its reader is slow.
      if ((error as NodeJS.ErrnoException).code !== "EAGAIN") throw fileError(error, label);
      await new Promise((resolve) => setTimeout(resolve, NOT_YET_MS));
    }
  }
}

/**
 * Opens a file, also a named pipe whose other end nobody has opened yet; the caller closes it.
 * @throws node's error of the open that failed; CANCELLED
 */
export async function openForStream(path: string, flags: "r" | "w", signal: AbortSignal): Promise<number> {
  let isWanted = true;
  const opened = new Promise<number>((resolve, reject) => {
    open(path, flags, (error, fd) => {
      if (error !== null) reject(error);
      else if (isWanted) resolve(fd);
      else close(fd);
    });
  });
  try {
    return await unlessCancelled(opened, signal);
  } catch (error) {
    isWanted = false;
    throw error;
  }
}
