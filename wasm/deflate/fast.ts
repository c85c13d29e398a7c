/** Level "fast": greedy, one candidate a position. */
import { HEADS, SEQUENCES, UNIT, WINDOW_BYTES, state } from "./memory";
import { Slots } from "./slots";

const HASH_BITS: u32 = 14;

function headOf(word: u32): usize {
  return HEADS + (((word * 0x9e3779b1) >> (32 - HASH_BITS)) << 1);
}

/** Takes the bytes before the unit into the table, up to the last word of them. */
export function recallFast(): void {
  for (let at = UNIT - state.history; at + 4 <= UNIT; at += 2) store<u16>(headOf(load<u32>(at)), u16(at - UNIT));
}

/** Finds the matches of the unit's `filled` bytes. */
export function fast(): void {
  state.sequences = SEQUENCES;
  const end = UNIT + state.filled;
  const floor = UNIT - state.history;
  let start = UNIT; // of the literals not yet noted in a sequence
  let at = UNIT;
  if (state.filled >= 12) {
    const last = end - 8;
    while (at < last) {
      const word = load<u32>(at);
      const head = headOf(word);
      const position = u32(at - UNIT);
      const distance = (position - u32(load<u16>(head))) & 0xffff;
      store<u16>(head, u16(position));
      if (distance - 1 < WINDOW_BYTES && at - distance >= floor && load<u32>(at - distance) === word) {
        const length: u32 = 4 + Slots.agreement(at + 4, at - distance + 4, min(254, u32(end - at) - 4));
        Slots.noteMatch(u32(at - start), length, distance);
        // Of the positions inside, the next and the last but one are worth finding again.
        const next = at + 1;
        at += length;
        start = at;
        if (at < last) {
          store<u16>(headOf(load<u32>(next)), u16(next - UNIT));
          store<u16>(headOf(load<u32>(at - 2)), u16(at - 2 - UNIT));
        }
      } else Slots.noteLiteral(at++);
    }
  }
  while (at < end) Slots.noteLiteral(at++);
  state.tail = u32(end - start);
}
