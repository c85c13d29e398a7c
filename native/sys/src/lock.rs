//! flock(2): whole-file locks that belong to an open file and vanish with it, however its holder ends.

use std::ffi::CStr;
use std::os::fd::{AsFd, AsRawFd, BorrowedFd, OwnedFd};
use std::time::Duration;

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

/// How often an exclusive lock is tried before it counts as refused, and the pause between.
const ATTEMPTS: u32 = 5;
const PAUSE: Duration = Duration::from_micros(250);

/// Locks an open file if that is possible now; says whether it did. Somebody who only asks whether the lock is held
/// has a shared lock for some microseconds ([`is_locked`]): an exclusive lock is therefore refused only after 1 ms.
pub fn try_lock(file: BorrowedFd<'_>, mode: LockMode) -> Result<bool> {
    let attempts = if mode == LockMode::Exclusive { ATTEMPTS } else { 1 };
    for attempt in 1..=attempts {
        // SAFETY: only integers are passed.
        match retry(|| check(unsafe { libc::flock(file.as_raw_fd(), mode.operation() | libc::LOCK_NB) })) {
            Ok(_) => return Ok(true),
            Err(Errno(libc::EWOULDBLOCK)) if attempt < attempts => std::thread::sleep(PAUSE),
            Err(Errno(libc::EWOULDBLOCK)) => {}
            Err(error) => return Err(error),
        }
    }
    Ok(false)
}

/// Whether somebody holds a lock on an open file that would keep others out.
pub fn is_locked(file: BorrowedFd<'_>) -> Result<bool> {
    if !try_lock(file, LockMode::Shared)? {
        return Ok(true);
    }
    // SAFETY: only integers are passed.
    check(unsafe { libc::flock(file.as_raw_fd(), libc::LOCK_UN) })?;
    Ok(false)
}

/// Locks an open file; waits as long as it takes.
pub fn lock(file: BorrowedFd<'_>, mode: LockMode) -> Result<()> {
    // SAFETY: only integers are passed.
    retry(|| check(unsafe { libc::flock(file.as_raw_fd(), mode.operation()) })).map(drop)
}

/// Opens and locks what `path` names (a file, made with mode 0600 if there is none, or a directory), if that is possible
/// now. On return `path` still named the locked file: a lock file that its holder removed is made anew.
pub fn try_lock_path(path: &CStr, mode: LockMode) -> Result<Option<OwnedFd>> {
    loop {
        let file = open_for_lock(path)?;
        if !try_lock(file.as_fd(), mode)? {
            return Ok(None);
        }
        if names(path, file.as_fd())? {
            return Ok(Some(file));
        }
    }
}

/// Whether somebody holds a lock on what `path` names; a missing file is not locked.
pub fn is_path_locked(path: &CStr) -> Result<bool> {
    match fs::open(path, libc::O_RDONLY | libc::O_NONBLOCK, 0) {
        Ok(file) => is_locked(file.as_fd()),
        Err(Errno(libc::ENOENT)) => Ok(false),
        Err(error) => Err(error),
    }
}

fn open_for_lock(path: &CStr) -> Result<OwnedFd> {
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
        let first = try_lock_path(&path, LockMode::Exclusive).unwrap().unwrap();
        assert!(try_lock_path(&path, LockMode::Shared).unwrap().is_none());
        assert!(is_path_locked(&path).unwrap());
        drop(first);
        assert!(!is_path_locked(&path).unwrap());
        assert!(try_lock_path(&path, LockMode::Exclusive).unwrap().is_some());
        fs::unlink_at(fs::CWD, &path, 0).unwrap();
    }
}
