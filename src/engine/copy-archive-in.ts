import { closeSync } from "node:fs";
import { firstBytes, readChunks } from "../archive/read-chunks.ts";
import { Untar } from "../bridge/index.ts";
import { fileError, GantryError } from "../errors/index.ts";
import type { Reporter } from "../events/progress.ts";
import type { ArchiveLimits } from "../kernels/archive-limits.ts";
import { detectCompression } from "../kernels/detect-compression.ts";
import { openDecoder } from "../kernels/ingest-layer.ts";
import { TarScanner } from "../kernels/tar-scan.ts";
import type { CopySide } from "./copy-between.ts";
import { copyError } from "./copy-error.ts";
import { openDirectoryIn } from "./copy-lookup.ts";

const LABEL = "the tar archive on standard input";
const BLOCK_BYTES = 512;
const NOTHING = new Uint8Array(0);

export interface CopyArchiveInOptions {
  /** Called with the open destination before anything is written. */
  check(directory: number): void;
  /** What the archive may ask for, where that differs from the defaults. */
  limits: ArchiveLimits;
}

/**
 * Unpacks a tar stream, compressed or not, into a directory of a container, entry by entry as it arrives; owners are those
 * of the archive. What was whole before an error or a cancel stays. Returns the bytes of the tar.
 * @throws COPY_CONFLICT, LIMIT_EXCEEDED, TAR_INVALID and the other codes of the scanner, TAR_PATH_ESCAPES, COMPRESSION_UNSUPPORTED,
 *   NO_SPACE, CANCELLED, SYSTEM_CALL_FAILED
 */
export async function copyArchiveIn(
  fd: number,
  target: CopySide,
  options: CopyArchiveInOptions,
  reporter: Reporter,
): Promise<number> {
  const { limits } = options;
  const directory = openDirectoryIn(target.root, target.at.path);
  if (directory === undefined) {
    throw new GantryError("COPY_CONFLICT", `destination "${target.shown}" must be a directory`, {
      remedy: "Name a directory that exists in the container.",
    });
  }
  try {
    options.check(directory);
  } finally {
    closeSync(directory);
  }
  const task = "copy";
  const sink = new TarSink(new Untar(target.root, target.at.path, "source"), limits);
  try {
    const chunks = readChunks(fd, reporter.signal);
    const start = await firstBytes(chunks);
    const compression = detectCompression(start);
    const decoder = compression === "none" ? undefined : await openDecoder(compression, LABEL, limits);
    const take = (bytes: Uint8Array): void => {
      if (decoder === undefined) sink.push(bytes);
      else {
        decoder.push(bytes, (output) => {
          sink.push(output);
        });
      }
    };
    reporter.emit({ kind: "start", task, label: `Copying to ${target.shown}` });
    let doneBytes = start.length;
    take(start);
    for await (const chunk of chunks) {
      take(chunk);
      doneBytes += chunk.length;
      reporter.emit({ kind: "advance", task, doneBytes });
    }
    decoder?.finish();
    const tarBytes = sink.finish();
    reporter.emit({ kind: "done", task });
    return tarBytes;
  } catch (error) {
    const told = copyError(error, target.shown);
    throw told === error ? fileError(error, LABEL) : told;
  } finally {
    sink.abandon();
  }
}

/** Hands a tar on to be unpacked: its headers as the scanner's records, and all of its bytes. */
class TarSink {
  readonly #scanner: TarScanner;
  readonly #untar: Untar;
  #pushed = 0;

  constructor(untar: Untar, limits: ArchiveLimits) {
    this.#scanner = new TarScanner(limits);
    this.#untar = untar;
  }

  push(chunk: Uint8Array): void {
    const records: Uint8Array[] = [];
    for (let at = 0; at < chunk.length;) {
      const skip = Math.min(this.#scanner.skippableBytes, chunk.length - at);
      if (skip > 0) {
        this.#scanner.skipData(skip);
        at += skip;
        continue;
      }
      // Block by block: an entry's record is there to be taken only until the next entry's headers begin.
      const bytes = Math.min(BLOCK_BYTES - ((this.#pushed + at) % BLOCK_BYTES), chunk.length - at);
      this.#scanner.push(chunk.subarray(at, at + bytes));
      at += bytes;
      const taken = this.#scanner.takeRecords();
      if (taken.length > 0) records.push(taken);
    }
    this.#untar.push(records.length === 0 ? NOTHING : Buffer.concat(records), chunk);
    this.#pushed += chunk.length;
  }

  /** The bytes of the tar. */
  finish(): number {
    this.#scanner.finish();
    this.#untar.finish();
    return this.#pushed;
  }

  abandon(): void {
    this.#untar.abandon();
  }
}
