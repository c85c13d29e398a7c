/**
 * Writes tar headers: of single entries, and of a whole tree from its layer index (common/format.ts, section 2), in
 * batches. File data never passes through here: a batch says after which header which bytes of which layer go.
 *
 * The tree is walked depth first, a directory before its children, children in bytewise order: the order of `tar
 * --sort=name`. Of the names of one inode the first walked is the file and the others are hard links to it. In a layer
 * that is not merged, whiteouts become `.wh.NAME` and an opaque directory is followed by `.wh..wh..opq` (OCI image-spec,
 * layer.md, "Whiteouts"), both empty files of mode 0600 and time 0. Files with large holes are written sparse: sparse.ts.
 */
import {
  ENTRY_DIRECTORY,
  ENTRY_HARDLINK,
  ENTRY_REGULAR,
  EXTENT_BYTES,
  INODE_BYTES,
  NO_INODE,
  NODE_BYTES,
  NODE_OPAQUE,
  NODE_WHITEOUT,
  RECORD_HEADER_BYTES,
} from "../common/format";
import { encodeHeader, Entry, headerBound } from "./header";
import { allocate, HEADERS_BYTES, ITEM_BYTES, ITEMS, LINK, MAX_ITEMS, PATH, PATH_ROOM, resetHeap } from "./memory";
import { forgetRanges, mapBound, planSparse, rangeBytes, rangeCount, rangesAt, writeMap } from "./sparse";
import { assembleIndex, placeData } from "./written-index";

const ERROR_MEMORY: i32 = -1;
const ERROR_PATH_TOO_LONG: i32 = -2;
const ERROR_INDEX: i32 = -3;

let output: usize = 0;
let outputRoom: u32 = 0;

let tree: usize = 0;
let nodes: usize = 0;
let inodes: usize = 0;
let pool: usize = 0;
let poolBytes: u32 = 0;
let extents: usize = 0;
let extentCount: u32 = 0;
let nodeCount: u32 = 0;
let inodeCount: u32 = 0;
/** The node that an inode was first written as, plus one; one u32 an inode. */
let written: usize = 0;
/** The walk: per level the next child and the end of the children, and the directory path's length; 12 bytes. */
let stack: usize = 0;
let stackRoom: u32 = 0;
let depth: u32 = 0;
/** Nodes that have been written. */
let walked: u32 = 0;
/** Bytes of the tar so far, file data included. */
let position: u64 = 0;
/** An opaque directory's marker has still to be written. */
let pendingOpaque: bool = false;

/** Room for `bytes` bytes of index or record at the returned address; 0: no memory. Everything before is forgotten. */
export function begin(bytes: u32): usize {
  resetHeap();
  forgetRanges();
  output = 0;
  outputRoom = 0;
  return allocate(bytes);
}

export function itemsAt(): usize {
  return ITEMS;
}

/** The ranges of the last item of a batch, if it is a sparse file. */
export function sparseRangesAt(): usize {
  return rangesAt;
}

/** Where the last batch's, or the last entry's, headers are. */
export function outputAt(): usize {
  return output;
}

function reserveOutput(bytes: u32): bool {
  if (bytes <= outputRoom) return true;
  output = allocate(bytes);
  outputRoom = output === 0 ? 0 : bytes;
  return output !== 0;
}

