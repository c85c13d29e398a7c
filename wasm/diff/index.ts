/**
 * Compares two merged trees (common/format.ts, section 2) by walking them together, depth first: the children of a
 * directory are sorted, so every pair of directories is a merge of two sorted runs. Linear in the size of the inputs.
 * What it says of a name: state.ts. File data is never looked at.
 *
 * Done in steps, so that the engine's optimised code takes over between calls; a step returns 1 when its part is done.
 * After each call the facade looks at LayerState.error.
 */
import { INODE_BYTES, NO_INODE, NODE_BYTES } from "../common/format";
import { addLayer, checkSome, Layer, layerAt, nodesIn, startInput } from "../layer/input";
import { compareNames } from "../layer/names";
import { allocate, ERROR_INDEX, fail, state } from "../layer/state";
import { compareInodes, compareLinks, keptLinks, setPairs, setSources } from "./inodes";
import { CHANGE_BYTES, NO_NODE, WHAT_LINKS, WHAT_LINKS_PENDING } from "./state";

/** 1: `startInput(2)`, `addLayer` for both, `checkSome`. */
export { addLayer, allocate, checkSome, startInput };

/** Address of the LayerState. */
export function stateAddress(): usize {
  return changetype<usize>(state);
}

let changes: usize = 0;
let count: u32 = 0;
let visited: u32 = 0;

/** The walk: per level the next child and the end of the children, in A and in B; 16 bytes. */
let stack: usize = 0;
let stackRoom: u32 = 0;
let depth: u32 = 0;

/** 2: the tables of source numbers, a u32 for each layer of A and of B. */
export function startDiff(sourcesA: usize, sourcesB: usize): bool {
  setSources(sourcesA, sourcesB);
  setPairs(allocate(<u64>layerAt(0).inodeCount * 4));
  changes = allocate(<u64>nodesIn() * CHANGE_BYTES);
  if (state.error !== 0) return false;
  return visitBoth(0, 0);
}

function nodeAt(layer: Layer, node: u32): usize {
  return <usize>layer.nodes + <usize>node * NODE_BYTES;
}

function inodeAt(layer: Layer, inode: u32): usize {
  return <usize>layer.inodes + <usize>inode * INODE_BYTES;
}

function addChange(nodeA: u32, nodeB: u32, what: u32): void {
  const change = changes + <usize>count * CHANGE_BYTES;
  store<u32>(change, nodeA);
  store<u32>(change, nodeB, 4);
  store<u32>(change, what, 8);
  count++;
}

/** A damaged index could lead to the same node again and again. */
function countVisits(nodes: u32): bool {
  visited += nodes;
  return visited > nodesIn() ? fail(ERROR_INDEX) : true;
}

/** The children of `nodeA` and of `nodeB` (NO_NODE: of nothing) are to be visited next. */
function push(nodeA: u32, nodeB: u32): bool {
  let aFirst: u32 = 0;
  let aEnd: u32 = 0;
  let bFirst: u32 = 0;
  let bEnd: u32 = 0;
  if (nodeA !== NO_NODE) {
    const node = nodeAt(layerAt(0), nodeA);
    aFirst = load<u32>(node, 12);
    aEnd = aFirst + load<u32>(node, 16);
  }
  if (nodeB !== NO_NODE) {
    const node = nodeAt(layerAt(1), nodeB);
    bFirst = load<u32>(node, 12);
    bEnd = bFirst + load<u32>(node, 16);
  }
  if (aFirst === aEnd && bFirst === bEnd) return true;
  if (depth === stackRoom) {
    const room = stackRoom === 0 ? 64 : stackRoom * 2;
    const larger = allocate(<u64>room * 16);
    if (larger === 0) return false;
    memory.copy(larger, stack, <usize>depth * 16);
    stack = larger;
    stackRoom = room;
  }
  const level = stack + <usize>depth * 16;
  store<u32>(level, aFirst);
  store<u32>(level, aEnd, 4);
  store<u32>(level, bFirst, 8);
  store<u32>(level, bEnd, 12);
  depth++;
  return true;
}

function visitBoth(nodeA: u32, nodeB: u32): bool {
  if (!countVisits(2)) return false;
  const a = layerAt(0);
  const b = layerAt(1);
  const i = load<u32>(nodeAt(a, nodeA), 8);
  const j = load<u32>(nodeAt(b, nodeB), 8);
  // Merged trees have no whiteouts.
  if (i === NO_INODE || j === NO_INODE) return fail(ERROR_INDEX);
  const inodeA = inodeAt(a, i);
  const inodeB = inodeAt(b, j);
  const what = compareInodes(a, inodeA, b, inodeB) | compareLinks(a, i, inodeA, j, inodeB);
  if (what !== 0) addChange(nodeA, nodeB, what);
  return push(nodeA, nodeB);
}

function visitOne(nodeA: u32, nodeB: u32): bool {
  if (!countVisits(1)) return false;
  addChange(nodeA, nodeB, 0);
  return push(nodeA, nodeB);
}

/** 3: visits about `many` names. True when all have been visited, or after an error. */
export function diffSome(many: u32): bool {
  const a = layerAt(0);
  const b = layerAt(1);
  while (depth > 0 && state.error === 0) {
    if (many-- === 0) return false;
    const level = stack + <usize>(depth - 1) * 16;
    const nodeA = load<u32>(level);
    const nodeB = load<u32>(level, 8);
    const moreA = nodeA < load<u32>(level, 4);
    const moreB = nodeB < load<u32>(level, 12);
    if (!moreA && !moreB) {
      depth--;
      continue;
    }
    let order: i32 = moreA ? -1 : 1;
    if (moreA && moreB) {
      const left = nodeAt(a, nodeA);
      const right = nodeAt(b, nodeB);
      order = compareNames(
        <usize>a.pool + load<u32>(left),
        load<u16>(left, 4),
        <usize>b.pool + load<u32>(right),
        load<u16>(right, 4),
      );
    }
    if (order <= 0) store<u32>(level, nodeA + 1);
    if (order >= 0) store<u32>(level, nodeB + 1, 8);
    if (order === 0) visitBoth(nodeA, nodeB);
    else if (order < 0) visitOne(nodeA, NO_NODE);
    else visitOne(NO_NODE, nodeB);
  }
  return true;
}

/** 4: decides about hard links and drops what turned out to be no change. The changes are LayerState's result. */
export function finishDiff(): void {
  const a = layerAt(0);
  let to = changes;
  const end = changes + <usize>count * CHANGE_BYTES;
  for (let at = changes; at < end; at += CHANGE_BYTES) {
    let what = load<u32>(at, 8);
    if (what & WHAT_LINKS_PENDING) {
      what &= ~WHAT_LINKS_PENDING;
      const i = load<u32>(nodeAt(a, load<u32>(at)), 8);
      if (!keptLinks(i, inodeAt(a, i))) what |= WHAT_LINKS;
      if (what === 0) continue;
    }
    store<u64>(to, load<u64>(at));
    store<u64>(to, what, 8);
    to += CHANGE_BYTES;
  }
  state.result = <u32>changes;
  state.resultBytes = <u32>(to - changes);
}
