import { closeSync, openSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { treeDataBytes } from "../archive/tree-size.ts";
import { type LayerSource, writeTree } from "../archive/tree-writer.ts";
import { GantryError, isGantryError } from "../errors/index.ts";
import type { Reporter } from "../events/progress.ts";
import { digestHex, digestOf } from "../image/digest.ts";
import { DOCKER_LAYER, DOCKER_MANIFEST, OCI_LAYER } from "../image/media-types.ts";
import { familiarReference, fullTagName } from "../image/reference.ts";
import { squashedConfig } from "../image/squashed-config.ts";
import { type Timestamp, timestampOf } from "../image/timestamp.ts";
import type { Digest, Image, Platform } from "../image/types.ts";
import { buildLayerIndex, layerBetween, mergeChain } from "../kernels/layer.ts";
import { Sha256 } from "../kernels/sha256.ts";
import { TarScanner } from "../kernels/tar-scan.ts";
import { encodeTarHeader, END_OF_ARCHIVE } from "../kernels/tar-write.ts";
import { writeAll } from "../kernels/write-all.ts";
import { clampTimes } from "../layer/clamp-times.ts";
import { ENTRY_DIRECTORY, NODE_IMPLIED } from "../layer/format.ts";
import { LayerIndex } from "../layer/layer-index.ts";
import { requireSpace } from "../store/free-space.ts";
import type { Scratch, Store } from "../store/store.ts";
import { imageEvent } from "./image-event.ts";
import { writeImageDocuments } from "./image-documents.ts";

export interface SquashImageOptions {
  /**
   * Which layers become one: the number of layers from the top; a layer's digest or its beginning: that one and all above it; or an
   * image whose layers are the lowest of this one: all above those. Default: all.
   */
  from?: string;
  /** Exactly this one of a multi-platform image; else the host's, else the first. */
  platform?: Platform;
  /** Names of the new image; without one it is dangling. */
  names?: readonly string[];
  /** Of the new step in the history; default: which images it was made of. */
  message?: string;
  /** When the image was made; now where it is not given. Files that are younger are dated so in the new layer. */
  timestamp?: Timestamp;
}

export interface SquashedImage {
  image: Image;
  /** Layers before and after. */
  layersBefore: number;
  layersAfter: number;
  /** What Docker shows as the size of each image; bytes. */
  sizeBefore: number;
  sizeAfter: number;
}

/**
 * Makes an image with the same files, configuration and history whose upper layers, or all, are one: written from ranges of the
 * layers' tars in the order of the merged index, without unpacking. Lower layers are shared with the image as they are. The same image,
 * message and timestamp give the same digest. Durable on return. Where there is nothing to squash, the image itself gets
 * the names.
 * @throws IMAGE_NOT_FOUND, IMAGE_AMBIGUOUS, PLATFORM_NOT_FOUND, LAYER_MISSING, REFERENCE_INVALID, NO_SPACE, CANCELLED
 */
export async function squashImage(
  store: Store,
  reference: string,
  options: SquashImageOptions,
  reporter: Reporter,
): Promise<SquashedImage> {
  const names = (options.names ?? []).map(fullTagName);
  const image = store.resolveImage(reference, { platform: options.platform });
  const keep = lowestKept(store, image, reference, options.from);
  const before = { layersBefore: image.layers.length, sizeBefore: image.sizeBytes };
  if (image.layers.length - keep < 2) {
    for (const name of names) await store.tag(image.id, name);
    tellTags(store, image, names);
    const same = store.resolveImage(image.id);
    return { image: same, ...before, layersAfter: image.layers.length, sizeAfter: image.sizeBytes };
  }
  const scratch = await store.scratch();
  try {
    const made = await writeSquashedLayer(store, scratch, image, keep, options.timestamp, reporter);
    const { config, layers } = image;
    const squashed = squashedConfig(config, {
      keep,
      diffId: made?.diffId,
      created: (options.timestamp ?? timestampOf(Date.now())).text,
      createdBy: "gantry image squash",
      comment: options.message ?? `merge ${layers.length - keep} layers of ${image.id}`,
    });
    const docker = image.manifest.mediaType === DOCKER_MANIFEST;
    const descriptors = layers.slice(0, keep).map(({ blob }) => blob);
    if (made !== undefined)
      descriptors.push({ mediaType: docker ? DOCKER_LAYER : OCI_LAYER, digest: made.diffId, size: made.bytes });
    const documents = writeImageDocuments(scratch.path, squashed, descriptors, { docker });
    const published = await store.publish(scratch, {
      blobs: [...(made === undefined ? [] : [{ digest: made.diffId, file: made.tar }]), ...documents.blobs],
      layers: made === undefined ? [] : [{ diffId: made.diffId, blob: made.diffId, index: made.index }],
      manifest: documents.manifest,
      names,
    });
    imageEvent(store.layout, published, "create", names.map(familiarReference)[0]);
    return { image: published, ...before, layersAfter: descriptors.length, sizeAfter: published.sizeBytes };
  } finally {
    await scratch.dispose();
  }
}

function tellTags(store: Store, image: Image, names: readonly string[]): void {
  for (const name of names) imageEvent(store.layout, image, "tag", familiarReference(name));
}

/** How many of the lowest layers stay. @throws LAYER_MISSING */
function lowestKept(store: Store, image: Image, reference: string, from: string | undefined): number {
  const { layers } = image;
  if (from === undefined) return 0;
  if (/^\d{1,3}$/.test(from)) {
    if (Number(from) >= 1 && Number(from) <= layers.length) return layers.length - Number(from);
    throw noSuchLayer(`${reference} has ${layers.length} layers: ${from} of them cannot be squashed`, image, from);
  }
  const hex = /^(?:sha256:)?([0-9a-f]{4,64})$/.exec(from)?.[1];
  const found = hex === undefined ? -1 : layers.findIndex(({ diffId }) => digestHex(diffId).startsWith(hex));
  if (found >= 0) return found;
  const base = baseLayers(store, from);
  if (base !== undefined && base.length <= layers.length && base.every((diffId, n) => layers[n]!.diffId === diffId))
    return base.length;
  const why =
    base === undefined
      ? `${reference} has no layer ${from}, and there is no image of that name`
      : `${reference} is not made from ${from}: its lowest layers are others`;
  throw noSuchLayer(why, image, from);
}

function noSuchLayer(why: string, { layers }: Image, from: string): GantryError {
  return new GantryError("LAYER_MISSING", why, {
    remedy: "Give the number of layers from the top, a layer's digest, or the image it was made from.",
    details: { from, layers: layers.map(({ diffId }) => diffId) },
  });
}

function baseLayers(store: Store, reference: string): Digest[] | undefined {
  try {
    return store.resolveImage(reference).layers.map(({ diffId }) => diffId);
  } catch (error) {
    if (isGantryError(error, "IMAGE_NOT_FOUND") || isGantryError(error, "REFERENCE_INVALID")) return undefined;
    throw error;
  }
}

interface NewLayer {
  diffId: Digest;
  tar: string;
  index: string;
  bytes: number;
}

/** Undefined if the layers together change nothing. */
async function writeSquashedLayer(
  store: Store,
  scratch: Scratch,
  image: Image,
  keep: number,
  latest: Timestamp | undefined,
  reporter: Reporter,
): Promise<NewLayer | undefined> {
  const diffIds = image.layers.map(({ diffId }) => diffId);
  const indexes = diffIds.map((diffId) => store.readLayerIndex(diffId));
  const whole = mergeChain(indexes);
  const exact = keep === 0 ? whole : layerBetween(mergeChain(indexes.slice(0, keep)), whole);
  const tree = latest === undefined ? new LayerIndex(exact) : clampTimes(new LayerIndex(exact), latest);
  const totalBytes = treeDataBytes(tree);
  requireSpace(store.layout.root, totalBytes, "the squashed layer");
  const sources = diffIds.map((diffId): LayerSource => ({ type: "tar", path: store.layout.layerTar(diffId) }));
  const task = "squash";
  const tar = join(scratch.path, "layer.tar");
  const hash = new Sha256();
  const scanner = new TarScanner();
  const take = (bytes: Uint8Array): void => {
    hash.update(bytes);
    scanner.push(bytes);
  };
  const fd = openSync(tar, "wx", 0o600);
  try {
    reporter.emit({ kind: "start", task, label: "Squashing", totalBytes });
    const root = rootHeader(tree);
    writeAll(fd, root);
    take(root);
    const { tarBytes } = await writeTree(tree, sources, fd, reporter, { task, onBytes: take });
    reporter.emit({ kind: "done", task });
    if (tarBytes === END_OF_ARCHIVE.length && root.length === 0) return undefined;
    const index = join(scratch.path, "layer.index");
    writeFileSync(index, buildLayerIndex(scanner.finish().records), { mode: 0o600 });
    return { diffId: digestOf(hash.digestHex()), tar, index, bytes: root.length + tarBytes };
  } finally {
    closeSync(fd);
  }
}

/** The entry of the root directory, which the tree's tar has none of: only where it says something. */
function rootHeader(tree: LayerIndex): Uint8Array {
  const root = tree.inodeOf(0)!;
  const mtimeSeconds = tree.mtimeSecondsOf(root);
  const xattrs = tree.xattrsOf(root);
  const plain = tree.modeOf(root) === 0o755 && tree.uidOf(root) === 0 && tree.gidOf(root) === 0;
  const untold = plain && mtimeSeconds === 0 && tree.mtimeNanosecondsOf(root) === 0 && xattrs.length === 0;
  if (untold || (tree.flagsOf(0) & NODE_IMPLIED) !== 0) return new Uint8Array(0);
  return encodeTarHeader({
    type: ENTRY_DIRECTORY,
    path: "./",
    mode: tree.modeOf(root),
    uid: tree.uidOf(root),
    gid: tree.gidOf(root),
    mtimeSeconds,
    mtimeNanoseconds: tree.mtimeNanosecondsOf(root),
    xattrs: xattrs.map(({ name, value }) => [name, value] as const),
  });
}
