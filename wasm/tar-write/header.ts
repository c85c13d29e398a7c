/**
 * One entry as a tar header: ustar (POSIX.1-1988) where everything fits exactly, otherwise a pax extended header
 * (POSIX.1-2001, pax, "pax Header Block") with only the records that ustar cannot say, sorted by keyword, before it.
 * Canonical: the same entry gives the same bytes; no user names, no time of writing.
 *
 * Names are raw bytes. One that is not ASCII goes into a pax record as it is, which is what Go's archive/tar (and so
 * Docker) writes and reads, and what GNU tar, Python and libarchive take as raw bytes where it is not UTF-8. POSIX's
 * hdrcharset=BINARY is left out: GNU tar complains of it, and nobody needs it.
 */
import { ENTRY_BLOCK, ENTRY_CHAR, ENTRY_HARDLINK, ENTRY_REGULAR } from "../common/format";

const BLOCK: u32 = 512;
const NAME_BYTES: u32 = 100;
const PREFIX_BYTES: u32 = 155;
/** Largest numbers of 7 and of 11 octal digits. */
const MAX_OCTAL_7: u64 = 0o7777777;
const MAX_OCTAL_11: u64 = 0o77777777777;

/** What is to be written: globals, set by the caller before encodeHeader, so that nothing is ever allocated. */
export class Entry {
  static type: u32 = 0;
  static mode: u32 = 0;
  static uid: u32 = 0;
  static gid: u32 = 0;
  static rdevMajor: u32 = 0;
  static rdevMinor: u32 = 0;
  static mtimeSeconds: i64 = 0;
  static mtimeNanoseconds: u32 = 0;
  /** Bytes of data in the tar. */
  static size: u64 = 0;
  /** Of a file written as a sparse one, whose data begins with its map: its logical size. 0: not sparse. */
  static realSize: u64 = 0;
  static path: usize = 0;
  static pathBytes: u32 = 0;
  static link: usize = 0;
  static linkBytes: u32 = 0;
  static xattrs: usize = 0;
  static xattrBytes: u32 = 0;
}

/** Upper bound of what encodeHeader writes for the entry. */
export function headerBound(): u32 {
  // An attribute of 9 bytes (format.ts) takes a record of 21; a byte of a name may be written as three.
  return 4 * BLOCK + 2048 + Entry.pathBytes + Entry.linkBytes + 4 * Entry.xattrBytes;
}

/** Writes the entry's header blocks at `to`; returns their bytes, a multiple of 512. */
export function encodeHeader(to: usize): u32 {
  const records = to + BLOCK;
  const recordBytes = writeRecords(records);
  if (recordBytes === 0) {
    writeBlock(to, typeFlag(Entry.type), Entry.size);
    return BLOCK;
  }
  const padded = (recordBytes + BLOCK - 1) & ~(BLOCK - 1);
  memory.fill(records + recordBytes, 0, padded - recordBytes);
  writeExtendedBlock(to, recordBytes);
  writeBlock(records + padded, typeFlag(Entry.type), Entry.size);
  return padded + 2 * BLOCK;
}

/** Type flags of ustar, section "ustar Interchange Format". */
function typeFlag(type: u32): u8 {
  if (type === ENTRY_REGULAR) return 0x30;
  // HARDLINK, SYMLINK, CHAR, BLOCK, DIRECTORY and FIFO are '1' to '6'.
  return <u8>(0x30 + type);
}

