/** Hard links to lower layers: every one must lead to a file there, also one that a layer above hides. */
import { ENTRY_DIRECTORY, ENTRY_HARDLINK, INODE_BYTES, NODE_BYTES } from "../common/format";
import { Layer, layerAt, layersIn } from "./input";
import { lookUpBelow, lookUpLayer, lookUpNode } from "./look-up";
import { allocate, ERROR_LINK_MISSING, ERROR_LINK_TO_DIRECTORY, fail, state } from "./state";

let checkedLayers: u32 = 0;
let checkedInodes: u32 = 0;

/** Checks up to `count` inodes. True when all are checked. */
export function checkLinksSome(count: u32): bool {
  while (checkedLayers < layersIn()) {
    const layer = layerAt(checkedLayers);
    while (checkedInodes < layer.inodeCount) {
      if (count-- === 0) return false;
      const inode = <usize>layer.inodes + <usize>checkedInodes * INODE_BYTES;
      checkedInodes++;
      if (load<u8>(inode) === ENTRY_HARDLINK && !checkLink(checkedLayers, inode)) return false;
    }
    checkedLayers++;
    checkedInodes = 0;
  }
  return true;
}

function checkLink(number: u32, inode: usize): bool {
  const layer = layerAt(number);
  const target = <usize>layer.pool + load<u32>(inode, 64);
  const targetBytes = load<u32>(inode, 68);
  const found = lookUpBelow(number, target, targetBytes);
  if (found && !isDirectory(layerAt(lookUpLayer), lookUpNode)) return true;
  fail(found ? ERROR_LINK_TO_DIRECTORY : ERROR_LINK_MISSING, target, targetBytes);
  state.layer = layer.below;
  setPath(layer, load<u32>(inode, 88));
  return false;
}

function isDirectory(layer: Layer, node: usize): bool {
  return load<u8>(<usize>layer.inodes + <usize>load<u32>(node, 8) * INODE_BYTES) === ENTRY_DIRECTORY;
}

/** Puts the path of a node together, for the message. */
function setPath(layer: Layer, node: u32): void {
  const nodes: usize = layer.nodes;
  let bytes: u32 = 0;
  for (let i = node; i !== 0; i = load<u32>(nodes + <usize>i * NODE_BYTES, 20)) {
    bytes += load<u16>(nodes + <usize>i * NODE_BYTES, 4) + 1;
  }
  let at = allocate(bytes) + bytes;
  for (let i = node; i !== 0; i = load<u32>(nodes + <usize>i * NODE_BYTES, 20)) {
    const from = nodes + <usize>i * NODE_BYTES;
    const nameBytes: u32 = load<u16>(from, 4);
    at -= nameBytes + 1;
    store<u8>(at, 47);
    memory.copy(at + 1, <usize>layer.pool + load<u32>(from), nameBytes);
  }
  state.pathStart = <u32>at + 1;
  state.pathBytes = bytes === 0 ? 0 : bytes - 1;
}
