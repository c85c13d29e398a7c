import { closeSync, fdatasync, openSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { fileError, GantryError, isGantryError } from "../errors/index.ts";
import type { Reporter } from "../events/progress.ts";
import type { ArchiveLimits } from "../kernels/archive-limits.ts";
import { detectCompression } from "../kernels/detect-compression.ts";
import { GrowingFileWriter, makeGrowingFile } from "../kernels/growing-file.ts";
import { hashLayer, type LayerHashes, type LayerHashing } from "../kernels/hash-file.ts";
import { openDecoder } from "../kernels/ingest-layer.ts";
import { buildLayerIndex } from "../kernels/layer.ts";
import { WorkerPool } from "../kernels/pool.ts";
import { TarScanner } from "../kernels/tar-scan.ts";
import { writeAll } from "../kernels/write-all.ts";
import type { ByteStream } from "./byte-stream.ts";
import { firstBytes } from "./read-chunks.ts";

/** Starting a thread costs more than hashing this much. */
const INLINE_BYTES = 5 * 1024 * 1024;
/** The disk is told to begin each time that so much has been written, so that the fsync at the end finds little left. */
const WRITEBACK_BYTES = 32 * 1024 * 1024;

/** A tar of a file system that is in scratch, hashed, scanned and indexed. Its files are written, not yet durable. */
export interface TakenTar {
  /** SHA-256, in hexadecimal digits. */
  sha256: string;
  tarFile: string;
  indexFile: string;
  tarBytes: number;
  index: Uint8Array;
}

/**
 * Takes a layer from a stream whose length nobody knows, in one pass: this thread reads, decompresses, scans and writes
 * the tar, another one hashes it as it is written. The tar is kept byte for byte; nothing of it is held but its headers.
 * @throws ARCHIVE_INVALID (empty), COMPRESSION_UNSUPPORTED, GZIP_INVALID, ZSTD_INVALID, TAR_INVALID, LAYER_INVALID and the
 * other codes of the kernels, LIMIT_EXCEEDED, NO_SPACE, SYSTEM_CALL_FAILED, CANCELLED, and what the source throws
 */
export async function takeStream(
  source: ByteStream,
  scratch: string,
  reporter: Reporter,
  limits: ArchiveLimits = {},
): Promise<TakenTar> {
  const intake = new StreamIntake(scratch, limits);
  const { label, totalBytes } = source;
  const total = totalBytes === undefined ? {} : { totalBytes };
  const task = "import";
  try {
    reporter.emit({ kind: "start", task, label: `Importing ${label}`, ...total });
    const start = await firstBytes(source.chunks);
    if (start.length === 0) {
      throw new GantryError("ARCHIVE_INVALID", `${label} is empty`, { remedy: "Give a tar of a root file system." });
    }
    const compression = detectCompression(start);
    const decoder = compression === "none" ? undefined : await openDecoder(compression, label, limits);
    const write = (bytes: Uint8Array): void => {
      intake.write(bytes);
    };
    let doneBytes = 0;
    const take = (bytes: Uint8Array): void => {
      if (decoder === undefined) write(bytes);
      else decoder.push(bytes, write);
      doneBytes += bytes.length;
      reporter.emit({ kind: "advance", task, doneBytes, ...total });
    };
    take(start);
    for await (const chunk of source.chunks) {
      take(chunk);
      intake.rethrow();
    }
    decoder?.finish();
    const taken = await intake.finish();
    reporter.emit({ kind: "done", task });
    return taken;
  } catch (error) {
    if (isGantryError(error, "CANCELLED")) throw error;
    throw isNoTar(error) ? notATar(error, label) : fileError(error, label);
  } finally {
    await intake.close();
  }
}

class StreamIntake {
  readonly #tarFile: string;
  readonly #indexFile: string;
  readonly #fd: number;
  readonly #growing = makeGrowingFile();
  readonly #position = new GrowingFileWriter(this.#growing);
  readonly #scanner: TarScanner;
  #pool: WorkerPool | undefined;
  #hashes: Promise<LayerHashes> | undefined;
  #failure: unknown;
  #tarBytes = 0;
  #toldDisk = 0;
  #writeback: Promise<void> | undefined;

  constructor(scratch: string, limits: ArchiveLimits) {
    this.#scanner = new TarScanner(limits);
    this.#tarFile = join(scratch, "import.tar");
    this.#indexFile = join(scratch, "import.index");
    this.#fd = openSync(this.#tarFile, "wx", 0o600);
  }

  write(bytes: Uint8Array): void {
    writeAll(this.#fd, bytes);
    this.#position.advance(bytes.length);
    this.#scanner.push(bytes);
    this.#tarBytes += bytes.length;
    if (this.#tarBytes > INLINE_BYTES) this.#hashes ??= this.#hashInThread();
    if (this.#tarBytes - this.#toldDisk > WRITEBACK_BYTES && this.#writeback === undefined) {
      this.#toldDisk = this.#tarBytes;
      // Failing does not matter here: the fsync before the image appears will fail as well.
      this.#writeback = new Promise((resolve) => {
        fdatasync(this.#fd, () => {
          this.#writeback = undefined;
          resolve();
        });
      });
    }
  }

  /** Throws what the other thread has failed with meanwhile. */
  rethrow(): void {
    if (this.#failure !== undefined) throw this.#failure as Error;
  }

  async finish(): Promise<TakenTar> {
    this.#position.end();
    // While the other thread still hashes.
    const index = buildLayerIndex(this.#scanner.finish().records);
    writeFileSync(this.#indexFile, index, { flag: "wx", mode: 0o600 });
    const { tarSha256: sha256 } = await (this.#hashes ?? hashLayer(this.#hashing()));
    return { sha256, tarFile: this.#tarFile, indexFile: this.#indexFile, tarBytes: this.#tarBytes, index };
  }

  async close(): Promise<void> {
    await this.#pool?.close();
    await this.#writeback;
    closeSync(this.#fd);
  }

  #hashInThread(): Promise<LayerHashes> {
    this.#pool = new WorkerPool(1);
    const hashes = this.#pool.run("hashLayer", this.#hashing());
    hashes.catch((error: unknown) => (this.#failure = error));
    return hashes;
  }

  #hashing(): LayerHashing {
    return { tar: { path: this.#tarFile, growing: this.#growing }, blob: undefined };
  }
}

/** Whether not even the first header could be read. */
function isNoTar(error: unknown): error is GantryError {
  if (!isGantryError(error, "TAR_INVALID")) return false;
  return error.details["entry"] === 1 && error.details["offset"] === 0 && error.details["path"] === "";
}

function notATar(cause: GantryError, label: string): GantryError {
  return new GantryError("TAR_INVALID", `${label} is no tar, plain or compressed (${cause.message})`, {
    remedy: "Give a tar of a root file system, such as docker export writes.",
    details: cause.details,
    cause,
  });
}
