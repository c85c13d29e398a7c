import { GantryError } from "../errors/index.ts";
import type { OutputSink } from "./inflate.ts";
import {
  LARGEST_HEAP_BYTES,
  SMALL_HEAP_BYTES,
  type ZstdBinding,
  type ZstdStream,
  giveZstdBinding,
  takeZstdBinding,
} from "./zstd-binding.ts";
import { ZstdFrameError, ZstdFrames } from "./zstd-frames.ts";

const MIB = 1048576;
/** The window that 16 MiB of memory have room for. */
const SMALL_WINDOW_BYTES = 8 * MIB;
/** zstd's own limit (--long=27, --ultra -22). */
const ZSTD_MAX_WINDOW_BYTES = 128 * MIB;
/** What is handed to the binding at once; it makes a copy. */
const PIECE_BYTES = 131072;

/**
 * Decompresses a zstd stream (RFC 8878) of any number of frames, pushed in pieces of any size; skippable frames are
 * skipped. Output depends on nothing but the input; it is to be trusted only after `finish`.
 *
 * Memory: 16 MiB, and for windows over 8 MiB (up to 128 MiB) the window more. Throws, from `push` and `finish`,
 * `ZSTD_INVALID` for anything malformed or truncated, `ZSTD_WINDOW_TOO_LARGE`; the decoder is of no use after that.
 */
export class ZstdDecoder {
  readonly #frames = new ZstdFrames();
  #binding: ZstdBinding | undefined;
  #heapBytes = 0;
  #stream: ZstdStream | undefined;
  #skipping = false;
  #ended = false;
  #inputBytes = 0;
  #outputBytes = 0;

  private constructor() {}

  static create(): Promise<ZstdDecoder> {
    return Promise.resolve(new ZstdDecoder());
  }

  /** Compressed bytes pushed so far. */
  get inputBytes(): number {
    return this.#inputBytes;
  }

  /** Decompressed bytes handed over so far. */
  get outputBytes(): number {
    return this.#outputBytes;
  }

