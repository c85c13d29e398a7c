import { GantryError } from "../errors/index.ts";
import type { Reporter } from "../events/progress.ts";
import { displayBytes } from "../kernels/display-bytes.ts";
import type { LayerIndex } from "../layer/layer-index.ts";
import { resolvePath } from "../layer/resolve-path.ts";
import type { Store } from "../store/store.ts";
import type { OpenTreeOptions } from "./file-tree.ts";
import { openFileTree } from "./open-file-tree.ts";

/** A directory, or a file that was asked for, with all below it. */
export interface UsedSpace {
  path: string;
  /** Regular files at and below it; of hard links each file once, where it comes first. Bytes, holes included. */
  size: number;
  /** Names at and below it. */
  files: number;
}

/**
 * The sizes of a tree's directories, down to `depth` levels below each path (0: the paths alone), largest first among those of one
 * directory, which stands before what is in it.
 * @throws PATH_NOT_FOUND, PATH_SYMLINK_LOOP and what opening the tree throws
 */
export async function diskUsage(
  store: Store,
  given: string,
  options: OpenTreeOptions & { paths?: readonly string[]; depth: number },
  reporter: Reporter,
): Promise<UsedSpace[]> {
  const tree = await openFileTree(store, given, reporter, options);
  try {
    const { index } = tree;
    const totals = sum(index);
    const used: UsedSpace[] = [];
    for (const path of options.paths?.length ? options.paths : ["/"]) {
      const node = resolvePath(index, path);
      if (node === undefined) {
        throw new GantryError("PATH_NOT_FOUND", `${path}: no such file or directory in ${given}`, {
          details: { path, in: given },
        });
      }
      list(index, totals, node, options.depth, used);
    }
    return used;
  } finally {
    await tree.dispose();
  }
}

interface Totals {
  sizes: Float64Array;
  counts: Uint32Array;
}

/** Per node, all that is at and below it. Children have higher numbers than their directory: one pass from the end. */
function sum(index: LayerIndex): Totals {
  const sizes = new Float64Array(index.nodeCount);
  const counts = new Uint32Array(index.nodeCount).fill(1);
  for (let node = index.nodeCount - 1; node > 0; node--) {
    const inode = index.inodeOf(node);
    if (inode !== undefined && index.isRegular(inode) && index.firstNodeOf(inode) === node)
      sizes[node]! += index.sizeOf(inode);
    const parent = index.parentOf(node);
    sizes[parent]! += sizes[node]!;
    counts[parent]! += counts[node]!;
  }
  return { sizes, counts };
}

function list(index: LayerIndex, totals: Totals, node: number, depth: number, used: UsedSpace[]): void {
  const { sizes, counts } = totals;
  used.push({ path: `/${displayBytes(index.pathOf(node))}`, size: sizes[node]!, files: counts[node]! });
  if (depth === 0) return;
  const first = index.firstChildOf(node);
  const directories = Array.from({ length: index.childCountOf(node) }, (_, n) => first + n).filter((child) => {
    const inode = index.inodeOf(child);
    return inode !== undefined && index.isDirectory(inode);
  });
  directories.sort((a, b) => sizes[b]! - sizes[a]! || a - b);
  for (const child of directories) list(index, totals, child, depth - 1, used);
}