function writeBlock(to: usize, flag: u8, size: u64): void {
  memory.fill(to, 0, BLOCK);
  const split = splitAt();
  if (Entry.realSize > 0) {
    // As GNU tar has it: a reader that knows no sparse files does not take map and data for the file itself.
    text(to, "GNUSparseFile.0/");
    asciiField(to + 16, NAME_BYTES - 16, Entry.path, Entry.pathBytes);
  } else if (needsPathRecord()) asciiField(to, NAME_BYTES, Entry.path, Entry.pathBytes);
  else if (split > 0) {
    memory.copy(to + 345, Entry.path, split);
    memory.copy(to, Entry.path + split + 1, Entry.pathBytes - split - 1);
  } else memory.copy(to, Entry.path, Entry.pathBytes);
  octal(to + 100, 7, Entry.mode & 0o7777);
  octal(to + 108, 7, Entry.uid <= MAX_OCTAL_7 ? Entry.uid : 0);
  octal(to + 116, 7, Entry.gid <= MAX_OCTAL_7 ? Entry.gid : 0);
  octal(to + 124, 11, size <= MAX_OCTAL_11 ? size : 0);
  octal(to + 136, 11, timeFits() ? <u64>Entry.mtimeSeconds : 0);
  store<u8>(to, flag, 156);
  asciiField(to + 157, NAME_BYTES, Entry.link, Entry.linkBytes);
  store<u64>(to, 0x3030007261747375, 257); // "ustar\0" "00"
  if (Entry.type === ENTRY_CHAR || Entry.type === ENTRY_BLOCK) {
    octal(to + 329, 7, Entry.rdevMajor <= MAX_OCTAL_7 ? Entry.rdevMajor : 0);
    octal(to + 337, 7, Entry.rdevMinor <= MAX_OCTAL_7 ? Entry.rdevMinor : 0);
  }
  checksum(to);
}

function writeExtendedBlock(to: usize, bytes: u32): void {
  memory.fill(to, 0, BLOCK);
  // "PaxHeaders/" and the last component: for the eye only.
  text(to, "PaxHeaders/");
  let end = Entry.pathBytes;
  if (end > 1 && load<u8>(Entry.path + end - 1) === 0x2f) --end;
  let start = end;
  while (start > 0 && load<u8>(Entry.path + start - 1) !== 0x2f) --start;
  asciiField(to + 11, NAME_BYTES - 11, Entry.path + start, end - start);
  octal(to + 100, 7, 0o644);
  octal(to + 108, 7, 0);
  octal(to + 116, 7, 0);
  octal(to + 124, 11, bytes);
  octal(to + 136, 11, 0);
  store<u8>(to, 0x78, 156);
  store<u64>(to, 0x3030007261747375, 257);
  checksum(to);
}

/** The ASCII bytes of a text, as many as the field holds: all that a reader without pax is shown. */
function asciiField(to: usize, room: u32, bytes: usize, length: u32): void {
  for (let i: u32 = 0; i < length && room > 0; ++i) {
    const byte = load<u8>(bytes + i);
    if (byte >= 0x80) continue;
    store<u8>(to++, byte);
    --room;
  }
}

/** Where a path longer than the name field splits into prefix (155 bytes) and name; 0: nowhere, or no need. */
function splitAt(): u32 {
  const length = Entry.pathBytes;
  if (length <= NAME_BYTES || length > PREFIX_BYTES + 1 + NAME_BYTES) return 0;
  // A slash at the very end does not separate anything.
  let at = min(length - 2, PREFIX_BYTES);
  while (at > 0 && load<u8>(Entry.path + at) !== 0x2f) --at;
  return length - at - 1 <= NAME_BYTES ? at : 0;
}

/** The ustar fields cannot hold the path as it is. */
function needsPathRecord(): bool {
  return !isAscii(Entry.path, Entry.pathBytes) || (Entry.pathBytes > NAME_BYTES && splitAt() === 0);
}

function octal(to: usize, digits: u32, value: u64): void {
  for (let i = digits; i > 0; --i) {
    store<u8>(to + i - 1, <u8>(0x30 + (value & 7)));
    value >>= 3;
  }
}

function checksum(block: usize): void {
  store<u64>(block, 0x2020202020202020, 148);
  let sum: u32 = 0;
  for (let i: u32 = 0; i < BLOCK; ++i) sum += load<u8>(block + i);
  octal(block + 148, 6, sum);
  store<u8>(block, 0, 154);
}

