//! The constants of the binary formats that three languages share. wasm/common/format.ts and src/layer/format.ts are its
//! twins: change all three and bump the version.

pub const ENTRY_REGULAR: u8 = 0;
pub const ENTRY_HARDLINK: u8 = 1;
pub const ENTRY_SYMLINK: u8 = 2;
pub const ENTRY_CHAR: u8 = 3;
pub const ENTRY_BLOCK: u8 = 4;
pub const ENTRY_DIRECTORY: u8 = 5;
pub const ENTRY_FIFO: u8 = 6;

/// The record is a whiteout found in a walk (char device 0:0): its path is hidden in the layers below.
pub const RECORD_WHITEOUT: u8 = 1;
/// The record is a directory found opaque in a walk: nothing of the layers below shows in it.
pub const RECORD_OPAQUE: u8 = 2;

pub const RECORD_HEADER_BYTES: usize = 80;

pub const INDEX_MAGIC: [u8; 8] = *b"GANTRYLX";
pub const INDEX_VERSION: u32 = 1;
pub const INDEX_HEADER_BYTES: usize = 96;
pub const NODE_BYTES: usize = 24;
pub const INODE_BYTES: usize = 96;
pub const EXTENT_BYTES: usize = 16;
pub const NO_INODE: u32 = u32::MAX;

/// The index is a merged chain: no whiteouts, no opaque directories, no implied ones.
pub const INDEX_MERGED: u32 = 1;

/// The name is deleted from the layers below.
pub const NODE_WHITEOUT: u16 = 1;
/// The directory hides everything below it in the lower layers.
pub const NODE_OPAQUE: u16 = 2;
/// The directory had no entry of its own in the layer.
pub const NODE_IMPLIED: u16 = 4;
