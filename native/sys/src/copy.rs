//! Moving bytes between descriptors inside the kernel.

use std::os::fd::{AsRawFd, BorrowedFd};
use std::ptr;

use crate::errno::{Result, check_long, retry};

/// `copy_file_range(2)`: from an offset of a file to an offset of another, or to its own position. 0 at the end.
pub fn copy_file_range(
    from: BorrowedFd<'_>,
    from_offset: u64,
    to: BorrowedFd<'_>,
    to_offset: Option<u64>,
    length: usize,
) -> Result<usize> {
    let call = || {
        let mut source = from_offset as libc::off64_t;
        let mut target = to_offset.map(|offset| offset as libc::off64_t);
        let target = target.as_mut().map_or(ptr::null_mut(), ptr::from_mut);
        // SAFETY: both offsets are locals that live through the call; a null offset means the descriptor's position.
        check_long(unsafe {
            libc::copy_file_range(from.as_raw_fd(), &raw mut source, to.as_raw_fd(), target, length, 0)
        } as i64)
    };
    retry(call).map(|n| n as usize)
}

/// `splice(2)` from an offset of a file into a pipe. 0 at the end; EAGAIN where a non-blocking pipe is full.
pub fn splice(from: BorrowedFd<'_>, from_offset: u64, pipe: BorrowedFd<'_>, length: usize) -> Result<usize> {
    let call = || {
        let mut source = from_offset as libc::loff_t;
        // SAFETY: the offset is a local that lives through the call; a pipe has none.
        check_long(unsafe {
            libc::splice(
                from.as_raw_fd(),
                &raw mut source,
                pipe.as_raw_fd(),
                ptr::null_mut(),
                length,
                libc::SPLICE_F_MOVE | libc::SPLICE_F_MORE,
            )
        } as i64)
    };
    retry(call).map(|n| n as usize)
}

/// `sendfile(2)` from an offset of a file into a socket. 0 at the end; EAGAIN where a non-blocking socket is full.
pub fn send_file(from: BorrowedFd<'_>, from_offset: u64, socket: BorrowedFd<'_>, length: usize) -> Result<usize> {
    let call = || {
        let mut source = from_offset as libc::off_t;
        // SAFETY: the offset is a local that lives through the call.
        check_long(unsafe { libc::sendfile(socket.as_raw_fd(), from.as_raw_fd(), &raw mut source, length) } as i64)
    };
    retry(call).map(|n| n as usize)
}
