import { closeSync, openSync, renameSync, rmSync, statSync } from "node:fs";
import { basename, dirname, join } from "node:path";

/** A file to be made or replaced, or an open descriptor: standard output, a pipe. */
export type ArchiveTarget = { path: string } | { fd: number };

/**
 * Lets `write` fill a target. A regular file appears under its name only when it is whole: it is written beside it and
 * renamed, so a failure leaves what was there before. A device or a pipe is written to directly.
 * @throws Node's error of the step that failed (ENOENT, EACCES, ENOSPC ...), and what `write` throws
 */
export async function writeToTarget<T>(target: ArchiveTarget, write: (fd: number) => Promise<T>): Promise<T> {
  if ("fd" in target) return await write(target.fd);
  if (statSync(target.path, { throwIfNoEntry: false })?.isFile() === false) {
    return await withOpen(target.path, "w", write);
  }
  const unfinished = join(dirname(target.path), `.${basename(target.path)}.${process.pid}.gantry`);
  try {
    const result = await withOpen(unfinished, "wx", write);
    renameSync(unfinished, target.path);
    return result;
  } catch (error) {
    rmSync(unfinished, { force: true });
    throw error;
  }
}

async function withOpen<T>(path: string, flags: "w" | "wx", write: (fd: number) => Promise<T>): Promise<T> {
  const fd = openSync(path, flags);
  try {
    return await write(fd);
  } finally {
    closeSync(fd);
  }
}
