//! Writes and reads entry records: wasm/common/format.ts, section 1.

use gantry_sys::errno::{Errno, StepError};
use gantry_sys::format::{EXTENT_BYTES, RECORD_HEADER_BYTES};
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

/// A record as it was read; everything in it lies within the bytes it was read from.
pub struct Record<'a> {
    pub kind: u8,
    pub mode: u32,
    pub uid: u32,
    pub gid: u32,
    pub device: (u32, u32),
    pub time: (i64, u32),
    pub size: u64,
    /// Where the data is, and how much.
    pub data_offset: u64,
    pub stored_bytes: u64,
    pub path: &'a [u8],
    pub link: &'a [u8],
    pub xattrs: &'a [u8],
    extents: &'a [u8],
}

impl<'a> Record<'a> {
    /// The first record of `bytes`, and the rest.
    pub fn read(bytes: &'a [u8]) -> Result<(Self, &'a [u8]), StepError> {
        Self::try_read(bytes).ok_or_else(|| StepError::new("read a malformed record", Errno(libc::EUCLEAN), ""))
    }

    fn try_read(bytes: &'a [u8]) -> Option<(Self, &'a [u8])> {
        let u32_at = |at: usize| Some(u32::from_le_bytes(bytes.get(at..at + 4)?.try_into().ok()?));
        let u64_at = |at: usize| Some(u64::from_le_bytes(bytes.get(at..at + 8)?.try_into().ok()?));
        let (record, rest) = bytes.split_at_checked(u32_at(0)? as usize)?;
        let (path, link, xattrs) = (u32_at(36)? as usize, u32_at(40)? as usize, u32_at(44)? as usize);
        let variable = record.get(RECORD_HEADER_BYTES..)?;
        let (path, variable) = variable.split_at_checked(path)?;
        let (link, variable) = variable.split_at_checked(link)?;
        let xattrs = variable.get(..xattrs)?;
        let extents_at = (RECORD_HEADER_BYTES + path.len() + link.len() + xattrs.len()).next_multiple_of(8);
        let extents = (u32_at(72)? as usize).checked_mul(EXTENT_BYTES)?;
        let extents = record.get(extents_at..)?.get(..extents)?;
        let word = u32_at(4)?;
        Some((
            Record {
                kind: word as u8,
                mode: word >> 16 & 0o7777,
                uid: u32_at(8)?,
                gid: u32_at(12)?,
                device: (u32_at(16)?, u32_at(20)?),
                time: (u64_at(24)? as i64, u32_at(32)?),
                size: u64_at(48)?,
                data_offset: u64_at(56)?,
                stored_bytes: u64_at(64)?,
                path,
                link,
                xattrs,
                extents,
            },
            rest,
        ))
    }

    /// (offset, bytes) of a sparse file's data, in order.
    pub fn extents(&self) -> impl Iterator<Item = (u64, u64)> + use<'a> {
        self.extents.as_chunks::<EXTENT_BYTES>().0.iter().map(|extent| {
            let (offset, bytes) = extent.split_at(8);
            let number = |bytes: &[u8]| u64::from_le_bytes(bytes.try_into().unwrap_or_default());
            (number(offset), number(bytes))
        })
    }

    pub fn is_sparse(&self) -> bool {
        !self.extents.is_empty()
    }
}
