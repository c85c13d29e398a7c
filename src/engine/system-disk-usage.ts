import { lstatSync, readdirSync, type Stats } from "node:fs";
import { digestHex } from "../image/digest.ts";
import type { Digest, Image } from "../image/types.ts";
import { chainId } from "../layer/chain-id.ts";
import { ContainerPaths } from "../runtime/container-paths.ts";
import { writableBytes } from "../runtime/container-size.ts";
import { type ImageSummaries, imageSummaries } from "../store/image-summaries.ts";
import { layerSize } from "../store/layer-size.ts";
import type { Store } from "../store/store.ts";
import { type ListedContainer, listContainers } from "./list-containers.ts";

export interface ImageUsage {
  image: Image;
  /** Of its size: the layers that other images have as well, and those that it has alone. */
  sharedBytes: number;
  uniqueBytes: number;
  /** How many were made from it. */
  containers: number;
}

export interface ContainerUsage extends ListedContainer {
  /** Its own files. */
  writableBytes: number;
}

/** A kind of file that gantry keeps beside the layers' contents. */
export interface FileUsage {
  total: number;
  /** Those that an image or a container has use for now. */
  active: number;
  bytes: number;
  reclaimableBytes: number;
}

/** What the store holds, as `system df` shows it. Sizes are those of files, as Docker counts them. */
export interface DiskUsage {
  images: ImageUsage[];
  /** All layers, each once. */
  layerBytes: number;
  /** What the images without a container have alone, or share with each other, as Docker computes it. */
  reclaimableImageBytes: number;
  containers: ContainerUsage[];
  /** Configs, manifests and compressed layers as received; not the layers that are their own tar. */
  blobs: FileUsage;
  /** The indexes of layers' contents. */
  layerIndexes: FileUsage;
  /** What mounting images needs: made at first use, made again at will. */
  chainCaches: FileUsage;
  /** What commands that run just now are making. */
  unfinished: FileUsage;
}

/**
 * Adds up what the store holds. Layers are not looked into: what they hold is known from when they came; only the
 * containers' own files are counted anew.
 * @throws STORE_CORRUPT
 */
export function systemDiskUsage(store: Store): DiskUsage {
  const summaries = imageSummaries(store);
  const images = store.images();
  const containers = listContainers(store).map((listed) => ({
    ...listed,
    writableBytes: writableBytes(new ContainerPaths(store.layout, listed.record.id)),
  }));
  const usage = imageUsage(images, containers, summaries);
  summaries.save();
  const layers = new Map<Digest, number>();
  for (const image of images)
    for (const { diffId, sizeBytes } of summaries.of(image).layers) layers.set(diffId, sizeBytes);
  const held = new Set(containers.flatMap(({ record }) => record.layers));
  for (const diffId of held) if (!layers.has(diffId)) layers.set(diffId, layerSizeIfThere(store, diffId));
  const layerBytes = sum(layers.values());
  const used = sum(usage.filter(({ containers: count }) => count > 0).map(({ uniqueBytes }) => uniqueBytes));
  return {
    images: usage,
    layerBytes,
    reclaimableImageBytes: layerBytes - used,
    containers,
    blobs: blobUsage(store),
    layerIndexes: indexUsage(store, new Set([...layers.keys()].map(digestHex))),
    chainCaches: chainUsage(store, containers),
    unfinished: unfinishedUsage(store),
  };
}

function imageUsage(
  images: readonly Image[],
  containers: readonly ListedContainer[],
  of: ImageSummaries,
): ImageUsage[] {
  const users = new Map<Digest, number>();
  for (const { record } of containers) users.set(record.image, (users.get(record.image) ?? 0) + 1);
  const owners = new Map<Digest, number>();
  for (const image of images) {
    for (const diffId of new Set(of.of(image).layers.map((layer) => layer.diffId)))
      owners.set(diffId, (owners.get(diffId) ?? 0) + 1);
  }
  return images.map((image) => {
    const shared = of.of(image).layers.filter(({ diffId }) => owners.get(diffId)! > 1);
    const sharedBytes = sum(shared.map(({ sizeBytes }) => sizeBytes));
    return {
      image,
      sharedBytes,
      uniqueBytes: image.sizeBytes - sharedBytes,
      containers: users.get(image.id) ?? 0,
    };
  });
}

function layerSizeIfThere(store: Store, diffId: Digest): number {
  try {
    return layerSize(store.layout.layerIndex(diffId));
  } catch {
    return 0; // a container that has just gone, and its image before it
  }
}

/** The blobs but for those that are a layer's tar as well: a file with two names is counted as the layer. */
function blobUsage(store: Store): FileUsage {
  const directory = store.layout.blobsDir();
  const files = namesIn(directory)
    .map((name) => statOf(`${directory}/${name}`))
    .filter((stat) => stat?.nlink === 1);
  return {
    total: files.length,
    active: files.length,
    bytes: sum(files.map((stat) => stat?.size ?? 0)),
    reclaimableBytes: 0,
  };
}

function indexUsage(store: Store, needed: ReadonlySet<string>): FileUsage {
  const usage: FileUsage = { total: 0, active: 0, bytes: 0, reclaimableBytes: 0 };
  const directory = store.layout.layersDir();
  for (const hex of namesIn(directory)) {
    const stat = statOf(`${directory}/${hex}/index`);
    if (stat === undefined) continue;
    usage.total++;
    usage.bytes += stat.size;
    if (needed.has(hex)) usage.active++;
    else usage.reclaimableBytes += stat.size;
  }
  return usage;
}

/** A chain's files are in use while a container stands on it. */
function chainUsage(store: Store, containers: readonly ListedContainer[]): FileUsage {
  const chains = new Set(containers.map(({ record }) => chainId(record.layers)).filter((chain) => chain !== undefined));
  const active = new Set([...chains].map(digestHex));
  const found = new Map<string, number>();
  for (const name of namesIn(store.layout.chainsDir())) {
    const hex = name.slice(0, 64);
    found.set(hex, (found.get(hex) ?? 0) + treeBytes(`${store.layout.chainsDir()}/${name}`));
  }
  const unused = [...found].filter(([hex]) => !active.has(hex));
  return {
    total: found.size,
    active: found.size - unused.length,
    bytes: sum(found.values()),
    reclaimableBytes: sum(unused.map(([, bytes]) => bytes)),
  };
}

function unfinishedUsage(store: Store): FileUsage {
  const names = namesIn(store.layout.tmpDir());
  const bytes = sum(names.map((name) => treeBytes(`${store.layout.tmpDir()}/${name}`)));
  return { total: names.length, active: names.length, bytes, reclaimableBytes: 0 };
}

/** Bytes on disk: spill files have holes. */
function treeBytes(path: string): number {
  const stat = statOf(path);
  if (stat === undefined) return 0;
  if (!stat.isDirectory()) return Math.min(stat.size, stat.blocks * 512);
  return sum(namesIn(path).map((name) => treeBytes(`${path}/${name}`)));
}

/** Paths are put together by hand: there are thousands, and node:path takes longer than the kernel. */
function statOf(path: string): Stats | undefined {
  return lstatSync(path, { throwIfNoEntry: false });
}

function namesIn(directory: string): string[] {
  try {
    return readdirSync(directory);
  } catch {
    return [];
  }
}

function sum(values: Iterable<number>): number {
  let total = 0;
  for (const value of values) total += value;
  return total;
}
