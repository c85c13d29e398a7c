//! `seccomp(2)`: installing a system call filter.

use crate::errno::{Errno, Result, check_long};

/// One instruction of classic BPF, as the kernel's `struct sock_filter`.
#[repr(C)]
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Instruction {
    pub code: u16,
    pub jump_true: u8,
    pub jump_false: u8,
    pub operand: u32,
}

#[repr(C)]
struct Program {
    length: u16,
    instructions: *const Instruction,
}

/// Installs a filter on the calling thread with `SECCOMP_FILTER_FLAG_*` bits; it holds over exec and cannot be removed.
///
/// # Errors
/// EACCES without CAP_SYS_ADMIN and without no_new_privs; EINVAL if the kernel refuses the program or the flags.
pub fn install_filter(instructions: &[Instruction], flags: u64) -> Result<()> {
    let length = u16::try_from(instructions.len()).map_err(|_| Errno(libc::E2BIG))?;
    let program = Program { length, instructions: instructions.as_ptr() };
    // SAFETY: program is the kernel's struct sock_fprog over a live slice; the kernel copies and verifies it.
    check_long(unsafe { libc::syscall(libc::SYS_seccomp, libc::SECCOMP_SET_MODE_FILTER, flags, &raw const program) })
        .map(drop)
}

/// Whether the kernel knows a filter action (`SECCOMP_RET_*`).
pub fn action_available(action: u32) -> bool {
    // SAFETY: the kernel reads one u32 that is alive during the call.
    check_long(unsafe { libc::syscall(libc::SYS_seccomp, libc::SECCOMP_GET_ACTION_AVAIL, 0, &raw const action) })
        .is_ok()
}
