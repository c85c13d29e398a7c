import { decodeXattrs } from "./entry-records.ts";

/** One name of a layer index, with what it stands for. Texts are Latin-1 of the bytes. */
export interface IndexEntry {
  path: string;
  whiteout: boolean;
  opaque: boolean;
  implied: boolean;
  /** Absent for a whiteout. */
  inode?: IndexInode;
}

export interface IndexInode {
  /** All paths that name it, sorted: one, but for hard links. */
  names: string[];
  type: number;
  mode: number;
  uid: number;
  gid: number;
  linkCount: number;
  rdev: [number, number];
  mtime: [number, number];
  layer: number;
  size: number;
  dataOffset: number;
  storedBytes: number;
  link: string;
  xattrs: [string, string][];
  extents: [number, number][];
}

export interface DecodedIndex {
  merged: boolean;
  layerCount: number;
  dataBytes: number;
  /** By path; the root, "", is the first. */
  entries: IndexEntry[];
}

/**
 * Reads a layer index (wasm/common/format.ts, section 2) slowly, and throws at whatever the format does not promise:
 * breadth-first order, sorted children, inodes in the order of their first names, link counts, extents.
 */
export function decodeIndex(bytes: Uint8Array): DecodedIndex {
  const b = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const check = (holds: boolean, what: string): void => {
    if (!holds) throw new Error(`layer index: ${what}`);
  };
  const u64 = (at: number): number => Number(b.readBigUInt64LE(at));
  check(b.toString("latin1", 0, 8) === "GANTRYLX" && b.readUInt32LE(8) === 1, "magic or version");
  check(u64(80) === b.length && b.length % 8 === 0, "total size");
  const [nodeCount, inodeCount] = [b.readUInt32LE(16), b.readUInt32LE(20)];
  const [nodes, inodes, extents, pool] = [u64(32), u64(40), u64(48), u64(56)];
  check(nodes === 96 && inodes === nodes + 24 * nodeCount && extents === inodes + 96 * inodeCount, "layout");
  check(pool === extents + 16 * b.readUInt32LE(28) && pool + u64(64) <= b.length, "layout of the byte pool");
  const text = (offset: number, length: number): string => b.toString("latin1", pool + offset, pool + offset + length);

  const entries: IndexEntry[] = [];
  const numbers: number[] = [];
  let nextChild = 1;
  for (let i = 0; i < nodeCount; i++) {
    const at = nodes + 24 * i;
    const name = text(b.readUInt32LE(at), b.readUInt16LE(at + 4));
    const flags = b.readUInt16LE(at + 6);
    const parent = entries[b.readUInt32LE(at + 20)];
    const path = i === 0 ? "" : parent!.path === "" ? name : `${parent!.path}/${name}`;
    entries.push({ path, whiteout: (flags & 1) !== 0, opaque: (flags & 2) !== 0, implied: (flags & 4) !== 0 });
    numbers.push(b.readUInt32LE(at + 8));
    const [first, count] = [b.readUInt32LE(at + 12), b.readUInt32LE(at + 16)];
    if (count === 0) continue;
    check(first === nextChild, `children of node ${i} are not breadth first`);
    nextChild += count;
    for (let child = first; child < first + count; child++) {
      const childAt = nodes + 24 * child;
      check(b.readUInt32LE(childAt + 20) === i, `parent of node ${child}`);
      if (child === first) continue;
      const before = text(b.readUInt32LE(childAt - 24), b.readUInt16LE(childAt - 20));
      const here = text(b.readUInt32LE(childAt), b.readUInt16LE(childAt + 4));
      check(Buffer.compare(Buffer.from(before, "latin1"), Buffer.from(here, "latin1")) < 0, `order of node ${child}`);
    }
  }
  check(nextChild === nodeCount, "nodes that are nobody's children");

  let dataBytes = 0;
  let seenInodes = 0;
  const decoded = new Map<number, IndexInode>();
  for (const [i, number] of numbers.entries()) {
    const entry = entries[i]!;
    check((number === 0xffffffff) === entry.whiteout, `inode of node ${i}`);
    if (entry.whiteout) continue;
    let inode = decoded.get(number);
    if (inode === undefined) {
      check(number === seenInodes++, `inode ${number} is not in the order of first names`);
      const at = inodes + 96 * number;
      check(b.readUInt32LE(at + 88) === i, `first node of inode ${number}`);
      const firstExtent = extents + 16 * b.readUInt32LE(at + 80);
      inode = {
        names: [],
        type: b.readUInt8(at),
        mode: b.readUInt16LE(at + 2),
        uid: b.readUInt32LE(at + 4),
        gid: b.readUInt32LE(at + 8),
        linkCount: b.readUInt32LE(at + 12),
        rdev: [b.readUInt32LE(at + 16), b.readUInt32LE(at + 20)],
        mtime: [Number(b.readBigInt64LE(at + 24)), b.readUInt32LE(at + 32)],
        layer: b.readUInt32LE(at + 36),
        size: u64(at + 40),
        dataOffset: u64(at + 48),
        storedBytes: u64(at + 56),
        link: text(b.readUInt32LE(at + 64), b.readUInt32LE(at + 68)),
        xattrs: decodeXattrs(Buffer.from(text(b.readUInt32LE(at + 72), b.readUInt32LE(at + 76)), "latin1")),
        extents: Array.from({ length: b.readUInt32LE(at + 84) }, (_, e) => [
          u64(firstExtent + 16 * e),
          u64(firstExtent + 16 * e + 8),
        ]),
      };
      decoded.set(number, inode);
      if (inode.type === 0) dataBytes += inode.size;
    }
    inode.names.push(entry.path);
    inode.names.sort();
    entry.inode = inode;
  }
  check(seenInodes === inodeCount, "inodes without a name");
  const subdirectories = new Map<IndexEntry, number>();
  for (const [i, entry] of entries.entries()) {
    const parent = entries[b.readUInt32LE(nodes + 24 * i + 20)]!;
    if (i > 0 && entry.inode?.type === 5) subdirectories.set(parent, (subdirectories.get(parent) ?? 0) + 1);
  }
  for (const entry of entries) {
    const { inode } = entry;
    if (inode === undefined) continue;
    const expected = inode.type === 5 ? 2 + (subdirectories.get(entry) ?? 0) : inode.names.length;
    check(inode.linkCount === expected, `link count of "${entry.path}"`);
  }
  check(u64(72) === dataBytes, "sum of data bytes");
  return { merged: (b.readUInt32LE(12) & 1) !== 0, layerCount: b.readUInt32LE(24), dataBytes, entries };
}
