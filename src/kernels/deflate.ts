import { GantryError } from "../errors/index.ts";
import type { OutputSink } from "./inflate.ts";
import { InstancePool } from "./instance-pool.ts";
import type { KernelBuild } from "./load-kernel.ts";

interface DeflateExports {
  readonly memory: WebAssembly.Memory;
  unitAddress(): number;
  unitBytes(): number;
  begin(history: number, depth: number, nice: number): void;
  compress(filled: number, end: number): void;
  crc(): number;
  outputAddress(): number;
  outputBytes(): number;
}

/** 1 (fastest) to 9 (smallest). Level 6 is about as small as gzip(1) at its default, in 2/5 of the time. */
export type GzipLevel = 1 | 2 | 3 | 4 | 5 | 6 | 7 | 8 | 9;

/**
 * A gzip stream is cut into blocks of this many bytes of input, which are compressed by themselves, with the 32 KiB before
 * each as window. It is part of the format: with another size, the same input gives other bytes.
 */
export const GZIP_BLOCK_BYTES = 1 << 20;
/** How far DEFLATE refers back. */
export const GZIP_WINDOW_BYTES = 32768;

/** The kernel's depth and nice length of each level. */
const EFFORT: Record<GzipLevel, readonly [depth: number, nice: number]> = {
  1: [0, 0],
  2: [4, 16],
  3: [5, 20],
  4: [6, 24],
  5: [8, 32],
  6: [12, 40],
  7: [36, 72],
  8: [120, 200],
  9: [600, 258],
};

const MORE = 0;
const END_OF_STRETCH = 1;
const END_OF_STREAM = 2;

const pool = new InstancePool<DeflateExports>("deflate");

/** Ten bytes without name and time; the system is unknown (RFC 1952, section 2.3). */
export function gzipHeader(level: GzipLevel): Uint8Array {
  return Uint8Array.of(0x1f, 0x8b, 8, 0, 0, 0, 0, 0, level === 1 ? 4 : level === 9 ? 2 : 0, 255);
}

/** CRC-32 and length, which goes in modulo 2^32, of all input. */
export function gzipTrailer(crc: number, inputBytes: number): Uint8Array {
  const trailer = new Uint8Array(8);
  const view = new DataView(trailer.buffer);
  view.setUint32(0, crc, true);
  view.setUint32(4, inputBytes % 2 ** 32, true);
  return trailer;
}

/**
 * Compresses one block of a gzip stream: gzipHeader, the blocks in order and gzipTrailer are one member. Give at most
 * GZIP_BLOCK_BYTES; the output depends on them, on `window` and on the level alone. Memory: 0.7 MB.
 */
export class GzipBlockEncoder {
  readonly #build: KernelBuild | undefined;
  readonly #kernel: DeflateExports;
  readonly #unit: Uint8Array;
  #filled = 0;

  /** @param window the GZIP_WINDOW_BYTES before the block, or what there is of them; empty for the first */
  constructor(options: { level: GzipLevel; window: Uint8Array; build?: KernelBuild | undefined }) {
    const { level, window, build } = options;
    this.#build = build;
    this.#kernel = pool.take(build);
    const { buffer } = this.#kernel.memory;
    const unitAddress = this.#kernel.unitAddress();
    this.#unit = new Uint8Array(buffer, unitAddress, this.#kernel.unitBytes());
    new Uint8Array(buffer, unitAddress - window.length, window.length).set(window);
    this.#kernel.begin(window.length, ...EFFORT[level]);
  }