/** Encodes the entry record (format.ts, section 1) at `record`; a directory's path gets its slash. Bytes, or an error. */
export function encodeRecord(record: usize): i32 {
  const pathBytes = load<u32>(record, 36);
  if (pathBytes + 1 > PATH_ROOM) return ERROR_PATH_TOO_LONG;
  const link = record + RECORD_HEADER_BYTES + pathBytes;
  Entry.type = load<u8>(record, 4);
  Entry.mode = load<u16>(record, 6);
  Entry.uid = load<u32>(record, 8);
  Entry.gid = load<u32>(record, 12);
  Entry.rdevMajor = load<u32>(record, 16);
  Entry.rdevMinor = load<u32>(record, 20);
  Entry.mtimeSeconds = load<i64>(record, 24);
  Entry.mtimeNanoseconds = load<u32>(record, 32);
  Entry.size = Entry.type === ENTRY_REGULAR ? load<u64>(record, 48) : 0;
  Entry.realSize = 0;
  memory.copy(PATH, record + RECORD_HEADER_BYTES, pathBytes);
  Entry.path = PATH;
  Entry.pathBytes = pathBytes;
  if (Entry.type === ENTRY_DIRECTORY && (pathBytes === 0 || load<u8>(PATH + pathBytes - 1) !== 0x2f)) {
    store<u8>(PATH + pathBytes, 0x2f);
    Entry.pathBytes = pathBytes + 1;
  }
  Entry.link = link;
  Entry.linkBytes = load<u32>(record, 40);
  Entry.xattrs = link + Entry.linkBytes;
  Entry.xattrBytes = load<u32>(record, 44);
  if (!reserveOutput(headerBound())) return ERROR_MEMORY;
  return encodeHeader(output);
}

/** Starts a walk of the index of `bytes` bytes at `index`, which src/layer has checked. 0, or an error. */
export function beginTree(index: usize, bytes: u32): i32 {
  tree = index;
  nodeCount = load<u32>(index, 16);
  inodeCount = load<u32>(index, 20);
  nodes = index + <usize>load<u64>(index, 32);
  inodes = index + <usize>load<u64>(index, 40);
  pool = index + <usize>load<u64>(index, 56);
  poolBytes = load<u32>(index, 64);
  extents = index + <usize>load<u64>(index, 48);
  extentCount = load<u32>(index, 28);
  if (bytes < load<u32>(index, 80)) return ERROR_INDEX;
  written = allocate(<usize>inodeCount * 4);
  if (written === 0) return ERROR_MEMORY;
  memory.fill(written, 0, <usize>inodeCount * 4);
  stackRoom = 0;
  depth = 0;
  walked = 0;
  position = 0;
  pendingOpaque = false;
  if (!push(0, 0)) return ERROR_INDEX;
  return reserveOutput(HEADERS_BYTES) ? 0 : ERROR_MEMORY;
}

function push(node: u32, pathBytes: u32): bool {
  if (depth === stackRoom) {
    const room = stackRoom === 0 ? 64 : stackRoom * 2;
    const larger = allocate(<usize>room * 12);
    if (larger === 0) return false; // never: the index itself is larger
    memory.copy(larger, stack, <usize>depth * 12);
    stack = larger;
    stackRoom = room;
  }
  const first = load<u32>(nodes + <usize>node * NODE_BYTES, 12);
  const count = load<u32>(nodes + <usize>node * NODE_BYTES, 16);
  // Children come after their parents: no walk of a damaged index goes round in circles.
  if (count > 0 && (first <= node || first > nodeCount || count > nodeCount - first)) return false;
  const at = stack + <usize>depth * 12;
  store<u32>(at, first, 0);
  store<u32>(at, first + count, 4);
  store<u32>(at, pathBytes, 8);
  ++depth;
  return true;
}

