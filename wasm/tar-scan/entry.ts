/** Turns the block in HEADER, with the extended headers before it, into an entry record (wasm/common/format.ts). */
import {
  ENTRY_BLOCK,
  ENTRY_CHAR,
  ENTRY_DIRECTORY,
  ENTRY_FIFO,
  ENTRY_HARDLINK,
  ENTRY_REGULAR,
  ENTRY_SYMLINK,
  RECORD_HEADER_BYTES,
} from "../common/format";
import { aclBound, modeBits } from "./acl";
import { headerNumber, malformed, overflow } from "./numbers";
import * as pax from "./pax";
import { addMap, addOldGnu, addPairs, sparseFits, startSparse } from "./sparse";
import {
  ensure,
  ERROR_FILE_WITH_SLASH,
  ERROR_LIMIT_DEPTH,
  ERROR_LIMIT_ENTRIES,
  ERROR_LIMIT_ENTRY_BYTES,
  ERROR_LIMIT_PATH,
  ERROR_LIMIT_XATTR_BYTES,
  ERROR_NAME_DISAGREES,
  ERROR_NO_LINK,
  ERROR_NO_PATH,
  ERROR_NUMBER,
  ERROR_NUMBER_RANGE,
  ERROR_SIZE_DISAGREES,
  ERROR_SPARSE,
  ERROR_TYPE,
  EXPECT_HEADER,
  EXPECT_SPARSE_BLOCK,
  EXPECT_SPARSE_MAP,
  fail,
  HEADER,
  MAX_SIZE,
  NAME,
  state,
} from "./state";
import { writeAclXattr, writeXattrs, wroteAcl } from "./xattrs";

// Fields of the header: POSIX.1-2017 pax, "ustar Header Block"; GNU tar manual, "Basic Tar Format".
const MODE: usize = 100;
const UID: usize = 108;
const GID: usize = 116;
const SIZE: usize = 124;
const MTIME: usize = 136;
const TYPE: usize = 156;
const LINK: usize = 157;
const MAGIC: usize = 257;
const DEVMAJOR: usize = 329;
const DEVMINOR: usize = 337;
const PREFIX: usize = 345;
const GNU_SPARSE_MAP: usize = 386;
const GNU_IS_EXTENDED: usize = 482;
const GNU_REAL_SIZE: usize = 483;
const STAR_TRAILER: usize = 508;

/** Linux has 12 bits for a device's major number and 20 for its minor one. */
const MAX_MAJOR: u64 = 0xfff;
const MAX_MINOR: u64 = 0xfffff;

const MAGIC_USTAR: u64 = 0x007261747375; // "ustar\0"
const MAGIC_GNU: u64 = 0x207261747375; // "ustar "

const FORMAT_V7: u32 = 0;
const FORMAT_USTAR: u32 = 1;
const FORMAT_GNU: u32 = 2;
let format: u32 = FORMAT_V7;

let path: usize = 0;
let pathBytes: u32 = 0;
let link: usize = 0;
let linkBytes: u32 = 0;
let type: u8 = 0;
let size: u64 = 0;
let dataOffset: u64 = 0;
let storedBytes: u64 = 0;

function textBytes(at: usize, limit: u32): u32 {
  let bytes: u32 = 0;
  while (bytes < limit && load<u8>(at + bytes) !== 0) bytes++;
  return bytes;
}

/** A header number from 0 to `limit`. */
export function field(offset: usize, bytes: usize, limit: u64): u64 {
  const n = headerNumber(HEADER + offset, bytes);
  if (malformed) fail(ERROR_NUMBER, <f64>offset, 0, HEADER + offset, bytes);
  else if (overflow || n < 0 || <u64>n > limit) fail(ERROR_NUMBER_RANGE, <f64>offset, 0, HEADER + offset, bytes);
  return n;
}

/** The size field of any header. */
export function sizeField(): u64 {
  return field(SIZE, 12, MAX_SIZE);
}

function detectFormat(): void {
  const magic = load<u64>(HEADER + MAGIC) & 0xffffffffffff;
  format = magic === MAGIC_USTAR ? FORMAT_USTAR : magic === MAGIC_GNU ? FORMAT_GNU : FORMAT_V7;
}

