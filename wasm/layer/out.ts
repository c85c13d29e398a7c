/**
 * The index that is being made. Nodes and inodes are collected in arrays that look as in the finished index, but their
 * offsets into the byte pool and the extents are still addresses; `writeIndex` copies everything together.
 */
import {
  ENTRY_DIRECTORY,
  ENTRY_REGULAR,
  EXTENT_BYTES,
  INDEX_HEADER_BYTES,
  INDEX_VERSION,
  INODE_BYTES,
  NODE_BYTES,
} from "../common/format";
import { allocate, ERROR_MEMORY, fail, state } from "./state";

let nodes: usize = 0;
let inodes: usize = 0;
let nodeCount: u32 = 0;
let inodeCount: u32 = 0;
let extentCount: u32 = 0;
let poolBytes: u64 = 0;
let dataBytes: u64 = 0;

/** Makes room for at most so many. */
export function startOut(maxNodes: u32, maxInodes: u32): bool {
  nodes = allocate(<u64>maxNodes * NODE_BYTES);
  inodes = allocate(<u64>maxInodes * INODE_BYTES);
  return state.error === 0;
}

export function outNode(index: u32): usize {
  return nodes + <usize>index * NODE_BYTES;
}

export function outInode(index: u32): usize {
  return inodes + <usize>index * INODE_BYTES;
}

export function nodesOut(): u32 {
  return nodeCount;
}

/** Appends a node; its children come later. */
export function addNode(name: usize, nameBytes: u32, flags: u16, inode: u32, parent: u32): u32 {
  const node = outNode(nodeCount);
  store<u32>(node, <u32>name);
  store<u16>(node, <u16>nameBytes, 4);
  store<u16>(node, flags, 6);
  store<u32>(node, inode, 8);
  store<u32>(node, parent, 20);
  poolBytes += nameBytes;
  return nodeCount++;
}

/** Counts what the inode that the caller has just written needs, and gives it its first node. Returns its number. */
export function addInode(): u32 {
  const inode = outInode(inodeCount);
  store<u32>(inode, 1, 12);
  store<u32>(inode, nodeCount, 88);
  poolBytes += <u64>load<u32>(inode, 68) + load<u32>(inode, 76);
  extentCount += load<u32>(inode, 84);
  if (load<u8>(inode) === ENTRY_REGULAR) dataBytes += load<u64>(inode, 40);
  return inodeCount++;
}

/** Where the next inode is to be written, its offsets as addresses. */
export function nextInode(): usize {
  return outInode(inodeCount);
}

/** One more name for it. */
export function linkInode(index: u32): void {
  const inode = outInode(index);
  store<u32>(inode, load<u32>(inode, 12) + 1, 12);
}

/** The directory's children are the nodes from `first` on. Its link count is 2 + its subdirectories, as stat shows. */
export function closeDirectory(node: u32, first: u32): void {
  const count = nodeCount - first;
  store<u32>(outNode(node), count === 0 ? 0 : first, 12);
  store<u32>(outNode(node), count, 16);
  let links: u32 = 2;
  for (let i = first; i < nodeCount; i++) {
    const inode = load<u32>(outNode(i), 8);
    if (inode < inodeCount && load<u8>(outInode(inode)) === ENTRY_DIRECTORY) links++;
  }
  store<u32>(outInode(load<u32>(outNode(node), 8)), links, 12);
}

/** Write positions in the index: next node, next inode, the extents and bytes written so far. */
let index: usize = 0;
let indexBytes: u64 = 0;
let inodesAt: usize = 0;
let extentsAt: usize = 0;
let poolAt: usize = 0;
let nextNodeOut: u32 = 0;
let nextInodeOut: u32 = 0;
let extentsDone: u32 = 0;
let poolDone: u32 = 0;

/** Everything is known: allocates the index and writes its header. */
export function startIndex(flags: u32, layerCount: u32): bool {
  const inodesOffset = <u64>INDEX_HEADER_BYTES + <u64>nodeCount * NODE_BYTES;
  const extentsOffset = inodesOffset + <u64>inodeCount * INODE_BYTES;
  const bytesOffset = extentsOffset + <u64>extentCount * EXTENT_BYTES;
  indexBytes = (bytesOffset + poolBytes + 7) & ~7;
  if (poolBytes > 0xffffffff) return fail(ERROR_MEMORY);
  index = allocate(indexBytes);
  if (index === 0) return false;
  store<u64>(index, 0x584c5952544e4147); // "GANTRYLX"
  store<u32>(index, INDEX_VERSION, 8);
  store<u32>(index, flags, 12);
  store<u32>(index, nodeCount, 16);
  store<u32>(index, inodeCount, 20);
  store<u32>(index, layerCount, 24);
  store<u32>(index, extentCount, 28);
  store<u64>(index, INDEX_HEADER_BYTES, 32);
  store<u64>(index, inodesOffset, 40);
  store<u64>(index, extentsOffset, 48);
  store<u64>(index, bytesOffset, 56);
  store<u64>(index, poolBytes, 64);
  store<u64>(index, dataBytes, 72);
  store<u64>(index, indexBytes, 80);
  inodesAt = index + <usize>inodesOffset;
  extentsAt = index + <usize>extentsOffset;
  poolAt = index + <usize>bytesOffset;
  return true;
}

function toPool(from: usize, bytes: u32): u32 {
  memory.copy(poolAt + poolDone, from, bytes);
  const offset = poolDone;
  poolDone += bytes;
  return offset;
}

function writeNode(i: u32): void {
  const to = index + INDEX_HEADER_BYTES + <usize>i * NODE_BYTES;
  memory.copy(to, outNode(i), NODE_BYTES);
  store<u32>(to, toPool(load<u32>(to), load<u16>(to, 4)));
}

function writeInode(i: u32): void {
  const to = inodesAt + <usize>i * INODE_BYTES;
  memory.copy(to, outInode(i), INODE_BYTES);
  store<u32>(to, load<u32>(to, 68) === 0 ? 0 : toPool(load<u32>(to, 64), load<u32>(to, 68)), 64);
  store<u32>(to, load<u32>(to, 76) === 0 ? 0 : toPool(load<u32>(to, 72), load<u32>(to, 76)), 72);
  const extents = load<u32>(to, 84);
  if (extents > 0)
    memory.copy(extentsAt + <usize>extentsDone * EXTENT_BYTES, load<u32>(to, 80), extents * EXTENT_BYTES);
  store<u32>(to, extents > 0 ? extentsDone : 0, 80);
  extentsDone += extents;
}

/** Writes up to `count` nodes and inodes. True when the index is finished. */
export function writeSome(count: u32): bool {
  const nodesEnd = min<u32>(nodeCount, nextNodeOut + count);
  while (nextNodeOut < nodesEnd) writeNode(nextNodeOut++);
  if (nextNodeOut < nodeCount) return false;
  const inodesEnd = min<u32>(inodeCount, nextInodeOut + count);
  while (nextInodeOut < inodesEnd) writeInode(nextInodeOut++);
  if (nextInodeOut < inodeCount) return false;
  state.result = <u32>index;
  state.resultBytes = <u32>indexBytes;
  return true;
}
