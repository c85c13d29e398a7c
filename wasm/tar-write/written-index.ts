/**
 * The index of the tar that has been written, without reading it again: the tree is known, and the writer knows where it put
 * each file's data. It is what wasm/tar-scan and wasm/layer make of that tar, byte for byte, if the tree is one that
 * wasm/layer built, with attributes sorted by name.
 */
import {
  ENTRY_REGULAR,
  EXTENT_BYTES,
  INDEX_HEADER_BYTES,
  INODE_BYTES,
  NODE_BYTES,
  NODE_IMPLIED,
} from "../common/format";
import { allocate } from "./memory";
import { rangeBytes, rangeCount, rangesAt } from "./sparse";

/** Notes in the inode at `inode`, of a regular file, where its data is in the tar. False: no memory. */
export function placeData(inode: usize, offset: u64, isSparse: bool): bool {
  store<u32>(inode, 0, 36);
  store<u64>(inode, offset, 48);
  store<u64>(inode, isSparse ? rangeBytes : load<u64>(inode, 40), 56);
  store<u32>(inode, 0, 80);
  store<u32>(inode, 0, 84);
  return isSparse ? placeExtents(inode) : true;
}

/** Until the index is put together, the inode has the address of its extents. */
function placeExtents(inode: usize): bool {
  const count: u32 = rangeCount > 0 ? rangeCount : 1;
  const extents = allocate(<usize>count * EXTENT_BYTES);
  if (extents === 0) return false;
  if (rangeCount === 0) {
    // Nothing but a hole: one extent of 0 bytes at the end.
    store<u64>(extents, load<u64>(inode, 40));
    store<u64>(extents, 0, 8);
  }
  for (let i: usize = 0; i < <usize>rangeCount * 2; i++) {
    store<u64>(extents + i * 8, <u64>load<f64>(rangesAt + i * 8));
  }
  store<u32>(inode, <u32>extents, 80);
  store<u32>(inode, count, 84);
  return true;
}

/** A tar says nothing of its root: it is implied (format.ts). */
function implyRoot(node: usize, inode: usize): void {
  store<u16>(node, NODE_IMPLIED, 6);
  store<u16>(inode, 0o755, 2);
  store<u64>(inode, 0, 4);
  store<u64>(inode, 0, 24);
  store<u32>(inode, 0, 32);
  store<u32>(inode, 0, 72);
  store<u32>(inode, 0, 76);
}

/** Puts the index together from the one at `from`, all of whose files have been placed: its address; 0: no memory. */
export function assembleIndex(from: usize): usize {
  const nodeCount = <usize>load<u32>(from, 16);
  const inodeCount = <usize>load<u32>(from, 20);
  const oldNodes = from + <usize>load<u64>(from, 32);
  const oldInodes = from + <usize>load<u64>(from, 40);
  const oldPool = from + <usize>load<u64>(from, 56);
  implyRoot(oldNodes, oldInodes + <usize>load<u32>(oldNodes, 8) * INODE_BYTES);
  let extentCount: u32 = 0;
  let poolBytes: u64 = 0;
  for (let i: usize = 0; i < nodeCount; i++) poolBytes += load<u16>(oldNodes + i * NODE_BYTES, 4);
  for (let i: usize = 0; i < inodeCount; i++) {
    const inode = oldInodes + i * INODE_BYTES;
    if (load<u8>(inode) === ENTRY_REGULAR) extentCount += load<u32>(inode, 84);
    poolBytes += <u64>load<u32>(inode, 68) + load<u32>(inode, 76);
  }
  const inodesOffset = <u64>INDEX_HEADER_BYTES + <u64>nodeCount * NODE_BYTES;
  const extentsOffset = inodesOffset + <u64>inodeCount * INODE_BYTES;
  const bytesOffset = extentsOffset + <u64>extentCount * EXTENT_BYTES;
  const totalBytes = (bytesOffset + poolBytes + 7) & ~7;
  if (totalBytes > <u64>u32.MAX_VALUE) return 0;
  const to = allocate(<usize>totalBytes);
  if (to === 0) return 0;
  memory.copy(to, from, INDEX_HEADER_BYTES);
  store<u32>(to, 0, 12);
  store<u32>(to, 1, 24);
  store<u32>(to, extentCount, 28);
  store<u64>(to, INDEX_HEADER_BYTES, 32);
  store<u64>(to, inodesOffset, 40);
  store<u64>(to, extentsOffset, 48);
  store<u64>(to, bytesOffset, 56);
  store<u64>(to, poolBytes, 64);
  store<u64>(to, totalBytes, 80);
  const pool = to + <usize>bytesOffset;
  let used: u32 = 0;
  for (let i: usize = 0; i < nodeCount; i++) {
    const node = to + INDEX_HEADER_BYTES + i * NODE_BYTES;
    memory.copy(node, oldNodes + i * NODE_BYTES, NODE_BYTES);
    const flags = load<u16>(node, 6);
    // A directory of the tree has an entry in the tar, whether it had one in a layer or not.
    if (i > 0) store<u16>(node, flags & ~NODE_IMPLIED, 6);
    const bytes = load<u16>(node, 4);
    memory.copy(pool + used, oldPool + load<u32>(node), bytes);
    store<u32>(node, used);
    used += bytes;
  }
  let extents: u32 = 0;
  for (let i: usize = 0; i < inodeCount; i++) {
    const inode = to + <usize>inodesOffset + i * INODE_BYTES;
    memory.copy(inode, oldInodes + i * INODE_BYTES, INODE_BYTES);
    used = movePart(inode + 64, oldPool, pool, used);
    used = movePart(inode + 72, oldPool, pool, used);
    if (load<u8>(inode) !== ENTRY_REGULAR) {
      store<u32>(inode, 0, 36);
      store<u64>(inode, 0, 48);
      store<u64>(inode, 0, 56);
      continue;
    }
    const count = load<u32>(inode, 84);
    memory.copy(
      to + <usize>extentsOffset + <usize>extents * EXTENT_BYTES,
      load<u32>(inode, 80),
      <usize>count * EXTENT_BYTES,
    );
    store<u32>(inode, count > 0 ? extents : 0, 80);
    extents += count;
  }
  memory.fill(pool + used, 0, <usize>totalBytes - (<usize>bytesOffset + used));
  return to;
}

/** Moves what the offset and length at `field` name from one byte pool to the other; the bytes that this one then has. */
function movePart(field: usize, oldPool: usize, pool: usize, used: u32): u32 {
  const bytes = load<u32>(field, 4);
  memory.copy(pool + used, oldPool + load<u32>(field), bytes);
  store<u32>(field, bytes > 0 ? used : 0);
  return used + bytes;
}
