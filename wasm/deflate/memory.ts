/** The static memory of the deflate kernel and its state between calls; index.ts draws the map. */

export const WINDOW_BYTES: u32 = 32768;
/** Positions are kept modulo 65536, so a unit must have exactly this size. */
export const UNIT_BYTES: u32 = 65536;

/** 64 bytes more than are used: what is compared and copied in words reads past the end. */
export const WINDOW = memory.data(32768 + 65536 + 64, 16);
export const UNIT: usize = WINDOW + 32768;

/** A unit that does not shrink is stored: two stored blocks, the header and trailer of the stream, and a word. */
export const OUTPUT = memory.data(65536 + 64, 16);

/** Most recent position with a hash; of four bytes, and (level default) of three. */
export const HEADS = memory.data(65536 * 2, 16);
export const HEADS3 = memory.data(32768 * 2, 16);
/** The position before each one that has the same hash. */
export const PREVIOUS = memory.data(32768 * 2, 16);

/** u64 each: literals before the match (low 32 bits), length (bits 32..47), distance - 1 (bits 48..63). */
export const SEQUENCES = memory.data(8 * (65536 / 3 + 8), 16);

/** How often each literal or length symbol, and each distance symbol, occurs in the unit. */
export const LITERAL_COUNTS = memory.data(288 * 4, 16);
export const DISTANCE_COUNTS = memory.data(32 * 4, 16);

@unmanaged
class State {
  /** Bits not yet in the output, fewer than eight between calls. */
  bits: u64;
  bitCount: u32;
  /** How many candidates are looked at; half as many where there is a match already. 0: the search of fast.ts. */
  depth: u32;
  /** A match this long is taken at once. */
  nice: u32;
  output: usize;
  /** Bytes in the unit so far. */
  filled: u32;
  crc: u32;
  /** How many bytes before UNIT are earlier input. */
  history: u32;
  sequences: usize;
  /** Literals after the last sequence. */
  tail: u32;
}

export const state = changetype<State>(memory.data(64, 16));
