/** The indexes that are to be merged, checked once so that the merge can trust them. */
import {
  ENTRY_DIRECTORY,
  EXTENT_BYTES,
  INDEX_HEADER_BYTES,
  INDEX_VERSION,
  INODE_BYTES,
  NO_INODE,
  NODE_BYTES,
  NODE_WHITEOUT,
} from "../common/format";
import { allocate, ERROR_INDEX, fail, state } from "./state";

/** One input, addresses instead of offsets. */
// @ts-ignore: decorator
@unmanaged
export class Layer {
  nodes: u32;
  nodeCount: u32;
  inodes: u32;
  inodeCount: u32;
  extents: u32;
  extentCount: u32;
  pool: u32;
  poolBytes: u32;
  /** Layers below it. */
  below: u32;
  layerCount: u32;
  /** Per inode, its number in the merged index + 1; 0: not in it yet. */
  outInodes: u32;
}
const LAYER_BYTES: usize = 48;

let layers: usize = 0;
let capacity: u32 = 0;
let count: u32 = 0;
/** The merged length of the inputs so far; all their nodes and inodes. */
let chainLength: u32 = 0;
let allNodes: u32 = 0;
let allInodes: u32 = 0;

export function startInput(indexes: u32): bool {
  capacity = indexes;
  layers = allocate(<u64>indexes * LAYER_BYTES);
  return layers !== 0;
}

export function layerAt(index: u32): Layer {
  return changetype<Layer>(layers + <usize>index * LAYER_BYTES);
}

export function layersIn(): u32 {
  return count;
}

export function chainLengthIn(): u32 {
  return chainLength;
}

export function nodesIn(): u32 {
  return allNodes;
}

export function inodesIn(): u32 {
  return allInodes;
}

/** Takes the index at `index`, the next layer up. Its nodes and inodes are checked later, by `checkSome`. */
export function addLayer(index: usize, bytes: u32): bool {
  state.layer = count;
  if (bytes < INDEX_HEADER_BYTES || load<u64>(index) !== 0x584c5952544e4147) return fail(ERROR_INDEX);
  if (load<u32>(index, 8) !== INDEX_VERSION || load<u64>(index, 80) !== <u64>bytes) return fail(ERROR_INDEX);
  const layer = layerAt(count);
  layer.nodeCount = load<u32>(index, 16);
  layer.inodeCount = load<u32>(index, 20);
  layer.layerCount = load<u32>(index, 24);
  layer.extentCount = load<u32>(index, 28);
  const poolBytes = load<u64>(index, 64);
  if (
    layer.nodeCount === 0 ||
    !fits(load<u64>(index, 32), <u64>layer.nodeCount * NODE_BYTES, bytes) ||
    !fits(load<u64>(index, 40), <u64>layer.inodeCount * INODE_BYTES, bytes) ||
    !fits(load<u64>(index, 48), <u64>layer.extentCount * EXTENT_BYTES, bytes) ||
    !fits(load<u64>(index, 56), poolBytes, bytes)
  ) {
    return fail(ERROR_INDEX);
  }
  layer.nodes = <u32>(index + <usize>load<u64>(index, 32));
  layer.inodes = <u32>(index + <usize>load<u64>(index, 40));
  layer.extents = <u32>(index + <usize>load<u64>(index, 48));
  layer.pool = <u32>(index + <usize>load<u64>(index, 56));
  layer.poolBytes = <u32>poolBytes;
  layer.below = chainLength;
  layer.outInodes = <u32>allocate(<u64>layer.inodeCount * 4);
  chainLength += layer.layerCount;
  allNodes += layer.nodeCount;
  allInodes += layer.inodeCount;
  count++;
  return state.error === 0;
}

function fits(offset: u64, bytes: u64, all: u64): bool {
  return offset <= all && bytes <= all - offset;
}

let checkedLayers: u32 = 0;
let checkedNodes: u32 = 0;
let checkedInodes: u32 = 0;

/** Checks up to `many` nodes and as many inodes. True when everything is checked. */
export function checkSome(many: u32): bool {
  while (checkedLayers < count) {
    const layer = layerAt(checkedLayers);
    state.layer = checkedLayers;
    const nodesEnd = min<u32>(layer.nodeCount, checkedNodes + many);
    while (checkedNodes < nodesEnd) if (!checkNode(layer, checkedNodes++)) return fail(ERROR_INDEX);
    const inodesEnd = min<u32>(layer.inodeCount, checkedInodes + many);
    while (checkedInodes < inodesEnd) if (!checkInode(layer, checkedInodes++)) return fail(ERROR_INDEX);
    if (checkedNodes < layer.nodeCount || checkedInodes < layer.inodeCount) return false;
    checkedLayers++;
    checkedNodes = 0;
    checkedInodes = 0;
  }
  return true;
}

/** Children come after their directory, so a walk ends; whiteouts have no inode, everything else has. */
function checkNode(layer: Layer, i: u32): bool {
  const node = <usize>layer.nodes + <usize>i * NODE_BYTES;
  const nameBytes: u32 = load<u16>(node, 4);
  const inode = load<u32>(node, 8);
  const children = load<u32>(node, 16);
  if (!fits(load<u32>(node), nameBytes, layer.poolBytes) || (nameBytes === 0) !== (i === 0)) return false;
  if (inode === NO_INODE) return i !== 0 && children === 0 && (load<u16>(node, 6) & NODE_WHITEOUT) !== 0;
  if (inode >= layer.inodeCount || load<u16>(node, 6) & NODE_WHITEOUT) return false;
  const isDirectory = load<u8>(<usize>layer.inodes + <usize>inode * INODE_BYTES) === ENTRY_DIRECTORY;
  if (i === 0 ? !isDirectory : load<u32>(node, 20) >= i) return false;
  if (children === 0) return true;
  return isDirectory && load<u32>(node, 12) > i && fits(load<u32>(node, 12), children, layer.nodeCount);
}

function checkInode(layer: Layer, i: u32): bool {
  const inode = <usize>layer.inodes + <usize>i * INODE_BYTES;
  return (
    load<u8>(inode) <= 6 &&
    load<u32>(inode, 36) < layer.layerCount &&
    fits(load<u32>(inode, 64), load<u32>(inode, 68), layer.poolBytes) &&
    fits(load<u32>(inode, 72), load<u32>(inode, 76), layer.poolBytes) &&
    fits(load<u32>(inode, 80), load<u32>(inode, 84), layer.extentCount) &&
    load<u32>(inode, 88) < layer.nodeCount
  );
}
