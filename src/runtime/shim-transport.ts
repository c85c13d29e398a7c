import { closeSync, read, write } from "node:fs";

const READ_BYTES = 64 * 1024;

/** Bytes to and from a shim. One `receive` at a time. */
export interface ShimTransport {
  /**
   * Hands on every piece that arrives until `take` returns false or the other side hangs up. The bytes are valid during
   * the call only. Rejects with what `take` throws.
   */
  receive(take: (bytes: Uint8Array) => boolean): Promise<void>;
  /** Sends all of it; resolves to false if the other side is gone. */
  send(bytes: Uint8Array): Promise<boolean>;
  /** Idempotent. */
  close(): void;
}

/**
 * Over a blocking descriptor, through node's thread pool: node:net would take longer to load than a container takes to
 * start. Only for connections that last until the other side hangs up: a pending read cannot be called off, and node
 * does not exit while it lasts.
 */
export class BlockingTransport implements ShimTransport {
  readonly #fd: number;
  #closed = false;

  constructor(fd: number) {
    this.#fd = fd;
  }

  async receive(take: (bytes: Uint8Array) => boolean): Promise<void> {
    const buffer = Buffer.allocUnsafeSlow(READ_BYTES);
    for (;;) {
      const bytes = await this.#read(buffer);
      if (bytes === 0 || !take(buffer.subarray(0, bytes))) return;
    }
  }

  async send(bytes: Uint8Array): Promise<boolean> {
    for (let done = 0; done < bytes.length;) {
      const sent = await this.#write(bytes, done);
      if (sent < 0) return false;
      done += sent;
    }
    return true;
  }

  close(): void {
    if (!this.#closed) closeSync(this.#fd);
    this.#closed = true;
  }

  #read(buffer: Buffer): Promise<number> {
    return new Promise((resolve, reject) => {
      read(this.#fd, buffer, 0, buffer.length, null, (error, bytes) => {
        if (error === null) resolve(bytes);
        else if (hungUp(error)) resolve(0);
        else reject(error);
      });
    });
  }

  #write(bytes: Uint8Array, offset: number): Promise<number> {
    return new Promise((resolve, reject) => {
      write(this.#fd, bytes, offset, bytes.length - offset, null, (error, sent) => {
        if (error === null) resolve(sent);
        else if (hungUp(error)) resolve(-1);
        else reject(error);
      });
    });
  }
}

/** Whether the error says no more than that the shim has gone. */
export function hungUp(error: NodeJS.ErrnoException): boolean {
  return error.code === "EPIPE" || error.code === "ECONNRESET";
}
