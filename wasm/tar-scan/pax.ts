/**
 * Extended header records (POSIX.1-2017 pax, "pax Extended Header"): "%d %s=%s\n". Values of the records that matter are
 * kept as positions in the payload; the others are passed over.
 */
import { ERROR_GLOBAL, fail, MAX_SIZE, state } from "./state";
import { malformed, nanoseconds, overflow, paxTime } from "./numbers";
import {
  badValue,
  GNU_SPARSE,
  key,
  keyBytes,
  KEYS,
  keyStarts,
  LIBARCHIVE_XATTR,
  nextRecord,
  number,
  SCHILY_ACL,
  SCHILY_DEV,
  SCHILY_XATTR,
  value,
  valueBytes,
  wordAt,
} from "./pax-record";

/** Which fields the entry's extended header sets; an empty value unsets. */
export let fields: u32 = 0;
export const PAX_PATH: u32 = 1;
export const PAX_LINK: u32 = 2;
export const PAX_SIZE: u32 = 4;
export const PAX_UID: u32 = 8;
export const PAX_GID: u32 = 16;
export const PAX_MTIME: u32 = 32;
export const PAX_DEVMAJOR: u32 = 64;
export const PAX_DEVMINOR: u32 = 128;
export const PAX_SPARSE_NAME: u32 = 256;
/** GNU.sparse.size or GNU.sparse.realsize. */
export const PAX_SPARSE_SIZE: u32 = 512;
/** GNU.sparse.map: format 0.1. */
export const PAX_SPARSE_MAP: u32 = 1024;
/** GNU.sparse.offset, repeated: format 0.0. */
export const PAX_SPARSE_OFFSETS: u32 = 2048;
export const PAX_SPARSE_MAJOR: u32 = 4096;
export const PAX_SPARSE_MINOR: u32 = 8192;
/** Any of these makes a file a sparse one. */
export const PAX_SPARSE: u32 = PAX_SPARSE_MAP | PAX_SPARSE_OFFSETS | PAX_SPARSE_MAJOR | PAX_SPARSE_MINOR;
export const PAX_XATTRS: u32 = 16384;
export const PAX_XATTRS_LIBARCHIVE: u32 = 32768;
/** SCHILY.acl.access and SCHILY.acl.default. */
export const PAX_ACL: u32 = 65536;
export const PAX_DEFAULT_ACL: u32 = 131072;

export let path: usize = 0;
export let pathBytes: u32 = 0;
export let link: usize = 0;
export let linkBytes: u32 = 0;
export let size: u64 = 0;
export let uid: u32 = 0;
export let gid: u32 = 0;
export let mtimeSeconds: i64 = 0;
export let mtimeNanoseconds: u32 = 0;
export let devMajor: u32 = 0;
export let devMinor: u32 = 0;
export let sparseName: usize = 0;
export let sparseNameBytes: u32 = 0;
export let sparseSize: u64 = 0;
export let sparseMajor: u32 = 0;
export let sparseMinor: u32 = 0;
export let sparseMap: usize = 0;
export let sparseMapBytes: u32 = 0;
export let acl: usize = 0;
export let aclBytes: u32 = 0;
export let defaultAcl: usize = 0;
export let defaultAclBytes: u32 = 0;

/** What global headers have set so far; an entry starts from these. */
let globalFields: u32 = 0;
let globalUid: u32 = 0;
let globalGid: u32 = 0;
let globalMtimeSeconds: i64 = 0;
let globalMtimeNanoseconds: u32 = 0;

/** Forgets the last entry's records. */
export function resetPax(): void {
  fields = globalFields;
  uid = globalUid;
  gid = globalGid;
  mtimeSeconds = globalMtimeSeconds;
  mtimeNanoseconds = globalMtimeNanoseconds;
}

const PATH: u64 = 0x68746170; // "path"
const LINKPATH: u64 = 0x687461706b6e696c; // "linkpath"
const SIZE: u64 = 0x657a6973; // "size"
const UID: u64 = 0x646975; // "uid"
const GID: u64 = 0x646967; // "gid"
const MTIME: u64 = 0x656d69746d; // "mtime"
const AJOR: u64 = 0x726f6a61; // "ajor"
const INOR: u64 = 0x726f6e69; // "inor"
const NAME: u64 = 0x656d616e; // "name"
const MAP: u64 = 0x70616d; // "map"
const REALSIZE: u64 = 0x657a69736c616572; // "realsize"
export const OFFSET: u64 = 0x74657366666f; // "offset"
const ACCESS: u64 = 0x737365636361; // "access"
const DEFAULT: u64 = 0x746c7561666564; // "default"
const MAJOR: u64 = 0x726f6a616d; // "major"
const MINOR: u64 = 0x726f6e696d; // "minor"

function setName(): bool {
  for (let i: usize = 0; i < valueBytes; i++) if (load<u8>(value + i) === 0) return badValue();
  return true;
}

