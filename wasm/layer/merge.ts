/**
 * Overlays the layers' trees, bottom first, into one: for each directory of the result, the children of the directories
 * that it is made of are sorted together, topmost first among equals, and each name is decided once.
 */
import {
  ENTRY_DIRECTORY,
  ENTRY_HARDLINK,
  INODE_BYTES,
  NO_INODE,
  NODE_BYTES,
  NODE_IMPLIED,
  NODE_OPAQUE,
} from "../common/format";
import { inodesIn, Layer, layerAt, layersIn, nodesIn } from "./input";
import { compareRefs, REF_BYTES, REF_LAYER, REF_NAME, REF_NAME_BYTES, REF_NODE, sortRefs, writeRef } from "./names";
import { addInode, addNode, closeDirectory, linkInode, nextInode, nodesOut, startOut } from "./out";
import { lookUpBelow, lookUpLayer, lookUpNode } from "./look-up";
import { allocate, state } from "./state";

/** Per out node, the list of its source directories (0: it is no directory): u32 count, then { u32 node, u32 layer }. */
let sources: usize = 0;
let refs: usize = 0;
let spare: usize = 0;
let refsCapacity: u32 = 0;
/** The next out node whose children are to be merged. */
let position: u32 = 0;

function inodeOf(layer: Layer, node: usize): usize {
  return <usize>layer.inodes + <usize>load<u32>(node, 8) * INODE_BYTES;
}

function isDirectory(layer: u32, node: usize): bool {
  return load<u32>(node, 8) !== NO_INODE && load<u8>(inodeOf(layerAt(layer), node)) === ENTRY_DIRECTORY;
}

export function startMerge(): bool {
  sources = allocate(<u64>nodesIn() * 4);
  if (!startOut(nodesIn(), inodesIn())) return false;
  // The roots are one group, topmost first.
  const count = layersIn();
  const group = allocate(<u64>count * REF_BYTES);
  if (group === 0) return false;
  for (let i: u32 = 0; i < count; i++) {
    writeRef(group + <usize>i * REF_BYTES, 0, 0, layerAt(count - 1 - i).nodes, count - 1 - i);
  }
  return mergeGroup(group, group + <usize>count * REF_BYTES, 0);
}

/** Merges the children of about `count` nodes. True when all are merged. */
export function mergeSome(count: u32): bool {
  const stop = position + count;
  while (position < nodesOut()) {
    if (position >= stop || state.error !== 0) return false;
    const list = load<u32>(sources + ((<usize>position) << 2));
    if (list !== 0) mergeChildren(list, position);
    position++;
  }
  return true;
}

function mergeChildren(list: usize, parent: u32): void {
  const count = load<u32>(list);
  let children: u32 = 0;
  for (let i: u32 = 0; i < count; i++) children += load<u32>(load<u32>(list + 4 + ((<usize>i) << 3)), 16);
  if (children > refsCapacity) {
    refsCapacity = max<u32>(1024, children << 1);
    refs = allocate(<u64>refsCapacity * REF_BYTES);
    spare = allocate(<u64>refsCapacity * REF_BYTES);
    if (state.error !== 0) return;
  }
  let to = refs;
  for (let i: u32 = 0; i < count; i++) {
    const source = list + 4 + ((<usize>i) << 3);
    to = gather(load<u32>(source), load<u32>(source, 4), to);
  }
  const first = nodesOut();
  let at = count === 1 || children === 0 ? refs : sortRefs(refs, spare, children);
  const end = at + <usize>children * REF_BYTES;
  while (at < end) {
    let next = at + REF_BYTES;
    while (next < end && compareRefs(at, next) === 0) next += REF_BYTES;
    if (!mergeGroup(at, next, parent)) return;
    at = next;
  }
  closeDirectory(parent, first);
}

