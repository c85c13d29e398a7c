import { closeSync, openSync, readSync, writeFileSync } from "node:fs";
import { fileError, GantryError } from "../errors/index.ts";
import { type Compression, detectCompression, MAGIC_BYTES } from "./detect-compression.ts";
import { type GrowingFile, GrowingFileWriter, readableBytes } from "./growing-file.ts";
import { GzipDecoder } from "./inflate.ts";
import { buildLayerIndex } from "./layer.ts";
import { Sha256 } from "./sha256.ts";
import { TarScanner } from "./tar-scan.ts";
import { writeAll } from "./write-all.ts";

/** One layer to be taken in. Plain data: it is sent to worker threads. */
export interface LayerIngest {
  /** How messages call it. */
  label: string;
  /** Where its bytes, as received, are. */
  source: { path: string; offset: number; size: number; growing?: GrowingFile };
  /** Where to write them; undefined where they are already in place. */
  copyFile?: string;
  /** Whether to copy also bytes that are compressed, and not only the tar in them. */
  keepCompressed?: boolean;
  /** Where to write the tar, if the bytes are compressed; if they are not, they are the tar. */
  tarFile: string;
  indexFile: string;
  /** Leaves the hash of the tar to another thread (hash-file.ts), which follows it as it is written. */
  hashedElsewhere?: GrowingFile;
  /** One float64: bytes of the source done so far, for progress. */
  doneBytes?: SharedArrayBuffer;
}

/** What a layer turned out to be. The files are written, not yet durable. */
export interface LayerFacts {
  compression: Compression;
  /** SHA-256 of the bytes as received, in hexadecimal digits. */
  blobSha256: string;
  /** SHA-256 of the uncompressed tar; empty, as is that of an uncompressed blob, if it is hashed elsewhere. */
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
  const readable = (at: number): number => {
    if (source.growing === undefined) return source.size;
    return Math.min(source.size, readableBytes(source.growing, at).bytes);
  };
  const follower = job.hashedElsewhere === undefined ? undefined : new GrowingFileWriter(job.hashedElsewhere);
  try {
    const fdIn = open(source.path, "r");
    const start = new Uint8Array(Math.min(MAGIC_BYTES, source.size));
    for (let got = 0; got < start.length;) {
      const now = readSync(fdIn, start, got, Math.min(readable(got), start.length) - got, source.offset + got);
      if (now === 0) throw endsEarly(job, got);
      got += now;
    }
    const compression = detectCompression(start);
    const layer = await openLayer(compression, job, follower, open);
    const done = job.doneBytes === undefined ? undefined : new Float64Array(job.doneBytes);
    const { input } = layer.received;
    for (let at = 0; at < source.size;) {
      const got = readSync(fdIn, input, 0, Math.min(input.length, readable(at) - at), source.offset + at);
      if (got === 0) throw endsEarly(job, at);
      layer.push(input.subarray(0, got));
      at += got;
      if (done !== undefined) done[0] = at;
    }
    return layer.finish();
  } finally {
    follower?.end();
  }
}

function endsEarly(job: LayerIngest, at: number): GantryError {
  return new GantryError("ARCHIVE_TRUNCATED", `${job.label} ends after ${at} of ${job.source.size} bytes`);
}

/** The way of a layer's bytes. */
interface LayerSink {
  /** Hashes the bytes as received; they are read into its input. */
  received: Sha256;
  /** Takes bytes of that input. */
  push(bytes: Uint8Array): void;
  finish(): LayerFacts;
}

async function openLayer(
  compression: Compression,
  job: LayerIngest,
  follower: GrowingFileWriter | undefined,
  open: (path: string, flags: "r" | "wx") => number,
): Promise<LayerSink> {
  const scanner = new TarScanner();
  const received = new Sha256();
  const plain = compression === "none";
  const copied = job.copyFile !== undefined && (plain || job.keepCompressed === true);
  const copyFd = copied ? open(job.copyFile as string, "wx") : undefined;
  const index = (): number => {
    const { records, entryCount } = scanner.finish();
    writeFileSync(job.indexFile, buildLayerIndex(records), { flag: "wx", mode: 0o600 });
    return entryCount;
  };
  if (plain) {
    return {
      received,
      push: (bytes) => {
        if (copyFd !== undefined) writeAll(copyFd, bytes);
        scanner.push(bytes);
        if (follower === undefined) received.consumeInput(bytes.length);
        else follower.advance(bytes.length);
      },
      finish: () => {
        const entryCount = index();
        const sha256 = follower === undefined ? received.digestHex() : "";
        return { compression, blobSha256: sha256, tarSha256: sha256, tarBytes: job.source.size, entryCount };
      },
    };
  }
  const decoder = await openDecoder(compression, job.label);
  const tarFd = open(job.tarFile, "wx");
  const tarHash = new Sha256();
  let tarBytes = 0;
  const takeTar = (bytes: Uint8Array): void => {
    writeAll(tarFd, bytes);
    scanner.push(bytes);
    if (follower === undefined) tarHash.update(bytes);
    else follower.advance(bytes.length);
    tarBytes += bytes.length;
  };
  return {
    received,
    push: (bytes) => {
      if (copyFd !== undefined) writeAll(copyFd, bytes);
      decoder.push(bytes, takeTar);
      received.consumeInput(bytes.length);
    },
    finish: () => {
      decoder.finish();
      const entryCount = index();
      const tarSha256 = follower === undefined ? tarHash.digestHex() : "";
      return { compression, blobSha256: received.digestHex(), tarSha256, tarBytes, entryCount };
    },
  };
}

interface Decoder {
  push(input: Uint8Array, onOutput: (bytes: Uint8Array) => void): void;
  finish(): void;
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
