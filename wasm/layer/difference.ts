/**
 * The layer that makes one merged tree out of another: of a chain's lower part and the whole chain, the layer that may stand for
 * the upper part. It holds every name of the whole tree whose file comes from the upper part, the directories above, and a
 * whiteout for each name that is gone (OCI image-spec, layer.md, "Whiteouts").
 *
 * A file of the lower part that has another name now is written again under all of its names: a hard link to a lower layer is
 * something that only some engines understand.
 */
import {
  ENTRY_DIRECTORY,
  ENTRY_SYMLINK,
  INODE_BYTES,
  NO_INODE,
  NODE_BYTES,
  NODE_IMPLIED,
  NODE_OPAQUE,
  NODE_WHITEOUT,
} from "../common/format";
import { inodesIn, Layer, layerAt, nodesIn } from "./input";
import { compareNames } from "./names";
import { addInode, addNode, closeDirectory, linkInode, nextInode, nodesOut, outNode, startOut } from "./out";
import { allocate, ERROR_INDEX, fail, state } from "./state";

/** Per node of the whole tree: 1 if it is in the layer. */
let included: usize = 0;
/** Per node of the whole tree, the lower tree's node of the same path, plus one; 0: there is none. */
let partners: usize = 0;
/** Per inode of the whole tree: the lower tree's inode that it is, plus one. */
let origins: usize = 0;
/** Per inode of the whole tree: 1 if it has a name now that it had not. */
let renamed: usize = 0;
/** Per node of the layer, the node of the whole tree. */
let nodesOf: usize = 0;
let compared: u32 = 0;
let position: u32 = 0;

function nodeAt(layer: Layer, node: u32): usize {
  return <usize>layer.nodes + <usize>node * NODE_BYTES;
}

function inodeAt(layer: Layer, inode: u32): usize {
  return <usize>layer.inodes + <usize>inode * INODE_BYTES;
}

function isDirectory(layer: Layer, node: u32): bool {
  const inode = load<u32>(nodeAt(layer, node), 8);
  return inode !== NO_INODE && load<u8>(inodeAt(layer, inode)) === ENTRY_DIRECTORY;
}

function partnerOf(node: u32): u32 {
  return load<u32>(partners + ((<usize>node) << 2));
}

/** The inputs are the lower tree and the whole tree. */
export function startDifference(): bool {
  const whole = layerAt(1);
  included = allocate(whole.nodeCount);
  partners = allocate(<u64>whole.nodeCount * 4);
  origins = allocate(<u64>whole.inodeCount * 4);
  renamed = allocate(whole.inodeCount);
  nodesOf = allocate(<u64>nodesIn() * 4);
  if (state.error !== 0 || !startOut(nodesIn(), inodesIn())) return false;
  store<u32>(partners, 1);
  return true;
}

/** 1: compares the children of about `count` directories. True when all are compared. */
export function compareSome(count: u32): bool {
  const whole = layerAt(1);
  const end = min<u32>(whole.nodeCount, compared + count);
  while (compared < end) {
    if (isDirectory(whole, compared)) compareChildren(compared);
    compared++;
  }
  return compared === whole.nodeCount;
}

/** The child of the lower tree's directory, from `at` on, that is not less than the name; `order` says whether it is equal. */
let order: i32 = 0;
function seek(at: u32, end: u32, name: usize, nameBytes: u32): u32 {
  const lower = layerAt(0);
  while (at < end) {
    const node = nodeAt(lower, at);
    order = compareNames(<usize>lower.pool + load<u32>(node), load<u16>(node, 4), name, nameBytes);
    if (order >= 0) return at;
    at++;
  }
  order = 1;
  return at;
}

function compareChildren(directory: u32): void {
  const lower = layerAt(0);
  const whole = layerAt(1);
  const node = nodeAt(whole, directory);
  const first = load<u32>(node, 12);
  const end = first + load<u32>(node, 16);
  let at: u32 = 0;
  let lowerEnd: u32 = 0;
  let matched: u32 = 0;
  let lowerCount: u32 = 0;
  const partner = partnerOf(directory);
  if (partner !== 0 && isDirectory(lower, partner - 1)) {
    at = load<u32>(nodeAt(lower, partner - 1), 12);
    lowerCount = load<u32>(nodeAt(lower, partner - 1), 16);
    lowerEnd = at + lowerCount;
  }
  for (let child = first; child < end; child++) {
    const childNode = nodeAt(whole, child);
    at = seek(at, lowerEnd, <usize>whole.pool + load<u32>(childNode), load<u16>(childNode, 4));
    if (order === 0) {
      store<u32>(partners + ((<usize>child) << 2), at + 1);
      matched++;
    }
    if (isFromAbove(child)) store<u8>(included + child, 1);
  }
  // Something is gone: the directory is where its whiteout goes.
  if (matched < lowerCount) store<u8>(included + directory, 1);
}

/** Whether the name must be in the layer whatever is below it; takes note of files that have moved. */
function isFromAbove(child: u32): bool {
  const lower = layerAt(0);
  const whole = layerAt(1);
  const i = load<u32>(nodeAt(whole, child), 8);
  if (i === NO_INODE) {
    fail(ERROR_INDEX);
    return false;
  }
  const inode = inodeAt(whole, i);
  if (load<u32>(inode, 36) >= lower.layerCount) return true;
  const partner = partnerOf(child);
  if (load<u8>(inode) === ENTRY_DIRECTORY) return partner === 0 || !isDirectory(lower, partner - 1);
  const j = partner === 0 ? NO_INODE : load<u32>(nodeAt(lower, partner - 1), 8);
  const origin = origins + ((<usize>i) << 2);
  if (j !== NO_INODE && load<u32>(origin) === 0 && isSameFile(lower, inodeAt(lower, j), whole, inode)) {
    store<u32>(origin, j + 1);
  }
  if (j === NO_INODE || load<u32>(origin) !== j + 1) store<u8>(renamed + i, 1);
  return false;
}

