import { existsSync } from "node:fs";
import type { TreeSource } from "../archive/tree-reader.ts";
import { GantryError, isGantryError } from "../errors/index.ts";
import type { Reporter } from "../events/progress.ts";
import type { Digest, Image } from "../image/types.ts";
import { LayerIndex } from "../layer/layer-index.ts";
import { chainIndex, mergeChain } from "../snapshot/chain-index.ts";
import type { Store } from "../store/store.ts";
import type { FileTree, OpenTreeOptions } from "./file-tree.ts";

/**
 * Finds what a word of the command line means and opens it: `image:REF`, `container:NAME` and `archive:FILE[:NAME]` say it;
 * what begins with `/`, `./` or `../` is an archive; anything else is an image, if there is none a container, if there is
 * none a file or layout directory of that name.
 * @throws IMAGE_NOT_FOUND, PLATFORM_NOT_FOUND and what finding and reading images, containers and archives throws
 */
export async function openFileTree(
  store: Store,
  given: string,
  reporter: Reporter,
  options: OpenTreeOptions = {},
): Promise<FileTree> {
  const [, prefix, rest] = /^(image|container|archive):(.+)$/s.exec(given) ?? [];
  if (prefix === "image") return await imageTree(store, rest!, options);
  if (prefix === "container") return await openContainerTree(store, rest!, reporter);
  if (prefix === "archive") return await openArchived(store, rest!, reporter, options);
  if (/^\.{0,2}\//.test(given)) return await openArchived(store, given, reporter, options);
  try {
    return await imageTree(store, given, options);
  } catch (error) {
    if (!isGantryError(error, "IMAGE_NOT_FOUND") && !isGantryError(error, "REFERENCE_INVALID")) throw error;
  }
  try {
    return await openContainerTree(store, given, reporter);
  } catch (error) {
    if (!isGantryError(error, "CONTAINER_NOT_FOUND")) throw error;
  }
  if (existsSync(given) || existsSync(given.replace(/:[^/]*$/, "")))
    return await openArchived(store, given, reporter, options);
  throw new GantryError("IMAGE_NOT_FOUND", `No such image, container or archive: ${given}`, {
    remedy: "List images with gantry images, containers with gantry ps -a, or give the path of an archive.",
    details: { reference: given },
  });
}

/** An image of the store. @throws IMAGE_NOT_FOUND, IMAGE_AMBIGUOUS, PLATFORM_NOT_FOUND, LAYER_MISSING, STORE_CORRUPT */
async function imageTree(store: Store, reference: string, { platform }: OpenTreeOptions): Promise<FileTree> {
  return await treeOfImage(store, store.resolveImage(reference, { platform }), reference);
}

/** The same of an image that has been found. @throws LAYER_MISSING, STORE_CORRUPT */
export async function treeOfImage(store: Store, image: Image, label: string): Promise<FileTree> {
  const diffIds = image.layers.map((layer) => layer.diffId);
  return {
    kind: "image",
    label,
    id: image.id,
    ...(await treeOfLayers(store, diffIds)),
    config: image.config,
    dispose: () => Promise.resolve(),
  };
}

/** The tree of a chain of layers of the store, bottom first. @throws LAYER_MISSING, LAYER_INDEX_INVALID */
export async function treeOfLayers(
  store: Store,
  diffIds: readonly Digest[],
): Promise<Pick<FileTree, "index" | "sources" | "sourceKeys" | "layers">> {
  return { index: new LayerIndex(await mergedIndex(store, diffIds)), ...storedLayers(store, diffIds) };
}

/** The chain's index, from its cache or kept there for the next time; a store that is full or read-only has answers too. */
async function mergedIndex(store: Store, diffIds: readonly Digest[]): Promise<Uint8Array> {
  try {
    return await chainIndex(store, diffIds);
  } catch (error) {
    if (isGantryError(error) && (error.kind === "not-found" || error.kind === "invalid")) throw error;
    return mergeChain(store, diffIds);
  }
}

function storedLayers(store: Store, diffIds: readonly Digest[]): Pick<FileTree, "sources" | "sourceKeys" | "layers"> {
  return {
    sources: diffIds.map((diffId) => ({ type: "tar", path: store.layout.layerTar(diffId) })),
    sourceKeys: [...diffIds],
    layers: diffIds.map((diffId) => ({ diffId, index: () => new LayerIndex(store.readLayerIndex(diffId)) })),
  };
}

/** The files of a container, running or not. @throws CONTAINER_NOT_FOUND, CONTAINER_AMBIGUOUS, SYSTEM_CALL_FAILED */
export async function openContainerTree(store: Store, given: string, reporter: Reporter): Promise<FileTree> {
  const { findContainer } = await import("../runtime/find-container.ts");
  const { readContainerRecord } = await import("../runtime/container-record.ts");
  const { containerLayer } = await import("../runtime/container-tree.ts");
  const { mergeLayerIndexes } = await import("../kernels/layer.ts");
  const paths = findContainer(store.layout, given);
  const record = readContainerRecord(paths);
  const own = await containerLayer(store, record, paths, reporter);
  const below = storedLayers(store, record.layers);
  const base = await mergedIndex(store, record.layers);
  // An image without layers still has a tree of one layer, which has no data.
  const none: TreeSource[] = record.layers.length === 0 ? [...own.sources] : [];
  return {
    kind: "container",
    label: given,
    id: record.id,
    index: new LayerIndex(mergeLayerIndexes(base, own.index.bytes)),
    sources: [...below.sources, ...none, ...own.sources],
    sourceKeys: [...below.sourceKeys, ...none.map(() => ""), `container:${record.id}`],
    layers: [...below.layers, { diffId: undefined, index: () => own.index }],
    config: { config: record.config },
    dispose: () => Promise.resolve(),
  };
}

async function openArchived(
  store: Store,
  given: string,
  reporter: Reporter,
  options: OpenTreeOptions,
): Promise<FileTree> {
  const { openArchivedTree } = await import("./archived-tree.ts");
  return await openArchivedTree(store, given, reporter, options);
}
