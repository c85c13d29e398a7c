//! Resource limits of the calling process.

use crate::errno::{Result, check};

/// Sets one limit. `resource` is a `libc::RLIMIT_*` number; `u64::MAX` is unlimited.
///
/// # Errors
/// EPERM when raising the hard limit without CAP_SYS_RESOURCE, EINVAL when soft is above hard.
pub fn set(resource: u32, soft: u64, hard: u64) -> Result<()> {
    let limit = libc::rlimit { rlim_cur: soft, rlim_max: hard };
    // SAFETY: limit is alive during the call.
    check(unsafe { libc::setrlimit(resource as _, &raw const limit) }).map(drop)
}

/// One limit: soft, hard.
pub fn get(resource: u32) -> Result<(u64, u64)> {
    let mut limit = libc::rlimit { rlim_cur: 0, rlim_max: 0 };
    // SAFETY: limit is a live out parameter.
    check(unsafe { libc::getrlimit(resource as _, &raw mut limit) })?;
    Ok((limit.rlim_cur, limit.rlim_max))
}
