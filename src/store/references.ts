import { chainId } from "../layer/chain-id.ts";
import { digestHex, isDigest } from "../image/digest.ts";
import type { Digest, Image } from "../image/types.ts";
import { containerIds, readContainerFile } from "./container-files.ts";
import type { StoreLayout } from "./layout.ts";

/** What is needed by something: hexadecimal digests, as the file names are. */
export interface References {
  blobs: Set<string>;
  layers: Set<string>;
  chains: Set<string>;
}

/**
 * Everything that the images and the containers of the store need. A container keeps its layers and its chain even when
 * its image has been removed by force.
 */
export function collectReferences(images: readonly Image[], layout: StoreLayout): References {
  const found: References = { blobs: new Set(), layers: new Set(), chains: new Set() };
  const holdChain = (diffIds: Digest[]): void => {
    for (const diffId of diffIds) found.layers.add(digestHex(diffId));
    const chain = chainId(diffIds);
    if (chain !== undefined) found.chains.add(digestHex(chain));
  };
  for (const image of images) {
    found.blobs.add(digestHex(image.id)).add(digestHex(image.manifest.digest));
    for (const { descriptor, parts = [] } of image.indexes) {
      for (const { digest } of [descriptor, ...parts]) found.blobs.add(digestHex(digest));
    }
    for (const layer of image.layers) found.blobs.add(digestHex(layer.blob.digest));
    holdChain(image.layers.map((layer) => layer.diffId));
  }
  for (const diffIds of containerChains(layout)) holdChain(diffIds);
  return found;
}

/** The layers of every container, from the `layers` of its record. */
export function* containerChains(layout: StoreLayout): Generator<Digest[]> {
  for (const id of containerIds(layout)) {
    const layers = readContainerFile(layout, id, "container.json")?.["layers"];
    if (Array.isArray(layers)) yield layers.filter(isDigest);
  }
}
