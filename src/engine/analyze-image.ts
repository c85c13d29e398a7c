import type { Reporter } from "../events/progress.ts";
import type { Digest } from "../image/types.ts";
import { displayBytes } from "../kernels/display-bytes.ts";
import type { LayerIndex } from "../layer/layer-index.ts";
import { lookup } from "../layer/resolve-path.ts";
import type { Store } from "../store/store.ts";
import type { FileTree, OpenTreeOptions } from "./file-tree.ts";
import { openFileTree } from "./open-file-tree.ts";

/** What one layer brings, and what of it nobody sees. Bytes are of regular files, hard links once. */
export interface AnalyzedLayer {
  /** 1 is the bottom. */
  number: number;
  /** Undefined for a container's own changes. */
  diffId: Digest | undefined;
  /** The build step, as the history has it; empty if it has none. */
  createdBy: string;
  /** Names in the layer, directories too, without whiteouts. */
  files: number;
  /** Whiteouts and opaque directories. */
  whiteouts: number;
  size: number;
  /** Of files that a later layer deletes or writes again. */
  wasted: number;
}

/** A path that costs bytes which nobody sees. */
export interface WastedPath {
  path: string;
  /** Bytes in all layers. */
  size: number;
  /** How many layers hold a copy that is not seen. */
  copies: number;
  /** `deleted`: the path is not in the image at all; else it was written again. */
  fate: "deleted" | "rewritten";
}

export interface ImageAnalysis {
  name: string;
  id: string;
  /** Of all layers together. */
  size: number;
  /** Of the files that the image shows. */
  visible: number;
  /** size - visible */
  wasted: number;
  /** visible / size; 1 for an image without data. */
  efficiency: number;
  layers: AnalyzedLayer[];
  /** Largest first. */
  wastedPaths: WastedPath[];
}

/**
 * Says how many bytes each layer of an image, archive or container brings and how many of them are wasted: of files that later
 * layers rewrite or delete, which are stored and transferred all the same. Answered from the indexes.
 * @throws what opening the tree throws
 */
export async function analyzeImage(
  store: Store,
  given: string,
  reporter: Reporter,
  options: OpenTreeOptions = {},
): Promise<ImageAnalysis> {
  const tree = await openFileTree(store, given, reporter, options);
  try {
    return analyze(tree);
  } finally {
    await tree.dispose();
  }
}

function analyze(tree: FileTree): ImageAnalysis {
  const seen = seenData(tree.index, tree.layers.length);
  const wastedPaths = new Map<string, WastedPath>();
  const steps = (tree.config.history ?? []).filter((step) => step.empty_layer !== true);
  const layers = tree.layers.map(({ diffId, index: open }, n): AnalyzedLayer => {
    const index = open();
    let wasted = 0;
    for (let inode = 0; inode < index.inodeCount; inode++) {
      if (!index.isRegular(inode) || seen[n]!.has(index.dataOffsetOf(inode))) continue;
      const size = index.sizeOf(inode);
      if (size === 0) continue;
      wasted += size;
      addWaste(wastedPaths, tree.index, index.pathOf(index.firstNodeOf(inode)), size);
    }
    const { files, whiteouts } = countNames(index);
    const createdBy = steps[n]?.created_by ?? "";
    return { number: n + 1, diffId, createdBy, files, whiteouts, size: index.dataBytes, wasted };
  });
  const size = layers.reduce((sum, layer) => sum + layer.size, 0);
  const visible = tree.index.dataBytes;
  return {
    name: tree.label,
    id: tree.id,
    size,
    visible,
    wasted: size - visible,
    efficiency: size === 0 ? 1 : visible / size,
    layers,
    wastedPaths: [...wastedPaths.values()].sort((a, b) => b.size - a.size || (a.path < b.path ? -1 : 1)),
  };
}

/** For each layer the offsets of the data that the merged tree shows. */
function seenData(merged: LayerIndex, layerCount: number): Set<number>[] {
  const seen = Array.from({ length: layerCount }, () => new Set<number>());
  for (let inode = 0; inode < merged.inodeCount; inode++) {
    if (merged.isRegular(inode)) seen[merged.layerOf(inode)]?.add(merged.dataOffsetOf(inode));
  }
  return seen;
}

function addWaste(paths: Map<string, WastedPath>, merged: LayerIndex, raw: Buffer, size: number): void {
  const key = raw.toString("latin1");
  const known = paths.get(key);
  if (known !== undefined) {
    known.size += size;
    known.copies++;
    return;
  }
  const fate = lookup(merged, raw) === undefined ? "deleted" : "rewritten";
  paths.set(key, { path: `/${displayBytes(raw)}`, size, copies: 1, fate });
}

function countNames(index: LayerIndex): { files: number; whiteouts: number } {
  let whiteouts = 0;
  let opaque = 0;
  for (let node = 1; node < index.nodeCount; node++) {
    if (index.isWhiteout(node)) whiteouts++;
    else if (index.isOpaque(node)) opaque++;
  }
  return { files: index.nodeCount - 1 - whiteouts, whiteouts: whiteouts + opaque };
}
