//! The container's root file system, in this process's own mount namespace: the host's mount table never changes, and all
//! is gone with the last process of the namespace.

use std::fs;
use std::os::unix::ffi::OsStrExt;
use std::path::Path;

use gantry_rootfs::{LowerPlan, Upper, attach, bind, erofs, overlay};
use gantry_runtime::error::{At, Result};
use gantry_sys::{fs as sys_fs, libc, mount};

use crate::config::{Config, RootfsPlan};

/// Mounts the plan at its target. The working directory is the container's.
pub fn mount_rootfs(config: &Config, directory: &Path) -> Result<()> {
    let RootfsPlan { lower, upper, work, target } = &config.rootfs;
    for path in [upper, work, target] {
        fs::create_dir_all(path).at("make directory", path)?;
    }
    let lower = match lower {
        // An overlay has to have a lower directory; without one the upper is all there is.
        LowerPlan::Empty => return Ok(attach(&bind(upper)?, target)?),
        LowerPlan::Directory { path } => path,
        LowerPlan::Erofs { image, devices, loop_devices } => {
            // At the target itself, where the overlay then covers it: no other place is needed.
            attach(&erofs(image, devices, *loop_devices)?, target)?;
            target
        }
    };
    // Files that go with the container need not reach the disk when it ends.
    let upper = Upper::Writable { upper, work, volatile: config.auto_remove };
    Ok(attach(&overlay(&[lower], &upper, directory)?, target)?)
}

/// Takes the mounts away again, the overlay and what it covers: a directory that is a mount point cannot be removed here.
pub fn unmount_rootfs(plan: &RootfsPlan) {
    if let Ok(target) = sys_fs::c_path(plan.target.as_os_str().as_bytes()) {
        while mount::umount(&target, libc::MNT_DETACH | libc::UMOUNT_NOFOLLOW).is_ok() {}
    }
}