/** Refs to the children of one source directory. */
function gather(node: usize, layer: u32, to: usize): usize {
  const nodes = layerAt(layer).nodes;
  const pool = layerAt(layer).pool;
  let child = <usize>nodes + <usize>load<u32>(node, 12) * NODE_BYTES;
  for (let i = load<u32>(node, 16); i > 0; i--) {
    writeRef(to, <usize>pool + load<u32>(child), load<u16>(child, 4), child, layer);
    to += REF_BYTES;
    child += NODE_BYTES;
  }
  return to;
}

/** Decides one name: the refs [at, end) are all that the layers say of it, topmost first. */
function mergeGroup(at: usize, end: usize, parent: u32): bool {
  const node: usize = load<u32>(at, REF_NODE);
  if (load<u32>(node, 8) === NO_INODE) return true;
  const layer = load<u32>(at, REF_LAYER);
  const name: usize = load<u32>(at, REF_NAME);
  const nameBytes = load<u32>(at, REF_NAME_BYTES);
  if (!isDirectory(layer, node)) {
    store<u32>(sources + ((<usize>nodesOut()) << 2), 0);
    addNode(name, nameBytes, 0, inodeNumber(layer, node), parent);
    return true;
  }
  // Its attributes are the topmost entry's, implied directories having none (all implied: the bottommost counts, as if
  // the layers had been merged one by one); its children all layers' down to the first
  // opaque directory. Both end where the name is no directory.
  let attributes = at;
  let searching = true;
  let showing: u32 = 0;
  let hidden = false;
  let ref = at;
  while (ref < end && (searching || !hidden)) {
    const below: usize = load<u32>(ref, REF_NODE);
    if (!isDirectory(load<u32>(ref, REF_LAYER), below)) break;
    const flags = load<u16>(below, 6);
    if (searching) {
      attributes = ref;
      searching = (flags & NODE_IMPLIED) !== 0;
    }
    if (!hidden) showing++;
    if (flags & NODE_OPAQUE) hidden = true;
    ref += REF_BYTES;
  }
  const list = allocate(4 + <u64>showing * 8);
  if (list === 0) return false;
  store<u32>(list, showing);
  for (let i: usize = 0; i < showing; i++) store<u64>(list + 4 + (i << 3), load<u64>(at + i * REF_BYTES, REF_NODE));
  store<u32>(sources + ((<usize>nodesOut()) << 2), <u32>list);
  const from = layerAt(load<u32>(attributes, REF_LAYER));
  copyInode(from, inodeOf(from, load<u32>(attributes, REF_NODE)));
  addNode(name, nameBytes, 0, addInode(), parent);
  return true;
}

/** The number in the merged index of what a name that is no directory stands for; links have been checked. */
function inodeNumber(layer: u32, node: usize): u32 {
  while (load<u8>(inodeOf(layerAt(layer), node)) === ENTRY_HARDLINK) {
    const from = layerAt(layer);
    const inode = inodeOf(from, node);
    lookUpBelow(layer, <usize>from.pool + load<u32>(inode, 64), load<u32>(inode, 68));
    layer = lookUpLayer;
    node = lookUpNode;
  }
  const from = layerAt(layer);
  const slot = <usize>from.outInodes + ((<usize>load<u32>(node, 8)) << 2);
  const out = load<u32>(slot);
  if (out !== 0) {
    linkInode(out - 1);
    return out - 1;
  }
  copyInode(from, inodeOf(from, node));
  const number = addInode();
  store<u32>(slot, number + 1);
  return number;
}

function copyInode(from: Layer, inode: usize): void {
  const to = nextInode();
  memory.copy(to, inode, INODE_BYTES);
  store<u32>(to, load<u32>(inode, 36) + from.below, 36);
  store<u32>(to, load<u32>(inode, 64) + from.pool, 64);
  store<u32>(to, load<u32>(inode, 72) + from.pool, 72);
  store<u32>(to, load<u32>(inode, 80) * 16 + from.extents, 80);
}
