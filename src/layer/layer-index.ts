import { GantryError } from "../errors/index.ts";
import {
  ENTRY_DIRECTORY,
  ENTRY_REGULAR,
  ENTRY_SYMLINK,
  EXTENT_BYTES,
  INDEX_HEADER_BYTES,
  INDEX_MERGED,
  INDEX_VERSION,
  INODE_BYTES,
  NO_INODE,
  NODE_BYTES,
  NODE_OPAQUE,
  NODE_WHITEOUT,
} from "./format.ts";

/** A run of data in a sparse regular file; bytes. What lies between extents is a hole. */
export interface Extent {
  fileOffset: number;
  bytes: number;
}

/** An extended attribute; both are views into the index. */
export interface Xattr {
  name: Uint8Array;
  value: Uint8Array;
}

/**
 * Reads a layer index (format.ts, section 2) in place: nothing is copied, and what is handed out as bytes are views that
 * live as long as the buffer. Nodes and inodes are named by their numbers; node 0 is the root.
 *
 * The constructor checks the header and that every table lies inside the buffer, which costs nothing; a reference in a
 * table that leads out of it throws LAYER_INDEX_INVALID when it is followed. 64-bit values are numbers: exact up to 2^53,
 * which is 9 PB, or 285 million years.
 */
export class LayerIndex {
  readonly bytes: Uint8Array;
  readonly nodeCount: number;
  readonly inodeCount: number;
  /** Layers that the inodes' `layer` counts: 1, or the chain's length. */
  readonly layerCount: number;
  /** Sum of the regular files' sizes, hard links once. */
  readonly dataBytes: number;
  readonly #flags: number;
  readonly #view: DataView;
  /** The pool as text, a character a byte; made when first asked for. */
  #poolText: string | undefined;
  readonly #nodes: number;
  readonly #inodes: number;
  readonly #extents: number;
  readonly #extentCount: number;
  readonly #pool: number;
  readonly #poolBytes: number;

