import { GantryError } from "../errors/index.ts";
import type { OutputSink } from "./inflate.ts";
import { InstancePool } from "./instance-pool.ts";
import type { KernelBuild } from "./load-kernel.ts";

interface DeflateExports {
  readonly memory: WebAssembly.Memory;
  unitAddress(): number;
  unitBytes(): number;
  reset(level: number): void;
  compress(filled: number, last: number): void;
  outputAddress(): number;
  outputBytes(): number;
}

/** `fast`: about four times as fast as `default`, a tenth larger. `default`: about the size of gzip -6. */
export type GzipLevel = "fast" | "default";

const pool = new InstancePool<DeflateExports>("deflate");

/**
 * Compresses a stream to one gzip member (RFC 1952) without name and time.
 *
 * Promises: the output depends on the input's bytes and the level alone, not on how the input is cut, on the machine or
 * on the build of the kernel, so that digests of compressed layers can be reproduced. Memory is bounded (0.7 MB).
 */
export class GzipEncoder {
  readonly #level: number;
  readonly #build: KernelBuild | undefined;
  #kernel: DeflateExports | undefined;
  #unit: Uint8Array | undefined;
  #filled = 0;
  #ended = false;

  constructor(options: { level: GzipLevel; build?: KernelBuild }) {
    this.#level = options.level === "fast" ? 0 : 1;
    this.#build = options.build;
  }

  /** Takes all of `input`; hands output to `onOutput` whenever 64 KiB of input are complete. */
  push(input: Uint8Array, onOutput: OutputSink): void {
    const unit = this.#start();
    for (let start = 0; start < input.length;) {
      // A full unit waits for more, since the last one is marked.
      if (this.#filled === unit.length) this.#compress(false, onOutput);
      const bytes = Math.min(unit.length - this.#filled, input.length - start);
      unit.set(bytes === input.length ? input : input.subarray(start, start + bytes), this.#filled);
      this.#filled += bytes;
      start += bytes;
    }
  }

  /** Ends the stream; the encoder is of no use after that. */
  finish(onOutput: OutputSink): void {
    this.#start();
    this.#compress(true, onOutput);
    this.#ended = true;
    pool.give(this.#kernel!, this.#build);
    this.#kernel = this.#unit = undefined;
  }

  #start(): Uint8Array {
    if (this.#ended) throw new GantryError("INTERNAL", "a gzip encoder was used after its end");
    if (this.#kernel === undefined) {
      this.#kernel = pool.take(this.#build);
      this.#kernel.reset(this.#level);
    }
    const kernel = this.#kernel;
    return (this.#unit ??= new Uint8Array(kernel.memory.buffer, kernel.unitAddress(), kernel.unitBytes()));
  }

  #compress(last: boolean, onOutput: OutputSink): void {
    const kernel = this.#kernel!;
    kernel.compress(this.#filled, last ? 1 : 0);
    this.#filled = 0;
    onOutput(new Uint8Array(kernel.memory.buffer, kernel.outputAddress(), kernel.outputBytes()));
  }
}
