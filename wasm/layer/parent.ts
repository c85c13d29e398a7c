/** The directory that an entry is in. */
import { descend } from "./descend";
import { followPath, isSymlink } from "./follow";
import { lastName, name, nameBytes, nextName, setName } from "./paths";
import { ERROR_LINK_REPLACED, ERROR_NOT_DIRECTORY, fail, state } from "./state";
import { isDirectory, TreeNode } from "./tree";

let root: TreeNode = changetype<TreeNode>(0);

/** The directory that the last entry was in, and its path as the entry wrote it. */
let lastDirectory: TreeNode = changetype<TreeNode>(0);
let lastPrefix: usize = 0;
let lastPrefixBytes: u32 = 0;
/** Whether that path leads through symbolic links. */
let lastIsThroughLinks: bool = false;

/** Whether the path that `directoryOf` was last asked about leads through symbolic links. */
export let throughLinks: bool = false;

export function setRoot(node: TreeNode): void {
  root = node;
}

/** To be called whenever a name that was something is replaced: the last directory, or a link to it, may be gone. */
export function forgetLast(): void {
  lastPrefixBytes = 0;
}

/**
 * The directory that holds the entry at `path`, made with all above it where missing; `name` is then the entry's own
 * name, empty for the root. Null after an error.
 */
export function directoryOf(path: usize, bytes: u32): TreeNode | null {
  let end = path + bytes;
  while (end > path && load<u8>(end - 1) === 47) end--;
  let start = end;
  while (start > path && load<u8>(start - 1) !== 47) start--;
  const prefixBytes = <u32>(start - path);
  if (prefixBytes > 0 && prefixBytes === lastPrefixBytes && memory.compare(path, lastPrefix, prefixBytes) === 0) {
    nextName(start, end);
    if (nameBytes > 0) {
      throughLinks = lastIsThroughLinks;
      return lastDirectory;
    }
    if (state.error !== 0) return null;
  }
  let directory: TreeNode = root;
  throughLinks = false;
  let at = nextName(path, end);
  while (nameBytes > 0) {
    const thisName = name;
    const thisBytes = nameBytes;
    at = nextName(at, end);
    if (state.error !== 0) return null;
    const nextStart = name;
    const nextBytes = nameBytes;
    setName(thisName, thisBytes);
    if (nextBytes === 0) break;
    const child = descend(directory);
    if (child === null) return null;
    if (!isDirectory(child)) {
      if (isSymlink(child)) return followToName(path, end);
      fail(ERROR_NOT_DIRECTORY, name, nameBytes);
      return null;
    }
    directory = child;
    setName(nextStart, nextBytes);
  }
  if (state.error !== 0) return null;
  if (name === start) remember(directory, path);
  return directory;
}

/** Keeps the directory for the next entry; only where the entry's own name follows the last slash: not for "a/.". */
function remember(directory: TreeNode, path: usize): void {
  lastDirectory = directory;
  lastPrefix = path;
  lastPrefixBytes = <u32>(name - path);
  lastIsThroughLinks = throughLinks;
}

/** `directoryOf` a path that leads through symbolic links. */
function followToName(path: usize, end: usize): TreeNode | null {
  const last = lastName(path, end);
  const bytes = nameBytes;
  if (state.error !== 0) return null;
  const directory = followPath(root, path, last, true);
  if (directory === null) return null;
  setName(last, bytes);
  throughLinks = true;
  if (last + bytes === end) remember(directory, path);
  return directory;
}

/**
 * The directory that a path leads to when `node` is gone: an entry takes its node's place after that was removed. Nothing is
 * made. Null after an error.
 */
export function followWithout(node: TreeNode, path: usize, end: usize): TreeNode | null {
  const inode = node.inode;
  const number = node.directory;
  node.inode = 0;
  node.directory = 0;
  const directory = followPath(root, path, end, false);
  node.inode = inode;
  node.directory = number;
  return directory;
}

/** Whether the entry at `path`, in `directory` through links, replaces nothing that its own path leads through. */
export function replacesNoStep(node: TreeNode, directory: TreeNode, path: usize): bool {
  const ownName = name;
  const ownBytes = nameBytes;
  const still = followWithout(node, path, ownName);
  if (still !== directory) {
    state.error = 0;
    return fail(ERROR_LINK_REPLACED, path, ownName + ownBytes - path);
  }
  setName(ownName, ownBytes);
  return true;
}
