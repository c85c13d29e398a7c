import { AsyncLocalStorage } from "node:async_hooks";
import { lockFile, tryLockFile } from "../bridge/index.ts";

const SYNC_WAIT_MS = 2;

/**
 * The store's exclusive record lock: an flock on one file, so that a crash releases it. Held for milliseconds only.
 * Re-entrant within one chain of calls.
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
    const lock = await lockFile(this.#path);
    try {
      return await this.#held.run(true, change);
    } finally {
      lock.release();
    }
  }

  /** The same for the recovery of a crash, which happens while the store is being opened. */
  runSync<T>(change: () => T): T {
    if (this.#held.getStore() === true) return change();
    let lock = tryLockFile(this.#path);
    while (lock === undefined) {
      Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, SYNC_WAIT_MS);
      lock = tryLockFile(this.#path);
    }
    try {
      return this.#held.run(true, change);
    } finally {
      lock.release();
    }
  }
}
