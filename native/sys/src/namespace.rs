//! Namespaces of the calling process.

use std::os::fd::{AsRawFd, BorrowedFd};

use crate::errno::{Result, check};

/// `unshare(2)` with `libc::CLONE_NEW*` bits.
pub fn unshare(namespaces: i32) -> Result<()> {
    // SAFETY: only an integer is passed.
    check(unsafe { libc::unshare(namespaces) }).map(drop)
}

/// `setns(2)`: enters the namespace behind a descriptor, which must be of the given `libc::CLONE_NEW*` kind. A pid or time
/// namespace is entered by the children only.
pub fn enter(namespace: BorrowedFd<'_>, kind: i32) -> Result<()> {
    // SAFETY: only integers are passed.
    check(unsafe { libc::setns(namespace.as_raw_fd(), kind) }).map(drop)
}
