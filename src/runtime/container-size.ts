import { lstatSync, readdirSync } from "node:fs";
import type { ContainerPaths } from "./container-paths.ts";

/**
 * The size of a container's own files, as Docker's SIZE counts it: what is in its upper directory, hard links once,
 * directories and the marks of deleted files not at all. Files that go meanwhile are left out.
 */
export function writableBytes(paths: ContainerPaths): number {
  const linked = new Set<string>();
  let bytes = 0;
  const visit = (directory: Buffer): void => {
    for (const name of namesIn(directory)) {
      const path = Buffer.concat([directory, SLASH, name]);
      const stat = lstatSync(path, { throwIfNoEntry: false });
      if (stat === undefined) continue;
      if (stat.isDirectory()) visit(path);
      else if (stat.nlink === 1) bytes += stat.size;
      else if (!linked.has(`${stat.dev}:${stat.ino}`)) {
        linked.add(`${stat.dev}:${stat.ino}`);
        bytes += stat.size;
      }
    }
  };
  visit(Buffer.from(paths.upper));
  return bytes;
}

const SLASH = Buffer.from("/");

/** Names are bytes: not every one is UTF-8. */
function namesIn(directory: Buffer): Buffer[] {
  try {
    return readdirSync(directory, { encoding: "buffer" });
  } catch {
    return [];
  }
}
