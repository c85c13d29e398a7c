/** The body of a compressed block: literals and matches. RFC 1951, sections 3.2.3 and 3.2.5. */
import { drop, need } from "./bits";
import {
  AT_BLOCK,
  AT_SYMBOLS,
  AT_TRAILER,
  ERROR_DISTANCE,
  ERROR_DISTANCE_SYMBOL,
  ERROR_SYMBOL,
  NEED_INPUT,
  NEED_OUTPUT,
  OUTPUT,
  OUTPUT_BYTES,
  WINDOW_BYTES,
  state,
} from "./memory";
import {
  DISTANCE_BITS,
  DISTANCE_TABLE,
  END,
  INVALID,
  LITERAL,
  LITERAL_BITS,
  LITERAL_TABLE,
  SECOND,
  SPECIAL,
  TWO,
} from "./tables";

const LITERAL_MASK: u64 = (1 << LITERAL_BITS) - 1;
const DISTANCE_MASK: u64 = (1 << DISTANCE_BITS) - 1;
const OUTPUT_END: usize = OUTPUT + WINDOW_BYTES + OUTPUT_BYTES;

/** Not a status: nothing to report. */
export const GO_ON: u32 = 100;

/** Row d: 0, 1, .. d - 1, 0, 1, ..: the bytes of 16 that repeat a match's distance d < 16. */
const PATTERNS = memory.data(256, 16);
/** The largest multiple of d that is at most 16. */
const STEPS = memory.data(16, 16);

export function initPatterns(): void {
  for (let d: u32 = 1; d < 16; ++d) {
    for (let i: u32 = 0; i < 16; ++i) store<u8>(PATTERNS + d * 16 + i, u8(i % d));
    store<u8>(STEPS + d, u8(16 - (16 % d)));
  }
}

class Match {
  /** Copies a match; writes up to 16 bytes past its end. */
  @inline
  static copy(to: usize, distance: u32, length: u32): void {
    const end = to + length;
    if (ASC_FEATURE_SIMD) {
      if (distance >= 16) {
        let from = to - distance;
        do {
          v128.store(to, v128.load(from));
          to += 16;
          from += 16;
        } while (to < end);
      } else {
        const pattern = v128.swizzle(v128.load(to - distance), v128.load(PATTERNS + (distance << 4)));
        const step: usize = load<u8>(STEPS + distance);
        do {
          v128.store(to, pattern);
          to += step;
        } while (to < end);
      }
    } else {
      let from = to - distance;
      if (distance >= 8) {
        do {
          store<u64>(to, load<u64>(from));
          to += 8;
          from += 8;
        } while (to < end);
      } else {
        do store<u8>(to++, load<u8>(from++));
        while (to < end);
      }
    }
  }

  @inline
  static extra(bits: u64, entry: u32): u32 {
    return u32(bits & (((1 as u64) << entry) - 1)) >> (entry >> 8);
  }
}

