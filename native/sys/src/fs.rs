//! Files and directories: one function a system call. Paths are relative to `directory`; [`CWD`] is the process's.

use std::ffi::{CStr, CString};
use std::os::fd::{AsRawFd, BorrowedFd, FromRawFd, OwnedFd};

use crate::errno::{Errno, Result, check, check_long, retry};

/// The working directory, where a directory descriptor is asked for.
// SAFETY: AT_FDCWD is no descriptor that could be closed; the *at system calls take it as "the working directory".
pub const CWD: BorrowedFd<'static> = unsafe { BorrowedFd::borrow_raw(libc::AT_FDCWD) };

/// `RESOLVE_*` of `openat2(2)`.
pub mod resolve {
    /// Never cross a mount point.
    pub const NO_XDEV: u64 = 0x01;
    pub const NO_MAGICLINKS: u64 = 0x02;
    pub const NO_SYMLINKS: u64 = 0x04;
    /// Refuse anything outside the directory.
    pub const BENEATH: u64 = 0x08;
    /// Take the directory for `/`, as chroot(2) would.
    pub const IN_ROOT: u64 = 0x10;
}

/// A path as system calls want it.
///
/// # Errors
/// EINVAL for an embedded NUL.
pub fn c_path(bytes: &[u8]) -> Result<CString> {
    CString::new(bytes).map_err(|_| Errno(libc::EINVAL))
}

/// `/proc/self/fd/N`: a short path to an open file, for calls that take only paths and where paths are limited.
pub fn descriptor_path(fd: BorrowedFd<'_>) -> CString {
    let text = format!("/proc/self/fd/{}", fd.as_raw_fd());
    CString::new(text).unwrap_or_default()
}

/// `openat(2)`; O_CLOEXEC is always added.
pub fn open_at(directory: BorrowedFd<'_>, path: &CStr, flags: i32, mode: u32) -> Result<OwnedFd> {
    retry(|| {
        // SAFETY: path is a NUL-terminated string alive during the call.
        let fd = check(unsafe { libc::openat(directory.as_raw_fd(), path.as_ptr(), flags | libc::O_CLOEXEC, mode) })?;
        // SAFETY: the kernel has just made this descriptor for the caller; nothing else knows it.
        Ok(unsafe { OwnedFd::from_raw_fd(fd) })
    })
}

/// `open(2)`.
pub fn open(path: &CStr, flags: i32, mode: u32) -> Result<OwnedFd> {
    open_at(CWD, path, flags, mode)
}

/// `openat2(2)` with [`resolve`] bits; O_CLOEXEC is always added. Repeats on EAGAIN, which the kernel returns for a
/// rename racing with a confined lookup.
pub fn open_at2(directory: BorrowedFd<'_>, path: &CStr, flags: i32, mode: u32, resolve: u64) -> Result<OwnedFd> {
    #[repr(C)]
    struct OpenHow {
        flags: u64,
        mode: u64,
        resolve: u64,
    }
    let creates = flags & libc::O_CREAT != 0 || flags & libc::O_TMPFILE == libc::O_TMPFILE;
    // openat2 refuses a mode without O_CREAT.
    let how = OpenHow {
        flags: (flags | libc::O_CLOEXEC) as u32 as u64,
        mode: if creates { u64::from(mode) } else { 0 },
        resolve,
    };
    let mut attempts = 0;
    loop {
        // SAFETY: path is NUL-terminated; how is the kernel's struct open_how, of the size passed; both alive during the call.
        let result = check_long(unsafe {
            libc::syscall(libc::SYS_openat2, directory.as_raw_fd(), path.as_ptr(), &raw const how, size_of::<OpenHow>())
        });
        match result {
            // SAFETY: the kernel has just made this descriptor for the caller; nothing else knows it.
            Ok(fd) => return Ok(unsafe { OwnedFd::from_raw_fd(fd as i32) }),
            Err(Errno(libc::EINTR)) => {}
            Err(Errno(libc::EAGAIN)) if attempts < 128 => attempts += 1,
            Err(error) => return Err(error),
        }
    }
}

