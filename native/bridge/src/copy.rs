//! Copying a stretch of one file to another, to a pipe or to a socket.

use std::os::fd::BorrowedFd;

use gantry_sys::copy::{copy_file_range as in_kernel, send_file, splice};
use gantry_sys::door::Control;
use gantry_sys::errno::{Errno, Result, StepContext, StepError};
use gantry_sys::fs;

use crate::message::{Outcome, Request};

/// Between two looks at the cancel word.
const CHUNK_BYTES: u64 = 8 << 20;
const BUFFER_BYTES: usize = 256 << 10;

#[derive(Clone, Copy, PartialEq)]
enum Method {
    CopyFileRange,
    Splice,
    SendFile,
    ReadWrite,
}

/// fdIn, offsetIn, fdOut, positioned, offsetOut, length -> bytes copied.
pub fn copy_file_range(mut request: Request<'_>, control: Control<'_>) -> Outcome {
    let from = request.fd()?;
    let from_offset = request.u64()?;
    let to = request.fd()?;
    let positioned = request.bool()?;
    let to_offset = request.u64()?;
    let length = request.u64()?;
    let copied = copy(from, from_offset, to, positioned.then_some(to_offset), length, control)?;
    Ok(copied as i64)
}

/// Copies `length` bytes, fewer only if the source ends before. `to_offset` None: at the position of `to`.
pub fn copy(
    from: BorrowedFd<'_>,
    from_offset: u64,
    to: BorrowedFd<'_>,
    to_offset: Option<u64>,
    length: u64,
    control: Control<'_>,
) -> std::result::Result<u64, StepError> {
    let mut method = method_for(to, to_offset).step("stat", "")?;
    let mut buffer = Vec::new();
    let mut done = 0;
    while done < length {
        if control.cancelled() {
            return Err(StepError::new("copy", Errno(libc::ECANCELED), ""));
        }
        let chunk = (length - done).min(CHUNK_BYTES) as usize;
        let source = from_offset + done;
        let target = to_offset.map(|offset| offset + done);
        let step = match method {
            Method::CopyFileRange => in_kernel(from, source, to, target, chunk),
            Method::Splice => splice(from, source, to, chunk),
            Method::SendFile => send_file(from, source, to, chunk),
            Method::ReadWrite => read_write(from, source, to, target, chunk, &mut buffer),
        };
        match step {
            Ok(0) if method == Method::ReadWrite => break,
            // Some file systems (procfs, FUSE) say 0 to the fast calls where read has bytes: let read decide.
            Ok(0) => method = Method::ReadWrite,
            Ok(n) => {
                done += n as u64;
                control.advance(n as u64);
            }
            Err(Errno(libc::EAGAIN)) => fs::wait_writable(to).step("poll", "")?,
            // Other file systems, append mode, sources that cannot be spliced.
            Err(Errno(
                libc::EXDEV
                | libc::EINVAL
                | libc::ENOSYS
                | libc::EOPNOTSUPP
                | libc::EBADF
                | libc::EPERM
                | libc::ETXTBSY,
            )) if method != Method::ReadWrite => method = Method::ReadWrite,
            Err(error) => return Err(error).step("copy", ""),
        }
    }
    Ok(done)
}

fn method_for(to: BorrowedFd<'_>, to_offset: Option<u64>) -> Result<Method> {
    let kind = u32::from(fs::stat_fd(to)?.stx_mode) & libc::S_IFMT;
    Ok(match kind {
        libc::S_IFREG => Method::CopyFileRange,
        libc::S_IFIFO if to_offset.is_none() => Method::Splice,
        libc::S_IFSOCK if to_offset.is_none() => Method::SendFile,
        _ => Method::ReadWrite,
    })
}

fn read_write(
    from: BorrowedFd<'_>,
    source: u64,
    to: BorrowedFd<'_>,
    target: Option<u64>,
    length: usize,
    buffer: &mut Vec<u8>,
) -> Result<usize> {
    buffer.resize(BUFFER_BYTES, 0);
    let length = length.min(BUFFER_BYTES);
    let length = fs::read_at(from, &mut buffer[..length], source)?;
    match target {
        Some(offset) => fs::write_all_at(to, &buffer[..length], offset)?,
        None => fs::write_all(to, &buffer[..length])?,
    }
    Ok(length)
}