  /** @throws LAYER_INDEX_INVALID if it is not a layer index of this version, whole. */
  constructor(bytes: Uint8Array) {
    const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    if (bytes.byteLength < INDEX_HEADER_BYTES || Buffer.from(bytes.subarray(0, 8)).toString("latin1") !== "GANTRYLX") {
      throw invalid("it does not begin as one");
    }
    if (view.getUint32(8, true) !== INDEX_VERSION) {
      throw invalid(`its version is ${view.getUint32(8, true)}, not ${INDEX_VERSION}`);
    }
    this.bytes = bytes;
    this.#view = view;
    this.#flags = view.getUint32(12, true);
    this.nodeCount = view.getUint32(16, true);
    this.inodeCount = view.getUint32(20, true);
    this.layerCount = view.getUint32(24, true);
    this.#extentCount = view.getUint32(28, true);
    this.#nodes = this.#u64(32);
    this.#inodes = this.#u64(40);
    this.#extents = this.#u64(48);
    this.#pool = this.#u64(56);
    this.#poolBytes = this.#u64(64);
    this.dataBytes = this.#u64(72);
    const totalBytes = this.#u64(80);
    if (totalBytes !== bytes.byteLength) {
      throw invalid(`it should be ${totalBytes} bytes long and is ${bytes.byteLength}`);
    }
    const tables: [offset: number, length: number][] = [
      [this.#nodes, this.nodeCount * NODE_BYTES],
      [this.#inodes, this.inodeCount * INODE_BYTES],
      [this.#extents, this.#extentCount * EXTENT_BYTES],
      [this.#pool, this.#poolBytes],
    ];
    for (const [offset, length] of tables) {
      if (offset < INDEX_HEADER_BYTES || offset + length > totalBytes) throw invalid("a table lies outside of it");
    }
    if (this.nodeCount === 0 || this.inodeCount === 0) throw invalid("it has no root");
  }

  /** Whether it is the merged index of a chain: no whiteouts, no opaque directories. */
  get merged(): boolean {
    return (this.#flags & INDEX_MERGED) !== 0;
  }

  // Nodes: names in directories.

  /** The last component of the node's path; empty for the root. */
  nameOf(node: number): Uint8Array {
    const at = this.#node(node);
    return this.#poolSlice(this.#view.getUint32(at, true), this.#view.getUint16(at + 4, true));
  }

  /** The same, a character a byte (latin1): much cheaper than a view where there are thousands, dear where there are few. */
  nameTextOf(node: number): string {
    const at = this.#node(node);
    const from = this.#view.getUint32(at, true);
    const to = from + this.#view.getUint16(at + 4, true);
    if (to > this.#poolBytes) throw invalid("a name lies outside of it");
    this.#poolText ??= Buffer.from(this.bytes.buffer, this.bytes.byteOffset + this.#pool, this.#poolBytes).toString(
      "latin1",
    );
    return this.#poolText.slice(from, to);
  }

  /** NODE_* flags. */
  flagsOf(node: number): number {
    return this.#view.getUint16(this.#node(node) + 6, true);
  }

  /** The node's inode, or undefined for a whiteout. */
  inodeOf(node: number): number | undefined {
    const inode = this.#view.getUint32(this.#node(node) + 8, true);
    return inode === NO_INODE ? undefined : inode;
  }

  isWhiteout(node: number): boolean {
    return (this.flagsOf(node) & NODE_WHITEOUT) !== 0;
  }

  isOpaque(node: number): boolean {
    return (this.flagsOf(node) & NODE_OPAQUE) !== 0;
  }

  /** The children are the nodes firstChild .. firstChild + childCount - 1, sorted by name, bytewise. */
  firstChildOf(node: number): number {
    return this.#view.getUint32(this.#node(node) + 12, true);
  }

  childCountOf(node: number): number {
    return this.#view.getUint32(this.#node(node) + 16, true);
  }

  /** The directory that the node lies in; the root's parent is the root. */
  parentOf(node: number): number {
    return this.#view.getUint32(this.#node(node) + 20, true);
  }

  /** The node's path without a leading slash, raw bytes; empty for the root. */
  pathOf(node: number): Buffer {
    const names: Uint8Array[] = [];
    for (let at = node; at !== 0; at = this.parentOf(at)) {
      if (this.parentOf(at) >= at) throw invalid(`node ${at} comes before its parent`);
      names.unshift(this.nameOf(at));
    }
    return Buffer.from(Buffer.concat(names.flatMap((name) => [SLASH, name])).subarray(1));
  }

  /** The child called `name`, by binary search; undefined where there is none. A whiteout counts as a child. */
  child(node: number, name: Uint8Array): number | undefined {
    let low = this.firstChildOf(node);
    let high = low + this.childCountOf(node) - 1;
    while (low <= high) {
      const middle = (low + high) >>> 1;
      const order = Buffer.compare(this.nameOf(middle), name);
      if (order === 0) return middle;
      if (order < 0) low = middle + 1;
      else high = middle - 1;
    }
    return undefined;
  }

  /** Every node at and below `from`, depth first, a directory before its children, children in bytewise order. */
  *walk(from = 0): Generator<number, void, undefined> {
    const stack = [from];
    for (let node = stack.pop(); node !== undefined; node = stack.pop()) {
      yield node;
      const first = this.firstChildOf(node);
      const count = this.childCountOf(node);
      if (count > 0 && (first <= node || first + count > this.nodeCount)) throw invalid(`node ${node} is misplaced`);
      for (let child = first + count - 1; child >= first; child--) stack.push(child);
    }
  }

  // Inodes: files.

  /** ENTRY_* of the inode; never ENTRY_HARDLINK. */
  typeOf(inode: number): number {
    return this.#view.getUint8(this.#inode(inode));
  }

  isRegular(inode: number): boolean {
    return this.typeOf(inode) === ENTRY_REGULAR;
  }

  isDirectory(inode: number): boolean {
    return this.typeOf(inode) === ENTRY_DIRECTORY;
  }

  isSymlink(inode: number): boolean {
    return this.typeOf(inode) === ENTRY_SYMLINK;
  }

  /** Permission bits, 0..07777. */
  modeOf(inode: number): number {
    return this.#view.getUint16(this.#inode(inode) + 2, true);
  }

  uidOf(inode: number): number {
    return this.#view.getUint32(this.#inode(inode) + 4, true);
  }

  gidOf(inode: number): number {
    return this.#view.getUint32(this.#inode(inode) + 8, true);
  }

  /** How many nodes name this inode. */
  linkCountOf(inode: number): number {
    return this.#view.getUint32(this.#inode(inode) + 12, true);
  }

  rdevMajorOf(inode: number): number {
    return this.#view.getUint32(this.#inode(inode) + 16, true);
  }

  rdevMinorOf(inode: number): number {
    return this.#view.getUint32(this.#inode(inode) + 20, true);
  }

  /** Seconds since 1970; negative before. */
  mtimeSecondsOf(inode: number): number {
    return Number(this.#view.getBigInt64(this.#inode(inode) + 24, true));
  }

  mtimeNanosecondsOf(inode: number): number {
    return this.#view.getUint32(this.#inode(inode) + 32, true);
  }

  /** The layer whose tar holds the data, 0 = bottom. */
  layerOf(inode: number): number {
    return this.#view.getUint32(this.#inode(inode) + 36, true);
  }

  /** Logical size, holes included; bytes. */
  sizeOf(inode: number): number {
    return this.#u64(this.#inode(inode) + 40);
  }

  /** Where the data begins in the layer's tar; bytes. */
  dataOffsetOf(inode: number): number {
    return this.#u64(this.#inode(inode) + 48);
  }

  /** Bytes of data in the tar; less than the size for a sparse file. */
  storedBytesOf(inode: number): number {
    return this.#u64(this.#inode(inode) + 56);
  }

  /** Target of a symbolic link, raw bytes. */
  linkTargetOf(inode: number): Uint8Array {
    const at = this.#inode(inode);
    return this.#poolSlice(this.#view.getUint32(at + 64, true), this.#view.getUint32(at + 68, true));
  }

  /** The raw xattr list (format.ts, section 1). */
  xattrListOf(inode: number): Uint8Array {
    const at = this.#inode(inode);
    return this.#poolSlice(this.#view.getUint32(at + 72, true), this.#view.getUint32(at + 76, true));
  }

  xattrsOf(inode: number): Xattr[] {
    const list = this.xattrListOf(inode);
    const view = new DataView(list.buffer, list.byteOffset, list.byteLength);
    const found: Xattr[] = [];
    for (let at = 0; at < list.length;) {
      const valueAt = at + 8 + (at + 8 <= list.length ? view.getUint16(at, true) : list.length);
      const end = valueAt + (valueAt <= list.length ? view.getUint32(at + 4, true) : 0);
      if (end > list.length) throw invalid(`the xattr list of inode ${inode} is cut`);
      found.push({ name: list.subarray(at + 8, valueAt), value: list.subarray(valueAt, end) });
      at = end;
    }
    return found;
  }

  /** Data extents of a sparse file, ascending; their data lies back to back from `dataOffsetOf`. Empty: not sparse. */
  extentsOf(inode: number): Extent[] {
    const at = this.#inode(inode);
    const first = this.#view.getUint32(at + 80, true);
    const count = this.#view.getUint32(at + 84, true);
    if (first + count > this.#extentCount) throw invalid(`the extents of inode ${inode} lie outside of it`);
    return Array.from({ length: count }, (_, i) => {
      const extent = this.#extents + (first + i) * EXTENT_BYTES;
      return { fileOffset: this.#u64(extent), bytes: this.#u64(extent + 8) };
    });
  }

  /** The first node, in node order, that names the inode. */
  firstNodeOf(inode: number): number {
    return this.#view.getUint32(this.#inode(inode) + 88, true);
  }

  #node(node: number): number {
    if (node >= this.nodeCount) throw invalid(`it has ${this.nodeCount} nodes, no node ${node}`);
    return this.#nodes + node * NODE_BYTES;
  }

  #inode(inode: number): number {
    if (inode >= this.inodeCount) throw invalid(`it has ${this.inodeCount} inodes, no inode ${inode}`);
    return this.#inodes + inode * INODE_BYTES;
  }

  #u64(at: number): number {
    return this.#view.getUint32(at, true) + this.#view.getUint32(at + 4, true) * 0x1_0000_0000;
  }

  #poolSlice(offset: number, length: number): Uint8Array {
    if (offset + length > this.#poolBytes) throw invalid("a name lies outside of it");
    return this.bytes.subarray(this.#pool + offset, this.#pool + offset + length);
  }
}

const SLASH = Buffer.from("/");

function invalid(why: string): GantryError {
  return new GantryError("LAYER_INDEX_INVALID", `cannot read a layer index: ${why}`, {
    remedy: "Load the image again.",
  });
}
