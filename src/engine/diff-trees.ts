import { setImmediate as turn } from "node:timers/promises";
import { sameContent } from "../archive/same-content.ts";
import { TreeReader } from "../archive/tree-reader.ts";
import { GantryError, isGantryError } from "../errors/index.ts";
import type { Reporter } from "../events/progress.ts";
import { displayBytes } from "../kernels/display-bytes.ts";
import { diffTrees, type NodeChange, WHAT } from "../kernels/diff.ts";
import type { LayerIndex } from "../layer/layer-index.ts";
import { lookup } from "../layer/resolve-path.ts";
import type { FileTree } from "./file-tree.ts";

/** What may differ about a file that both trees have. */
export type FileAspect =
  "type" | "content" | "mode" | "owner" | "mtime" | "xattrs" | "link target" | "device" | "hard links";

export interface FileChange {
  readonly kind: "A" | "C" | "D";
  /** With a leading slash; bytes that are not UTF-8, and control characters, as \xNN. */
  readonly path: string;
  /** Empty for files that were added or deleted. */
  readonly aspects: readonly FileAspect[];
  /** Its node in each tree. */
  readonly a: number | undefined;
  readonly b: number | undefined;
}

export interface DiffTreesOptions {
  /** Only what is at or below this path. */
  path?: string;
  /** Leave out what has another time and is the same otherwise. */
  ignoreTimes?: boolean;
  /** Take files of the same size and time to be the same, without reading them. */
  quick?: boolean;
}

/** Between two chances to be cancelled; bytes. */
const TURN_BYTES = 8 * 1024 * 1024;

/**
 * The files that differ between two trees, depth first in bytewise order. Both are read only where size, place and
 * attributes leave it open whether two files hold the same.
 * @throws LAYER_INDEX_INVALID, UNEXPECTED_END_OF_FILE, SYSTEM_CALL_FAILED, PATH_INVALID, CANCELLED
 */
export async function diffFiles(
  a: FileTree,
  b: FileTree,
  options: DiffTreesOptions,
  reporter: Reporter,
): Promise<FileChange[]> {
  const numbers = new Map<string, number>();
  const input = ({ index, sourceKeys }: FileTree) => {
    const sources = new Uint32Array(index.layerCount);
    for (const [layer, key] of sourceKeys.entries()) {
      if (!numbers.has(key)) numbers.set(key, numbers.size + 1);
      sources[layer] = numbers.get(key)!;
    }
    return { index: index.bytes, sources };
  };
  let changes = areSameLayers(a, b) ? [] : diffTrees(input(a), input(b));
  if (options.path !== undefined) changes = below(a.index, b.index, changes, options.path);
  await settleContents(a, b, changes, options.quick === true, reporter);
  const paths = new Paths(a.index, b.index);
  const times = options.ignoreTimes === true ? WHAT.mtime : 0;
  const found: FileChange[] = [];
  for (const { a: nodeA, b: nodeB, what } of changes) {
    const kind = nodeA === undefined ? "A" : nodeB === undefined ? "D" : "C";
    if (kind !== "C" || (what & ~times) !== 0)
      found.push(new ChangedFile(kind, aspectsOf(what & ~times), nodeA, nodeB, paths));
  }
  return found;
}

/** Whether two images are of the same layers, as those are that differ in their configuration only. */
function areSameLayers(a: FileTree, b: FileTree): boolean {
  if (a.kind !== "image" || b.kind !== "image" || a.sourceKeys.length !== b.sourceKeys.length) return false;
  return a.sourceKeys.every((key, layer) => key === b.sourceKeys[layer]);
}

/** Of thousands, a summary asks no path: it is made when asked for. */
class ChangedFile implements FileChange {
  readonly #paths: Paths;

  constructor(
    readonly kind: FileChange["kind"],
    readonly aspects: readonly FileAspect[],
    readonly a: number | undefined,
    readonly b: number | undefined,
    paths: Paths,
  ) {
    this.#paths = paths;
  }

  get path(): string {
    return this.#paths.of(this);
  }
}

