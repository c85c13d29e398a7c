/**
 * Decoding tables of canonical Huffman codes (RFC 1951, section 3.2.2): a first table indexed by the next bits of input,
 * and second tables for longer codes.
 *
 *   entry     bits 0..5 bits to drop (code and extra bits), 8..12 length of the code alone, 16..31 base value, 14 and 15:
 *   LITERALS  bit 31, then bits 8..15 the literal; bit 30: a second literal follows in bits 16..23
 *   SPECIAL   bit 15, with SECOND (bit 14): bits 16..29 first entry of a second table, 8..11 its index bits;
 *             END (bit 13): end of block; INVALID (bit 12): no such code
 */

export const LITERAL_BITS: u32 = 11;
export const DISTANCE_BITS: u32 = 8;
const CODE_LENGTH_BITS: u32 = 7;

/** First tables and the largest second tables: 2342 entries for 288 symbols, 402 for 32 (zlib's enough.c computes these). */
export const LITERAL_TABLE = memory.data(2342 * 4, 16);
export const DISTANCE_TABLE = memory.data(402 * 4, 16);
export const CODE_LENGTH_TABLE = memory.data(128 * 4, 16);

/** Lengths of the codes: of the code length code while that is read, then literals and distances in a row. */
export const LENGTHS = memory.data(320, 16);
const SORTED = memory.data(320 * 2, 16);
const COUNTS = memory.data(16 * 4, 16);
const OFFSETS = memory.data(16 * 4, 16);

export const LITERAL: u32 = 0x80000000;
export const TWO: u32 = 0x40000000;
export const SPECIAL: u32 = 0x8000;
export const SECOND: u32 = 0x4000;
export const END: u32 = 0x2000;
export const INVALID: u32 = 0x1000;

/** Base and number of extra bits of length symbols 257..285 and distance symbols 0..29, RFC 1951, section 3.2.5. */
// prettier-ignore
const LENGTH_BASE = memory.data<u16>([
  3, 4, 5, 6, 7, 8, 9, 10, 11, 13, 15, 17, 19, 23, 27, 31, 35, 43, 51, 59, 67, 83, 99, 115, 131, 163, 195, 227, 258,
]);
// prettier-ignore
const LENGTH_EXTRA = memory.data<u8>([0, 0, 0, 0, 0, 0, 0, 0, 1, 1, 1, 1, 2, 2, 2, 2, 3, 3, 3, 3, 4, 4, 4, 4, 5, 5, 5, 5, 0]);
// prettier-ignore
const DISTANCE_BASE = memory.data<u16>([
  1, 2, 3, 4, 5, 7, 9, 13, 17, 25, 33, 49, 65, 97, 129, 193, 257, 385, 513, 769, 1025, 1537, 2049, 3073, 4097, 6145,
  8193, 12289, 16385, 24577,
]);

const LITERALS: u32 = 0;
const DISTANCES: u32 = 1;
const CODE_LENGTHS: u32 = 2;

/** The entry of `symbol` with a code of `length` bits. */
function entryOf(kind: u32, symbol: u32, length: u32): u32 {
  if (kind === CODE_LENGTHS) return (symbol << 16) | (length << 8) | length;
  if (kind === DISTANCES) {
    if (symbol > 29) return SPECIAL | INVALID | length;
    const extra = symbol < 4 ? 0 : (symbol >> 1) - 1;
    return (u32(load<u16>(DISTANCE_BASE + symbol * 2)) << 16) | (length << 8) | (length + extra);
  }
  if (symbol < 256) return LITERAL | (symbol << 8) | length;
  if (symbol === 256) return SPECIAL | END | length;
  if (symbol > 285) return SPECIAL | INVALID | length;
  const extra: u32 = load<u8>(LENGTH_EXTRA + symbol - 257);
  return (u32(load<u16>(LENGTH_BASE + (symbol - 257) * 2)) << 16) | (length << 8) | (length + extra);
}

