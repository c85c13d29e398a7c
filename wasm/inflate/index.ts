/**
 * gzip decompression (RFC 1952, RFC 1951): a machine that stops wherever its input ends, checks CRC-32 and size of each
 * member, goes on to the next one, and tolerates zero padding after the last as gzip(1) does.
 *
 * The caller fills the input (inputAddress(), at most inputBytes()), calls feed(bytes), then run() until it returns
 * NEED_INPUT; after each run() the new output is outputBytes() bytes at outputAddress(). At the end, finished() tells
 * whether the input may end there. A status from 2 on is an error, and final.
 *
 * Memory map (bytes):
 *
 *   INPUT      128 KiB + 16 that the fast loop may read ahead
 *   OUTPUT     32 KiB window, 256 KiB output, 320 slack that a match may write past the end. When the output is full,
 *              its last 32 KiB move to the front.
 *   tables     literals 2342 x 4, distances 402 x 4, code lengths 128 x 4, and what building them needs
 *   STATE      memory.ts
 *   CRC-32     common/crc32.ts
 */
import { crc32, initCrc32 } from "../common/crc32";
import { drop, need, take } from "./bits";
import { header } from "./header";
import { initPatterns, symbols, GO_ON } from "./symbols";
import {
  AT_BETWEEN,
  AT_BLOCK,
  AT_CODE_LENGTHS,
  AT_DYNAMIC,
  AT_HEADER,
  AT_LENGTHS,
  AT_PADDING,
  AT_SIZE,
  AT_STORED,
  AT_STORED_LENGTH,
  AT_SYMBOLS,
  AT_TRAILER,
  ERROR_BLOCK_TYPE,
  ERROR_CODE_LENGTHS,
  ERROR_CRC,
  ERROR_DISTANCE_CODE,
  ERROR_GARBAGE,
  ERROR_LITERAL_CODE,
  ERROR_NO_END_OF_BLOCK,
  ERROR_REPEAT,
  ERROR_SIZE,
  ERROR_STORED_LENGTH,
  ERROR_TOO_MANY_SYMBOLS,
  INPUT,
  INPUT_BYTES,
  NEED_INPUT,
  NEED_OUTPUT,
  OUTPUT,
  OUTPUT_BYTES,
  WINDOW_BYTES,
  state,
} from "./memory";
import { CODE_LENGTH_TABLE, LENGTHS, buildCodeLengths, buildDistances, buildFixed, buildLiterals } from "./tables";

initCrc32();
initPatterns();

const OUTPUT_START: usize = OUTPUT + WINDOW_BYTES;
const OUTPUT_END: usize = OUTPUT_START + OUTPUT_BYTES;

/** The order in which code length code lengths come, RFC 1951, section 3.2.7. */
const ORDER = memory.data<u8>([16, 17, 18, 0, 8, 7, 9, 6, 10, 5, 11, 4, 12, 3, 13, 2, 14, 1, 15]);

export function inputAddress(): usize {
  return INPUT;
}

export function inputBytes(): u32 {
  return INPUT_BYTES;
}

/** Starts a new stream. */
export function reset(): void {
  state.bits = 0;
  state.bitCount = 0;
  state.input = INPUT;
  state.inputEnd = INPUT;
  state.output = OUTPUT_START;
  state.summed = OUTPUT_START;
  state.handed = OUTPUT_START;
  state.at = AT_HEADER;
  state.error = 0;
  state.left = 10;
  state.crc = 0;
}

/** Tells of `bytes` bytes at inputAddress(). All earlier input must have been used up. */
export function feed(bytes: u32): void {
  state.input = INPUT;
  state.inputEnd = INPUT + bytes;
}

export function outputAddress(): usize {
  return state.handed;
}

export function outputBytes(): u32 {
  return u32(state.output - state.handed);
}

/** Whether the stream may end where it is. */
export function finished(): bool {
  return state.at === AT_PADDING || (state.at === AT_BETWEEN && state.bitCount === 0);
}

/** Whether nothing of any member was there. */
export function empty(): bool {
  return state.at === AT_HEADER && state.left === 10;
}

/** Goes on; returns why it stopped. */
export function run(): u32 {
  if (state.error !== 0) return state.error;
  if (state.output >= OUTPUT_END) slide();
  state.handed = state.output;
  let status = GO_ON;
  do {
    switch (state.at) {
      case AT_BLOCK:
        status = block();
        break;
      case AT_STORED_LENGTH:
        status = storedLength();
        break;
      case AT_STORED:
        status = stored();
        break;
      case AT_DYNAMIC:
        status = dynamic();
        break;
      case AT_CODE_LENGTHS:
        status = codeLengths();
        break;
      case AT_LENGTHS:
        status = lengths();
        break;
      case AT_SYMBOLS:
        status = symbols();
        break;
      case AT_TRAILER:
        status = trailer();
        break;
      case AT_SIZE:
        status = size();
        break;
      case AT_BETWEEN:
        status = between();
        break;
      case AT_PADDING:
        status = padding();
        break;
      default:
        status = header();
    }
  } while (status === GO_ON);
  sum();
  if (status > NEED_OUTPUT) state.error = status;
  return status;
}

/** Takes what is new in the output into CRC-32 and size. */
function sum(): void {
  const bytes = u32(state.output - state.summed);
  state.crc = crc32(state.crc, state.summed, bytes);
  state.size += bytes;
  state.summed = state.output;
}

