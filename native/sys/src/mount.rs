//! The mount system calls: the new API (fsopen ... move_mount, Linux 5.2), mount_setattr (5.12) and classic mount(2).
//!
//! A string passed to `fsconfig` is at most 255 bytes; longer values (an overlay's `lowerdir`, a device's path) go
//! through a file descriptor or a `/proc/self/fd/N` path.

use std::ffi::CStr;
use std::os::fd::{AsFd, AsRawFd, BorrowedFd, FromRawFd, OwnedFd};
use std::ptr;

use crate::errno::{Result, check, check_long};

/// Attributes of a mount (`MOUNT_ATTR_*`), for [`fsmount`] and [`mount_setattr`].
pub mod attr {
    pub const RDONLY: u64 = 0x1;
    pub const NOSUID: u64 = 0x2;
    pub const NODEV: u64 = 0x4;
    pub const NOEXEC: u64 = 0x8;
    /// The access-time modes are one field: clear [`ATIME`] when setting one of them.
    pub const RELATIME: u64 = 0x0;
    pub const NOATIME: u64 = 0x10;
    pub const STRICTATIME: u64 = 0x20;
    pub const ATIME: u64 = 0x70;
    pub const NODIRATIME: u64 = 0x80;
    pub const IDMAP: u64 = 0x10_0000;
    pub const NOSYMFOLLOW: u64 = 0x20_0000;
}

const FSCONFIG_SET_FLAG: libc::c_uint = 0;
const FSCONFIG_SET_STRING: libc::c_uint = 1;
const FSCONFIG_SET_FD: libc::c_uint = 5;
const FSCONFIG_CMD_CREATE: libc::c_uint = 6;
const FSOPEN_CLOEXEC: libc::c_uint = 1;
const FSMOUNT_CLOEXEC: libc::c_uint = 1;

/// A descriptor from a raw system call's result.
fn owned(result: i64) -> Result<OwnedFd> {
    let fd = check_long(result)?;
    // SAFETY: the kernel has just made this descriptor for the caller; nothing else knows it.
    Ok(unsafe { OwnedFd::from_raw_fd(fd as i32) })
}

/// A context in which a file system of the named type is configured: `fsopen(2)`.
pub fn fsopen(file_system: &CStr) -> Result<OwnedFd> {
    // SAFETY: the pointer is a NUL-terminated string that the borrow keeps alive during the call.
    owned(unsafe { libc::syscall(libc::SYS_fsopen, file_system.as_ptr(), FSOPEN_CLOEXEC) })
}

/// Sets a parameter without a value: `ro`.
pub fn fsconfig_flag(context: BorrowedFd<'_>, key: &CStr) -> Result<()> {
    // SAFETY: key is a NUL-terminated string alive during the call; the command takes neither value nor aux.
    let result = unsafe {
        libc::syscall(
            libc::SYS_fsconfig,
            context.as_raw_fd(),
            FSCONFIG_SET_FLAG,
            key.as_ptr(),
            ptr::null::<libc::c_void>(),
            0,
        )
    };
    check_long(result).map(drop)
}

/// Sets a parameter to a string of at most 255 bytes: `source`, `device` (may be repeated), `lowerdir+`.
pub fn fsconfig_string(context: BorrowedFd<'_>, key: &CStr, value: &CStr) -> Result<()> {
    // SAFETY: key and value are NUL-terminated strings alive during the call.
    let result = unsafe {
        libc::syscall(libc::SYS_fsconfig, context.as_raw_fd(), FSCONFIG_SET_STRING, key.as_ptr(), value.as_ptr(), 0)
    };
    check_long(result).map(drop)
}

/// Sets a parameter to an open file: overlay's `lowerdir+`, `upperdir`, `workdir` take directories since Linux 6.13.
pub fn fsconfig_fd(context: BorrowedFd<'_>, key: &CStr, value: BorrowedFd<'_>) -> Result<()> {
    // SAFETY: key is a NUL-terminated string alive during the call; value is a borrowed open descriptor.
    let result = unsafe {
        libc::syscall(
            libc::SYS_fsconfig,
            context.as_raw_fd(),
            FSCONFIG_SET_FD,
            key.as_ptr(),
            ptr::null::<libc::c_void>(),
            value.as_raw_fd(),
        )
    };
    check_long(result).map(drop)
}

