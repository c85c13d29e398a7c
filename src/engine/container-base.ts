import { readFileSync } from "node:fs";
import { join } from "node:path";
import type { Reporter } from "../events/progress.ts";
import type { Digest } from "../image/types.ts";
import { chainId } from "../layer/chain-id.ts";
import { EMPTY_IMAGE_FACTS, type ImageFacts } from "../runtime/image-facts.ts";
import type { ImageTree } from "../runtime/image-files.ts";
import { openSnapshotter } from "../snapshot/open-snapshotter.ts";
import type { LowerPlan, SnapshotDriver } from "../snapshot/snapshotter.ts";
import type { Store } from "../store/store.ts";

/** What containers of one chain of layers stand on, ready to be mounted. */
export interface ContainerBase {
  driver: SnapshotDriver;
  plan: LowerPlan;
}

/** Prepares the chain for mounting; quick where that has been done before. @throws what Snapshotter.prepare throws */
export async function prepareBase(
  store: Store,
  diffIds: readonly Digest[],
  reporter: Reporter,
): Promise<ContainerBase> {
  const snapshotter = await openSnapshotter(store);
  return { driver: snapshotter.driver, plan: await snapshotter.prepare(diffIds, reporter) };
}

/**
 * The facts of a chain: from the cache beside it, else from its index. Reading a large image's index takes longer than
 * the rest of creating a container.
 * @throws what reading a chain's index throws
 */
export async function imageFacts(store: Store, diffIds: readonly Digest[]): Promise<ImageFacts> {
  const chain = chainId(diffIds);
  if (chain === undefined) return EMPTY_IMAGE_FACTS;
  const file = store.layout.chainFacts(chain);
  const known = readFacts(file);
  if (known !== undefined) return known;
  const { readImageFacts } = await import("../runtime/image-facts.ts");
  const facts = readImageFacts(await imageTree(store, diffIds));
  const { publishChain, writeScratchFile } = await import("../snapshot/publish-chain.ts");
  const scratch = await store.scratch();
  try {
    const made = join(scratch.path, "facts");
    writeScratchFile(made, Buffer.from(JSON.stringify({ version: 1, ...facts })));
    await publishChain(store, diffIds, [{ from: made, to: file }]);
  } finally {
    await scratch.dispose();
  }
  return facts;
}

/** Makes a container's working directory where the image lacks it. @throws CONTAINER_CONFIG_INVALID */
export async function provideWorkingDirectory(
  store: Store,
  diffIds: readonly Digest[],
  upper: string,
  workdir: string,
): Promise<void> {
  if (workdir === "" || workdir === "/") return;
  const { makeWorkingDirectory } = await import("../runtime/working-directory.ts");
  const tree = await imageTree(store, diffIds);
  makeWorkingDirectory(tree.index, upper, workdir);
}

/** The chain's merged tree and its bytes. */
async function imageTree(store: Store, diffIds: readonly Digest[]): Promise<ImageTree> {
  const { chainIndex } = await import("../snapshot/chain-index.ts");
  const { LayerIndex } = await import("../layer/layer-index.ts");
  const index = new LayerIndex(await chainIndex(store, diffIds));
  return { index, layerTar: (layer) => store.layout.layerTar(diffIds[layer] as Digest) };
}

function readFacts(file: string): ImageFacts | undefined {
  try {
    const facts = JSON.parse(readFileSync(file, "utf8")) as ImageFacts & { version: number };
    return facts.version === 1 ? facts : undefined;
  } catch {
    return undefined;
  }
}
