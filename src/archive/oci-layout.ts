import { GantryError, isGantryError } from "../errors/index.ts";
import { configPlatform } from "../image/config.ts";
import { digestHex } from "../image/digest.ts";
import { parseIndex, parseManifest } from "../image/manifest.ts";
import { isImageConfigType, isIndexType, isManifestType } from "../image/media-types.ts";
import { formatPlatform, hostPlatform, platformMatches } from "../image/platform.ts";
import { fullTagName } from "../image/reference.ts";
import type { Descriptor, ImageManifest, Platform } from "../image/types.ts";
import type { ArchivedImage } from "./archived-image.ts";
import type { ArchiveContents } from "./contents.ts";
import { identifyConfig, readVerified } from "./read-config.ts";

/** Indexes may point to indexes (image-index.md); nobody needs more than two levels. */
const MAX_DEPTH = 8;

const blobName = (descriptor: Descriptor): string => `blobs/sha256/${digestHex(descriptor.digest)}`;

/** A manifest that an index leads to. */
export interface FoundManifest {
  descriptor: Descriptor;
  bytes: Uint8Array;
  manifest: ImageManifest;
  names: string[];
}

/**
 * The images of an OCI image layout (image-layout.md): those that index.json names, and of an image for several
 * platforms the one for `wanted`, else the host's, else the first that is there. What an index lists and the archive
 * does not hold is passed over, as is what is no image (attestations).
 * @throws MANIFEST_INVALID, CONFIG_INVALID, DIGEST_INVALID, DIGEST_MISMATCH, LAYER_MISSING, PLATFORM_NOT_FOUND
 */
export function readOciLayout(contents: ArchiveContents, index: Uint8Array, wanted?: Platform): ArchivedImage[] {
  const found = select(contents, findManifests(contents, index), wanted);
  return found.map((image) => {
    const { config: configDescriptor, layers } = image.manifest;
    const name = blobName(configDescriptor);
    const bytes = readVerified(contents, name, configDescriptor);
    if (bytes === undefined)
      throw new GantryError("ARCHIVE_INVALID", `${contents.label}: the config ${name} is missing`);
    const identified = identifyConfig(bytes, `${contents.label}: ${name}`);
    const diffIds = identified.config.rootfs.diff_ids;
    if (layers.length !== diffIds.length) {
      throw new GantryError(
        "MANIFEST_INVALID",
        `${contents.label}: the manifest ${image.descriptor.digest} lists ${layers.length} layers but its config ${diffIds.length}`,
      );
    }
    return {
      ...identified,
      manifest: { descriptor: image.descriptor, bytes: image.bytes },
      layers: diffIds.map((diffId, position) => layerOf(contents, layers[position] as Descriptor, diffId)),
      names: image.names,
    };
  });
}

function layerOf(contents: ArchiveContents, descriptor: Descriptor, diffId: Descriptor["digest"]) {
  const file = contents.find(blobName(descriptor));
  if (file === undefined) {
    throw new GantryError("LAYER_MISSING", `${contents.label}: the layer ${descriptor.digest} is missing`, {
      remedy: "Save the image again.",
      details: { diffId, digest: descriptor.digest },
    });
  }
  if (file.size !== descriptor.size) {
    throw new GantryError(
      "DIGEST_MISMATCH",
      `${contents.label}: the layer ${descriptor.digest} is ${file.size} bytes long; its descriptor says ${descriptor.size}`,
      { details: { digest: descriptor.digest, wanted: descriptor.size, present: file.size } },
    );
  }
  return { diffId, file, descriptor };
}

/** Every image manifest that index.json leads to and that the archive holds, in the order of the index. */
export function findManifests(contents: ArchiveContents, index: Uint8Array): FoundManifest[] {
  const found = new Map<string, FoundManifest>();
  const visit = (descriptors: Descriptor[], names: string[], depth: number): void => {
    if (depth > MAX_DEPTH)
      throw new GantryError("MANIFEST_INVALID", `${contents.label}: indexes are nested too deeply`);
    for (const descriptor of descriptors) {
      if (descriptor.annotations?.["vnd.docker.reference.type"] !== undefined) continue; // an attestation
      const bytes = readVerified(contents, blobName(descriptor), descriptor);
      if (bytes === undefined) continue;
      const own = [...new Set([...names, ...namesOf(descriptor)])];
      const what = `${contents.label}: ${blobName(descriptor)}`;
      if (isIndexType(descriptor.mediaType)) visit(parseIndex(bytes, what).manifests, own, depth + 1);
      if (!isManifestType(descriptor.mediaType)) continue;
      const known = found.get(descriptor.digest);
      if (known !== undefined) {
        known.names = [...new Set([...known.names, ...own])];
        continue;
      }
      const manifest = parseManifest(bytes, what);
      // Artifacts (signatures, charts) are manifests as well, but no images.
      if (!isImageConfigType(manifest.config.mediaType)) continue;
      found.set(descriptor.digest, { descriptor, bytes, manifest, names: own });
    }
  };
  visit(parseIndex(index, `${contents.label}: index.json`).manifests, [], 0);
  return [...found.values()];
}

/**
 * containerd's annotation holds the full name. OCI's holds, by its writers' habits, a full name (skopeo) or a bare tag
 * (umoci, Docker): a bare tag names no repository.
 */
function namesOf(descriptor: Descriptor): string[] {
  const full = descriptor.annotations?.["io.containerd.image.name"];
  const short = descriptor.annotations?.["org.opencontainers.image.ref.name"];
  const text = full ?? (short !== undefined && /[:/]/.test(short) ? short : undefined);
  if (text === undefined) return [];
  try {
    return [fullTagName(text)];
  } catch (error) {
    if (isGantryError(error, "REFERENCE_INVALID")) return [];
    throw error;
  }
}

/** Of several manifests under one name (or under none), those for the platform; a manifest alone is what was meant. */
function select(contents: ArchiveContents, found: FoundManifest[], wanted: Platform | undefined): FoundManifest[] {
  const groups = new Map<string, FoundManifest[]>();
  for (const image of found) {
    const key =
      image.names.length === 0 && image.descriptor.platform === undefined
        ? image.descriptor.digest
        : image.names.join();
    groups.set(key, [...(groups.get(key) ?? []), image]);
  }
  return [...groups.values()].flatMap((group) => {
    const platform = wanted ?? hostPlatform();
    const matching = group.filter((image) => platformMatches(platformOf(contents, image), platform));
    if (matching.length > 0) return matching;
    if (wanted === undefined) return group.slice(0, 1);
    const offered = group.map((image) => formatPlatform(platformOf(contents, image))).join(", ");
    throw new GantryError(
      "PLATFORM_NOT_FOUND",
      `${contents.label} has no image for ${formatPlatform(platform)}: it has ${offered}`,
      { remedy: "Choose one of these with --platform." },
    );
  });
}

function platformOf(contents: ArchiveContents, image: FoundManifest): Platform {
  if (image.descriptor.platform !== undefined) return image.descriptor.platform;
  const bytes = readVerified(contents, blobName(image.manifest.config), image.manifest.config);
  return bytes === undefined
    ? { os: "", architecture: "" }
    : configPlatform(identifyConfig(bytes, "the config").config);
}
