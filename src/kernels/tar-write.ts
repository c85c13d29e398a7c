import { GantryError } from "../errors/index.ts";
import { InstancePool } from "./instance-pool.ts";
import type { KernelBuild } from "./load-kernel.ts";

interface TarWriteExports {
  readonly memory: WebAssembly.Memory;
  begin(bytes: number): number;
  itemsAt(): number;
  outputAt(): number;
  sparseRangesAt(): number;
  encodeRecord(record: number): number;
  beginTree(index: number, bytes: number): number;
  nextBatch(): number;
  writtenIndex(): number;
}

const pool = new InstancePool<TarWriteExports>("tar-write");
const RECORD_HEADER_BYTES = 80;
const ITEM_FIELDS = 9;
const BLOCK = 512;
const INDEX_HEADER_BYTES = 96;
/** wasm/tar-write/index.ts has the numbers. */
const ERROR_INDEX = -3;

/** No file smaller than this is written as a sparse one: LEAST_SAVING of wasm/tar-write/sparse.ts. */
export const SPARSE_FROM_BYTES = 64 * 1024 * 1024;

/** Two zero blocks: the end of a tar (POSIX.1-1988, ustar). */
export const END_OF_ARCHIVE = new Uint8Array(2 * BLOCK);

/** Zero bytes after `size` bytes of data, up to the next block. */
export function paddingBytes(size: number): number {
  return (BLOCK - (size % BLOCK)) % BLOCK;
}

/** One entry, for an archive that is not a tree of an index. Types are ENTRY_* of wasm/common/format.ts. */
export interface TarEntry {
  type: number;
  /** Raw bytes or UTF-8 text, without a leading slash; a directory's slash at the end is added. */
  path: Uint8Array | string;
  /** Permission bits. */
  mode: number;
  uid?: number;
  gid?: number;
  size?: number;
  mtimeSeconds?: number;
  mtimeNanoseconds?: number;
  linkTarget?: Uint8Array | string;
  rdevMajor?: number;
  rdevMinor?: number;
  /** Extended attributes, in any order. Not of hard links: theirs are the file's. */
  xattrs?: readonly (readonly [name: Uint8Array | string, value: Uint8Array])[];
}

/**
 * The entry's header blocks: ustar where it can say everything exactly, else with a pax header before it (wasm/tar-write).
 * Deterministic. The bytes are the caller's.
 * @throws TAR_ENTRY_TOO_LONG
 */
export function encodeTarHeader(entry: TarEntry, options: { build?: KernelBuild } = {}): Uint8Array {
  const path = Buffer.from(entry.path);
  const link = Buffer.from(entry.linkTarget ?? "");
  const xattrs = Buffer.concat((entry.xattrs ?? []).map(([name, value]) => xattrItem(Buffer.from(name), value)));
  const record = Buffer.alloc(RECORD_HEADER_BYTES + path.length + link.length + xattrs.length);
  record.writeUInt32LE(record.length, 0);
  record.writeUInt8(entry.type, 4);
  record.writeUInt16LE(entry.mode, 6);
  record.writeUInt32LE(entry.uid ?? 0, 8);
  record.writeUInt32LE(entry.gid ?? 0, 12);
  record.writeUInt32LE(entry.rdevMajor ?? 0, 16);
  record.writeUInt32LE(entry.rdevMinor ?? 0, 20);
  record.writeBigInt64LE(BigInt(entry.mtimeSeconds ?? 0), 24);
  record.writeUInt32LE(entry.mtimeNanoseconds ?? 0, 32);
  record.writeUInt32LE(path.length, 36);
  record.writeUInt32LE(link.length, 40);
  record.writeUInt32LE(xattrs.length, 44);
  record.writeBigUInt64LE(BigInt(entry.size ?? 0), 48);
  path.copy(record, RECORD_HEADER_BYTES);
  link.copy(record, RECORD_HEADER_BYTES + path.length);
  xattrs.copy(record, RECORD_HEADER_BYTES + path.length + link.length);
  const kernel = pool.take(options.build);
  try {
    const at = place(kernel, record);
    const bytes = check(kernel.encodeRecord(at));
    return new Uint8Array(kernel.memory.buffer, kernel.outputAt() >>> 0, bytes).slice();
  } finally {
    pool.give(kernel, options.build);
  }
}

function xattrItem(name: Uint8Array, value: Uint8Array): Uint8Array {
  const head = Buffer.alloc(8);
  head.writeUInt16LE(name.length, 0);
  head.writeUInt32LE(value.length, 4);
  return Buffer.concat([head, name, value]);
}

/** What follows a header of a tree: some bytes of a layer, or nothing. */
export interface TreeItem {
  /** Header blocks of this entry, and of entries without data before it. A view: valid until the next item. */
  headers: Uint8Array;
  /** The entry's node in the index. */
  node: number;
  /** Its data, for a regular file that is not empty and not a hard link to one before. */
  data: TreeData | undefined;
}