/** Whether the lower tree's inode is this one: everything but the number of its names. */
function isSameFile(lower: Layer, a: usize, whole: Layer, b: usize): bool {
  if (memory.compare(a, b, 12) !== 0 || memory.compare(a + 16, b + 16, 48) !== 0) return false;
  if (load<u32>(a, 68) !== load<u32>(b, 68) || load<u32>(a, 76) !== load<u32>(b, 76)) return false;
  if (load<u8>(a) !== ENTRY_SYMLINK) return true;
  return (
    memory.compare(<usize>lower.pool + load<u32>(a, 64), <usize>whole.pool + load<u32>(b, 64), load<u32>(a, 68)) === 0
  );
}

/** 2: everything is compared: includes files that have moved, the directories above what is included, and starts the layer. */
export function startLayer(): bool {
  const lower = layerAt(0);
  const whole = layerAt(1);
  // Directories come before what is in them.
  for (let node = whole.nodeCount - 1; node > 0; node--) {
    const inode = load<u32>(nodeAt(whole, node), 8);
    if (inode === NO_INODE) return fail(ERROR_INDEX);
    if (load<u8>(renamed + inode)) store<u8>(included + node, 1);
    if (load<u8>(included + node)) store<u8>(included + load<u32>(nodeAt(whole, node), 20), 1);
  }
  const root = inodeAt(whole, load<u32>(nodeAt(whole, 0), 8));
  const implied = load<u32>(root, 36) < lower.layerCount;
  include(0, 0, implied ? NODE_IMPLIED : 0);
  return state.error === 0;
}

/** A damaged index could lead to the same node again and again. */
function hasRoom(): bool {
  return nodesOut() < nodesIn() ? true : fail(ERROR_INDEX);
}

/** Appends the node of the whole tree to the layer. */
function include(node: u32, parent: u32, flags: u16): void {
  if (!hasRoom()) return;
  const whole = layerAt(1);
  const at = nodeAt(whole, node);
  const inode = load<u32>(at, 8);
  const slot = <usize>whole.outInodes + ((<usize>inode) << 2);
  store<u32>(nodesOf + ((<usize>nodesOut()) << 2), node);
  let out = load<u32>(slot);
  if (out !== 0) linkInode(out - 1);
  else {
    const to = nextInode();
    memory.copy(to, inodeAt(whole, inode), INODE_BYTES);
    store<u32>(to, load<u32>(to, 64) + whole.pool, 64);
    store<u32>(to, load<u32>(to, 72) + whole.pool, 72);
    store<u32>(to, load<u32>(to, 80) * 16 + whole.extents, 80);
    out = addInode() + 1;
    store<u32>(slot, out);
  }
  addNode(<usize>whole.pool + load<u32>(at), load<u16>(at, 4), flags, out - 1, parent);
}

/** 3: appends the children of about `count` nodes of the layer. True when it is complete. */
export function differenceSome(count: u32): bool {
  const stop = position + count;
  while (position < nodesOut()) {
    if (position >= stop || state.error !== 0) return false;
    const isWhiteout = load<u32>(outNode(position), 8) === NO_INODE;
    const node = load<u32>(nodesOf + ((<usize>position) << 2));
    if (!isWhiteout && isDirectory(layerAt(1), node)) appendChildren(node, position);
    position++;
  }
  return true;
}

function appendChildren(directory: u32, parent: u32): void {
  const lower = layerAt(0);
  const whole = layerAt(1);
  const node = nodeAt(whole, directory);
  const first = load<u32>(node, 12);
  const end = first + load<u32>(node, 16);
  const partner = partnerOf(directory);
  let at: u32 = 0;
  let lowerEnd: u32 = 0;
  if (partner !== 0 && isDirectory(lower, partner - 1)) {
    at = load<u32>(nodeAt(lower, partner - 1), 12);
    lowerEnd = at + load<u32>(nodeAt(lower, partner - 1), 16);
  }
  // Nothing of several lower names is left: one mark hides them all.
  let left: u32 = 0;
  for (let child = first; child < end; child++) if (partnerOf(child) !== 0) left++;
  if (left === 0 && lowerEnd - at > 1 && directory !== 0) {
    store<u16>(outNode(parent), load<u16>(outNode(parent), 6) | NODE_OPAQUE, 6);
    at = lowerEnd;
  }
  const from = nodesOut();
  for (let child = first; child < end; child++) {
    const childNode = nodeAt(whole, child);
    const next = seek(at, lowerEnd, <usize>whole.pool + load<u32>(childNode), load<u16>(childNode, 4));
    while (at < next) hide(at++, parent);
    if (order === 0) at = next + 1;
    if (load<u8>(included + child)) include(child, parent, 0);
  }
  while (at < lowerEnd) hide(at++, parent);
  closeDirectory(parent, from);
}

/** Appends a whiteout of the lower tree's node. */
function hide(node: u32, parent: u32): void {
  if (!hasRoom()) return;
  const lower = layerAt(0);
  const at = nodeAt(lower, node);
  addNode(<usize>lower.pool + load<u32>(at), load<u16>(at, 4), NODE_WHITEOUT, NO_INODE, parent);
}