/** Decodes while 16 bytes of input and a longest match's room are there. */
function fast(): u32 {
  let bits = state.bits;
  let count = state.bitCount;
  let input = state.input;
  let output = state.output;
  const inputEnd = state.inputEnd - 16;
  const floor = state.floor;
  let result = GO_ON;
  do {
    // At least 56 bits. What lies above `count` in `bits` is what the next refill puts there again.
    bits |= load<u64>(input) << count;
    input += 7 - ((count >> 3) & 7);
    count |= 56;
    let entry = load<u32>(LITERAL_TABLE + (u32(bits & LITERAL_MASK) << 2));
    if (entry & LITERAL) {
      // Three looks use at most 33 bits.
      bits >>= entry;
      count -= entry & 63;
      store<u16>(output, u16(entry >> 8));
      output += 1 + ((entry >> 30) & 1);
      entry = load<u32>(LITERAL_TABLE + (u32(bits & LITERAL_MASK) << 2));
      if (entry & LITERAL) {
        bits >>= entry;
        count -= entry & 63;
        store<u16>(output, u16(entry >> 8));
        output += 1 + ((entry >> 30) & 1);
        entry = load<u32>(LITERAL_TABLE + (u32(bits & LITERAL_MASK) << 2));
        if (entry & LITERAL) {
          bits >>= entry;
          count -= entry & 63;
          store<u16>(output, u16(entry >> 8));
          output += 1 + ((entry >> 30) & 1);
          continue;
        }
      }
    }
    if (entry & SPECIAL) {
      if (entry & SECOND) {
        const index = (entry >> 16) + (u32(bits >> LITERAL_BITS) & ((1 << ((entry >> 8) & 15)) - 1));
        entry = load<u32>(LITERAL_TABLE + (index << 2));
        if (entry & LITERAL) {
          bits >>= entry;
          count -= entry & 63;
          store<u8>(output++, u8(entry >> 8));
          continue;
        }
      }
      if (entry & SPECIAL) {
        if (entry & END) {
          bits >>= entry;
          count -= entry & 63;
          state.at = state.lastBlock ? AT_TRAILER : AT_BLOCK;
        } else result = ERROR_SYMBOL;
        break;
      }
    }
    const length = (entry >> 16) + Match.extra(bits, entry);
    bits >>= entry;
    count -= entry & 63;

    bits |= load<u64>(input) << count;
    input += 7 - ((count >> 3) & 7);
    count |= 56;
    entry = load<u32>(DISTANCE_TABLE + (u32(bits & DISTANCE_MASK) << 2));
    if (entry & SPECIAL) {
      if (entry & SECOND) {
        const index = (entry >> 16) + (u32(bits >> DISTANCE_BITS) & ((1 << ((entry >> 8) & 15)) - 1));
        entry = load<u32>(DISTANCE_TABLE + (index << 2));
      }
      if (entry & SPECIAL) {
        result = ERROR_DISTANCE_SYMBOL;
        break;
      }
    }
    const distance = (entry >> 16) + Match.extra(bits, entry);
    bits >>= entry;
    count -= entry & 63;
    if (output - distance < floor) {
      result = ERROR_DISTANCE;
      break;
    }
    Match.copy(output, distance, length);
    output += length;
  } while (input <= inputEnd && output < OUTPUT_END);
  state.bits = bits & (((1 as u64) << count) - 1);
  state.bitCount = count;
  state.input = input;
  state.output = output;
  return result;
}

/** Decodes one symbol near the end of the input; takes its bits only if all are there. */
function slow(): u32 {
  need(48);
  const bits = state.bits;
  let entry = load<u32>(LITERAL_TABLE + (u32(bits & LITERAL_MASK) << 2));
  if (entry & TWO && (entry & 63) > state.bitCount) return NEED_INPUT; // one of the two might be there: it can wait
  if ((entry & (LITERAL | SPECIAL | SECOND)) === (SPECIAL | SECOND)) {
    const index = (entry >> 16) + (u32(bits >> LITERAL_BITS) & ((1 << ((entry >> 8) & 15)) - 1));
    entry = load<u32>(LITERAL_TABLE + (index << 2));
  }
  const used = entry & 63;
  if (used > state.bitCount) return NEED_INPUT;
  if (entry & LITERAL) {
    store<u16>(state.output, u16(entry >> 8));
    state.output += 1 + ((entry >> 30) & 1);
    drop(used);
    return GO_ON;
  }
  if (entry & SPECIAL) {
    if (entry & INVALID) return ERROR_SYMBOL;
    drop(used);
    state.at = state.lastBlock ? AT_TRAILER : AT_BLOCK;
    return GO_ON;
  }
  const length = (entry >> 16) + Match.extra(bits, entry);
  const rest = bits >> used;
  let next = load<u32>(DISTANCE_TABLE + (u32(rest & DISTANCE_MASK) << 2));
  if ((next & (SPECIAL | SECOND)) === (SPECIAL | SECOND)) {
    const index = (next >> 16) + (u32(rest >> DISTANCE_BITS) & ((1 << ((next >> 8) & 15)) - 1));
    next = load<u32>(DISTANCE_TABLE + (index << 2));
  }
  const both = used + (next & 63);
  if (both > state.bitCount) return NEED_INPUT;
  if (next & SPECIAL) return ERROR_DISTANCE_SYMBOL;
  const distance = (next >> 16) + Match.extra(rest, next);
  if (state.output - distance < state.floor) return ERROR_DISTANCE;
  Match.copy(state.output, distance, length);
  state.output += length;
  drop(both);
  return GO_ON;
}

/** Decodes up to the end of the block; returns a status, or GO_ON there. */
export function symbols(): u32 {
  let result = GO_ON;
  while (result === GO_ON && state.at === AT_SYMBOLS) {
    if (state.output >= OUTPUT_END) return NEED_OUTPUT;
    result = state.inputEnd - state.input >= 16 ? fast() : slow();
  }
  return result;
}
