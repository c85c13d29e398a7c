//! Waiting for descriptors.

use std::os::fd::{AsRawFd, BorrowedFd};

use crate::errno::{Result, check};

/// One descriptor of a [`poll`], what is awaited, and afterwards what happened.
#[repr(transparent)]
#[derive(Clone, Copy)]
pub struct PollEntry(libc::pollfd);

impl PollEntry {
    /// `None` is skipped by the kernel: an entry may keep its place. The caller keeps the descriptor open.
    pub fn new(fd: Option<BorrowedFd<'_>>, read: bool, write: bool) -> Self {
        let events = if read { libc::POLLIN } else { 0 } | if write { libc::POLLOUT } else { 0 };
        PollEntry(libc::pollfd { fd: fd.map_or(-1, |fd| fd.as_raw_fd()), events, revents: 0 })
    }

    /// Bytes, the end, or an error can be read.
    pub fn readable(&self) -> bool {
        self.0.revents & (libc::POLLIN | libc::POLLHUP | libc::POLLERR) != 0
    }

    pub fn writable(&self) -> bool {
        self.0.revents & (libc::POLLOUT | libc::POLLERR) != 0
    }

    /// The other side is gone.
    pub fn hung_up(&self) -> bool {
        self.0.revents & (libc::POLLHUP | libc::POLLERR) != 0
    }
}

/// `poll(2)`; `timeout_ms` `None` waits for ever. The number of entries with events; 0 also when a signal interrupted.
pub fn poll(entries: &mut [PollEntry], timeout_ms: Option<i32>) -> Result<usize> {
    // SAFETY: PollEntry is a transparent pollfd; the pointer and the length describe one live slice.
    let result = check(unsafe {
        libc::poll(entries.as_mut_ptr().cast(), entries.len() as libc::nfds_t, timeout_ms.unwrap_or(-1))
    });
    match result {
        Ok(count) => Ok(count as usize),
        Err(crate::Errno(libc::EINTR)) => Ok(0),
        Err(error) => Err(error),
    }
}
