import { AsyncLocalStorage } from "node:async_hooks";
import { closeSync, openSync } from "node:fs";
import { setTimeout as sleep } from "node:timers/promises";
import { tryLock } from "./file-lock.ts";

const FIRST_WAIT_MS = 0.5;
const LONGEST_WAIT_MS = 10;

/**
 * The store's exclusive record lock: an flock on one file, so that a crash releases it. Held for milliseconds only, so
 * waiting is asking again. Re-entrant within one chain of calls.
 */
export class RecordLock {
  readonly #path: string;
  readonly #held = new AsyncLocalStorage<true>();

  constructor(path: string) {
    this.#path = path;
  }

  /** Runs `change` while holding the lock. */
  async run<T>(change: () => T | Promise<T>): Promise<T> {
    if (this.#held.getStore() === true) return await change();
    const fd = openSync(this.#path, "a", 0o600);
    try {
      for (let waitMs = FIRST_WAIT_MS; !tryLock(fd); waitMs = Math.min(waitMs * 2, LONGEST_WAIT_MS))
        await sleep(waitMs);
      return await this.#held.run(true, change);
    } finally {
      closeSync(fd);
    }
  }

  /** The same for the recovery of a crash, which happens while the store is being opened. */
  runSync<T>(change: () => T): T {
    if (this.#held.getStore() === true) return change();
    const fd = openSync(this.#path, "a", 0o600);
    const asleep = new Int32Array(new SharedArrayBuffer(4));
    try {
      for (let waitMs = FIRST_WAIT_MS; !tryLock(fd); waitMs = Math.min(waitMs * 2, LONGEST_WAIT_MS)) {
        Atomics.wait(asleep, 0, 0, waitMs);
      }
      return this.#held.run(true, change);
    } finally {
      closeSync(fd);
    }
  }
}
