/** Turns the finished tree of one layer into its index, breadth first. */
import {
  NO_INODE,
  NODE_IMPLIED,
  NODE_OPAQUE,
  NODE_WHITEOUT,
  RECORD_HEADER_BYTES,
  ENTRY_HARDLINK,
  ENTRY_SYMLINK,
} from "../common/format";
import { REF_BYTES, REF_NODE, sortRefs, writeRef } from "./names";
import { addInode, addNode, closeDirectory, linkInode, nextInode, nodesOut, startOut } from "./out";
import { allocate, ERROR_RECORD, fail, state } from "./state";
import {
  isDirectory,
  nodesMade,
  TREE_HIDDEN,
  TREE_IMPLIED,
  TREE_OPAQUE,
  TREE_WHITEOUT,
  TreeInode,
  TreeNode,
} from "./tree";

/** The TreeNode of each out node, u32 each. */
let sources: usize = 0;
let refs: usize = 0;
let spare: usize = 0;
let refsCapacity: u32 = 0;
/** The next out node whose children are to be written. */
let position: u32 = 0;

export function startEmit(root: TreeNode): bool {
  const most = nodesMade();
  sources = allocate(<u64>most * 4);
  if (sources === 0 || !startOut(most, most)) return false;
  emitNode(root, 0);
  return state.error === 0;
}

/** Writes the children of about `count` nodes. True when all are written. */
export function emitSome(count: u32): bool {
  const stop = position + count;
  while (position < nodesOut()) {
    if (position >= stop || state.error !== 0) return false;
    const node = changetype<TreeNode>(<usize>load<u32>(sources + ((<usize>position) << 2)));
    if (isDirectory(node) && node.inode !== 0) emitChildren(node, position);
    position++;
  }
  return true;
}

function emitChildren(directory: TreeNode, parent: u32): void {
  const count = directory.childCount;
  if (count > refsCapacity) {
    refsCapacity = max<u32>(1024, count << 1);
    refs = allocate(<u64>refsCapacity * REF_BYTES);
    spare = allocate(<u64>refsCapacity * REF_BYTES);
    if (state.error !== 0) return;
  }
  // The list is last made first: fill from the end, so that a sorted layer comes out sorted.
  const end = refs + <usize>count * REF_BYTES;
  let at = end;
  let child = directory.firstChild;
  while (child !== 0) {
    const node = changetype<TreeNode>(<usize>child);
    if (!(node.flags & TREE_HIDDEN)) {
      at -= REF_BYTES;
      writeRef(at, node.name, node.nameBytes, child, 0);
    }
    child = node.sibling;
  }
  const shown = (end - at) / REF_BYTES;
  const first = nodesOut();
  let sorted = shown === 0 ? at : sortRefs(at, spare, shown);
  for (let i: usize = 0; i < shown; i++, sorted += REF_BYTES) {
    emitNode(changetype<TreeNode>(<usize>load<u32>(sorted, REF_NODE)), parent);
  }
  closeDirectory(parent, first);
}

function emitNode(node: TreeNode, parent: u32): void {
  store<u32>(sources + ((<usize>nodesOut()) << 2), <u32>changetype<usize>(node));
  if (node.inode === 0) {
    addNode(node.name, node.nameBytes, NODE_WHITEOUT, NO_INODE, parent);
    return;
  }
  let flags: u16 = 0;
  if (isDirectory(node)) {
    // Whited out and made again: nothing of the lower directory is left, not even its attributes.
    const remade = (node.flags & TREE_WHITEOUT) !== 0;
    if (remade || node.flags & TREE_OPAQUE) flags |= NODE_OPAQUE;
    if (!remade && node.flags & TREE_IMPLIED) flags |= NODE_IMPLIED;
  }
  const inode = changetype<TreeInode>(<usize>node.inode);
  if (inode.out === 0) inode.out = emitInode(inode) + 1;
  else linkInode(inode.out - 1);
  addNode(node.name, node.nameBytes, flags, inode.out - 1, parent);
}

function emitInode(inode: TreeInode): u32 {
  const record: usize = inode.record;
  const to = nextInode();
  const type = load<u8>(record, 4);
  const link = record + RECORD_HEADER_BYTES + load<u32>(record, 36);
  const linkBytes = load<u32>(record, 40);
  const xattrs = link + linkBytes;
  const xattrBytes = load<u32>(record, 44);
  store<u8>(to, type);
  store<u16>(to, load<u16>(record, 6), 2);
  store<u32>(to, load<u32>(record, 8), 4);
  store<u32>(to, load<u32>(record, 12), 8);
  store<u64>(to, load<u64>(record, 16), 16);
  store<u64>(to, load<u64>(record, 24), 24);
  store<u32>(to, load<u32>(record, 32), 32);
  store<u64>(to, load<u64>(record, 48), 40);
  store<u64>(to, load<u64>(record, 56), 48);
  store<u64>(to, load<u64>(record, 64), 56);
  if (type === ENTRY_HARDLINK) {
    store<u32>(to, inode.target, 64);
    store<u32>(to, inode.targetBytes, 68);
    return addInode();
  }
  if (type === ENTRY_SYMLINK) {
    store<u32>(to, <u32>link, 64);
    store<u32>(to, linkBytes, 68);
  }
  store<u32>(to, <u32>xattrs, 72);
  store<u32>(to, keepXattrs(xattrs, xattrBytes), 76);
  store<u32>(to, <u32>((xattrs + xattrBytes - record + 7) & ~7) + <u32>record, 80);
  store<u32>(to, load<u32>(record, 72), 84);
  return addInode();
}

const OVERLAY: usize = memory.data<u8>([
  116,
  114,
  117,
  115,
  116,
  101,
  100,
  46,
  111,
  118,
  101,
  114,
  108,
  97,
  121,
  46, // "trusted.overlay."
]);

/**
 * Drops overlayfs's own attributes from the list, in place: in a layer they would redirect or hide at will. Returns the
 * bytes that stay.
 */
function keepXattrs(list: usize, bytes: u32): u32 {
  const end = list + bytes;
  let to = list;
  let at = list;
  while (at < end) {
    const nameBytes: u32 = load<u16>(at);
    const size = <u64>8 + nameBytes + load<u32>(at, 4);
    if (end - at < 8 || size > <u64>(end - at)) {
      fail(ERROR_RECORD);
      return 0;
    }
    if (nameBytes < 16 || memory.compare(at + 8, OVERLAY, 16) !== 0) {
      if (to !== at) memory.copy(to, at, <usize>size);
      to += <usize>size;
    }
    at += <usize>size;
  }
  return <u32>(to - list);
}
