/**
 * Applies a layer's entries to its tree, in stream order (OCI image-spec, layer.md; ARCHITECTURE.md, "Layer rules"): later
 * entries replace earlier ones, a directory over a directory updates it, hard links share what their target names at that
 * moment, whiteouts concern lower layers only.
 */
import {
  ENTRY_CHAR,
  ENTRY_DIRECTORY,
  ENTRY_HARDLINK,
  EXTENT_BYTES,
  RECORD_HEADER_BYTES,
  RECORD_OPAQUE,
  RECORD_WHITEOUT,
} from "../common/format";
import { isSymlink } from "./follow";
import { findInodeNumber, rememberInodeNumber } from "./inode-numbers";
import { directoryOf, followWithout, forgetLast, replacesNoStep, setRoot, throughLinks } from "./parent";
import { isAufsName, isWhiteoutName, lastName, name, nameBytes, nextName } from "./paths";
import {
  allocate,
  ERROR_ESCAPES,
  ERROR_LINK_EMPTY,
  ERROR_LINK_NOT_HERE,
  ERROR_LINK_TO_DIRECTORY,
  ERROR_NOT_DIRECTORY,
  ERROR_RECORD,
  ERROR_ROOT,
  ERROR_WHITEOUT,
  fail,
  state,
} from "./state";
import {
  findChild,
  findOrMakeChild,
  isDirectory,
  makeDirectory,
  newInode,
  TREE_HIDDEN,
  TREE_IMPLIED,
  TREE_OPAQUE,
  TREE_WHITEOUT,
  TreeInode,
  TreeNode,
} from "./tree";

const OPQ: u32 = 0x71706f2e; // ".opq"

let root: TreeNode = changetype<TreeNode>(0);

export function startApply(node: TreeNode): void {
  root = node;
  setRoot(node);
}

/** Applies the record; false after an error. */
export function applyRecord(record: usize, limit: usize): bool {
  if (!isWhole(record, limit)) return fail(ERROR_RECORD);
  const path = record + RECORD_HEADER_BYTES;
  const pathBytes = load<u32>(record, 36);
  state.pathStart = <u32>path;
  state.pathBytes = pathBytes;
  const type = load<u8>(record, 4);
  const flags = load<u8>(record, 5);
  const directory = directoryOf(path, pathBytes);
  if (directory === null) return false;
  if (nameBytes === 0) return applyRoot(<u32>record, type, flags);
  if (isWhiteoutName()) {
    if (!isAufsName()) return applyWhiteout(directory);
    if (nameBytes === 12 && load<u32>(name + 8) === OPQ) {
      directory.flags |= TREE_OPAQUE;
      return true;
    }
  }
  const node = findOrMakeChild(directory, name, nameBytes);
  if (node === null) return false;
  const replaces = node.inode !== 0 && !(type === ENTRY_DIRECTORY && isDirectory(node));
  if (throughLinks && replaces && !replacesNoStep(node, directory, path)) return false;
  if (isAufsName()) node.flags |= TREE_HIDDEN;
  // A device 0:0 is overlayfs's own whiteout: that is what it does in Docker's store.
  const isWhiteout = type === ENTRY_CHAR && load<u64>(record, 16) === 0;
  if (isWhiteout || (flags & RECORD_WHITEOUT) !== 0) {
    replace(node, 0);
    node.flags |= TREE_WHITEOUT;
    return true;
  }
  if (type === ENTRY_DIRECTORY) return applyDirectory(node, <u32>record, flags);
  if (type === ENTRY_HARDLINK) return applyLink(node, record);
  return applyFile(node, record);
}

/** Whether the record lies within `limit` and its parts within the record. */
function isWhole(record: usize, limit: usize): bool {
  if (limit - record < RECORD_HEADER_BYTES) return false;
  const bytes = <u64>load<u32>(record);
  if (bytes > <u64>(limit - record) || bytes & 7 || load<u8>(record, 4) > 6) return false;
  const texts = <u64>load<u32>(record, 36) + load<u32>(record, 40) + load<u32>(record, 44);
  const parts = ((RECORD_HEADER_BYTES + texts + 7) & ~7) + <u64>load<u32>(record, 72) * EXTENT_BYTES;
  return parts <= bytes;
}

function applyRoot(record: u32, type: u8, flags: u8): bool {
  if (type !== ENTRY_DIRECTORY || flags & RECORD_WHITEOUT) return fail(ERROR_ROOT);
  return applyDirectory(root, record, flags);
}

