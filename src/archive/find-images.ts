import { GantryError } from "../errors/index.ts";
import { configPlatform } from "../image/config.ts";
import { formatPlatform, platformMatches } from "../image/platform.ts";
import type { Platform } from "../image/types.ts";
import type { ArchivedImage } from "./archived-image.ts";
import { type ArchiveContents, readArchiveFile } from "./contents.ts";
import { readDockerArchive } from "./docker-archive.ts";
import { findManifests, readOciLayout } from "./oci-layout.ts";

/**
 * The images of an archive or layout, whatever its kind: docker-archive (manifest.json), OCI layout (index.json), or
 * both in one as Docker 25 and later write it; then manifest.json says the names, and manifests of the OCI index that
 * describe the same files are kept as they are.
 * @throws ARCHIVE_INVALID if it is none of these or holds no image; what the readers throw
 */
export function findImages(contents: ArchiveContents, wanted?: Platform): ArchivedImage[] {
  const manifest = contents.find("manifest.json");
  const index = contents.find("index.json");
  let images: ArchivedImage[];
  if (manifest !== undefined) {
    images = ofPlatform(readDockerArchive(contents, readArchiveFile(manifest)), contents.label, wanted);
    if (index !== undefined) adoptManifests(contents, images, readArchiveFile(index));
  } else if (index !== undefined) {
    images = readOciLayout(contents, readArchiveFile(index), wanted);
  } else {
    throw new GantryError(
      "ARCHIVE_INVALID",
      `${contents.label} is not an image archive: it has neither manifest.json nor index.json`,
      { remedy: "Give an archive that docker save, podman save or skopeo wrote." },
    );
  }
  if (images.length === 0) throw new GantryError("ARCHIVE_INVALID", `${contents.label} holds no image`);
  return images;
}

function ofPlatform(images: ArchivedImage[], label: string, wanted: Platform | undefined): ArchivedImage[] {
  if (wanted === undefined) return images;
  const matching = images.filter((image) => platformMatches(configPlatform(image.config), wanted));
  if (matching.length > 0) return matching;
  const offered = images.map((image) => formatPlatform(configPlatform(image.config))).join(", ");
  throw new GantryError(
    "PLATFORM_NOT_FOUND",
    `${label} has no image for ${formatPlatform(wanted)}: it has ${offered}`,
    {
      remedy: "Choose one of these with --platform.",
    },
  );
}

/** Gives images the OCI manifests that name the same config and, layer by layer, the same files. */
function adoptManifests(contents: ArchiveContents, images: ArchivedImage[], index: Uint8Array): void {
  for (const found of findManifests(contents, index)) {
    const { config, layers } = found.manifest;
    for (const image of images.filter((candidate) => candidate.id === config.digest && !candidate.manifest)) {
      const files = layers.map((layer) => contents.find(`blobs/sha256/${layer.digest.slice("sha256:".length)}`));
      if (files.length !== image.layers.length) continue;
      if (!image.layers.every((layer, position) => layer.file === files[position])) continue;
      image.manifest = { descriptor: found.descriptor, bytes: found.bytes };
      image.layers = image.layers.map((layer, position) => ({
        ...layer,
        ...(layers[position] === undefined ? {} : { descriptor: layers[position] }),
      }));
    }
  }
}
