import { closeSync, fsyncSync, openSync, renameSync, writeFileSync } from "node:fs";
import { dirname } from "node:path";
import { syncFiles, syncFilesAsync } from "../bridge/index.ts";

/** Makes a directory's entries durable. */
export function fsyncDirectory(path: string): void {
  const fd = openSync(path, "r");
  try {
    fsyncSync(fd);
  } finally {
    closeSync(fd);
  }
}

/** Makes the content of files and directories durable, several at a time. */
export async function fsyncAll(paths: Iterable<string>): Promise<void> {
  await syncFilesAsync([...paths]);
}

/** The same, waiting for it: for small files and directories. */
export function fsyncTogether(paths: readonly string[]): void {
  syncFiles(paths);
}

/**
 * Replaces a small file atomically: readers see the old or the new content, and on return the new one survives a power
 * cut. `scratchPath` must be in the same file system.
 * @param pointAt is called before each step that others can see (fault.ts)
 * @param before directories that must be durable before it is replaced
 */
export function replaceDurably(
  path: string,
  scratchPath: string,
  content: string | Uint8Array,
  pointAt: (step: "rename" | "settle") => void = () => undefined,
  before: readonly string[] = [],
): void {
  writeFileSync(scratchPath, content, { mode: 0o600 });
  fsyncTogether([scratchPath, ...before]);
  pointAt("rename");
  renameSync(scratchPath, path);
  pointAt("settle");
  fsyncDirectory(dirname(path));
}
