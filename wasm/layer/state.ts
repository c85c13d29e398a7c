/**
 * What the layer kernel's facade (src/kernels/layer.ts) reads, and the memory that everything else comes from.
 *
 * Memory map: LayerState, then from __heap_base a bump allocator that grows the memory and frees nothing. An instance
 * does one job (one build or one merge) and is dropped with its memory.
 *
 *   build:  records (input) | tree nodes, inodes, hash tables as they come | out nodes, out inodes | index (result)
 *   merge:  indexes (input) | layer table, inode maps                      | out nodes, out inodes | index (result)
 */

// @ts-ignore: decorator
@unmanaged
export class LayerState {
  /** 0: ERROR_* or 0. */
  error: u32;
  /** 4, 8: path of the entry that is at fault. */
  pathStart: u32;
  pathBytes: u32;
  /** 12, 16: the text that the message quotes. */
  textStart: u32;
  textBytes: u32;
  /** 20: number of the layer at fault, 0 = bottom. */
  layer: u32;
  /** 24, 28: the finished index. */
  result: u32;
  resultBytes: u32;
}

export const state = changetype<LayerState>(memory.data(64, 16));

let top: usize = 0;

/** Takes `bytes` of zeroed memory, 16-byte aligned; 0 and ERROR_MEMORY when 4 GiB are used up. */
export function allocate(bytes: u64): usize {
  if (top === 0) top = (__heap_base + 15) & ~15;
  const start = top;
  const end = (<u64>start + bytes + 15) & ~15;
  // Names are read eight bytes at a time, past their ends: keep some memory after everything.
  const pages = (end + 64 + 0xffff) >> 16;
  const have = <u64>memory.size();
  if (pages > have) {
    const grow = max<u64>(pages - have, min<u64>(have >> 2, 512));
    if (pages > 65536 || (memory.grow(<i32>grow) < 0 && memory.grow(<i32>(pages - have)) < 0)) {
      fail(ERROR_MEMORY);
      return 0;
    }
  }
  top = <usize>end;
  return start;
}

/** Records an error; the first one stays. Always false, so that callers can `return fail(...)`. */
export function fail(error: u32, text: usize = 0, textBytes: usize = 0): bool {
  if (state.error !== 0) return false;
  state.error = error;
  state.textStart = <u32>text;
  state.textBytes = <u32>textBytes;
  return false;
}

/** A record, or an index, is not what format.ts says: a bug, or a damaged file. */
export const ERROR_RECORD: u32 = 1;
export const ERROR_INDEX: u32 = 2;
export const ERROR_MEMORY: u32 = 3;
/** A ".." in a path or link target, or a whiteout of "." or "..". */
export const ERROR_ESCAPES: u32 = 4;
/** text: the component that is no directory. */
export const ERROR_NOT_DIRECTORY: u32 = 5;
export const ERROR_NAME_TOO_LONG: u32 = 6;
export const ERROR_NUL: u32 = 7;
/** The root itself, as something that is no directory. */
export const ERROR_ROOT: u32 = 8;
/** A whiteout without a name, or used as a directory. */
export const ERROR_WHITEOUT: u32 = 9;
export const ERROR_LINK_TO_DIRECTORY: u32 = 10;
export const ERROR_LINK_MISSING: u32 = 11;
export const ERROR_LINK_EMPTY: u32 = 12;
/** A symbolic link in a path leads to no directory of the layer. text: the path as far as that link. */
export const ERROR_LINK_NOWHERE: u32 = 13;
/** A path leads through too many links, or too long ones. text: the path as far as the first. */
export const ERROR_LINK_LOOP: u32 = 14;
/** An entry in the place of what its own path leads through. */
export const ERROR_LINK_REPLACED: u32 = 15;
/** A hard link's target, or a directory on the way, is not where symbolic links lead to. text: the path as far as that. */
export const ERROR_LINK_NOT_HERE: u32 = 16;
