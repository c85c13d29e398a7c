import { closeSync, constants } from "node:fs";
import type { LayerSource } from "../archive/tree-writer.ts";
import { getXattr, openIn, type WalkedTree, walkTreeAsync } from "../bridge/index.ts";
import { isGantryError } from "../errors/index.ts";
import type { Reporter } from "../events/progress.ts";
import { buildLayerIndex, mergeLayerIndexes } from "../kernels/layer.ts";
import { filterRecords, type RecordView } from "../layer/entry-records.ts";
import { LayerIndex } from "../layer/layer-index.ts";
import { lookup } from "../layer/resolve-path.ts";
import { subtree } from "../layer/subtree.ts";
import { chainIndex } from "../snapshot/chain-index.ts";
import type { Store } from "../store/store.ts";
import type { ContainerPaths } from "./container-paths.ts";
import type { ContainerRecord } from "./container-record.ts";
import type { IndexedTree } from "./container-tree.ts";

/** A directory of a container, or one of its children alone. */
export interface SubtreePlace {
  /** Absolute, without symbolic links on the way. */
  directory: Buffer;
  /** Empty: all children. */
  name: string;
}

/** An indexed tree and the open directory that it reads from. */
export interface OpenSubtree extends IndexedTree {
  close(): void;
}

/**
 * A part of the file system of a container that does not run, from the indexes of its image and its own changes: nothing is
 * mounted, and only that part of its changes is walked. Paths in the tree begin below `directory`.
 * @param keep leaves entries of the container's own out that no archive can hold
 * @throws SYSTEM_CALL_FAILED, LAYER_MISSING, CANCELLED
 */
export async function containerSubtree(
  store: Store,
  record: ContainerRecord,
  paths: ContainerPaths,
  { directory, name }: SubtreePlace,
  keep: (record: RecordView) => boolean,
  reporter: Reporter,
): Promise<OpenSubtree> {
  const chain = new LayerIndex(await chainIndex(store, record.layers));
  const own = openOwn(paths.upper, directory);
  const below = own.hidesImage ? undefined : lookup(chain, directory);
  const lower = subtree(chain, below ?? 0, below === undefined ? "none" : name === "" ? "all" : Buffer.from(name));
  const sources = record.layers.map((diffId): LayerSource => ({ type: "tar", path: store.layout.layerTar(diffId) }));
  const close = (): void => {
    if (own.fd !== undefined) closeSync(own.fd);
  };
  if (own.fd === undefined) return { index: lower, sources, skippedSockets: [], close };
  try {
    const path = `/proc/self/fd/${own.fd}`;
    const { records, skippedSockets } = await walkOwn(path, name, reporter);
    const upper = buildLayerIndex(filterRecords(records, keep));
    sources[lower.layerCount] = { type: "directory", path };
    return {
      index: new LayerIndex(mergeLayerIndexes(lower.bytes, upper)),
      sources,
      skippedSockets: skippedSockets.map((socket) => Buffer.from(socket).toString("latin1")),
      close,
    };
  } catch (error) {
    close();
    throw error;
  }
}

const DIRECTORY = constants.O_RDONLY | constants.O_DIRECTORY | constants.O_NOFOLLOW;
const OPAQUE = "trusted.overlay.opaque";

/**
 * Opens the container's own part of a directory; without one, `fd` is undefined. `hidesImage`: it, or a directory above
 * it, is opaque, so that nothing in it is the image's.
 */
function openOwn(upper: string, directory: Buffer): { fd: number | undefined; hidesImage: boolean } {
  let fd = openIn(upper, ".", DIRECTORY);
  let hidesImage = false;
  for (const name of directory.toString("latin1").split("/").filter(Boolean)) {
    const above = fd;
    const found = openChild(above, Buffer.from(name, "latin1"));
    closeSync(above);
    if (found === undefined) return { fd: undefined, hidesImage };
    fd = found;
    hidesImage ||= Buffer.from(getXattr(fd, OPAQUE) ?? []).toString() === "y";
  }
  return { fd, hidesImage };
}

function openChild(directory: number, name: Buffer): number | undefined {
  try {
    return openIn(directory, name, DIRECTORY);
  } catch (error) {
    if (isMissing(error)) return undefined;
    throw error;
  }
}

/** The records of a walk; none if the one name that is asked for is not there. */
async function walkOwn(root: string, name: string, reporter: Reporter): Promise<WalkedTree> {
  try {
    return await walkTreeAsync(root, { name, signal: reporter.signal });
  } catch (error) {
    if (name === "" || !isMissing(error)) throw error;
    return { records: new Uint8Array(0), entryCount: 0, skippedSockets: [] };
  }
}

function isMissing(error: unknown): boolean {
  return isGantryError(error, "SYSTEM_CALL_FAILED") && ["ENOENT", "ENOTDIR"].includes(String(error.details["name"]));
}
