//! Making, replacing, signalling and reaping processes.

use std::ffi::{CStr, CString};
use std::os::fd::{AsRawFd, BorrowedFd, FromRawFd, OwnedFd};
use std::ptr;

use crate::errno::{Result, check, check_long, retry};

/// libc's constant overflows its type.
const CLONE_INTO_CGROUP: u64 = 0x2_0000_0000;

/// Which side of a [`clone`] this is.
pub enum Cloned {
    /// The caller: the child's pid as the caller's pid namespace counts, and a descriptor that polls readable when it ends.
    Parent {
        pid: i32,
        pidfd: OwnedFd,
    },
    Child,
}

/// `clone3(2)` without shared memory: a fork, with `namespaces` (`libc::CLONE_NEW*`) made for the child and optionally
/// `cgroup` (a directory of the unified hierarchy) to start in. With `sibling` the child's parent is the caller's parent.
///
/// The child is a copy of the calling thread alone: in a process of several threads it must do nothing but `exec`.
pub fn clone(namespaces: u64, sibling: bool, cgroup: Option<BorrowedFd<'_>>) -> Result<Cloned> {
    let mut pidfd: libc::c_int = -1;
    let mut flags = namespaces | libc::CLONE_PIDFD as u64;
    if sibling {
        flags |= libc::CLONE_PARENT as u64;
    }
    if cgroup.is_some() {
        flags |= CLONE_INTO_CGROUP;
    }
    let arguments = libc::clone_args {
        flags,
        pidfd: &raw mut pidfd as u64,
        child_tid: 0,
        parent_tid: 0,
        exit_signal: if sibling { 0 } else { libc::SIGCHLD as u64 },
        stack: 0,
        stack_size: 0,
        tls: 0,
        set_tid: 0,
        set_tid_size: 0,
        cgroup: cgroup.map_or(0, |fd| fd.as_raw_fd() as u64),
    };
    // SAFETY: without CLONE_VM the child has its own copy of memory and continues on a copy of this stack; arguments and
    // pidfd are alive during the call.
    let pid =
        check_long(unsafe { libc::syscall(libc::SYS_clone3, &raw const arguments, size_of::<libc::clone_args>()) })?;
    if pid == 0 {
        return Ok(Cloned::Child);
    }
    // SAFETY: CLONE_PIDFD made this descriptor for the caller.
    Ok(Cloned::Parent { pid: pid as i32, pidfd: unsafe { OwnedFd::from_raw_fd(pidfd) } })
}

fn pointers(strings: &[CString]) -> Vec<*const libc::c_char> {
    strings.iter().map(|s| s.as_ptr()).chain(std::iter::once(ptr::null())).collect()
}

/// `execve(2)`: returns only on failure.
pub fn exec(path: &CStr, arguments: &[CString], environment: &[CString]) -> crate::Errno {
    let (argv, envp) = (pointers(arguments), pointers(environment));
    // SAFETY: both arrays end in a null pointer and point to NUL-terminated strings that the borrows keep alive.
    unsafe { libc::execve(path.as_ptr(), argv.as_ptr(), envp.as_ptr()) };
    crate::Errno::last()
}

/// `execveat(2)` of an open file: returns only on failure.
pub fn exec_descriptor(file: BorrowedFd<'_>, arguments: &[CString], environment: &[CString]) -> crate::Errno {
    let (argv, envp) = (pointers(arguments), pointers(environment));
    // SAFETY: as in `exec`; the path is empty and static.
    unsafe {
        libc::syscall(
            libc::SYS_execveat,
            file.as_raw_fd(),
            c"".as_ptr(),
            argv.as_ptr(),
            envp.as_ptr(),
            libc::AT_EMPTY_PATH,
        )
    };
    crate::Errno::last()
}

/// How a process ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Exit {
    Code(i32),
    Signal(i32),
}

