import { closeSync, existsSync, openSync, readdirSync, readFileSync, readSync, statSync } from "node:fs";
import { configPlatform, parseConfig } from "../../image/config.ts";
import { digestOf } from "../../image/digest.ts";
import { parseIndex, parseManifest } from "../../image/manifest.ts";
import { OCI_INDEX, OCI_MANIFEST } from "../../image/media-types.ts";
import { MAX_JSON_BYTES } from "../../image/parse-json.ts";
import { fullTagName } from "../../image/reference.ts";
import type { Descriptor, Digest, ImageIndex, ImageManifest, ReceivedIndex } from "../../image/types.ts";
import { containerIds, readContainerFile } from "../../store/container-files.ts";
import type { ImageRecord } from "../../store/image-records.ts";
import { layerSize } from "../../store/layer-size.ts";
import type { StoreLayout } from "../../store/layout.ts";
import { readDocument } from "./read-document.ts";

/**
 * The images of a store whose records are lost: every manifest in blobs/ whose config and layers are there. Their names
 * are in no blob; those by which containers were made are known from the containers.
 */
export function rebuildRecords(layout: StoreLayout): ImageRecord[] {
  const { manifests, indexes } = documents(layout);
  const records = new Map<Digest, ImageRecord>();
  for (const [digest, { manifest, size }] of manifests) {
    const record = imageRecord(layout, digest, manifest, size);
    if (record !== undefined && !records.has(record.id)) records.set(record.id, record);
  }
  for (const index of indexes.values()) joinIndex(layout, index, [...records.values()], manifests);
  for (const [name, id] of containerImageNames(layout)) {
    const record = records.get(id);
    if (record !== undefined && ![...records.values()].some((other) => other.names.includes(name))) {
      record.names = [...record.names, name].sort();
    }
  }
  return [...records.values()];
}

interface Documents {
  manifests: Map<Digest, { manifest: ImageManifest; size: number }>;
  indexes: Map<Digest, { descriptor: Descriptor; index: ImageIndex }>;
}

function documents(layout: StoreLayout): Documents {
  const found: Documents = { manifests: new Map(), indexes: new Map() };
  for (const hex of listing(layout.blobsDir())) {
    const digest = digestOf(hex);
    if (!looksLikeJson(layout.blob(digest))) continue;
    const bytes = readDocument(layout, digest);
    if (bytes === undefined) continue;
    const size = bytes.length;
    const manifest = whole(() => parseManifest(bytes));
    if (manifest !== undefined) found.manifests.set(digest, { manifest, size });
    const index = whole(() => parseIndex(bytes));
    if (index === undefined) continue;
    found.indexes.set(digest, { descriptor: { mediaType: index.mediaType ?? OCI_INDEX, digest, size }, index });
  }
  return found;
}

function imageRecord(
  layout: StoreLayout,
  digest: Digest,
  manifest: ImageManifest,
  size: number,
): ImageRecord | undefined {
  const bytes = readDocument(layout, manifest.config.digest);
  const config = bytes === undefined ? undefined : whole(() => parseConfig(bytes));
  if (config === undefined || config.rootfs.diff_ids.length !== manifest.layers.length) return undefined;
  const sizeBytes = whole(() =>
    config.rootfs.diff_ids.reduce((sum, diffId) => sum + layerSize(layout.layerIndex(diffId)), 0),
  );
  if (sizeBytes === undefined) return undefined;
  return {
    id: manifest.config.digest,
    manifest: { mediaType: manifest.mediaType ?? OCI_MANIFEST, digest, size },
    names: [],
    sizeBytes,
    created: config.created ?? "",
    platform: configPlatform(config),
  };
}

/** Gives the records that an index lists that index, with what else it leads to and is there. */
function joinIndex(
  layout: StoreLayout,
  { descriptor, index }: { descriptor: Descriptor; index: ImageIndex },
  records: ImageRecord[],
  manifests: Documents["manifests"],
): void {
  const listed = records.filter((record) => index.manifests.some((child) => child.digest === record.manifest.digest));
  const others = index.manifests.filter((child) => !listed.some((record) => record.manifest.digest === child.digest));
  const parts = others
    .flatMap((child) => {
      const manifest = manifests.get(child.digest)?.manifest;
      return manifest === undefined ? [child] : [child, manifest.config, ...manifest.layers];
    })
    .filter((part) => existsSync(layout.blob(part.digest)));
  for (const record of listed) {
    const received: ReceivedIndex = { descriptor, names: [], ...(parts.length === 0 ? {} : { parts }) };
    record.indexes = [...(record.indexes ?? []), received];
  }
}

/** Names under which containers were made, and the images that those were. */
function* containerImageNames(layout: StoreLayout): Generator<[name: string, id: Digest]> {
  for (const container of containerIds(layout)) {
    const record = readContainerFile(layout, container, "container.json");
    const config = record?.["config"] as { Image?: unknown } | undefined;
    const id = record?.["image"];
    const given = config?.Image;
    if (typeof given !== "string" || typeof id !== "string" || id.slice("sha256:".length).startsWith(given)) continue;
    const name = whole(() => fullTagName(given));
    if (name !== undefined) yield [name, id as Digest];
  }
}

function looksLikeJson(path: string): boolean {
  try {
    if (statSync(path).size > MAX_JSON_BYTES) return false;
    const fd = openSync(path, "r");
    try {
      const first = Buffer.alloc(1);
      readSync(fd, first, 0, 1, 0);
      return first[0] === 0x7b || first[0] === 0x20 || first[0] === 0x0a;
    } finally {
      closeSync(fd);
    }
  } catch {
    return false;
  }
}

function listing(directory: string): string[] {
  try {
    return readdirSync(directory).filter((name) => /^[0-9a-f]{64}$/.test(name));
  } catch {
    return [];
  }
}

/** What `read` gives; undefined if what it reads is not what it expects. */
function whole<T>(read: () => T): T | undefined {
  try {
    return read();
  } catch {
    return undefined;
  }
}

/** The records in a file, with those that are no records; undefined if the file is none of records. */
export function readRecords(file: string): { records: ImageRecord[]; invalid: unknown[] } | undefined {
  return whole(() => {
    const { images } = JSON.parse(readFileSync(file, "utf8")) as { images?: unknown };
    if (!Array.isArray(images)) throw new TypeError("no list");
    const records = images.filter(isRecord);
    return { records, invalid: (images as unknown[]).filter((image) => !isRecord(image)) };
  });
}

function isRecord(value: unknown): value is ImageRecord {
  const record = value as Partial<ImageRecord> | null;
  return (
    isDigestLike(record?.id) &&
    isDigestLike(record?.manifest?.digest) &&
    Array.isArray(record?.names) &&
    record.names.every((name) => typeof name === "string")
  );
}

function isDigestLike(value: unknown): boolean {
  return typeof value === "string" && /^sha256:[0-9a-f]{64}$/.test(value);
}
