import { mkdirSync, readdirSync, rmdirSync, rmSync, statSync } from "node:fs";
import { join } from "node:path";
import { type FileLock, tryLockFile } from "../bridge/index.ts";
import { fileError } from "../errors/index.ts";
import { faultPoint } from "./fault.ts";
import { INTENT_FILE, readIntent } from "./intent.ts";
import { randomBytes } from "./random-bytes.ts";
import type { Scratch } from "./store.ts";

/** Named after the process, so that cleaners need not even try the lock of one that lives. */
const SCRATCH_NAME = /^(\d+)-[0-9a-f]{12}$/;

/** Makes a scratch directory in `tmpDir` and holds its flock until `dispose` or the death of the process. */
export function makeScratch(tmpDir: string): Scratch {
  for (;;) {
    const path = join(tmpDir, `${process.pid}-${randomBytes(6).toString("hex")}`);
    try {
      faultPoint("scratch.make");
      mkdirSync(path, { mode: 0o700 });
    } catch (error) {
      throw fileError(error, tmpDir);
    }
    const lock = tryLockFile(path);
    // Between mkdir and the lock a cleaner may have taken the directory for a leftover; locking then made a file.
    if (lock !== undefined && statSync(path).isDirectory()) return heldScratch(path, lock);
    rmSync(path, { recursive: true, force: true });
    lock?.release();
  }
}

function heldScratch(path: string, lock: FileLock): Scratch {
  let ended = false;
  const end = (remove: () => void): Promise<void> => {
    if (!ended) {
      ended = true;
      try {
        faultPoint("scratch.remove");
        remove();
      } catch {
        // What cannot be removed now the next command removes.
      } finally {
        lock.release();
      }
    }
    return Promise.resolve();
  };
  return {
    path,
    dispose: () => end(() => removeDirectory(path)),
    abandon: () => end(() => undefined),
  };
}

/**
 * Mostly it is empty by now: the recursive removal is code that node would have to load. An intent that is still there says
 * that what was begun has not been ended or undone: it stays, for the next command to recover.
 */
function removeDirectory(path: string): void {
  try {
    rmdirSync(path);
  } catch {
    if (readIntent(path) === undefined) rmSync(path, { recursive: true, force: true });
    else removeAllBut(path, INTENT_FILE);
  }
}

function removeAllBut(path: string, kept: string): void {
  for (const name of readdirSync(path)) {
    if (name !== kept) rmSync(join(path, name), { recursive: true, force: true });
  }
}

/**
 * Visits what processes that died left in `tmpDir`: `recover` is called with each such path while its lock is held, then
 * it is removed, unless `recover` returns false: then the next command finds it again. Costs one readdir when there is
 * nothing.
 */
export function cleanLeftovers(tmpDir: string, recover: (path: string) => boolean): void {
  for (const name of readdirSync(tmpDir)) {
    const pid = SCRATCH_NAME.exec(name)?.[1];
    if (pid !== undefined && statSync(`/proc/${pid}`, { throwIfNoEntry: false }) !== undefined) continue;
    const path = join(tmpDir, name);
    const lock = tryLockFile(path);
    if (lock === undefined) continue;
    try {
      if (!recover(path)) continue;
      faultPoint("leftover.remove");
      rmSync(path, { recursive: true, force: true });
    } finally {
      lock.release();
    }
  }
}
