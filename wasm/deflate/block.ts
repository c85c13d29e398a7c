/** Writes a unit as one block (two, if stored), in the form that is the shortest. RFC 1951, section 3.2.3. */
import { canonicalCodes, codeLengths } from "./huffman";
import { DISTANCE_COUNTS, LITERAL_COUNTS, SEQUENCES, UNIT, state } from "./memory";
import { LENGTH_BASE, LENGTH_EXTRA, LENGTH_SLOTS, Slots } from "./slots";

const LITERALS: u32 = 286;
const DISTANCES: u32 = 30;

/** Code lengths of the fixed codes, 288 + 32, and of the unit's own, 286 + 30. */
const FIXED_LENGTHS = memory.data(320, 16);
const LENGTHS = memory.data(320, 16);

/** length << 24 | bits: of literals and the end of block; of lengths 3..258 with their extra bits; of distance symbols. */
const LITERAL_CODES = memory.data(288 * 4, 16);
const LENGTH_CODES = memory.data(256 * 4, 16);
const DISTANCE_CODES = memory.data(32 * 4, 16);

/** The lengths, run-length coded (section 3.2.7): u16, symbol | extra value << 8; and the code for that. */
const RUNS = memory.data(320 * 2, 16);
const RUN_COUNTS = memory.data(19 * 4, 16);
const RUN_LENGTHS = memory.data(19, 16);
const RUN_CODES = memory.data(19 * 4, 16);
const ORDER = memory.data<u8>([16, 17, 18, 0, 8, 7, 9, 6, 10, 5, 11, 4, 12, 3, 13, 2, 14, 1, 15]);

export function initFixed(): void {
  memory.fill(FIXED_LENGTHS, 8, 144);
  memory.fill(FIXED_LENGTHS + 144, 9, 112);
  memory.fill(FIXED_LENGTHS + 256, 7, 24);
  memory.fill(FIXED_LENGTHS + 280, 8, 8);
  memory.fill(FIXED_LENGTHS + 288, 5, 32);
}

/** Appends `count` (at most 32) bits. */
export function put(value: u32, count: u32): void {
  state.bits |= u64(value) << state.bitCount;
  state.bitCount += count;
  store<u64>(state.output, state.bits);
  state.output += state.bitCount >> 3;
  state.bits >>= u64(state.bitCount & ~7);
  state.bitCount &= 7;
}

/** Fills up the last byte with zero bits. */
export function alignToByte(): void {
  put(0, (8 - state.bitCount) & 7);
}

function extraBits(run: u32): u32 {
  return run === 16 ? 2 : run === 17 ? 3 : run === 18 ? 7 : 0;
}

/** Codes LENGTHS (`literals`, and from LITERALS on `distances`) into RUNS; returns how many. */
function codeRuns(literals: u32, distances: u32): u32 {
  memory.fill(RUN_COUNTS, 0, 19 * 4);
  // In a row, as runs may go from the literals into the distances.
  if (literals < LITERALS) memory.copy(LENGTHS + literals, LENGTHS + LITERALS, distances);
  const all = literals + distances;
  let runs: u32 = 0;
  for (let i: u32 = 0; i < all;) {
    const length: u32 = load<u8>(LENGTHS + i);
    let run: u32 = 1;
    while (i + run < all && load<u8>(LENGTHS + i + run) === length) ++run;
    i += run;
    if (length === 0) {
      for (; run >= 11; run -= min(run, 138)) runs = addRun(runs, 18, min(run, 138) - 11);
      if (run >= 3) {
        runs = addRun(runs, 17, run - 3);
        run = 0;
      }
    } else {
      runs = addRun(runs, length, 0);
      --run;
      for (; run >= 3; run -= min(run, 6)) runs = addRun(runs, 16, min(run, 6) - 3);
    }
    for (; run > 0; --run) runs = addRun(runs, length, 0);
  }
  return runs;
}