/** Name and prefix as the header itself has them. */
function headerPath(): void {
  path = HEADER;
  pathBytes = textBytes(HEADER, 100);
  let prefixBytes: u32 = 0;
  if (format === FORMAT_USTAR) {
    // star: "tar\0" at the end, and times after a shorter prefix.
    prefixBytes = textBytes(HEADER + PREFIX, load<u32>(HEADER + STAR_TRAILER) === 0x00726174 ? 131 : 155);
  } else if (format === FORMAT_GNU && type !== 83 && !isGnuTime(PREFIX)) {
    // Go before 1.8, and so old Docker, wrote a prefix into GNU headers, where GNU has times.
    prefixBytes = textBytes(HEADER + PREFIX, 155);
  }
  if (prefixBytes === 0) return;
  memory.copy(NAME, HEADER + PREFIX, prefixBytes);
  store<u8>(NAME + prefixBytes, 47);
  memory.copy(NAME + prefixBytes + 1, HEADER, pathBytes);
  path = NAME;
  pathBytes += prefixBytes + 1;
}

function isGnuTime(offset: usize): bool {
  if (load<u8>(HEADER + offset) === 0) return true;
  headerNumber(HEADER + offset, 12);
  return !malformed && !overflow;
}

/** `a` and `b`, of which neither is missing, are the same text. */
function same(a: usize, aBytes: u32, b: usize, bBytes: u32): bool {
  return aBytes === bBytes && memory.compare(a, b, aBytes) === 0;
}

/** Path and link target: header, then 'L' and 'K' headers, then pax records; two that differ are refused. */
function names(): bool {
  headerPath();
  link = HEADER + LINK;
  linkBytes = textBytes(link, 100);
  if (state.longNameBytes >= 0) {
    path = state.longName;
    pathBytes = state.longNameBytes;
  }
  if (state.longLinkBytes >= 0) {
    link = state.longLink;
    linkBytes = state.longLinkBytes;
  }
  if (pax.fields & pax.PAX_PATH) {
    if (state.longNameBytes >= 0 && !same(path, pathBytes, pax.path, pax.pathBytes)) {
      return fail(ERROR_NAME_DISAGREES, 0, 0, pax.path, pax.pathBytes);
    }
    path = pax.path;
    pathBytes = pax.pathBytes;
  }
  if (pax.fields & pax.PAX_LINK) {
    if (state.longLinkBytes >= 0 && !same(link, linkBytes, pax.link, pax.linkBytes)) {
      return fail(ERROR_NAME_DISAGREES, 0, 0, pax.link, pax.linkBytes);
    }
    link = pax.link;
    linkBytes = pax.linkBytes;
  }
  if (pax.fields & pax.PAX_SPARSE_NAME) {
    // GNU tar takes the name of any file, Go only that of a sparse one.
    const isSparse = (pax.fields & pax.PAX_SPARSE) !== 0;
    if (!isSparse && !same(path, pathBytes, pax.sparseName, pax.sparseNameBytes)) {
      return fail(ERROR_NAME_DISAGREES, 0, 0, pax.sparseName, pax.sparseNameBytes);
    }
    path = pax.sparseName;
    pathBytes = pax.sparseNameBytes;
  }
  state.pathStart = <u32>path;
  state.pathBytes = pathBytes;
  if (pathBytes === 0) return fail(ERROR_NO_PATH);
  return withinLimits();
}

function withinLimits(): bool {
  if (state.entries >= state.maxEntries) return fail(ERROR_LIMIT_ENTRIES, <f64>state.maxEntries);
  if (pathBytes > state.maxPathBytes) return fail(ERROR_LIMIT_PATH, <f64>pathBytes, <f64>state.maxPathBytes);
  let depth: u32 = 0;
  let before: u8 = 47;
  for (let i: u32 = 0; i < pathBytes; i++) {
    const byte = load<u8>(path + i);
    if (before === 47 && byte !== 47) depth++;
    before = byte;
  }
  return depth > state.maxDepth ? fail(ERROR_LIMIT_DEPTH, <f64>depth, <f64>state.maxDepth) : true;
}

/** ENTRY_* of the header's type flag. */
function entryType(flag: u8): bool {
  const slash = load<u8>(path + pathBytes - 1) === 47;
  if (flag === 0)
    type = slash ? ENTRY_DIRECTORY : ENTRY_REGULAR; // V7: a directory is a name that ends in a slash
  else if (flag === 48 || flag === 55 || flag === 83) {
    // GNU tar would make a directory of it, Docker a file.
    if (slash) return fail(ERROR_FILE_WITH_SLASH);
    type = ENTRY_REGULAR;
  } else if (flag === 49) type = ENTRY_HARDLINK;
  else if (flag === 50) type = ENTRY_SYMLINK;
  else if (flag === 51) type = ENTRY_CHAR;
  else if (flag === 52) type = ENTRY_BLOCK;
  else if (flag === 53) type = ENTRY_DIRECTORY;
  else if (flag === 54) type = ENTRY_FIFO;
  else return fail(ERROR_TYPE, <f64>flag);
  return true;
}

