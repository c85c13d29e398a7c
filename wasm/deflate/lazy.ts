/** Level "default": chains of positions with the same hash, and a match is given up for a better one right after it. */
import { HEADS, HEADS3, PREVIOUS, SEQUENCES, UNIT, WINDOW_BYTES, state } from "./memory";
import { Slots } from "./slots";

/** A match of three bytes further away costs more than its literals. */
const FAR3: u32 = 4096;
const HASH_BITS: u32 = 16;
const HASH3_BITS: u32 = 15;

function headOf(word: u32): usize {
  return HEADS + (((word * 0x9e3779b1) >> (32 - HASH_BITS)) << 1);
}

function head3Of(word: u32): usize {
  return HEADS3 + ((((word << 8) * 0x9e3779b1) >> (32 - HASH3_BITS)) << 1);
}

/** The distance of the match that find() returned the length of. */
let distance: u32 = 0;

class Chains {
  /** Takes the position `at` into the chains. */
  @inline
  static insert(at: usize): void {
    const word = load<u32>(at);
    const position = u32(at - UNIT);
    const head = headOf(word);
    store<u16>(PREVIOUS + ((position & 32767) << 1), load<u16>(head));
    store<u16>(head, u16(position));
    store<u16>(head3Of(word), u16(position));
  }
}

/** Takes `at` into the chains and returns the length of the best match there if it is over `least`, else `least`. */
function find(at: usize, end: usize, floor: usize, least: u32, depth: u32, nice: u32): u32 {
  const word = load<u32>(at);
  const position = u32(at - UNIT);
  const head = headOf(word);
  const head3 = head3Of(word);
  let candidate: u32 = load<u16>(head);
  const candidate3: u32 = load<u16>(head3);
  store<u16>(PREVIOUS + ((position & 32767) << 1), u16(candidate));
  store<u16>(head, u16(position));
  store<u16>(head3, u16(position));

  const most = min(258, u32(end - at));
  const reach = min(WINDOW_BYTES - 1, u32(at - floor));
  let best = least;
  if (best < 3) {
    const back = (position - candidate3) & 0xffff;
    if (back - 1 < min(reach, FAR3) && ((load<u32>(at - back) ^ word) & 0xffffff) === 0) {
      best = 3;
      distance = back;
    }
  }
  let before: u32 = 0;
  for (; depth > 0; --depth) {
    // Positions are modulo 65536: one that is not further back than the last is the end of the chain.
    const back = (position - candidate) & 0xffff;
    if (back > reach || back <= before) break;
    before = back;
    const from = at - back;
    if (load<u32>(from) === word && (best < 4 || load<u32>(from + best - 3) === load<u32>(at + best - 3))) {
      const length: u32 = 4 + Slots.agreement(at + 4, from + 4, most - 4);
      if (length > best) {
        best = length;
        distance = back;
        if (length >= nice || length === most) break;
      }
    }
    candidate = load<u16>(PREVIOUS + ((candidate & 32767) << 1));
  }
  return best;
}

/** Takes the bytes before the unit into the chains, up to the last word of them. */
export function recallLazy(): void {
  for (let at = UNIT - state.history; at + 4 <= UNIT; ++at) Chains.insert(at);
}

/** Finds the matches of the unit's `filled` bytes. */
export function lazy(): void {
  state.sequences = SEQUENCES;
  const end = UNIT + state.filled;
  const floor = UNIT - state.history;
  const depth = state.depth;
  const nice = state.nice;
  let start = UNIT;
  let at = UNIT;
  if (state.filled >= 16) {
    const last = end - 12;
    while (at < last) {
      let length = find(at, end, floor, 2, depth, nice);
      if (length < 3) {
        Slots.noteLiteral(at++);
        continue;
      }
      let back = distance;
      while (length < nice && at + 1 < last) {
        const next = find(at + 1, end, floor, length - 1, depth / 2, nice);
        if (next < length) break;
        // Four quarters of a bit a byte of length against a bit a doubling of the distance.
        if (4 * i32(next - length) + i32(clz(distance)) - i32(clz(back)) <= 2) break;
        Slots.noteLiteral(at++);
        length = next;
        back = distance;
      }
      Slots.noteMatch(u32(at - start), length, back);
      const after = at + length;
      const inserted = at + (length < nice && at + 1 < last ? 2 : 1);
      for (at = inserted; at < min(after, last); ++at) Chains.insert(at);
      at = after;
      start = after;
    }
  }
  while (at < end) Slots.noteLiteral(at++);
  state.tail = u32(end - start);
}
