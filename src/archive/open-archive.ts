import { closeSync, fstatSync, openSync, readlinkSync, readSync, statSync } from "node:fs";
import { fileError, GantryError, isGantryError } from "../errors/index.ts";
import type { Reporter } from "../events/progress.ts";
import { detectCompression, MAGIC_BYTES } from "../kernels/detect-compression.ts";
import type { Digest } from "../image/types.ts";
import type { GrowingFile } from "../kernels/growing-file.ts";
import type { ArchiveLimits } from "../kernels/archive-limits.ts";
import { openDecoder } from "../kernels/ingest-layer.ts";
import { openForStream } from "./cancellable.ts";
import { type ArchiveContents, type ArchiveFile } from "./contents.ts";
import { scanFileArchive } from "./file-archive.ts";
import { openLayoutDirectory } from "./layout-directory.ts";
import { firstBytes, readChunks } from "./read-chunks.ts";
import { ArchiveSpooler } from "./spool-archive.ts";

/** A file or a directory (layout), or an open descriptor: standard input, a pipe. */
export type ArchiveSource = { path: string } | { fd: number };

export interface OpenArchiveOptions {
  /** Where members go that come from a stream. */
  scratch: string;
  reporter: Reporter;
  limits?: ArchiveLimits;
  storedBlob: (digest: Digest) => string | undefined;
  /** See SpoolOptions. */
  documentsOnly?: boolean;
  /** See SpoolOptions. Not called for archives that are read at random. */
  onSpooling: (file: ArchiveFile, growing: GrowingFile) => void;
}

/**
 * Opens an image archive of any kind: a directory or an uncompressed file is read at random, in place; a pipe, or a
 * compressed file, is read once, forward, its members going to scratch.
 * @throws ARCHIVE_NOT_FOUND, ARCHIVE_INVALID, ARCHIVE_TRUNCATED, COMPRESSION_UNSUPPORTED, CANCELLED; GZIP_INVALID,
 * ZSTD_INVALID, TAR_INVALID and the other codes of the kernels that read it
 */
export async function openArchive(source: ArchiveSource, options: OpenArchiveOptions): Promise<ArchiveContents> {
  const label = "path" in source ? source.path : "standard input";
  try {
    return await openNamed(source, label, options);
  } catch (error) {
    throw isNoTar(error) ? notAnArchive(error, label) : fileError(error, label);
  }
}

async function openNamed(source: ArchiveSource, label: string, options: OpenArchiveOptions): Promise<ArchiveContents> {
  const path = "path" in source ? source.path : pathOf(source.fd);
  if (path !== undefined) {
    const found = statSync(path, { throwIfNoEntry: false });
    if (found === undefined) throw new GantryError("ARCHIVE_NOT_FOUND", `open ${path}: no such file or directory`);
    if (found.isDirectory()) return openLayoutDirectory(path);
    if (found.isFile()) {
      if (found.size === 0) throw empty(label);
      if (compressionOf(path) === "none") return scanFileArchive(path, label, options.limits);
    }
  }
  const fd = "fd" in source ? source.fd : await openForStream(source.path, "r", options.reporter.signal);
  try {
    return await spool(fd, label, options);
  } finally {
    if (!("fd" in source)) closeSync(fd);
  }
}

/** A name for a descriptor that is a regular file at its beginning: then it can be read at random as well. */
function pathOf(fd: number): string | undefined {
  if (!fstatSync(fd).isFile()) return undefined;
  const path = `/proc/self/fd/${fd}`;
  const isOpenable = !readlinkSync(path).endsWith(" (deleted)");
  return isOpenable && position(fd) === 0 ? path : undefined;
}

function position(fd: number): number {
  const info = openSync(`/proc/self/fdinfo/${fd}`, "r");
  try {
    const text = Buffer.alloc(64);
    readSync(info, text, 0, text.length, 0);
    return Number(/^pos:\s*(\d+)/.exec(text.toString("latin1"))?.[1] ?? -1);
  } finally {
    closeSync(info);
  }
}

function compressionOf(path: string) {
  const fd = openSync(path, "r");
  try {
    const start = Buffer.alloc(MAGIC_BYTES);
    return detectCompression(start.subarray(0, readSync(fd, start, 0, MAGIC_BYTES, 0)));
  } finally {
    closeSync(fd);
  }
}

async function spool(fd: number, label: string, options: OpenArchiveOptions): Promise<ArchiveContents> {
  const spooler = new ArchiveSpooler({ ...options, label });
  const { reporter } = options;
  const task = "archive";
  const { size } = fstatSync(fd);
  const total = size > 0 ? { totalBytes: size } : {};
  try {
    const chunks = readChunks(fd, reporter.signal);
    const start = await firstBytes(chunks);
    if (start.length === 0) throw empty(label);
    const compression = detectCompression(start);
    const decoder = compression === "none" ? undefined : await openDecoder(compression, label, options.limits);
    const take = (bytes: Uint8Array): void => {
      if (decoder === undefined) spooler.push(bytes);
      else {
        decoder.push(bytes, (output) => {
          spooler.push(output);
        });
      }
    };
    reporter.emit({ kind: "start", task, label: `Reading ${label}`, ...total });
    let doneBytes = start.length;
    take(start);
    for await (const chunk of chunks) {
      take(chunk);
      doneBytes += chunk.length;
      reporter.emit({ kind: "advance", task, doneBytes, ...total });
    }
    decoder?.finish();
    const contents = spooler.finish();
    reporter.emit({ kind: "done", task });
    return contents;
  } finally {
    spooler.abandon();
  }
}

function empty(label: string): GantryError {
  return new GantryError("ARCHIVE_INVALID", `${label} is empty`, {
    remedy: "Give an image archive with --input or on standard input.",
  });
}

/** Whether not even the first header, nor a name, could be read. */
function isNoTar(error: unknown): error is GantryError {
  if (!isGantryError(error, "TAR_INVALID")) return false;
  return error.details["entry"] === 1 && error.details["offset"] === 0 && error.details["path"] === "";
}

function notAnArchive(cause: GantryError, label: string): GantryError {
  return new GantryError(
    "TAR_INVALID",
    `${label} is not an image archive: it is no tar, plain or compressed with gzip, xz or zstd (${cause.message})`,
    { remedy: "Give an archive that docker save, podman save or skopeo wrote.", details: cause.details, cause },
  );
}