function timeFits(): bool {
  return Entry.mtimeSeconds >= 0 && <u64>Entry.mtimeSeconds <= MAX_OCTAL_11;
}

function isAscii(bytes: usize, length: u32): bool {
  for (let i: u32 = 0; i < length; ++i) if (load<u8>(bytes + i) >= 0x80) return false;
  return true;
}

/** All pax records the entry needs, in order of their keywords; their bytes. */
function writeRecords(to: usize): u32 {
  let at = to;
  const longPath = Entry.realSize === 0 && needsPathRecord();
  const longLink = Entry.linkBytes > NAME_BYTES || !isAscii(Entry.link, Entry.linkBytes);
  if (Entry.type === ENTRY_CHAR || Entry.type === ENTRY_BLOCK) {
    // Linux's own numbers, 12 bits and 20, always fit.
    if (Entry.rdevMajor > MAX_OCTAL_7) at = numberRecord(at, "SCHILY.devmajor", Entry.rdevMajor);
    if (Entry.rdevMinor > MAX_OCTAL_7) at = numberRecord(at, "SCHILY.devminor", Entry.rdevMinor);
  }
  if (Entry.realSize > 0) {
    at = numberRecord(at, "GNU.sparse.major", 1);
    at = numberRecord(at, "GNU.sparse.minor", 0);
    at = bytesRecord(at, "GNU.sparse.name", Entry.path, Entry.pathBytes);
    at = numberRecord(at, "GNU.sparse.realsize", Entry.realSize);
  }
  // A hard link has no attributes of its own: they are the file's that it names.
  if (Entry.xattrBytes > 0 && Entry.type !== ENTRY_HARDLINK) at = xattrRecords(at);
  if (Entry.gid > MAX_OCTAL_7) at = numberRecord(at, "gid", Entry.gid);
  if (longLink) at = bytesRecord(at, "linkpath", Entry.link, Entry.linkBytes);
  if (Entry.mtimeNanoseconds !== 0 || !timeFits()) at = timeRecord(at);
  if (longPath) at = bytesRecord(at, "path", Entry.path, Entry.pathBytes);
  if (Entry.size > MAX_OCTAL_11) at = numberRecord(at, "size", Entry.size);
  if (Entry.uid > MAX_OCTAL_7) at = numberRecord(at, "uid", Entry.uid);
  return <u32>(at - to);
}

function decimalDigits(value: u64): u32 {
  let digits: u32 = 1;
  while (value >= 10) {
    value /= 10;
    ++digits;
  }
  return digits;
}

function decimal(to: usize, value: u64): usize {
  const digits = decimalDigits(value);
  for (let i = digits; i > 0; --i) {
    store<u8>(to + i - 1, <u8>(0x30 + (value % 10)));
    value /= 10;
  }
  return to + digits;
}

function text(to: usize, value: string): usize {
  for (let i = 0; i < value.length; ++i) store<u8>(to + i, <u8>value.charCodeAt(i));
  return to + value.length;
}

/** "LENGTH " of a record whose rest, " KEY=VALUE\n" without the length, has `rest` bytes: the length counts itself. */
function recordLength(to: usize, rest: u32): usize {
  let total = rest + 1;
  while (total !== rest + decimalDigits(total)) total = rest + decimalDigits(total);
  return decimal(to, total);
}

function bytesRecord(to: usize, key: string, value: usize, bytes: u32): usize {
  let at = recordLength(to, key.length + bytes + 3);
  store<u8>(at, 0x20);
  at = text(at + 1, key);
  store<u8>(at, 0x3d);
  memory.copy(at + 1, value, bytes);
  store<u8>(at + 1 + bytes, 0x0a);
  return at + bytes + 2;
}

const NUMBER = memory.data(64, 16);

