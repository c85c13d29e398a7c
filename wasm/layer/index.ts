/**
 * Layer indexes (wasm/common/format.ts, section 2): built from the entry records of one layer, merged from the indexes
 * of a chain, or made of what two merged trees do not share. Memory map: state.ts.
 *
 * Every job is done in steps, so that the engine's optimised code takes over between calls; a step returns 1 when its
 * part is done. After each call the facade looks at LayerState.error.
 */
import { INDEX_MERGED } from "../common/format";
import { applyRecord, startApply } from "./apply";
import { compareSome, differenceSome, startDifference, startLayer } from "./difference";
import { emitSome, startEmit } from "./emit";
import { addLayer, chainLengthIn, checkSome, layerAt, startInput } from "./input";
import { checkLinksSome } from "./links";
import { mergeSome, startMerge } from "./merge";
import { setHashKey } from "./names";
import { startIndex, writeSome } from "./out";
import { allocate, state } from "./state";
import { startTree, TreeNode } from "./tree";

export { allocate };

/** Address of the LayerState. */
export function stateAddress(): usize {
  return changetype<usize>(state);
}

let recordsAt: usize = 0;
let recordsEnd: usize = 0;
let root: TreeNode = changetype<TreeNode>(0);

/** Build, 1: takes the records, about `expected` of them. The two numbers key the hash. */
export function startBuild(records: usize, bytes: u32, expected: u32, keyLow: u64, keyHigh: u64): void {
  recordsAt = records;
  recordsEnd = records + bytes;
  setHashKey(keyLow, keyHigh);
  root = startTree(expected);
  startApply(root);
}

/** Build, 2: applies up to `count` records. */
export function applySome(count: u32): bool {
  while (recordsAt < recordsEnd && count-- > 0) {
    if (!applyRecord(recordsAt, recordsEnd)) return true;
    recordsAt += load<u32>(recordsAt);
  }
  return recordsAt >= recordsEnd;
}

/** Build, 3: the tree is complete. Then `emitSome`, `startBuiltIndex` and `writeSome`. */
export function finishTree(): bool {
  return startEmit(root);
}

export { emitSome, writeSome };

export function startBuiltIndex(): bool {
  return startIndex(0, 1);
}

/** Merge, 1: `startInput`, then `addLayer` for each index, bottom first, then `checkSome`, `checkLinksSome`. */
export { addLayer, checkLinksSome, checkSome, startInput };

/** Merge, 2: everything is checked. Then `mergeSome`, `startMergedIndex` and `writeSome`. */
export { mergeSome, startMerge };

export function startMergedIndex(): bool {
  return startIndex(INDEX_MERGED, chainLengthIn());
}

/**
 * Difference: `startInput(2)`, `addLayer` for the lower tree and the whole tree, both merged, `checkSome`, `startDifference`,
 * `compareSome`, `startLayer`, `differenceSome`, `startDifferenceIndex` and `writeSome`.
 */
export { compareSome, differenceSome, startDifference, startLayer };

/** Inodes count layers as the whole tree does. */
export function startDifferenceIndex(): bool {
  return startIndex(0, layerAt(1).layerCount);
}
