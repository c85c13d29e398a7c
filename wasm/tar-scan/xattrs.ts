/** Extended attributes from an entry's extended header. */
import { writeAcl } from "./acl";
import { ERROR_LIMIT_XATTRS, fail } from "./state";
import {
  badValue,
  key,
  keyBytes,
  KEYS,
  keyStarts,
  LIBARCHIVE_XATTR,
  nextRecord,
  SCHILY_XATTR,
  value,
  valueBytes,
} from "./pax-record";
import { fields, PAX_XATTRS_LIBARCHIVE } from "./pax";

/** Attributes an entry may have: Linux lists at most 64 KiB of names. */
const MAX_XATTRS: u32 = 4096;

/**
 * Writes the entry's extended attributes as format.ts lays them out, at `to`; returns the end. The list is at most as
 * long as the payload. SCHILY.xattr values are raw; LIBARCHIVE.xattr values are base64, names URL-encoded, and count
 * only where there is no SCHILY record of that name (libarchive writes both). Later records replace earlier ones.
 */
export function writeXattrs(to: usize, at: usize, bytes: usize): usize {
  const start = to;
  const end = at + bytes;
  let count: u32 = 0;
  for (let pass: u32 = 0; pass < 2; pass++) {
    if (pass === 1 && !(fields & PAX_XATTRS_LIBARCHIVE)) break;
    let next = at;
    while (next < end) {
      next = nextRecord(next, end);
      const prefix = pass === 0 ? SCHILY_XATTR : LIBARCHIVE_XATTR;
      if (!keyStarts(pass === 0 ? KEYS : KEYS + 13, prefix)) continue;
      if (++count > MAX_XATTRS) {
        fail(ERROR_LIMIT_XATTRS, <f64>MAX_XATTRS);
        return to;
      }
      to = writeXattr(start, to, prefix, pass === 1);
    }
  }
  return to;
}

/** "system.posix_acl_" and what follows it. */
const ACL_NAME: usize = memory.data<u8>([
  115, 121, 115, 116, 101, 109, 46, 112, 111, 115, 105, 120, 95, 97, 99, 108, 95,
]);
const ACL_NAME_BYTES: u32 = 17;
const ACCESS: usize = memory.data<u8>([97, 99, 99, 101, 115, 115]);
const DEFAULT: usize = memory.data<u8>([100, 101, 102, 97, 117, 108, 116]);

/** Whether the last call of writeAclXattr wrote one. */
export let wroteAcl: bool = false;

/** Adds an access control list given as text to the list that begins at `start`, unless it has the attribute already. */
export function writeAclXattr(start: usize, to: usize, text: usize, textBytes: usize, isDefault: bool): usize {
  const restBytes: u32 = isDefault ? 7 : 6;
  const nameBytes = ACL_NAME_BYTES + restBytes;
  const name = to + 8;
  wroteAcl = false;
  memory.copy(name, ACL_NAME, ACL_NAME_BYTES);
  memory.copy(name + ACL_NAME_BYTES, isDefault ? DEFAULT : ACCESS, restBytes);
  for (let had = start; had < to; had += <usize>8 + load<u16>(had) + load<u32>(had, 4)) {
    if (<u32>load<u16>(had) === nameBytes && memory.compare(had + 8, name, nameBytes) === 0) return to;
  }
  const bytes = writeAcl(name + nameBytes, text, textBytes, isDefault);
  if (bytes === 0) return to;
  store<u32>(to, nameBytes);
  store<u32>(to, bytes, 4);
  wroteAcl = true;
  return name + nameBytes + bytes;
}

function writeXattr(start: usize, to: usize, prefix: usize, libarchive: bool): usize {
  const name = to + 8;
  const nameBytes = decodeName(name, key + prefix, keyBytes - prefix, libarchive);
  if (nameBytes > 0xffff) {
    badValue();
    return to;
  }
  let had = start;
  while (had < to) {
    const bytes: usize = <usize>8 + load<u16>(had) + load<u32>(had, 4);
    if (<usize>load<u16>(had) === nameBytes && memory.compare(had + 8, name, nameBytes) === 0) {
      if (libarchive) return to;
      memory.copy(had, had + bytes, to - had - bytes + 8 + nameBytes);
      return writeXattr(start, to - bytes, prefix, false);
    }
    had += bytes;
  }
  let written = valueBytes;
  if (libarchive) written = decodeBase64(name + nameBytes);
  else memory.copy(name + nameBytes, value, valueBytes);
  store<u32>(to, <u32>nameBytes);
  store<u32>(to, <u32>written, 4);
  return name + nameBytes + written;
}

function hexDigit(byte: u8): u32 {
  const digit = <u32>byte - 48;
  if (digit < 10) return digit;
  const letter = ((<u32>byte) | 32) - 97;
  return letter < 6 ? letter + 10 : 255;
}

/** GNU tar writes '=' and '%' of a name as %3D and %25; libarchive URL-encodes more. Returns the decoded length. */
function decodeName(to: usize, from: usize, bytes: usize, everything: bool): usize {
  let written: usize = 0;
  for (let i: usize = 0; i < bytes; i++) {
    let byte = load<u8>(from + i);
    if (byte === 37 && i + 2 < bytes) {
      const code = (hexDigit(load<u8>(from + i, 1)) << 4) | hexDigit(load<u8>(from + i, 2));
      if (code < 256 && (everything || code === 0x3d || code === 0x25)) {
        byte = <u8>code;
        i += 2;
      }
    }
    store<u8>(to + written, byte);
    written++;
  }
  return written;
}

/** Decodes the value, base64 with or without its final padding; returns the length. */
function decodeBase64(to: usize): usize {
  let bits: u32 = 0;
  let have: u32 = 0;
  let written: usize = 0;
  for (let i: usize = 0; i < valueBytes; i++) {
    const byte = load<u8>(value + i);
    if (byte === 61) break;
    let six: u32 = 64;
    if (byte >= 65 && byte <= 90) six = byte - 65;
    else if (byte >= 97 && byte <= 122) six = byte - 71;
    else if (byte >= 48 && byte <= 57) six = byte + 4;
    else if (byte === 43) six = 62;
    else if (byte === 47) six = 63;
    if (six === 64) {
      badValue();
      return 0;
    }
    bits = (bits << 6) | six;
    have += 6;
    if (have >= 8) {
      have -= 8;
      store<u8>(to + written, <u8>(bits >> have));
      written++;
    }
  }
  return written;
}
