import { existsSync, linkSync, mkdirSync, readFileSync, renameSync } from "node:fs";
import { join } from "node:path";
import { GantryError } from "../errors/index.ts";
import { parseConfig } from "../image/config.ts";
import { digestHex } from "../image/digest.ts";
import { parseManifest } from "../image/manifest.ts";
import type { Digest } from "../image/types.ts";
import { fsyncAll, fsyncDirectory } from "./durable.ts";
import type { ImageRecord } from "./image-records.ts";
import type { Intent } from "./intent.ts";
import { layerDataBytes } from "./layer-data-bytes.ts";
import type { StoreLayout } from "./layout.ts";
import type { PublishedContent } from "./store.ts";

/** A publication that is durable in its scratch directory and has only to be moved. */
export interface Prepared {
  intent: Intent;
  /** Moves, to be made in this order with the record lock held; one whose target exists is left out. */
  moves: { from: string; to: string }[];
}

/** Puts the scratch files into the shape that they have in the store, and makes them durable. */
export async function preparePublication(
  layout: StoreLayout,
  scratch: string,
  content: PublishedContent,
): Promise<Prepared> {
  const blobs = content.blobs.filter((blob) => !existsSync(layout.blob(blob.digest)));
  const layers = content.layers.filter((layer) => !existsSync(layout.layerDir(layer.diffId)));
  const files = new Set<string>(blobs.map((blob) => blob.file));
  const moves: Prepared["moves"] = blobs.map((blob) => ({ from: blob.file, to: layout.blob(blob.digest) }));
  for (const layer of layers) {
    const dir = join(scratch, `layer-${digestHex(layer.diffId)}`);
    if (existsSync(dir)) continue; // the same layer twice in one image
    mkdirSync(dir, { mode: 0o700 });
    const tar = join(dir, "tar");
    if (layer.tar !== undefined) renameSync(layer.tar, tar);
    else linkSync(blobFile(layout, content, layer.blob ?? layer.diffId), tar);
    renameSync(layer.index, join(dir, "index"));
    files.add(tar).add(join(dir, "index")).add(dir);
    moves.push({ from: dir, to: layout.layerDir(layer.diffId) });
  }
  await fsyncAll(files);
  const intent = {
    blobs: blobs.map((blob) => digestHex(blob.digest)),
    layers: layers.map((layer) => digestHex(layer.diffId)),
    chains: [],
  };
  return { intent, moves };
}

function blobFile(layout: StoreLayout, content: PublishedContent, digest: Digest): string {
  return content.blobs.find((blob) => blob.digest === digest)?.file ?? layout.blob(digest);
}

/** Makes the moves, durably. The record lock is held. */
export function movePublication(layout: StoreLayout, prepared: Prepared): void {
  for (const { from, to } of prepared.moves) if (!existsSync(to)) renameSync(from, to);
  fsyncDirectory(layout.blobsDir());
  fsyncDirectory(layout.layersDir());
}

/**
 * The record of a published image, after a check that all it needs is there.
 * @throws BLOB_MISSING, LAYER_MISSING, MANIFEST_INVALID, CONFIG_INVALID
 */
export function recordOf(layout: StoreLayout, content: PublishedContent): ImageRecord {
  const read = (digest: Digest): Uint8Array => {
    requireFile(layout.blob(digest), "BLOB_MISSING", `blob ${digest}`);
    return readFileSync(layout.blob(digest));
  };
  const manifest = parseManifest(read(content.manifest.digest));
  const config = parseConfig(read(manifest.config.digest));
  for (const layer of manifest.layers) requireFile(layout.blob(layer.digest), "BLOB_MISSING", `blob ${layer.digest}`);
  let sizeBytes = 0;
  for (const diffId of config.rootfs.diff_ids) {
    requireFile(layout.layerDir(diffId), "LAYER_MISSING", `layer ${diffId}`);
    sizeBytes += layerDataBytes(layout.layerIndex(diffId));
  }
  return {
    id: manifest.config.digest,
    manifest: content.manifest,
    names: [],
    sizeBytes,
    created: config.created ?? "",
  };
}

function requireFile(path: string, code: "BLOB_MISSING" | "LAYER_MISSING", what: string): void {
  if (existsSync(path)) return;
  throw new GantryError(code, `${what} is not in the store: it was removed while it was being used`, {
    remedy: "Run the command again.",
    details: { path },
  });
}
