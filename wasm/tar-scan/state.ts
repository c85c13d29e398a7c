/**
 * The scanner's state. The facade (src/kernels/tar-scan.ts) reads the first fields at these offsets after every call:
 * change both.
 *
 * Memory map (bytes):
 *
 *   ScanState   192
 *   HEADER      512           the block that is being looked at
 *   NAME        512           prefix + "/" + name of a ustar header
 *   from __heap_base, sized by configure():
 *   longName    maxPathBytes  payload of an 'L' header        longLink  maxPathBytes  payload of a 'K' header
 *   pax         maxPaxBytes   payload of an 'x' header
 *   records     the rest, grown as needed: complete entry records, then the one that is being made
 */

/** What the bytes at `target` will be. */
export const EXPECT_HEADER: u32 = 0;
export const EXPECT_PAX: u32 = 1;
export const EXPECT_GLOBAL_PAX: u32 = 2;
export const EXPECT_LONG_NAME: u32 = 3;
export const EXPECT_LONG_LINK: u32 = 4;
/** A further block of an old GNU sparse map. */
export const EXPECT_SPARSE_BLOCK: u32 = 5;
/** A block of a pax 1.0 sparse map, which opens the file's data. */
export const EXPECT_SPARSE_MAP: u32 = 6;
/** The second zero block. */
export const EXPECT_ZERO_BLOCK: u32 = 7;
/** The archive has ended; whatever follows is padding. */
export const ENDED: u32 = 8;

/** Sizes up to 2^53 - 1, so that JavaScript and the offsets stay exact. */
export const MAX_SIZE: u64 = 9007199254740991;

// @ts-ignore: decorator
@unmanaged
export class ScanState {
  /** 0: bytes to pass over before the next block: file data and padding. */
  skip: f64;
  /** 8: where the next `need` bytes go. */
  target: u32;
  /** 12 */
  need: u32;
  /** 16, 20: the complete records. */
  recordsStart: u32;
  recordsEnd: u32;
  /** 24: ERROR_* or 0. */
  error: u32;
  /** 28: EXPECT_*. */
  expect: u32;
  /** 32, 40: numbers of the error message. */
  valueA: f64;
  valueB: f64;
  /** 48: offset in the tar of the header block (or extended header) that is being looked at. */
  blockOffset: f64;
  /** 56, 60: the text that the error message quotes. */
  textStart: u32;
  textBytes: u32;
  /** 64, 68: path of the entry that is being looked at, if known. */
  pathStart: u32;
  pathBytes: u32;
  /** 72: complete entries so far. */
  entries: u32;
  /** 76: how many of the `skip` bytes are padding, which may be missing at the very end. */
  padding: u32;
  /** 80: not 0 while an extended header waits for the entry that it describes. */
  pending: u32;

  maxEntries: u32;
  maxPathBytes: u32;
  maxPaxBytes: u32;
  maxDepth: u32;
  maxXattrBytes: u32;
  maxExtents: u32;
  maxEntryBytes: u64;
  longName: u32;
  longLink: u32;
  pax: u32;
  /** Payload sizes; -1: none waits. */
  longNameBytes: i32;
  longLinkBytes: i32;
  paxBytes: i32;
  /** Bytes after the extended header's payload. */
  payloadPadding: u32;
  /** Start and write position of the record that is being made. */
  record: u32;
  cursor: u32;
  /** Offset in the tar of the byte after everything asked for so far. */
  offset: u64;
  /** Of the sparse file that is being read: logical size, end of the last extent, bytes in extents. */
  sparseSize: u64;
  sparseEnd: u64;
  sparseMapped: u64;
  sparseExtents: u32;
  /** Of a 1.0 map: numbers still to come (-1: the count itself), the number that is being read, its digits so far. */
  mapDigits: u32;
  mapLeft: i64;
  mapNumber: u64;
  mapOffset: u64;
}

export const state = changetype<ScanState>(memory.data(256, 16));
export const HEADER: usize = memory.data(512, 16);
export const NAME: usize = memory.data(512, 16);

/** Records an error; the first one stays. Always false, so that callers can `return fail(...)`. */
export function fail(error: u32, valueA: f64 = 0, valueB: f64 = 0, text: usize = 0, textBytes: usize = 0): bool {
  if (state.error !== 0) return false;
  state.error = error;
  state.valueA = valueA;
  state.valueB = valueB;
  state.textStart = <u32>text;
  state.textBytes = <u32>textBytes;
  return false;
}

/** Makes room for `bytes` at the write position. False (and ERROR_MEMORY) if there is no more memory. */
export function ensure(bytes: u64): bool {
  const wanted = <u64>state.cursor + bytes + 64;
  const have = (<u64>memory.size()) << 16;
  if (wanted <= have) return true;
  const grow = max<u64>((wanted - have + 0xffff) >> 16, min<u64>(have >> 17, 256));
  if (grow > 65536 || memory.grow(<i32>grow) < 0) return fail(ERROR_MEMORY);
  return true;
}

export const ERROR_CHECKSUM: u32 = 1;
/** valueA: the field's offset in the header. */
export const ERROR_NUMBER: u32 = 2;
export const ERROR_NUMBER_RANGE: u32 = 3;
export const ERROR_PAX_SYNTAX: u32 = 4;
export const ERROR_PAX_VALUE: u32 = 5;
export const ERROR_TYPE: u32 = 6;
export const ERROR_LIMIT_ENTRIES: u32 = 7;
export const ERROR_LIMIT_PATH: u32 = 8;
export const ERROR_LIMIT_PAX: u32 = 9;
export const ERROR_LIMIT_DEPTH: u32 = 10;
export const ERROR_LIMIT_XATTRS: u32 = 11;
export const ERROR_SPARSE: u32 = 12;
export const ERROR_LONE_ZERO_BLOCK: u32 = 13;
export const ERROR_SIZE_DISAGREES: u32 = 14;
export const ERROR_NAME_DISAGREES: u32 = 15;
export const ERROR_NO_PATH: u32 = 16;
export const ERROR_NO_LINK: u32 = 17;
export const ERROR_GLOBAL: u32 = 18;
export const ERROR_REPEATED_PAX: u32 = 19;
export const ERROR_FILE_WITH_SLASH: u32 = 20;
export const ERROR_MEMORY: u32 = 21;
export const ERROR_LIMIT_XATTR_BYTES: u32 = 22;
export const ERROR_LIMIT_EXTENTS: u32 = 23;
export const ERROR_LIMIT_ENTRY_BYTES: u32 = 24;
