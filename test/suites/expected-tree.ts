import { createHash } from "node:crypto";
import type { TarMember } from "./tar-builder.ts";

/** One path, as see-plan.py prints it. */
export interface SeenRow {
  p: string;
  t: string;
  mode: number;
  u: number;
  g: number;
  m: string;
  n?: number;
  i?: string;
  s?: number;
  h?: string;
  to?: string;
  dev?: [number, number];
  x?: Record<string, string>;
}

const TYPES = { file: "f", dir: "d", link: "l", char: "c", block: "b", fifo: "p" } as const;

/**
 * The tree that a chain of layers is to show, by a model that is as plain as can be: a map from path to file, layer after
 * layer, whiteouts first. For layers that describe all their directories. Files over 64 MiB have no hash unless
 * `hashes` gives it.
 */
export function expectedTree(layers: readonly TarMember[][], hashes: Record<string, string> = {}): SeenRow[] {
  let tree = new Map<string, TarMember>([["", { path: "", type: "dir", mtime: 0 }]]);
  const without = (path: string, andItself: boolean): void => {
    tree = new Map(
      [...tree].filter(
        ([p]) => !(p.startsWith(path === "" ? "" : `${path}/`) && p !== "") && !(andItself && p === path),
      ),
    );
  };
  for (const layer of layers) {
    for (const { path } of layer) {
      const slash = path.lastIndexOf("/") + 1;
      const parent = path.slice(0, Math.max(0, slash - 1));
      const name = path.slice(slash);
      if (name === ".wh..wh..opq") without(parent, false);
      else if (name.startsWith(".wh.")) without(path.slice(0, slash) + name.slice(4), true);
    }
    for (const member of layer) {
      if (member.path.slice(member.path.lastIndexOf("/") + 1).startsWith(".wh.")) continue;
      const path = member.path.replace(/^\.?\/|\/$/g, "").replace(/^\.$/, "");
      const before = tree.get(path);
      if (before !== undefined && !(before.type === "dir" && member.type === "dir")) without(path, true);
      // The same object: what a hard link shares stays shared even when one of its names goes.
      tree.set(path, member.type === "hardlink" ? tree.get(member.target!)! : member);
    }
  }
  const names = new Map<TarMember, string[]>();
  const sorted = [...tree].sort(([a], [b]) => Buffer.compare(Buffer.from(a, "latin1"), Buffer.from(b, "latin1")));
  for (const [path, member] of sorted) names.set(member, [...(names.get(member) ?? []), path]);
  return sorted.map(([path, member]) => rowOf(path, member, names.get(member)!, hashes[path]));
}

function rowOf(path: string, member: TarMember, names: string[], hash: string | undefined): SeenRow {
  const [seconds, nanoseconds] = Array.isArray(member.mtime) ? member.mtime : [member.mtime ?? 1_700_000_000, 0];
  const row: SeenRow = {
    p: path,
    t: TYPES[member.type as keyof typeof TYPES],
    mode: member.type === "link" ? 0o777 : (member.mode ?? (member.type === "dir" ? 0o755 : 0o644)),
    u: member.uid ?? 0,
    g: member.gid ?? 0,
    m: String(BigInt(seconds) * 1_000_000_000n + BigInt(nanoseconds)),
  };
  const xattrs = (member.xattrs ?? []).filter(([name]) => canCarry(member.type, name));
  if (xattrs.length > 0) {
    row.x = Object.fromEntries(xattrs.map(([name, value]) => [name, bytesOf(value).toString("hex")]));
  }
  if (member.type !== "dir") Object.assign(row, { n: names.length, i: names[0]! });
  if (member.type === "file") {
    const content = bytesOf(member.data ?? "");
    row.s = member.sparse?.size ?? content.length;
    row.h =
      hash ??
      createHash("sha256")
        .update(member.sparse === undefined ? content : expand(member))
        .digest("hex");
  }
  if (member.type === "link") row.to = member.target!;
  if (member.type === "char" || member.type === "block") row.dev = member.rdev!;
  return row;
}

/** xattr(7), and what an overlay keeps for itself. */
function canCarry(type: TarMember["type"], name: string): boolean {
  if (name === "system.posix_acl_default") return type === "dir";
  if (name === "system.posix_acl_access") return type !== "link";
  if (name.startsWith("user.")) return type === "file" || type === "dir";
  return /^(?:security|trusted)\./.test(name) && !name.startsWith("trusted.overlay.");
}

function expand(member: TarMember): Buffer {
  const content = bytesOf(member.data ?? "");
  const whole = Buffer.alloc(member.sparse!.size);
  let from = 0;
  for (const { fileOffset, bytes } of member.sparse!.extents) {
    content.copy(whole, fileOffset, from, from + bytes);
    from += bytes;
  }
  return whole;
}

function bytesOf(value: Uint8Array | string): Buffer {
  return typeof value === "string" ? Buffer.from(value, "latin1") : Buffer.from(value);
}