impl Exit {
    /// The shell's number: the code, or 128 + signal.
    pub fn status(self) -> i32 {
        match self {
            Exit::Code(code) => code,
            Exit::Signal(signal) => 128 + signal,
        }
    }

    fn from_wait_status(status: libc::c_int) -> Self {
        if libc::WIFSIGNALED(status) {
            Exit::Signal(libc::WTERMSIG(status))
        } else {
            Exit::Code(libc::WEXITSTATUS(status))
        }
    }
}

/// Waits for one child to end and reaps it.
pub fn wait(pid: i32) -> Result<Exit> {
    let mut status = 0;
    // SAFETY: status is a live out parameter.
    retry(|| check(unsafe { libc::waitpid(pid, &raw mut status, 0) }))?;
    Ok(Exit::from_wait_status(status))
}

/// Reaps one child that has ended, if there is one.
pub fn reap_any() -> Option<(i32, Exit)> {
    let mut status = 0;
    // SAFETY: status is a live out parameter.
    match retry(|| check(unsafe { libc::waitpid(-1, &raw mut status, libc::WNOHANG) })) {
        Ok(pid) if pid > 0 => Some((pid, Exit::from_wait_status(status))),
        _ => None,
    }
}

/// `kill(2)`; a negative pid is a process group, signal 0 only asks whether it exists.
pub fn kill(pid: i32, signal: i32) -> Result<()> {
    // SAFETY: only integers are passed.
    check(unsafe { libc::kill(pid, signal) }).map(drop)
}

/// A descriptor for a running process: `pidfd_open(2)`, Linux 5.3.
pub fn pidfd_open(pid: i32) -> Result<OwnedFd> {
    // SAFETY: only integers are passed.
    let fd = check_long(unsafe { libc::syscall(libc::SYS_pidfd_open, pid, 0) })?;
    // SAFETY: the kernel has just made this descriptor for the caller.
    Ok(unsafe { OwnedFd::from_raw_fd(fd as i32) })
}

/// Signals the process behind a pidfd, which can never be another one that got the same number.
pub fn pidfd_send_signal(pidfd: BorrowedFd<'_>, signal: i32) -> Result<()> {
    // SAFETY: the info pointer may be null.
    check_long(unsafe {
        libc::syscall(libc::SYS_pidfd_send_signal, pidfd.as_raw_fd(), signal, ptr::null::<libc::c_void>(), 0)
    })
    .map(drop)
}

/// Becomes the leader of a new session and process group.
pub fn setsid() -> Result<()> {
    // SAFETY: no arguments.
    check(unsafe { libc::setsid() }).map(drop)
}

/// Marks every descriptor from `first` on close-on-exec: `close_range(2)`, Linux 5.11; one by one before.
pub fn close_on_exec_from(first: i32) -> Result<()> {
    const CLOSE_RANGE_CLOEXEC: libc::c_uint = 4;
    // SAFETY: only integers are passed.
    let result =
        unsafe { libc::syscall(libc::SYS_close_range, first as libc::c_uint, libc::c_uint::MAX, CLOSE_RANGE_CLOEXEC) };
    if check_long(result).is_ok() {
        return Ok(());
    }
    let open: Vec<i32> = std::fs::read_dir("/proc/self/fd")?
        .filter_map(|entry| entry.ok()?.file_name().to_str()?.parse().ok())
        .filter(|fd| *fd >= first)
        .collect();
    for fd in open {
        // SAFETY: only integers are passed; a descriptor closed meanwhile gives EBADF, which is harmless.
        unsafe { libc::fcntl(fd, libc::F_SETFD, libc::FD_CLOEXEC) };
    }
    Ok(())
}

/// Makes descriptor number `to` (0, 1, 2 ...) a copy of `from`, not close-on-exec.
pub fn duplicate_onto(from: BorrowedFd<'_>, to: i32) -> Result<()> {
    // SAFETY: only integers are passed. Callers use it for 0, 1 and 2, which std never owns as OwnedFd.
    retry(|| check(unsafe { libc::dup2(from.as_raw_fd(), to) })).map(drop)
}

