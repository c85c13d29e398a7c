import { closeSync, openSync, readSync } from "node:fs";
import { fileError, GantryError } from "../errors/index.ts";
import { GZIP_BLOCK_BYTES, GZIP_WINDOW_BYTES, GzipBlockEncoder, type GzipLevel } from "./deflate.ts";

/** How to compress. The bytes are a function of the input and of this. */
export type CompressionMethod = { kind: "gzip"; level: GzipLevel } | { kind: "zstd"; level: number };

/**
 * Bytes of input that are compressed by themselves: a stretch of the gzip member, a zstd frame of its own. Part of the
 * format, as another size gives other bytes; a zstd frame that starts afresh every 4 MiB costs 1 % at level 3.
 */
export const BLOCK_BYTES: Record<CompressionMethod["kind"], number> = { gzip: GZIP_BLOCK_BYTES, zstd: 4 << 20 };

/** One block of a file to be compressed. Plain data: it is sent to worker threads. */
export interface BlockCompression {
  path: string;
  offset: number;
  /** At most BLOCK_BYTES; 0 only for an empty file. */
  bytes: number;
  /** Whether the file ends with it. */
  last: boolean;
  method: CompressionMethod;
}

export interface CompressedBlock {
  bytes: Uint8Array;
  /** CRC-32 of its input, for gzip's trailer; 0 for zstd, whose frames bring their own checks. */
  crc: number;
}

/** What is read at once. */
const PIECE_BYTES = 256 * 1024;

/**
 * Compresses one block of a file; compress-files.ts puts blocks together. Memory: the block's output and the codec's own.
 * @throws UNEXPECTED_END_OF_FILE if the file is shorter than it was said to be, SYSTEM_CALL_FAILED
 */
export async function compressBlock(job: BlockCompression): Promise<CompressedBlock> {
  let fd: number;
  try {
    fd = openSync(job.path, "r");
  } catch (error) {
    throw fileError(error, job.path);
  }
  try {
    return job.method.kind === "gzip" ? gzipBlock(fd, job, job.method.level) : await zstdFrame(fd, job);
  } finally {
    closeSync(fd);
  }
}

function gzipBlock(fd: number, job: BlockCompression, level: GzipLevel): CompressedBlock {
  const window = new Uint8Array(Math.min(GZIP_WINDOW_BYTES, job.offset));
  readFully(fd, window, job.offset - window.length, job);
  const encoder = new GzipBlockEncoder({ level, window });
  const output = new Gathered();
  readPieces(fd, job, (piece) => encoder.push(piece, output.add));
  const crc = encoder.finish(job.last, output.add);
  return { bytes: output.all(), crc };
}

async function zstdFrame(fd: number, job: BlockCompression): Promise<CompressedBlock> {
  const { ZstdEncoder } = await import("./zstd.ts");
  const encoder = await ZstdEncoder.create({ level: job.method.level });
  const output = new Gathered();
  readPieces(fd, job, (piece) => encoder.push(piece, output.add));
  encoder.finish(output.add);
  return { bytes: output.all(), crc: 0 };
}

/** Copies of what encoders hand out. */
class Gathered {
  readonly #parts: Uint8Array[] = [];
  readonly add = (bytes: Uint8Array): void => {
    this.#parts.push(bytes.slice());
  };

  all(): Uint8Array {
    const whole = new Uint8Array(this.#parts.reduce((sum, part) => sum + part.length, 0));
    let at = 0;
    for (const part of this.#parts) {
      whole.set(part, at);
      at += part.length;
    }
    return whole;
  }
}

function readPieces(fd: number, job: BlockCompression, take: (piece: Uint8Array) => void): void {
  const piece = new Uint8Array(Math.min(PIECE_BYTES, job.bytes));
  for (let done = 0; done < job.bytes;) {
    const part = piece.subarray(0, job.bytes - done);
    readFully(fd, part, job.offset + done, job);
    take(part);
    done += part.length;
  }
}

function readFully(fd: number, bytes: Uint8Array, offset: number, { path }: BlockCompression): void {
  for (let done = 0; done < bytes.length;) {
    const got = readSync(fd, bytes, done, bytes.length - done, offset + done);
    if (got === 0) {
      throw new GantryError(
        "UNEXPECTED_END_OF_FILE",
        `${path} ended at ${offset + done}, while it was being compressed`,
      );
    }
    done += got;
  }
}
