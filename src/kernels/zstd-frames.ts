/** What a frame header says (RFC 8878, section 3.1.1.1). */
export interface ZstdFrameHeader {
  readonly skippable: boolean;
  /** Memory that decompressing takes; 0 for a skippable frame. */
  readonly windowBytes: number;
  readonly dictionaryId: number;
  /** The header, magic number included. Valid until the next call. */
  readonly bytes: Uint8Array;
}

/** The structure is broken; the message is half a sentence about the stream. */
export class ZstdFrameError extends Error {}

const MAGIC = 0xfd2fb528;
const SKIPPABLE_MAGIC = 0x184d2a50;
const MAX_HEADER_BYTES = 18;

type Place = "magic" | "descriptor" | "header" | "skip-size" | "skip" | "block-header" | "block" | "checksum";

/**
 * Follows the structure of a zstd stream without decompressing it: zstd-codec tells neither a truncated stream from a
 * complete one nor a window that is too large from corruption.
 *
 * The caller alternates: `takeHeader` until it returns a header, `skipBody` until `inBody` is false again. Both return
 * how far they came in `bytes`, from `start`, and throw ZstdFrameError.
 */
export class ZstdFrames {
  #place: Place = "magic";
  readonly #header = new Uint8Array(MAX_HEADER_BYTES);
  #headerBytes = 0;
  #headerWanted = 4;
  /** Bytes left of a block, a skippable frame or a checksum. */
  #left = 0;
  #blockHeader = 0;
  #lastBlock = false;
  #hasChecksum = false;
  #frames = 0;

  /** Between two frames, where a stream may end. */
  get atBoundary(): boolean {
    return this.#place === "magic" && this.#headerBytes === 0;
  }

  get inBody(): boolean {
    return !["magic", "descriptor", "header", "skip-size"].includes(this.#place);
  }

  /** Frames completed, skippable ones included. */
  get frames(): number {
    return this.#frames;
  }

  /** `header` is undefined where `bytes` ended before the header. */
  takeHeader(bytes: Uint8Array, start: number): { end: number; header: ZstdFrameHeader | undefined } {
    let end = start;
    while (end < bytes.length) {
      this.#header[this.#headerBytes++] = bytes[end++]!;
      if (this.#headerBytes < this.#headerWanted) continue;
      const header = this.#parse();
      if (header !== undefined) return { end, header };
    }
    return { end, header: undefined };
  }

  /** Passes over blocks up to the end of the frame or of `bytes`. */
  skipBody(bytes: Uint8Array, start: number): number {
    let at = start;
    while (at < bytes.length) {
      if (this.#place === "block-header") {
        this.#blockHeader |= bytes[at++]! << (8 * (3 - this.#left));
        if (--this.#left === 0) this.#openBlock();
      } else {
        const skipped = Math.min(this.#left, bytes.length - at);
        at += skipped;
        this.#left -= skipped;
        if (this.#left === 0) this.#closePart();
      }
      if (!this.inBody) break;
    }
    return at;
  }

  #parse(): ZstdFrameHeader | undefined {
    const view = new DataView(this.#header.buffer);
    const bytes = this.#header.subarray(0, this.#headerBytes);
    if (this.#place === "magic") {
      const magic = view.getUint32(0, true);
      if (magic === MAGIC) {
        this.#place = "descriptor";
        this.#headerWanted = 5;
      } else if ((magic & 0xfffffff0) >>> 0 === SKIPPABLE_MAGIC) {
        this.#place = "skip-size";
        this.#headerWanted = 8;
      } else
        throw new ZstdFrameError(
          this.#frames === 0 ? "it does not start with a zstd magic number" : "bytes that are no frame follow",
        );
      return undefined;
    }
    if (this.#place === "skip-size") {
      this.#left = view.getUint32(4, true);
      this.#place = "skip";
      this.#headerBytes = 0;
      if (this.#left === 0) this.#closePart();
      return { skippable: true, windowBytes: 0, dictionaryId: 0, bytes };
    }
    const descriptor = bytes[4]!;
    const single = (descriptor & 0x20) !== 0;
    const dictionaryBytes = [0, 1, 2, 4][descriptor & 3]!;
    const contentBytes = [single ? 1 : 0, 2, 4, 8][descriptor >> 6]!;
    if (this.#place === "descriptor") {
      if ((descriptor & 8) !== 0) throw new ZstdFrameError("a reserved bit of a frame header is set");
      this.#place = "header";
      this.#headerWanted = 5 + (single ? 0 : 1) + dictionaryBytes + contentBytes;
      if (this.#headerBytes < this.#headerWanted) return undefined;
    }
    this.#hasChecksum = (descriptor & 4) !== 0;
    this.#openBlockHeader();
    this.#headerBytes = 0;
    let at = 5;
    let windowBytes = 0;
    if (!single) {
      const window = bytes[at++]!;
      const base = 2 ** (10 + (window >> 3));
      windowBytes = base + (base / 8) * (window & 7);
    }
    const number = (size: number): number => {
      let value = 0;
      for (let i = size - 1; i >= 0; i--) value = value * 256 + bytes[at + i]!;
      at += size;
      return value;
    };
    const dictionaryId = number(dictionaryBytes);
    if (single) windowBytes = number(contentBytes) + (contentBytes === 2 ? 256 : 0);
    return { skippable: false, windowBytes, dictionaryId, bytes };
  }

  #openBlockHeader(): void {
    this.#place = "block-header";
    this.#blockHeader = 0;
    this.#left = 3;
  }

  /** RFC 8878, section 3.1.1.2. */
  #openBlock(): void {
    const type = (this.#blockHeader >> 1) & 3;
    if (type === 3) throw new ZstdFrameError("a block has the reserved type 3");
    this.#lastBlock = (this.#blockHeader & 1) !== 0;
    this.#left = type === 1 ? 1 : this.#blockHeader >> 3;
    this.#place = "block";
    if (this.#left === 0) this.#closePart();
  }

  #closePart(): void {
    if (this.#place === "block" && !this.#lastBlock) this.#openBlockHeader();
    else if (this.#place === "block" && this.#hasChecksum) {
      this.#place = "checksum";
      this.#left = 4;
    } else {
      this.#place = "magic";
      this.#headerWanted = 4;
      this.#frames++;
    }
  }
}
