/**
 * Sparse maps: old GNU (in the header and in blocks after it), pax GNU.sparse 0.0 and 0.1 (in the extended header) and
 * 1.0 (decimal lines at the start of the data). Extents go straight to the end of the record that is being made.
 */
import { ensure, ERROR_LIMIT_EXTENTS, ERROR_SPARSE, fail, HEADER, MAX_SIZE, state } from "./state";
import { decimal, headerNumber, malformed, overflow } from "./numbers";
import { GNU_SPARSE, key, keyBytes, KEYS, keyStarts, nextRecord, number, wordAt } from "./pax-record";
import { OFFSET } from "./pax";

/** Starts the map of a file of `size` bytes. */
export function startSparse(size: u64): void {
  state.sparseSize = size;
  state.sparseEnd = 0;
  state.sparseMapped = 0;
  state.sparseExtents = 0;
  state.mapLeft = -1;
  state.mapNumber = 0;
  state.mapDigits = 0;
}

/** Adds one extent: ascending, not overlapping, within the file. Empty ones are dropped, touching ones joined. */
export function addExtent(offset: u64, bytes: u64): bool {
  if (offset < state.sparseEnd || offset > state.sparseSize || bytes > state.sparseSize - offset) {
    return fail(ERROR_SPARSE, <f64>offset, <f64>bytes);
  }
  if (bytes === 0) return true;
  const touches = offset === state.sparseEnd && state.sparseExtents > 0;
  state.sparseEnd = offset + bytes;
  state.sparseMapped += bytes;
  if (touches) {
    store<u64>(state.cursor - 8, load<u64>(state.cursor - 8) + bytes);
    return true;
  }
  if (state.sparseExtents >= state.maxExtents) return fail(ERROR_LIMIT_EXTENTS, <f64>state.maxExtents);
  if (!ensure(16)) return false;
  store<u64>(state.cursor, offset);
  store<u64>(state.cursor, bytes, 8);
  state.cursor += 16;
  state.sparseExtents++;
  return true;
}

/** Entries of an old GNU map: pairs of 12-byte numbers, up to `count`, ending at an empty one. */
export function addOldGnu(at: usize, count: u32): bool {
  for (let i: u32 = 0; i < count; i++, at += 24) {
    if (load<u8>(at) === 0 || load<u8>(at + 12) === 0) return true;
    const offset = headerNumber(at, 12);
    const badOffset = malformed || overflow || offset < 0;
    const bytes = headerNumber(at + 12, 12);
    if (badOffset || malformed || overflow || bytes < 0) return fail(ERROR_SPARSE);
    if (!addExtent(offset, bytes)) return false;
  }
  return true;
}

/** The comma-separated numbers of GNU.sparse.map, format 0.1. */
export function addMap(at: usize, bytes: usize): bool {
  const end = at + bytes;
  let offset: u64 = 0;
  let count: u32 = 0;
  while (at <= end) {
    let comma = at;
    while (comma < end && load<u8>(comma) !== 44) comma++;
    const n = decimal(at, comma - at);
    if (malformed || overflow || n > MAX_SIZE) return fail(ERROR_SPARSE);
    if (count & 1) {
      if (!addExtent(offset, n)) return false;
    } else offset = n;
    count++;
    at = comma + 1;
  }
  return count & 1 ? fail(ERROR_SPARSE) : true;
}

/**
 * One block of a 1.0 map: the count of extents, then offset and size of each, a decimal number a line. True when the
 * map is complete; what is left of its last block is padding.
 */
export function addMapBlock(): bool {
  for (let i: usize = 0; i < 512; i++) {
    const byte = load<u8>(HEADER + i);
    if (byte !== 10) {
      const digit = <u32>byte - 48;
      if (digit > 9 || state.mapDigits++ > 18) return fail(ERROR_SPARSE);
      state.mapNumber = state.mapNumber * 10 + digit;
      continue;
    }
    if (state.mapDigits === 0 || state.mapNumber > MAX_SIZE) return fail(ERROR_SPARSE);
    if (state.mapLeft < 0) state.mapLeft = state.mapNumber * 2;
    else {
      if (state.mapLeft & 1) {
        if (!addExtent(state.mapOffset, state.mapNumber)) return false;
      } else state.mapOffset = state.mapNumber;
      state.mapLeft--;
    }
    state.mapNumber = 0;
    state.mapDigits = 0;
    if (state.mapLeft === 0) return true;
  }
  return false;
}

/** The map is complete: its extents must be exactly the data that is stored. */
export function sparseFits(stored: u64): bool {
  return state.sparseMapped === stored ? true : fail(ERROR_SPARSE, <f64>state.sparseMapped, <f64>stored);
}

/** Walks the GNU.sparse.offset / GNU.sparse.numbytes pairs of format 0.0. */
export function addPairs(at: usize, bytes: usize): bool {
  const end = at + bytes;
  let offset: u64 = 0;
  let haveOffset = false;
  while (at < end) {
    at = nextRecord(at, end);
    if (!keyStarts(KEYS + 30, GNU_SPARSE)) continue;
    const isOffset = wordAt(key + GNU_SPARSE, keyBytes - GNU_SPARSE) === OFFSET;
    const isBytes = keyBytes === 19 && memory.compare(key + GNU_SPARSE, NUMBYTES, 8) === 0;
    if (!isOffset && !isBytes) continue;
    if (isOffset === haveOffset) return fail(ERROR_SPARSE);
    const n = number(MAX_SIZE);
    if (state.error !== 0) return false;
    if (isOffset) offset = n;
    else if (!addExtent(offset, n)) return false;
    haveOffset = isOffset;
  }
  return haveOffset ? fail(ERROR_SPARSE) : true;
}

/** "numbytes" */
const NUMBYTES: usize = memory.data<u8>([110, 117, 109, 98, 121, 116, 101, 115]);