/** How much data follows the header: nothing for types that have none, whatever their size field says (POSIX, Go). */
function sizes(flag: u8): bool {
  size = 0;
  storedBytes = 0;
  if (type !== ENTRY_REGULAR && flag !== 0) return true;
  size = sizeField();
  if (pax.fields & pax.PAX_SIZE) {
    // Two tools could see two different archives. Sizes that the octal field cannot hold are another matter.
    if (size !== pax.size && size !== 0 && pax.size < 0x200000000) {
      return fail(ERROR_SIZE_DISAGREES, <f64>pax.size, <f64>size);
    }
    size = pax.size;
  }
  storedBytes = size;
  return state.error === 0;
}

/** Writes the record up to its extents; `complete` does the rest. */
function writeRecord(flag: u8): bool {
  const fields = pax.fields;
  const xattrs = (fields & (pax.PAX_XATTRS | pax.PAX_XATTRS_LIBARCHIVE)) !== 0;
  const isLink = type === ENTRY_HARDLINK || type === ENTRY_SYMLINK;
  if (!isLink) linkBytes = 0;
  else if (linkBytes === 0) return fail(ERROR_NO_LINK);
  else if (linkBytes > state.maxPathBytes) return fail(ERROR_LIMIT_PATH, <f64>linkBytes, <f64>state.maxPathBytes);
  const paxBytes: u32 = xattrs ? state.paxBytes : 0;
  const aclBytes = hasAcl(fields) ? aclBound(pax.aclBytes) + aclBound(pax.defaultAclBytes) + 128 : 0;
  const variable = <u64>paxBytes * 2 + aclBytes;
  if (!ensure(<u64>(RECORD_HEADER_BYTES + pathBytes + linkBytes + 64) + variable)) return false;

  const isDevice = (type === ENTRY_CHAR || type === ENTRY_BLOCK) && format !== FORMAT_V7;
  let major: u32 = 0;
  let minor: u32 = 0;
  if (isDevice) {
    major = fields & pax.PAX_DEVMAJOR ? pax.devMajor : <u32>field(DEVMAJOR, 8, MAX_MAJOR);
    minor = fields & pax.PAX_DEVMINOR ? pax.devMinor : <u32>field(DEVMINOR, 8, MAX_MINOR);
  }
  let seconds: i64 = pax.mtimeSeconds;
  if (!(fields & pax.PAX_MTIME)) {
    seconds = headerNumber(HEADER + MTIME, 12);
    if (malformed) fail(ERROR_NUMBER, <f64>MTIME, 0, HEADER + MTIME, 12);
    if (overflow) fail(ERROR_NUMBER_RANGE, <f64>MTIME, 0, HEADER + MTIME, 12);
  }

  const record = state.cursor;
  state.record = record;
  store<u8>(record, type, 4);
  store<u8>(record, 0, 5);
  store<u16>(record, <u16>(field(MODE, 8, 0x7fffffffffffffff) & 0o7777), 6);
  store<u32>(record, fields & pax.PAX_UID ? pax.uid : <u32>field(UID, 8, 0xffffffff), 8);
  store<u32>(record, fields & pax.PAX_GID ? pax.gid : <u32>field(GID, 8, 0xffffffff), 12);
  store<u32>(record, major, 16);
  store<u32>(record, minor, 20);
  store<i64>(record, seconds, 24);
  store<u32>(record, fields & pax.PAX_MTIME ? pax.mtimeNanoseconds : 0, 32);
  store<u32>(record, pathBytes, 36);
  store<u32>(record, linkBytes, 40);
  store<u32>(record, 0, 76);
  let to: usize = record + RECORD_HEADER_BYTES;
  memory.copy(to, path, pathBytes);
  state.pathStart = <u32>to;
  to += pathBytes;
  memory.copy(to, link, linkBytes);
  to += linkBytes;
  const list = to;
  if (xattrs) to = writeXattrs(to, state.pax, state.paxBytes);
  if (aclBytes > 0) to = writeAcls(record, list, to);
  if (to - list > state.maxXattrBytes) {
    return fail(ERROR_LIMIT_XATTR_BYTES, <f64>(to - list), <f64>state.maxXattrBytes);
  }
  store<u32>(record, <u32>(to - list), 44);
  const end = (to + 7) & ~7;
  while (to < end) store<u8>(to++, 0);
  state.cursor = <u32>end;
  startSparse(size);
  return state.error === 0;
}

/** Whether access control lists come as text, for a file that can have some. */
function hasAcl(fields: u32): bool {
  return (fields & (pax.PAX_ACL | pax.PAX_DEFAULT_ACL)) !== 0 && type !== ENTRY_HARDLINK && type !== ENTRY_SYMLINK;
}

