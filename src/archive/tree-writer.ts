import { closeSync, constants, openSync } from "node:fs";
import { openIn } from "../bridge/index.ts";
import { isGantryError } from "../errors/index.ts";
import type { Reporter } from "../events/progress.ts";
import { END_OF_ARCHIVE, paddingBytes, treeBatches, type TreeData, type TreeItem } from "../kernels/tar-write.ts";
import type { LayerIndex } from "../layer/layer-index.ts";
import { GatherWriter } from "./gather-writer.ts";
import { openRegular, REFERENCE } from "./open-regular.ts";
import { ReadAhead } from "./read-ahead.ts";

const DIRECTORY = constants.O_RDONLY | constants.O_DIRECTORY;

/** Where the data of a layer's files is: at offsets in its tar, or in files of its tree. */
export type LayerSource = { type: "tar"; path: string } | { type: "directory"; path: string };

export interface TreeWriterOptions {
  /** Sees every byte of the tar, in order; the view is valid during the call only. */
  onBytes?: (bytes: Uint8Array) => void;
  /** Is given the index of the tar as a layer (wasm/tar-write/written-index.ts), for trees that `buildLayerIndex` made. */
  onIndex?: (index: Uint8Array) => void;
  /** Name of the progress task whose done bytes are bytes of the tar. */
  task?: string;
}

export interface WrittenTree {
  tarBytes: number;
  /** Paths (Latin-1 of the bytes) of files that shrank or went while they were read: their data was filled up with zeros. */
  changedWhileRead: string[];
}

/**
 * Writes the tree of an index as a tar to `fd`, in the order and the form of wasm/tar-write: the same tree gives the same
 * bytes. `sources[n]` has the data of the index's layer n. Holes are written as zeros, which every reader understands, but
 * for files whose holes are so large that zeros would cost too much (wasm/tar-write/sparse.ts). A file of a directory that changes meanwhile keeps the size that its header says.
 * @throws SYSTEM_CALL_FAILED, NO_SPACE, UNEXPECTED_END_OF_FILE (a layer tar that is too short)
 */
export async function writeTree(
  index: LayerIndex,
  sources: readonly LayerSource[],
  fd: number,
  reporter: Reporter,
  options: TreeWriterOptions = {},
): Promise<WrittenTree> {
  const { task } = options;
  const writer = new GatherWriter(fd, {
    ...(options.onBytes && { onBytes: options.onBytes }),
    ...(task !== undefined && { onProgress: (doneBytes) => reporter.emit({ kind: "advance", task, doneBytes }) }),
    signal: reporter.signal,
  });
  const files = new SourceFiles(index, sources);
  const changedWhileRead: string[] = [];
  try {
    for (const batch of treeBatches(index.bytes, options)) {
      for (const [at, { headers, data, node }] of batch.entries()) {
        const wait = writer.append(headers);
        if (wait !== undefined) await wait;
        if (data === undefined) continue;
        try {
          const wait = files.append(writer, batch, at, data);
          if (wait !== undefined) await wait;
        } catch (error) {
          if (sources[data.layer]?.type !== "directory" || !isMissingData(error)) throw error;
          changedWhileRead.push(index.pathOf(node).toString("latin1"));
          await writer.appendZeros(files.missingBytes(writer));
        }
        const padding = paddingBytes(dataBytes(data));
        if (padding > 0) {
          const wait = writer.appendZeros(padding);
          if (wait !== undefined) await wait;
        }
      }
    }
    await writer.append(END_OF_ARCHIVE);
    await writer.finish();
    return { tarBytes: writer.bytesAppended, changedWhileRead };
  } finally {
    files.close();
  }
}

/** Bytes of a file that follow its headers. */
function dataBytes({ size, ranges }: TreeData): number {
  if (ranges === undefined) return size;
  let sum = 0;
  for (let i = 1; i < ranges.length; i += 2) sum += ranges[i]!;
  return sum;
}

/** The file has gone, has shrunk, or something else is in its place. */
function isMissingData(error: unknown): boolean {
  if (isGantryError(error, "UNEXPECTED_END_OF_FILE")) return true;
  const name = isGantryError(error, "SYSTEM_CALL_FAILED")
    ? error.details["name"]
    : (error as NodeJS.ErrnoException).code;
  return ["ENOENT", "ENOTDIR", "ELOOP", "ENXIO"].includes(String(name));
}

