import { readFileSync } from "node:fs";
import { join } from "node:path";
import { isGantryError } from "../errors/index.ts";
import type { Digest } from "../image/types.ts";
import { mergeChain as mergeIndexes } from "../kernels/layer.ts";
import { chainId } from "../layer/chain-id.ts";
import { LayerIndex } from "../layer/layer-index.ts";
import { type ChainStore, publishChain, writeScratchFile } from "./publish-chain.ts";

/**
 * The merged index of a chain of layers, bottom first (wasm/common/format.ts, INDEX_MERGED): from chains/ if it is there,
 * else merged from the layers' indexes and kept there for the next time. Without layers: an empty root directory.
 * @throws LAYER_MISSING, LAYER_INDEX_INVALID, NO_SPACE
 */
export async function chainIndex(store: ChainStore, diffIds: readonly Digest[]): Promise<Uint8Array> {
  const chain = chainId(diffIds);
  if (chain === undefined) return mergeIndexes([]);
  const cached = readChainIndex(store.layout.chainIndex(chain), diffIds.length);
  if (cached !== undefined) return cached;
  const merged = mergeChain(store, diffIds);
  const scratch = await store.scratch();
  try {
    const file = join(scratch.path, "chain.index");
    writeScratchFile(file, merged);
    await publishChain(store, diffIds, [{ from: file, to: store.layout.chainIndex(chain) }]);
  } finally {
    await scratch.dispose();
  }
  return merged;
}

/** Merges the indexes of a chain's layers, in memory. @throws LAYER_MISSING, LAYER_INDEX_INVALID */
export function mergeChain(store: Pick<ChainStore, "readLayerIndex">, diffIds: readonly Digest[]): Uint8Array {
  return mergeIndexes(diffIds.map((diffId) => store.readLayerIndex(diffId)));
}

/** A cached index, or undefined if it is not there or not what it should be: then it is made again. */
export function readChainIndex(path: string, layerCount: number): Uint8Array | undefined {
  try {
    const bytes = readFileSync(path);
    const index = new LayerIndex(bytes);
    return index.merged && index.layerCount === layerCount ? bytes : undefined;
  } catch (error) {
    if (isGantryError(error, "LAYER_INDEX_INVALID") || (error as NodeJS.ErrnoException).code === "ENOENT")
      return undefined;
    throw error;
  }
}
