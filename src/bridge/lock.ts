import { closeSync } from "node:fs";
import { setTimeout as sleep } from "node:timers/promises";
import { GantryError } from "../errors/index.ts";
import { type PathLike, quotePath } from "./message.ts";
import { call, request } from "./native.ts";
import { OPERATION } from "./operation.ts";

export type LockMode = "exclusive" | "shared";

/** A held flock(2). The kernel releases it when the process dies, however it dies. */
export interface FileLock {
  readonly path: PathLike;
  /** The locked file's descriptor (O_CLOEXEC), which belongs to the lock. */
  readonly fd: number;
  /** Idempotent. */
  release(): void;
}

/**
 * Takes the lock if that is possible now, else returns undefined. A missing file is made (mode 0600, in an existing
 * directory); a directory can be locked as well. After taking it, it checks that `path` still names the locked file, so
 * a lock file may be removed by whoever holds it. Locks of one process exclude each other too.
 * @throws SYSTEM_CALL_FAILED, PERMISSION
 */
export function tryLockFile(path: PathLike, mode: LockMode = "exclusive"): FileLock | undefined {
  const fields = request()
    .text("path", path)
    .bool("shared", mode === "shared");
  const { result, reply } = call(OPERATION.lockFile, fields);
  if (result === 0) return undefined;
  let fd: number | undefined = reply.u32();
  const held = fd;
  return {
    path,
    fd: held,
    release() {
      if (fd === undefined) return;
      fd = undefined;
      closeSync(held);
    },
  };
}

export interface LockOptions {
  mode?: LockMode;
  /** Gives up with CANCELLED. */
  signal?: AbortSignal;
  /** Gives up with LOCK_TIMEOUT; default: waits for ever. */
  timeoutMs?: number;
}

/**
 * Waits for the lock without blocking the event loop: asks again after 1 ms, then in growing steps of up to 20 ms.
 * There is no queue: among many waiters the order is chance.
 * @throws SYSTEM_CALL_FAILED, PERMISSION, CANCELLED, LOCK_TIMEOUT
 */
export async function lockFile(path: PathLike, options: LockOptions = {}): Promise<FileLock> {
  // Not performance.now(): its module would have to be loaded.
  const start = Date.now();
  for (let pauseMs = 1; ; pauseMs = Math.min(pauseMs * 2, 20)) {
    if (options.signal?.aborted === true) throw new GantryError("CANCELLED", "cancelled");
    const lock = tryLockFile(path, options.mode);
    if (lock !== undefined) return lock;
    if (options.timeoutMs !== undefined && Date.now() - start > options.timeoutMs) {
      throw new GantryError("LOCK_TIMEOUT", `${quotePath(path)} is still locked after ${options.timeoutMs} ms`, {
        remedy: "Wait until the other gantry command has ended.",
        details: { path },
      });
    }
    await sleep(pauseMs);
  }
}

/**
 * Whether somebody else (or another lock of this process) holds the lock exclusively. A missing file is not locked.
 * Asking takes a shared lock for some microseconds; whoever tries for an exclusive one meanwhile tries again.
 */
export function isLocked(path: PathLike): boolean {
  return call(OPERATION.isLocked, request().text("path", path)).result === 1;
}