export interface TreeData {
  inode: number;
  layer: number;
  /** In the layer's uncompressed tar. */
  offset: number;
  /** Bytes there; fewer than `size` where the file has holes. */
  storedBytes: number;
  size: number;
  /** More than 0: a file with holes, whose extents the index has. */
  extentCount: number;
  /**
   * Which ranges of the file follow the headers, [offset, bytes] back to back in ascending order: of a file that is written
   * sparse. Undefined: all of it, holes as zeros. A view, valid until the next item.
   */
  ranges: Float64Array | undefined;
}

export interface TreeItemsOptions {
  build?: KernelBuild;
  /**
   * Called after the last item with the index of the tar as a layer: what a scan of it gives, byte for byte, if the tree's
   * index was built by `buildLayerIndex` of records whose attributes are sorted by name, as those of a walk are. The bytes are
   * the caller's.
   */
  onIndex?: (index: Uint8Array) => void;
}

/**
 * Everything a tar of the index's tree consists of, in order, but for the file data itself and the end of the archive. The index
 * may be merged (a container's whole tree) or not (a layer: with whiteouts and opaque markers). The root has no entry.
 * @throws TAR_ENTRY_TOO_LONG, LAYER_INDEX_INVALID
 */
export function* treeItems(index: Uint8Array, options: TreeItemsOptions = {}): Generator<TreeItem, void, undefined> {
  for (const batch of treeBatches(index, options)) yield* batch;
}

/** The same in batches, all views of which are valid until the next one. */
export function* treeBatches(
  index: Uint8Array,
  options: TreeItemsOptions = {},
): Generator<TreeItem[], void, undefined> {
  const kernel = pool.take(options.build);
  const trap: { error?: unknown } = {};
  /** Calls the kernel, which a damaged index may lead out of its memory: then it is of no more use. */
  const call = (step: () => number): number => {
    try {
      return check(step());
    } catch (error) {
      if (!(error instanceof WebAssembly.RuntimeError)) throw error;
      trap.error = error;
      return check(ERROR_INDEX);
    }
  };
  const next = (): number => call(() => kernel.nextBatch());
  try {
    const at = place(kernel, index);
    call(() => kernel.beginTree(at, index.length));
    for (let count = next(); count > 0; count = next()) yield itemsOf(kernel, count);
    if (options.onIndex === undefined) return;
    const written = call(() => kernel.writtenIndex() >>> 0 || -1);
    const bytes = new DataView(kernel.memory.buffer, written, INDEX_HEADER_BYTES).getUint32(80, true);
    options.onIndex(new Uint8Array(kernel.memory.buffer, written, bytes).slice());
  } finally {
    if (trap.error === undefined) pool.give(kernel, options.build);
  }
}

function itemsOf(kernel: TarWriteExports, count: number): TreeItem[] {
  const { buffer } = kernel.memory;
  const fields = new Float64Array(buffer, kernel.itemsAt() >>> 0, count * ITEM_FIELDS);
  const output = kernel.outputAt() >>> 0;
  const items: TreeItem[] = [];
  let from = 0;
  for (let i = 0; i < count; i++) {
    const field = i * ITEM_FIELDS;
    const inode = fields[field + 2]!;
    // Entries without data are handed out together with the next one that has some.
    if (inode < 0 && i + 1 < count) continue;
    const end = fields[field]!;
    const headers = new Uint8Array(buffer, output + from, end - from);
    from = end;
    const data = {
      inode,
      layer: fields[field + 3]!,
      offset: fields[field + 4]!,
      storedBytes: fields[field + 5]!,
      size: fields[field + 6]!,
      extentCount: fields[field + 7]!,
      ranges: rangesOf(kernel, fields[field + 8]!),
    };
    items.push({ headers, node: fields[field + 1]!, data: inode < 0 ? undefined : data });
  }
  return items;
}

/** The ranges of a sparse file, which is always the last of its batch. */
function rangesOf(kernel: TarWriteExports, count: number): Float64Array | undefined {
  return count < 0 ? undefined : new Float64Array(kernel.memory.buffer, kernel.sparseRangesAt() >>> 0, count * 2);
}

function place(kernel: TarWriteExports, bytes: Uint8Array): number {
  const at = kernel.begin(bytes.length) >>> 0;
  if (at === 0) check(-1);
  new Uint8Array(kernel.memory.buffer, at, bytes.length).set(bytes);
  return at;
}

function check(result: number): number {
  if (result >= 0) return result;
  if (result === -2)
    throw new GantryError("TAR_ENTRY_TOO_LONG", "cannot write a tar entry: its path is longer than 64 KiB");
  if (result === ERROR_INDEX)
    throw new GantryError("LAYER_INDEX_INVALID", "cannot write a tar of a damaged layer index");
  throw new GantryError("OUT_OF_MEMORY", "cannot write tar headers: the kernel has no memory left");
}
