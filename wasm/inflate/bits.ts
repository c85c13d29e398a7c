/** Bit by bit reading of the input, for everything but the fast loop. RFC 1951, section 3.1.1. */
import { state } from "./memory";

/** Takes input until `count` (at most 56) bits are there; false if the input ends before. */
export function need(count: u32): bool {
  while (state.bitCount < count) {
    if (state.input === state.inputEnd) return false;
    state.bits |= u64(load<u8>(state.input++)) << state.bitCount;
    state.bitCount += 8;
  }
  return true;
}

/** Drops `count` bits. */
export function drop(count: u32): void {
  state.bits >>= count;
  state.bitCount -= count;
}

/** Takes `count` bits (at most 32) that need() found to be there. */
export function take(count: u32): u32 {
  const value = u32(state.bits & (((1 as u64) << count) - 1));
  drop(count);
  return value;
}