/// Creates the super block from what was configured.
pub fn fsconfig_create(context: BorrowedFd<'_>) -> Result<()> {
    // SAFETY: the command takes no key, value or aux.
    let result = unsafe {
        libc::syscall(
            libc::SYS_fsconfig,
            context.as_raw_fd(),
            FSCONFIG_CMD_CREATE,
            ptr::null::<libc::c_char>(),
            ptr::null::<libc::c_void>(),
            0,
        )
    };
    check_long(result).map(drop)
}

/// What the kernel has to say about a failed configuration, one line after the other (`e erofs: ...`); empty if nothing.
pub fn fs_context_log(context: BorrowedFd<'_>) -> String {
    let mut log = String::new();
    let mut buffer = [0u8; 1024];
    while let Ok(length @ 1..) = crate::fs::read(context, &mut buffer) {
        if !log.is_empty() {
            log.push_str("; ");
        }
        log.push_str(String::from_utf8_lossy(&buffer[..length]).trim_end());
    }
    log
}

/// A detached mount of the created super block, with [`attr`] bits.
pub fn fsmount(context: BorrowedFd<'_>, attributes: u64) -> Result<OwnedFd> {
    // SAFETY: only integers are passed.
    owned(unsafe { libc::syscall(libc::SYS_fsmount, context.as_raw_fd(), FSMOUNT_CLOEXEC, attributes as libc::c_uint) })
}

/// Attaches a mount (detached, or the one that `mount` is the root of) at the directory or file `to`.
pub fn move_mount(mount: BorrowedFd<'_>, to: BorrowedFd<'_>) -> Result<()> {
    // SAFETY: both paths are empty strings with static lifetime.
    let result = unsafe {
        libc::syscall(
            libc::SYS_move_mount,
            mount.as_raw_fd(),
            c"".as_ptr(),
            to.as_raw_fd(),
            c"".as_ptr(),
            libc::MOVE_MOUNT_F_EMPTY_PATH | libc::MOVE_MOUNT_T_EMPTY_PATH,
        )
    };
    check_long(result).map(drop)
}

/// [`move_mount`] to a path, which may be relative to `directory`. The last component is not followed.
pub fn move_mount_at(mount: BorrowedFd<'_>, directory: Option<BorrowedFd<'_>>, to: &CStr) -> Result<()> {
    let directory = directory.map_or(libc::AT_FDCWD, |d| d.as_raw_fd());
    // SAFETY: the paths are NUL-terminated strings alive during the call.
    let result = unsafe {
        libc::syscall(
            libc::SYS_move_mount,
            mount.as_raw_fd(),
            c"".as_ptr(),
            directory,
            to.as_ptr(),
            libc::MOVE_MOUNT_F_EMPTY_PATH,
        )
    };
    check_long(result).map(drop)
}

/// A detached copy of the mount at `path` (a bind mount not yet attached), with those below it if `recursive`.
pub fn open_tree_clone(directory: Option<BorrowedFd<'_>>, path: &CStr, recursive: bool) -> Result<OwnedFd> {
    let directory = directory.map_or(libc::AT_FDCWD, |d| d.as_raw_fd());
    let mut flags = libc::OPEN_TREE_CLONE | libc::OPEN_TREE_CLOEXEC | libc::AT_EMPTY_PATH as libc::c_uint;
    if recursive {
        flags |= libc::AT_RECURSIVE as libc::c_uint;
    }
    // SAFETY: path is a NUL-terminated string alive during the call.
    owned(unsafe { libc::syscall(libc::SYS_open_tree, directory, path.as_ptr(), flags) })
}

