//! `prctl(2)`: attributes of the calling process.

use crate::errno::{Result, check};

fn set(option: libc::c_int, argument: libc::c_ulong) -> Result<()> {
    let zero: libc::c_ulong = 0;
    // SAFETY: the options used in this file take integers only.
    check(unsafe { libc::prctl(option, argument, zero, zero, zero) }).map(drop)
}

/// Orphans among the descendants become children of this process.
pub fn set_child_subreaper() -> Result<()> {
    set(libc::PR_SET_CHILD_SUBREAPER, 1)
}

/// exec gains no privileges from now on; cannot be undone.
pub fn set_no_new_privileges() -> Result<()> {
    set(libc::PR_SET_NO_NEW_PRIVS, 1)
}

/// Keeps permitted capabilities over the next change of user.
pub fn set_keep_capabilities(on: bool) -> Result<()> {
    set(libc::PR_SET_KEEPCAPS, on.into())
}

/// Whether others may look into this process (ptrace, /proc/PID/fd).
pub fn set_dumpable(on: bool) -> Result<()> {
    set(libc::PR_SET_DUMPABLE, on.into())
}

/// The signal this process gets when its parent ends.
pub fn set_parent_death_signal(signal: i32) -> Result<()> {
    set(libc::PR_SET_PDEATHSIG, signal as libc::c_ulong)
}

/// The name in /proc/PID/comm: the first 15 bytes.
pub fn set_name(name: &std::ffi::CStr) -> Result<()> {
    // SAFETY: the kernel reads at most 16 bytes of a NUL-terminated string alive during the call.
    check(unsafe { libc::prctl(libc::PR_SET_NAME, name.as_ptr()) }).map(drop)
}
