import { close, closeSync, fsync, fsyncSync, open, openSync, renameSync, writeFileSync } from "node:fs";
import { dirname } from "node:path";
import { promisify } from "node:util";

const openFile = promisify(open);
const closeFile = promisify(close);
const fsyncFile = promisify(fsync);

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
  const queue = [...paths];
  const drain = async (): Promise<void> => {
    for (let path = queue.pop(); path !== undefined; path = queue.pop()) {
      const fd = await openFile(path, "r");
      try {
        await fsyncFile(fd);
      } finally {
        await closeFile(fd);
      }
    }
  };
  await Promise.all([drain(), drain(), drain(), drain()]);
}

/**
 * Replaces a small file atomically: readers see the old or the new content, and on return the new one survives a power
 * cut. `scratchPath` must be in the same file system.
 * @param pointAt is called before each step that others can see (fault.ts)
 */
export function replaceDurably(
  path: string,
  scratchPath: string,
  content: string | Uint8Array,
  pointAt: (step: "rename" | "settle") => void = () => undefined,
): void {
  const fd = openSync(scratchPath, "w", 0o600);
  try {
    writeFileSync(fd, content);
    fsyncSync(fd);
  } finally {
    closeSync(fd);
  }
  pointAt("rename");
  renameSync(scratchPath, path);
  pointAt("settle");
  fsyncDirectory(dirname(path));
}