function numberRecord(to: usize, key: string, value: u64): usize {
  return bytesRecord(to, key, NUMBER, <u32>(decimal(NUMBER, value) - NUMBER));
}

/** Seconds with up to nine decimals, trailing zeros cut; before 1970 the sign is the whole number's. */
function timeRecord(to: usize): usize {
  let seconds = Entry.mtimeSeconds;
  let nanoseconds = Entry.mtimeNanoseconds;
  let at = NUMBER;
  if (seconds < 0) {
    store<u8>(at++, 0x2d);
    seconds = -seconds;
    if (nanoseconds !== 0) {
      --seconds;
      nanoseconds = 1_000_000_000 - nanoseconds;
    }
  }
  at = decimal(at, <u64>seconds);
  if (nanoseconds !== 0) {
    store<u8>(at, 0x2e);
    for (let i = 9; i > 0; --i) {
      store<u8>(at + i, <u8>(0x30 + (nanoseconds % 10)));
      nanoseconds /= 10;
    }
    at += 9;
    while (load<u8>(at) === 0x30) --at;
    ++at;
  }
  return bytesRecord(to, "mtime", NUMBER, <u32>(at - NUMBER));
}

/** SCHILY.xattr.NAME=VALUE of each attribute of the list (format.ts, section 1), by name. */
function xattrRecords(to: usize): usize {
  const end = Entry.xattrs + Entry.xattrBytes;
  let previous: usize = 0;
  let at = to;
  let best: usize; // the smallest name greater than the previous one
  // Selection by name: an entry has a handful of attributes.
  do {
    best = 0;
    for (let x = Entry.xattrs; x + 8 <= end; x += 8 + load<u16>(x) + load<u32>(x, 4)) {
      if ((previous === 0 || compareNames(previous, x) < 0) && (best === 0 || compareNames(x, best) < 0)) best = x;
    }
    if (best !== 0) at = xattrRecord(best, at);
    previous = best;
  } while (best !== 0);
  return at;
}

function compareNames(a: usize, b: usize): i32 {
  const aBytes = <u32>load<u16>(a);
  const bBytes = <u32>load<u16>(b);
  const order = memory.compare(a + 8, b + 8, min(aBytes, bBytes));
  return order !== 0 ? order : <i32>aBytes - <i32>bBytes;
}

/** "=" would end the keyword: GNU tar writes %3D, and %25 for a "%" that would look like one of the two. */
function isEscaped(name: usize, i: u32, bytes: u32): bool {
  const byte = load<u8>(name + i);
  if (byte !== 0x25 || i + 2 >= bytes) return byte === 0x3d;
  const a = load<u8>(name + i, 1);
  const b = load<u8>(name + i, 2) | 0x20;
  return (a === 0x32 && b === 0x35) || (a === 0x33 && b === 0x64);
}

function escapesIn(name: usize, bytes: u32): u32 {
  let escapes: u32 = 0;
  for (let i: u32 = 0; i < bytes; ++i) if (isEscaped(name, i, bytes)) ++escapes;
  return escapes;
}

function xattrRecord(x: usize, to: usize): usize {
  const nameBytes = <u32>load<u16>(x);
  const valueBytes = load<u32>(x, 4);
  let at = recordLength(to, 13 + nameBytes + 2 * escapesIn(x + 8, nameBytes) + valueBytes + 3);
  store<u8>(at, 0x20);
  at = text(at + 1, "SCHILY.xattr.");
  for (let i: u32 = 0; i < nameBytes; ++i) {
    const byte = load<u8>(x + 8 + i);
    if (isEscaped(x + 8, i, nameBytes)) at = text(at, byte === 0x3d ? "%3D" : "%25");
    else store<u8>(at++, byte);
  }
  store<u8>(at, 0x3d);
  memory.copy(at + 1, x + 8 + nameBytes, valueBytes);
  store<u8>(at + 1 + valueBytes, 0x0a);
  return at + valueBytes + 2;
}
