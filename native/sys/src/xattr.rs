//! Extended attributes, never of what a symbolic link points to.

use std::ffi::{CStr, CString};
use std::os::fd::BorrowedFd;

use crate::errno::{Errno, Result, check, check_long};
use crate::fs::descriptor_path;

/// The kernel's limit for a list and for a value (XATTR_LIST_MAX, XATTR_SIZE_MAX).
pub const LIMIT_BYTES: usize = 65536;

/// What attributes are read from or written to.
#[derive(Clone, Copy)]
pub enum Target<'a> {
    /// A path whose last component is not followed.
    Path(&'a CStr),
    /// An open file; O_PATH will do.
    File(BorrowedFd<'a>),
}

/// Calls that follow the /proc link of a descriptor, or do not follow the last component of a path.
enum Resolved<'a> {
    Path(&'a CStr),
    Link(CString),
}

impl<'a> Target<'a> {
    fn resolve(self) -> Resolved<'a> {
        match self {
            Target::Path(path) => Resolved::Path(path),
            // fgetxattr refuses O_PATH descriptors; the /proc link leads to the file itself, a symbolic link included.
            Target::File(file) => Resolved::Link(descriptor_path(file)),
        }
    }
}

/// The names, each followed by a NUL, into `buffer`; returns their length. A file system without attributes has none.
pub fn list(target: Target<'_>, buffer: &mut [u8]) -> Result<usize> {
    let (bytes, size) = (buffer.as_mut_ptr().cast(), buffer.len());
    let result = match target.resolve() {
        // SAFETY: the path is NUL-terminated; the kernel writes at most size bytes into the borrowed buffer.
        Resolved::Path(path) => unsafe { libc::llistxattr(path.as_ptr(), bytes, size) },
        // SAFETY: as above.
        Resolved::Link(path) => unsafe { libc::listxattr(path.as_ptr(), bytes, size) },
    };
    match check_long(result as i64) {
        Ok(length) => Ok(length as usize),
        Err(Errno(libc::ENOTSUP)) => Ok(0),
        Err(error) => Err(error),
    }
}

/// The value into `buffer`; returns its length, or None where there is no such attribute.
pub fn get(target: Target<'_>, name: &CStr, buffer: &mut [u8]) -> Result<Option<usize>> {
    let (bytes, size) = (buffer.as_mut_ptr().cast(), buffer.len());
    let result = match target.resolve() {
        // SAFETY: path and name are NUL-terminated; the kernel writes at most size bytes into the borrowed buffer.
        Resolved::Path(path) => unsafe { libc::lgetxattr(path.as_ptr(), name.as_ptr(), bytes, size) },
        // SAFETY: as above.
        Resolved::Link(path) => unsafe { libc::getxattr(path.as_ptr(), name.as_ptr(), bytes, size) },
    };
    match check_long(result as i64) {
        Ok(length) => Ok(Some(length as usize)),
        Err(Errno(libc::ENODATA | libc::ENOTSUP)) => Ok(None),
        Err(error) => Err(error),
    }
}

/// Creates or replaces an attribute.
pub fn set(target: Target<'_>, name: &CStr, value: &[u8]) -> Result<()> {
    let (bytes, size) = (value.as_ptr().cast(), value.len());
    let result = match target.resolve() {
        // SAFETY: path and name are NUL-terminated; the kernel reads size bytes of the borrowed value.
        Resolved::Path(path) => unsafe { libc::lsetxattr(path.as_ptr(), name.as_ptr(), bytes, size, 0) },
        // SAFETY: as above.
        Resolved::Link(path) => unsafe { libc::setxattr(path.as_ptr(), name.as_ptr(), bytes, size, 0) },
    };
    check(result).map(drop)
}

/// Removes an attribute; one that is not there is no error.
pub fn remove(target: Target<'_>, name: &CStr) -> Result<()> {
    let result = match target.resolve() {
        // SAFETY: path and name are NUL-terminated strings alive during the call.
        Resolved::Path(path) => unsafe { libc::lremovexattr(path.as_ptr(), name.as_ptr()) },
        // SAFETY: as above.
        Resolved::Link(path) => unsafe { libc::removexattr(path.as_ptr(), name.as_ptr()) },
    };
    match check(result) {
        Ok(_) | Err(Errno(libc::ENODATA)) => Ok(()),
        Err(error) => Err(error),
    }
}
