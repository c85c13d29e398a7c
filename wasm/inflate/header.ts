/** The header of a member, RFC 1952, section 2.3. Nothing of it is kept. */
import { crc32 } from "../common/crc32";
import { need, take } from "./bits";
import {
  AT_BLOCK,
  AT_COMMENT,
  AT_EXTRA,
  AT_EXTRA_LENGTH,
  AT_HEADER,
  AT_HEADER_CRC,
  AT_NAME,
  ERROR_HEADER_CRC,
  ERROR_METHOD,
  ERROR_NOT_GZIP,
  ERROR_RESERVED_FLAGS,
  NEED_INPUT,
  state,
} from "./memory";
import { GO_ON } from "./symbols";

const FHCRC: u32 = 2;
const FEXTRA: u32 = 4;
const FNAME: u32 = 8;
const FCOMMENT: u32 = 16;

const BYTE = memory.data(4);

/** Takes a byte, which need(8) found to be there, and adds it to the header's CRC. */
function byte(): u32 {
  const value = take(8);
  store<u8>(BYTE, u8(value));
  state.crc = crc32(state.crc, BYTE, 1);
  return value;
}

/** One step of the header; GO_ON after it, also when the header is complete and the first block begins. */
export function header(): u32 {
  if (state.at === AT_HEADER) return fixedPart();
  if (state.at === AT_EXTRA_LENGTH) {
    if (!(state.flags & FEXTRA)) state.at = AT_NAME;
    else {
      if (!need(16)) return NEED_INPUT;
      state.left = byte();
      state.left |= byte() << 8;
      state.at = AT_EXTRA;
    }
  } else if (state.at === AT_EXTRA) {
    for (; state.left > 0; state.left--) {
      if (!need(8)) return NEED_INPUT;
      byte();
    }
    state.at = AT_NAME;
  } else if (state.at === AT_NAME) {
    if (state.flags & FNAME && !text()) return NEED_INPUT;
    state.at = AT_COMMENT;
  } else if (state.at === AT_COMMENT) {
    if (state.flags & FCOMMENT && !text()) return NEED_INPUT;
    state.at = AT_HEADER_CRC;
  } else if (state.at === AT_HEADER_CRC) {
    if (state.flags & FHCRC) {
      if (!need(16)) return NEED_INPUT;
      if (take(16) !== (state.crc & 0xffff)) return ERROR_HEADER_CRC;
    }
    state.crc = 0;
    state.size = 0;
    state.floor = state.output;
    state.summed = state.output;
    state.at = AT_BLOCK;
  }
  return GO_ON;
}

/** ID1, ID2, CM, FLG, MTIME, XFL, OS: byte 10 - state.left is the next. */
function fixedPart(): u32 {
  for (; state.left > 0; state.left--) {
    if (!need(8)) return NEED_INPUT;
    const value = byte();
    if (state.left === 10 && value !== 0x1f) return ERROR_NOT_GZIP;
    if (state.left === 9 && value !== 0x8b) return ERROR_NOT_GZIP;
    if (state.left === 8 && value !== 8) return ERROR_METHOD;
    if (state.left === 7) {
      if (value & 0xe0) return ERROR_RESERVED_FLAGS;
      state.flags = value;
    }
  }
  state.at = AT_EXTRA_LENGTH;
  return GO_ON;
}

/** Skips a text up to its NUL; false if the input ends before. */
function text(): bool {
  while (need(8)) {
    if (byte() === 0) return true;
  }
  return false;
}
