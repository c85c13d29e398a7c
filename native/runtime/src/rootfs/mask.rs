//! Paths that a container must not read, or not write.

use std::os::fd::AsFd;

use gantry_sys::errno::StepContext;
use gantry_sys::mount::{self, AttributeChange, attr};
use gantry_sys::{Errno, fs, libc};

use super::Jail;
use crate::error::Result;

/// Covers each path: a file by the null device, a directory by an empty read-only tmpfs. Missing paths are passed over.
pub fn mask_paths(jail: &Jail, paths: &[String]) -> Result<()> {
    if paths.is_empty() {
        return Ok(());
    }
    // The host's node: the container's own /dev may have been tampered with by whoever shares its volumes.
    let null = fs::open(c"/dev/null", libc::O_PATH, 0).step("open", "/dev/null")?;
    for path in paths {
        let covered = match jail.open_file(path, libc::O_PATH, 0) {
            Ok(file) => file,
            Err(Errno(libc::ENOENT | libc::ENOTDIR)) => continue,
            Err(error) => return Err(error).step("open masked path", path)?,
        };
        let stat = fs::stat_fd(covered.as_fd()).step("statx", path)?;
        if u32::from(stat.stx_mode) & libc::S_IFMT == libc::S_IFDIR {
            let target = fs::descriptor_path(covered.as_fd());
            mount::mount(Some(c"tmpfs"), &target, Some(c"tmpfs"), libc::MS_RDONLY, None).step("mask", path)?;
        } else {
            let tree = mount::open_tree_clone(Some(null.as_fd()), c"", false).step("mask", path)?;
            mount::move_mount(tree.as_fd(), covered.as_fd()).step("mask", path)?;
        }
    }
    Ok(())
}

/// Makes each path read-only by mounting it onto itself. Missing paths are passed over.
pub fn protect_paths(jail: &Jail, paths: &[String]) -> Result<()> {
    for path in paths {
        let covered = match jail.open_file(path, libc::O_PATH, 0) {
            Ok(file) => file,
            Err(Errno(libc::ENOENT | libc::ENOTDIR)) => continue,
            Err(error) => return Err(error).step("open read-only path", path)?,
        };
        let tree = mount::open_tree_clone(Some(covered.as_fd()), c"", true).step("protect", path)?;
        let change = AttributeChange { set: attr::RDONLY, ..AttributeChange::default() };
        match mount::mount_setattr(Some(tree.as_fd()), c"", false, change) {
            Err(Errno(libc::ENOSYS)) => {
                mount::move_mount(tree.as_fd(), covered.as_fd()).step("protect", path)?;
                let mounted = jail.open_file(path, libc::O_PATH, 0).step("protect", path)?;
                let flags = libc::MS_BIND | libc::MS_REMOUNT | libc::MS_RDONLY | libc::MS_NOSUID | libc::MS_NODEV;
                let target = fs::descriptor_path(mounted.as_fd());
                mount::mount(None, &target, None, flags | libc::MS_NOEXEC, None).step("protect", path)?;
            }
            other => {
                other.step("protect", path)?;
                mount::move_mount(tree.as_fd(), covered.as_fd()).step("protect", path)?;
            }
        }
    }
    Ok(())
}