/** Writes the next batch: the number of its items (0: the tree is done), or an error. */
export function nextBatch(): i32 {
  let used: u32 = 0;
  let items: u32 = 0;
  while (depth > 0 && items < MAX_ITEMS) {
    const level = stack + <usize>(depth - 1) * 12;
    const base = load<u32>(level, 8);
    let node: u32 = 0;
    if (pendingOpaque) {
      whiteoutEntry(base, ".wh..wh..opq");
    } else {
      node = load<u32>(level);
      if (node === load<u32>(level, 4)) {
        --depth;
        continue;
      }
      const failure = describe(node, base);
      if (failure < 0) return failure;
    }
    const isSparse = Entry.realSize > 0;
    const bound = headerBound() + (isSparse ? mapBound() : 0);
    if (used + bound > outputRoom) {
      if (items > 0) return <i32>items;
      if (!reserveOutput(bound)) return ERROR_MEMORY;
    }
    const before = used;
    if (isSparse) {
      // The map comes after the header, which has to say how long it is: write it, then move it there.
      const map = output + used + headerBound();
      const mapBytes = writeMap(map);
      Entry.size = rangeBytes + mapBytes;
      used += encodeHeader(output + used);
      memory.copy(output + used, map, mapBytes);
      used += mapBytes;
    } else used += encodeHeader(output + used);
    position += used - before;
    writeItem(items++, used, node);
    if (pendingOpaque) {
      pendingOpaque = false;
      continue;
    }
    store<u32>(level, node + 1);
    if (++walked > nodeCount) return ERROR_INDEX;
    // Only now: an entry that did not fit into the last batch is described again.
    const inode = load<u32>(nodes + <usize>node * NODE_BYTES, 8);
    if (Entry.type !== ENTRY_HARDLINK && inode !== NO_INODE) {
      store<u32>(written + <usize>inode * 4, node + 1);
      if (Entry.type === ENTRY_REGULAR && !place(inode, isSparse)) return ERROR_MEMORY;
    }
    if (Entry.type === ENTRY_DIRECTORY) {
      pendingOpaque = (load<u16>(nodes + <usize>node * NODE_BYTES, 6) & NODE_OPAQUE) !== 0;
      if (!push(node, Entry.pathBytes)) return ERROR_INDEX;
    }
    // There is room for the ranges of one file only.
    if (isSparse) break;
  }
  return <i32>items;
}

/** The file's data come next, and padding up to a block. */
function place(inode: u32, isSparse: bool): bool {
  if (!placeData(inodes + <usize>inode * INODE_BYTES, position, isSparse)) return false;
  position += ((isSparse ? rangeBytes : Entry.size) + 511) & ~511;
  return true;
}

/** After the last batch: the address of the index of the tar (written-index.ts); 0: no memory. The tree is used up. */
export function writtenIndex(): usize {
  return assembleIndex(tree);
}

function writeItem(item: u32, end: u32, node: u32): void {
  const at = ITEMS + <usize>item * ITEM_BYTES;
  const inode = load<u32>(nodes + <usize>node * NODE_BYTES, 8);
  const hasData = Entry.type === ENTRY_REGULAR && Entry.size > 0;
  const from = inodes + <usize>(hasData ? inode : <u32>0) * INODE_BYTES;
  const isSparse = Entry.realSize > 0;
  store<f64>(at, <f64>end, 0);
  store<f64>(at, <f64>node, 8);
  store<f64>(at, hasData ? <f64>inode : -1, 16);
  store<f64>(at, <f64>load<u32>(from, 36), 24);
  store<f64>(at, <f64>load<u64>(from, 48), 32);
  store<f64>(at, <f64>load<u64>(from, 56), 40);
  store<f64>(at, <f64>(isSparse ? Entry.realSize : Entry.size), 48);
  store<f64>(at, <f64>load<u32>(from, 84), 56);
  store<f64>(at, isSparse ? <f64>rangeCount : -1, 64);
}

function whiteoutEntry(base: u32, name: string): void {
  for (let i = 0; i < name.length; ++i) store<u8>(PATH + base + i, <u8>name.charCodeAt(i));
  Entry.type = ENTRY_REGULAR;
  Entry.mode = 0o600;
  Entry.uid = 0;
  Entry.gid = 0;
  Entry.mtimeSeconds = 0;
  Entry.mtimeNanoseconds = 0;
  Entry.size = 0;
  Entry.realSize = 0;
  Entry.path = PATH;
  Entry.pathBytes = base + name.length;
  Entry.linkBytes = 0;
  Entry.xattrBytes = 0;
}

