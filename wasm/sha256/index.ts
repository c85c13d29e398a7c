/**
 * SHA-256 (FIPS 180-4): four independent streams ("lanes") in one instance. A single stream is lane 0.
 *
 * Memory map (bytes):
 *
 *   K        64 u32        round constants, section 4.2.2
 *   STATES   4 x 8 u32     hash values H of each lane
 *   DIGEST   32            the digest that finish() wrote, big-endian
 *   WK       64 x 16       W[t] + K[t]; slot t holds four words, one for each of four blocks (SIMD) or one used (scalar)
 *   INPUT    64 gap + 256 KiB + 3 x 64 more: lane i's input starts at inputOf(i) and is 64 KiB long. Lane 0 alone may
 *            fill all 256 KiB, over the other lanes' buffers. The 64 bytes before each input take the previous call's
 *            unhashed rest, so that blocks are always hashed in place, at any alignment.
 */
import { rounds, schedule } from "./single";
import { hash4, schedule4 } from "./lanes";
import { DIGEST, INPUT, LANE_BYTES, LANE_STRIDE, STATES, WK } from "./memory";

/** Bytes of each lane's unhashed rest (0..63) and of all its input. */
const rest = memory.data(16, 16);
const total = memory.data(32, 16);

/** Where lane `lane`'s input goes. */
export function inputOf(lane: u32): usize {
  return INPUT + 64 + lane * LANE_STRIDE;
}

/** Capacity of one lane's input when four are used; a lone lane 0 has four times as much. */
export function laneBytes(): u32 {
  return LANE_BYTES;
}

/** Starts lane `lane` anew. */
export function reset(lane: u32): void {
  const state = STATES + lane * 32;
  store<u32>(state, 0x6a09e667, 0);
  store<u32>(state, 0xbb67ae85, 4);
  store<u32>(state, 0x3c6ef372, 8);
  store<u32>(state, 0xa54ff53a, 12);
  store<u32>(state, 0x510e527f, 16);
  store<u32>(state, 0x9b05688c, 20);
  store<u32>(state, 0x1f83d9ab, 24);
  store<u32>(state, 0x5be0cd19, 28);
  store<u32>(rest + lane * 4, 0);
  store<u64>(total + lane * 8, 0);
}

/** Hashes `blocks` blocks at `data` into lane `lane`. */
function hashBlocks(lane: u32, data: usize, blocks: u32): void {
  const state = STATES + lane * 32;
  if (ASC_FEATURE_SIMD) {
    // The message schedules of four blocks depend on nothing but the message: one SIMD lane each.
    while (blocks >= 4) {
      schedule4(data, data + 64, data + 128, data + 192);
      rounds(state, WK);
      rounds(state, WK + 4);
      rounds(state, WK + 8);
      rounds(state, WK + 12);
      data += 256;
      blocks -= 4;
    }
  }
  for (; blocks > 0; --blocks, data += 64) {
    schedule(data);
    rounds(state, WK);
  }
}

/** Moves what is left at `from` in front of the input, for the next call. */
function keepRest(lane: u32, from: usize, bytes: u32): void {
  memory.copy(inputOf(lane) - bytes, from, bytes);
  store<u32>(rest + lane * 4, bytes);
}

/** Hashes the `bytes` bytes at inputOf(lane). */
export function update(lane: u32, bytes: u32): void {
  store<u64>(total + lane * 8, load<u64>(total + lane * 8) + bytes);
  const left = load<u32>(rest + lane * 4);
  const data = inputOf(lane) - left;
  const available = left + bytes;
  hashBlocks(lane, data, available >> 6);
  keepRest(lane, data + (available & ~63), available & 63);
}

/** update() on all four lanes; blocks that three or four lanes have are hashed side by side. */
export function update4(bytes0: u32, bytes1: u32, bytes2: u32, bytes3: u32): void {
  if (ASC_FEATURE_SIMD) {
    const left0 = load<u32>(rest, 0);
    const left1 = load<u32>(rest, 4);
    const left2 = load<u32>(rest, 8);
    const left3 = load<u32>(rest, 12);
    const blocks0 = (left0 + bytes0) >> 6;
    const blocks1 = (left1 + bytes1) >> 6;
    const blocks2 = (left2 + bytes2) >> 6;
    const blocks3 = (left3 + bytes3) >> 6;
    const busy = u32(blocks0 > 0) + u32(blocks1 > 0) + u32(blocks2 > 0) + u32(blocks3 > 0);
    if (busy >= 3) {
      const idle = blocks0 === 0 ? 0 : blocks1 === 0 ? 1 : blocks2 === 0 ? 2 : blocks3 === 0 ? 3 : 4;
      let blocks: u32 = u32.MAX_VALUE;
      if (idle !== 0) blocks = min(blocks, blocks0);
      if (idle !== 1) blocks = min(blocks, blocks1);
      if (idle !== 2) blocks = min(blocks, blocks2);
      if (idle !== 3) blocks = min(blocks, blocks3);
      hash4(inputOf(0) - left0, inputOf(1) - left1, inputOf(2) - left2, inputOf(3) - left3, blocks, idle);
      const done = blocks << 6;
      updateAfter(0, left0, bytes0, idle === 0 ? 0 : done);
      updateAfter(1, left1, bytes1, idle === 1 ? 0 : done);
      updateAfter(2, left2, bytes2, idle === 2 ? 0 : done);
      updateAfter(3, left3, bytes3, idle === 3 ? 0 : done);
      return;
    }
  }
  update(0, bytes0);
  update(1, bytes1);
  update(2, bytes2);
  update(3, bytes3);
}

/** The rest of update() when the first `done` bytes, counted from the previous call's rest, are already hashed. */
function updateAfter(lane: u32, left: u32, bytes: u32, done: u32): void {
  store<u64>(total + lane * 8, load<u64>(total + lane * 8) + bytes);
  const data = inputOf(lane) - left + done;
  const available = left + bytes - done;
  hashBlocks(lane, data, available >> 6);
  keepRest(lane, data + (available & ~63), available & 63);
}

/** Pads lane `lane` (section 5.1.1), leaves its digest at the returned address. The lane must then be reset. */
export function finish(lane: u32): usize {
  const left = load<u32>(rest + lane * 4);
  const data = inputOf(lane) - left;
  const padded: u32 = left < 56 ? 64 : 128;
  memory.fill(data + left, 0, padded - left);
  store<u8>(data + left, 0x80);
  store<u64>(data + padded - 8, bswap(load<u64>(total + lane * 8) << 3));
  hashBlocks(lane, data, padded >> 6);
  for (let i: u32 = 0; i < 32; i += 4) store<u32>(DIGEST + i, bswap(load<u32>(STATES + lane * 32 + i)));
  return DIGEST;
}
