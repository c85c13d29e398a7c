import { readSmallFiles, type SmallFiles } from "../bridge/index.ts";
import { isGantryError } from "../errors/index.ts";
import type { TreeItem } from "../kernels/tar-write.ts";
import type { LayerIndex } from "../layer/layer-index.ts";

const SMALL_BYTES = 64 << 10;
const BUFFER_BYTES = 1 << 20;

/**
 * The small files of a directory tree, read many at a time in the order in which a tar takes them: asking for them one by one
 * would cost several times as much as reading them.
 */
export class ReadAhead {
  readonly #index: LayerIndex;
  readonly #root: string;
  /** The layer whose data the directory has. */
  readonly #layer: number;
  #buffer: Buffer | undefined;
  #items: readonly TreeItem[] = [];
  /** Items of the batch that have been read, or passed over. */
  #until = 0;
  /** By node. */
  readonly #read = new Map<number, Uint8Array>();

  constructor(index: LayerIndex, root: string, layer: number) {
    this.#index = index;
    this.#root = root;
    this.#layer = layer;
  }

  /**
   * What the file of an item holds, a view that is valid until the next call; undefined for one that is not small, has holes or
   * could not be read to its end. Items of a batch are to be asked for in order.
   */
  take(items: readonly TreeItem[], at: number): Uint8Array | undefined {
    if (!this.#isSmall(items[at])) return undefined;
    if (items !== this.#items || at >= this.#until) this.#readFrom(items, at);
    return this.#read.get(items[at]!.node);
  }

  #isSmall(item: TreeItem | undefined): boolean {
    const data = item?.data;
    return data?.layer === this.#layer && data.extentCount === 0 && data.size <= SMALL_BYTES;
  }

  #readFrom(items: readonly TreeItem[], start: number): void {
    this.#items = items;
    this.#read.clear();
    const nodes: number[] = [];
    const ends: number[] = [];
    const directories: (SmallFiles & { files: { name: Uint8Array; bytes: number }[] })[] = [];
    let parent: number | undefined;
    let used = 0;
    for (this.#until = start; this.#until < items.length; this.#until++) {
      const item = items[this.#until];
      if (!this.#isSmall(item)) continue;
      const { node, data } = item!;
      const bytes = data!.size;
      if (used + bytes > BUFFER_BYTES) break;
      if (parent !== this.#index.parentOf(node)) {
        parent = this.#index.parentOf(node);
        const path = this.#index.pathOf(parent);
        directories.push({ directory: path.length === 0 ? "." : path, files: [] });
      }
      directories.at(-1)!.files.push({ name: this.#index.nameOf(node), bytes });
      nodes.push(node);
      ends.push((used += bytes));
    }
    const buffer = (this.#buffer ??= Buffer.allocUnsafeSlow(BUFFER_BYTES));
    const failed = this.#readInto(buffer, directories);
    if (failed === undefined) return;
    nodes.forEach((node, n) => {
      if (!failed.has(n)) this.#read.set(node, buffer.subarray(ends[n - 1] ?? 0, ends[n]));
    });
  }

  /** Undefined where not even the root is there: who asks for the files one by one will be told why. */
  #readInto(buffer: Buffer, directories: readonly SmallFiles[]): Set<number> | undefined {
    try {
      return readSmallFiles(this.#root, directories, buffer);
    } catch (error) {
      if (isGantryError(error, "SYSTEM_CALL_FAILED") || isGantryError(error, "PERMISSION")) return undefined;
      throw error;
    }
  }
}
