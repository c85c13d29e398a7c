import {
  ENTRY_BLOCK,
  ENTRY_CHAR,
  ENTRY_DIRECTORY,
  ENTRY_FIFO,
  ENTRY_REGULAR,
  ENTRY_SYMLINK,
  EXTENT_BYTES,
  INDEX_HEADER_BYTES,
  INDEX_MERGED,
  INDEX_VERSION,
  INODE_BYTES,
  NO_INODE,
  NODE_BYTES,
  NODE_IMPLIED,
  NODE_OPAQUE,
  NODE_WHITEOUT,
} from "../../../src/layer/format.ts";

/** One file of a tree. Paths, names and targets are Latin-1 strings: one character is one byte. */
export interface TreeEntry {
  path: string;
  type: "file" | "dir" | "link" | "char" | "block" | "fifo" | "hardlink" | "whiteout";
  mode?: number;
  uid?: number;
  gid?: number;
  /** Seconds, or [seconds, nanoseconds]. */
  mtime?: number | [number, number];
  /** Of a symbolic link; or the path of the file that a hard link shares, listed before it. */
  target?: string;
  size?: number;
  dataOffset?: number;
  extents?: { fileOffset: number; bytes: number }[];
  layer?: number;
  rdev?: [number, number];
  xattrs?: [name: string, value: Uint8Array | string][];
  opaque?: boolean;
}

interface Inode extends TreeEntry {
  links: number;
  firstNode: number;
  number: number;
}

interface Node {
  name: Buffer;
  inode: Inode | undefined;
  flags: number;
  children: Map<string, Node>;
}

const TYPES = {
  file: ENTRY_REGULAR,
  dir: ENTRY_DIRECTORY,
  link: ENTRY_SYMLINK,
  char: ENTRY_CHAR,
  block: ENTRY_BLOCK,
  fifo: ENTRY_FIFO,
} as const;

/**
 * Builds a layer index (format.ts, section 2) of a plain description, the tests' second opinion beside the layer kernel.
 * Missing parents are implied; an entry for "" describes the root.
 */
