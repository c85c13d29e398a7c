import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { digestHex, digestOf } from "../image/digest.ts";
import { encodeJson } from "../image/manifest.ts";
import { DOCKER_CONFIG, DOCKER_MANIFEST, OCI_CONFIG, OCI_MANIFEST } from "../image/media-types.ts";
import type { Descriptor, ImageConfig, ImageManifest } from "../image/types.ts";
import { sha256Hex } from "../kernels/sha256.ts";
import type { PublishedBlob } from "../store/store.ts";

/** An image's config and manifest, as files in a scratch directory. */
export interface ImageDocuments {
  blobs: PublishedBlob[];
  manifest: Descriptor;
}

/**
 * Writes the config and the manifest of a new image. Deterministic: same input, same digests.
 * @param layers of the manifest, bottom first
 * @param options.docker Docker's media types, for an image whose lower layers have them
 */
export function writeImageDocuments(
  scratch: string,
  config: ImageConfig,
  layers: Descriptor[],
  options: { docker?: boolean } = {},
): ImageDocuments {
  const blobs: PublishedBlob[] = [];
  const put = (document: unknown, mediaType: string): Descriptor => {
    const bytes = encodeJson(document);
    const digest = digestOf(sha256Hex(bytes));
    const file = join(scratch, `document-${digestHex(digest)}`);
    writeFileSync(file, bytes, { mode: 0o600 });
    blobs.push({ digest, file });
    return { mediaType, digest, size: bytes.length };
  };
  const docker = options.docker === true;
  const manifest: ImageManifest = {
    schemaVersion: 2,
    mediaType: docker ? DOCKER_MANIFEST : OCI_MANIFEST,
    config: put(config, docker ? DOCKER_CONFIG : OCI_CONFIG),
    layers,
  };
  return { blobs, manifest: put(manifest, manifest.mediaType as string) };
}
