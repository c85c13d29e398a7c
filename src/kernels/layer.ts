import { randomFillSync } from "node:crypto";
import { layerError } from "./layer-error.ts";
import { type KernelBuild, loadKernel } from "./load-kernel.ts";

interface LayerExports {
  memory: WebAssembly.Memory;
  stateAddress: () => number;
  allocate: (bytes: bigint) => number;
  startBuild: (records: number, bytes: number, expected: number, keyLow: bigint, keyHigh: bigint) => void;
  applySome: (count: number) => number;
  finishTree: () => number;
  emitSome: (count: number) => number;
  startBuiltIndex: () => number;
  startInput: (indexes: number) => number;
  addLayer: (index: number, bytes: number) => number;
  checkSome: (count: number) => number;
  checkLinksSome: (count: number) => number;
  startMerge: () => number;
  mergeSome: (count: number) => number;
  startMergedIndex: () => number;
  startDifference: () => number;
  compareSome: (count: number) => number;
  startLayer: () => number;
  differenceSome: (count: number) => number;
  startDifferenceIndex: () => number;
  writeSome: (count: number) => number;
}

/** How much a step of the kernel does: small enough for the engine's optimised code to take over soon. */
const STEP = 512;

export interface LayerKernelOptions {
  /** Which build of the kernel to use; the best one by default. */
  build?: KernelBuild;
}

/** One job: an instance with memory of its own, dropped afterwards since WebAssembly memory never shrinks. */
class LayerJob {
  readonly kernel: LayerExports;
  readonly #stateAddress: number;

  constructor(options: LayerKernelOptions) {
    this.kernel = loadKernel("layer", options).exports as unknown as LayerExports;
    this.#stateAddress = this.kernel.stateAddress();
  }

  /** Copies `bytes` into the kernel's memory. */
  put(bytes: Uint8Array): number {
    const at = this.kernel.allocate(BigInt(bytes.length)) >>> 0;
    this.check();
    new Uint8Array(this.kernel.memory.buffer).set(bytes, at);
    return at;
  }

  /** Runs a step until its part is done. */
  run(step: (count: number) => number): void {
    while (step(STEP) === 0) this.check();
    this.check();
  }

  result(): Uint8Array {
    const state = this.#state();
    const start = state[6]!;
    return new Uint8Array(this.kernel.memory.buffer).slice(start, start + state[7]!);
  }

  check(): void {
    const state = this.#state();
    if (state[0] === 0) return;
    const text = (start: number, bytes: number): Uint8Array =>
      new Uint8Array(this.kernel.memory.buffer).slice(state[start], state[start]! + state[bytes]!);
    throw layerError(state[0]!, { path: text(1, 2), text: text(3, 4), layer: state[5]! });
  }

  /** LayerState, wasm/layer/state.ts. */
  #state(): Uint32Array {
    return new Uint32Array(this.kernel.memory.buffer, this.#stateAddress, 8);
  }
}

/**
 * Builds the index of one layer (wasm/common/format.ts, section 2) from its entry records, which come from `TarScanner` or
 * from a walk of an overlay's upper directory. OCI image-spec layer.md with overlayfs semantics, as ARCHITECTURE.md tells.
 * The same tree gives the same bytes. A hard link whose target is not in this layer becomes an inode of type
 * ENTRY_HARDLINK, for the merge to resolve.
 *
 * Symbolic links of the layer itself that a path leads through are followed.
 *
 * Errors, with the entry's path: `LAYER_PATH_ESCAPES` (".."), `LAYER_PATH_THROUGH_NON_DIRECTORY`,
 * `LAYER_LINK_TO_DIRECTORY`, `LAYER_LINK_TARGET_MISSING` (through a symbolic link), `LAYER_INVALID` (names that are too long or hold a NUL, whiteouts without a name, ...).
 */
export function buildLayerIndex(records: Uint8Array, options: LayerKernelOptions = {}): Uint8Array {
  const job = new LayerJob(options);
  const { kernel } = job;
  const key = randomFillSync(new BigUint64Array(2));
  const at = job.put(records);
  kernel.startBuild(at, records.length, Math.ceil(records.length / 112), key[0]!, key[1]!);
  job.check();
  job.run(kernel.applySome);
  kernel.finishTree();
  job.check();
  job.run(kernel.emitSome);
  kernel.startBuiltIndex();
  job.check();
  job.run(kernel.writeSome);
  return job.result();
}

/**
 * Merges a chain of layer indexes, bottom first, into one with INDEX_MERGED: whiteouts and opaque directories are
 * resolved, hidden files dropped, hard links across layers followed, implied directories given the attributes of the
 * directory below (0755 and root's where there is none). An inode's `layer` counts from 0 at the bottom. An index that is
 * merged already counts for as many layers as it was made of. Linear in the size of the inputs.
 *
 * Errors: `LAYER_LINK_TARGET_MISSING` (a hard link whose target is in no lower layer), `LAYER_LINK_TO_DIRECTORY`,
 * `LAYER_INDEX_INVALID` (an input is no layer index).
 */
export function mergeChain(indexes: readonly Uint8Array[], options: LayerKernelOptions = {}): Uint8Array {
  const job = new LayerJob(options);
  const { kernel } = job;
  if (indexes.length === 0) return mergeChain([buildLayerIndex(new Uint8Array(0), options)], options);
  kernel.startInput(indexes.length);
  for (const index of indexes) {
    kernel.addLayer(job.put(index), index.length);
    job.check();
  }
  job.run(kernel.checkSome);
  job.run(kernel.checkLinksSome);
  kernel.startMerge();
  job.check();
  job.run(kernel.mergeSome);
  kernel.startMergedIndex();
  job.check();
  job.run(kernel.writeSome);
  return job.result();
}

/** Puts one layer on a lower one or on a merged chain: `mergeChain` of two. */
export function mergeLayerIndexes(lower: Uint8Array, upper: Uint8Array, options: LayerKernelOptions = {}): Uint8Array {
  return mergeChain([lower, upper], options);
}

/**
 * The layer that makes the tree of a whole chain out of the tree of its lower layers: what may stand for all layers above those.
 * Both are merged indexes, `lower` of the first layers of which `whole` is made. Names that are gone become whiteouts; a file of
 * a lower layer that has another name now is in it under all of its names, so that no hard link leads out of the layer. An
 * inode's `layer` is what it is in `whole`, so this index is for writing a tar (tar-write), not for a merge.
 * @throws LAYER_INDEX_INVALID
 */
export function layerBetween(lower: Uint8Array, whole: Uint8Array, options: LayerKernelOptions = {}): Uint8Array {
  const job = new LayerJob(options);
  const { kernel } = job;
  kernel.startInput(2);
  for (const index of [lower, whole]) {
    kernel.addLayer(job.put(index), index.length);
    job.check();
  }
  job.run(kernel.checkSome);
  kernel.startDifference();
  job.check();
  job.run(kernel.compareSome);
  kernel.startLayer();
  job.check();
  job.run(kernel.differenceSome);
  kernel.startDifferenceIndex();
  job.check();
  job.run(kernel.writeSome);
  return job.result();
}
