import { closeSync, existsSync, openSync } from "node:fs";
import { join } from "node:path";
import { extractTree, removeTree, syncFileSystem } from "../bridge/index.ts";
import type { Reporter } from "../events/progress.ts";
import type { Digest } from "../image/types.ts";
import { chainId } from "../layer/chain-id.ts";
import { LayerIndex } from "../layer/layer-index.ts";
import { requireSpace } from "../store/free-space.ts";
import { mergeChain, readChainIndex } from "./chain-index.ts";
import { type ChainStore, layerMissing, publishChain } from "./publish-chain.ts";
import type { LowerPlan, Snapshotter } from "./snapshotter.ts";

/** Makes a chain's tree as real files, once, for kernels and users that cannot mount EROFS. */
export class UnpackSnapshotter implements Snapshotter {
  readonly driver = "unpack";
  readonly #store: ChainStore;

  constructor(store: ChainStore) {
    this.#store = store;
  }

  async prepare(diffIds: readonly Digest[], reporter: Reporter): Promise<LowerPlan> {
    const chain = chainId(diffIds);
    if (chain === undefined) return { type: "empty" };
    const { layout } = this.#store;
    const path = layout.chainTree(chain);
    // A tree appears whole and durable, by a rename.
    if (existsSync(path)) return { type: "directory", path };

    const tars = diffIds.map((diffId) => layout.layerTar(diffId));
    const missing = tars.findIndex((tar) => !existsSync(tar));
    if (missing >= 0) throw layerMissing(diffIds[missing]!);
    const bytes = readChainIndex(layout.chainIndex(chain), diffIds.length) ?? mergeChain(this.#store, diffIds);
    const index = new LayerIndex(bytes);
    requireSpace(layout.chainsDir(), storedBytes(index), "unpacking the image");
    const scratch = await this.#store.scratch();
    const task = `unpack ${chain}`;
    try {
      reporter.emit({ kind: "start", task, label: "Unpacking", totalBytes: index.dataBytes });
      const tree = join(scratch.path, "tree");
      const onProgress = (doneBytes: number): void => reporter.emit({ kind: "advance", task, doneBytes });
      await extractTree(bytes, tars, tree, { signal: reporter.signal, onProgress });
      await sync(tree);
      await publishChain(this.#store, diffIds, [{ from: tree, to: path }]);
      reporter.emit({ kind: "done", task });
    } finally {
      // Not left to dispose: an image's tree may hold directories that take time, and nothing may be followed.
      await removeTree(join(scratch.path, "tree"));
      await scratch.dispose();
    }
    return { type: "directory", path };
  }
}

/** What the files' data takes on the disk, holes left out. */
function storedBytes(index: LayerIndex): number {
  let bytes = 0;
  for (let inode = 0; inode < index.inodeCount; inode++) {
    if (index.isRegular(inode)) bytes += index.storedBytesOf(inode);
  }
  return bytes;
}

async function sync(directory: string): Promise<void> {
  const fd = openSync(directory, "r");
  try {
    await syncFileSystem(fd);
  } finally {
    closeSync(fd);
  }
}
