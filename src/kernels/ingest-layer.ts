import { closeSync, openSync, readSync, writeFileSync, writeSync } from "node:fs";
import { GantryError } from "../errors/index.ts";
import { type Compression, detectCompression } from "./detect-compression.ts";
import { GzipDecoder } from "./inflate.ts";
import { buildLayerIndex } from "./layer.ts";
import { Sha256 } from "./sha256.ts";
import { TarScanner } from "./tar-scan.ts";

/** One layer to be taken in. Plain data: it is sent to worker threads. */
export interface LayerIngest {
  /** How messages call it. */
  label: string;
  /** Where its bytes, as received, are. */
  source: { path: string; offset: number; size: number };
  /** Where to write them; undefined where they are already in place. */
  copyFile?: string;
  /** Whether to copy also bytes that are compressed, and not only the tar in them. */
  keepCompressed?: boolean;
  /** Where to write the tar, if the bytes are compressed; if they are not, they are the tar. */
  tarFile: string;
  indexFile: string;
  /** One float64: bytes of the source done so far, for progress. */
  doneBytes?: SharedArrayBuffer;
}

/** What a layer turned out to be. The files are written, not yet durable. */
export interface LayerFacts {
  compression: Compression;
  /** SHA-256 of the bytes as received, in hexadecimal digits. */
  blobSha256: string;
  /** SHA-256 of the uncompressed tar. */
  tarSha256: string;
  tarBytes: number;
  entryCount: number;
}

/**
 * Takes in one layer in one pass: reads, decompresses if need be, hashes the bytes as received and the tar, scans the
 * tar's headers, writes blob, tar and index. Nothing of the tar is held but its headers.
 * @throws ARCHIVE_TRUNCATED, COMPRESSION_UNSUPPORTED, GZIP_INVALID, ZSTD_INVALID, TAR_INVALID, LAYER_INVALID and the
 * other codes of the tar and layer kernels, NO_SPACE, SYSTEM_CALL_FAILED
 */
export async function ingestLayer(job: LayerIngest): Promise<LayerFacts> {
  const opened: number[] = [];
  const open = (path: string, flags: "r" | "wx"): number => {
    const fd = openSync(path, flags, 0o600);
    opened.push(fd);
    return fd;
  };
  try {
    return await pass(job, open);
  } catch (error) {
    throw fileError(error, job.label);
  } finally {
    for (const fd of opened) closeSync(fd);
  }
}

async function pass(job: LayerIngest, open: (path: string, flags: "r" | "wx") => number): Promise<LayerFacts> {
  const { source } = job;
  const fdIn = open(source.path, "r");
  const start = new Uint8Array(Math.min(8, source.size));
  readSync(fdIn, start, 0, start.length, source.offset);
  const compression = detectCompression(start);
  const scanner = new TarScanner();
  const copied = compression === "none" || job.keepCompressed === true;
  const blobFd = copied && job.copyFile !== undefined ? open(job.copyFile, "wx") : undefined;
  const inner = compression === "none" ? undefined : await openTar(compression, job, open);
  const blobHash = new Sha256();
  const done = job.doneBytes === undefined ? undefined : new Float64Array(job.doneBytes);
  const { input } = blobHash;
  for (let at = 0; at < source.size;) {
    const got = readSync(fdIn, input, 0, Math.min(input.length, source.size - at), source.offset + at);
    if (got === 0) throw new GantryError("ARCHIVE_TRUNCATED", `${job.label} ends after ${at} of ${source.size} bytes`);
    const bytes = input.subarray(0, got);
    if (blobFd !== undefined) writeAll(blobFd, bytes);
    if (inner === undefined) scanner.push(bytes);
    else inner.push(bytes, scanner);
    blobHash.consumeInput(got);
    at += got;
    if (done !== undefined) done[0] = at;
  }
  inner?.finish(scanner);
  const { records, entryCount } = scanner.finish();
  writeFileSync(job.indexFile, buildLayerIndex(records), { flag: "wx", mode: 0o600 });
  const blobSha256 = blobHash.digestHex();
  return {
    compression,
    blobSha256,
    tarSha256: inner?.sha256() ?? blobSha256,
    tarBytes: inner?.tarBytes() ?? source.size,
    entryCount,
  };
}

/** The way of the bytes from decompression on. */
interface InnerTar {
  push(compressed: Uint8Array, scanner: TarScanner): void;
  finish(scanner: TarScanner): void;
  sha256(): string;
  tarBytes(): number;
}

interface Decoder {
  push(input: Uint8Array, onOutput: (bytes: Uint8Array) => void): void;
  finish(): void;
}

async function openTar(
  compression: Compression,
  job: LayerIngest,
  open: (path: string, flags: "r" | "wx") => number,
): Promise<InnerTar> {
  const decoder = await openDecoder(compression, job.label);
  const fd = open(job.tarFile, "wx");
  const hash = new Sha256();
  let written = 0;
  const take = (scanner: TarScanner) => (bytes: Uint8Array) => {
    writeAll(fd, bytes);
    scanner.push(bytes);
    hash.update(bytes);
    written += bytes.length;
  };
  return {
    push: (compressed, scanner) => {
      decoder.push(compressed, take(scanner));
    },
    finish: () => {
      decoder.finish();
    },
    sha256: () => hash.digestHex(),
    tarBytes: () => written,
  };
}

/** @throws COMPRESSION_UNSUPPORTED */
export async function openDecoder(compression: Compression, label: string): Promise<Decoder> {
  if (compression === "gzip") return new GzipDecoder();
  if (compression === "zstd") {
    // 40 ms and 16 MiB: only where needed.
    const { ZstdDecoder } = await import("./zstd.ts");
    return await ZstdDecoder.create();
  }
  throw new GantryError(
    "COMPRESSION_UNSUPPORTED",
    `${label} is compressed with ${compression}, which is not supported`,
    {
      remedy: `Decompress it with ${compression} first, or use gzip or zstd.`,
      details: { compression },
    },
  );
}

/** write(2) may write less than it is given. */
export function writeAll(fd: number, bytes: Uint8Array): void {
  for (let done = 0; done < bytes.length;) done += writeSync(fd, bytes, done, bytes.length - done);
}

/** What went wrong with `label`: the kernels do not know whose bytes they read. Errors of node:fs in gantry's terms. */
export function fileError(error: unknown, label: string): unknown {
  if (error instanceof GantryError) return named(error, label);
  const { code, path, syscall } = error as NodeJS.ErrnoException;
  if (typeof code !== "string" || typeof syscall !== "string") return error;
  if (code === "ENOSPC" || code === "EDQUOT") {
    return new GantryError("NO_SPACE", `no space left while writing ${label}`, {
      remedy: "Free some space, or choose another store with --root.",
      cause: error,
    });
  }
  return new GantryError("SYSTEM_CALL_FAILED", `${label}: ${(error as Error).message}`, {
    details: { step: syscall, errno: code, path },
    cause: error,
  });
}

function named(error: GantryError, label: string): GantryError {
  if (error.message.includes(label)) return error;
  return new GantryError(error.code, `${label}: ${error.message}`, {
    details: error.details,
    cause: error.cause,
    ...(error.remedy === undefined ? {} : { remedy: error.remedy }),
  });
}
