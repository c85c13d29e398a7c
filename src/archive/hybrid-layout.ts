import { digestHex } from "../image/digest.ts";
import { encodeIndex, encodeJson } from "../image/manifest.ts";
import { familiarParts, familiarReference } from "../image/reference.ts";
import type { Descriptor, Digest } from "../image/types.ts";
import { type ArchiveItem, BLOB_DIRECTORIES, blobItems, blobName, indexLines, OCI_LAYOUT, tagOf } from "./oci-items.ts";
import { bare, type SavedEntry, shownImage } from "./saved-entry.ts";
import type { SavedImage } from "./saved-image.ts";

/** An image of manifest.json, which knows no platforms, and its names. */
interface Shown {
  saved: SavedImage;
  names: string[];
}

/**
 * The files of the layout that Docker 25 and later save, in order: an OCI image layout (oci-layout, index.json, blobs)
 * that is a docker-archive too (manifest.json, repositories), as Docker since 1.10 reads it. Blobs that images share are
 * there once. The same images in the same order give the same bytes.
 */
export function hybridLayout(
  entries: SavedEntry[],
  storeBlob: (digest: Digest) => string,
  annotations?: Record<string, string>,
): ArchiveItem[] {
  const shown = shownImages(entries);
  return [
    ...BLOB_DIRECTORIES,
    ...blobItems(entries, storeBlob),
    {
      name: "index.json",
      bytes: encodeIndex(
        entries.flatMap((entry) => indexLines(entry, tagOf)),
        annotations,
      ),
    },
    { name: "manifest.json", bytes: encodeJson(shown.map(manifestEntry)) },
    OCI_LAYOUT,
    ...repositories(shown),
  ];
}

/** Of each entry the image for this machine, if it has several; an image of several entries once, with all names. */
function shownImages(entries: SavedEntry[]): Shown[] {
  const shown = new Map<Digest, Shown>();
  for (const entry of entries) {
    const saved = shownImage(entry);
    if (saved === undefined) continue;
    const known = shown.get(saved.image.id);
    if (known === undefined) shown.set(saved.image.id, { saved, names: entry.names });
    else known.names = [...new Set([...known.names, ...entry.names])];
  }
  return [...shown.values()];
}

function manifestEntry({ saved: { image, layers }, names }: Shown): object {
  return {
    Config: blobName(image.id),
    RepoTags: names.length === 0 ? null : names.map(familiarReference),
    Layers: layers.map(({ blob }) => blobName(blob.digest)),
    LayerSources: Object.fromEntries(layers.map(({ diffId, blob }): [Digest, Descriptor] => [diffId, bare(blob)])),
  };
}

/** The oldest layout's index: repository, tag, id of the top layer. */
function repositories(shown: Shown[]): ArchiveItem[] {
  const tree: Record<string, Record<string, string>> = {};
  for (const { saved, names } of shown) {
    const top = saved.layers.at(-1);
    if (top === undefined) continue;
    for (const name of names) {
      const { repository, tag } = familiarParts(name);
      (tree[repository] ??= {})[tag] = digestHex(top.diffId);
    }
  }
  return Object.keys(tree).length === 0 ? [] : [{ name: "repositories", bytes: encodeJson(tree) }];
}
