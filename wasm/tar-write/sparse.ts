/**
 * Decides which files are written as sparse ones, and their maps: GNU tar's pax format, version 1.0 (GNU tar manual, "PAX
 * Format, Version 1.0"), whose map is decimal lines in blocks before the data.
 *
 * The decision depends on the file's extents alone, rounded: data grows outward to blocks of 4 KiB, and a hole is one of
 * 64 KiB at least. A file is sparse if its holes make up 64 MiB or more. Below that it is written with its zeros, which
 * every reader takes and a compressor folds away: Docker and podman load sparse entries, but keep no map, and
 * so can never again give out the layer with its digest.
 */
import { EXTENT_BYTES } from "../common/format";
import { allocate } from "./memory";

const GRID: u64 = 4096;
const LEAST_HOLE: u64 = 64 << 10;
const LEAST_SAVING: u64 = 64 << 20;
const BLOCK: u32 = 512;
/** Digits of the largest number, and its line end. */
const LINE_BYTES: u32 = 21;

/** What planSparse found: ranges of the file that are written, { f64 offset, f64 bytes } each. */
export let rangesAt: usize = 0;
export let rangeCount: u32 = 0;
/** Bytes in all ranges. */
export let rangeBytes: u64 = 0;
let rangeRoom: u32 = 0;
/** A hole at the end needs an empty entry there: GNU tar would cut the file off otherwise. */
let endsInHole: bool = false;
let fileBytes: u64 = 0;

export function forgetRanges(): void {
  rangesAt = 0;
  rangeRoom = 0;
  rangeCount = 0;
}

/** Whether a file of `size` bytes with these extents is written sparse; if so, the ranges. -1: no memory; -2: malformed. */
export function planSparse(extents: usize, count: u32, size: u64): i32 {
  rangeCount = 0;
  rangeBytes = 0;
  fileBytes = size;
  if (count === 0 || size < LEAST_SAVING) return 0;
  if (count > rangeRoom) {
    rangesAt = allocate(<usize>count * 16);
    rangeRoom = rangesAt === 0 ? 0 : count;
    if (rangesAt === 0) return -1;
  }
  let start: u64 = 0;
  let end: u64 = 0;
  let before: u64 = 0;
  let open = false;
  for (let i: u32 = 0; i < count; i++) {
    const offset = load<u64>(extents + <usize>i * EXTENT_BYTES);
    const bytes = load<u64>(extents + <usize>i * EXTENT_BYTES, 8);
    if (offset < before || offset > size || bytes > size - offset) return -2;
    before = offset + bytes;
    if (bytes === 0) continue;
    const from = offset & ~(GRID - 1);
    if (!open && from < LEAST_HOLE) start = 0;
    else if (!open || from >= end + LEAST_HOLE) {
      if (open) addRange(start, end);
      start = from;
    }
    open = true;
    end = min((before + GRID - 1) & ~(GRID - 1), size);
  }
  endsInHole = !open || size - end >= LEAST_HOLE;
  if (open) addRange(start, endsInHole ? end : size);
  return size - rangeBytes >= LEAST_SAVING ? 1 : 0;
}

function addRange(start: u64, end: u64): void {
  const at = rangesAt + <usize>rangeCount * 16;
  store<f64>(at, <f64>start);
  store<f64>(at, <f64>(end - start), 8);
  rangeBytes += end - start;
  rangeCount++;
}

/** Upper bound of what writeMap writes. */
export function mapBound(): u32 {
  return (1 + 2 * (rangeCount + 1)) * LINE_BYTES + BLOCK;
}

/** Writes the map at `to`; its bytes, a multiple of 512. */
export function writeMap(to: usize): u32 {
  let at = line(to, rangeCount + (endsInHole ? 1 : 0));
  for (let i: u32 = 0; i < rangeCount; i++) {
    at = line(at, <u64>load<f64>(rangesAt + <usize>i * 16));
    at = line(at, <u64>load<f64>(rangesAt + <usize>i * 16, 8));
  }
  if (endsInHole) at = line(line(at, fileBytes), 0);
  const bytes = <u32>(at - to);
  const padded = (bytes + BLOCK - 1) & ~(BLOCK - 1);
  memory.fill(at, 0, padded - bytes);
  return padded;
}

function line(to: usize, value: u64): usize {
  let digits: u32 = 1;
  for (let rest = value; rest >= 10; rest /= 10) digits++;
  for (let i = digits; i > 0; i--) {
    store<u8>(to + i - 1, <u8>(48 + (value % 10)));
    value /= 10;
  }
  store<u8>(to + digits, 10);
  return to + digits + 1;
}
