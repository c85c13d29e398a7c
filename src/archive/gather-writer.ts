import { readSync } from "node:fs";
import { GantryError } from "../errors/index.ts";
import { writeToReader } from "./cancellable.ts";

const BUFFER_BYTES = 1 << 20;

export interface GatherOptions {
  /** Sees all bytes, in order, before they are written: a hash, a scanner. The view is valid during the call only. */
  onBytes?: (bytes: Uint8Array) => void;
  /** Called with the bytes appended so far, about once a megabyte. */
  onProgress?: (bytes: number) => void;
  signal?: AbortSignal;
}

/**
 * Writes a stream that is put together from many small pieces (tar headers, padding, small files) and some large ones:
 * gathers them in one buffer while the other one is being written by a thread of libuv, so reading, hashing and writing
 * overlap. Works on files, pipes and sockets; nothing is sought.
 *
 * A method that returns a promise must be awaited before the next call; `undefined` means that there is nothing to wait
 * for, which is nearly always so and spares a turn of the event loop a piece.
 */
export class GatherWriter {
  #buffer = Buffer.allocUnsafeSlow(BUFFER_BYTES);
  #spare = Buffer.allocUnsafeSlow(BUFFER_BYTES);
  #used = 0;
  #pending: Promise<void> | undefined;
  #total = 0;

  constructor(
    private readonly fd: number,
    private readonly options: GatherOptions = {},
  ) {}

  /** Bytes appended so far. */
  get bytesAppended(): number {
    return this.#total + this.#used;
  }

  append(bytes: Uint8Array): Promise<void> | undefined {
    if (this.#used + bytes.length > BUFFER_BYTES) return this.#appendInParts(bytes);
    this.#buffer.set(bytes, this.#used);
    this.#used += bytes.length;
    return undefined;
  }

  appendZeros(count: number): Promise<void> | undefined {
    if (this.#used + count > BUFFER_BYTES) return this.#appendZerosInParts(count);
    this.#buffer.fill(0, this.#used, this.#used + count);
    this.#used += count;
    return undefined;
  }

  /**
   * Appends a range of a file, read with positioned reads (the file's own offset does not move).
   * @throws UNEXPECTED_END_OF_FILE when the file ends before the range does; what was there has been appended.
   */
  appendFileRange(fd: number, offset: number, bytes: number): Promise<void> | undefined {
    if (this.#used + bytes > BUFFER_BYTES) return this.#appendFileRangeInParts(fd, offset, bytes);
    const got = this.#read(fd, offset, bytes);
    if (got < bytes) throw unexpectedEnd(offset, got, bytes);
    return undefined;
  }

  /**
   * Everything appended has been written on return; the file descriptor stays open.
   * @throws SYSTEM_CALL_FAILED (EPIPE when the reader has gone), NO_SPACE, as every method that waits
   */
  async finish(): Promise<void> {
    await this.#swap();
    await this.#pending;
  }

  async #appendInParts(bytes: Uint8Array): Promise<void> {
    for (let start = 0; start < bytes.length;) {
      if (this.#used === BUFFER_BYTES) await this.#swap();
      const part = bytes.subarray(start, start + BUFFER_BYTES - this.#used);
      this.#buffer.set(part, this.#used);
      this.#used += part.length;
      start += part.length;
    }
  }

  async #appendZerosInParts(count: number): Promise<void> {
    for (let left = count; left > 0;) {
      if (this.#used === BUFFER_BYTES) await this.#swap();
      const part = Math.min(left, BUFFER_BYTES - this.#used);
      this.#buffer.fill(0, this.#used, this.#used + part);
      this.#used += part;
      left -= part;
    }
  }

  async #appendFileRangeInParts(fd: number, offset: number, bytes: number): Promise<void> {
    for (let done = 0; done < bytes;) {
      if (this.#used === BUFFER_BYTES) await this.#swap();
      const got = this.#read(fd, offset + done, Math.min(bytes - done, BUFFER_BYTES - this.#used));
      if (got === 0) throw unexpectedEnd(offset, done, bytes);
      done += got;
    }
  }

  #read(fd: number, offset: number, bytes: number): number {
    let got = 0;
    while (got < bytes) {
      const now = readSync(fd, this.#buffer, this.#used, bytes - got, offset + got);
      if (now === 0) break;
      got += now;
      this.#used += now;
    }
    return got;
  }

  /** Starts writing the full buffer as soon as the previous one is out, and goes on with the other. */
  async #swap(): Promise<void> {
    if (this.options.signal?.aborted === true) throw new GantryError("CANCELLED", "cancelled");
    const full = this.#buffer.subarray(0, this.#used);
    // Hash while the other buffer is still on its way to the disk.
    this.options.onBytes?.(full);
    await this.#pending;
    this.#pending = writeToReader(this.fd, full, "the tar", this.options.signal);
    // A failure is reported by the next await; without this, node would call it unhandled until then.
    this.#pending.catch(() => undefined);
    [this.#buffer, this.#spare] = [this.#spare, this.#buffer];
    this.#total += this.#used;
    this.#used = 0;
    this.options.onProgress?.(this.#total);
  }
}

function unexpectedEnd(offset: number, got: number, bytes: number): GantryError {
  return new GantryError(
    "UNEXPECTED_END_OF_FILE",
    `a file ended after ${got} of the ${bytes} bytes at offset ${offset}`,
    {
      details: { offset, got, bytes },
    },
  );
}
