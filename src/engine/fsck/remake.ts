import { existsSync, linkSync, mkdirSync, renameSync, rmSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { LayerIntake } from "../../archive/layer-intake.ts";
import { GantryError } from "../../errors/index.ts";
import { parseConfig } from "../../image/config.ts";
import { digestHex, digestOf } from "../../image/digest.ts";
import { encodeJson } from "../../image/manifest.ts";
import {
  DOCKER_CONFIG,
  DOCKER_LAYER,
  DOCKER_MANIFEST,
  OCI_CONFIG,
  OCI_LAYER,
  OCI_MANIFEST,
} from "../../image/media-types.ts";
import type { Digest, ImageManifest } from "../../image/types.ts";
import { sha256Hex } from "../../kernels/sha256.ts";
import { fsyncAll, fsyncDirectory } from "../../store/durable.ts";
import type { ImageRecord } from "../../store/image-records.ts";
import type { StoreLayout } from "../../store/layout.ts";
import type { Checkup } from "./checkup.ts";
import { hashFile } from "./hash-file.ts";
import { readDocument } from "./read-document.ts";
import type { NeededLayer } from "./store-needs.ts";

/** Files of which each may hold the bytes of a layer: its tar, and the blobs that it was received as. */
export function sourcesOfLayer(layout: StoreLayout, layer: NeededLayer): string[] {
  const blobs = [...layer.receivedAs].map((digest) => layout.blob(digest));
  return [layout.layerTar(layer.diffId), layout.blob(layer.diffId), ...blobs].filter(
    (path, at, all) => existsSync(path) && all.indexOf(path) === at,
  );
}

/**
 * Makes a layer's tar and index again from the first source that has its very bytes; what is damaged is set aside.
 * Durable on return.
 * @throws LAYER_MISSING if no source has them
 */
export async function remakeLayer(checkup: Checkup, layer: NeededLayer): Promise<void> {
  const { layout } = checkup;
  const made = await takeLayer(checkup, layer);
  if (made === undefined) {
    for (const path of [layout.layerTar(layer.diffId), layout.blob(layer.diffId)]) {
      if (existsSync(path)) await setAsideUnless(checkup, path, layer.diffId);
    }
    throw new GantryError("LAYER_MISSING", `nothing in the store has the bytes of layer ${layer.diffId}`);
  }
  const directory = layout.layerDir(layer.diffId);
  mkdirSync(directory, { recursive: true, mode: 0o700 });
  await fsyncAll([made.tar, made.index]);
  if (isOther(made.tar, layout.layerTar(layer.diffId))) renameSync(made.tar, layout.layerTar(layer.diffId));
  renameSync(made.index, layout.layerIndex(layer.diffId));
  fsyncDirectory(directory);
  fsyncDirectory(layout.layersDir());
}

/** Sets a file aside whose bytes are not those of the digest: as long as it is in its place, loading keeps it. */
export async function setAsideUnless(checkup: Checkup, path: string, digest: Digest): Promise<void> {
  const found = await hashFile(path, checkup.reporter.signal).catch((error: unknown) => {
    if (checkup.reporter.signal.aborted) throw error;
    return undefined; // it cannot be read
  });
  if (found !== digest) checkup.setAside(path);
}

/** The tar and the index in the scratch directory. */
async function takeLayer(checkup: Checkup, layer: NeededLayer): Promise<{ tar: string; index: string } | undefined> {
  const { layout, scratch, reporter } = checkup;
  for (const source of sourcesOfLayer(layout, layer)) {
    const work = join(scratch, `remake-${digestHex(layer.diffId)}`);
    rmSync(work, { recursive: true, force: true });
    mkdirSync(work, { mode: 0o700 });
    const intake = new LayerIntake(work, reporter);
    try {
      const path = join(work, "source");
      linkSync(source, path);
      const file = { name: source, size: statSync(path).size, location: { path, offset: 0 } };
      const taking = intake.take(file, { keepBlob: false, label: digestHex(layer.diffId).slice(0, 12) });
      await intake.flush();
      const taken = await taking;
      if (digestOf(taken.facts.tarSha256) === layer.diffId) return { tar: taken.tarFile, index: taken.indexFile };
    } catch (error) {
      if (reporter.signal.aborted || !isDamage(error)) throw error;
    } finally {
      await intake.close();
    }
  }
  return undefined;
}

/** Whether the bytes are to blame, and another source may be better: not the disk's space, not the user's Ctrl-C. */
function isDamage(error: unknown): boolean {
  return !(error instanceof GantryError) || !["CANCELLED", "NO_SPACE", "OUT_OF_MEMORY"].includes(error.code);
}

/** Whether the two are not one file by two names. */
export function isOther(a: string, b: string): boolean {
  const [first, second] = [statSync(a), statSync(b, { throwIfNoEntry: false })];
  return second === undefined || first.ino !== second.ino || first.dev !== second.dev;
}

/** Puts the tar of a layer in the place of the blob that has the same bytes, as a hard link. Durable on return. */
export function linkBlobToTar(checkup: Checkup, diffId: Digest): void {
  const { layout, scratch } = checkup;
  const link = join(scratch, `link-${digestHex(diffId)}`);
  linkSync(layout.layerTar(diffId), link);
  renameSync(link, layout.blob(diffId));
  fsyncDirectory(layout.blobsDir());
}

/** Writes a document into blobs/, durably. */
export async function putBlob(checkup: Checkup, digest: Digest, bytes: Uint8Array): Promise<void> {
  const file = join(checkup.scratch, `blob-${digestHex(digest)}`);
  writeFileSync(file, bytes, { mode: 0o600 });
  await fsyncAll([file]);
  renameSync(file, checkup.layout.blob(digest));
  fsyncDirectory(checkup.layout.blobsDir());
}

/**
 * The bytes of an image's manifest if it is one that gantry made, of uncompressed layers: then config and layers tell it
 * all. Undefined if those that it would have are not of its digest.
 */
export function remadeManifest(layout: StoreLayout, record: ImageRecord): Uint8Array | undefined {
  const bytes = readDocument(layout, record.id);
  if (bytes === undefined) return undefined;
  try {
    const layers = parseConfig(bytes).rootfs.diff_ids.map((digest) => ({
      digest,
      size: statSync(layout.layerTar(digest)).size,
    }));
    for (const [mediaType, config, layer] of [
      [OCI_MANIFEST, OCI_CONFIG, OCI_LAYER],
      [DOCKER_MANIFEST, DOCKER_CONFIG, DOCKER_LAYER],
    ] as const) {
      const made = encodeJson({
        schemaVersion: 2,
        mediaType,
        config: { mediaType: config, digest: record.id, size: bytes.length },
        layers: layers.map((part) => ({ mediaType: layer, ...part })),
      } satisfies ImageManifest);
      if (digestOf(sha256Hex(made)) === record.manifest.digest) return made;
    }
  } catch {
    // A layer is not there either.
  }
  return undefined;
}