/// What [`mount_setattr`] changes.
#[derive(Clone, Copy, Default)]
pub struct AttributeChange<'fd> {
    /// [`attr`] bits.
    pub set: u64,
    pub clear: u64,
    /// `libc::MS_PRIVATE`, `MS_SLAVE`, `MS_SHARED`, `MS_UNBINDABLE`, or 0: leave.
    pub propagation: u64,
    /// With [`attr::IDMAP`]: the user namespace whose mapping applies.
    pub user_namespace: Option<BorrowedFd<'fd>>,
}

#[repr(C)]
struct MountAttr {
    attr_set: u64,
    attr_clr: u64,
    propagation: u64,
    userns_fd: u64,
}

/// Changes a mount's attributes, and those of the mounts below it if `recursive`: all or none. `path` may be empty: the
/// mount of `directory` itself.
pub fn mount_setattr(
    directory: Option<BorrowedFd<'_>>,
    path: &CStr,
    recursive: bool,
    change: AttributeChange<'_>,
) -> Result<()> {
    let argument = MountAttr {
        attr_set: change.set,
        attr_clr: change.clear,
        propagation: change.propagation,
        userns_fd: change.user_namespace.map_or(0, |fd| fd.as_raw_fd() as u64),
    };
    let directory = directory.map_or(libc::AT_FDCWD, |d| d.as_raw_fd());
    let flags = libc::AT_EMPTY_PATH | if recursive { libc::AT_RECURSIVE } else { 0 };
    // SAFETY: path is NUL-terminated; argument is the kernel's struct mount_attr, of the size passed, alive during the call.
    let result = unsafe {
        libc::syscall(
            libc::SYS_mount_setattr,
            directory,
            path.as_ptr(),
            flags,
            &raw const argument,
            size_of::<MountAttr>(),
        )
    };
    check_long(result).map(drop)
}

/// Classic `mount(2)` with `libc::MS_*` flags. `data` is at most one page.
pub fn mount(
    source: Option<&CStr>,
    target: &CStr,
    file_system: Option<&CStr>,
    flags: libc::c_ulong,
    data: Option<&CStr>,
) -> Result<()> {
    let pointer = |text: Option<&CStr>| text.map_or(ptr::null(), CStr::as_ptr);
    // SAFETY: each pointer is null, which mount(2) allows here, or a NUL-terminated string alive during the call.
    let result =
        unsafe { libc::mount(pointer(source), target.as_ptr(), pointer(file_system), flags, pointer(data).cast()) };
    check(result).map(drop)
}

/// `umount2(2)` with `libc::MNT_DETACH`, `MNT_FORCE`, `UMOUNT_NOFOLLOW`.
pub fn umount(target: &CStr, flags: libc::c_int) -> Result<()> {
    // SAFETY: target is a NUL-terminated string alive during the call.
    check(unsafe { libc::umount2(target.as_ptr(), flags) }).map(drop)
}

/// `pivot_root(2)`. With both arguments `.` the old root ends up stacked on the new one, to be detached with
/// `umount(c".", MNT_DETACH)`.
pub fn pivot_root(new_root: &CStr, put_old: &CStr) -> Result<()> {
    // SAFETY: both are NUL-terminated strings alive during the call.
    check_long(unsafe { libc::syscall(libc::SYS_pivot_root, new_root.as_ptr(), put_old.as_ptr()) }).map(drop)
}

/// Whether this kernel mounts an EROFS image straight from a regular file (Linux 6.12, and not configured away).
///
/// `file` is a regular file of at least one page without EROFS magic, on the file system where images will lie (some
/// file systems cannot back a mount). Nothing is mounted: a kernel that can reads the file and finds it invalid, one
/// that cannot refuses the file as not being a block device.
///
/// # Errors
/// Why not: ENOTBLK (kernel too old), ENODEV (no EROFS), EPERM (no CAP_SYS_ADMIN), or whatever the kernel said.
pub fn probe_erofs_file(file: BorrowedFd<'_>) -> Result<()> {
    let context = fsopen(c"erofs")?;
    let source = crate::fs::descriptor_path(file);
    fsconfig_string(context.as_fd(), c"source", &source)?;
    match fsconfig_create(context.as_fd()) {
        Ok(()) | Err(crate::errno::Errno(libc::EINVAL)) => Ok(()),
        Err(error) => Err(error),
    }
}
