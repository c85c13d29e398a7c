import { closeSync, openSync, readSync, writeFileSync } from "node:fs";
import { fileError, GantryError } from "../errors/index.ts";
import type { ArchiveLimits } from "./archive-limits.ts";
import { boundedDecoder, type Decoder } from "./bounded-decoder.ts";
import { type Compression, detectCompression, MAGIC_BYTES } from "./detect-compression.ts";
import { awaitGrowth, type GrowingFile, GrowingFileWriter, isReadable, readableBytes } from "./growing-file.ts";
import type { StreamHash } from "./hash-lanes.ts";
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
  limits?: ArchiveLimits;
  /** Leaves the hashes to another thread (hash-file.ts), which follows the tar as it is written. */
  hashedElsewhere?: GrowingFile;
  /** One float64: bytes of the source done so far, for progress. */
  doneBytes?: SharedArrayBuffer;
}

/** What a layer turned out to be. The files are written, not yet durable. */
export interface LayerFacts {
  compression: Compression;
  /** SHA-256 of the bytes as received, in hexadecimal digits. */
  blobSha256: string;
  /** SHA-256 of the uncompressed tar; both are empty if they are hashed elsewhere. */
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
  const pass = await LayerPass.open(job, () => new Sha256());
  for (;;) {
    const facts = pass.step();
    if (facts !== undefined) return facts;
    if (pass.waiting) pass.wait();
  }
}

/**
 * A layer on its way in, piece by piece, so that one thread can take in several by turns (ingest-together.ts). A pass that
 * fails has closed its files; its errors are those of ingestLayer.
 */
export class LayerPass {
  readonly #job: LayerIngest;
  readonly #opened: number[] = [];
  readonly #follower: GrowingFileWriter | undefined;
  readonly #done: Float64Array | undefined;
  #fdIn = -1;
  #sink: LayerSink | undefined;
  #at = 0;

  private constructor(job: LayerIngest) {
    this.#job = job;
    this.#follower = job.hashedElsewhere === undefined ? undefined : new GrowingFileWriter(job.hashedElsewhere);
    this.#done = job.doneBytes === undefined ? undefined : new Float64Array(job.doneBytes);
  }