/// `read(2)`; 0 at the end.
pub fn read(fd: BorrowedFd<'_>, buffer: &mut [u8]) -> Result<usize> {
    // SAFETY: the kernel writes at most buffer.len() bytes into the exclusively borrowed buffer.
    let read = || check_long(unsafe { libc::read(fd.as_raw_fd(), buffer.as_mut_ptr().cast(), buffer.len()) } as i64);
    retry(read).map(|n| n as usize)
}

/// `pread(2)`; 0 at the end.
pub fn read_at(fd: BorrowedFd<'_>, buffer: &mut [u8], offset: u64) -> Result<usize> {
    let read = || {
        // SAFETY: the kernel writes at most buffer.len() bytes into the exclusively borrowed buffer.
        check_long(unsafe {
            libc::pread(fd.as_raw_fd(), buffer.as_mut_ptr().cast(), buffer.len(), offset as libc::off_t)
        } as i64)
    };
    retry(read).map(|n| n as usize)
}

/// `write(2)`; may write less than all.
pub fn write(fd: BorrowedFd<'_>, bytes: &[u8]) -> Result<usize> {
    // SAFETY: the kernel reads at most bytes.len() bytes from the borrowed slice.
    let write = || check_long(unsafe { libc::write(fd.as_raw_fd(), bytes.as_ptr().cast(), bytes.len()) } as i64);
    retry(write).map(|n| n as usize)
}

/// Writes all bytes; waits where a non-blocking descriptor is full.
pub fn write_all(fd: BorrowedFd<'_>, mut bytes: &[u8]) -> Result<()> {
    while !bytes.is_empty() {
        match write(fd, bytes) {
            Ok(n) => bytes = &bytes[n..],
            Err(Errno(libc::EAGAIN)) => wait_writable(fd)?,
            Err(error) => return Err(error),
        }
    }
    Ok(())
}

/// Writes all bytes at an offset: `pwrite(2)`.
pub fn write_all_at(fd: BorrowedFd<'_>, mut bytes: &[u8], mut offset: u64) -> Result<()> {
    while !bytes.is_empty() {
        let write = || {
            // SAFETY: the kernel reads at most bytes.len() bytes from the borrowed slice.
            check_long(unsafe {
                libc::pwrite(fd.as_raw_fd(), bytes.as_ptr().cast(), bytes.len(), offset as libc::off_t)
            } as i64)
        };
        let written = retry(write)? as usize;
        bytes = &bytes[written..];
        offset += written as u64;
    }
    Ok(())
}

/// Blocks until the descriptor takes bytes (or has an error that the next write reports).
pub fn wait_writable(fd: BorrowedFd<'_>) -> Result<()> {
    let mut poll = libc::pollfd { fd: fd.as_raw_fd(), events: libc::POLLOUT, revents: 0 };
    // SAFETY: one pollfd, exclusively borrowed during the call.
    retry(|| check(unsafe { libc::poll(&raw mut poll, 1, -1) })).map(drop)
}

/// What `statx(2)` says of a file: type, mode, owner, size, times, device, inode, links.
pub type Stat = libc::statx;

/// `statx(2)` of a name, without following it if it is a symbolic link and without triggering automounts.
pub fn stat_at(directory: BorrowedFd<'_>, path: &CStr) -> Result<Stat> {
    statx(directory, path, libc::AT_SYMLINK_NOFOLLOW | libc::AT_NO_AUTOMOUNT)
}

/// `statx(2)` of a path, symbolic links followed.
pub fn stat_follow(directory: BorrowedFd<'_>, path: &CStr) -> Result<Stat> {
    statx(directory, path, 0)
}

/// `statx(2)` of an open file.
pub fn stat_fd(fd: BorrowedFd<'_>) -> Result<Stat> {
    statx(fd, c"", libc::AT_EMPTY_PATH)
}

