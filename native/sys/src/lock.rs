//! flock(2): whole-file locks that belong to an open file and vanish with it, however its holder ends.

use std::ffi::CStr;
use std::os::fd::{AsFd, AsRawFd, BorrowedFd, OwnedFd};

use crate::errno::{Errno, Result, check, retry};
use crate::fs;

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum LockMode {
    Shared,
    Exclusive,
}

impl LockMode {
    fn operation(self) -> i32 {
        match self {
            LockMode::Shared => libc::LOCK_SH,
            LockMode::Exclusive => libc::LOCK_EX,
        }
    }
}

/// Locks an open file if that is possible now; says whether it did.
pub fn try_lock(file: BorrowedFd<'_>, mode: LockMode) -> Result<bool> {
    // SAFETY: only integers are passed.
    match retry(|| check(unsafe { libc::flock(file.as_raw_fd(), mode.operation() | libc::LOCK_NB) })) {
        Ok(_) => Ok(true),
        Err(Errno(libc::EWOULDBLOCK)) => Ok(false),
        Err(error) => Err(error),
    }
}

/// Locks an open file; waits as long as it takes.
pub fn lock(file: BorrowedFd<'_>, mode: LockMode) -> Result<()> {
    // SAFETY: only integers are passed.
    retry(|| check(unsafe { libc::flock(file.as_raw_fd(), mode.operation()) })).map(drop)
}

/// Opens and locks what `path` names (a file, made with mode 0600 if `create`, or a directory), if that is possible
/// now. On return `path` still named the locked file: a lock file that its holder removed is made anew.
pub fn try_lock_path(path: &CStr, mode: LockMode, create: bool) -> Result<Option<OwnedFd>> {
    loop {
        let file = open_for_lock(path, create)?;
        if !try_lock(file.as_fd(), mode)? {
            return Ok(None);
        }
        if !create || names(path, file.as_fd())? {
            return Ok(Some(file));
        }
    }
}

fn open_for_lock(path: &CStr, create: bool) -> Result<OwnedFd> {
    if !create {
        return fs::open(path, libc::O_RDONLY | libc::O_NONBLOCK, 0);
    }
    match fs::open(path, libc::O_RDWR | libc::O_CREAT | libc::O_NOFOLLOW | libc::O_NONBLOCK, 0o600) {
        Err(Errno(libc::EISDIR)) => fs::open(path, libc::O_RDONLY | libc::O_DIRECTORY | libc::O_NOFOLLOW, 0),
        other => other,
    }
}

/// Whether `path` names the open `file` at this moment.
fn names(path: &CStr, file: BorrowedFd<'_>) -> Result<bool> {
    let held = fs::stat_fd(file)?;
    match fs::stat_at(fs::CWD, path) {
        Ok(named) => Ok((named.stx_ino, named.stx_dev_major, named.stx_dev_minor)
            == (held.stx_ino, held.stx_dev_major, held.stx_dev_minor)),
        Err(Errno(libc::ENOENT)) => Ok(false),
        Err(error) => Err(error),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_second_exclusive_lock_is_refused_until_the_first_is_dropped() {
        let path = std::env::temp_dir().join(format!("gantry-sys-lock-{}", std::process::id()));
        let path = fs::c_path(path.as_os_str().as_encoded_bytes()).unwrap();
        let first = try_lock_path(&path, LockMode::Exclusive, true).unwrap().unwrap();
        assert!(try_lock_path(&path, LockMode::Shared, true).unwrap().is_none());
        drop(first);
        assert!(try_lock_path(&path, LockMode::Exclusive, true).unwrap().is_some());
        fs::unlink_at(fs::CWD, &path, 0).unwrap();
    }
}