function set(field: u32): bool {
  if (valueBytes === 0) {
    fields &= ~field;
    return false;
  }
  fields |= field;
  return true;
}

/** Takes one record of an entry's own extended header. */
function takeRecord(): void {
  if (keyStarts(KEYS, SCHILY_XATTR)) {
    fields |= PAX_XATTRS;
    return;
  }
  if (keyStarts(KEYS + 13, LIBARCHIVE_XATTR)) {
    fields |= PAX_XATTRS_LIBARCHIVE;
    return;
  }
  if (keyStarts(KEYS + 30, GNU_SPARSE)) return takeSparse(wordAt(key + GNU_SPARSE, keyBytes - GNU_SPARSE));
  if (keyStarts(KEYS + 52, SCHILY_ACL)) return takeAcl(wordAt(key + SCHILY_ACL, keyBytes - SCHILY_ACL));
  if (keyStarts(KEYS + 41, SCHILY_DEV)) {
    const rest = wordAt(key + SCHILY_DEV, keyBytes - SCHILY_DEV);
    if (rest === AJOR && set(PAX_DEVMAJOR)) devMajor = <u32>number(0xfff);
    if (rest === INOR && set(PAX_DEVMINOR)) devMinor = <u32>number(0xfffff);
    return;
  }
  const name = wordAt(key, keyBytes);
  if (name === PATH) {
    if (set(PAX_PATH) && setName()) {
      path = value;
      pathBytes = <u32>valueBytes;
    }
  } else if (name === LINKPATH) {
    if (set(PAX_LINK) && setName()) {
      link = value;
      linkBytes = <u32>valueBytes;
    }
  } else if (name === SIZE) {
    if (set(PAX_SIZE)) size = number(MAX_SIZE);
  } else takeOwnerOrTime(name);
}

function takeOwnerOrTime(name: u64): void {
  if (name === UID) {
    if (set(PAX_UID)) uid = <u32>number(0xffffffff);
  } else if (name === GID) {
    if (set(PAX_GID)) gid = <u32>number(0xffffffff);
  } else if (name === MTIME) {
    if (!set(PAX_MTIME)) return;
    mtimeSeconds = paxTime(value, valueBytes);
    mtimeNanoseconds = nanoseconds;
    if (malformed || overflow) badValue();
  }
}

function takeAcl(name: u64): void {
  if (name === ACCESS && set(PAX_ACL)) {
    acl = value;
    aclBytes = <u32>valueBytes;
  } else if (name === DEFAULT && set(PAX_DEFAULT_ACL)) {
    defaultAcl = value;
    defaultAclBytes = <u32>valueBytes;
  }
}

function takeSparse(name: u64): void {
  if (name === NAME) {
    if (set(PAX_SPARSE_NAME) && setName()) {
      sparseName = value;
      sparseNameBytes = <u32>valueBytes;
    }
  } else if (name === SIZE || name === REALSIZE) {
    if (set(PAX_SPARSE_SIZE)) sparseSize = number(MAX_SIZE);
  } else if (name === MAP) {
    if (set(PAX_SPARSE_MAP)) {
      sparseMap = value;
      sparseMapBytes = <u32>valueBytes;
    }
  } else if (name === OFFSET) fields |= PAX_SPARSE_OFFSETS;
  else if (name === MAJOR) {
    if (set(PAX_SPARSE_MAJOR)) sparseMajor = <u32>number(0xffffffff);
  } else if (name === MINOR) {
    if (set(PAX_SPARSE_MINOR)) sparseMinor = <u32>number(0xffffffff);
  }
}

/** Parses the payload of an 'x' header. */
export function parsePax(at: usize, bytes: usize): bool {
  const end = at + bytes;
  while (at < end) {
    at = nextRecord(at, end);
    if (at === 0) return false;
    takeRecord();
    if (state.error !== 0) return false;
  }
  return true;
}

/**
 * Parses the payload of a 'g' header. Owner and time apply to what follows, as POSIX and GNU tar have it; comments and
 * the like say nothing of files. What would rename or resize every file that follows is refused: Go's reader, and so
 * Docker, ignores it.
 */
export function parseGlobalPax(at: usize, bytes: usize): bool {
  const end = at + bytes;
  resetPax();
  while (at < end) {
    at = nextRecord(at, end);
    if (at === 0) return false;
    const before = fields;
    takeRecord();
    if (state.error !== 0) return false;
    if (((fields ^ before) & ~(PAX_UID | PAX_GID | PAX_MTIME)) !== 0) {
      return fail(ERROR_GLOBAL, 0, 0, key, keyBytes);
    }
  }
  globalFields = fields;
  globalUid = uid;
  globalGid = gid;
  globalMtimeSeconds = mtimeSeconds;
  globalMtimeNanoseconds = mtimeNanoseconds;
  return true;
}
