import { digestOf } from "../image/digest.ts";
import { encodeIndex } from "../image/manifest.ts";
import { OCI_INDEX } from "../image/media-types.ts";
import { choosePlatform, hostPlatform } from "../image/platform.ts";
import type { Descriptor, Image, Platform } from "../image/types.ts";
import { sha256Hex } from "../kernels/sha256.ts";
import type { SavedImage } from "./saved-image.ts";

/** What one line of an archive's index.json stands for: an image, or the platforms of an index, under their names. */
export interface SavedEntry {
  /** Full names, in the order in which they were asked for. */
  names: string[];
  /** One, or one a platform. */
  images: SavedImage[];
  index: SavedIndex | undefined;
}

export interface SavedIndex {
  descriptor: Descriptor;
  /** The index, where it is not the store's. */
  bytes: Uint8Array | undefined;
  /** What else it leads to: nested indexes, attestations with their parts. */
  parts: Descriptor[];
}

/**
 * The index of images that came through `index`: as received, and so with the digest that a registry knows, if all
 * manifests are as received. It may list more platforms than there are. Else it is made anew, of these images alone:
 * attestations are about the manifests that were.
 */
export function savedIndex(images: SavedImage[], index: Descriptor): SavedIndex {
  const { mediaType, digest, size } = index;
  if (images.every(({ manifestBytes }) => manifestBytes === undefined)) {
    return { descriptor: { mediaType, digest, size }, bytes: undefined, parts: partsOf(images, index) };
  }
  const bytes = encodeIndex(images.map(({ manifest, image }) => ({ ...bare(manifest), platform: image.platform })));
  const descriptor = { mediaType: OCI_INDEX, digest: digestOf(sha256Hex(bytes)), size: bytes.length };
  return { descriptor, bytes, parts: [] };
}

function partsOf(images: SavedImage[], index: Descriptor): Descriptor[] {
  const parts = images.flatMap(({ image }) =>
    image.indexes.flatMap(({ descriptor, parts = [] }) => (descriptor.digest === index.digest ? parts : [])),
  );
  return [...new Map(parts.map((part) => [part.digest, part])).values()];
}

/** The image that readers without platforms (manifest.json) are shown; undefined for an entry without images. */
export function shownImage({ images }: SavedEntry): SavedImage | undefined {
  const candidates = images.map((saved) => ({ saved, platform: saved.image.platform }));
  return choosePlatform(candidates, hostPlatform())?.saved;
}

/** A descriptor without what only its index had to say. */
export function bare({ mediaType, digest, size }: Descriptor): Descriptor {
  return { mediaType, digest, size };
}

/** The platform for a descriptor; undefined if it is not known. */
export function knownPlatform({ platform }: Image): Platform | undefined {
  return platform.architecture === "" ? undefined : platform;
}
