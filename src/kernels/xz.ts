import { readFileSync } from "node:fs";
import { artifact } from "../artifacts/locate.ts";
import { GantryError } from "../errors/index.ts";
import type { OutputSink } from "./inflate.ts";

/** XZ Embedded's results (enum xz_ret of its xz.h). */
const OK = 0;
const STREAM_END = 1;
const REASONS: Record<number, string> = {
  2: "it has a check that is not supported",
  3: "no memory for it",
  4: "it needs a dictionary larger than 64 MiB",
  5: "it does not begin like one",
  6: "it has a filter or a check that is not supported",
  7: "it is damaged",
  8: "it is truncated",
};
const UNSUPPORTED = new Set([2, 4, 6]);

/** Words of a context: where its buffers are and how far they are used. Both buffers are of the same size. */
const BUFFER_BYTES = 0;
const IN_BUFFER = 1;
const IN_AT = 2;
const IN_BYTES = 3;
const OUT_BUFFER = 4;
const OUT_AT = 5;

/** What npm's xz-decompress exports: XZ Embedded, compiled to WebAssembly without imports. */
interface XzModule {
  memory: WebAssembly.Memory;
  create_context(): number;
  supply_input(context: number, bytes: number): void;
  get_next_output(context: number): number;
}

let compiled: WebAssembly.Module | undefined;

/**
 * Decompresses an xz file (The .xz File Format 1.1.0): LZMA2 without further filters, checked by CRC-32 or CRC-64 or not at all, any number of streams and blocks, as
 * `xz`, `xz -T0` and `pixz` write it, pushed in pieces of any size. Output depends on nothing but the input; it is to be
 * trusted only after `finish`.
 *
 * Memory: the dictionary's size, at most 64 MiB (`xz -9`). Throws, from `push` and `finish`, `XZ_INVALID` for anything
 * malformed or truncated, `XZ_UNSUPPORTED` for larger dictionaries and for other filters and checks; the decoder is of no use after that.
 */
export class XzDecoder {
  readonly #module: XzModule;
  readonly #context: number;

  constructor() {
    compiled ??= new WebAssembly.Module(readFileSync(artifact("wasm/xz-decompress.wasm")));
    this.#module = new WebAssembly.Instance(compiled).exports as unknown as XzModule;
    this.#context = this.#module.create_context();
  }

  push(input: Uint8Array, onOutput: OutputSink): void {
    const bytes = this.#words()[BUFFER_BYTES] as number;
    for (let at = 0; at < input.length; at += bytes) this.#transform(input.subarray(at, at + bytes), onOutput);
  }

  /** Ends the file: all its streams must be complete, and there must be one. */
  finish(): void {
    this.#module.supply_input(this.#context, 0);
    let result = OK;
    // Without progress it says twice that all is well, then that input is missing.
    for (let tries = 0; result === OK && tries < 3; tries++) result = this.#run(() => undefined);
    if (result !== STREAM_END) throw failure(8);
  }

  /** Takes at most as many bytes as the module's buffer holds, and hands over all that they make. */
  #transform(piece: Uint8Array, onOutput: OutputSink): void {
    new Uint8Array(this.#module.memory.buffer).set(piece, this.#words()[IN_BUFFER]);
    this.#module.supply_input(this.#context, piece.length);
    for (;;) {
      this.#run(onOutput);
      const words = this.#words();
      const full = words[OUT_AT] === words[BUFFER_BYTES];
      words[OUT_AT] = 0;
      if (!full && words[IN_AT] === words[IN_BYTES]) return;
    }
  }

  #run(onOutput: OutputSink): number {
    let result: number;
    try {
      result = this.#module.get_next_output(this.#context);
    } catch (cause) {
      throw failure(7, cause); // a trap
    }
    const words = this.#words();
    const from = words[OUT_BUFFER] as number;
    const length = words[OUT_AT] as number;
    if (length > 0) onOutput(new Uint8Array(this.#module.memory.buffer, from, length));
    if (result === OK || result === STREAM_END) return result;
    throw failure(result);
  }

  /** The context; a new view each time, since memory may have grown. */
  #words(): Uint32Array {
    return new Uint32Array(this.#module.memory.buffer, this.#context, 8);
  }
}

function failure(result: number, cause?: unknown): GantryError {
  const reason = REASONS[result] ?? "it is damaged";
  return new GantryError(
    UNSUPPORTED.has(result) ? "XZ_UNSUPPORTED" : "XZ_INVALID",
    `cannot decompress the xz stream: ${reason}`,
    {
      ...(UNSUPPORTED.has(result) && {
        remedy: "Decompress it with xz first, or compress it again with its defaults, -9 at most.",
      }),
      ...(cause === undefined ? {} : { cause }),
    },
  );
}
