import { GantryError } from "../errors/index.ts";
import { chainId } from "../layer/chain-id.ts";
import type { Digest, Image } from "../image/types.ts";
import { containerChains } from "../store/references.ts";
import type { Store } from "../store/store.ts";

/** A layer with those below it, which is what Docker counts and names as a layer. */
export interface LayerChain {
  /** The same for the same stack of layers; computing ids would hash. */
  key: string;
  id: () => Digest;
}

/** Every chain of the images, tops first; each once. An image that cannot be read has none. */
export function chainsOf(images: readonly Image[]): LayerChain[] {
  const chains = new Map<string, LayerChain>();
  for (const image of images) {
    const diffIds = diffIdsOf(image) ?? [];
    for (let height = diffIds.length; height > 0; height--) {
      const stack = diffIds.slice(0, height);
      const key = stack.join(" ");
      if (!chains.has(key)) chains.set(key, { key, id: () => chainId(stack) as Digest });
    }
  }
  return [...chains.values()];
}

/** The keys of the chains that images and containers of the store have; undefined if that cannot be told. */
export function chainsInUse(store: Store): Set<string> | undefined {
  const stacks: (readonly Digest[])[] = [...containerChains(store.layout)];
  for (const image of store.images()) {
    const diffIds = diffIdsOf(image);
    if (diffIds === undefined) return undefined;
    stacks.push(diffIds);
  }
  const keys = new Set<string>();
  for (const stack of stacks) {
    let key = "";
    for (const diffId of stack) keys.add((key += key === "" ? diffId : ` ${diffId}`));
  }
  return keys;
}

function diffIdsOf(image: Image): Digest[] | undefined {
  try {
    return image.config.rootfs.diff_ids;
  } catch (error) {
    if (error instanceof GantryError) return undefined;
    throw error;
  }
}
