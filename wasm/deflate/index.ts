/**
 * gzip compression (RFC 1952, RFC 1951). The input is cut into units of 64 KiB, each of which makes one block from its
 * own statistics; so the output depends on nothing but the input and the level.
 *
 * The caller appends to the unit (unitAddress() + filled so far, at most unitBytes()), calls compress(false) when it is
 * full and there is more to come, and compress(true) at the end; each time the output is outputBytes() bytes at
 * outputAddress().
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
import { fast } from "./fast";
import { lazy } from "./lazy";
import { HEADS, HEADS3, OUTPUT, PREVIOUS, UNIT, UNIT_BYTES, WINDOW, WINDOW_BYTES, state } from "./memory";
import { initSlots } from "./slots";

initCrc32();
initSlots();
initFixed();

const LEVEL_FAST: u32 = 0;

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

/** Starts a stream: level 0 is "fast", 1 "default". Its header (no name, no time, system unknown) comes
 * with the first output. */
export function reset(level: u32): void {
  memory.fill(HEADS, 0, 65536 * 2);
  memory.fill(HEADS3, 0, 32768 * 2);
  memory.fill(PREVIOUS, 0, 32768 * 2);
  state.level = level;
  state.bits = 0;
  state.bitCount = 0;
  state.crc = 0;
  state.size = 0;
  state.history = 0;
  state.output = OUTPUT;
  put(0x00088b1f, 32);
  put(0, 32);
  put(level === LEVEL_FAST ? 0xff04 : 0xff00, 16);
}

/** Compresses the `filled` bytes of the unit: all of it, unless it is the `last`. Output of earlier calls is gone. */
export function compress(filled: u32, last: bool): void {
  if (state.history > 0) state.output = OUTPUT; // else the header is still there
  state.filled = filled;
  state.crc = crc32(state.crc, UNIT, filled);
  state.size += filled;
  if (state.level === LEVEL_FAST) fast();
  else lazy();
  writeBlock(last);
  if (last) {
    alignToByte();
    put(state.crc, 32);
    put(state.size, 32);
  } else {
    memory.copy(WINDOW, UNIT + UNIT_BYTES - WINDOW_BYTES, WINDOW_BYTES);
    state.history = WINDOW_BYTES;
  }
}
