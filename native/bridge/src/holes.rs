//! Where a file has data: by what its file system says, and, for large files, by what the data is.

use std::os::fd::BorrowedFd;

use gantry_sys::door::Control;
use gantry_sys::errno::Errno;
use gantry_sys::fs;

const BLOCK_BYTES: usize = 4096;
/// Shorter runs of zeros are data.
const LEAST_HOLE_BYTES: u64 = 64 << 10;
const READ_BYTES: usize = 256 << 10;

/// A data extent: offset, bytes.
pub type Extent = (u64, u64);

/// The data extents that the file system tells of.
pub fn data_extents(file: BorrowedFd<'_>, size: u64) -> Result<Vec<Extent>, (&'static str, Errno)> {
    let mut extents = Vec::new();
    let mut at = 0;
    while at < size {
        let start = match fs::seek(file, at, libc::SEEK_DATA) {
            Ok(start) => start.min(size),
            Err(Errno(libc::ENXIO)) => break,
            Err(error) => return Err(("lseek", error)),
        };
        let end = fs::seek(file, start, libc::SEEK_HOLE).unwrap_or(size).min(size);
        if end <= start {
            break;
        }
        extents.push((start, end - start));
        at = end;
    }
    Ok(extents)
}

/// The extents that are left of `extents` without runs of zeros: whole blocks of 4 KiB, at multiples of that in the file, 64 KiB
/// at least in a row. The same content gives the same extents on every file system, written or preallocated or neither.
pub fn without_zeros(
    file: BorrowedFd<'_>,
    size: u64,
    extents: &[Extent],
    control: &Control<'_>,
) -> Result<Vec<Extent>, (&'static str, Errno)> {
    let mut found: Vec<Extent> = Vec::new();
    let mut buffer = vec![0; READ_BYTES];
    // Up to here everything is known.
    let mut at = 0;
    for &(start, bytes) in extents {
        let end = start + bytes;
        at = at.max(start - start % BLOCK_BYTES as u64);
        while at < end {
            if control.cancelled() {
                return Err(("read", Errno(libc::ECANCELED)));
            }
            let wanted = (size - at).min(READ_BYTES as u64) as usize;
            let got = read_full(file, &mut buffer[..wanted], at)?;
            if got == 0 {
                // It shrank meanwhile: whoever reads it next finds that out.
                return Ok(vec![(0, size)]);
            }
            for (index, block) in buffer[..got].chunks(BLOCK_BYTES).enumerate() {
                let offset = at + (index * BLOCK_BYTES) as u64;
                if offset < end && !is_zero(block) {
                    push(&mut found, offset, block.len() as u64);
                }
            }
            at += got as u64;
        }
        at = at.min(end.next_multiple_of(BLOCK_BYTES as u64));
    }
    close_ends(&mut found, size);
    Ok(found)
}

fn read_full(file: BorrowedFd<'_>, buffer: &mut [u8], offset: u64) -> Result<usize, (&'static str, Errno)> {
    let mut got = 0;
    while got < buffer.len() {
        let now = fs::read_at(file, &mut buffer[got..], offset + got as u64).map_err(|e| ("pread64", e))?;
        if now == 0 {
            break;
        }
        got += now;
    }
    Ok(got)
}

/// Compilers make vector instructions of this.
fn is_zero(block: &[u8]) -> bool {
    block.chunks(256).all(|part| part.iter().fold(0, |all, byte| all | byte) == 0)
}

fn push(found: &mut Vec<Extent>, offset: u64, bytes: u64) {
    match found.last_mut() {
        Some((start, length)) if offset - (*start + *length) < LEAST_HOLE_BYTES => *length = offset + bytes - *start,
        _ => found.push((offset, bytes)),
    }
}

/// Runs of zeros at the beginning and at the end that are too short to be holes.
fn close_ends(found: &mut [Extent], size: u64) {
    if let Some((start, length)) = found.first_mut()
        && *start < LEAST_HOLE_BYTES
    {
        *length += *start;
        *start = 0;
    }
    if let Some((start, length)) = found.last_mut()
        && size - (*start + *length) < LEAST_HOLE_BYTES
    {
        *length = size - *start;
    }
}
