/**
 * DEFLATE compression (RFC 1951) and the CRC-32 that gzip wants. The input is cut into units of 64 KiB, each of which makes
 * one block from its own statistics; so the output depends on nothing but the input and the effort.
 *
 * A stretch of units starts with begin(): of the input before it the caller puts up to 32 KiB right before unitAddress(),
 * so that stretches can be compressed in any order, by any thread, and joined. The caller appends to the unit
 * (unitAddress() + filled so far, at most unitBytes()) and calls compress(filled, MORE) when it is full and there is more
 * to come, END_OF_STRETCH or END_OF_STREAM at the end; each time the output is outputBytes() bytes at outputAddress().
 * END_OF_STRETCH fills up the last byte with an empty stored block (zlib's Z_SYNC_FLUSH).
 *
 * Memory map (bytes):
 *
 *   WINDOW     32 KiB of earlier input, 64 KiB unit, 64 that is read but not used
 *   OUTPUT     64 KiB + 64: a unit that would grow is stored
 *   HEADS      64 Ki u16, HEADS3 32 Ki u16, PREVIOUS 32 Ki u16: where the same bytes were before. Positions are stream
 *              offsets modulo 64 Ki: every candidate's bytes are compared, so an old one does no harm
 *   SEQUENCES  21,853 u64: the unit's matches
 *   counts and codes of symbols: memory.ts, huffman.ts, block.ts; CRC-32: common/crc32.ts
 */
import { crc32, initCrc32 } from "../common/crc32";
import { alignToByte, initFixed, put, writeBlock } from "./block";
import { fast, recallFast } from "./fast";
import { lazy, recallLazy } from "./lazy";
import { HEADS, HEADS3, OUTPUT, PREVIOUS, UNIT, UNIT_BYTES, WINDOW, WINDOW_BYTES, state } from "./memory";
import { initSlots } from "./slots";

initCrc32();
initSlots();
initFixed();

/** The second argument of compress(). */
const MORE: u32 = 0;
const END_OF_STREAM: u32 = 2;

export function unitAddress(): usize {
  return UNIT;
}

export function unitBytes(): u32 {
  return UNIT_BYTES;
}

export function outputAddress(): usize {
  return OUTPUT;
}

export function outputBytes(): u32 {
  return u32(state.output - OUTPUT);
}

/** CRC-32 of the stretch so far. */
export function crc(): u32 {
  return state.crc;
}

/**
 * Starts a stretch after `history` bytes of earlier input. `depth` is how many earlier places of the same bytes are looked
 * at, 0 for the greedy search of one; a match of `nice` bytes is taken at once.
 */
export function begin(history: u32, depth: u32, nice: u32): void {
  memory.fill(HEADS, 0, 65536 * 2);
  memory.fill(HEADS3, 0, 32768 * 2);
  memory.fill(PREVIOUS, 0, 32768 * 2);
  state.depth = depth;
  state.nice = nice;
  state.bits = 0;
  state.bitCount = 0;
  state.crc = 0;
  state.history = history;
  if (depth === 0) recallFast();
  else recallLazy();
}

/** Compresses the `filled` bytes of the unit: all of it, unless it is the last. Output of earlier calls is gone. */
export function compress(filled: u32, end: u32): void {
  state.output = OUTPUT;
  state.filled = filled;
  state.crc = crc32(state.crc, UNIT, filled);
  if (state.depth === 0) fast();
  else lazy();
  writeBlock(end === END_OF_STREAM);
  if (end !== MORE) {
    if (end !== END_OF_STREAM) put(0, 3);
    alignToByte();
    if (end !== END_OF_STREAM) put(0xffff0000, 32);
  }
  if (filled === UNIT_BYTES) {
    memory.copy(WINDOW, UNIT + UNIT_BYTES - WINDOW_BYTES, WINDOW_BYTES);
    state.history = WINDOW_BYTES;
  }
}
