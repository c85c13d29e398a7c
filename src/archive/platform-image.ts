import { GantryError } from "../errors/index.ts";
import { configPlatform } from "../image/config.ts";
import { digestHex } from "../image/digest.ts";
import { parseManifest } from "../image/manifest.ts";
import { isImageConfigType } from "../image/media-types.ts";
import type { Descriptor, ImageConfig, ImageManifest, Platform } from "../image/types.ts";
import type { AbsentPlatform, ListedLayer, PlatformImage } from "./archived-image.ts";
import type { ArchiveContents } from "./contents.ts";
import { identifyConfig, readVerified } from "./read-config.ts";

/** Where an OCI layout has a blob (image-layout.md). */
export const blobName = (descriptor: Descriptor): string => `blobs/sha256/${digestHex(descriptor.digest)}`;

/** What a manifest's descriptor leads to. */
export type FoundManifest = { image: PlatformImage } | { absent: AbsentPlatform } | { otherParts: Descriptor[] };

/**
 * Reads the image manifest of a layout that `descriptor` points to, and its config. Layers may be absent, and the
 * manifest or its config: then the platform is. What is no image (attestations, signatures, charts) is told by its parts.
 * @throws MANIFEST_INVALID, CONFIG_INVALID, DIGEST_INVALID, DIGEST_MISMATCH, ARCHIVE_INVALID
 */
export function readPlatformImage(contents: ArchiveContents, descriptor: Descriptor): FoundManifest {
  const { platform } = descriptor;
  const absent = (missing: Descriptor): FoundManifest =>
    isUnknown(platform) || isAttestation(descriptor)
      ? { otherParts: [descriptor] }
      : { absent: { platform, manifest: descriptor, missing: [missing.digest] } };
  const bytes = readVerified(contents, blobName(descriptor), descriptor);
  if (bytes === undefined) return absent(descriptor);
  const manifest = parseManifest(bytes, `${contents.label}: ${blobName(descriptor)}`);
  if (!isImageConfigType(manifest.config.mediaType) || isAttestation(descriptor) || isUnknown(platform)) {
    return { otherParts: [descriptor, manifest.config, ...manifest.layers] };
  }
  const name = blobName(manifest.config);
  const configBytes = readVerified(contents, name, manifest.config);
  if (configBytes === undefined) return absent(manifest.config);
  const identified = identifyConfig(configBytes, `${contents.label}: ${name}`);
  return {
    image: {
      ...identified,
      platform: joinedPlatform(identified.config, platform),
      manifest: { descriptor, bytes },
      layers: layersOf(contents, descriptor, manifest, identified.config),
    },
  };
}

function layersOf(
  contents: ArchiveContents,
  { digest }: Descriptor,
  { layers }: ImageManifest,
  config: ImageConfig,
): ListedLayer[] {
  const diffIds = config.rootfs.diff_ids;
  if (layers.length !== diffIds.length) {
    throw new GantryError(
      "MANIFEST_INVALID",
      `${contents.label}: the manifest ${digest} lists ${layers.length} layers but its config ${diffIds.length}`,
    );
  }
  return layers.map((descriptor, position) => {
    const file = contents.find(blobName(descriptor));
    if (file !== undefined && file.size !== descriptor.size) {
      throw new GantryError(
        "DIGEST_MISMATCH",
        `${contents.label}: the layer ${descriptor.digest} is ${file.size} bytes long; its descriptor says ${descriptor.size}`,
        { details: { digest: descriptor.digest, wanted: descriptor.size, present: file.size } },
      );
    }
    return { diffId: diffIds[position] as Descriptor["digest"], name: blobName(descriptor), file, descriptor };
  });
}

/** The config's word, and the index's where the config is silent: many configs for arm say no variant. */
function joinedPlatform(config: ImageConfig, said: Platform | undefined): Platform {
  const own = configPlatform(config);
  if (said === undefined) return own;
  if (own.architecture === "") return said;
  return own.architecture === said.architecture && own.os === said.os ? { ...said, ...own } : own;
}

/** BuildKit's attestations are listed for a platform that does not exist. */
function isUnknown(platform: Platform | undefined): boolean {
  return platform !== undefined && platform.os === "unknown" && platform.architecture === "unknown";
}

function isAttestation({ annotations }: Descriptor): boolean {
  return annotations?.["vnd.docker.reference.type"] !== undefined;
}
