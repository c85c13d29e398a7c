import { GantryError } from "../errors/index.ts";
import { type ArchiveLimits, limitExceeded, limitOf } from "./archive-limits.ts";
import { type KernelBuild, loadKernel } from "./load-kernel.ts";
import { scanError, type TarScanPosition } from "./tar-scan-error.ts";

export interface TarScanOptions {
  build?: KernelBuild;
  /** Which limit holds for the number of entries: `members` for an archive around layers. Default `entries`. */
  entriesLimit?: "entries" | "members";
}

export interface TarScanResult {
  /** Entry records, back to back in stream order (wasm/common/format.ts, section 1). */
  records: Uint8Array;
  entryCount: number;
  /** All bytes that were pushed, end-of-archive blocks and padding included. */
  tarBytes: number;
}

interface TarScanExports {
  memory: WebAssembly.Memory;
  stateAddress(): number;
  configure(
    entries: number,
    pathBytes: number,
    paxBytes: number,
    depth: number,
    xattrBytes: number,
    extents: number,
    entryBytes: number,
  ): void;
  advance(): void;
  drain(): number;
}

/** Complete records are copied out of the kernel's memory when they have grown to this. */
const DRAIN_BYTES = 1 << 20;

// Fields of ScanState, wasm/tar-scan/state.ts, in 32-bit words (or 64-bit ones for the floats).
const SKIP = 0;
const TARGET = 2;
const NEED = 3;
const RECORDS_START = 4;
const RECORDS_END = 5;
const ERROR = 6;
const EXPECT = 7;
const VALUE_A = 4;
const VALUE_B = 5;
const BLOCK_OFFSET = 6;
const TEXT_START = 14;
const TEXT_BYTES = 15;
const PATH_START = 16;
const PATH_BYTES = 17;
const ENTRIES = 18;
const PADDING = 19;
const PENDING = 20;
const EXPECT_ZERO_BLOCK = 7;
const ENDED = 8;

/**
 * Reads the headers of a tar stream: v7, ustar, GNU, star and pax (POSIX.1-2017 pax; GNU tar manual). Push the whole
 * tar in chunks of any size; file data is passed over without being looked at or copied. Two zero blocks, one, or the end
 * of the stream at a header's place end the archive; what follows the two is ignored, as tar programs do.
 *
 * Where GNU tar and Go's reader (Docker) would read an archive differently, it is refused, with two exceptions that are
 * read as Docker does: types without data have none whatever their size field says, and pax 'g' headers set only owner
 * and time, as POSIX has it.
 *
 * Errors, all of which say entry number, byte offset and path: `TAR_INVALID` (malformed or ambiguous), `TAR_UNSUPPORTED`
 * (types of entries that are no files), `LIMIT_EXCEEDED`, `OUT_OF_MEMORY`. After an error the scanner is unusable.
 */
export class TarScanner {
  readonly #kernel: TarScanExports;
  readonly #stateAddress: number;
  /** Views of the kernel's memory; made again when it has grown. */
  #bytes = new Uint8Array(0);
  #words = new Uint32Array(0);
  #floats = new Float64Array(0);
  #drained: Uint8Array[] = [];
  #drainedBytes = 0;
  #pushed = 0;
  /** Bytes still to be passed over; then `#have` of `#need` bytes are at `#target`. */
  #skip = 0;
  #target = 0;
  #need = 0;
  #have = 0;
  #ended = false;
  readonly #entriesLimit: "entries" | "members";
  readonly #totalBytes: number;

