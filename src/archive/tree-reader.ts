import { closeSync, openSync, readSync } from "node:fs";
import { openIn } from "../bridge/file.ts";
import { fileError, GantryError } from "../errors/index.ts";
import type { LayerIndex } from "../layer/layer-index.ts";
import { openRegular, REFERENCE } from "./open-regular.ts";

/** Most bytes that one read hands out. Small files lie close together: one system call serves many of them. */
export const MAX_READ_BYTES = 128 * 1024;

/**
 * Where the data of a layer's files is: in a tar, which may be a range of a larger file (an archive's member) and then
 * begins at `offset`, or in the files of a directory.
 */
export type TreeSource = { type: "tar"; path: string; offset?: number } | { type: "directory"; path: string };

/** A run of data in a regular file; what lies between segments is a hole. Bytes. */
export interface DataSegment {
  fileOffset: number;
  bytes: number;
  /** Where it is stored: an offset that `read` understands. */
  at: number;
}

/** Reads files of an index's tree at random, in place. `close` it. */
export class TreeReader {
  readonly #index: LayerIndex;
  readonly #sources: readonly TreeSource[];
  readonly #tars = new Map<number, number>();
  readonly #window = Buffer.allocUnsafeSlow(MAX_READ_BYTES);
  /** What is in the window: bytes of the file `fd` from `start` on. */
  #fd = -1;
  #start = 0;
  #length = 0;
  /** The file of a directory that was read last. */
  #file: { inode: number; fd: number } | undefined;

  /** `sources[n]` has the data of the index's layer n. */
  constructor(index: LayerIndex, sources: readonly TreeSource[]) {
    this.#index = index;
    this.#sources = sources;
  }

  /** The data of a regular file, ascending. */
  segments(inode: number): DataSegment[] {
    const size = this.#index.sizeOf(inode);
    const extents = this.#index.extentsOf(inode);
    if (extents.length === 0) return size === 0 ? [] : [{ fileOffset: 0, bytes: size, at: 0 }];
    const packed = this.#sourceOf(inode).type === "tar";
    let at = 0;
    return extents
      .map(({ fileOffset, bytes }) => {
        const segment = { fileOffset, bytes, at: packed ? at : fileOffset };
        at += bytes;
        return segment;
      })
      .filter(({ bytes }) => bytes > 0);
  }

  /**
   * `bytes` (at most MAX_READ_BYTES) bytes of a segment's data. A view, valid until the next read.
   * @throws UNEXPECTED_END_OF_FILE, SYSTEM_CALL_FAILED, PERMISSION; of a container's directory also when the file has gone
   */
  read(inode: number, at: number, bytes: number): Uint8Array {
    const { fd, offset } = this.#locate(inode);
    const position = offset + at;
    if (fd !== this.#fd || position < this.#start || position + bytes > this.#start + this.#length) {
      this.#fd = fd;
      this.#start = position;
      this.#length = 0;
      while (this.#length < bytes) {
        const got = readSync(fd, this.#window, this.#length, MAX_READ_BYTES - this.#length, position + this.#length);
        if (got === 0) throw endsEarly(this.#index, inode);
        this.#length += got;
      }
    }
    const from = position - this.#start;
    return this.#window.subarray(from, from + bytes);
  }

  /** A regular file whole, holes as zeros; undefined if it is larger than `maxBytes`. @throws as `read` */
  readWhole(inode: number, maxBytes: number): Buffer | undefined {
    const size = this.#index.sizeOf(inode);
    if (size > maxBytes) return undefined;
    const content = Buffer.alloc(size);
    for (const { fileOffset, bytes, at } of this.segments(inode)) {
      for (let done = 0; done < bytes; done += MAX_READ_BYTES) {
        content.set(this.read(inode, at + done, Math.min(MAX_READ_BYTES, bytes - done)), fileOffset + done);
      }
    }
    return content;
  }

  close(): void {
    for (const fd of this.#tars.values()) closeSync(fd);
    this.#tars.clear();
    this.#leaveFile();
    this.#fd = -1;
  }

  #sourceOf(inode: number): TreeSource {
    const layer = this.#index.layerOf(inode);
    const source = this.#sources[layer];
    if (source === undefined) throw new RangeError(`no source for layer ${layer}`);
    return source;
  }

  #locate(inode: number): { fd: number; offset: number } {
    const source = this.#sourceOf(inode);
    if (source.type === "directory") return { fd: this.#openFile(source.path, inode), offset: 0 };
    const layer = this.#index.layerOf(inode);
    let fd = this.#tars.get(layer);
    if (fd === undefined) {
      try {
        fd = openSync(source.path, "r");
      } catch (error) {
        throw fileError(error, source.path);
      }
      this.#tars.set(layer, fd);
    }
    return { fd, offset: (source.offset ?? 0) + this.#index.dataOffsetOf(inode) };
  }

  #openFile(root: string, inode: number): number {
    if (this.#file?.inode === inode) return this.#file.fd;
    this.#leaveFile();
    const fd = openRegular(openIn(root, this.#index.pathOf(this.#index.firstNodeOf(inode)), REFERENCE));
    this.#file = { inode, fd };
    return fd;
  }

  #leaveFile(): void {
    if (this.#file === undefined) return;
    closeSync(this.#file.fd);
    // The next file may get the same number.
    if (this.#fd === this.#file.fd) this.#fd = -1;
    this.#file = undefined;
  }
}

function endsEarly(index: LayerIndex, inode: number): GantryError {
  const path = index.pathOf(index.firstNodeOf(inode)).toString();
  return new GantryError("UNEXPECTED_END_OF_FILE", `the data of /${path} ends before its size says`, {
    details: { path },
  });
}
