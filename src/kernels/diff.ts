import { layerError } from "./layer-error.ts";
import { type KernelBuild, loadKernel } from "./load-kernel.ts";

interface DiffExports {
  memory: WebAssembly.Memory;
  stateAddress: () => number;
  allocate: (bytes: bigint) => number;
  startInput: (indexes: number) => number;
  addLayer: (index: number, bytes: number) => number;
  checkSome: (count: number) => number;
  startDiff: (sourcesA: number, sourcesB: number) => number;
  diffSome: (count: number) => number;
  finishDiff: () => void;
}

/** How much a step of the kernel does: small enough for the engine's optimised code to take over soon. */
const STEP = 512;
const CHANGE_WORDS = 4;
const NO_NODE = 0xffffffff;

/** What differs about a name that both trees have: a set of bits (wasm/diff/state.ts). */
export const WHAT = {
  type: 1,
  /** Of regular files: their sizes differ. */
  content: 2,
  /** Regular files of one size from different places: their bytes have to be compared. Never together with `content`. */
  contentUnknown: 4,
  mode: 8,
  owner: 16,
  mtime: 32,
  xattrs: 64,
  linkTarget: 128,
  device: 256,
  /** Not the same names are hard links of the file. */
  links: 512,
} as const;

/** One name that differs. At least one of the nodes is there; both: `what` says how they differ. */
export interface NodeChange {
  /** Node in the first tree; undefined: the name was added. */
  a: number | undefined;
  /** Node in the second tree; undefined: the name was deleted. */
  b: number | undefined;
  /** Bits of WHAT; 0 unless both nodes are there. */
  what: number;
}

/** One of the trees. */
export interface DiffInput {
  /** A merged layer index. */
  index: Uint8Array;
  /** For each of its layers a number; where the numbers of both trees agree, equal data offsets are the same data. */
  sources: Uint32Array;
}

/**
 * Compares two merged trees name by name, depth first, a directory before its children, children in bytewise order: the
 * names that were added, deleted or changed, all of them, also those below an added or deleted directory. No file is read.
 * @throws LAYER_INDEX_INVALID
 */
export function diffTrees(a: DiffInput, b: DiffInput, options: { build?: KernelBuild } = {}): NodeChange[] {
  const kernel = loadKernel("diff", options).exports as unknown as DiffExports;
  const check = (): void => {
    const state = new Uint32Array(kernel.memory.buffer, kernel.stateAddress(), 8);
    const nothing = new Uint8Array(0);
    if (state[0] !== 0) throw layerError(state[0]!, { path: nothing, text: nothing, layer: state[5]! });
  };
  const put = (bytes: Uint8Array): number => {
    const at = kernel.allocate(BigInt(bytes.length)) >>> 0;
    check();
    new Uint8Array(kernel.memory.buffer).set(bytes, at);
    return at;
  };
  const run = (step: (count: number) => number): void => {
    while (step(STEP) === 0) check();
    check();
  };
  kernel.startInput(2);
  for (const { index } of [a, b]) {
    kernel.addLayer(put(index), index.length);
    check();
  }
  run(kernel.checkSome);
  const [sourcesA, sourcesB] = [a, b].map(({ index, sources }) => {
    // The kernel looks an inode's layer up in this table, which it cannot check.
    const layerCount = new DataView(index.buffer, index.byteOffset).getUint32(24, true);
    if (sources.length !== layerCount) throw new RangeError(`${sources.length} sources for ${layerCount} layers`);
    return put(new Uint8Array(sources.buffer, sources.byteOffset, sources.byteLength));
  });
  kernel.startDiff(sourcesA!, sourcesB!);
  check();
  run(kernel.diffSome);
  kernel.finishDiff();
  const state = new Uint32Array(kernel.memory.buffer, kernel.stateAddress(), 8);
  return readChanges(new Uint32Array(kernel.memory.buffer, state[6], state[7]! / 4));
}

function readChanges(words: Uint32Array): NodeChange[] {
  const node = (word: number): number | undefined => (word === NO_NODE ? undefined : word);
  return Array.from({ length: words.length / CHANGE_WORDS }, (_, i) => {
    const at = i * CHANGE_WORDS;
    return { a: node(words[at]!), b: node(words[at + 1]!), what: words[at + 2]! };
  });
}
