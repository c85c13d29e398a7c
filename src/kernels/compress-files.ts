import { availableParallelism } from "node:os";
import { GantryError } from "../errors/index.ts";
import {
  BLOCK_BYTES,
  type BlockCompression,
  type CompressedBlock,
  type CompressionMethod,
  compressBlock,
} from "./compress-block.ts";
import { gzipHeader, gzipTrailer, joinCrc32 } from "./deflate.ts";
import { WorkerPool } from "./pool.ts";

export interface CompressFilesOptions {
  signal?: AbortSignal;
  /** Worker threads; default: one a processor, and none for little. */
  threads?: number;
}

/** A piece of the output, in order: all of the first file's, then the second's. */
export interface CompressedPiece {
  /** Which of the files. */
  file: number;
  bytes: Uint8Array;
  /** Bytes of that file that are done with it. */
  doneBytes: number;
}

/** Starting threads costs more than compressing this much. */
const FEW_BYTES = 4 << 20;

/**
 * Compresses files, each to one gzip member (RFC 1952) or to zstd frames in a row (RFC 8878, which every decoder takes for
 * one stream), by blocks of a fixed size that all threads share: a file's output depends on its bytes and the method
 * alone. Memory: some blocks and a codec a thread, whatever the size.
 * @throws CANCELLED, UNEXPECTED_END_OF_FILE, SYSTEM_CALL_FAILED
 */
export async function* compressFiles(
  files: readonly { path: string; sizeBytes: number }[],
  method: CompressionMethod,
  options: CompressFilesOptions = {},
): AsyncGenerator<CompressedPiece> {
  const totalBytes = files.reduce((sum, file) => sum + file.sizeBytes, 0);
  const threads = options.threads ?? (totalBytes <= FEW_BYTES ? 0 : availableParallelism());
  const pool = threads === 0 ? undefined : new WorkerPool(threads);
  const cancel = (): void => void pool?.close();
  options.signal?.addEventListener("abort", cancel);
  const compress = (job: BlockCompression): Promise<CompressedBlock> =>
    pool === undefined ? compressBlock(job) : pool.run("compressBlock", job);
  const running: { block: Block; result: Promise<CompressedBlock> }[] = [];
  try {
    const members = files.map((file) => new Member(method, file.sizeBytes));
    const blocks = blocksOf(files, method);
    for (;;) {
      // One more for each thread than it works at, so that none waits for us.
      while (running.length < Math.max(1, threads * 2)) {
        const next = blocks.next();
        if (next.done === true) break;
        const result = compress(next.value.job);
        // Reported when its turn comes; until then node would call it unhandled.
        result.catch(() => undefined);
        running.push({ block: next.value, result });
      }
      const first = running.shift();
      if (first === undefined) return;
      if (options.signal?.aborted === true) throw new GantryError("CANCELLED", "cancelled");
      const { file, job } = first.block;
      const member = members[file] as Member;
      const doneBytes = job.offset + job.bytes;
      for (const bytes of member.join(job, await first.result)) yield { file, bytes, doneBytes };
    }
  } finally {
    options.signal?.removeEventListener("abort", cancel);
    await pool?.close();
  }
}

interface Block {
  file: number;
  job: BlockCompression;
}

function* blocksOf(
  files: readonly { path: string; sizeBytes: number }[],
  method: CompressionMethod,
): Generator<Block, undefined> {
  const blockBytes = BLOCK_BYTES[method.kind];
  for (const [file, { path, sizeBytes }] of files.entries()) {
    for (let offset = 0; offset === 0 || offset < sizeBytes; offset += blockBytes) {
      const bytes = Math.min(blockBytes, sizeBytes - offset);
      yield { file, job: { path, offset, bytes, last: offset + bytes === sizeBytes, method } };
    }
  }
}

/** Puts the blocks of one file together. */
class Member {
  #crc = 0;

  constructor(
    private readonly method: CompressionMethod,
    private readonly sizeBytes: number,
  ) {}

  *join(job: BlockCompression, block: CompressedBlock): Generator<Uint8Array> {
    const { method } = this;
    if (method.kind === "zstd") {
      yield block.bytes;
      return;
    }
    if (job.offset === 0) yield gzipHeader(method.level);
    yield block.bytes;
    this.#crc = joinCrc32(this.#crc, block.crc, job.bytes);
    if (job.last) yield gzipTrailer(this.#crc, this.sizeBytes);
  }
}
