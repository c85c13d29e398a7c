import { GantryError } from "../errors/index.ts";

/** A path of the file system: text, or raw bytes where a name need not be UTF-8. */
export type PathLike = string | Uint8Array;

const encoder = new TextEncoder();

/**
 * Writes the fields of a request, little-endian, back to back; the only place where values from TypeScript are turned
 * into native ones, so every check of type and range is here. Read by native/bridge/src/message.rs.
 *
 * @throws INTERNAL for a wrong type or range (a bug of the caller), PATH_INVALID for text with a NUL in it
 */
export class RequestWriter {
  #bytes = new Uint8Array(256);
  #length = 0;

  u32(name: string, value: number): this {
    return this.#integer(name, value, 0, 0xffffffff, 4);
  }

  /** A file descriptor. */
  fd(name: string, value: number): this {
    return this.#integer(name, value, 0, 0x7fffffff, 4);
  }

  /** A length, offset or size. */
  u64(name: string, value: number): this {
    return this.#integer(name, value, 0, Number.MAX_SAFE_INTEGER, 8);
  }

  bool(name: string, value: boolean): this {
    if (typeof value !== "boolean") throw wrong(name, "a boolean", value);
    return this.u32(name, value ? 1 : 0);
  }

  /** Any bytes, NULs included: u32 length, bytes. */
  bytes(name: string, value: Uint8Array): this {
    if (!(value instanceof Uint8Array)) throw wrong(name, "a Uint8Array", value);
    this.u32(name, value.length);
    this.#reserve(value.length);
    this.#bytes.set(value, this.#length);
    this.#length += value.length;
    return this;
  }

  /** Bytes that become a C string: a NUL would cut it short, so it is refused. */
  text(name: string, value: PathLike): this {
    if (typeof value !== "string" && !(value instanceof Uint8Array)) throw wrong(name, "text", value);
    if (typeof value === "string" ? value.includes("\0") : value.includes(0)) {
      throw new GantryError("PATH_INVALID", `${name} ${quotePath(value)} contains a NUL character`, {
        remedy: "Remove the NUL character.",
      });
    }
    if (typeof value === "string" && /\p{Surrogate}/u.test(value)) {
      throw new GantryError("PATH_INVALID", `${name} ${quotePath(value)} contains half a surrogate pair`, {
        remedy: "Give the name as bytes.",
      });
    }
    return this.bytes(name, typeof value === "string" ? encoder.encode(value) : value);
  }

  /** u32 count, then each as `text`. */
  texts(name: string, values: readonly PathLike[]): this {
    if (!Array.isArray(values)) throw wrong(name, "a list", values);
    this.u32(name, values.length);
    for (const value of values as readonly PathLike[]) this.text(name, value);
    return this;
  }

  /** The request so far; valid until the next field. */
  finish(): Uint8Array {
    return this.#bytes.subarray(0, this.#length);
  }

  #integer(name: string, value: number, least: number, most: number, size: 4 | 8): this {
    if (!Number.isInteger(value) || value < least || value > most) {
      throw wrong(name, `an integer from ${least} to ${most}`, value);
    }
    this.#reserve(size);
    const view = new DataView(this.#bytes.buffer);
    view.setUint32(this.#length, value >>> 0, true);
    if (size === 8) view.setUint32(this.#length + 4, Math.floor(value / 2 ** 32), true);
    this.#length += size;
    return this;
  }

  #reserve(more: number): void {
    if (this.#length + more <= this.#bytes.length) return;
    const larger = new Uint8Array(Math.max(this.#bytes.length * 2, this.#length + more));
    larger.set(this.#bytes.subarray(0, this.#length));
    this.#bytes = larger;
  }
}

/** Reads what a native operation left in the reply: the mirror of {@link RequestWriter}. */
export class ReplyReader {
  readonly #bytes: Uint8Array;
  readonly #view: DataView;
  #offset = 0;

  constructor(bytes: Uint8Array) {
    this.#bytes = bytes;
    this.#view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  }

  u32(): number {
    this.#offset += 4;
    return this.#view.getUint32(this.#offset - 4, true);
  }

  u64(): number {
    const low = this.u32();
    return this.u32() * 2 ** 32 + low;
  }

  /** A copy of a length-prefixed run of bytes. */
  bytes(): Uint8Array {
    const length = this.u32();
    this.#offset += length;
    return this.#bytes.slice(this.#offset - length, this.#offset);
  }
}

/** A path in quotes for a message; bytes that are not UTF-8 show as U+FFFD. */
export function quotePath(path: PathLike): string {
  return JSON.stringify(typeof path === "string" ? path : new TextDecoder().decode(path));
}

function wrong(name: string, wanted: string, value: unknown): GantryError {
  const shown = typeof value === "number" || typeof value === "bigint" ? String(value) : typeof value;
  return new GantryError("INTERNAL", `native call: ${name} must be ${wanted}, not ${shown}`);
}
