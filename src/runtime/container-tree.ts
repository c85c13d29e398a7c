import type { LayerSource } from "../archive/tree-writer.ts";
import { walkTreeAsync } from "../bridge/index.ts";
import type { Reporter } from "../events/progress.ts";
import { buildLayerIndex, mergeLayerIndexes } from "../kernels/layer.ts";
import { filterRecords } from "../layer/entry-records.ts";
import { SPARSE_FROM_BYTES } from "../kernels/tar-write.ts";
import { LayerIndex } from "../layer/layer-index.ts";
import { lookup } from "../layer/resolve-path.ts";
import { chainIndex } from "../snapshot/chain-index.ts";
import type { Store } from "../store/store.ts";
import type { ContainerPaths } from "./container-paths.ts";
import type { ContainerRecord } from "./container-record.ts";
import { defaultMounts } from "./default-mounts.ts";

/** A tree as an index and where the data of each of its layers is. */
export interface IndexedTree {
  index: LayerIndex;
  sources: LayerSource[];
  /** Paths of sockets (Latin-1 of their bytes), which no archive can hold. */
  skippedSockets: string[];
}

/**
 * What the container has changed: its upper directory as a layer, with whiteouts and opaque directories. What the engine
 * itself put there to mount something on is left out.
 * @throws SYSTEM_CALL_FAILED, LAYER_MISSING
 */
export async function containerLayer(
  store: Store,
  record: ContainerRecord,
  paths: ContainerPaths,
  reporter: Reporter,
): Promise<IndexedTree> {
  return await changesOn(() => chainIndex(store, record.layers), paths, reporter);
}

/** `chain` is asked for only if something lies where the engine mounts: most images have all mount points. */
async function changesOn(
  chain: () => Promise<Uint8Array>,
  paths: ContainerPaths,
  reporter: Reporter,
): Promise<IndexedTree> {
  const { records, skippedSockets } = await walkTreeAsync(paths.upper, {
    signal: reporter.signal,
    zerosFromBytes: SPARSE_FROM_BYTES,
  });
  let index = new LayerIndex(buildLayerIndex(records));
  const suspects = mountPointsOf(paths).filter((path) => isEmptyAt(index, path));
  if (suspects.length > 0) {
    const made = madeByEngine(index, new LayerIndex(await chain()), suspects);
    const kept = filterRecords(records, ({ path }) => !made.has(Buffer.from(path).toString("latin1")));
    if (kept !== records) index = new LayerIndex(buildLayerIndex(kept));
  }
  return {
    index,
    sources: [{ type: "directory", path: paths.upper }],
    skippedSockets: skippedSockets.map((path) => Buffer.from(path).toString("latin1")),
  };
}

/** Whether an empty directory or file is there. */
function isEmptyAt(index: LayerIndex, path: string): boolean {
  const node = lookup(index, Buffer.from(path));
  const inode = node === undefined ? undefined : index.inodeOf(node);
  if (node === undefined || inode === undefined) return false;
  if (index.isDirectory(inode)) return index.childCountOf(node) === 0;
  return index.isRegular(inode) && index.sizeOf(inode) === 0;
}

/**
 * Those of the mount points that the image lacks, and the directories above them that are in the layer for no other reason:
 * all that is in them is of the engine's making, and the image's directory, if it has one, differs in its time at most.
 */
function madeByEngine(own: LayerIndex, base: LayerIndex, mountPoints: string[]): Set<string> {
  const made = new Set(mountPoints.filter((path) => lookup(base, Buffer.from(path)) === undefined));
  for (const path of made) {
    const parent = path.slice(0, Math.max(path.lastIndexOf("/"), 0));
    if (parent === "") continue;
    const node = lookup(own, Buffer.from(parent));
    if (node === undefined || own.isOpaque(node) || !isSameDirectory(own, node, base, parent)) continue;
    const children = Array.from({ length: own.childCountOf(node) }, (_, n) => own.pathOf(own.firstChildOf(node) + n));
    // A set visits what is added to it meanwhile: the directory above comes next.
    if (children.every((child) => made.has(child.toString("latin1")))) made.add(parent);
  }
  return made;
}

function isSameDirectory(own: LayerIndex, node: number, base: LayerIndex, path: string): boolean {
  const lower = lookup(base, Buffer.from(path));
  if (lower === undefined) return true;
  const [mine, its] = [own.inodeOf(node), base.inodeOf(lower)];
  if (mine === undefined || its === undefined || !base.isDirectory(its)) return false;
  return (
    own.modeOf(mine) === base.modeOf(its) &&
    own.uidOf(mine) === base.uidOf(its) &&
    own.gidOf(mine) === base.gidOf(its) &&
    own.xattrListOf(mine).length === base.xattrListOf(its).length
  );
}

/**
 * The container's whole file system as one tree: its image's layers and its own changes, merged. Volumes and other mounts are
 * not in it, as with Docker.
 * @throws SYSTEM_CALL_FAILED, LAYER_MISSING
 */
export async function containerTree(
  store: Store,
  record: ContainerRecord,
  paths: ContainerPaths,
  reporter: Reporter,
): Promise<IndexedTree> {
  const base = await chainIndex(store, record.layers);
  const own = await changesOn(() => Promise.resolve(base), paths, reporter);
  const tars = record.layers.map((diffId): LayerSource => ({ type: "tar", path: store.layout.layerTar(diffId) }));
  return {
    index: new LayerIndex(mergeLayerIndexes(base, own.index.bytes)),
    sources: [...tars, ...own.sources],
    skippedSockets: own.skippedSockets,
  };
}

/** Paths without a leading slash, and the directories that the runtime made for them in an image that has none. */
function mountPointsOf(paths: ContainerPaths): string[] {
  const mounts = defaultMounts(paths, { privileged: false, readonlyRootfs: false, shmSizeBytes: 0 });
  return mounts.map((mount) => mount.destination.slice(1));
}
