import { statSync } from "node:fs";
import { digestOf } from "../image/digest.ts";
import { encodeJson, parseManifest } from "../image/manifest.ts";
import { OCI_CONFIG, OCI_MANIFEST, ociLayerType } from "../image/media-types.ts";
import type { Descriptor, Digest, Image, ImageManifest } from "../image/types.ts";
import { sha256Hex } from "../kernels/sha256.ts";
import type { Store } from "../store/store.ts";

/** A layer as it goes into an archive. */
export interface SavedLayer {
  diffId: Digest;
  blob: Descriptor;
  /** Where its bytes are; undefined for one that a delta leaves out. */
  file: string | undefined;
}

/** An image as it goes into an archive. */
export interface SavedImage {
  image: Image;
  config: Descriptor;
  manifest: Descriptor;
  /** The manifest, where it is not the store's. */
  manifestBytes: Uint8Array | undefined;
  /** Bottom first. */
  layers: SavedLayer[];
}

/**
 * The image with its layers in the form that `layerOf` gives each. Its id and diffIds are always the same; its manifest is
 * the one that was received, if all layers are, else an OCI manifest of those layers with the received one's annotations.
 * @throws BLOB_MISSING, MANIFEST_INVALID, STORE_CORRUPT
 */
export function savedImage(store: Store, image: Image, layerOf: (layer: Image["layers"][0]) => SavedLayer): SavedImage {
  const layers = image.layers.map(layerOf);
  const config = { mediaType: OCI_CONFIG, digest: image.id, size: store.readBlob(image.id).length };
  const asReceived = layers.every(({ blob }, index) => blob.digest === image.layers[index]?.blob.digest);
  if (asReceived) return { image, config, manifest: image.manifest, manifestBytes: undefined, layers };
  const received = parseManifest(store.readBlob(image.manifest.digest), `the manifest of image ${image.id}`);
  const manifestBytes = encodeJson({
    schemaVersion: 2,
    mediaType: OCI_MANIFEST,
    config,
    layers: layers.map(({ blob }) => ({ ...blob, mediaType: ociLayerType(blob.mediaType) })),
    ...(received.annotations === undefined ? {} : { annotations: received.annotations }),
  } satisfies ImageManifest);
  const manifest = {
    mediaType: OCI_MANIFEST,
    digest: digestOf(sha256Hex(manifestBytes)),
    size: manifestBytes.length,
  };
  return { image, config, manifest, manifestBytes, layers };
}

/** The layer as it was received. */
export function receivedLayer(store: Store, { diffId, blob }: Image["layers"][0]): SavedLayer {
  // An uncompressed layer may be in the store as the tar of a compressed one only.
  const file = store.hasBlob(blob.digest) ? store.layout.blob(blob.digest) : store.layout.layerTar(diffId);
  return { diffId, blob, file };
}

/** The layer as its tar. @throws BLOB_MISSING */
export function plainLayer(store: Store, layer: Image["layers"][0], mediaType: string): SavedLayer {
  const { diffId, blob } = layer;
  if (blob.digest === diffId) return receivedLayer(store, layer);
  const file = store.layout.layerTar(diffId);
  return { diffId, blob: { mediaType, digest: diffId, size: statSync(file).size }, file };
}
