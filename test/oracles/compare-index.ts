import type { DecodedIndex } from "./decode-index.ts";
import type { OracleInode, OracleNode } from "./layer-tree.ts";

/** What an index and an oracle's tree must agree about, path by path. */
export interface ComparableEntry {
  path: string;
  flags: string;
  names?: string[];
  layer?: number;
  type?: number;
  attributes?: unknown[];
}

/** The index's side. */
export function comparableIndex(index: DecodedIndex): ComparableEntry[] {
  return index.entries
    .map((e): ComparableEntry => {
      const flags = [e.whiteout && "whiteout", e.opaque && "opaque", e.implied && "implied"].filter(Boolean).join(" ");
      const i = e.inode;
      if (i === undefined) return { path: e.path, flags };
      const attributes = [i.mode, i.uid, i.gid, i.rdev, i.mtime, i.size, i.dataOffset, i.storedBytes, i.link];
      return {
        path: e.path,
        flags,
        names: i.names,
        layer: i.layer,
        type: i.type,
        attributes: i.type === 1 ? [i.link] : [...attributes, i.xattrs, i.extents],
      };
    })
    .sort((a, b) => (a.path < b.path ? -1 : 1));
}

/** The oracle's side; `merged`: as a chain's index, in which flags are resolved. */
export function comparableTree(root: OracleNode, merged: boolean): ComparableEntry[] {
  const entries: ComparableEntry[] = [];
  const names = new Map<OracleInode, string[]>();
  const walk = (node: OracleNode, path: string): void => {
    if (node.inode === undefined) {
      entries.push({ path, flags: "whiteout" });
      return;
    }
    const shared = names.get(node.inode) ?? [];
    shared.push(path);
    names.set(node.inode, shared);
    const remade = node.children !== undefined && node.whiteout;
    const opaque = node.children !== undefined && (node.opaque || node.whiteout);
    const flags = merged ? "" : [opaque && "opaque", node.implied && !remade && "implied"].filter(Boolean).join(" ");
    entries.push({
      path,
      flags,
      names: shared,
      layer: node.inode.layer,
      type: node.inode.target !== undefined ? 1 : (node.inode.record?.type ?? 5),
      attributes: attributesOf(node.inode),
    });
    for (const [name, child] of node.children ?? []) {
      if (!child.hidden) walk(child, path === "" ? name : `${path}/${name}`);
    }
  };
  walk(root, "");
  for (const shared of names.values()) shared.sort();
  return entries.sort((a, b) => (a.path < b.path ? -1 : 1));
}

function attributesOf({ record: r, target }: OracleInode): unknown[] {
  if (target !== undefined) return [target];
  if (r === undefined) return [0o755, 0, 0, [0, 0], [0, 0], 0, 0, 0, "", [], []];
  const link = r.type === 2 ? r.link : "";
  const xattrs = r.xattrs.filter(([name]) => !name.startsWith("trusted.overlay."));
  return [r.mode, r.uid, r.gid, r.rdev, r.mtime, r.size, r.dataOffset, r.storedBytes, link, xattrs, r.extents];
}
