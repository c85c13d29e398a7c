import { EXTENT_BYTES } from "../common/format";
import {
  BLOCK_BITS,
  BLOCK_BYTES,
  CHUNK_INDEX_BYTES,
  LAYOUT_CHUNKED,
  LAYOUT_PLAIN,
  MAX_CHUNK_BITS,
  NULL_BLOCK,
} from "./disk-format";
import { DATA_OUTSIDE, DATA_TOO_FAR, FILE_TOO_LARGE, INDEX_MALFORMED, OK } from "./failure";
import { extentsAt, layerCount } from "./layer-tables";

/** 1 PiB: beyond that even one entry for each chunk of the largest size is too long a map. */
const MAX_FILE_BYTES: u64 = 1 << 50;
/** Where the last block that has an address ends. */
const MAX_DEVICE_BYTES: u64 = (<u64>NULL_BLOCK) << BLOCK_BITS;
/** A map that has this many chunks is never too long. */
const FEW_CHUNKS: u64 = 1024;
const MANY_CHUNKS: u64 = 1 << 20;
/** 4096 bytes: the smallest chunk of a spilled file. */
const SPILL_CHUNK_BITS: u32 = 3;

/**
 * Copy instruction for the spill device, 32 bytes:
 * { u32 layer, u32 zero, u64 sourceOffset (in the layer's tar), u64 spillOffset, u64 bytes }.
 */
export const COPY_BYTES: u32 = 32;

export let spillBytes: u64 = 0;
export let copyCount: u32 = 0;
let devices: usize = 0;
let deviceStride: u32 = 0;
let copyTo: usize = 0;

/** `table` has a record of `stride` bytes for each layer, which begins with the u64 size of its tar. */
export function openDevices(table: usize, stride: u32): void {
  devices = table;
  deviceStride = stride;
  spillBytes = 0;
  copyCount = 0;
}

/** Where the copy instructions go: room for `copyCount` of them. */
export function openCopies(to: usize): void {
  copyTo = to;
}

/** The least chunk size, as shift of a block, that needs but one chunk; 31 if none does. */
function bitsForOneChunk(size: u64): u32 {
  const last = (size - 1) >> BLOCK_BITS;
  return min<u32>(<u32>(64 - clz<u64>(last)), MAX_CHUNK_BITS);
}

function chunksOf(size: u64, bits: u32): u64 {
  return ((size - 1) >> (BLOCK_BITS + bits)) + 1;
}

/** Decides how a regular file's data is mapped: straight into its layer's tar where every chunk can be, else spilled. */
export function planData(inode: usize, plan: usize): i32 {
  const size = load<u64>(inode, 40);
  const offset = load<u64>(inode, 48);
  const stored = load<u64>(inode, 56);
  const layer = load<u32>(inode, 36);
  const extentCount = load<u32>(inode, 84);
  store<u8>(plan, LAYOUT_PLAIN, 20);
  if (size === 0) return OK;
  if (layer >= layerCount) return INDEX_MALFORMED;
  if (size > MAX_FILE_BYTES) return FILE_TOO_LARGE;
  const deviceBytes = load<u64>(devices + layer * deviceStride);
  if (stored > deviceBytes || offset > deviceBytes - stored) return DATA_OUTSIDE;

  store<u8>(plan, LAYOUT_CHUNKED, 20);
  const aligned = (offset & (BLOCK_BYTES - 1)) === 0;
  const oneChunk = bitsForOneChunk(size);
  if (extentCount === 0 && stored === size) {
    if (aligned && offset + stored > MAX_DEVICE_BYTES) return DATA_TOO_FAR;
    setChunks(plan, size, oneChunk);
    return aligned ? OK : spillWhole(plan, size);
  }
  const extents = extentsAt(load<u32>(inode, 80), extentCount);
  if (extents === 0) return INDEX_MALFORMED;

  // Extents begin and end at chunk borders if the chunk size divides all borders; the file's end is no border.
  let borders: u64 = 0;
  let straight = aligned;
  let dataBytes: u64 = 0;
  let end: u64 = 0;
  let used: u32 = 0;
  for (let i: u32 = 0; i < extentCount; i++) {
    const fileOffset = load<u64>(extents + i * EXTENT_BYTES);
    const bytes = load<u64>(extents + i * EXTENT_BYTES, 8);
    if (fileOffset < end || fileOffset > size || bytes > size - fileOffset) return INDEX_MALFORMED;
    if (bytes === 0) continue;
    end = fileOffset + bytes;
    borders |= fileOffset;
    if (end !== size) borders |= end;
    if (((offset + dataBytes) & (BLOCK_BYTES - 1)) !== 0) straight = false;
    dataBytes += bytes;
    used++;
  }
  if (dataBytes !== stored) return INDEX_MALFORMED;
  if (used === 0) {
    setChunks(plan, size, oneChunk);
    return OK;
  }
  const borderBits: u32 = borders === 0 ? 64 : <u32>ctz<u64>(borders);
  if (straight && borderBits >= BLOCK_BITS) {
    if (offset + stored > MAX_DEVICE_BYTES) return DATA_TOO_FAR;
    const bits = min<u32>(borderBits - BLOCK_BITS, oneChunk);
    const chunks = chunksOf(size, bits);
    // A map may be as long as 1/16 of the data it maps.
    const fine = chunks <= FEW_CHUNKS || chunks <= <u64>used * 64 || chunks * CHUNK_INDEX_BYTES <= stored >> 4;
    if (fine && chunks <= MANY_CHUNKS) {
      setChunks(plan, size, bits);
      return OK;
    }
  }
  const wanted = max<u64>(FEW_CHUNKS, <u64>used * 4);
  let bits = min<u32>(SPILL_CHUNK_BITS, oneChunk);
  while (bits < oneChunk && chunksOf(size, bits) > wanted) bits++;
  setChunks(plan, size, bits);
  return spillExtents(plan, size, bits, extents, extentCount);
}