function addRun(runs: u32, symbol: u32, extra: u32): u32 {
  store<u16>(RUNS + runs * 2, u16(symbol | (extra << 8)));
  store<u32>(RUN_COUNTS + symbol * 4, load<u32>(RUN_COUNTS + symbol * 4) + 1);
  return runs + 1;
}

/** Bits of the unit's symbols without extra bits, which are the same for all codes. */
function bitsOf(lengths: usize, distanceLengths: usize): u32 {
  let bits: u32 = 0;
  for (let s: u32 = 0; s < LITERALS; ++s) bits += load<u32>(LITERAL_COUNTS + s * 4) * load<u8>(lengths + s);
  for (let s: u32 = 0; s < DISTANCES; ++s) bits += load<u32>(DISTANCE_COUNTS + s * 4) * load<u8>(distanceLengths + s);
  return bits;
}

function allExtraBits(): u32 {
  let bits: u32 = 0;
  for (let s: u32 = 8; s < 28; ++s) bits += load<u32>(LITERAL_COUNTS + (257 + s) * 4) * load<u8>(LENGTH_EXTRA + s);
  for (let s: u32 = 4; s < DISTANCES; ++s) bits += load<u32>(DISTANCE_COUNTS + s * 4) * ((s >> 1) - 1);
  return bits;
}

/** Writes the unit's block from the sequences and counts, and clears the counts. */
export function writeBlock(last: bool): void {
  store<u32>(LITERAL_COUNTS, 1, 256 * 4);
  codeLengths(LITERAL_COUNTS, LITERALS, 15, LENGTHS);
  codeLengths(DISTANCE_COUNTS, DISTANCES, 15, LENGTHS + LITERALS);
  let literals = LITERALS;
  while (literals > 257 && load<u8>(LENGTHS + literals - 1) === 0) --literals;
  let distances = DISTANCES;
  while (distances > 1 && load<u8>(LENGTHS + LITERALS + distances - 1) === 0) --distances;
  const ownBits = bitsOf(LENGTHS, LENGTHS + LITERALS);
  canonicalCodes(LENGTHS, LITERALS, LITERAL_CODES);
  canonicalCodes(LENGTHS + LITERALS, DISTANCES, DISTANCE_CODES);

  const runs = codeRuns(literals, distances);
  codeLengths(RUN_COUNTS, 19, 7, RUN_LENGTHS);
  let orders: u32 = 19;
  while (orders > 4 && load<u8>(RUN_LENGTHS + load<u8>(ORDER + orders - 1)) === 0) --orders;
  let headerBits: u32 = 14 + 3 * orders;
  for (let s: u32 = 0; s < 19; ++s)
    headerBits += load<u32>(RUN_COUNTS + s * 4) * (load<u8>(RUN_LENGTHS + s) + extraBits(s));

  const extra = allExtraBits();
  const dynamicBits = headerBits + ownBits + extra;
  const fixedBits = bitsOf(FIXED_LENGTHS, FIXED_LENGTHS + 288) + extra;
  const storedBits: u32 = 8 * state.filled + 32 + 7 + (state.filled > 65535 ? 40 : 0);

  if (storedBits <= min(dynamicBits, fixedBits)) {
    writeStored(last);
  } else if (fixedBits <= dynamicBits) {
    put(u32(last) | (1 << 1), 3);
    canonicalCodes(FIXED_LENGTHS, 288, LITERAL_CODES);
    canonicalCodes(FIXED_LENGTHS + 288, 32, DISTANCE_CODES);
    writeSymbols();
  } else {
    put(u32(last) | (2 << 1), 3);
    put((literals - 257) | ((distances - 1) << 5) | ((orders - 4) << 10), 14);
    for (let i: u32 = 0; i < orders; ++i) put(load<u8>(RUN_LENGTHS + load<u8>(ORDER + i)), 3);
    canonicalCodes(RUN_LENGTHS, 19, RUN_CODES);
    for (let i: u32 = 0; i < runs; ++i) {
      const run: u32 = load<u16>(RUNS + i * 2);
      const code = load<u32>(RUN_CODES + (run & 255) * 4);
      put(code & 0xffffff, code >> 24);
      put(run >> 8, extraBits(run & 255));
    }
    writeSymbols();
  }
  memory.fill(LITERAL_COUNTS, 0, 288 * 4);
  memory.fill(DISTANCE_COUNTS, 0, 32 * 4);
}

