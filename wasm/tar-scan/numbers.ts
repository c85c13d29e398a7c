/** Numbers as tar headers and pax records write them. */

/** Set when the last parse met something that is not a number, or one that does not fit. */
export let malformed: bool = false;
export let overflow: bool = false;

/**
 * A numeric header field: octal digits among spaces and NULs (POSIX), or, with the first bit set, big-endian base-256
 * two's complement (GNU, star). An empty field is 0, as every reader has it.
 */
export function headerNumber(at: usize, bytes: usize): i64 {
  malformed = false;
  overflow = false;
  if (load<u8>(at) & 0x80) return base256(at, bytes);
  const end = at + bytes;
  while (at < end && isBlank(load<u8>(at))) at++;
  let value: u64 = 0;
  while (at < end) {
    const digit = <u32>load<u8>(at) - 48;
    if (digit > 7) break;
    value = (value << 3) | digit;
    at++;
  }
  while (at < end && load<u8>(at) === 32) at++;
  if (at < end && load<u8>(at) !== 0) malformed = true;
  return value;
}

function base256(at: usize, bytes: usize): i64 {
  const first = load<u8>(at);
  const invert: u64 = first & 0x40 ? 0xff : 0;
  let value: u64 = (first ^ invert) & 0x7f;
  for (let i: usize = 1; i < bytes; i++) {
    if (value >> 55) {
      overflow = true;
      return 0;
    }
    value = (value << 8) | (load<u8>(at + i) ^ invert);
  }
  return invert ? ~value : value;
}

function isBlank(byte: u8): bool {
  return byte === 32 || byte === 0;
}

/** Decimal digits and nothing else, below 2^63. */
export function decimal(at: usize, bytes: usize): u64 {
  malformed = bytes === 0;
  overflow = false;
  let value: u64 = 0;
  for (let i: usize = 0; i < bytes; i++) {
    const digit = <u32>load<u8>(at + i) - 48;
    if (digit > 9) {
      malformed = true;
      return 0;
    }
    if (value > 922337203685477579) overflow = true;
    else value = value * 10 + digit;
  }
  return value;
}

/** Nanoseconds that belong to the last `paxTime`: 0..999,999,999. */
export let nanoseconds: u32 = 0;

/** A pax time: optional sign, seconds, optional fraction of which nine digits count. Returns the seconds, floored. */
export function paxTime(at: usize, bytes: usize): i64 {
  const negative = bytes > 0 && load<u8>(at) === 45;
  if (negative) {
    at++;
    bytes--;
  }
  let whole: usize = 0;
  while (whole < bytes && load<u8>(at + whole) !== 46) whole++;
  let seconds: i64 = decimal(at, whole);
  let nanos: u32 = 0;
  let scale: u32 = 100000000;
  for (let i = whole + 1; i < bytes; i++) {
    const digit = <u32>load<u8>(at + i) - 48;
    if (digit > 9) malformed = true;
    nanos += digit * scale;
    scale /= 10;
  }
  if (negative) {
    seconds = -seconds;
    if (nanos > 0) {
      seconds -= 1;
      nanos = 1000000000 - nanos;
    }
  }
  nanoseconds = nanos;
  return seconds;
}