/** Builds a table from `symbols` lengths; false if they are no code (over-subscribed, or incomplete and not tolerated). */
function build(kind: u32, table: usize, tableBits: u32, lengths: usize, symbols: u32): bool {
  memory.fill(COUNTS, 0, 64);
  for (let s: u32 = 0; s < symbols; ++s) {
    const count = COUNTS + (u32(load<u8>(lengths + s)) << 2);
    store<u32>(count, load<u32>(count) + 1);
  }
  const unused = load<u32>(COUNTS);
  store<u32>(COUNTS, 0);
  // A code is complete when its lengths use up the whole code space.
  let space: i32 = 1 << 15;
  let longest: u32 = 0;
  let offset: u32 = 0;
  for (let length: u32 = 1; length < 16; ++length) {
    const count = load<u32>(COUNTS + length * 4);
    store<u32>(OFFSETS + length * 4, offset);
    offset += count;
    space -= i32(count << (15 - length));
    if (count > 0) longest = length;
  }
  if (space < 0) return false;
  if (space > 0) {
    // Allowed, as in zlib: no code at all, or a single one of one bit; but for the code length code.
    if (longest > 1 || kind === CODE_LENGTHS) return false;
    for (let i: u32 = 0; i < 1 << tableBits; ++i) store<u32>(table + i * 4, SPECIAL | INVALID | 1);
    if (longest === 0) return true;
    let symbol: u32 = 0;
    while (load<u8>(lengths + symbol) === 0) ++symbol;
    const entry = entryOf(kind, symbol, 1);
    for (let i: u32 = 0; i < 1 << tableBits; i += 2) store<u32>(table + i * 4, entry);
    return true;
  }
  for (let s: u32 = 0; s < symbols; ++s) {
    const length: u32 = load<u8>(lengths + s);
    if (length === 0) continue;
    const at = OFFSETS + length * 4;
    const place = load<u32>(at);
    store<u32>(at, place + 1);
    store<u16>(SORTED + place * 2, u16(s));
  }
  const used = symbols - unused;

  // Codes in order, each reversed since the input's first bit is lowest. The first table grows by doubling: what is
  // there for the shorter codes is right for both values of the next bit.
  let code: u32 = 0;
  let next: u32 = 0;
  let length: u32 = 1;
  while (load<u32>(COUNTS + length * 4) === 0) ++length;
  let size: u32 = 1 << length;
  for (; length <= tableBits; ++length) {
    for (let count = load<u32>(COUNTS + length * 4); count > 0; --count) {
      store<u32>(table + code * 4, entryOf(kind, load<u16>(SORTED + next * 2), length));
      ++next;
      if (code === size - 1) {
        for (; length < tableBits; ++length, size <<= 1) memory.copy(table + size * 4, table, size * 4);
        return true;
      }
      const bit: u32 = 1 << (31 - clz(code ^ (size - 1)));
      code = (code & (bit - 1)) | bit;
    }
    if (length < tableBits) {
      memory.copy(table + size * 4, table, size * 4);
      size <<= 1;
    }
  }

  let second: u32 = 1 << tableBits;
  let secondBits: u32 = 0;
  let prefix: u32 = u32.MAX_VALUE;
  const mask: u32 = (1 << tableBits) - 1;
  for (; next < used; ++length) {
    size = 1 << length;
    for (let count = load<u32>(COUNTS + length * 4); count > 0; --count) {
      if ((code & mask) !== prefix) {
        prefix = code & mask;
        if (secondBits > 0) second += 1 << secondBits;
        secondBits = length - tableBits;
        let filled = count;
        while (filled < 1 << secondBits) {
          ++secondBits;
          filled = (filled << 1) + load<u32>(COUNTS + (tableBits + secondBits) * 4);
        }
        store<u32>(table + prefix * 4, SPECIAL | SECOND | (second << 16) | (secondBits << 8) | tableBits);
      }
      const entry = entryOf(kind, load<u16>(SORTED + next * 2), length);
      ++next;
      const step: u32 = 1 << (length - tableBits);
      for (let i = code >> tableBits; i < 1 << secondBits; i += step) store<u32>(table + (second + i) * 4, entry);
      if (code === size - 1) return true;
      const bit: u32 = 1 << (31 - clz(code ^ (size - 1)));
      code = (code & (bit - 1)) | bit;
    }
  }
  return true;
}

/** Where two literals fit into the first table's index, one look decodes both. */
function pairLiterals(): void {
  for (let i: i32 = (1 << LITERAL_BITS) - 1; i >= 0; --i) {
    const entry = load<u32>(LITERAL_TABLE + i * 4);
    if (!(entry & LITERAL)) continue;
    const length = entry & 63;
    const following = load<u32>(LITERAL_TABLE + (u32(i) >> length) * 4);
    if ((following & LITERAL) === 0 || (following & TWO) !== 0) continue;
    const both = length + (following & 63);
    if (both > LITERAL_BITS) continue;
    store<u32>(LITERAL_TABLE + i * 4, LITERAL | TWO | ((following & 0xff00) << 8) | (entry & 0xff00) | both);
  }
}

export function buildCodeLengths(): bool {
  return build(CODE_LENGTHS, CODE_LENGTH_TABLE, CODE_LENGTH_BITS, LENGTHS, 19);
}

export function buildLiterals(symbols: u32): bool {
  if (!build(LITERALS, LITERAL_TABLE, LITERAL_BITS, LENGTHS, symbols)) return false;
  pairLiterals();
  return true;
}

/** From the lengths that lie after those of `literals` literals. */
export function buildDistances(literals: u32, symbols: u32): bool {
  return build(DISTANCES, DISTANCE_TABLE, DISTANCE_BITS, LENGTHS + literals, symbols);
}

/** The fixed codes of RFC 1951, section 3.2.6. */
export function buildFixed(): void {
  memory.fill(LENGTHS, 8, 144);
  memory.fill(LENGTHS + 144, 9, 112);
  memory.fill(LENGTHS + 256, 7, 24);
  memory.fill(LENGTHS + 280, 8, 8);
  buildLiterals(288);
  memory.fill(LENGTHS + 288, 5, 32);
  buildDistances(288, 32);
}