  /** Opens its files and looks at its first bytes. `newHash` is called once or twice. */
  static async open(job: LayerIngest, newHash: () => StreamHash): Promise<LayerPass> {
    const pass = new LayerPass(job);
    try {
      pass.#fdIn = pass.#open(job.source.path, "r");
      const compression = detectCompression(pass.#firstBytes());
      pass.#sink = await openLayer(compression, job, pass.#follower, newHash, (path) => pass.#open(path, "wx"));
      return pass;
    } catch (error) {
      throw pass.#failed(error);
    }
  }

  /** Whether the next bytes are still to be written by somebody else. */
  get waiting(): boolean {
    const { growing } = this.#job.source;
    return growing !== undefined && !isReadable(growing, this.#at);
  }

  /** Blocks the thread until there are more bytes, or for a while. */
  wait(): void {
    const { growing } = this.#job.source;
    if (growing !== undefined) awaitGrowth(growing, this.#at);
  }

  /** Takes the next piece, if there is one by now; what the layer is, after the last. */
  step(): LayerFacts | undefined {
    try {
      if (this.#at < this.#job.source.size) {
        if (this.waiting) return undefined;
        this.#takePiece();
        if (this.#at < this.#job.source.size) return undefined;
      }
      const facts = (this.#sink as LayerSink).finish();
      this.#close();
      return facts;
    } catch (error) {
      throw this.#failed(error);
    }
  }

  #takePiece(): void {
    const { source } = this.#job;
    const sink = this.#sink as LayerSink;
    const { input } = sink.received;
    const wanted = Math.min(input.length, this.#readable() - this.#at);
    const got = readSync(this.#fdIn, input, 0, wanted, source.offset + this.#at);
    if (got === 0) throw endsEarly(this.#job, this.#at);
    sink.push(input.subarray(0, got));
    this.#at += got;
    if (this.#done !== undefined) this.#done[0] = this.#at;
  }

  #readable(): number {
    const { growing, size } = this.#job.source;
    return growing === undefined ? size : Math.min(size, readableBytes(growing, this.#at).bytes);
  }

  #firstBytes(): Uint8Array {
    const { source } = this.#job;
    const start = new Uint8Array(Math.min(MAGIC_BYTES, source.size));
    for (let got = 0; got < start.length;) {
      const readable =
        source.growing === undefined ? source.size : Math.min(source.size, readableBytes(source.growing, got).bytes);
      const now = readSync(this.#fdIn, start, got, Math.min(readable, start.length) - got, source.offset + got);
      if (now === 0) throw endsEarly(this.#job, got);
      got += now;
    }
    return start;
  }

  #open(path: string, flags: "r" | "wx"): number {
    const fd = openSync(path, flags, 0o600);
    this.#opened.push(fd);
    return fd;
  }

  #close(): void {
    for (const fd of this.#opened.splice(0)) closeSync(fd);
    this.#follower?.end();
  }

  #failed(error: unknown): unknown {
    this.#sink?.abandon();
    this.#close();
    return fileError(error, this.#job.label);
  }
}

function endsEarly(job: LayerIngest, at: number): GantryError {
  return new GantryError("ARCHIVE_TRUNCATED", `${job.label} ends after ${at} of ${job.source.size} bytes`);
}

/** The way of a layer's bytes. */
interface LayerSink {
  /** Hashes the bytes as received; they are read into its input. */
  received: StreamHash;
  /** Takes bytes of that input. */
  push(bytes: Uint8Array): void;
  finish(): LayerFacts;
  /** Ends the hashes of a layer that failed. */
  abandon(): void;
}

async function openLayer(
  compression: Compression,
  job: LayerIngest,
  follower: GrowingFileWriter | undefined,
  newHash: () => StreamHash,
  create: (path: string) => number,
): Promise<LayerSink> {
  const scanner = new TarScanner(job.limits);
  const plain = compression === "none";
  const decoder = plain ? undefined : await openDecoder(compression, job.label, job.limits);
  const copied = job.copyFile !== undefined && (plain || job.keepCompressed === true);
  const copyFd = copied ? create(job.copyFile as string) : undefined;
  const tarFd = plain ? -1 : create(job.tarFile);
  const index = (): number => {
    const { records, entryCount } = scanner.finish();
    writeFileSync(job.indexFile, buildLayerIndex(records), { flag: "wx", mode: 0o600 });
    return entryCount;
  };
  const hashes = new OpenHashes(newHash);
  const received = hashes.open();
  const { abandon } = hashes;
  if (decoder === undefined) {
    return {
      received,
      abandon,
      push: (bytes) => {
        if (copyFd !== undefined) writeAll(copyFd, bytes);
        scanner.push(bytes);
        if (follower === undefined) received.consumeInput(bytes.length);
        else follower.advance(bytes.length);
      },
      finish: () => {
        const entryCount = index();
        const sha256 = hashes.end(received);
        const tarSha256 = follower === undefined ? sha256 : "";
        return { compression, blobSha256: tarSha256, tarSha256, tarBytes: job.source.size, entryCount };
      },
    };
  }
  const tarHash = follower === undefined ? hashes.open() : undefined;
  let tarBytes = 0;
  const takeTar = (bytes: Uint8Array): void => {
    writeAll(tarFd, bytes);
    scanner.push(bytes);
    if (tarHash === undefined) follower?.advance(bytes.length);
    else tarHash.update(bytes);
    tarBytes += bytes.length;
  };
  return {
    received,
    abandon,
    push: (bytes) => {
      if (copyFd !== undefined) writeAll(copyFd, bytes);
      decoder.push(bytes, takeTar);
      if (follower === undefined) received.consumeInput(bytes.length);
    },
    finish: () => {
      decoder.finish();
      const entryCount = index();
      const received256 = hashes.end(received);
      const tarSha256 = tarHash === undefined ? "" : hashes.end(tarHash);
      return { compression, blobSha256: tarHash === undefined ? "" : received256, tarSha256, tarBytes, entryCount };
    },
  };
}

/** The hashes of one layer: a lane that is not ended is lost for the others. */
class OpenHashes {
  readonly #newHash: () => StreamHash;
  readonly #open = new Set<StreamHash>();

  constructor(newHash: () => StreamHash) {
    this.#newHash = newHash;
  }

  open(): StreamHash {
    const hash = this.#newHash();
    this.#open.add(hash);
    return hash;
  }

  end(hash: StreamHash): string {
    this.#open.delete(hash);
    return hash.digestHex();
  }

  readonly abandon = (): void => {
    for (const hash of this.#open) this.end(hash);
  };
}

/**
 * A decoder that stops at the limits. Its `push` throws LIMIT_EXCEEDED.
 * @throws COMPRESSION_UNSUPPORTED
 */
export async function openDecoder(compression: Compression, label: string, limits?: ArchiveLimits): Promise<Decoder> {
  return boundedDecoder(await anyDecoder(compression, label), label, limits);
}

async function anyDecoder(compression: Compression, label: string): Promise<Decoder> {
  if (compression === "gzip") return new GzipDecoder();
  if (compression === "zstd") {
    // 40 ms and 16 MiB: only where needed.
    const { ZstdDecoder } = await import("./zstd.ts");
    return await ZstdDecoder.create();
  }
  if (compression === "xz") {
    const { XzDecoder } = await import("./xz.ts");
    return new XzDecoder();
  }
  throw new GantryError(
    "COMPRESSION_UNSUPPORTED",
    `${label} is compressed with ${compression}, which is not supported`,
    {
      remedy: `Decompress it with ${compression} first, or use gzip, xz or zstd.`,
      details: { compression },
    },
  );
}