fn statx(directory: BorrowedFd<'_>, path: &CStr, flags: i32) -> Result<Stat> {
    let mut stat = std::mem::MaybeUninit::<libc::statx>::zeroed();
    // SAFETY: path is NUL-terminated; the kernel writes one struct statx into stat.
    check(unsafe {
        libc::statx(directory.as_raw_fd(), path.as_ptr(), flags, libc::STATX_BASIC_STATS, stat.as_mut_ptr())
    })?;
    // SAFETY: zeroed is a valid struct statx (integers only) and the kernel has filled it.
    Ok(unsafe { stat.assume_init() })
}

/// The magic number of the file system that an open file is on: `fstatfs(2)`, statfs(2) lists them.
pub fn file_system_magic(fd: BorrowedFd<'_>) -> Result<u32> {
    let mut stat = std::mem::MaybeUninit::<libc::statfs>::zeroed();
    // SAFETY: the kernel writes one struct statfs into stat.
    check(unsafe { libc::fstatfs(fd.as_raw_fd(), stat.as_mut_ptr()) })?;
    // SAFETY: zeroed is a valid struct statfs (integers only) and the kernel has filled it.
    Ok(unsafe { stat.assume_init() }.f_type as u32)
}

/// `readlinkat(2)`: the target as bytes.
pub fn read_link_at(directory: BorrowedFd<'_>, path: &CStr) -> Result<Vec<u8>> {
    let mut target = vec![0u8; 256];
    loop {
        // SAFETY: path is NUL-terminated; the kernel writes at most target.len() bytes into target.
        let length = check_long(unsafe {
            libc::readlinkat(directory.as_raw_fd(), path.as_ptr(), target.as_mut_ptr().cast(), target.len())
        } as i64)? as usize;
        if length < target.len() {
            target.truncate(length);
            return Ok(target);
        }
        target.resize(target.len() * 4, 0);
    }
}

pub fn make_directory_at(directory: BorrowedFd<'_>, path: &CStr, mode: u32) -> Result<()> {
    // SAFETY: path is a NUL-terminated string alive during the call.
    check(unsafe { libc::mkdirat(directory.as_raw_fd(), path.as_ptr(), mode) }).map(drop)
}

/// `mknodat(2)`: `mode` carries the type (`libc::S_IFCHR`, `S_IFIFO` ...).
pub fn make_node_at(directory: BorrowedFd<'_>, path: &CStr, mode: u32, device: (u32, u32)) -> Result<()> {
    let device = libc::makedev(device.0, device.1);
    // SAFETY: path is a NUL-terminated string alive during the call.
    check(unsafe { libc::mknodat(directory.as_raw_fd(), path.as_ptr(), mode, device) }).map(drop)
}

pub fn symlink_at(target: &CStr, directory: BorrowedFd<'_>, path: &CStr) -> Result<()> {
    // SAFETY: both are NUL-terminated strings alive during the call.
    check(unsafe { libc::symlinkat(target.as_ptr(), directory.as_raw_fd(), path.as_ptr()) }).map(drop)
}

/// `linkat(2)`; a symbolic link is linked itself, not what it points to.
pub fn link_at(from: BorrowedFd<'_>, from_path: &CStr, to: BorrowedFd<'_>, to_path: &CStr) -> Result<()> {
    // SAFETY: both are NUL-terminated strings alive during the call.
    check(unsafe { libc::linkat(from.as_raw_fd(), from_path.as_ptr(), to.as_raw_fd(), to_path.as_ptr(), 0) }).map(drop)
}

/// `unlinkat(2)` with 0 or `libc::AT_REMOVEDIR`.
pub fn unlink_at(directory: BorrowedFd<'_>, path: &CStr, flags: i32) -> Result<()> {
    // SAFETY: path is a NUL-terminated string alive during the call.
    check(unsafe { libc::unlinkat(directory.as_raw_fd(), path.as_ptr(), flags) }).map(drop)
}

/// `linkat(2)` of an open file, which `O_TMPFILE` made without a name, through `/proc/self/fd`: the way that needs no
/// capability.
pub fn link_descriptor(file: BorrowedFd<'_>, to: BorrowedFd<'_>, to_path: &CStr) -> Result<()> {
    let from = descriptor_path(file);
    // SAFETY: both are NUL-terminated strings alive during the call.
    check(unsafe {
        libc::linkat(libc::AT_FDCWD, from.as_ptr(), to.as_raw_fd(), to_path.as_ptr(), libc::AT_SYMLINK_FOLLOW)
    })
    .map(drop)
}

