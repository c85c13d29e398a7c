import { digestHex } from "../image/digest.ts";
import { encodeIndex, encodeJson } from "../image/manifest.ts";
import { configPlatform } from "../image/config.ts";
import { familiarParts, familiarReference } from "../image/reference.ts";
import type { Descriptor, Digest } from "../image/types.ts";
import type { SavedImage } from "./saved-image.ts";

/** A file of an archive to be written: a document, or a blob to be copied from the store. */
export type ArchiveItem =
  | { name: string; directory: true }
  | { name: string; bytes: Uint8Array }
  | { name: string; digest: Digest; size: number };

const blobPath = (digest: Digest): string => `blobs/sha256/${digestHex(digest)}`;

/**
 * The files of the layout that Docker 25 and later save, in order: an OCI image layout (oci-layout, index.json, blobs)
 * that is a docker-archive too (manifest.json, repositories). Blobs that images share are there once. The same images in
 * the same order give the same bytes.
 */
export function hybridLayout(images: SavedImage[]): ArchiveItem[] {
  const blobs = new Map<Digest, ArchiveItem>();
  const add = (digest: Digest, size: number): void => {
    blobs.set(digest, { name: blobPath(digest), digest, size });
  };
  for (const { image, configBytes, manifest, manifestBytes, layers } of images) {
    add(image.id, configBytes);
    for (const { blob } of layers) add(blob.digest, blob.size);
    if (manifestBytes === undefined) add(manifest.digest, manifest.size);
    else blobs.set(manifest.digest, { name: blobPath(manifest.digest), bytes: manifestBytes });
  }
  const sorted = [...blobs.values()].sort((a, b) => (a.name < b.name ? -1 : 1));
  return [
    { name: "blobs/", directory: true },
    { name: "blobs/sha256/", directory: true },
    ...sorted,
    { name: "index.json", bytes: encodeIndex(images.flatMap(indexEntries)) },
    { name: "manifest.json", bytes: encodeJson(images.map(manifestEntry)) },
    { name: "oci-layout", bytes: encodeJson({ imageLayoutVersion: "1.0.0" }) },
    ...repositories(images),
  ];
}

/** OCI's annotation holds the tag alone, as Docker writes it and umoci wants it; containerd's holds the full name. */
function indexEntries({ image, manifest, names }: SavedImage): Descriptor[] {
  const { mediaType, digest, size } = manifest;
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

function manifestEntry({ image, layers, names }: SavedImage): object {
  return {
    Config: blobPath(image.id),
    RepoTags: names.length === 0 ? null : names.map(familiarReference),
    Layers: layers.map(({ blob }) => blobPath(blob.digest)),
    LayerSources: Object.fromEntries(layers.map(({ diffId, blob }) => [diffId, sourceOf(blob)])),
  };
}

function sourceOf({ mediaType, size, digest }: Descriptor): Descriptor {
  return { mediaType, size, digest };
}

/** The oldest layout's index: repository, tag, id of the top layer. */
function repositories(images: SavedImage[]): ArchiveItem[] {
  const tree: Record<string, Record<string, string>> = {};
  for (const { layers, names } of images) {
    const top = layers.at(-1);
    if (top === undefined) continue;
    for (const name of names) {
      const { repository, tag } = familiarParts(name);
      (tree[repository] ??= {})[tag] = digestHex(top.diffId);
    }
  }
  return Object.keys(tree).length === 0 ? [] : [{ name: "repositories", bytes: encodeJson(tree) }];
}
