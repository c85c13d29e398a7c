/** Paths looked up in the layers below one that is being merged: for hard links across layers. */
import { ENTRY_DIRECTORY, INODE_BYTES, NO_INODE, NODE_BYTES, NODE_OPAQUE } from "../common/format";
import { layerAt } from "./input";
import { keyOf } from "./names";
import { allocate } from "./state";

/** Where the last look-up ended. */
export let lookUpLayer: u32 = 0;
export let lookUpNode: usize = 0;

/** The directories that the path so far is, topmost first: { u32 node, u32 layer }. */
let candidates: usize = 0;
let capacity: u32 = 0;

/**
 * Looks a normalised path up in the tree that the layers below `layer` make. True if it is there; symbolic links are not
 * followed.
 */
export function lookUpBelow(layer: u32, path: usize, bytes: u32): bool {
  if (layer === 0) return false;
  if (layer > capacity) {
    capacity = layer << 1;
    candidates = allocate(<u64>capacity * 8);
    if (candidates === 0) return false;
  }
  let count: u32 = 0;
  for (let i = layer; i > 0; i--) {
    const root: usize = layerAt(i - 1).nodes;
    count = addCandidate(count, root, i - 1);
    if (load<u16>(root, 6) & NODE_OPAQUE) break;
  }
  let at = path;
  const end = path + bytes;
  while (true) {
    let stop = at;
    while (stop < end && load<u8>(stop) !== 47) stop++;
    const found = step(count, at, <u32>(stop - at));
    if (found < 0) return false;
    if (stop === end) return true;
    // More components: only directories have them.
    if (found === 0) return false;
    count = found;
    at = stop + 1;
  }
}

function addCandidate(count: u32, node: usize, layer: u32): u32 {
  const to = candidates + ((<usize>count) << 3);
  store<u32>(to, <u32>node);
  store<u32>(to, layer, 4);
  return count + 1;
}

/**
 * Takes one component. -1: no such name; 0: it is no directory; else the number of directories that it is made of.
 * lookUpNode and lookUpLayer are the topmost.
 */
function step(count: u32, name: usize, bytes: u32): i32 {
  let found: u32 = 0;
  for (let i: u32 = 0; i < count; i++) {
    const candidate = candidates + ((<usize>i) << 3);
    const layer = load<u32>(candidate, 4);
    const child = findChild(layer, load<u32>(candidate), name, bytes);
    if (child === 0) continue;
    const inode = load<u32>(child, 8);
    const isDirectory =
      inode !== NO_INODE && load<u8>(<usize>layerAt(layer).inodes + <usize>inode * INODE_BYTES) === ENTRY_DIRECTORY;
    if (found === 0) {
      if (inode === NO_INODE) return -1;
      lookUpNode = child;
      lookUpLayer = layer;
      if (!isDirectory) return 0;
    } else if (!isDirectory) break;
    // `found` never passes `i`: the list is rewritten behind the reader.
    found = addCandidate(found, child, layer);
    if (load<u16>(child, 6) & NODE_OPAQUE) break;
  }
  return found === 0 ? -1 : found;
}

/** Binary search among the children of a directory node; 0: no such name. */
function findChild(layer: u32, directory: usize, name: usize, bytes: u32): usize {
  const nodes = layerAt(layer).nodes;
  const pool = layerAt(layer).pool;
  let low = load<u32>(directory, 12);
  let high = low + load<u32>(directory, 16);
  while (low < high) {
    const middle = (low + high) >>> 1;
    const node = <usize>nodes + <usize>middle * NODE_BYTES;
    const order = compare(name, bytes, <usize>pool + load<u32>(node), load<u16>(node, 4));
    if (order === 0) return node;
    if (order < 0) high = middle;
    else low = middle + 1;
  }
  return 0;
}

function compare(a: usize, aBytes: u32, b: usize, bBytes: u32): i32 {
  const both = min<u32>(aBytes, bBytes);
  for (let i: u32 = 0; i < both; i += 8) {
    const left = keyOf(a + i, both - i);
    const right = keyOf(b + i, both - i);
    if (left !== right) return left < right ? -1 : 1;
  }
  return <i32>aBytes - <i32>bBytes;
}