/** Keeps the last 32 KiB as the window of what follows. */
function slide(): void {
  const shift = state.output - OUTPUT_START;
  memory.copy(OUTPUT, OUTPUT + shift, WINDOW_BYTES);
  state.output -= shift;
  state.summed = state.output;
  state.floor = state.floor < OUTPUT + shift ? OUTPUT : state.floor - shift;
}

/** The three bits before each block, RFC 1951, section 3.2.3. */
function block(): u32 {
  if (!need(3)) return NEED_INPUT;
  state.lastBlock = take(1);
  const type = take(2);
  if (type === 0) {
    drop(state.bitCount & 7);
    state.at = AT_STORED_LENGTH;
  } else if (type === 1) {
    if (!state.fixed) buildFixed();
    state.fixed = 1;
    state.at = AT_SYMBOLS;
  } else if (type === 2) state.at = AT_DYNAMIC;
  else return ERROR_BLOCK_TYPE;
  return GO_ON;
}

function storedLength(): u32 {
  if (!need(32)) return NEED_INPUT;
  const length = take(16);
  if (length !== (take(16) ^ 0xffff)) return ERROR_STORED_LENGTH;
  state.left = length;
  state.at = AT_STORED;
  return GO_ON;
}

function stored(): u32 {
  while (state.left > 0) {
    if (state.output >= OUTPUT_END) return NEED_OUTPUT;
    if (state.bitCount > 0) {
      store<u8>(state.output++, u8(take(8)));
      state.left--;
      continue;
    }
    const bytes = min(min(state.left, u32(state.inputEnd - state.input)), u32(OUTPUT_END - state.output));
    if (bytes === 0) return NEED_INPUT;
    memory.copy(state.output, state.input, bytes);
    state.output += bytes;
    state.input += bytes;
    state.left -= bytes;
  }
  state.at = state.lastBlock ? AT_TRAILER : AT_BLOCK;
  return GO_ON;
}

/** The counts of a dynamic block, RFC 1951, section 3.2.7. */
function dynamic(): u32 {
  if (!need(14)) return NEED_INPUT;
  state.literalCodes = take(5) + 257;
  state.distanceCodes = take(5) + 1;
  state.codeLengthCodes = take(4) + 4;
  if (state.literalCodes > 286 || state.distanceCodes > 30) return ERROR_TOO_MANY_SYMBOLS;
  state.lengths = 0;
  state.fixed = 0;
  memory.fill(LENGTHS, 0, 19);
  state.at = AT_CODE_LENGTHS;
  return GO_ON;
}

function codeLengths(): u32 {
  for (; state.lengths < state.codeLengthCodes; state.lengths++) {
    if (!need(3)) return NEED_INPUT;
    store<u8>(LENGTHS + load<u8>(ORDER + state.lengths), u8(take(3)));
  }
  if (!buildCodeLengths()) return ERROR_CODE_LENGTHS;
  state.lengths = 0;
  state.at = AT_LENGTHS;
  return GO_ON;
}

function lengths(): u32 {
  const all = state.literalCodes + state.distanceCodes;
  while (state.lengths < all) {
    need(14);
    const entry = load<u32>(CODE_LENGTH_TABLE + ((u32(state.bits) & 127) << 2));
    const used = entry & 63;
    const symbol = entry >> 16;
    const at = LENGTHS + state.lengths;
    if (symbol < 16) {
      if (used > state.bitCount) return NEED_INPUT;
      drop(used);
      store<u8>(at, u8(symbol));
      state.lengths++;
      continue;
    }
    const extraBits: u32 = symbol === 16 ? 2 : symbol === 17 ? 3 : 7;
    if (used + extraBits > state.bitCount) return NEED_INPUT;
    drop(used);
    const times = take(extraBits) + (symbol === 18 ? 11 : 3);
    if (state.lengths + times > all || (symbol === 16 && state.lengths === 0)) return ERROR_REPEAT;
    memory.fill(at, symbol === 16 ? load<u8>(at - 1) : 0, times);
    state.lengths += times;
  }
  if (load<u8>(LENGTHS + 256) === 0) return ERROR_NO_END_OF_BLOCK;
  if (!buildLiterals(state.literalCodes)) return ERROR_LITERAL_CODE;
  if (!buildDistances(state.literalCodes, state.distanceCodes)) return ERROR_DISTANCE_CODE;
  state.at = AT_SYMBOLS;
  return GO_ON;
}

/** RFC 1952, section 2.3.1: CRC32, then ISIZE. */
function trailer(): u32 {
  drop(state.bitCount & 7);
  if (!need(32)) return NEED_INPUT;
  sum();
  if (take(32) !== state.crc) return ERROR_CRC;
  state.at = AT_SIZE;
  return GO_ON;
}

function size(): u32 {
  if (!need(32)) return NEED_INPUT;
  if (take(32) !== state.size) return ERROR_SIZE;
  state.at = AT_BETWEEN;
  return GO_ON;
}

/** A member has ended: another one, padding or the end. */
function between(): u32 {
  if (!need(8)) return NEED_INPUT;
  if ((u32(state.bits) & 255) === 0) {
    state.at = AT_PADDING;
    return GO_ON;
  }
  if ((u32(state.bits) & 255) !== 0x1f) return ERROR_GARBAGE;
  state.at = AT_HEADER;
  state.left = 10;
  state.crc = 0;
  return GO_ON;
}

function padding(): u32 {
  while (need(8)) {
    if (take(8) !== 0) return ERROR_GARBAGE;
  }
  return NEED_INPUT;
}
