import type { DecodedIndex } from "./decode-index.ts";

/** What the diff kernel must say of a path, the slow and plain way: maps from paths to files. */
export interface OracleChange {
  path: string;
  kind: "A" | "C" | "D";
  aspects: string[];
}

type Entry = DecodedIndex["entries"][number];
type Inode = NonNullable<Entry["inode"]>;

/** `keyA`, `keyB`: what each tree's layers are. */
export function treeDiff(
  a: DecodedIndex,
  b: DecodedIndex,
  keysA: readonly number[],
  keysB: readonly number[],
): OracleChange[] {
  const filesA = new Map(a.entries.map((entry) => [entry.path, entry]));
  const filesB = new Map(b.entries.map((entry) => [entry.path, entry]));
  const changes: OracleChange[] = [];
  for (const path of new Set([...filesA.keys(), ...filesB.keys()])) {
    const [before, after] = [filesA.get(path)?.inode, filesB.get(path)?.inode];
    if (before === undefined) changes.push({ path, kind: "A", aspects: [] });
    else if (after === undefined) changes.push({ path, kind: "D", aspects: [] });
    else {
      const aspects = aspectsOf(before, after, keysA, keysB);
      if (aspects.length > 0) changes.push({ path, kind: "C", aspects });
    }
  }
  return changes.sort((x, y) => comparePaths(x.path, y.path));
}

function aspectsOf(a: Inode, b: Inode, keysA: readonly number[], keysB: readonly number[]): string[] {
  const aspects: string[] = [];
  const differ = (aspect: string, x: unknown, y: unknown): void => {
    if (JSON.stringify(x) !== JSON.stringify(y)) aspects.push(aspect);
  };
  differ("type", a.type, b.type);
  if (a.type === 0 && b.type === 0) {
    if (a.size !== b.size) aspects.push("content");
    else if (a.size > 0 && (keysA[a.layer] !== keysB[b.layer] || a.dataOffset !== b.dataOffset))
      aspects.push("contentUnknown");
  }
  if (a.type !== 2 || b.type !== 2) differ("mode", a.mode, b.mode);
  differ("owner", [a.uid, a.gid], [b.uid, b.gid]);
  differ("mtime", a.mtime, b.mtime);
  differ("xattrs", [...a.xattrs].sort(), [...b.xattrs].sort());
  if (a.type === 2 && b.type === 2) differ("linkTarget", a.link, b.link);
  if (a.type === b.type && (a.type === 3 || a.type === 4)) differ("device", a.rdev, b.rdev);
  if (a.type !== 5 && b.type !== 5) differ("links", [...a.names].sort(), [...b.names].sort());
  return aspects.sort();
}

/** Depth first: a directory before what is in it, names of one directory bytewise. */
function comparePaths(a: string, b: string): number {
  const [left, right] = [a.split("/"), b.split("/")];
  for (let n = 0; n < Math.min(left.length, right.length); n++) {
    if (left[n] !== right[n]) return left[n]! < right[n]! ? -1 : 1;
  }
  return left.length - right.length;
}
