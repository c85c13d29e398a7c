import { digestHex } from "../image/digest.ts";
import { encodeIndex, encodeJson } from "../image/manifest.ts";
import { configPlatform } from "../image/config.ts";
import { familiarParts, familiarReference } from "../image/reference.ts";
import type { Descriptor, Digest, Image } from "../image/types.ts";

/** A file of an archive to be written: a document, or a blob to be copied from the store. */
export type ArchiveItem =
  | { name: string; directory: true }
  | { name: string; bytes: Uint8Array }
  | { name: string; digest: Digest; size: number };

/** An image and the names under which it is to be saved (full form). */
export interface SavedImage {
  image: Image;
  /** Size of the config blob. */
  configBytes: number;
  names: string[];
}

const blobPath = (digest: Digest): string => `blobs/sha256/${digestHex(digest)}`;

/**
 * The files of the layout that Docker 25 and later save, in order: an OCI image layout (oci-layout, index.json, blobs)
 * that is a docker-archive too (manifest.json, repositories). Blobs that images share are there once. The same images in
 * the same order give the same bytes.
 */
export function hybridLayout(images: SavedImage[]): ArchiveItem[] {
  const blobs = new Map<Digest, number>();
  for (const { image, configBytes } of images) {
    blobs.set(image.id, configBytes);
    blobs.set(image.manifest.digest, image.manifest.size);
    for (const { blob } of image.layers) blobs.set(blob.digest, blob.size);
  }
  const sorted = [...blobs].sort(([a], [b]) => (a < b ? -1 : 1));
  return [
    { name: "blobs/", directory: true },
    { name: "blobs/sha256/", directory: true },
    ...sorted.map(([digest, size]) => ({ name: blobPath(digest), digest, size })),
    { name: "index.json", bytes: encodeIndex(images.flatMap(indexEntries)) },
    { name: "manifest.json", bytes: encodeJson(images.map(manifestEntry)) },
    { name: "oci-layout", bytes: encodeJson({ imageLayoutVersion: "1.0.0" }) },
    ...repositories(images),
  ];
}

/** OCI's annotation holds the tag alone, as Docker writes it and umoci wants it; containerd's holds the full name. */
function indexEntries({ image, names }: SavedImage): Descriptor[] {
  const { mediaType, digest, size } = image.manifest;
  const platform = configPlatform(image.config);
  const entry = (annotations?: Record<string, string>): Descriptor => ({
    mediaType,
    digest,
    size,
    ...(annotations === undefined ? {} : { annotations }),
    ...(platform.architecture === "" ? {} : { platform }),
  });
  if (names.length === 0) return [entry()];
  return names.map((name) =>
    entry({
      "io.containerd.image.name": name,
      "org.opencontainers.image.ref.name": name.slice(name.lastIndexOf(":") + 1),
    }),
  );
}

function manifestEntry({ image, names }: SavedImage): object {
  return {
    Config: blobPath(image.id),
    RepoTags: names.length === 0 ? null : names.map(familiarReference),
    Layers: image.layers.map(({ blob }) => blobPath(blob.digest)),
    LayerSources: Object.fromEntries(image.layers.map(({ diffId, blob }) => [diffId, sourceOf(blob)])),
  };
}

function sourceOf({ mediaType, size, digest }: Descriptor): Descriptor {
  return { mediaType, size, digest };
}

/** The oldest layout's index: repository, tag, id of the top layer. */
function repositories(images: SavedImage[]): ArchiveItem[] {
  const tree: Record<string, Record<string, string>> = {};
  for (const { image, names } of images) {
    const top = image.layers.at(-1);
    if (top === undefined) continue;
    for (const name of names) {
      const { repository, tag } = familiarParts(name);
      (tree[repository] ??= {})[tag] = digestHex(top.diffId);
    }
  }
  return Object.keys(tree).length === 0 ? [] : [{ name: "repositories", bytes: encodeJson(tree) }];
}
