import { linkSync } from "node:fs";
import { join } from "node:path";
import type { Digest, Image } from "../image/types.ts";
import type { StoreLayout } from "../store/layout.ts";
import type { PublishedBlob, PublishedLayer } from "../store/store.ts";

/** A layer of the store, held by links of one's own: nobody's removal takes it away before it is published again. */
export interface HeldLayer {
  blob: PublishedBlob;
  layer: PublishedLayer;
}

/**
 * Holds the layer `diffId`, whose bytes as received are `blobDigest`, if the store has both.
 * @param received which tar each compressed blob of the store is, from images whose layers were verified
 */
export function holdLayer(
  layout: StoreLayout,
  scratch: string,
  wanted: { diffId: Digest; blobDigest: Digest },
  received: Map<Digest, Digest>,
): HeldLayer | undefined {
  const { diffId, blobDigest } = wanted;
  const plain = diffId === blobDigest;
  if (!plain && received.get(blobDigest) !== diffId) return undefined;
  const name = (suffix: string): string => join(scratch, `held-${blobDigest.slice(-64)}.${suffix}`);
  try {
    linkSync(layout.layerIndex(diffId), name("index"));
    linkSync(layout.layerTar(diffId), name("tar"));
    // The blob of a plain layer is its tar, also where the store has the tar from a compressed one.
    linkSync(plain ? layout.layerTar(diffId) : layout.blob(blobDigest), name("blob"));
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ENOENT") return undefined;
    throw error;
  }
  return {
    blob: { digest: blobDigest, file: name("blob"), durable: true },
    layer: { diffId, tar: name("tar"), index: name("index"), durable: true },
  };
}

/** Which tar each blob of the store's images is. */
export function receivedBlobs(images: readonly Image[]): Map<Digest, Digest> {
  return new Map(images.flatMap((image) => image.layers.map((layer) => [layer.blob.digest, layer.diffId])));
}
