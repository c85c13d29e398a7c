import { GantryError } from "../errors/index.ts";
import type { LayerIndex } from "./layer-index.ts";

/** As many links as Linux follows for one path (path_resolution(7)). */
const MAX_LINKS = 40;

/**
 * Finds the node that a path names, taking every component as it is: a symbolic link on the way is not followed, so
 * nothing is found behind it. Leading slashes, empty and "." components are ignored; ".." is never found. A whiteout
 * is found like any other node.
 */
export function lookup(index: LayerIndex, path: Uint8Array | string): number | undefined {
  let node: number | undefined = 0;
  for (const name of components(path)) {
    node = index.child(node, name);
    if (node === undefined) return undefined;
  }
  return node;
}

/**
 * Finds the node that a path names for a process whose root is the image's: symbolic links are followed, absolute ones
 * from the image's root, and ".." stops at the root; nothing leads out. A link in the last component is followed unless
 * `followLast` is false. Undefined if there is nothing there, or if the way leads through something that is not a
 * directory.
 * @throws PATH_SYMLINK_LOOP after 40 links, as Linux gives up.
 */
export function resolvePath(
  index: LayerIndex,
  path: Uint8Array | string,
  options: { followLast?: boolean } = {},
): number | undefined {
  const pending = components(path).reverse();
  let node = 0;
  let links = 0;
  for (let name = pending.pop(); name !== undefined; name = pending.pop()) {
    if (isDotDot(name)) {
      node = index.parentOf(node);
      continue;
    }
    const child = index.child(node, name);
    const inode = child === undefined ? undefined : index.inodeOf(child);
    if (child === undefined || inode === undefined) return undefined;
    if (index.isSymlink(inode) && (pending.length > 0 || options.followLast !== false)) {
      if (++links > MAX_LINKS) throw loop(path);
      const target = index.linkTargetOf(inode);
      if (target.length === 0) return undefined;
      if (target[0] === SLASH) node = 0;
      pending.push(...components(target).reverse());
      continue;
    }
    if (pending.length > 0 && !index.isDirectory(inode)) return undefined;
    node = child;
  }
  return node;
}

const SLASH = 0x2f;
const DOT = 0x2e;

const isDotDot = (name: Uint8Array): boolean => name.length === 2 && name[0] === DOT && name[1] === DOT;

/** Splits at slashes; drops empty and "." components. */
function components(path: Uint8Array | string): Uint8Array[] {
  const bytes = typeof path === "string" ? Buffer.from(path) : path;
  const found: Uint8Array[] = [];
  for (let start = 0; start < bytes.length;) {
    const slash = bytes.indexOf(SLASH, start);
    const end = slash < 0 ? bytes.length : slash;
    const isDot = end - start === 1 && bytes[start] === DOT;
    if (end > start && !isDot) found.push(bytes.subarray(start, end));
    start = end + 1;
  }
  return found;
}

function loop(path: Uint8Array | string): GantryError {
  const text = typeof path === "string" ? path : Buffer.from(path).toString();
  return new GantryError(
    "PATH_SYMLINK_LOOP",
    `cannot find "${text}" in the image: more than ${MAX_LINKS} symbolic links`,
  );
}