function setChunks(plan: usize, size: u64, bits: u32): void {
  store<u8>(plan, <u8>bits, 21);
  store<u32>(plan, <u32>chunksOf(size, bits), 24);
}

/** Bytes that the file's `chunk`-th chunk takes of the spill device. */
function spilledChunkBytes(size: u64, bits: u32, chunk: u64): u64 {
  const start = chunk << (BLOCK_BITS + bits);
  const rest = (size - start + BLOCK_BYTES - 1) & ~(<u64>(BLOCK_BYTES - 1));
  return min<u64>(rest, (<u64>BLOCK_BYTES) << bits);
}

function spillWhole(plan: usize, size: u64): i32 {
  store<u8>(plan, 1, 22);
  store<u64>(plan, spillBytes, 32);
  copyCount++;
  return growSpill((size + BLOCK_BYTES - 1) & ~(<u64>(BLOCK_BYTES - 1)));
}

/** Every chunk that data touches is given room, in file order, so that data that is contiguous in the file stays so. */
function spillExtents(plan: usize, size: u64, bits: u32, extents: usize, extentCount: u32): i32 {
  store<u8>(plan, 1, 22);
  store<u64>(plan, spillBytes, 32);
  let next: u64 = 0;
  let room: u64 = 0;
  for (let i: u32 = 0; i < extentCount; i++) {
    const fileOffset = load<u64>(extents + i * EXTENT_BYTES);
    const bytes = load<u64>(extents + i * EXTENT_BYTES, 8);
    if (bytes === 0) continue;
    const last = (fileOffset + bytes - 1) >> (BLOCK_BITS + bits);
    const first = max<u64>(next, fileOffset >> (BLOCK_BITS + bits));
    if (first <= last) {
      room += ((last - first) << (BLOCK_BITS + bits)) + spilledChunkBytes(size, bits, last);
      next = last + 1;
    }
    copyCount++;
  }
  return growSpill(room);
}

function growSpill(bytes: u64): i32 {
  spillBytes += bytes;
  return spillBytes > MAX_DEVICE_BYTES ? DATA_TOO_FAR : OK;
}

/** Writes the file's chunk map to `to`, and its copy instructions if it is spilled. */
export function writeChunks(inode: usize, plan: usize, to: usize): void {
  const size = load<u64>(inode, 40);
  const offset = load<u64>(inode, 48);
  const extentCount = load<u32>(inode, 84);
  const bits = <u32>load<u8>(plan, 21);
  const chunks = load<u32>(plan, 24);
  const spilled = load<u8>(plan, 22) !== 0;
  const device = <u16>(spilled ? layerCount : load<u32>(inode, 36)) + 1;
  const shift = BLOCK_BITS + bits;
  if (extentCount === 0 && load<u64>(inode, 56) === size) {
    const start = spilled ? load<u64>(plan, 32) : offset;
    for (let i: u32 = 0; i < chunks; i++) writeChunk(to, i, device, start + ((<u64>i) << shift));
    if (spilled) writeCopy(inode, offset, start, size);
    return;
  }
  for (let i: u32 = 0; i < chunks; i++) store<u64>(to + i * CHUNK_INDEX_BYTES, (<u64>NULL_BLOCK) << 32);
  const extents = extentsAt(load<u32>(inode, 80), extentCount);
  let source = offset;
  let next: u64 = 0; // the first chunk that has no room in the spill device yet
  let room = load<u64>(plan, 32); // where that would be
  for (let i: u32 = 0; i < extentCount; i++) {
    const fileOffset = load<u64>(extents + i * EXTENT_BYTES);
    const bytes = load<u64>(extents + i * EXTENT_BYTES, 8);
    if (bytes === 0) continue;
    const first = fileOffset >> shift;
    const last = (fileOffset + bytes - 1) >> shift;
    if (!spilled) {
      for (let c = first; c <= last; c++) writeChunk(to, <u32>c, device, source + (c << shift) - fileOffset);
    } else {
      for (let c = max<u64>(first, next); c <= last; c++) {
        writeChunk(to, <u32>c, device, room);
        room += spilledChunkBytes(size, bits, c);
        next = c + 1;
      }
      // Chunk `next - 1` ends at `room`, so the extent's place follows from the distance to that chunk's start.
      const lastStart = room - spilledChunkBytes(size, bits, last);
      writeCopy(inode, source, lastStart + fileOffset - (last << shift), bytes);
    }
    source += bytes;
  }
}

function writeChunk(to: usize, chunk: u32, device: u16, byteAddress: u64): void {
  store<u16>(to + chunk * CHUNK_INDEX_BYTES, device, 2);
  store<u32>(to + chunk * CHUNK_INDEX_BYTES, <u32>(byteAddress >> BLOCK_BITS), 4);
}

function writeCopy(inode: usize, source: u64, destination: u64, bytes: u64): void {
  store<u32>(copyTo, load<u32>(inode, 36));
  store<u64>(copyTo, source, 8);
  store<u64>(copyTo, destination, 16);
  store<u64>(copyTo, bytes, 24);
  copyTo += COPY_BYTES;
}