/** Adds them to the attributes at `list`. libarchive's mode has the group's bits where Linux shows the mask. */
function writeAcls(record: usize, list: usize, to: usize): usize {
  if (pax.fields & pax.PAX_ACL) {
    to = writeAclXattr(list, to, pax.acl, pax.aclBytes, false);
    if (wroteAcl) store<u16>(record, <u16>((load<u16>(record, 6) & ~0o777) | modeBits), 6);
  }
  if (pax.fields & pax.PAX_DEFAULT_ACL && type === ENTRY_DIRECTORY) {
    to = writeAclXattr(list, to, pax.defaultAcl, pax.defaultAclBytes, true);
  }
  return to;
}

/** Asks for what the entry's sparse map still needs. True if it needs nothing, or the entry is not sparse. */
function readSparse(flag: u8): bool {
  const fields = pax.fields;
  if (flag === 83 && format === FORMAT_GNU) {
    size = field(GNU_REAL_SIZE, 12, MAX_SIZE);
    startSparse(size);
    if (state.error !== 0 || !addOldGnu(HEADER + GNU_SPARSE_MAP, 4)) return false;
    if (load<u8>(HEADER + GNU_IS_EXTENDED) === 0) return true;
    state.expect = EXPECT_SPARSE_BLOCK;
    return false;
  }
  if (flag === 83) return fail(ERROR_SPARSE);
  if ((fields & pax.PAX_SPARSE) === 0) return true;
  if (type !== ENTRY_REGULAR) return fail(ERROR_SPARSE);
  if (!(fields & pax.PAX_SPARSE_SIZE)) return fail(ERROR_SPARSE);
  size = pax.sparseSize;
  startSparse(size);
  const major = fields & pax.PAX_SPARSE_MAJOR ? pax.sparseMajor : 0;
  const minor = fields & pax.PAX_SPARSE_MINOR ? pax.sparseMinor : 0;
  if (major === 1 && minor === 0) {
    if (storedBytes < 512) return fail(ERROR_SPARSE);
    state.expect = EXPECT_SPARSE_MAP;
    return false;
  }
  if (major !== 0 || minor > 1) return fail(ERROR_SPARSE);
  if (fields & pax.PAX_SPARSE_MAP) return addMap(pax.sparseMap, pax.sparseMapBytes);
  return addPairs(state.pax, state.paxBytes);
}

/** The header in HEADER is an entry's. */
export function takeEntry(flag: u8): void {
  detectFormat();
  type = flag;
  if (!names() || !entryType(flag) || !sizes(flag) || !writeRecord(flag)) return;
  state.pending = 0;
  if (readSparse(flag)) complete();
}

/** A block of the old GNU map is in HEADER. */
export function takeSparseBlock(): void {
  state.offset += 512;
  if (!addOldGnu(HEADER, 21) || load<u8>(HEADER + 504) !== 0) return;
  complete();
}

/** The map is complete: writes what depends on it, and asks for the data to be skipped. */
export function complete(): void {
  if (size > state.maxEntryBytes) {
    fail(ERROR_LIMIT_ENTRY_BYTES, <f64>size, <f64>state.maxEntryBytes);
    return;
  }
  dataOffset = state.offset;
  const isSparse = size !== storedBytes || state.sparseExtents > 0;
  if (isSparse) {
    if (!sparseFits(storedBytes)) return;
    if (state.sparseExtents === 1 && storedBytes === size) {
      // One extent that is the whole file: not sparse after all.
      state.sparseExtents = 0;
      state.cursor -= 16;
    } else if (state.sparseExtents === 0) {
      if (!ensure(16)) return;
      store<u64>(state.cursor, size);
      store<u64>(state.cursor, 0, 8);
      state.cursor += 16;
      state.sparseExtents = 1;
    }
  }
  const record = state.record;
  store<u32>(record, state.cursor - record);
  const isFile = type === ENTRY_REGULAR;
  store<u64>(record, isFile ? size : 0, 48);
  store<u64>(record, isFile ? dataOffset : 0, 56);
  store<u64>(record, isFile ? storedBytes : 0, 64);
  store<u32>(record, state.sparseExtents, 72);
  state.recordsEnd = state.cursor;
  state.entries++;
  state.longNameBytes = -1;
  state.longLinkBytes = -1;
  state.paxBytes = -1;
  pax.resetPax();
  const padding = <u32>((512 - (storedBytes & 511)) & 511);
  state.padding = padding;
  state.skip = <f64>(storedBytes + padding);
  state.offset += storedBytes + padding;
  state.expect = EXPECT_HEADER;
}

/** A block of a 1.0 map has been taken off the front of the data. */
export function takeMapBlock(isComplete: bool): void {
  state.offset += 512;
  storedBytes -= 512;
  if (isComplete) complete();
  else if (storedBytes < 512) fail(ERROR_SPARSE);
}
