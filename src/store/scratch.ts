import { randomBytes } from "node:crypto";
import { closeSync, fstatSync, mkdirSync, openSync, readdirSync, rmSync, statSync } from "node:fs";
import { join } from "node:path";
import { tryLock } from "./file-lock.ts";
import type { Scratch } from "./store.ts";

/** Named after the process, so that cleaners need not even try the lock of one that lives. */
const SCRATCH_NAME = /^(\d+)-[0-9a-f]{12}$/;

/**
 * Makes a scratch directory in `tmpDir` and holds its flock until `dispose` or the death of the process.
 */
export function makeScratch(tmpDir: string): Scratch {
  for (;;) {
    const path = join(tmpDir, `${process.pid}-${randomBytes(6).toString("hex")}`);
    mkdirSync(path, { mode: 0o700 });
    const fd = openSync(path, "r");
    // Between mkdir and the lock a cleaner may have taken the directory for a leftover: then it is gone, or going.
    if (tryLock(fd) && stillThere(path, fd)) return heldScratch(path, fd);
    closeSync(fd);
  }
}

function stillThere(path: string, fd: number): boolean {
  const held = fstatSync(fd);
  const found = statSync(path, { throwIfNoEntry: false });
  return found !== undefined && found.ino === held.ino && found.dev === held.dev;
}

function heldScratch(path: string, fd: number): Scratch {
  let disposed = false;
  return {
    path,
    dispose: () => {
      if (!disposed) {
        disposed = true;
        rmSync(path, { recursive: true, force: true });
        closeSync(fd);
      }
      return Promise.resolve();
    },
  };
}

/**
 * Visits what processes that died left in `tmpDir`: `recover` is called with each such path while its lock is held, then
 * it is removed. Costs one readdir when there is nothing.
 */
export function cleanLeftovers(tmpDir: string, recover: (path: string) => void): void {
  for (const name of readdirSync(tmpDir)) {
    const pid = SCRATCH_NAME.exec(name)?.[1];
    if (pid !== undefined && statSync(`/proc/${pid}`, { throwIfNoEntry: false }) !== undefined) continue;
    cleanOne(join(tmpDir, name), recover);
  }
}

function cleanOne(path: string, recover: (path: string) => void): void {
  let fd: number;
  try {
    fd = openSync(path, "r");
  } catch {
    return; // another cleaner was faster
  }
  try {
    if (!tryLock(fd) || !stillThere(path, fd)) return;
    recover(path);
    rmSync(path, { recursive: true, force: true });
  } finally {
    closeSync(fd);
  }
}
