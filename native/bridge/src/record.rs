//! Writes entry records: wasm/common/format.ts, section 1.

use gantry_sys::format::RECORD_HEADER_BYTES;
use gantry_sys::fs::Stat;

/// What a record says that is not in the file's stat.
pub struct Entry<'a> {
    /// `ENTRY_*`.
    pub kind: u8,
    /// `RECORD_*`.
    pub flags: u8,
    pub path: &'a [u8],
    pub link: &'a [u8],
    /// As a record holds it: see [`push_xattr`].
    pub xattrs: &'a [u8],
    /// Of a regular file; 0 for everything else.
    pub size: u64,
    /// Data extents (offset, bytes) of a sparse file; None: not sparse.
    pub extents: Option<&'a [(u64, u64)]>,
}

/// Appends one attribute to an xattr list.
pub fn push_xattr(list: &mut Vec<u8>, name: &[u8], value: &[u8]) {
    list.extend_from_slice(&(name.len() as u16).to_le_bytes());
    list.extend_from_slice(&[0, 0]);
    list.extend_from_slice(&(value.len() as u32).to_le_bytes());
    list.extend_from_slice(name);
    list.extend_from_slice(value);
}

/// Appends a record.
pub fn push_record(records: &mut Vec<u8>, entry: &Entry<'_>, stat: &Stat) {
    let extents = entry.extents.unwrap_or_default();
    let stored = match entry.extents {
        Some(extents) => extents.iter().map(|(_, bytes)| bytes).sum(),
        None => entry.size,
    };
    let variable = entry.path.len() + entry.link.len() + entry.xattrs.len();
    let extents_at = (RECORD_HEADER_BYTES + variable).next_multiple_of(8);
    let total = extents_at + extents.len() * 16;
    let start = records.len();
    records.reserve(total);
    let mut u32s = |values: &[u32]| values.iter().for_each(|v| records.extend_from_slice(&v.to_le_bytes()));
    u32s(&[
        total as u32,
        u32::from(entry.kind) | u32::from(entry.flags) << 8 | u32::from(stat.stx_mode & 0o7777) << 16,
        stat.stx_uid,
        stat.stx_gid,
        stat.stx_rdev_major,
        stat.stx_rdev_minor,
    ]);
    records.extend_from_slice(&stat.stx_mtime.tv_sec.to_le_bytes());
    let mut u32s = |values: &[u32]| values.iter().for_each(|v| records.extend_from_slice(&v.to_le_bytes()));
    u32s(&[stat.stx_mtime.tv_nsec, entry.path.len() as u32, entry.link.len() as u32, entry.xattrs.len() as u32]);
    for value in [entry.size, stat.stx_ino, stored] {
        records.extend_from_slice(&value.to_le_bytes());
    }
    let mut u32s = |values: &[u32]| values.iter().for_each(|v| records.extend_from_slice(&v.to_le_bytes()));
    u32s(&[extents.len() as u32, stat.stx_nlink]);
    records.extend_from_slice(entry.path);
    records.extend_from_slice(entry.link);
    records.extend_from_slice(entry.xattrs);
    records.resize(start + extents_at, 0);
    for (offset, bytes) in extents {
        records.extend_from_slice(&offset.to_le_bytes());
        records.extend_from_slice(&bytes.to_le_bytes());
    }
}
