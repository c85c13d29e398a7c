import { existsSync, linkSync, mkdirSync, readFileSync, renameSync, statSync } from "node:fs";
import { join } from "node:path";
import { GantryError, isGantryError } from "../errors/index.ts";
import { configPlatform, parseConfig } from "../image/config.ts";
import { digestHex } from "../image/digest.ts";
import { parseManifest } from "../image/manifest.ts";
import type { Descriptor, Digest, ImageConfig, ImageManifest } from "../image/types.ts";
import { faultPoint } from "./fault.ts";
import type { ImageRecord } from "./image-records.ts";
import type { Intent } from "./intent.ts";
import { layerProblem } from "./layer-problem.ts";
import { layerSize } from "./layer-size.ts";
import type { StoreLayout } from "./layout.ts";
import type { PublishedContent, PublishedLayer } from "./store.ts";

/** Up to here a blob is taken for a document, and compared byte by byte with one that the store has. */
const DOCUMENT_BYTES = 1 << 20;

/** Content in its scratch directory, in the shape that it has in the store: once durable, it has only to be moved. */
export interface Prepared {
  blobs: Map<Digest, string>;
  layers: Map<Digest, string>;
  /** Files and directories that are still to be made durable. */
  unsafe: Set<string>;
  /** A directory for damaged files of the store that are replaced; made at need. */
  aside: string;
}

/** Puts the scratch files into shape. */
export function preparePublication(layout: StoreLayout, scratch: string, contents: PublishedContent[]): Prepared {
  faultPoint("publish.prepare");
  const unsafe = new Set<string>();
  const prepared: Prepared = { blobs: new Map(), layers: new Map(), unsafe, aside: join(scratch, "damaged") };
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
      if (layer.durable !== true) {
        unsafe.add(join(dir, "index"));
        // A tar that is the blob itself is one file under two names.
        const blob = layer.tar === undefined ? prepared.blobs.get(layer.blob ?? layer.diffId) : undefined;
        if (blob === undefined || !unsafe.has(blob)) unsafe.add(join(dir, "tar"));
      }
      unsafe.add(dir);
    }
  }
  faultPoint("publish.sync");
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

/** Where a blob is: in the scratch directory until it is moved, for another image of the same archive maybe. */
function placeOf(layout: StoreLayout, prepared: Prepared, digest: Digest): string {
  const fresh = prepared.blobs.get(digest);
  return fresh !== undefined && existsSync(fresh) ? fresh : layout.blob(digest);
}

/** The id of the image with this manifest. @throws BLOB_MISSING, MANIFEST_INVALID */
export function imageIdOf(layout: StoreLayout, prepared: Prepared, { digest }: Descriptor): Digest {
  const file = placeOf(layout, prepared, digest);
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
  const blob = (digest: Digest): string => moveBlob(layout, prepared, digest);
  const manifest: ImageManifest = parseManifest(readFileSync(blob(descriptor.digest)));
  const config: ImageConfig = parseConfig(readFileSync(blob(manifest.config.digest)));
  for (const layer of manifest.layers) blob(layer.digest);
  for (const { digest } of index === undefined ? [] : [index.descriptor, ...(index.parts ?? [])]) blob(digest);
  let sizeBytes = 0;
  for (const diffId of config.rootfs.diff_ids) {
    moveLayer(layout, prepared, diffId);
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

/**
 * Whether the store, or what is about to be moved into it, has the manifest and all that it names: an image whose own
 * manifest is damaged takes another's.
 */
export function isWhole(layout: StoreLayout, prepared: Prepared, { digest, size }: Descriptor): boolean {
  const file = placeOf(layout, prepared, digest);
  if (statSync(file, { throwIfNoEntry: false })?.size !== size) return false;
  const isThere = (blob: Descriptor): boolean =>
    prepared.blobs.has(blob.digest) ||
    statSync(layout.blob(blob.digest), { throwIfNoEntry: false })?.size === blob.size;
  try {
    const { config, layers } = parseManifest(readFileSync(file));
    return [config, ...layers].every(isThere);
  } catch (error) {
    if (isGantryError(error)) return false;
    throw error;
  }
}

/** The directories that must be durable before a record names what was moved into them. */
export function directoriesOfMoves(layout: StoreLayout): string[] {
  faultPoint("publish.settle");
  return [layout.blobsDir(), layout.layersDir()];
}

/** Moves a blob, unless the store has it; one that is seen to be damaged there is replaced. Returns its place. */
function moveBlob(layout: StoreLayout, prepared: Prepared, digest: Digest): string {
  const to = layout.blob(digest);
  const from = prepared.blobs.get(digest);
  if (from === undefined || isSameBlob(from, to)) {
    if (!existsSync(to)) throw missing("BLOB_MISSING", `blob ${digest}`, to);
    return to;
  }
  faultPoint("publish.move");
  renameSync(from, to);
  return to;
}

/** Whether the store's file is that of the scratch directory, as far as that can be told without reading layers. */
function isSameBlob(fresh: string, stored: string): boolean {
  const found = statSync(stored, { throwIfNoEntry: false });
  if (found === undefined) return !existsSync(fresh); // moved already, for another image of the same archive
  const made = statSync(fresh, { throwIfNoEntry: false });
  if (made === undefined || made.ino === found.ino) return true;
  if (made.size !== found.size) return false;
  return made.size > DOCUMENT_BYTES || readFileSync(fresh).equals(readFileSync(stored));
}

/** Moves a layer, unless the store has it; one that is seen to be damaged there is replaced. */
function moveLayer(layout: StoreLayout, prepared: Prepared, diffId: Digest): void {
  const to = layout.layerDir(diffId);
  const from = prepared.layers.get(diffId);
  const isMade = from !== undefined && existsSync(from);
  if (existsSync(to)) {
    if (!isMade || isSameLayer(from, layout, diffId)) return;
    mkdirSync(prepared.aside, { recursive: true, mode: 0o700 });
    renameSync(to, join(prepared.aside, digestHex(diffId)));
  }
  if (!isMade) throw missing("LAYER_MISSING", `layer ${diffId}`, to);
  faultPoint("publish.move");
  renameSync(from, to);
}

function isSameLayer(fresh: string, layout: StoreLayout, diffId: Digest): boolean {
  const [made, found] = [statSync(join(fresh, "tar")), statSync(layout.layerTar(diffId), { throwIfNoEntry: false })];
  return made.size === found?.size && (made.ino === found.ino || layerProblem(layout, diffId) === undefined);
}

function missing(code: "BLOB_MISSING" | "LAYER_MISSING", what: string, path: string): GantryError {
  return new GantryError(code, `${what} is not in the store: it was removed while it was being used`, {
    remedy: "Run the command again.",
    details: { path },
  });
}