  constructor(limits: ArchiveLimits = {}, options: TarScanOptions = {}) {
    const { entriesLimit = "entries" } = options;
    this.#entriesLimit = entriesLimit;
    this.#totalBytes = limitOf(limits, "total-bytes");
    this.#kernel = loadKernel("tar-scan", options).exports as unknown as TarScanExports;
    this.#stateAddress = this.#kernel.stateAddress();
    this.#kernel.configure(
      limitOf(limits, entriesLimit),
      limitOf(limits, "path-bytes"),
      limitOf(limits, "pax-bytes"),
      limitOf(limits, "depth"),
      limitOf(limits, "xattr-bytes"),
      limitOf(limits, "extents"),
      limitOf(limits, "entry-bytes"),
    );
    this.#readState();
  }

  /** Bytes of file data that come next: a caller that reads a file may seek over them and call `skipData`. */
  get skippableBytes(): number {
    return this.#ended ? 0 : this.#skip;
  }

  /** Says that the next `bytes` (at most `skippableBytes`) of the tar were passed over and will not be pushed. */
  skipData(bytes: number): void {
    if (bytes > this.skippableBytes) throw new GantryError("INTERNAL", `cannot skip ${bytes} bytes: not all are data`);
    this.#skip -= bytes;
    this.#count(bytes);
  }

  /** Takes the next bytes of the tar. Keeps no reference to `chunk`. */
  push(chunk: Uint8Array): void {
    const end = chunk.length;
    this.#count(end);
    let at = 0;
    while (at < end && !this.#ended) {
      if (this.#skip > 0) {
        const passed = Math.min(this.#skip, end - at);
        this.#skip -= passed;
        at += passed;
        continue;
      }
      const bytes = Math.min(this.#need - this.#have, end - at);
      this.#bytes.set(chunk.subarray(at, at + bytes), this.#target + this.#have);
      this.#have += bytes;
      at += bytes;
      if (this.#have === this.#need) this.#step();
    }
  }

  /**
   * The records of the entries whose headers have been seen since the last call, for readers that act on an entry before
   * its data come. Records taken are not in the result of `finish`. Empty in the middle of an entry's headers.
   */
  takeRecords(): Uint8Array {
    const records = this.#records().slice();
    if (records.length === 0 || this.#kernel.drain() === 0) return new Uint8Array(0);
    const taken = this.#drained.length === 0 ? records : new Uint8Array(Buffer.concat([...this.#drained, records]));
    this.#drained = [];
    this.#drainedBytes = 0;
    return taken;
  }

  /** Ends the tar and returns what was found. The scanner cannot be used again. */
  finish(): TarScanResult {
    if (!this.#ended) this.#checkEnd();
    const rest = this.#records();
    let records = this.#drained.length === 0 ? rest.slice() : rest;
    if (this.#drained.length > 0) {
      records = new Uint8Array(this.#drainedBytes + rest.length);
      let at = 0;
      for (const part of [...this.#drained, rest]) {
        records.set(part, at);
        at += part.length;
      }
      this.#drained = [];
    }
    return { records, entryCount: this.#words[ENTRIES]!, tarBytes: this.#pushed };
  }

  #count(bytes: number): void {
    this.#pushed += bytes;
    if (this.#pushed > this.#totalBytes) {
      throw limitExceeded("total-bytes", `the tar is larger than the limit of ${this.#totalBytes} bytes`);
    }
  }

  #step(): void {
    this.#kernel.advance();
    this.#readState();
    if (this.#words[RECORDS_END]! - this.#words[RECORDS_START]! < DRAIN_BYTES) return;
    const records = this.#records().slice();
    if (this.#kernel.drain() === 0) return;
    this.#drained.push(records);
    this.#drainedBytes += records.length;
  }

  #records(): Uint8Array {
    return this.#bytes.subarray(this.#words[RECORDS_START], this.#words[RECORDS_END]);
  }

  #readState(): void {
    const { buffer } = this.#kernel.memory;
    if (this.#bytes.buffer !== buffer) {
      this.#bytes = new Uint8Array(buffer);
      this.#words = new Uint32Array(buffer, this.#stateAddress, 32);
      this.#floats = new Float64Array(buffer, this.#stateAddress, 16);
    }
    const error = this.#words[ERROR]!;
    if (error !== 0) throw scanError(error, this.#position());
    this.#skip = this.#floats[SKIP]!;
    this.#target = this.#words[TARGET]!;
    this.#need = this.#words[NEED]!;
    this.#have = 0;
    this.#ended = this.#words[EXPECT] === ENDED;
  }

  #position(): TarScanPosition {
    const text = (start: number, bytes: number): Uint8Array =>
      this.#bytes.slice(this.#words[start], this.#words[start]! + this.#words[bytes]!);
    return {
      entry: this.#words[ENTRIES]! + 1,
      entriesLimit: this.#entriesLimit,
      offset: this.#floats[BLOCK_OFFSET]!,
      path: text(PATH_START, PATH_BYTES),
      text: text(TEXT_START, TEXT_BYTES),
      valueA: this.#floats[VALUE_A]!,
      valueB: this.#floats[VALUE_B]!,
    };
  }

  /** The stream has ended where a block was expected: fine at a header's place or in the last padding. */
  #checkEnd(): void {
    const expect = this.#words[EXPECT]!;
    const inPadding = this.#skip > 0 && this.#skip <= this.#words[PADDING]!;
    const atHeader =
      (this.#skip === 0 || inPadding) && this.#have === 0 && (expect === 0 || expect === EXPECT_ZERO_BLOCK);
    if (atHeader && this.#words[PENDING] === 0) return;
    const at = this.#position();
    if (this.#skip > 0 && expect === 0 && this.#words[PENDING] === 0) {
      throw scanError("truncated", { ...at, entry: at.entry - 1, valueA: this.#pushed, what: "its data" });
    }
    const what = this.#words[PENDING] === 0 && expect === 0 ? "its header" : "its extended header, or before the file";
    throw scanError("truncated", { ...at, path: new Uint8Array(0), valueA: this.#pushed, what });
  }
}
