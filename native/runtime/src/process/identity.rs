use std::os::fd::AsFd;

use gantry_sys::errno::StepContext;
use gantry_sys::{Errno, fs, libc, prctl, process};

use crate::error::Result;
use crate::spec::User;

/// Becomes the user, keeping permitted capabilities for [`super::CapabilityMasks::apply`]. `deny_groups`: supplementary
/// groups cannot be set (a user namespace made without privilege).
pub fn take_identity(user: &User, deny_groups: bool) -> Result<()> {
    prctl::set_keep_capabilities(true).step("prctl", "PR_SET_KEEPCAPS")?;
    let groups = (!deny_groups).then_some(user.additional_gids.as_slice());
    process::set_identity(user.uid, user.gid, groups).step("set user", format!("{}:{}", user.uid, user.gid))?;
    Ok(prctl::set_keep_capabilities(false).step("prctl", "PR_SET_KEEPCAPS")?)
}

/// Gives stdio to the user, so that a program can reopen /dev/stdout by name. Where that is not possible (a host device,
/// another owner's file, an unmapped id) it stays as it is.
pub fn own_stdio(user: &User) -> Result<()> {
    let (stdin, stdout, stderr) = (std::io::stdin(), std::io::stdout(), std::io::stderr());
    for fd in [stdin.as_fd(), stdout.as_fd(), stderr.as_fd()] {
        let Ok(stat) = fs::stat_fd(fd) else { continue };
        let is_null = (stat.stx_rdev_major, stat.stx_rdev_minor) == (1, 3);
        let is_file = u32::from(stat.stx_mode) & libc::S_IFMT == libc::S_IFREG;
        if stat.stx_uid == user.uid || is_null || is_file {
            continue;
        }
        match fs::change_owner(fd, user.uid, stat.stx_gid) {
            Ok(()) | Err(Errno(libc::EPERM | libc::EINVAL | libc::EROFS)) => {}
            Err(error) => return Err(error).step("chown stdio", "")?,
        }
    }
    Ok(())
}
