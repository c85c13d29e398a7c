/**
 * The constants of the entry record and the layer index. wasm/common/format.ts documents both formats, field by field;
 * this file and native/sys/src/format.rs are its twins: change all three and bump the version.
 */

export const ENTRY_REGULAR = 0;
export const ENTRY_HARDLINK = 1;
export const ENTRY_SYMLINK = 2;
export const ENTRY_CHAR = 3;
export const ENTRY_BLOCK = 4;
export const ENTRY_DIRECTORY = 5;
export const ENTRY_FIFO = 6;

/** The record is a whiteout found in a walk (char device 0:0): its path is hidden in the layers below. */
export const RECORD_WHITEOUT = 1;
/** The record is a directory found opaque in a walk (overlay's xattr): nothing of the layers below shows in it. */
export const RECORD_OPAQUE = 2;

export const RECORD_HEADER_BYTES = 80;

export const INDEX_VERSION = 1;
export const INDEX_HEADER_BYTES = 96;
export const NODE_BYTES = 24;
export const INODE_BYTES = 96;
export const EXTENT_BYTES = 16;
export const NO_INODE = 0xffffffff;

/** The index is a merged chain: no whiteouts, no opaque directories, no implied ones. */
export const INDEX_MERGED = 1;

/** The name is deleted from the layers below. */
export const NODE_WHITEOUT = 1;
/** The directory hides everything below it in the lower layers. */
export const NODE_OPAQUE = 2;
/** The directory had no entry of its own in the layer: merging keeps the lower directory's attributes. */
export const NODE_IMPLIED = 4;
