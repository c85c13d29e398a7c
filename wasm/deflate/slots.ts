/** The symbols of lengths and distances, RFC 1951, section 3.2.5. */
import { DISTANCE_COUNTS, LITERAL_COUNTS, state } from "./memory";

/** Symbol - 257 of length 3 + index. */
export const LENGTH_SLOTS = memory.data(256, 16);
/** Symbol of distance 1 + index, for 256 small ones; then of those from 257 on, in steps of 128. */
const DISTANCE_SLOTS = memory.data(512, 16);

// prettier-ignore
export const LENGTH_EXTRA = memory.data<u8>([0, 0, 0, 0, 0, 0, 0, 0, 1, 1, 1, 1, 2, 2, 2, 2, 3, 3, 3, 3, 4, 4, 4, 4, 5, 5, 5, 5, 0]);
/** Length - 3 where each symbol begins. */
// prettier-ignore
export const LENGTH_BASE = memory.data<u8>([
  0, 1, 2, 3, 4, 5, 6, 7, 8, 10, 12, 14, 16, 20, 24, 28, 32, 40, 48, 56, 64, 80, 96, 112, 128, 160, 192, 224, 255,
]);

export function initSlots(): void {
  for (let slot: u32 = 0; slot < 28; ++slot) {
    const base: u32 = load<u8>(LENGTH_BASE + slot);
    memory.fill(LENGTH_SLOTS + base, u8(slot), 1 << load<u8>(LENGTH_EXTRA + slot));
  }
  store<u8>(LENGTH_SLOTS + 255, 28);
  for (let i: u32 = 0; i < 256; ++i) {
    store<u8>(DISTANCE_SLOTS + i, computeSlot(i));
    store<u8>(DISTANCE_SLOTS + 256 + i, computeSlot(i << 7));
  }
}

function computeSlot(offset: u32): u8 {
  if (offset < 2) return u8(offset);
  const high: u32 = 31 - clz(offset);
  return u8(2 * high + ((offset >> (high - 1)) & 1));
}

export class Slots {
  /** The symbol of distance `offset` + 1. */
  @inline
  static distanceSlot(offset: u32): u32 {
    return offset < 256 ? load<u8>(DISTANCE_SLOTS + offset) : load<u8>(DISTANCE_SLOTS + (offset >> 7), 256);
  }

  @inline
  static count(at: usize): void {
    store<u32>(at, load<u32>(at) + 1);
  }

  /** Notes a match of `length` bytes at `distance` after `literals` literals. */
  @inline
  static noteMatch(literals: u32, length: u32, distance: u32): void {
    store<u64>(state.sequences, u64(literals) | (u64(length) << 32) | (u64(distance - 1) << 48));
    state.sequences += 8;
    Slots.count(LITERAL_COUNTS + ((257 + u32(load<u8>(LENGTH_SLOTS + length - 3))) << 2));
    Slots.count(DISTANCE_COUNTS + (Slots.distanceSlot(distance - 1) << 2));
  }

  /** Notes the literal at `from`. */
  @inline
  static noteLiteral(from: usize): void {
    Slots.count(LITERAL_COUNTS + (u32(load<u8>(from)) << 2));
  }

  /** The length, at most `most`, to which `a` and `b` agree. Reads up to 7 bytes past it. */
  @inline
  static agreement(a: usize, b: usize, most: u32): u32 {
    let length: u32 = 0;
    while (length < most) {
      const difference = load<u64>(a + length) ^ load<u64>(b + length);
      if (difference !== 0) return min(most, length + (u32(ctz(difference)) >> 3));
      length += 8;
    }
    return most;
  }
}
