/** The tree that a layer's entries are applied to: nodes found by (directory, name) through one hash table. */
import { ENTRY_DIRECTORY } from "../common/format";
import { hashName } from "./names";
import { allocate } from "./state";

/** A name in a directory. */
// @ts-ignore: decorator
@unmanaged
export class TreeNode {
  /** The TreeInode it names; 0: nothing but a whiteout. */
  inode: u32;
  flags: u16;
  nameBytes: u16;
  name: u32;
  /** Number of the directory it is in. */
  parent: u32;
  /** Its own number, if it is a directory; a directory that is replaced loses its children by losing its number. */
  directory: u32;
  firstChild: u32;
  childCount: u32;
  /** The directory's child that was made before it. */
  sibling: u32;
  hash: u64;
}
const NODE_STRUCT_BYTES = 40;

/** Hides the name in lower layers. */
export const TREE_WHITEOUT: u16 = 1;
export const TREE_OPAQUE: u16 = 2;
export const TREE_IMPLIED: u16 = 4;
/** Of aufs's own making (".wh..wh.plnk"): a target of hard links, but not in the layer. */
export const TREE_HIDDEN: u16 = 8;

/** What nodes name; hard links share one. */
// @ts-ignore: decorator
@unmanaged
export class TreeInode {
  /** Its entry record. */
  record: u32;
  /** Its number in the index + 1; 0: not yet in it. */
  out: u32;
  /** Normalised target of a hard link to a lower layer. */
  target: u32;
  targetBytes: u32;
}

let table: usize = 0;
let mask: u32 = 0;
let used: u32 = 0;
let directories: u32 = 0;
/** The record of directories that have none: 0755, root's, at the epoch. */
let impliedRecord: u32 = 0;

/** Nodes made so far. */
export function nodesMade(): u32 {
  return used + 1;
}

/** Starts a tree that will have about `expected` nodes. Returns its root. */
export function startTree(expected: u32): TreeNode {
  let capacity: u32 = 1024;
  while (capacity < expected << 1 && capacity < 0x20000000) capacity <<= 1;
  table = allocate(<u64>capacity * 4);
  mask = capacity - 1;
  impliedRecord = <u32>allocate(80);
  store<u8>(impliedRecord, ENTRY_DIRECTORY, 4);
  store<u16>(impliedRecord, 0o755, 6);
  const root = changetype<TreeNode>(allocate(NODE_STRUCT_BYTES));
  makeDirectory(root, 0);
  return root;
}

export function isDirectory(node: TreeNode): bool {
  return node.directory !== 0;
}

/** Gives the node an inode of its own. */
export function newInode(record: u32): TreeInode {
  const inode = changetype<TreeInode>(allocate(16));
  inode.record = record;
  return inode;
}

/** Turns the node into an empty directory; `record` 0: an implied one. */
export function makeDirectory(node: TreeNode, record: u32): void {
  if (record === 0) node.flags |= TREE_IMPLIED;
  node.inode = <u32>changetype<usize>(newInode(record === 0 ? impliedRecord : record));
  node.directory = ++directories;
}

/** The child of `directory` called so, or null. */
export function findChild(directory: TreeNode, name: usize, bytes: u32): TreeNode | null {
  const hash = hashName(directory.directory, name, bytes);
  const slot = findSlot(directory.directory, name, bytes, hash);
  const found = load<u32>(slot);
  return found === 0 ? null : changetype<TreeNode>(<usize>found);
}

/** The same; a new node, still naming nothing, where there is none. Null when memory is used up. */
export function findOrMakeChild(directory: TreeNode, name: usize, bytes: u32): TreeNode | null {
  if (used >= mask >> 1 && !growTable()) return null;
  const hash = hashName(directory.directory, name, bytes);
  const slot = findSlot(directory.directory, name, bytes, hash);
  const found = load<u32>(slot);
  if (found !== 0) return changetype<TreeNode>(<usize>found);
  const made = allocate(NODE_STRUCT_BYTES);
  if (made === 0) return null;
  const node = changetype<TreeNode>(made);
  node.name = <u32>name;
  node.nameBytes = <u16>bytes;
  node.parent = directory.directory;
  node.hash = hash;
  node.sibling = directory.firstChild;
  directory.firstChild = <u32>made;
  directory.childCount++;
  store<u32>(slot, <u32>made);
  used++;
  return node;
}

function findSlot(directory: u32, name: usize, bytes: u32, hash: u64): usize {
  let index = (<u32>hash) & mask;
  while (true) {
    const slot = table + ((<usize>index) << 2);
    const at = load<u32>(slot);
    if (at === 0) return slot;
    const node = changetype<TreeNode>(<usize>at);
    if (
      node.hash === hash &&
      node.parent === directory &&
      <u32>node.nameBytes === bytes &&
      memory.compare(node.name, name, bytes) === 0
    ) {
      return slot;
    }
    index = (index + 1) & mask;
  }
}

function growTable(): bool {
  const old = table;
  const oldCapacity = <usize>mask + 1;
  const made = allocate(<u64>oldCapacity * 8);
  if (made === 0) return false;
  table = made;
  mask = (mask << 1) | 1;
  for (let i: usize = 0; i < oldCapacity; i++) {
    const at = load<u32>(old + (i << 2));
    if (at !== 0) reinsert(at);
  }
  return true;
}

function reinsert(at: u32): void {
  let index = (<u32>changetype<TreeNode>(<usize>at).hash) & mask;
  while (load<u32>(table + ((<usize>index) << 2)) !== 0) index = (index + 1) & mask;
  store<u32>(table + ((<usize>index) << 2), at);
}
