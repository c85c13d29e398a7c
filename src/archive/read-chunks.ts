import { read } from "node:fs";
import { setTimeout as sleep } from "node:timers/promises";
import { promisify } from "node:util";
import { MAGIC_BYTES } from "../kernels/detect-compression.ts";
import { unlessCancelled } from "./cancellable.ts";

const READ_BYTES = 1024 * 1024;
const NOT_YET_MS = 5;

/** At least as many bytes as a magic number has, unless the stream is shorter: a pipe may give single bytes. */
export async function firstBytes(chunks: AsyncIterator<Uint8Array>): Promise<Uint8Array> {
  let start: Uint8Array = new Uint8Array(0);
  while (start.length < MAGIC_BYTES) {
    const next = await chunks.next();
    if (next.done === true) break;
    start = Buffer.concat([start, next.value]);
  }
  return start;
}

const readAsync = promisify(read);

/**
 * The bytes of a descriptor to its end. A chunk is valid until the next is asked for. Ends at once when cancelled, also
 * while nothing comes.
 */
export async function* readChunks(fd: number, signal: AbortSignal): AsyncGenerator<Uint8Array, void, undefined> {
  const buffer = Buffer.allocUnsafeSlow(READ_BYTES);
  for (;;) {
    const { bytesRead } = await unlessCancelled(readSome(fd, buffer), signal);
    if (bytesRead === 0) return;
    yield buffer.subarray(0, bytesRead);
  }
}

async function readSome(fd: number, buffer: Buffer): Promise<{ bytesRead: number }> {
  for (;;) {
    try {
      return await readAsync(fd, buffer, 0, buffer.length, null);
    } catch (error) {
      // Somebody else's non-blocking pipe or socket.
      if ((error as NodeJS.ErrnoException).code !== "EAGAIN") throw error;
      await sleep(NOT_YET_MS);
    }
  }
}
