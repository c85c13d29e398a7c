import { lstatSync, readdirSync } from "node:fs";
import { join } from "node:path";
import type { ArchiveContents, ArchiveFile } from "./contents.ts";
import { normalizeMemberName } from "./member-names.ts";

/**
 * An OCI layout (or an unpacked docker-archive) that is a directory. Only regular files are seen, in real directories
 * below `root`: a symbolic link, which could lead anywhere, is as good as absent.
 */
export function openLayoutDirectory(root: string): ArchiveContents {
  const found = new Map<string, ArchiveFile | undefined>();
  return {
    label: root,
    find: (name) => {
      const normal = normalizeMemberName(name, root);
      if (!found.has(normal)) found.set(normal, regularFile(root, normal));
      return found.get(normal);
    },
    topDirectories: () =>
      readdirSync(root, { withFileTypes: true })
        .filter((entry) => entry.isDirectory())
        .map((entry) => entry.name),
  };
}

function regularFile(root: string, name: string): ArchiveFile | undefined {
  const parts = name.split("/");
  let path = root;
  for (const [index, part] of parts.entries()) {
    path = join(path, part);
    const found = lstatSync(path, { throwIfNoEntry: false });
    if (found === undefined) return undefined;
    if (index < parts.length - 1) {
      if (!found.isDirectory()) return undefined;
    } else {
      return found.isFile() ? { name, size: found.size, location: { path, offset: 0 } } : undefined;
    }
  }
  return undefined;
}
