import { closeSync, mkdirSync, rmdirSync, rmSync } from "node:fs";
import { join } from "node:path";
import { copyFileRangeAsync } from "../bridge/index.ts";
import { fileError, GantryError } from "../errors/index.ts";
import type { Reporter } from "../events/progress.ts";
import { writeAll } from "../kernels/write-all.ts";
import { type ArchiveItem, OCI_LAYOUT } from "./oci-items.ts";
import { UnfinishedFile } from "./unfinished-file.ts";
import { openItem } from "./write-archive.ts";

interface Part {
  name: string;
  size: number;
  content: { bytes: Uint8Array } | { fd: number };
}

const DIRECTORIES = ["blobs", "blobs/sha256"];

/** The blobs of a layout to be written, held open: nobody's removal can break them any more. Each appears whole. */
export class LayoutPlan {
  #parts: Part[];
  readonly #opened: number[] = [];
  readonly #made: string[] = [];

  /** @throws BLOB_MISSING, STORE_CORRUPT */
  constructor(blobs: ArchiveItem[]) {
    try {
      this.#parts = blobs.flatMap((item) => this.#part(item));
    } catch (error) {
      this.close();
      throw error;
    }
  }

  get totalBytes(): number {
    return this.#parts.reduce((sum, { size }) => sum + size, 0);
  }

  /** Leaves out what is there already. */
  leaveOut(isThere: (name: string, size: number) => boolean): void {
    this.#parts = this.#parts.filter(({ name, size }) => !isThere(name, size));
  }

  /** @throws NO_SPACE, CANCELLED, STORE_CORRUPT, SYSTEM_CALL_FAILED */
  async write(directory: string, reporter: Reporter): Promise<void> {
    const { totalBytes } = this;
    const task = "archive";
    reporter.emit({ kind: "start", task, label: "Saving", totalBytes });
    for (const name of DIRECTORIES) this.#makeDirectory(directory, name);
    let doneBytes = 0;
    for (const part of this.#parts) {
      if (reporter.signal.aborted) throw new GantryError("CANCELLED", "cancelled");
      const before = doneBytes;
      await this.#make(directory, part, reporter.signal, (done) => {
        reporter.emit({ kind: "advance", task, doneBytes: before + done, totalBytes });
      });
      doneBytes += part.size;
      reporter.emit({ kind: "advance", task, doneBytes, totalBytes });
    }
    reporter.emit({ kind: "done", task });
  }

  /** Makes a layout of the directory: the last step. */
  finish(directory: string, index: Uint8Array): void {
    for (const { name, bytes } of [OCI_LAYOUT, { name: "index.json", bytes: index }]) {
      const file = UnfinishedFile.create(join(directory, name), 0o644);
      try {
        writeAll(file.fd, bytes);
        file.finish();
      } finally {
        file.discard();
      }
    }
  }

  /** Removes the blobs that `write` made. */
  undo(directory: string): void {
    for (const name of this.#made.splice(0).reverse()) {
      if (!DIRECTORIES.includes(name)) rmSync(join(directory, name), { force: true });
      else rmdirSync(join(directory, name));
    }
  }

  close(): void {
    for (const fd of this.#opened.splice(0)) closeSync(fd);
  }

  #part(item: ArchiveItem): Part[] {
    if ("directory" in item) return [];
    const { name } = item;
    if ("bytes" in item) return [{ name, size: item.bytes.length, content: { bytes: item.bytes } }];
    const fd = openItem(item);
    this.#opened.push(fd);
    return [{ name, size: item.size, content: { fd } }];
  }

  #makeDirectory(directory: string, name: string): void {
    try {
      mkdirSync(join(directory, name));
      this.#made.push(name);
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== "EEXIST") throw error;
    }
  }

  async #make(
    directory: string,
    { name, size, content }: Part,
    signal: AbortSignal,
    onProgress: (done: number) => void,
  ): Promise<void> {
    const file = UnfinishedFile.create(join(directory, name), 0o644);
    try {
      if ("bytes" in content) {
        writeAll(file.fd, content.bytes);
      } else {
        const range = { fdIn: content.fd, offsetIn: 0, fdOut: file.fd, offsetOut: null, length: size };
        const copied = await copyFileRangeAsync(range, { signal, onProgress });
        if (copied !== size) throw new GantryError("STORE_CORRUPT", `${name} ended while it was being copied`);
      }
      file.finish();
      this.#made.push(name);
    } catch (error) {
      throw fileError(error, name);
    } finally {
      file.discard();
    }
  }
}
