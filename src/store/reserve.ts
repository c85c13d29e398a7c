import { closeSync, existsSync, mkdirSync, openSync, readdirSync, rmSync, writeSync } from "node:fs";
import { join } from "node:path";
import { isGantryError } from "../errors/index.ts";
import type { StoreLayout } from "./layout.ts";

/*
 * Removing something needs space, too: for its intent and for the new records. On a disk that is full to the last block
 * nothing could be removed any more; so a store keeps a little space and some inodes in files that mean nothing, gives them
 * up when a removal finds no space, and takes them back when there is some again.
 */

const FILES = 8;
const FILE_BYTES = 128 * 1024;

/** Takes the reserve, or what is missing of it. Failing does not matter: the next removal tries again. */
export function fillReserve(layout: StoreLayout): void {
  const directory = layout.reserveDir();
  let zeros: Uint8Array | undefined;
  try {
    if (existsSync(lastFile(directory))) return;
    mkdirSync(directory, { recursive: true, mode: 0o700 });
    for (let n = 0; n < FILES; n++) {
      const path = join(directory, String(n));
      if (existsSync(path)) continue;
      // Not all zeros: a file system that compresses would keep nothing.
      zeros ??= Uint8Array.from({ length: FILE_BYTES }, (_, at) => (at * 2654435761) >>> 13);
      fill(path, zeros);
    }
  } catch {
    // the disk is full
  }
}

/** A half-filled one is removed again: a file that is there is whole. */
function fill(path: string, bytes: Uint8Array): void {
  const fd = openSync(path, "w", 0o600);
  let written = 0;
  try {
    written = writeSync(fd, bytes);
  } finally {
    closeSync(fd);
    if (written < bytes.length) rmSync(path, { force: true });
  }
}

function lastFile(directory: string): string {
  return join(directory, String(FILES - 1));
}

/** Gives the reserve up. Returns whether there was any. */
function releaseReserve(layout: StoreLayout): boolean {
  const directory = layout.reserveDir();
  try {
    const files = readdirSync(directory);
    for (const name of files) rmSync(join(directory, name), { force: true });
    return files.length > 0;
  } catch {
    return false;
  }
}

/**
 * Runs something that removes from the store. Where the disk is full, the reserve is given up and it is run once more;
 * it must have undone what it did when it throws. Afterwards the reserve is taken again.
 */
export async function removing<T>(layout: StoreLayout, remove: () => Promise<T>): Promise<T> {
  try {
    return await remove();
  } catch (error) {
    if (!isFull(error) || !releaseReserve(layout)) throw error;
    return await remove();
  } finally {
    fillReserve(layout);
  }
}

function isFull(error: unknown): boolean {
  const { code } = error as NodeJS.ErrnoException;
  return isGantryError(error, "NO_SPACE") || code === "ENOSPC" || code === "EDQUOT";
}