/// `renameat2(2)` with 0, `libc::RENAME_NOREPLACE` or `RENAME_EXCHANGE`.
pub fn rename_at2(
    from: BorrowedFd<'_>,
    from_path: &CStr,
    to: BorrowedFd<'_>,
    to_path: &CStr,
    flags: u32,
) -> Result<()> {
    // SAFETY: both are NUL-terminated strings alive during the call.
    check(unsafe { libc::renameat2(from.as_raw_fd(), from_path.as_ptr(), to.as_raw_fd(), to_path.as_ptr(), flags) })
        .map(drop)
}

pub fn change_mode(fd: BorrowedFd<'_>, mode: u32) -> Result<()> {
    // SAFETY: only integers are passed.
    check(unsafe { libc::fchmod(fd.as_raw_fd(), mode) }).map(drop)
}

/// `fchmodat(2)`: follows symbolic links, so only for names known to be something else.
pub fn change_mode_at(directory: BorrowedFd<'_>, path: &CStr, mode: u32) -> Result<()> {
    // SAFETY: path is a NUL-terminated string alive during the call.
    check(unsafe { libc::fchmodat(directory.as_raw_fd(), path.as_ptr(), mode, 0) }).map(drop)
}

pub fn change_owner(fd: BorrowedFd<'_>, uid: u32, gid: u32) -> Result<()> {
    // SAFETY: only integers are passed.
    check(unsafe { libc::fchown(fd.as_raw_fd(), uid, gid) }).map(drop)
}

/// `fchownat(2)` of the name itself, even if it is a symbolic link.
pub fn change_owner_at(directory: BorrowedFd<'_>, path: &CStr, uid: u32, gid: u32) -> Result<()> {
    // SAFETY: path is a NUL-terminated string alive during the call.
    check(unsafe { libc::fchownat(directory.as_raw_fd(), path.as_ptr(), uid, gid, libc::AT_SYMLINK_NOFOLLOW) })
        .map(drop)
}

/// Seconds (may be negative) and nanoseconds (0..999,999,999) since 1970.
pub type Time = (i64, u32);

/// Sets access and modification time of an open file.
pub fn change_times(fd: BorrowedFd<'_>, time: Time) -> Result<()> {
    let times = [timespec(time), timespec(time)];
    // SAFETY: two timespecs, alive during the call.
    check(unsafe { libc::futimens(fd.as_raw_fd(), times.as_ptr()) }).map(drop)
}

/// Sets both times of the name itself, even if it is a symbolic link.
pub fn change_times_at(directory: BorrowedFd<'_>, path: &CStr, time: Time) -> Result<()> {
    let times = [timespec(time), timespec(time)];
    // SAFETY: path is NUL-terminated; two timespecs; alive during the call.
    check(unsafe { libc::utimensat(directory.as_raw_fd(), path.as_ptr(), times.as_ptr(), libc::AT_SYMLINK_NOFOLLOW) })
        .map(drop)
}

fn timespec((seconds, nanoseconds): Time) -> libc::timespec {
    libc::timespec { tv_sec: seconds, tv_nsec: i64::from(nanoseconds) }
}

pub fn truncate(fd: BorrowedFd<'_>, size: u64) -> Result<()> {
    // SAFETY: only integers are passed.
    retry(|| check(unsafe { libc::ftruncate(fd.as_raw_fd(), size as libc::off_t) })).map(drop)
}

/// `fallocate(2)` with 0 or `libc::FALLOC_FL_*`.
pub fn allocate(fd: BorrowedFd<'_>, mode: i32, offset: u64, length: u64) -> Result<()> {
    // SAFETY: only integers are passed.
    retry(|| check(unsafe { libc::fallocate(fd.as_raw_fd(), mode, offset as libc::off_t, length as libc::off_t) }))
        .map(drop)
}

