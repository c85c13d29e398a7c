import { AsyncLocalStorage } from "node:async_hooks";
import { type FileLock, lockFile, tryLockFile } from "../bridge/index.ts";
import { isGantryError } from "../errors/index.ts";
import { LONG_WAIT_MS, tellLockWait } from "./lock-wait.ts";

const SYNC_WAIT_MS = 2;

/** Takes the lock on `path`, however long that takes; the user is told of a wait that lasts. */
export async function waitForLock(path: string): Promise<FileLock> {
  const lock = tryLockFile(path);
  if (lock !== undefined) return lock;
  try {
    return await lockFile(path, { timeoutMs: LONG_WAIT_MS });
  } catch (error) {
    if (!isGantryError(error, "LOCK_TIMEOUT")) throw error;
  }
  tellLockWait(path);
  return await lockFile(path);
}

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
    const lock = await waitForLock(this.#path);
    try {
      return await this.#held.run(true, change);
    } finally {
      lock.release();
    }
  }

  /**
   * The same without promises, for what happens while the store is being opened.
   * @param patienceMs gives up after so long and returns undefined
   */
  runSync<T>(change: () => T, patienceMs = Infinity): T | undefined {
    if (this.#held.getStore() === true) return change();
    const start = Date.now();
    let told = false;
    let lock = tryLockFile(this.#path);
    while (lock === undefined) {
      const waitedMs = Date.now() - start;
      if (waitedMs > patienceMs) return undefined;
      if (waitedMs > LONG_WAIT_MS && !told) {
        told = true;
        tellLockWait(this.#path);
      }
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
