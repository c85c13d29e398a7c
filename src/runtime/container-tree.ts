import type { LayerSource } from "../archive/tree-writer.ts";
import { walkTreeAsync } from "../bridge/index.ts";
import type { Reporter } from "../events/progress.ts";
import { buildLayerIndex, mergeLayerIndexes } from "../kernels/layer.ts";
import { filterRecords } from "../layer/entry-records.ts";
import { ENTRY_DIRECTORY, ENTRY_REGULAR } from "../layer/format.ts";
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
  return await changesOn(await chainIndex(store, record.layers), paths, reporter);
}

async function changesOn(chain: Uint8Array, paths: ContainerPaths, reporter: Reporter): Promise<IndexedTree> {
  const base = new LayerIndex(chain);
  const { records, skippedSockets } = await walkTreeAsync(paths.upper, {
    signal: reporter.signal,
    zerosFromBytes: SPARSE_FROM_BYTES,
  });
  const mountPoints = new Set(mountPointsOf(paths));
  const kept = filterRecords(records, ({ path, type, size }) => {
    if (type !== ENTRY_DIRECTORY && (type !== ENTRY_REGULAR || size > 0)) return true;
    return !mountPoints.has(Buffer.from(path).toString("latin1")) || lookup(base, path) !== undefined;
  });
  return {
    index: new LayerIndex(buildLayerIndex(kept)),
    sources: [{ type: "directory", path: paths.upper }],
    skippedSockets: skippedSockets.map((path) => Buffer.from(path).toString("latin1")),
  };
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
  const own = await changesOn(base, paths, reporter);
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
