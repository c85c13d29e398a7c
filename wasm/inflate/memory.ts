/** The static memory of the inflate kernel and its state between calls; index.ts draws the map. */

export const INPUT_BYTES: u32 = 131072;
export const WINDOW_BYTES: u32 = 32768;
export const OUTPUT_BYTES: u32 = 262144;
/** The longest match, and what copying in 16-byte steps writes past its end. */
export const OUTPUT_SLACK: u32 = 320;

export const INPUT = memory.data(131072 + 16, 16);
export const OUTPUT = memory.data(32768 + 262144 + 320, 16);

/** Where the machine is. */
export const AT_HEADER: u32 = 0;
export const AT_EXTRA_LENGTH: u32 = 1;
export const AT_EXTRA: u32 = 2;
export const AT_NAME: u32 = 3;
export const AT_COMMENT: u32 = 4;
export const AT_HEADER_CRC: u32 = 5;
export const AT_BLOCK: u32 = 6;
export const AT_STORED_LENGTH: u32 = 7;
export const AT_STORED: u32 = 8;
export const AT_DYNAMIC: u32 = 9;
export const AT_CODE_LENGTHS: u32 = 10;
export const AT_LENGTHS: u32 = 11;
export const AT_SYMBOLS: u32 = 12;
export const AT_TRAILER: u32 = 13;
export const AT_SIZE: u32 = 14;
export const AT_BETWEEN: u32 = 15;
export const AT_PADDING: u32 = 16;

/** What run() returns; from ERROR_NOT_GZIP on src/kernels/inflate.ts has the words. */
export const NEED_INPUT: u32 = 0;
export const NEED_OUTPUT: u32 = 1;
export const ERROR_NOT_GZIP: u32 = 2;
export const ERROR_METHOD: u32 = 3;
export const ERROR_RESERVED_FLAGS: u32 = 4;
export const ERROR_HEADER_CRC: u32 = 5;
export const ERROR_BLOCK_TYPE: u32 = 6;
export const ERROR_STORED_LENGTH: u32 = 7;
export const ERROR_TOO_MANY_SYMBOLS: u32 = 8;
export const ERROR_CODE_LENGTHS: u32 = 9;
export const ERROR_REPEAT: u32 = 10;
export const ERROR_NO_END_OF_BLOCK: u32 = 11;
export const ERROR_LITERAL_CODE: u32 = 12;
export const ERROR_DISTANCE_CODE: u32 = 13;
export const ERROR_SYMBOL: u32 = 14;
export const ERROR_DISTANCE_SYMBOL: u32 = 15;
export const ERROR_DISTANCE: u32 = 16;
export const ERROR_CRC: u32 = 17;
export const ERROR_SIZE: u32 = 18;
export const ERROR_GARBAGE: u32 = 19;

@unmanaged
class State {
  /** Bits taken from the input and not yet used, the next one lowest; those above bitCount are zero. */
  bits: u64;
  bitCount: u32;
  /** The unread input. */
  input: usize;
  inputEnd: usize;
  /** Where the next byte of output goes; from where it is not yet in the CRC; from where not yet handed over. */
  output: usize;
  summed: usize;
  handed: usize;
  /** The oldest byte that a match may refer to. */
  floor: usize;
  at: u32;
  /** An error is final. */
  error: u32;
  /** CRC-32 and length (modulo 2^32) of the member's output so far; of the header while that is read. */
  crc: u32;
  size: u32;
  flags: u32;
  /** Bytes left of what AT_HEADER, AT_EXTRA or AT_STORED is at. */
  left: u32;
  lastBlock: u32;
  literalCodes: u32;
  distanceCodes: u32;
  codeLengthCodes: u32;
  /** Lengths read so far. */
  lengths: u32;
  /** The tables are those of fixed Huffman codes. */
  fixed: u32;
}

export const state = changetype<State>(memory.data(128, 16));
