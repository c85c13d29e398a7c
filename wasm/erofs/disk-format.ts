/**
 * The part of EROFS's on-disk format that is written here. Documentation/filesystems/erofs.rst of Linux describes it,
 * fs/erofs/erofs_fs.h has the numbers.
 */

/** 512 bytes: what a tar aligns file data to, so that every regular file begins at a block of its layer's tar. */
export const BLOCK_BITS: u32 = 9;
export const BLOCK_BYTES: u32 = 512;

export const SUPERBLOCK_OFFSET: u32 = 1024;
export const SUPERBLOCK_BYTES: u32 = 128;
export const SUPERBLOCK_MAGIC: u32 = 0xe0f5e1e2;
/** SB_CHKSUM | MTIME. */
export const FEATURES_COMPATIBLE: u32 = 3;
export const FEATURE_CHUNKED_FILE: u32 = 4;
export const FEATURE_DEVICE_TABLE: u32 = 8;

export const DEVICE_SLOT_BYTES: u32 = 128;
/** Device numbers in chunk indexes are 16 bits, and 0 is the image itself. */
export const MAX_DEVICES: u32 = 65535;

/** Node ids count slots of 32 bytes from the start of the metadata area. */
export const NID_SLOT_BYTES: u32 = 32;
export const INODE_BYTES: u32 = 64;

export const LAYOUT_PLAIN: u8 = 0;
export const LAYOUT_INLINE: u8 = 2;
export const LAYOUT_CHUNKED: u8 = 4;

/** Chunks are 512 << 0..31 bytes. */
export const MAX_CHUNK_BITS: u32 = 31;
export const CHUNK_FORMAT_INDEXES: u16 = 0x20;
export const CHUNK_INDEX_BYTES: u32 = 8;
/** Block address of a chunk that is a hole; also the first address that does not exist. */
export const NULL_BLOCK: u32 = 0xffffffff;

export const DIRENT_BYTES: u32 = 12;
export const MAX_NAME_BYTES: u32 = 255;
/** The kernel reads a symbolic link through one page, NUL included. */
export const MAX_SYMLINK_BYTES: u32 = 4095;

export const XATTR_HEADER_BYTES: u32 = 12;
export const XATTR_ENTRY_BYTES: u32 = 4;
export const XATTR_USER: u8 = 1;
export const XATTR_ACL_ACCESS: u8 = 2;
export const XATTR_ACL_DEFAULT: u8 = 3;
export const XATTR_TRUSTED: u8 = 4;
export const XATTR_SECURITY: u8 = 6;