  push(input: Uint8Array, onOutput: OutputSink): void {
    if (this.#ended) throw new GantryError("INTERNAL", "a zstd decoder was used after its end");
    this.#inputBytes += input.length;
    for (let at = 0; at < input.length;) {
      const from = at;
      if (this.#frames.inBody) {
        at = this.#parsed(() => this.#frames.skipBody(input, from));
        if (!this.#skipping) this.#transform(input.subarray(from, at), onOutput);
        continue;
      }
      const { end, header } = this.#parsed(() => this.#frames.takeHeader(input, from));
      at = end;
      if (header === undefined) continue;
      this.#skipping = header.skippable;
      if (header.skippable) continue;
      if (header.dictionaryId !== 0) this.#fail(`it needs the dictionary ${header.dictionaryId}`);
      this.#open(header.windowBytes);
      this.#transform(header.bytes, onOutput);
    }
  }

  /** Ends the stream: all frames must be complete, and there must be one. */
  finish(): void {
    if (this.#ended) throw new GantryError("INTERNAL", "a zstd decoder was used after its end");
    if (this.#inputBytes === 0) this.#fail("it is empty");
    if (!this.#frames.atBoundary) this.#fail("it is truncated");
    this.#close();
    this.#ended = true;
  }

  /** Makes sure of a stream with room for the window of the frame that begins. */
  #open(windowBytes: number): void {
    if (windowBytes > ZSTD_MAX_WINDOW_BYTES) {
      this.#close();
      this.#ended = true;
      throw new GantryError(
        "ZSTD_WINDOW_TOO_LARGE",
        `cannot decompress the zstd stream: it needs a window of ${windowBytes} bytes, and ${ZSTD_MAX_WINDOW_BYTES} is the limit`,
        {
          remedy: "Compress it again with a smaller window (zstd --long=27 or less).",
          details: { windowBytes, limitBytes: ZSTD_MAX_WINDOW_BYTES },
        },
      );
    }
    const extra = windowBytes > SMALL_WINDOW_BYTES ? Math.ceil(windowBytes / MIB) * MIB : 0;
    if (this.#stream !== undefined && SMALL_HEAP_BYTES + extra <= this.#heapBytes) return;
    this.#close();
    this.#heapBytes = SMALL_HEAP_BYTES + extra;
    this.#binding = takeZstdBinding(this.#heapBytes);
    this.#stream = new this.#binding.ZstdDecompressStreamBinding();
    if (!this.#stream.begin()) this.#fail("no memory for it");
  }

  #transform(bytes: Uint8Array, onOutput: OutputSink): void {
    let thrown: { error: unknown } | undefined;
    // An exception must not fly through the codec's own frames.
    const sink = (output: Uint8Array): void => {
      if (thrown !== undefined || output.length === 0) return;
      this.#outputBytes += output.length;
      try {
        onOutput(output);
      } catch (error) {
        thrown = { error };
      }
    };
    for (let at = 0; at < bytes.length; at += PIECE_BYTES) {
      const ok = this.#attempt(bytes.subarray(at, at + PIECE_BYTES), sink);
      if (thrown !== undefined) {
        this.#close();
        this.#ended = true;
        throw thrown.error;
      }
      if (!ok) this.#fail("its content is corrupt or does not match its checksum");
    }
  }

  #attempt(bytes: Uint8Array, sink: OutputSink): boolean {
    try {
      return this.#stream!.transform(bytes, sink);
    } catch {
      // Emscripten's abort(), for want of memory: the instance is lost.
      this.#stream = this.#binding = undefined;
      this.#fail("the codec has no memory for it");
    }
  }

  #parsed<T>(parse: () => T): T {
    try {
      return parse();
    } catch (problem) {
      if (problem instanceof ZstdFrameError) this.#fail(problem.message);
      throw problem;
    }
  }

  #close(): void {
    this.#stream?.delete();
    if (this.#binding !== undefined) giveZstdBinding(this.#binding, this.#heapBytes);
    this.#stream = this.#binding = undefined;
  }

  #fail(reason: string): never {
    this.#close();
    this.#ended = true;
    const where = `after ${this.#inputBytes} bytes of input and ${this.#outputBytes} of output`;
    throw new GantryError("ZSTD_INVALID", `cannot decompress the zstd stream: ${reason} (${where})`, {
      remedy: "Fetch or make the file again.",
      details: { reason, inputBytes: this.#inputBytes, outputBytes: this.#outputBytes },
    });
  }
}

/**
 * Compresses a stream to one zstd frame. The output depends on the input, the level and the version of zstd-codec
 * alone: input is handed on in pieces of a fixed size however it is cut.
 */
export class ZstdEncoder {
  readonly #binding: ZstdBinding;
  readonly #heapBytes: number;
  readonly #stream: ZstdStream;
  readonly #piece = new Uint8Array(PIECE_BYTES);
  #filled = 0;
  #ended = false;

  private constructor(level: number) {
    this.#heapBytes = level > 9 ? LARGEST_HEAP_BYTES : SMALL_HEAP_BYTES;
    this.#binding = takeZstdBinding(this.#heapBytes);
    this.#stream = new this.#binding.ZstdCompressStreamBinding();
    if (!this.#stream.begin(level))
      throw new GantryError("INTERNAL", `zstd-codec does not start to compress at level ${level}`);
  }

  /** `level` 1 (fast) to 19 (small), default 3 as for zstd(1). Throws RangeError for another. */
  static create(options: { level?: number } = {}): Promise<ZstdEncoder> {
    const level = options.level ?? 3;
    if (!Number.isInteger(level) || level < 1 || level > 19)
      throw new RangeError(`${level} is not a zstd level from 1 to 19`);
    return Promise.resolve(new ZstdEncoder(level));
  }

  push(input: Uint8Array, onOutput: OutputSink): void {
    if (this.#ended) throw new GantryError("INTERNAL", "a zstd encoder was used after its end");
    for (let at = 0; at < input.length;) {
      const bytes = Math.min(PIECE_BYTES - this.#filled, input.length - at);
      this.#piece.set(input.subarray(at, at + bytes), this.#filled);
      this.#filled += bytes;
      at += bytes;
      if (this.#filled === PIECE_BYTES) this.#transform(onOutput);
    }
  }

  /** Ends the frame; the encoder is of no use after that. */
  finish(onOutput: OutputSink): void {
    if (this.#ended) throw new GantryError("INTERNAL", "a zstd encoder was used after its end");
    if (this.#filled > 0) this.#transform(onOutput);
    if (!this.#stream.end(onOutput)) throw new GantryError("INTERNAL", "zstd-codec failed to end a frame");
    this.#ended = true;
    this.#stream.delete();
    giveZstdBinding(this.#binding, this.#heapBytes);
  }

  #transform(onOutput: OutputSink): void {
    if (!this.#stream.transform(this.#piece.subarray(0, this.#filled), onOutput))
      throw new GantryError("INTERNAL", "zstd-codec failed to compress");
    this.#filled = 0;
  }
}
