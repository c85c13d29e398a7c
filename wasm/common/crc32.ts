/**
 * CRC-32 (IEEE 802.3; RFC 1952, section 8), reflected, without multiplication of polynomials, at memory speed.
 *
 * The generator P divides 1 + x^89 + x^117 + x^155 + x^300. In characteristic 2 the 128th power of a polynomial is the
 * polynomial of the 128th powers, so P also divides 1 + X^89 + X^117 + X^155 + X^300 where X = x^128 is a shift by one
 * block of 16 bytes. A block can therefore be removed from the message by adding it (XOR) to the four blocks 145, 183,
 * 211 and 300 further on: the remainder stays the same. Only the last 300 blocks remain to be divided bit by bit, which
 * tables of eight bytes at a time do (slicing-by-8).
 *
 * Memory map: TABLES 8 x 256 u32; BLOCKS (300 + 1024) x 16: the 300 blocks before the ones at work, then those.
 */

const TABLES = memory.data(8 * 1024, 16);
const DEGREE: u32 = 300;
const BATCH: u32 = 1024;
const BLOCKS = memory.data(1324 * 16, 16);
/** Below this many bytes the tables alone are as fast. */
const LONG: u32 = 16384;

/** Must run once before crc32(). */
export function initCrc32(): void {
  for (let n: u32 = 0; n < 256; ++n) {
    let c = n;
    for (let k = 0; k < 8; ++k) c = c & 1 ? 0xedb88320 ^ (c >> 1) : c >> 1;
    store<u32>(TABLES + n * 4, c);
  }
  for (let n: u32 = 0; n < 256; ++n) {
    let c = load<u32>(TABLES + n * 4);
    for (let k: u32 = 1; k < 8; ++k) {
      c = load<u32>(TABLES + (c & 255) * 4) ^ (c >> 8);
      store<u32>(TABLES + k * 1024 + n * 4, c);
    }
  }
}

/** The remainder after `bytes` more bytes; without the inversions before and after. */
function byTables(remainder: u32, from: usize, bytes: u32): u32 {
  const end = from + bytes;
  while (from + 8 <= end) {
    const low = load<u32>(from) ^ remainder;
    const high = load<u32>(from, 4);
    remainder =
      load<u32>(TABLES + ((low & 255) << 2), 7168) ^
      load<u32>(TABLES + (((low >> 8) & 255) << 2), 6144) ^
      load<u32>(TABLES + (((low >> 16) & 255) << 2), 5120) ^
      load<u32>(TABLES + ((low >> 24) << 2), 4096) ^
      load<u32>(TABLES + ((high & 255) << 2), 3072) ^
      load<u32>(TABLES + (((high >> 8) & 255) << 2), 2048) ^
      load<u32>(TABLES + (((high >> 16) & 255) << 2), 1024) ^
      load<u32>(TABLES + ((high >> 24) << 2));
    from += 8;
  }
  for (; from < end; ++from)
    remainder = load<u32>(TABLES + (((remainder ^ load<u8>(from)) & 255) << 2)) ^ (remainder >> 8);
  return remainder;
}

class Blocks {
  /** Stores at `to` the block at `from` plus the four removed blocks that fall on it; `at` is the oldest of them. */
  @inline
  static add(from: usize, at: usize, to: usize): void {
    if (ASC_FEATURE_SIMD) {
      const recent = v128.xor(v128.load(at, 155 * 16), v128.load(at, 117 * 16));
      v128.store(to, v128.xor(v128.xor(v128.load(from), recent), v128.xor(v128.load(at, 89 * 16), v128.load(at))));
    } else {
      const low =
        load<u64>(from) ^ load<u64>(at, 155 * 16) ^ load<u64>(at, 117 * 16) ^ load<u64>(at, 89 * 16) ^ load<u64>(at);
      const high =
        load<u64>(from, 8) ^
        load<u64>(at, 155 * 16 + 8) ^
        load<u64>(at, 117 * 16 + 8) ^
        load<u64>(at, 89 * 16 + 8) ^
        load<u64>(at, 8);
      store<u64>(to, low);
      store<u64>(to, high, 8);
    }
  }
}

/** Removes all but the last 300 blocks of the `blocks` blocks at `from`; returns the remainder of the rest. */
function byBlocks(remainder: u32, from: usize, blocks: u32): u32 {
  memory.fill(BLOCKS, 0, DEGREE * 16);
  let first = remainder;
  for (let left = blocks - DEGREE; left > 0;) {
    const batch = min(left, BATCH);
    let at = BLOCKS;
    for (const end = BLOCKS + batch * 16; at !== end; at += 16, from += 16) {
      Blocks.add(from, at, at + DEGREE * 16);
      if (first !== 0) {
        store<u32>(at, load<u32>(at, DEGREE * 16) ^ first, DEGREE * 16);
        first = 0;
      }
    }
    memory.copy(BLOCKS, at, DEGREE * 16);
    left -= batch;
  }
  memory.fill(BLOCKS + DEGREE * 16, 0, DEGREE * 16);
  for (let at = BLOCKS; at !== BLOCKS + DEGREE * 16; at += 16, from += 16) Blocks.add(from, at, at);
  return byTables(0, BLOCKS, DEGREE * 16);
}

/** The CRC-32 of what `crc` is the CRC of (0: nothing) followed by the `bytes` bytes at `from`, at any alignment. */
export function crc32(crc: u32, from: usize, bytes: u32): u32 {
  let remainder = ~crc;
  if (bytes >= LONG) {
    remainder = byBlocks(remainder, from, bytes >> 4);
    from += bytes & ~15;
    bytes &= 15;
  }
  return ~byTables(remainder, from, bytes);
}