/** At most 65535 bytes a stored block: a whole unit makes two. */
function writeStored(last: bool): void {
  let from = UNIT;
  let left = state.filled;
  do {
    const bytes = min(left, 65535);
    left -= bytes;
    put(u32(last && left === 0), 3);
    alignToByte();
    put(bytes | ((~bytes & 0xffff) << 16), 32);
    memory.copy(state.output, from, bytes);
    state.output += bytes;
    from += bytes;
  } while (left > 0);
}

/** The codes of lengths 3..258, extra bits included. */
function buildLengthCodes(): void {
  for (let i: u32 = 0; i < 256; ++i) {
    const slot: u32 = load<u8>(LENGTH_SLOTS + i);
    const code = load<u32>(LITERAL_CODES + (257 + slot) * 4);
    const bits = code >> 24;
    const value = (code & 0xffffff) | ((i - load<u8>(LENGTH_BASE + slot)) << bits);
    store<u32>(LENGTH_CODES + i * 4, value | ((bits + load<u8>(LENGTH_EXTRA + slot)) << 24));
  }
}

function writeSymbols(): void {
  buildLengthCodes();
  let bits = state.bits;
  let count: u64 = state.bitCount;
  let output = state.output;
  let from = UNIT;
  const end = state.sequences;
  // The last round is for the literals after the last match and the end of block.
  for (let at = SEQUENCES; at <= end; at += 8) {
    const sequence = at === end ? u64(state.tail) : load<u64>(at);
    let left = u32(sequence);
    while (left >= 3) {
      // At most 7 bits are pending: three literals, 45 bits, fit.
      const a = load<u32>(LITERAL_CODES + (u32(load<u8>(from)) << 2));
      const b = load<u32>(LITERAL_CODES + (u32(load<u8>(from, 1)) << 2));
      const c = load<u32>(LITERAL_CODES + (u32(load<u8>(from, 2)) << 2));
      bits |= u64(a & 0xffffff) << count;
      count += a >> 24;
      bits |= u64(b & 0xffffff) << count;
      count += b >> 24;
      bits |= u64(c & 0xffffff) << count;
      count += c >> 24;
      store<u64>(output, bits);
      output += usize(count >> 3);
      bits >>= count & ~7;
      count &= 7;
      from += 3;
      left -= 3;
    }
    for (; left > 0; --left) {
      const code = load<u32>(LITERAL_CODES + (u32(load<u8>(from++)) << 2));
      bits |= u64(code & 0xffffff) << count;
      count += code >> 24;
    }
    // Here at most 37 bits are pending.
    store<u64>(output, bits);
    output += usize(count >> 3);
    bits >>= count & ~7;
    count &= 7;
    if (at === end) break;
    const length = u32(sequence >> 32) & 0xffff;
    from += length;
    const code = load<u32>(LENGTH_CODES + ((length - 3) << 2));
    bits |= u64(code & 0xffffff) << count;
    count += code >> 24;
    const offset = u32(sequence >> 48);
    const slot = Slots.distanceSlot(offset);
    const distance = load<u32>(DISTANCE_CODES + (slot << 2));
    bits |= u64(distance & 0xffffff) << count;
    count += distance >> 24;
    if (slot >= 4) {
      const extra = (slot >> 1) - 1;
      bits |= u64(offset & ((1 << extra) - 1)) << count;
      count += extra;
    }
    store<u64>(output, bits);
    output += usize(count >> 3);
    bits >>= count & ~7;
    count &= 7;
  }
  state.bits = bits;
  state.bitCount = u32(count);
  state.output = output;
  const code = load<u32>(LITERAL_CODES, 256 * 4);
  put(code & 0xffffff, code >> 24);
}
