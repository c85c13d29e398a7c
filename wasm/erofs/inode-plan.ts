import { inodeCount } from "./layer-tables";
import { reserve } from "./memory";

/**
 * What the first pass decides about each inode, 48 bytes each:
 *
 *    0 u32 nid           0: not placed yet
 *    4 u32 links         names so far; of a directory 2 + its subdirectories
 *    8 u32 dataBlock     first whole block of a directory or long symbolic link, counted from the data area
 *   12 u32 bodyBytes     size of a directory or symbolic link
 *   16 u32 xattrBytes    as EROFS writes them, header included
 *   20 u8  layout        LAYOUT_*
 *   21 u8  chunkBits     chunk size is 512 << chunkBits
 *   22 u8  spilled       the data is to be copied to the spill device, from spillOffset
 *   23 u8  written
 *   24 u32 chunkCount
 *   28 u32 number        1, 2, 3 ... in the order placed
 *   32 u64 spillOffset
 *   40 u64 zero
 */
const PLAN_BYTES: u32 = 48;

let plans: usize = 0;

/** Makes room for a plan an inode. Returns false if there is no memory. */
export function openPlans(): bool {
  plans = reserve(<u64>inodeCount * PLAN_BYTES);
  return plans !== 0;
}

export function planAt(inode: u32): usize {
  return plans + inode * PLAN_BYTES;
}
