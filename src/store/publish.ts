import { existsSync, linkSync, mkdirSync, readFileSync, renameSync } from "node:fs";
import { join } from "node:path";
import { GantryError } from "../errors/index.ts";
import { configPlatform, parseConfig } from "../image/config.ts";
import { digestHex } from "../image/digest.ts";
import { parseManifest } from "../image/manifest.ts";
import type { Descriptor, Digest, ImageConfig, ImageManifest } from "../image/types.ts";
import { fsyncAll, fsyncDirectory } from "./durable.ts";
import type { ImageRecord } from "./image-records.ts";
import type { Intent } from "./intent.ts";
import { layerSize } from "./layer-size.ts";
import type { StoreLayout } from "./layout.ts";
import type { PublishedContent, PublishedLayer } from "./store.ts";

/** Content that is durable in its scratch directory, in the shape that it has in the store: it has only to be moved. */
export interface Prepared {
  blobs: Map<Digest, string>;
  layers: Map<Digest, string>;
}

/** Puts the scratch files into shape and makes them durable. */
export async function preparePublication(
  layout: StoreLayout,
  scratch: string,
  contents: PublishedContent[],
): Promise<Prepared> {
  const prepared: Prepared = { blobs: new Map(), layers: new Map() };
  const unsafe = new Set<string>();
  for (const { blobs } of contents) {
    for (const { digest, file, durable } of blobs) {
      if (prepared.blobs.has(digest)) continue;
      prepared.blobs.set(digest, file);
      if (durable !== true) unsafe.add(file);
    }
  }
  for (const { layers } of contents) {
    for (const layer of layers) {
      if (prepared.layers.has(layer.diffId)) continue;
      const dir = makeLayerDirectory(layout, scratch, layer, prepared.blobs);
      prepared.layers.set(layer.diffId, dir);
      if (layer.durable !== true) unsafe.add(join(dir, "tar")).add(join(dir, "index"));
      unsafe.add(dir);
    }
  }
  await fsyncAll(unsafe);
  return prepared;
}

function makeLayerDirectory(
  layout: StoreLayout,
  scratch: string,
  layer: PublishedLayer,
  blobs: Map<Digest, string>,
): string {
  const dir = join(scratch, `layer-${digestHex(layer.diffId)}`);
  mkdirSync(dir, { mode: 0o700 });
  const blob = layer.blob ?? layer.diffId;
  if (layer.tar === undefined) linkSync(blobs.get(blob) ?? layout.blob(blob), join(dir, "tar"));
  else renameSync(layer.tar, join(dir, "tar"));
  renameSync(layer.index, join(dir, "index"));
  return dir;
}

export function intentOfPublication(prepared: Prepared): Intent {
  return {
    blobs: [...prepared.blobs.keys()].map(digestHex),
    layers: [...prepared.layers.keys()].map(digestHex),
    chains: [],
  };
}

/** The id of the image with this manifest. @throws BLOB_MISSING, MANIFEST_INVALID */
export function imageIdOf(layout: StoreLayout, prepared: Prepared, { digest }: Descriptor): Digest {
  const file = prepared.blobs.get(digest) ?? layout.blob(digest);
  if (!existsSync(file)) throw missing("BLOB_MISSING", `blob ${digest}`, file);
  return parseManifest(readFileSync(file)).config.digest;
}

/**
 * Moves what the image with this manifest needs and the store does not have. Not yet durable. The record lock is held.
 * @returns the image's record, without names and indexes
 * @throws BLOB_MISSING, LAYER_MISSING, MANIFEST_INVALID, CONFIG_INVALID
 */
export function moveIntoPlace(
  layout: StoreLayout,
  prepared: Prepared,
  descriptor: Descriptor,
  { index, platform }: Pick<PublishedContent, "index" | "platform">,
): ImageRecord {
  const blob = (digest: Digest): string => {
    const to = layout.blob(digest);
    moveUnlessThere(prepared.blobs.get(digest), to, "BLOB_MISSING", `blob ${digest}`);
    return to;
  };
  const manifest: ImageManifest = parseManifest(readFileSync(blob(descriptor.digest)));
  const config: ImageConfig = parseConfig(readFileSync(blob(manifest.config.digest)));
  for (const layer of manifest.layers) blob(layer.digest);
  for (const { digest } of index === undefined ? [] : [index.descriptor, ...(index.parts ?? [])]) blob(digest);
  let sizeBytes = 0;
  for (const diffId of config.rootfs.diff_ids) {
    moveUnlessThere(prepared.layers.get(diffId), layout.layerDir(diffId), "LAYER_MISSING", `layer ${diffId}`);
    sizeBytes += layerSize(layout.layerIndex(diffId));
  }
  return {
    id: manifest.config.digest,
    manifest: descriptor,
    names: [],
    sizeBytes,
    created: config.created ?? "",
    platform: platform ?? configPlatform(config),
  };
}

/** Makes the moves durable. */
export function settleMoves(layout: StoreLayout): void {
  fsyncDirectory(layout.blobsDir());
  fsyncDirectory(layout.layersDir());
}

function moveUnlessThere(
  from: string | undefined,
  to: string,
  code: "BLOB_MISSING" | "LAYER_MISSING",
  what: string,
): void {
  if (existsSync(to)) return;
  if (from !== undefined) {
    renameSync(from, to);
    return;
  }
  throw missing(code, what, to);
}

function missing(code: "BLOB_MISSING" | "LAYER_MISSING", what: string, path: string): GantryError {
  return new GantryError(code, `${what} is not in the store: it was removed while it was being used`, {
    remedy: "Run the command again.",
    details: { path },
  });
}
