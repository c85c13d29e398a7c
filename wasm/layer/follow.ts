/**
 * Paths that lead through symbolic links of the same layer: followed as path_resolution(7) tells, with the layer's root for
 * "/", which is what Docker does when it unpacks a layer alone in a root of its own. A link leads where it does at that moment.
 */
import { ENTRY_SYMLINK, RECORD_HEADER_BYTES } from "../common/format";
import { descend } from "./descend";
import { name, nameBytes, nextName } from "./paths";
import {
  allocate,
  ERROR_LINK_LOOP,
  ERROR_LINK_NOT_HERE,
  ERROR_LINK_NOWHERE,
  ERROR_NOT_DIRECTORY,
  fail,
  state,
} from "./state";
import { findChild, isDirectory, TREE_HIDDEN, TreeInode, TreeNode } from "./tree";

/** Linux's MAXSYMLINKS. */
const MAX_LINKS: u32 = 40;
/** Of all targets on one path, as long as Linux lets a path be: bounds what an entry costs. */
const MAX_TARGET_BYTES: u32 = 4096;

/** The directories from the root to where the walk is: u32 TreeNode each. */
let trail: usize = 0;
let capacity: u32 = 0;
let depth: u32 = 0;
let links: u32 = 0;
let targetBytes: u32 = 0;

/** Whether the node is a symbolic link. */
export function isSymlink(node: TreeNode): bool {
  return node.inode !== 0 && load<u8>(changetype<TreeInode>(<usize>node.inode).record, 4) === ENTRY_SYMLINK;
}

/**
 * The directory that the path leads to. `makes`: directories that are missing in it are made, but not those that a link's target
 * names. Null after an error, whose text is the path as far as it could not be followed.
 */
export function followPath(root: TreeNode, path: usize, end: usize, makes: bool): TreeNode | null {
  depth = 0;
  links = 0;
  targetBytes = 0;
  if (!push(root)) return null;
  let at = nextName(path, end);
  while (nameBytes > 0) {
    const child = makes ? descend(here()) : findChild(here(), name, nameBytes);
    if (state.error !== 0) return null;
    if (child === null || !enter(child)) {
      fail(obstacleAt(child), path, at - path);
      return null;
    }
    at = nextName(at, end);
  }
  return state.error === 0 ? here() : null;
}

function here(): TreeNode {
  return changetype<TreeNode>(<usize>load<u32>(trail + ((<usize>depth - 1) << 2)));
}

function push(directory: TreeNode): bool {
  if (depth === capacity) {
    const old = trail;
    capacity = max<u32>(64, capacity << 1);
    trail = allocate(<u64>capacity * 4);
    if (trail === 0) return false;
    memory.copy(trail, old, (<usize>depth) << 2);
  }
  store<u32>(trail + ((<usize>depth) << 2), <u32>changetype<usize>(directory));
  depth++;
  return true;
}

/** Goes to `child`, or to where it leads if it is a link. */
function enter(child: TreeNode): bool {
  if (isDirectory(child)) return push(child);
  if (!isSymlink(child)) return false;
  const record: usize = changetype<TreeInode>(<usize>child.inode).record;
  const bytes = load<u32>(record, 40);
  const target = record + RECORD_HEADER_BYTES + load<u32>(record, 36);
  targetBytes += min<u32>(bytes, MAX_TARGET_BYTES + 1);
  if (++links > MAX_LINKS || targetBytes > MAX_TARGET_BYTES || bytes === 0) return false;
  return followTarget(target, target + bytes);
}

/** Goes where a link's target leads to from here; ".." of the root is the root. */
function followTarget(at: usize, end: usize): bool {
  if (load<u8>(at) === 47) depth = 1;
  while (at < end) {
    const start = at;
    while (at < end && load<u8>(at) !== 47) at++;
    const bytes = <u32>(at - start);
    at++;
    if (bytes === 0 || (bytes === 1 && load<u8>(start) === 46)) continue;
    if (bytes === 2 && load<u16>(start) === 0x2e2e) {
      if (depth > 1) depth--;
      continue;
    }
    const child = findChild(here(), start, bytes);
    // What is hidden is not in the layer: an entry would be lost there.
    if (child === null || child.flags & TREE_HIDDEN || !enter(child)) return false;
  }
  return true;
}

/** Why the walk ended at `child`. */
function obstacleAt(child: TreeNode | null): u32 {
  if (child === null || child.inode === 0) return ERROR_LINK_NOT_HERE;
  if (!isSymlink(child)) return ERROR_NOT_DIRECTORY;
  return links > MAX_LINKS || targetBytes > MAX_TARGET_BYTES ? ERROR_LINK_LOOP : ERROR_LINK_NOWHERE;
}
