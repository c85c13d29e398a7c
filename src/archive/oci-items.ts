import { digestHex } from "../image/digest.ts";
import { encodeIndex, encodeJson } from "../image/manifest.ts";
import { familiarReference } from "../image/reference.ts";
import type { Descriptor, Digest } from "../image/types.ts";
import { bare, knownPlatform, type SavedEntry, type SavedIndex } from "./saved-entry.ts";

/** A file of an archive to be written: a document, or a file to be copied. */
export type ArchiveItem =
  | { name: string; directory: true }
  | { name: string; bytes: Uint8Array }
  | { name: string; digest: Digest; size: number; file: string };

/** How a blob's path in a layout begins (OCI image-spec, image-layout.md). */
const BLOBS = "blobs/sha256/";

export const OCI_LAYOUT = { name: "oci-layout", bytes: encodeJson({ imageLayoutVersion: "1.0.0" }) };

export const blobName = (digest: Digest): string => `${BLOBS}${digestHex(digest)}`;

/** The blobs of all entries, each once, sorted by name. What a delta leaves out is not there. */
export function blobItems(entries: SavedEntry[], storeBlob: (digest: Digest) => string): ArchiveItem[] {
  const blobs = new Map<Digest, ArchiveItem>();
  const add = ({ digest, size }: Descriptor, from: { bytes: Uint8Array } | { file: string }): void => {
    const name = blobName(digest);
    blobs.set(digest, "bytes" in from ? { name, bytes: from.bytes } : { name, digest, size, file: from.file });
  };
  const document = (descriptor: Descriptor, bytes: Uint8Array | undefined): void => {
    add(descriptor, bytes === undefined ? { file: storeBlob(descriptor.digest) } : { bytes });
  };
  for (const { images, index } of entries) {
    if (index !== undefined) {
      document(index.descriptor, index.bytes);
      for (const part of index.parts) document(part, undefined);
    }
    for (const { config, manifest, manifestBytes, layers } of images) {
      document(config, undefined);
      document(manifest, manifestBytes);
      for (const { blob, file } of layers) if (file !== undefined) add(blob, { file });
    }
  }
  return [...blobs.values()].sort((a, b) => (a.name < b.name ? -1 : 1));
}

/** The directories that the blobs are in. */
export const BLOB_DIRECTORIES: ArchiveItem[] = [
  { name: "blobs/", directory: true },
  { name: BLOBS, directory: true },
];

/** The lines of index.json for an entry: one for each name, or one without. */
export function indexLines(entry: SavedEntry, referenceOf: (name: string) => string): Descriptor[] {
  const line = lineOf(entry);
  if (entry.names.length === 0) return [line];
  return entry.names.map((name) => {
    const { platform, ...descriptor } = line;
    return {
      ...descriptor,
      annotations: { [FULL_NAME]: name, [REFERENCE]: referenceOf(name) },
      ...(platform === undefined ? {} : { platform }),
    };
  });
}

function lineOf({ images, index }: SavedEntry): Descriptor {
  const [saved] = images;
  if (index !== undefined || saved === undefined) return bare((index as SavedIndex).descriptor);
  const platform = knownPlatform(saved.image);
  return { ...bare(saved.manifest), ...(platform === undefined ? {} : { platform }) };
}

/** containerd's annotation: the full name. */
export const FULL_NAME = "io.containerd.image.name";
/** OCI's (annotations.md): what umoci takes for a tag, and skopeo for what follows the colon of its references. */
export const REFERENCE = "org.opencontainers.image.ref.name";

/** The tag of a full name, which is what Docker writes as OCI's annotation. */
export const tagOf = (name: string): string => name.slice(name.lastIndexOf(":") + 1);

/**
 * OCI's annotation for each of `names` in one layout: the tag where that means one of them, else the name as people write
 * it, so that each can be addressed.
 */
export function layoutReferences(names: readonly string[]): (name: string) => string {
  return (name) => {
    const tag = tagOf(name);
    return names.some((other) => other !== name && tagOf(other) === tag) ? familiarReference(name) : tag;
  };
}

/** The files of an OCI archive, what leads to the others first: whoever reads a stream knows what will come. */
export function ociArchiveItems(
  entries: SavedEntry[],
  storeBlob: (digest: Digest) => string,
  annotations?: Record<string, string>,
): ArchiveItem[] {
  const referenceOf = layoutReferences(entries.flatMap((entry) => entry.names));
  const lines = entries.flatMap((entry) => indexLines(entry, referenceOf));
  return [
    OCI_LAYOUT,
    { name: "index.json", bytes: encodeIndex(lines, annotations) },
    ...BLOB_DIRECTORIES,
    ...blobItems(entries, storeBlob),
  ];
}