/** Fills Entry with the node, a child of the directory whose path, slash included, are PATH's first `base` bytes. */
function describe(node: u32, base: u32): i32 {
  if (node >= nodeCount) return ERROR_INDEX;
  const at = nodes + <usize>node * NODE_BYTES;
  const nameBytes = <u32>load<u16>(at, 4);
  if (base + nameBytes + 16 > PATH_ROOM) return ERROR_PATH_TOO_LONG;
  const name = pool + load<u32>(at);
  if ((load<u16>(at, 6) & NODE_WHITEOUT) !== 0) {
    whiteoutEntry(base, ".wh.");
    memory.copy(PATH + base + 4, name, nameBytes);
    Entry.pathBytes += nameBytes;
    return 0;
  }
  memory.copy(PATH + base, name, nameBytes);
  const inode = load<u32>(at, 8);
  if (inode >= inodeCount) return ERROR_INDEX;
  const from = inodes + <usize>inode * INODE_BYTES;
  Entry.type = load<u8>(from);
  Entry.mode = load<u16>(from, 2);
  Entry.uid = load<u32>(from, 4);
  Entry.gid = load<u32>(from, 8);
  Entry.rdevMajor = load<u32>(from, 16);
  Entry.rdevMinor = load<u32>(from, 20);
  Entry.mtimeSeconds = load<i64>(from, 24);
  Entry.mtimeNanoseconds = load<u32>(from, 32);
  Entry.size = Entry.type === ENTRY_REGULAR ? load<u64>(from, 40) : 0;
  Entry.realSize = 0;
  Entry.path = PATH;
  Entry.pathBytes = base + nameBytes;
  if (!inPool(load<u32>(from, 64), load<u32>(from, 68)) || !inPool(load<u32>(from, 72), load<u32>(from, 76))) {
    return ERROR_INDEX;
  }
  Entry.link = pool + load<u32>(from, 64);
  Entry.linkBytes = load<u32>(from, 68);
  Entry.xattrs = pool + load<u32>(from, 72);
  Entry.xattrBytes = load<u32>(from, 76);
  if (Entry.type === ENTRY_DIRECTORY) {
    store<u8>(PATH + Entry.pathBytes, 0x2f);
    ++Entry.pathBytes;
    return 0;
  }
  const first = load<u32>(written + <usize>inode * 4);
  if (first === 0) return Entry.type === ENTRY_REGULAR ? describeHoles(from) : 0;
  Entry.type = ENTRY_HARDLINK;
  Entry.size = 0;
  Entry.realSize = 0;
  Entry.xattrBytes = 0;
  return linkTo(first - 1);
}

function inPool(offset: u32, bytes: u32): bool {
  return offset <= poolBytes && bytes <= poolBytes - offset;
}

/** Decides whether the regular file of the inode at `from` is written as a sparse one. */
function describeHoles(from: usize): i32 {
  const first = load<u32>(from, 80);
  const count = load<u32>(from, 84);
  if (first > extentCount || count > extentCount - first) return ERROR_INDEX;
  const planned = planSparse(extents + <usize>first * EXTENT_BYTES, count, Entry.size);
  if (planned < 0) return planned === -1 ? ERROR_MEMORY : ERROR_INDEX;
  if (planned === 1) Entry.realSize = Entry.size;
  return 0;
}

/** Sets the entry's link to the path of a node, built from its end in LINK. */
function linkTo(target: u32): i32 {
  let at = LINK + PATH_ROOM;
  for (let node = target; node !== 0; node = load<u32>(nodes + <usize>node * NODE_BYTES, 20)) {
    const nameBytes = <u32>load<u16>(nodes + <usize>node * NODE_BYTES, 4);
    if (at < LINK + nameBytes + 1) return ERROR_PATH_TOO_LONG;
    if (node !== target) store<u8>(--at, 0x2f);
    at -= nameBytes;
    memory.copy(at, pool + load<u32>(nodes + <usize>node * NODE_BYTES), nameBytes);
    if (load<u32>(nodes + <usize>node * NODE_BYTES, 20) >= node) return ERROR_INDEX;
  }
  Entry.link = at;
  Entry.linkBytes = <u32>(LINK + PATH_ROOM - at);
  return 0;
}
