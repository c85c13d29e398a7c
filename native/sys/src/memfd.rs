//! Files that live in memory.

use std::ffi::CStr;
use std::os::fd::{AsRawFd, BorrowedFd, FromRawFd, OwnedFd};

use crate::errno::{Result, check};

const ALL_SEALS: libc::c_int = libc::F_SEAL_SEAL | libc::F_SEAL_SHRINK | libc::F_SEAL_GROW | libc::F_SEAL_WRITE;

/// An empty file in memory that can be sealed, close-on-exec.
pub fn create(name: &CStr) -> Result<OwnedFd> {
    // SAFETY: name is a NUL-terminated string alive during the call.
    let fd = check(unsafe { libc::memfd_create(name.as_ptr(), libc::MFD_CLOEXEC | libc::MFD_ALLOW_SEALING) })?;
    // SAFETY: made for the caller just now.
    Ok(unsafe { OwnedFd::from_raw_fd(fd) })
}

/// Makes its content immutable for ever, for everybody.
pub fn seal(file: BorrowedFd<'_>) -> Result<()> {
    // SAFETY: only integers are passed.
    check(unsafe { libc::fcntl(file.as_raw_fd(), libc::F_ADD_SEALS, ALL_SEALS) }).map(drop)
}

/// Whether an open file is one that [`seal`] has made immutable.
pub fn is_sealed(file: BorrowedFd<'_>) -> bool {
    // SAFETY: only integers are passed; files that know no seals give an error.
    check(unsafe { libc::fcntl(file.as_raw_fd(), libc::F_GET_SEALS) }).is_ok_and(|seals| seals & ALL_SEALS == ALL_SEALS)
}
