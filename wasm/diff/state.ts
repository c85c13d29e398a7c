/**
 * What the diff kernel says of a name, as src/kernels/diff.ts reads it: CHANGE_BYTES a change, little-endian u32s.
 *
 *      0 nodeA   node in the first tree; NO_NODE: the name is added
 *      4 nodeB   node in the second tree; NO_NODE: the name is deleted
 *      8 what    WHAT_* of a name that both trees have
 *     12 zero
 *
 * Memory map: that of wasm/layer/state.ts, whose allocator, error state and checks of the inputs this kernel shares.
 *
 *   indexes (input) | per inode of A: its partner, names paired | source numbers | walk stack | changes (result)
 */
export const CHANGE_BYTES: usize = 16;
export const NO_NODE: u32 = 0xffffffff;

export const WHAT_TYPE: u32 = 1;
/** Regular files of different sizes. */
export const WHAT_CONTENT: u32 = 2;
/** Regular files of the same size from different places: only their bytes can tell. */
export const WHAT_CONTENT_UNKNOWN: u32 = 4;
export const WHAT_MODE: u32 = 8;
export const WHAT_OWNER: u32 = 16;
export const WHAT_MTIME: u32 = 32;
export const WHAT_XATTRS: u32 = 64;
export const WHAT_LINK_TARGET: u32 = 128;
export const WHAT_DEVICE: u32 = 256;
/** Other names are hard links to the same file than before. */
export const WHAT_LINKS: u32 = 512;
/** Internal: WHAT_LINKS is decided when all names have been seen. */
export const WHAT_LINKS_PENDING: u32 = 0x80000000;
