/**
 * Memory map (bytes):
 *
 *   OUTPUT   64 KiB of room a header at least; HEADERS_BYTES + HEADER_ROOM
 *   PATH     path of the entry being written, raw bytes, no leading slash
 *   LINK     target of the entry being written
 *   ITEMS    MAX_ITEMS x 72: what a batch holds, see ITEM_BYTES below
 *   then, from the end of static data, grown at need: the loaded index (or record), the walk's stack, one u32 an inode
 */

/** Headers of one batch stop growing at this many bytes. */
export const HEADERS_BYTES: u32 = 1 << 18;
export const PATH_ROOM: u32 = 1 << 16;
export const MAX_ITEMS: u32 = 1024;

/** 9 f64 each: end of its headers in OUTPUT, node, inode, layer, data offset, stored bytes, size, extents, ranges. */
export const ITEM_BYTES: u32 = 72;

export const PATH = memory.data(65536, 16);
export const LINK = memory.data(65536, 16);
export const ITEMS = memory.data(73728, 16);

const HEAP = (<usize>__heap_base + 15) & ~15;
let top: usize = HEAP;

/** Forgets everything allocated. */
export function resetHeap(): void {
  top = HEAP;
}

/** `bytes` bytes, 16-byte aligned, not cleared; 0 where the memory cannot grow so far. */
export function allocate(bytes: usize): usize {
  const at = top;
  // In 64 bits: the sum may be beyond the 4 GiB that an address reaches.
  const end = (<u64>top + <u64>bytes + 15) & ~(<u64>15);
  if (end > <u64>u32.MAX_VALUE) return 0;
  const pages = <i32>((end + 0xffff) >> 16) - memory.size();
  if (pages > 0 && memory.grow(pages) < 0) return 0;
  top = <usize>end;
  return at;
}
