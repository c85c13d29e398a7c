import { EXTENT_BYTES, INDEX_HEADER_BYTES, INDEX_VERSION, INODE_BYTES, NODE_BYTES } from "../common/format";
import { INDEX_MALFORMED, OK } from "./failure";

/** "GANTRYLX", little-endian. */
const MAGIC: u64 = 0x584c5952544e4147;

export let nodeCount: u32 = 0;
export let inodeCount: u32 = 0;
export let layerCount: u32 = 0;
let extentCount: u32 = 0;
let nodes: usize = 0;
let inodes: usize = 0;
let extents: usize = 0;
let pool: usize = 0;
let poolBytes: u64 = 0;

/** Opens the merged index at `at`: checks that its tables lie inside of it (common/format.ts, section 2). */
export function openIndex(at: usize, bytes: u32): i32 {
  if (bytes < INDEX_HEADER_BYTES || load<u64>(at) !== MAGIC || load<u32>(at, 8) !== INDEX_VERSION) {
    return INDEX_MALFORMED;
  }
  if (load<u64>(at, 80) !== <u64>bytes) return INDEX_MALFORMED;
  nodeCount = load<u32>(at, 16);
  inodeCount = load<u32>(at, 20);
  layerCount = load<u32>(at, 24);
  extentCount = load<u32>(at, 28);
  poolBytes = load<u64>(at, 64);
  if (nodeCount === 0 || inodeCount === 0) return INDEX_MALFORMED;
  if (
    !fits(load<u64>(at, 32), <u64>nodeCount * NODE_BYTES, bytes) ||
    !fits(load<u64>(at, 40), <u64>inodeCount * INODE_BYTES, bytes) ||
    !fits(load<u64>(at, 48), <u64>extentCount * EXTENT_BYTES, bytes) ||
    !fits(load<u64>(at, 56), poolBytes, bytes)
  ) {
    return INDEX_MALFORMED;
  }
  nodes = at + load<u32>(at, 32);
  inodes = at + load<u32>(at, 40);
  extents = at + load<u32>(at, 48);
  pool = at + load<u32>(at, 56);
  return OK;
}

function fits(offset: u64, length: u64, bytes: u32): bool {
  return offset <= bytes && length <= <u64>bytes - offset;
}

/** Address of a node; the caller knows that there is one. */
export function nodeAt(number: u32): usize {
  return nodes + number * NODE_BYTES;
}

/** Address of an inode; 0 if there is none of that number. */
export function inodeAt(number: u32): usize {
  return number < inodeCount ? inodes + number * INODE_BYTES : 0;
}

/** Address of an extent run; 0 if it leads out of the table. */
export function extentsAt(first: u32, count: u32): usize {
  return <u64>first + count <= extentCount ? extents + first * EXTENT_BYTES : 0;
}

/** Address of bytes in the pool; 0 if they lead out of it. */
export function bytesAt(offset: u32, length: u32): usize {
  return <u64>offset + length <= poolBytes ? pool + offset : 0;
}