/** The open tars, and the file of a directory that is being read. */
class SourceFiles {
  readonly #index: LayerIndex;
  readonly #sources: readonly LayerSource[];
  readonly #open = new Map<number, number>();
  readonly #ahead: (ReadAhead | undefined)[];
  /** The directory of the file read last. */
  #directory: { node: number; fd: number; prefix: Buffer } | undefined;
  /** Where the data being appended must end, in bytes of the tar. */
  #end = 0;

  constructor(index: LayerIndex, sources: readonly LayerSource[]) {
    this.#index = index;
    this.#sources = sources;
    this.#ahead = sources.map((source, layer) =>
      source.type === "directory" ? new ReadAhead(index, source.path, layer) : undefined,
    );
  }

  /** Appends the data of an item of a batch. */
  append(writer: GatherWriter, batch: readonly TreeItem[], at: number, data: TreeData): Promise<void> | undefined {
    const content = this.#ahead[data.layer]?.take(batch, at);
    return content === undefined ? this.#appendFrom(writer, data) : writer.append(content);
  }

  async #appendFrom(writer: GatherWriter, data: TreeData): Promise<void> {
    this.#end = writer.bytesAppended + dataBytes(data);
    const source = this.#sources[data.layer];
    if (source === undefined) throw new RangeError(`no source for layer ${data.layer}`);
    if (source.type === "tar") {
      await this.#appendData(writer, this.#fdOf(data.layer, source.path), data, data.offset);
      return;
    }
    const fd = this.#openFile(source.path, this.#index.firstNodeOf(data.inode));
    try {
      await this.#appendData(writer, fd, data, undefined);
    } finally {
      closeSync(fd);
    }
  }

  /** Bytes of the file being appended that are still to come. */
  missingBytes(writer: GatherWriter): number {
    return this.#end - writer.bytesAppended;
  }

  close(): void {
    for (const fd of this.#open.values()) closeSync(fd);
    this.#open.clear();
    this.#leaveDirectory();
  }

  /**
   * Opens a file of a container's tree. Its directory is found without leaving the root whatever the container does
   * meanwhile, and is kept open for the files that follow, which are in the same directory nearly always.
   */
  #openFile(root: string, node: number): number {
    const parent = this.#index.parentOf(node);
    if (this.#directory?.node !== parent) {
      this.#leaveDirectory();
      const path = this.#index.pathOf(parent);
      const fd = openIn(root, path.length === 0 ? "." : path, DIRECTORY);
      this.#directory = { node: parent, fd, prefix: Buffer.from(`/proc/self/fd/${fd}/`) };
    }
    return openRegular(openSync(Buffer.concat([this.#directory.prefix, this.#index.nameOf(node)]), REFERENCE));
  }

  #leaveDirectory(): void {
    if (this.#directory !== undefined) closeSync(this.#directory.fd);
    this.#directory = undefined;
  }

  /** `packedAt`: where a tar has the extents back to back; undefined where the file has them at their own offsets. */
  async #appendData(writer: GatherWriter, fd: number, data: TreeData, packedAt: number | undefined): Promise<void> {
    if (data.extentCount === 0) {
      const wait = writer.appendFileRange(fd, packedAt ?? 0, data.size);
      if (wait !== undefined) await wait;
      return;
    }
    const ranges = data.ranges ?? [0, data.size];
    let packed = packedAt ?? 0;
    let next = 0;
    let position = ranges[0] ?? 0;
    // Every extent lies within one of the ranges.
    for (const { fileOffset, bytes } of this.#index.extentsOf(data.inode)) {
      if (bytes === 0) continue;
      while (fileOffset >= ranges[next]! + ranges[next + 1]!) {
        await writer.appendZeros(ranges[next]! + ranges[next + 1]! - position);
        next += 2;
        position = ranges[next]!;
      }
      await writer.appendZeros(fileOffset - position);
      await writer.appendFileRange(fd, packedAt === undefined ? fileOffset : packed, bytes);
      packed += bytes;
      position = fileOffset + bytes;
    }
    if (next < ranges.length) await writer.appendZeros(ranges[next]! + ranges[next + 1]! - position);
  }

  #fdOf(layer: number, path: string): number {
    let fd = this.#open.get(layer);
    if (fd === undefined) this.#open.set(layer, (fd = openSync(path, "r")));
    return fd;
  }
}