/** Compares the bytes of files of which nothing else tells whether they are the same: `contentUnknown` is gone then. */
async function settleContents(
  a: FileTree,
  b: FileTree,
  changes: NodeChange[],
  quick: boolean,
  reporter: Reporter,
): Promise<void> {
  const open = changes.filter(({ what }) => (what & WHAT.contentUnknown) !== 0);
  if (open.length === 0) return;
  const readers = [new TreeReader(a.index, a.sources), new TreeReader(b.index, b.sources)] as const;
  /** Names of one file are compared once. */
  const known = new Map<number, boolean>();
  const sizeOf = ({ a: node }: NodeChange): number => a.index.sizeOf(a.index.inodeOf(node!)!);
  const task = "compare";
  const totalBytes = open.reduce((sum, change) => sum + sizeOf(change), 0);
  reporter.emit({ kind: "start", task, label: "Comparing", totalBytes });
  let doneBytes = 0;
  let turnAt = TURN_BYTES;
  try {
    for (const change of open) {
      change.what &= ~WHAT.contentUnknown;
      const size = sizeOf(change);
      const inodeA = a.index.inodeOf(change.a!)!;
      const inodeB = b.index.inodeOf(change.b!)!;
      const pair = inodeA * 0x1_0000_0000 + inodeB;
      let same = known.get(pair) ?? (quick && (change.what & WHAT.mtime) === 0 ? true : undefined);
      if (same === undefined) {
        same = await isSame(a, inodeA, b, inodeB, readers, size, reporter.signal);
        if (Math.max(a.index.linkCountOf(inodeA), b.index.linkCountOf(inodeB)) > 1) known.set(pair, same);
      }
      if (!same) change.what |= WHAT.content;
      doneBytes += size;
      if (doneBytes < turnAt) continue;
      turnAt = doneBytes + TURN_BYTES;
      reporter.emit({ kind: "advance", task, doneBytes, totalBytes });
      await turn();
      if (reporter.signal.aborted) throw new GantryError("CANCELLED", "cancelled");
    }
  } finally {
    for (const reader of readers) reader.close();
    reporter.emit({ kind: "done", task });
  }
}

async function isSame(
  a: FileTree,
  inodeA: number,
  b: FileTree,
  inodeB: number,
  readers: readonly [TreeReader, TreeReader],
  size: number,
  signal: AbortSignal,
): Promise<boolean> {
  try {
    return await sameContent(
      { reader: readers[0], inode: inodeA },
      { reader: readers[1], inode: inodeB },
      size,
      signal,
    );
  } catch (error) {
    // A running container has shortened or removed the file since its size was read: it is not the same any more.
    const isLive = a.kind === "container" || b.kind === "container";
    if (isLive && (isGantryError(error, "UNEXPECTED_END_OF_FILE") || isGantryError(error, "SYSTEM_CALL_FAILED")))
      return false;
    throw error;
  }
}

const ASPECTS: readonly (readonly [bit: number, aspect: FileAspect])[] = [
  [WHAT.type, "type"],
  [WHAT.content, "content"],
  [WHAT.linkTarget, "link target"],
  [WHAT.device, "device"],
  [WHAT.mode, "mode"],
  [WHAT.owner, "owner"],
  [WHAT.mtime, "mtime"],
  [WHAT.xattrs, "xattrs"],
  [WHAT.links, "hard links"],
];

const NO_ASPECTS: readonly FileAspect[] = [];

function aspectsOf(what: number): readonly FileAspect[] {
  return what === 0 ? NO_ASPECTS : ASPECTS.filter(([bit]) => (what & bit) !== 0).map(([, aspect]) => aspect);
}

/** The changes at or below a path, which one of the trees must have. @throws PATH_INVALID */
function below(a: LayerIndex, b: LayerIndex, changes: NodeChange[], path: string): NodeChange[] {
  const rootA = lookup(a, path);
  const rootB = lookup(b, path);
  if (rootA === undefined && rootB === undefined) {
    throw new GantryError("PATH_INVALID", `neither tree has ${path}`, { details: { path } });
  }
  const isBelow = (index: LayerIndex, node: number | undefined, root: number | undefined): boolean => {
    if (root === undefined) return false;
    while (node !== undefined && node > root) node = index.parentOf(node);
    return node === root;
  };
  return changes.filter((change) => isBelow(a, change.a, rootA) || isBelow(b, change.b, rootB));
}

/** Paths of many nodes for display: of those of one directory, the directory's path is made once. */
class Paths {
  readonly #trees: readonly [LayerIndex, LayerIndex];
  readonly #known: readonly [Map<number, string>, Map<number, string>] = [new Map([[0, ""]]), new Map([[0, ""]])];

  constructor(a: LayerIndex, b: LayerIndex) {
    this.#trees = [a, b];
  }

  of({ a, b }: Pick<NodeChange, "a" | "b">): string {
    const path = b === undefined ? this.#path(0, a!) : this.#path(1, b);
    return path === "" ? "/" : path;
  }

  #path(tree: 0 | 1, node: number): string {
    const index = this.#trees[tree];
    if (node === 0) return "";
    const parent = index.parentOf(node);
    let directory = this.#known[tree].get(parent);
    if (directory === undefined) this.#known[tree].set(parent, (directory = this.#path(tree, parent)));
    const name = index.nameTextOf(node);
    return `${directory}/${PLAIN.test(name) ? name : displayBytes(index.nameOf(node))}`;
  }
}

/** What nearly all names are: displayBytes leaves these alone. */
const PLAIN = /^[ -~]*$/;
