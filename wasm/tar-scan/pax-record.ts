/** The records of an extended header, one after the other (POSIX.1-2017 pax, "pax Extended Header"): "%d %s=%s\n". */
import { ERROR_PAX_SYNTAX, ERROR_PAX_VALUE, fail, state } from "./state";
import { decimal, malformed, overflow } from "./numbers";

/** The record that `nextRecord` found. */
export let key: usize = 0;
export let keyBytes: usize = 0;
export let value: usize = 0;
export let valueBytes: usize = 0;

/** Splits the record at `at`; returns where the next one starts, or 0 after an error. */
export function nextRecord(at: usize, end: usize): usize {
  let length: usize = 0;
  let digits = at;
  while (digits < end) {
    const digit = <u32>load<u8>(digits) - 48;
    if (digit > 9) break;
    length = length * 10 + digit;
    if (length > 0x3fffffff) break;
    digits++;
  }
  const next = at + length;
  if (
    digits === at ||
    digits >= end ||
    load<u8>(digits) !== 32 ||
    length > end - at ||
    next < digits + 3 ||
    load<u8>(next - 1) !== 10
  ) {
    fail(ERROR_PAX_SYNTAX, <f64>(at - state.pax), 0, at, min<usize>(end - at, 40));
    return 0;
  }
  key = digits + 1;
  value = key;
  while (value < next - 1 && load<u8>(value) !== 61) {
    if (load<u8>(value) === 0) break;
    value++;
  }
  if (value === key || load<u8>(value) !== 61) {
    fail(ERROR_PAX_SYNTAX, <f64>(at - state.pax), 0, at, min<usize>(length - 1, 40));
    return 0;
  }
  keyBytes = value - key;
  value++;
  valueBytes = next - 1 - value;
  return next;
}

export const KEYS: usize = memory.data<u8>([
  // "SCHILY.xattr." at 0
  83, 67, 72, 73, 76, 89, 46, 120, 97, 116, 116, 114, 46,
  // "LIBARCHIVE.xattr." at 13
  76, 73, 66, 65, 82, 67, 72, 73, 86, 69, 46, 120, 97, 116, 116, 114, 46,
  // "GNU.sparse." at 30
  71, 78, 85, 46, 115, 112, 97, 114, 115, 101, 46,
  // "SCHILY.devm" at 41
  83, 67, 72, 73, 76, 89, 46, 100, 101, 118, 109,
  // "SCHILY.acl." at 52
  83, 67, 72, 73, 76, 89, 46, 97, 99, 108, 46,
]);
export const SCHILY_XATTR: usize = 13;
export const LIBARCHIVE_XATTR: usize = 17;
export const GNU_SPARSE: usize = 11;
export const SCHILY_DEV: usize = 11;
export const SCHILY_ACL: usize = 11;

export function keyStarts(prefix: usize, bytes: usize): bool {
  return keyBytes > bytes && memory.compare(key, prefix, bytes) === 0;
}

/** The text at `at` as one number, its first byte the lowest; 0 if it is longer than eight bytes. */
export function wordAt(at: usize, bytes: usize): u64 {
  if (bytes > 8) return 0;
  const shift = (8 - <u64>bytes) << 3;
  return bytes === 0 ? 0 : (load<u64>(at) << shift) >> shift;
}

export function badValue(): bool {
  return fail(ERROR_PAX_VALUE, <f64>valueBytes, 0, key, min<usize>(keyBytes + 1 + valueBytes, 80));
}

export function number(limit: u64): u64 {
  const n = decimal(value, valueBytes);
  if (malformed || overflow || n > limit) badValue();
  return n;
}
