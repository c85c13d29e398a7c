import { linkSync, statSync } from "node:fs";
import { join } from "node:path";
import { isGantryError } from "../errors/index.ts";
import type { Digest, Image } from "../image/types.ts";
import { layerProblem } from "../store/layer-problem.ts";
import type { StoreLayout } from "../store/layout.ts";
import type { PublishedBlob, PublishedLayer } from "../store/store.ts";

/** A layer of the store, held by links of one's own: nobody's removal takes it away before it is published again. */
export interface HeldLayer {
  blob: PublishedBlob;
  layer: PublishedLayer;
}

/**
 * Holds the layer `diffId`, whose bytes as received are `blobDigest`, if the store has both, and sees nothing wrong with
 * them: what is damaged is to be taken in again.
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
    if (layerProblem(layout, diffId) !== undefined) return undefined;
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

/** Which tar each blob of the store's images is; without blobs that are not whole. */
export function receivedBlobs(images: readonly Image[], layout: StoreLayout): Map<Digest, Digest> {
  const received = new Map<Digest, Digest>();
  for (const { blob, diffId } of images.flatMap(layersOf)) {
    const found = statSync(layout.blob(blob.digest), { throwIfNoEntry: false });
    if (found?.size === blob.size) received.set(blob.digest, diffId);
  }
  return received;
}

/** None of a damaged image: loading it again is what repairs it. */
function layersOf(image: Image): Image["layers"] {
  try {
    return image.layers;
  } catch (error) {
    if (isGantryError(error)) return [];
    throw error;
  }
}