/// `lseek(2)` with `libc::SEEK_SET`, `SEEK_DATA`, `SEEK_HOLE` ...
pub fn seek(fd: BorrowedFd<'_>, offset: u64, whence: i32) -> Result<u64> {
    // SAFETY: only integers are passed.
    check_long(unsafe { libc::lseek(fd.as_raw_fd(), offset as libc::off_t, whence) }).map(|n| n as u64)
}

/// `fsync(2)`.
pub fn sync(fd: BorrowedFd<'_>) -> Result<()> {
    // SAFETY: only integers are passed.
    retry(|| check(unsafe { libc::fsync(fd.as_raw_fd()) })).map(drop)
}

/// `syncfs(2)`: everything of the file system that holds `fd` is durable on return.
pub fn sync_file_system(fd: BorrowedFd<'_>) -> Result<()> {
    // SAFETY: only integers are passed.
    check(unsafe { libc::syncfs(fd.as_raw_fd()) }).map(drop)
}

/// `sync_file_range(2)` with `libc::SYNC_FILE_RANGE_*`. Says nothing of metadata: no durability by itself.
pub fn sync_range(fd: BorrowedFd<'_>, offset: u64, length: u64, flags: u32) -> Result<()> {
    // SAFETY: only integers are passed.
    check(unsafe { libc::sync_file_range(fd.as_raw_fd(), offset as libc::off_t, length as libc::off_t, flags) })
        .map(drop)
}

/// The process's umask, or with `unshare(CLONE_FS)` the thread's. Returns the one before.
pub fn set_umask(mask: u32) -> u32 {
    // SAFETY: only integers are passed; cannot fail.
    unsafe { libc::umask(mask) }
}

/// The user and group that new files belong to (where the directory has no setgid bit).
pub fn creator_ids() -> (u32, u32) {
    // SAFETY: neither takes arguments nor can fail.
    unsafe { (libc::geteuid(), libc::getegid()) }
}

/// `fchdir(2)`: of the process, or after [`own_working_directory`] of this thread alone.
pub fn change_directory(fd: BorrowedFd<'_>) -> Result<()> {
    // SAFETY: only integers are passed.
    check(unsafe { libc::fchdir(fd.as_raw_fd()) }).map(drop)
}

/// Gives the calling thread a working directory and umask of its own: `unshare(CLONE_FS)`. For threads that walk trees:
/// with the directory as working directory, calls that take only a path (llistxattr) need no lookup and no races.
pub fn own_working_directory() -> Result<()> {
    // SAFETY: only integers are passed.
    check(unsafe { libc::unshare(libc::CLONE_FS) }).map(drop)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::fd::AsFd;

    #[test]
    fn a_path_with_nul_is_refused() {
        assert_eq!(c_path(b"/tmp\0/x"), Err(Errno(libc::EINVAL)));
    }

    #[test]
    fn confined_open_does_not_leave_the_root() {
        let root = open(c"/proc/self", libc::O_PATH | libc::O_DIRECTORY, 0).unwrap();
        let beneath = resolve::BENEATH | resolve::NO_SYMLINKS;
        assert!(open_at2(root.as_fd(), c"status", libc::O_RDONLY, 0, beneath).is_ok());
        assert_eq!(open_at2(root.as_fd(), c"../version", libc::O_RDONLY, 0, beneath).err(), Some(Errno(libc::EXDEV)));
        assert_eq!(open_at2(root.as_fd(), c"exe", libc::O_RDONLY, 0, beneath).err(), Some(Errno(libc::ELOOP)));
    }

    #[test]
    fn long_link_targets_are_read_whole() {
        let directory = std::env::temp_dir().join(format!("gantry-sys-link-{}", std::process::id()));
        std::fs::create_dir_all(&directory).unwrap();
        let handle = open(&c_path(directory.as_os_str().as_encoded_bytes()).unwrap(), libc::O_PATH, 0).unwrap();
        let target = vec![b'x'; 3000];
        symlink_at(&c_path(&target).unwrap(), handle.as_fd(), c"link").unwrap();
        assert_eq!(read_link_at(handle.as_fd(), c"link").unwrap(), target);
        std::fs::remove_dir_all(&directory).unwrap();
    }
}
