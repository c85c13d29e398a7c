import { GantryError } from "../errors/index.ts";
import { InstancePool } from "./instance-pool.ts";
import type { KernelBuild } from "./load-kernel.ts";

interface InflateExports {
  readonly memory: WebAssembly.Memory;
  inputAddress(): number;
  inputBytes(): number;
  reset(): void;
  feed(bytes: number): void;
  run(): number;
  outputAddress(): number;
  outputBytes(): number;
  finished(): number;
  empty(): number;
}

/** Is given decompressed bytes, in order. They lie in the kernel's memory and are valid only during the call. */
export type OutputSink = (bytes: Uint8Array) => void;

const NEED_INPUT = 0;
const NEED_OUTPUT = 1;

/** The words for the kernel's statuses from ERROR_NOT_GZIP (2) on; wasm/inflate/memory.ts has the numbers. */
const ERRORS = [
  "it does not start with the gzip magic 1f 8b",
  "the compression method is not deflate",
  "reserved header flags are set",
  "the header's CRC does not match",
  "a block has the reserved type 3",
  "a stored block's length disagrees with its complement",
  "a block declares too many symbols",
  "a block's code length code is not a Huffman code",
  "a block's code lengths repeat nothing or too often",
  "a block has no end-of-block code",
  "a block's literal code is not a Huffman code",
  "a block's distance code is not a Huffman code",
  "a literal or length code is not in use",
  "a distance code is not in use",
  "a distance reaches back before the beginning of the output",
  "the CRC-32 of the decompressed bytes does not match",
  "the number of decompressed bytes does not match",
  "bytes that are neither zero padding nor another member follow the last member",
] as const;

const pool = new InstancePool<InflateExports>("inflate");

/**
 * Decompresses a gzip stream (RFC 1952) of any number of members, pushed in pieces of any size.
 *
 * Promises: memory is bounded (about 0.6 MB) whatever the input says; output does not depend on how the input is cut
 * but for where the output is cut; CRC-32 and length of each member are checked before `finish` returns, so output is
 * to be trusted only then. Zero bytes after the last member are ignored, as gzip(1) does; anything else is an error.
 *
 * `push` and `finish` throw `GZIP_INVALID`, naming what is wrong and where; the decoder is of no use after that, nor
 * after `finish`. An exception thrown by `onOutput` goes through.
 */
export class GzipDecoder {
  readonly #build: KernelBuild | undefined;
  #kernel: InflateExports | undefined;
  #input: Uint8Array | undefined;
  #ended = false;
  #inputBytes = 0;
  #outputBytes = 0;

  constructor(options: { build?: KernelBuild } = {}) {
    this.#build = options.build;
  }

  /** Compressed bytes pushed so far. */
  get inputBytes(): number {
    return this.#inputBytes;
  }

  /** Decompressed bytes handed over so far. */
  get outputBytes(): number {
    return this.#outputBytes;
  }

  /** Decompresses all of `input` and hands all the output that this makes to `onOutput`, 256 KiB at most at a time. */
  push(input: Uint8Array, onOutput: OutputSink): void {
    if (this.#ended) throw new GantryError("INTERNAL", "a gzip decoder was used after its end");
    const kernel = (this.#kernel ??= this.#start());
    const room = (this.#input ??= new Uint8Array(kernel.memory.buffer, kernel.inputAddress(), kernel.inputBytes()));
    for (let start = 0; start < input.length; start += room.length) {
      const piece = input.length <= room.length ? input : input.subarray(start, start + room.length);
      room.set(piece);
      kernel.feed(piece.length);
      this.#inputBytes += piece.length;
      for (let status = NEED_OUTPUT; status === NEED_OUTPUT;) {
        status = kernel.run();
        const bytes = kernel.outputBytes();
        if (bytes > 0) {
          this.#outputBytes += bytes;
          onOutput(new Uint8Array(kernel.memory.buffer, kernel.outputAddress(), bytes));
        }
        if (status !== NEED_INPUT && status !== NEED_OUTPUT) this.#fail(ERRORS[status - 2]!);
      }
    }
  }

  /** Ends the stream: all members must be complete. */
  finish(): void {
    if (this.#ended) throw new GantryError("INTERNAL", "a gzip decoder was used after its end");
    const kernel = (this.#kernel ??= this.#start());
    if (kernel.empty() !== 0) this.#fail("it is empty");
    if (kernel.finished() === 0) this.#fail("it is truncated");
    this.#end();
  }

  #start(): InflateExports {
    const kernel = pool.take(this.#build);
    kernel.reset();
    return kernel;
  }

  #end(): void {
    this.#ended = true;
    if (this.#kernel !== undefined) pool.give(this.#kernel, this.#build);
    this.#kernel = this.#input = undefined;
  }

  #fail(reason: string): never {
    this.#end();
    const where = `after ${this.#inputBytes} bytes of input and ${this.#outputBytes} of output`;
    throw new GantryError("GZIP_INVALID", `cannot decompress the gzip stream: ${reason} (${where})`, {
      remedy: "Fetch or make the file again.",
      details: { reason, inputBytes: this.#inputBytes, outputBytes: this.#outputBytes },
    });
  }
}