function applyDirectory(node: TreeNode, record: u32, flags: u8): bool {
  if (isDirectory(node)) changetype<TreeInode>(<usize>node.inode).record = record;
  else {
    if (node.inode !== 0) forgetLast();
    makeDirectory(node, record);
  }
  node.flags &= ~TREE_IMPLIED;
  if (flags & RECORD_OPAQUE) node.flags |= TREE_OPAQUE;
  return true;
}

/** ".wh.NAME": hides NAME in the layers below. */
function applyWhiteout(directory: TreeNode): bool {
  const target = name + 4;
  const bytes = nameBytes - 4;
  if (bytes === 0) return fail(ERROR_WHITEOUT);
  if (load<u8>(target) === 46 && (bytes === 1 || (bytes === 2 && load<u8>(target, 1) === 46))) {
    return fail(ERROR_ESCAPES);
  }
  const node = findOrMakeChild(directory, target, bytes);
  if (node === null) return false;
  node.flags |= TREE_WHITEOUT;
  return true;
}

/** The node names `inode` from now on; a directory that it was is gone, with all below it. */
function replace(node: TreeNode, inode: u32): void {
  if (isDirectory(node)) {
    node.directory = 0;
    node.firstChild = 0;
    node.childCount = 0;
    node.flags &= ~(TREE_IMPLIED | TREE_OPAQUE);
  }
  if (node.inode !== 0) forgetLast();
  node.inode = inode;
}

function applyFile(node: TreeNode, record: usize): bool {
  // A walked file with several names: they all come with the same inode number.
  const shared = load<u32>(record, 76) > 1;
  let inode: TreeInode | null = shared ? findInodeNumber(load<u64>(record, 56)) : null;
  if (inode === null) {
    inode = newInode(<u32>record);
    if (shared && !rememberInodeNumber(load<u64>(record, 56), inode)) return false;
  }
  if (state.error !== 0) return false;
  replace(node, <u32>changetype<usize>(inode));
  return true;
}

/** A hard link: to what the target names now, or, if this layer has no such name, to the layers below. */
function applyLink(node: TreeNode, record: usize): bool {
  const target = record + RECORD_HEADER_BYTES + load<u32>(record, 36);
  const end = target + load<u32>(record, 40);
  let at: TreeNode | null = root;
  let position = nextName(target, end);
  if (state.error !== 0) return false;
  if (nameBytes === 0) return fail(target === end ? ERROR_LINK_EMPTY : ERROR_LINK_TO_DIRECTORY, target, end - target);
  while (nameBytes > 0) {
    if (at !== null && at.inode !== 0 && !isDirectory(at)) {
      if (isSymlink(at)) return applyLinkThroughLinks(node, target, end);
      return fail(ERROR_NOT_DIRECTORY, target, end - target);
    }
    if (at !== null) at = at.inode === 0 ? null : findChild(at, name, nameBytes);
    position = nextName(position, end);
    if (state.error !== 0) return false;
  }
  if (at !== null && at.inode !== 0) {
    if (isDirectory(at)) return fail(ERROR_LINK_TO_DIRECTORY, target, end - target);
    if (at !== node) replace(node, at.inode);
    return true;
  }
  const inode = newInode(<u32>record);
  if (!normaliseTarget(inode, target, end)) return false;
  replace(node, <u32>changetype<usize>(inode));
  return true;
}

/** A hard link whose target leads through symbolic links: to what is there now in this layer, for those are not of the layers below. */
function applyLinkThroughLinks(node: TreeNode, target: usize, end: usize): bool {
  const last = lastName(target, end);
  const bytes = nameBytes;
  if (state.error !== 0) return false;
  const directory = followWithout(node, target, last);
  if (directory === null) return false;
  const linked = findChild(directory, last, bytes);
  if (linked === null || linked.inode === 0 || linked === node) {
    return fail(ERROR_LINK_NOT_HERE, target, end - target);
  }
  if (isDirectory(linked)) return fail(ERROR_LINK_TO_DIRECTORY, target, end - target);
  replace(node, linked.inode);
  return true;
}

/** Keeps the target without "./", "//" and the like, for the merge to look up. */
function normaliseTarget(inode: TreeInode, target: usize, end: usize): bool {
  const text = allocate(<u64>(end - target));
  if (text === 0) return false;
  let bytes: usize = 0;
  let position = nextName(target, end);
  while (nameBytes > 0) {
    if (bytes > 0) store<u8>(text + bytes++, 47);
    memory.copy(text + bytes, name, nameBytes);
    bytes += nameBytes;
    position = nextName(position, end);
  }
  inode.target = <u32>text;
  inode.targetBytes = <u32>bytes;
  return true;
}