export function buildIndex(entries: readonly TreeEntry[], options: { layers?: number; merged?: boolean } = {}): Buffer {
  const makeNode = (name: string, inode: Inode | undefined, flags = 0): Node => ({
    name: Buffer.from(name, "latin1"),
    inode,
    flags,
    children: new Map(),
  });
  const makeInode = (entry: TreeEntry): Inode => ({ ...entry, links: 1, firstNode: 0, number: 0 });
  const root = makeNode("", makeInode({ path: "", type: "dir", mode: 0o755 }), NODE_IMPLIED);

  const directory = (names: string[]): Node => {
    let at = root;
    for (const name of names) {
      let child = at.children.get(name);
      if (child === undefined) {
        child = makeNode(name, makeInode({ path: "", type: "dir", mode: 0o755 }), NODE_IMPLIED);
        at.children.set(name, child);
      }
      at = child;
    }
    return at;
  };
  for (const entry of entries) {
    const names = entry.path.split("/").filter((name) => name !== "");
    const name = names.pop();
    if (name === undefined) {
      root.inode = makeInode(entry);
      root.flags = entry.opaque === true ? NODE_OPAQUE : 0;
      continue;
    }
    const parent = directory(names);
    if (entry.type === "whiteout") {
      parent.children.set(name, makeNode(name, undefined, NODE_WHITEOUT));
    } else if (entry.type === "hardlink") {
      const target = (entry.target ?? "").split("/");
      const last = target.pop()!;
      const shared = directory(target).children.get(last)?.inode;
      if (shared === undefined) throw new Error(`no ${entry.target} to link ${entry.path} to`);
      shared.links++;
      parent.children.set(name, makeNode(name, shared));
    } else {
      const node = makeNode(name, makeInode(entry), entry.opaque === true ? NODE_OPAQUE : 0);
      node.children = parent.children.get(name)?.children ?? node.children;
      parent.children.set(name, node);
    }
  }

  // Breadth first, siblings sorted by bytes.
  const nodes: { node: Node; parent: number; firstChild: number }[] = [{ node: root, parent: 0, firstChild: 0 }];
  const inodes: Inode[] = [];
  for (let i = 0; i < nodes.length; i++) {
    const at = nodes[i]!;
    at.firstChild = nodes.length;
    const sorted = [...at.node.children.values()].sort((a, b) => Buffer.compare(a.name, b.name));
    for (const child of sorted) nodes.push({ node: child, parent: i, firstChild: 0 });
    const inode = at.node.inode;
    if (inode !== undefined && inodes[inode.number] !== inode) {
      inode.number = inodes.length;
      inode.firstNode = i;
      inodes.push(inode);
    }
  }

  const pool: Buffer[] = [];
  let poolBytes = 0;
  const put = (bytes: Uint8Array): number => {
    pool.push(Buffer.from(bytes));
    poolBytes += bytes.length;
    return poolBytes - bytes.length;
  };
  const nodeTable = Buffer.alloc(nodes.length * NODE_BYTES);
  nodes.forEach(({ node, parent, firstChild }, i) => {
    const at = i * NODE_BYTES;
    nodeTable.writeUInt32LE(put(node.name), at);
    nodeTable.writeUInt16LE(node.name.length, at + 4);
    nodeTable.writeUInt16LE(node.flags & (options.merged === true ? ~NODE_IMPLIED : ~0), at + 6);
    nodeTable.writeUInt32LE(node.inode?.number ?? NO_INODE, at + 8);
    nodeTable.writeUInt32LE(firstChild, at + 12);
    nodeTable.writeUInt32LE(node.children.size, at + 16);
    nodeTable.writeUInt32LE(parent, at + 20);
  });
  const inodeTable = Buffer.alloc(inodes.length * INODE_BYTES);
  const extents: { fileOffset: number; bytes: number }[] = [];
  let dataBytes = 0n;
  inodes.forEach((inode, i) => {
    const at = i * INODE_BYTES;
    const [seconds, nanoseconds] = Array.isArray(inode.mtime) ? inode.mtime : [inode.mtime ?? 0, 0];
    const size = BigInt(inode.size ?? 0);
    if (inode.type === "file") dataBytes += size;
    inodeTable.writeUInt8(TYPES[inode.type as keyof typeof TYPES], at);
    inodeTable.writeUInt16LE(inode.mode ?? (inode.type === "dir" ? 0o755 : 0o644), at + 2);
    inodeTable.writeUInt32LE(inode.uid ?? 0, at + 4);
    inodeTable.writeUInt32LE(inode.gid ?? 0, at + 8);
    inodeTable.writeUInt32LE(inode.links, at + 12);
    inodeTable.writeUInt32LE(inode.rdev?.[0] ?? 0, at + 16);
    inodeTable.writeUInt32LE(inode.rdev?.[1] ?? 0, at + 20);
    inodeTable.writeBigInt64LE(BigInt(seconds), at + 24);
    inodeTable.writeUInt32LE(nanoseconds, at + 32);
    inodeTable.writeUInt32LE(inode.layer ?? 0, at + 36);
    inodeTable.writeBigUInt64LE(size, at + 40);
    inodeTable.writeBigUInt64LE(BigInt(inode.dataOffset ?? 0), at + 48);
    const stored = inode.extents?.reduce((sum, extent) => sum + extent.bytes, 0) ?? inode.size ?? 0;
    inodeTable.writeBigUInt64LE(BigInt(stored), at + 56);
    if (inode.type === "link") {
      const target = Buffer.from(inode.target ?? "", "latin1");
      inodeTable.writeUInt32LE(put(target), at + 64);
      inodeTable.writeUInt32LE(target.length, at + 68);
    }
    const list = xattrList(inode.xattrs ?? []);
    inodeTable.writeUInt32LE(put(list), at + 72);
    inodeTable.writeUInt32LE(list.length, at + 76);
    inodeTable.writeUInt32LE(extents.length, at + 80);
    inodeTable.writeUInt32LE(inode.extents?.length ?? 0, at + 84);
    inodeTable.writeUInt32LE(inode.firstNode, at + 88);
    extents.push(...(inode.extents ?? []));
  });
  const extentTable = Buffer.alloc(extents.length * EXTENT_BYTES);
  extents.forEach((extent, i) => {
    extentTable.writeBigUInt64LE(BigInt(extent.fileOffset), i * EXTENT_BYTES);
    extentTable.writeBigUInt64LE(BigInt(extent.bytes), i * EXTENT_BYTES + 8);
  });

  const header = Buffer.alloc(INDEX_HEADER_BYTES);
  header.write("GANTRYLX", "latin1");
  header.writeUInt32LE(INDEX_VERSION, 8);
  header.writeUInt32LE(options.merged === true ? INDEX_MERGED : 0, 12);
  header.writeUInt32LE(nodes.length, 16);
  header.writeUInt32LE(inodes.length, 20);
  header.writeUInt32LE(options.layers ?? 1, 24);
  header.writeUInt32LE(extents.length, 28);
  const nodesAt = INDEX_HEADER_BYTES;
  const inodesAt = nodesAt + nodeTable.length;
  const extentsAt = inodesAt + inodeTable.length;
  const poolAt = extentsAt + extentTable.length;
  [nodesAt, inodesAt, extentsAt, poolAt, poolBytes].forEach((n, i) => header.writeBigUInt64LE(BigInt(n), 32 + i * 8));
  header.writeBigUInt64LE(dataBytes, 72);
  header.writeBigUInt64LE(BigInt(poolAt + poolBytes), 80);
  return Buffer.concat([header, nodeTable, inodeTable, extentTable, ...pool]);
}

function xattrList(xattrs: [string, Uint8Array | string][]): Buffer {
  return Buffer.concat(
    xattrs.map(([name, value]) => {
      const bytes = typeof value === "string" ? Buffer.from(value, "latin1") : Buffer.from(value);
      const head = Buffer.alloc(8);
      head.writeUInt16LE(name.length, 0);
      head.writeUInt32LE(bytes.length, 4);
      return Buffer.concat([head, Buffer.from(name, "latin1"), bytes]);
    }),
  );
}
