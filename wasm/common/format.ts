/**
 * Binary formats shared by the kernels (AssemblyScript), the TypeScript facades and the Rust bridge. Little-endian
 * throughout; offsets in bytes. src/layer/format.ts and native/sys/src/format.rs repeat the constants: change all
 * three and bump the version.
 *
 * 1. ENTRY RECORD: what the tar scanner, and the Rust walk of an upper directory, say of one file, in stream order.
 *    Records lie back to back, each a multiple of 8 bytes.
 *
 *      0 u32 recordBytes        whole record, padding included
 *      4 u8  type               ENTRY_*
 *      5 u8  flags              RECORD_*
 *      6 u16 mode               permission bits, 0..07777
 *      8 u32 uid               12 u32 gid
 *     16 u32 rdevMajor         20 u32 rdevMinor
 *     24 i64 mtimeSeconds      may be negative (before 1970)
 *     32 u32 mtimeNanoseconds  0..999,999,999
 *     36 u32 pathBytes
 *     40 u32 linkBytes         symlink target, or path of the hard link's target
 *     44 u32 xattrBytes        size of the xattr list (below)
 *     48 u64 size              logical size of a regular file, holes included
 *     56 u64 dataOffset        of the file's data: in the uncompressed tar; for a walk, the inode number
 *     64 u64 storedBytes       bytes of data at dataOffset (differs from size only for sparse files)
 *     72 u32 sparseCount       number of data extents that follow; 0: not sparse. A file that is one hole has one extent
 *                              of 0 bytes at its end.
 *     76 u32 linkCount         of a walked inode; 0 from a tar
 *     80 path, link, xattr list, then (8-aligned) sparseCount x { u64 fileOffset, u64 bytes }
 *
 *    Paths are raw bytes as found, never NUL-terminated. The xattr list is, per attribute, { u16 nameBytes, u16 zero,
 *    u32 valueBytes, name, value }, unpadded, in the order found. The data of a sparse file's extents is contiguous from
 *    dataOffset.
 *
 * 2. LAYER INDEX: the checked, normalised tree of one layer, or of a chain of layers merged.
 *
 *      header, 96 bytes:
 *      0 8 bytes magic "GANTRYLX"
 *      8 u32 version = 1          12 u32 flags (INDEX_*)
 *     16 u32 nodeCount            20 u32 inodeCount
 *     24 u32 layerCount           1 for one layer; the chain's length when merged, 0 = bottom
 *     28 u32 extentCount
 *     32 u64 nodesOffset  40 u64 inodesOffset  48 u64 extentsOffset  56 u64 bytesOffset  64 u64 bytesLength
 *     72 u64 dataBytes            sum of the regular files' sizes, hard links once
 *     80 u64 totalBytes           of the whole index
 *     88 u64 reserved, 0
 *
 *      node, 24 bytes: a name in a directory. Node 0 is the root. Breadth first: the children of a directory are
 *      contiguous and sorted by name, bytewise, so lookup is a binary search and a merge is a merge of sorted runs.
 *      0 u32 nameOffset (into the byte pool)  4 u16 nameBytes  6 u16 flags (NODE_*)
 *      8 u32 inode (NO_INODE for a whiteout)  12 u32 firstChild  16 u32 childCount  20 u32 parent
 *
 *      inode, 96 bytes: hard links are nodes that share one.
 *      0 u8 type (ENTRY_*; ENTRY_HARDLINK, in one layer's index only: a link to a file of a lower layer, whose normalised
 *        path is the link target)  1 u8 zero  2 u16 mode  4 u32 uid  8 u32 gid  12 u32 linkCount
 *     16 u32 rdevMajor  20 u32 rdevMinor  24 i64 mtimeSeconds  32 u32 mtimeNanoseconds  36 u32 layer
 *     40 u64 size  48 u64 dataOffset  56 u64 storedBytes
 *     64 u32 linkTargetOffset (byte pool)  68 u32 linkTargetBytes  72 u32 xattrOffset (byte pool)  76 u32 xattrBytes
 *     80 u32 firstExtent  84 u32 extentCount  88 u32 firstNode (the first node, in node order, naming it)  92 u32 zero
 *
 *      linkCount counts the nodes that name the inode; of a directory it is 2 + its subdirectories, as stat shows it. Only
 *      regular files have size, dataOffset and storedBytes. An implied directory is 0755, root's, at the epoch.
 *
 *      extent, 16 bytes: { u64 fileOffset, u64 bytes }, ascending, not overlapping, not touching.
 */

export const ENTRY_REGULAR: u8 = 0;
export const ENTRY_HARDLINK: u8 = 1;
export const ENTRY_SYMLINK: u8 = 2;
export const ENTRY_CHAR: u8 = 3;
export const ENTRY_BLOCK: u8 = 4;
export const ENTRY_DIRECTORY: u8 = 5;
export const ENTRY_FIFO: u8 = 6;

/** The record is a whiteout found in a walk (char device 0:0): its path is hidden in the layers below. */
export const RECORD_WHITEOUT: u8 = 1;
/** The record is a directory found opaque in a walk (overlay's xattr): nothing of the layers below shows in it. */
export const RECORD_OPAQUE: u8 = 2;

export const RECORD_HEADER_BYTES: u32 = 80;

export const INDEX_VERSION: u32 = 1;
export const INDEX_HEADER_BYTES: u32 = 96;
export const NODE_BYTES: u32 = 24;
export const INODE_BYTES: u32 = 96;
export const EXTENT_BYTES: u32 = 16;
export const NO_INODE: u32 = 0xffffffff;

/** The index is a merged chain: no whiteouts, no opaque directories, no implied ones. */
export const INDEX_MERGED: u32 = 1;

/** The name is deleted from the layers below. */
export const NODE_WHITEOUT: u16 = 1;
/** The directory hides everything below it in the lower layers. */
export const NODE_OPAQUE: u16 = 2;
/** The directory had no entry of its own in the layer: merging keeps the lower directory's attributes. */
export const NODE_IMPLIED: u16 = 4;
