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
import { findInodeNumber, rememberInodeNumber } from "./inode-numbers";
import {
  allocate,
  ERROR_ESCAPES,
  ERROR_LINK_EMPTY,
  ERROR_LINK_TO_DIRECTORY,
  ERROR_NAME_TOO_LONG,
  ERROR_NOT_DIRECTORY,
  ERROR_NUL,
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

/** Linux's NAME_MAX; EROFS and overlayfs hold no longer names either. */
const MAX_NAME_BYTES: u32 = 255;

const WH: u32 = 0x2e68772e; // ".wh."
const WH_WH: u64 = 0x2e68772e2e68772e; // ".wh..wh."
const OPQ: u32 = 0x71706f2e; // ".opq"

let root: TreeNode = changetype<TreeNode>(0);

/** The directory that the last entry was in, and its path as the entry wrote it. */
let lastDirectory: TreeNode = changetype<TreeNode>(0);
let lastPrefix: usize = 0;
let lastPrefixBytes: u32 = 0;

export function setRoot(node: TreeNode): void {
  root = node;
}

function forgetLast(): void {
  lastPrefixBytes = 0;
}

/** A component of a path. `nextName` finds them one by one. */
let name: usize = 0;
let nameBytes: u32 = 0;

/**
 * Finds the next component at or after `at`, passing over empty ones and "."; returns its end. `nameBytes` is 0 when
 * there is none, or after an error.
 */
function nextName(at: usize, end: usize): usize {
  while (true) {
    nameBytes = 0;
    while (at < end && load<u8>(at) === 47) at++;
    name = at;
    while (at < end && load<u8>(at) !== 47) {
      if (load<u8>(at) === 0) {
        fail(ERROR_NUL);
        return end;
      }
      at++;
    }
    const bytes = <u32>(at - name);
    if (bytes === 1 && load<u8>(name) === 46) continue;
    if (bytes === 2 && load<u16>(name) === 0x2e2e) {
      fail(ERROR_ESCAPES);
      return end;
    }
    if (bytes > MAX_NAME_BYTES) {
      fail(ERROR_NAME_TOO_LONG, name, bytes);
      return end;
    }
    nameBytes = bytes;
    return at;
  }
}

function isWhiteoutName(): bool {
  return nameBytes >= 4 && load<u32>(name) === WH;
}

function isAufsName(): bool {
  return nameBytes >= 8 && load<u64>(name) === WH_WH;
}

/** The child directory `name` of `directory`, implied if it is not there yet. Null after an error. */
function descend(directory: TreeNode): TreeNode | null {
  if (isWhiteoutName() && !isAufsName()) {
    fail(ERROR_WHITEOUT);
    return null;
  }
  const child = findOrMakeChild(directory, name, nameBytes);
  if (child === null) return null;
  if (child.inode === 0) {
    makeDirectory(child, 0);
    if (isAufsName()) child.flags |= TREE_HIDDEN;
  }
  if (isDirectory(child)) return child;
  fail(ERROR_NOT_DIRECTORY, name, nameBytes);
  return null;
}

/**
 * The directory that holds the entry at `path`, made with all above it where missing; `name` is then the entry's own
 * name, empty for the root. Null after an error.
 */
function directoryOf(path: usize, bytes: u32): TreeNode | null {
  let end = path + bytes;
  while (end > path && load<u8>(end - 1) === 47) end--;
  let start = end;
  while (start > path && load<u8>(start - 1) !== 47) start--;
  const prefixBytes = <u32>(start - path);
  if (prefixBytes > 0 && prefixBytes === lastPrefixBytes && memory.compare(path, lastPrefix, prefixBytes) === 0) {
    nextName(start, end);
    if (nameBytes > 0) return lastDirectory;
    if (state.error !== 0) return null;
  }
  let directory: TreeNode | null = root;
  let at = nextName(path, end);
  while (nameBytes > 0) {
    const thisName = name;
    const thisBytes = nameBytes;
    at = nextName(at, end);
    if (state.error !== 0) return null;
    const nextStart = name;
    const nextBytes = nameBytes;
    name = thisName;
    nameBytes = thisBytes;
    if (nextBytes === 0) break;
    directory = descend(directory);
    if (directory === null) return null;
    name = nextStart;
    nameBytes = nextBytes;
  }
  if (state.error !== 0) return null;
  // Only where the entry's own name is what follows the last slash: not for "a/.".
  if (name === start) {
    lastDirectory = directory;
    lastPrefix = path;
    lastPrefixBytes = prefixBytes;
  }
  return directory;
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
  else makeDirectory(node, record);
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
    forgetLast();
  }
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
    if (at !== null && at.inode !== 0 && !isDirectory(at)) return fail(ERROR_NOT_DIRECTORY, target, end - target);
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
