import { closeSync, openSync, readSync, statSync } from "node:fs";
import { digestOf } from "../image/digest.ts";
import { encodeManifest } from "../image/manifest.ts";
import { OCI_LAYER, OCI_MANIFEST } from "../image/media-types.ts";
import { detectCompression } from "../kernels/detect-compression.ts";
import type { Descriptor, Digest, Image } from "../image/types.ts";
import { sha256Hex } from "../kernels/sha256.ts";
import type { Store } from "../store/store.ts";

/** An image as it goes into an archive. */
export interface SavedImage {
  image: Image;
  configBytes: number;
  manifest: Descriptor;
  /** The manifest, where it is not the store's. */
  manifestBytes?: Uint8Array;
  layers: { diffId: Digest; blob: Descriptor }[];
  /** Names under which it is saved, full form. */
  names: string[];
}

/**
 * The image with its manifest and layers as they were received, with one exception: Docker before 23 reads no zstd in an
 * archive, so an image with zstd layers is saved with a manifest of its uncompressed layers. Its id and diffIds are the same.
 * @throws BLOB_MISSING, STORE_CORRUPT
 */
export function savedImage(store: Store, image: Image, names: string[]): SavedImage {
  const configBytes = store.readBlob(image.id).length;
  const { layout } = store;
  const unreadable = image.layers.some(
    ({ diffId, blob }) => blob.digest !== diffId && !dockerReads(layout.blob(blob.digest)),
  );
  if (!unreadable) return { image, configBytes, manifest: image.manifest, layers: image.layers, names };
  const layers = image.layers.map(({ diffId }) => {
    const { size } = statSync(layout.layerTar(diffId));
    return { diffId, blob: { mediaType: OCI_LAYER, digest: diffId, size } };
  });
  const manifestBytes = encodeManifest({
    config: { digest: image.id, size: configBytes },
    layers: layers.map((layer) => layer.blob),
  });
  const digest = digestOf(sha256Hex(manifestBytes));
  const manifest = { mediaType: OCI_MANIFEST, digest, size: manifestBytes.length };
  return { image, configBytes, manifest, manifestBytes, layers, names };
}

/** Looks at the bytes: media types lie. A blob that is missing is reported when it is opened to be copied. */
function dockerReads(path: string): boolean {
  const start = Buffer.alloc(8);
  let fd: number;
  try {
    fd = openSync(path, "r");
  } catch {
    return true;
  }
  try {
    readSync(fd, start, 0, start.length, 0);
  } finally {
    closeSync(fd);
  }
  const compression = detectCompression(start);
  return compression === "none" || compression === "gzip";
}