  /** Takes all of `input`; hands output to `onOutput` whenever 64 KiB of input are complete. */
  push(input: Uint8Array, onOutput: OutputSink): void {
    const unit = this.#unit;
    for (let start = 0; start < input.length;) {
      // A full unit waits for more, since the last one is marked.
      if (this.#filled === unit.length) this.#compress(MORE, onOutput);
      const bytes = Math.min(unit.length - this.#filled, input.length - start);
      unit.set(bytes === input.length ? input : input.subarray(start, start + bytes), this.#filled);
      this.#filled += bytes;
      start += bytes;
    }
  }

  /**
   * Ends the block; the encoder is of no use after that.
   * @param last whether it is the last one of the stream
   * @returns the CRC-32 of its input
   */
  finish(last: boolean, onOutput: OutputSink): number {
    this.#compress(last ? END_OF_STREAM : END_OF_STRETCH, onOutput);
    const crc = this.#kernel.crc() >>> 0;
    pool.give(this.#kernel, this.#build);
    return crc;
  }

  #compress(end: number, onOutput: OutputSink): void {
    const kernel = this.#kernel;
    kernel.compress(this.#filled, end);
    this.#filled = 0;
    onOutput(new Uint8Array(kernel.memory.buffer, kernel.outputAddress(), kernel.outputBytes()));
  }
}

/**
 * Compresses a stream to one gzip member (RFC 1952) without name and time.
 *
 * Promises: the output depends on the input's bytes and the level alone, not on how the input is cut, on the machine, on
 * the number of threads (compress-files.ts gives the same) or on the build of the kernel, so that digests of compressed
 * layers can be reproduced. Memory is bounded.
 */
export class GzipEncoder {
  readonly #level: GzipLevel;
  readonly #build: KernelBuild | undefined;
  readonly #window = new Uint8Array(GZIP_WINDOW_BYTES);
  #block: GzipBlockEncoder | undefined;
  /** Bytes in the block so far. */
  #filled = 0;
  #crc = 0;
  #inputBytes = 0;
  #started = false;
  #ended = false;

  constructor(options: { level: GzipLevel; build?: KernelBuild }) {
    this.#level = options.level;
    this.#build = options.build;
  }

  push(input: Uint8Array, onOutput: OutputSink): void {
    this.#start(onOutput);
    for (let start = 0; start < input.length;) {
      if (this.#filled === GZIP_BLOCK_BYTES) {
        this.#endBlock(false, onOutput);
        this.#block = this.#newBlock(this.#window);
      }
      const part = input.subarray(start, start + GZIP_BLOCK_BYTES - this.#filled);
      this.#block?.push(part, onOutput);
      this.#filled += part.length;
      start += part.length;
      this.#keep(part);
    }
  }

  /** Ends the stream; the encoder is of no use after that. */
  finish(onOutput: OutputSink): void {
    this.#start(onOutput);
    this.#endBlock(true, onOutput);
    onOutput(gzipTrailer(this.#crc, this.#inputBytes));
    this.#ended = true;
  }

  #start(onOutput: OutputSink): void {
    if (this.#ended) throw new GantryError("INTERNAL", "a gzip encoder was used after its end");
    if (this.#started) return;
    this.#started = true;
    onOutput(gzipHeader(this.#level));
    this.#block = this.#newBlock(new Uint8Array(0));
  }

  #newBlock(window: Uint8Array): GzipBlockEncoder {
    return new GzipBlockEncoder({ level: this.#level, window, build: this.#build });
  }

  #endBlock(last: boolean, onOutput: OutputSink): void {
    const crc = this.#block?.finish(last, onOutput) ?? 0;
    this.#block = undefined;
    this.#crc = joinCrc32(this.#crc, crc, this.#filled);
    this.#inputBytes += this.#filled;
    this.#filled = 0;
  }

  /** Keeps the last bytes of the input: the window of the next block. */
  #keep(part: Uint8Array): void {
    const window = this.#window;
    if (part.length < window.length) window.copyWithin(0, part.length);
    const kept = part.subarray(Math.max(0, part.length - window.length));
    window.set(kept, window.length - kept.length);
  }
}

/** The CRC-32 of two pieces in a row from those of each, and the length of the second. */
export function joinCrc32(first: number, second: number, secondBytes: number): number {
  // Appending a zero bit is a linear map; squared, it appends twice as many.
  let map = Uint32Array.from({ length: 32 }, (_, bit) => (bit === 0 ? 0xedb88320 : 1 << (bit - 1)));
  let crc = first;
  for (let bits = secondBytes * 8; bits > 0; bits = Math.floor(bits / 2)) {
    if (bits % 2 === 1) crc = apply(map, crc);
    const before = map;
    map = before.map((column) => apply(before, column));
  }
  return (crc ^ second) >>> 0;
}

function apply(map: Uint32Array, vector: number): number {
  let result = 0;
  for (let bit = 0; vector !== 0; vector >>>= 1, bit++) if ((vector & 1) === 1) result ^= map[bit] as number;
  return result >>> 0;
}