/// Takes over a descriptor that the process was started with.
///
/// # Errors
/// EBADF if it is not open.
pub fn inherited(fd: i32) -> Result<OwnedFd> {
    // SAFETY: only integers are passed; sets close-on-exec, which inherited descriptors lack, and proves that it is open.
    check(unsafe { libc::fcntl(fd, libc::F_SETFD, libc::FD_CLOEXEC) })?;
    // SAFETY: it is open, was handed over by the parent by convention, and callers take each number once.
    Ok(unsafe { OwnedFd::from_raw_fd(fd) })
}

/// Clears close-on-exec, for a descriptor that the next program is to inherit under its number.
pub fn keep_on_exec(fd: BorrowedFd<'_>) -> Result<()> {
    // SAFETY: only integers are passed.
    check(unsafe { libc::fcntl(fd.as_raw_fd(), libc::F_SETFD, 0) }).map(drop)
}

/// Sets or clears O_NONBLOCK of the open file description.
pub fn set_nonblocking(fd: BorrowedFd<'_>, on: bool) -> Result<()> {
    // SAFETY: only integers are passed.
    let flags = check(unsafe { libc::fcntl(fd.as_raw_fd(), libc::F_GETFL) })?;
    let wanted = if on { flags | libc::O_NONBLOCK } else { flags & !libc::O_NONBLOCK };
    // SAFETY: only integers are passed.
    check(unsafe { libc::fcntl(fd.as_raw_fd(), libc::F_SETFL, wanted) }).map(drop)
}

/// Sets the real, effective and saved group, the supplementary groups, then the user: the whole identity at once.
/// `groups` `None`: leave (where setgroups is denied, in a user namespace made without privilege).
pub fn set_identity(uid: u32, gid: u32, groups: Option<&[u32]>) -> Result<()> {
    if let Some(groups) = groups {
        // SAFETY: the pointer and the length describe one live slice.
        check(unsafe { libc::setgroups(groups.len(), groups.as_ptr()) })?;
    }
    // Raw system calls: glibc's wrappers signal all threads, and there is one.
    // SAFETY: only integers are passed.
    check_long(unsafe { libc::syscall(libc::SYS_setresgid, gid, gid, gid) })?;
    // SAFETY: only integers are passed.
    check_long(unsafe { libc::syscall(libc::SYS_setresuid, uid, uid, uid) }).map(drop)
}

/// The effective user.
pub fn effective_user() -> u32 {
    // SAFETY: no arguments, cannot fail.
    unsafe { libc::geteuid() }
}

/// `chroot(2)`, for a container without a mount namespace of its own.
pub fn chroot(path: &CStr) -> Result<()> {
    // SAFETY: path is a NUL-terminated string alive during the call.
    check(unsafe { libc::chroot(path.as_ptr()) }).map(drop)
}

pub fn set_hostname(name: &[u8]) -> Result<()> {
    // SAFETY: the pointer and the length describe one live slice.
    check(unsafe { libc::sethostname(name.as_ptr().cast(), name.len()) }).map(drop)
}

pub fn set_domainname(name: &[u8]) -> Result<()> {
    // SAFETY: the pointer and the length describe one live slice.
    check(unsafe { libc::setdomainname(name.as_ptr().cast(), name.len()) }).map(drop)
}

/// Ends at once, without running exit handlers that belong to the parent's copy.
pub fn exit_now(code: i32) -> ! {
    // SAFETY: does not return.
    unsafe { libc::_exit(code) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_signalled_process_exits_with_128_plus_signal() {
        assert_eq!(Exit::from_wait_status(9), Exit::Signal(9));
        assert_eq!(Exit::Signal(9).status(), 137);
        assert_eq!(Exit::from_wait_status(3 << 8).status(), 3);
    }
}
