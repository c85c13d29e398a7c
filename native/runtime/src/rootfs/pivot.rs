//! Leaving the host's tree.

use std::path::Path;

use gantry_sys::errno::StepContext;
use gantry_sys::{fs, libc, mount};
use std::os::fd::AsFd;

use super::Jail;
use crate::error::{Failure, Result};

/// `rootfsPropagation` as flags; unset is `rslave`: host unmounts arrive, nothing goes back.
fn propagation_flags(name: &str) -> Result<u64> {
    Ok(match name {
        "" | "rslave" => libc::MS_SLAVE | libc::MS_REC,
        "slave" => libc::MS_SLAVE,
        "private" => libc::MS_PRIVATE,
        "rprivate" => libc::MS_PRIVATE | libc::MS_REC,
        "shared" => libc::MS_SHARED,
        "rshared" => libc::MS_SHARED | libc::MS_REC,
        "unbindable" => libc::MS_UNBINDABLE,
        "runbindable" => libc::MS_UNBINDABLE | libc::MS_REC,
        other => {
            return Err(Failure::refusal(
                "check config",
                format!("linux.rootfsPropagation {other:?} is not a propagation"),
            ));
        }
    })
}

/// First act in the new mount namespace: cuts it off from the host's, and makes `rootfs` a mount of its own. Returns the
/// jail on that mount.
pub fn isolate_mounts(rootfs: &Path, propagation: &str) -> Result<Jail> {
    let flags = propagation_flags(propagation)?;
    // Shared is applied to the container's root at the end; until then nothing made here may reach the host.
    let shared = flags & libc::MS_SHARED != 0;
    let first = if shared { libc::MS_SLAVE | libc::MS_REC } else { flags | libc::MS_REC };
    mount::mount(None, c"/", None, first, None).step("mount propagation", "/")?;
    let bytes = rootfs.as_os_str().as_encoded_bytes();
    let path = fs::c_path(bytes).step("bind rootfs", bytes)?;
    let tree = mount::open_tree_clone(None, &path, true).step("bind rootfs", bytes)?;
    let point = fs::open(&path, libc::O_PATH | libc::O_DIRECTORY, 0).step("bind rootfs", bytes)?;
    mount::move_mount(tree.as_fd(), point.as_fd()).step("bind rootfs", bytes)?;
    Jail::open(rootfs)
}

/// Makes the jail the root of this mount namespace, and lets go of the host's tree.
pub fn enter_root(jail: &Jail) -> Result<()> {
    fs::change_directory(jail.root()).step("chdir", "rootfs")?;
    // Old and new root are stacked on `.`: no directory for the old one is needed in the image.
    mount::pivot_root(c".", c".").step("pivot_root", ".")?;
    // The old tree must not carry this unmount to the host.
    mount::mount(None, c".", None, libc::MS_SLAVE | libc::MS_REC, None).step("mount propagation", "old root")?;
    mount::umount(c".", libc::MNT_DETACH).step("umount", "old root")?;
    let root = fs::open(c"/", libc::O_PATH | libc::O_DIRECTORY, 0).step("open", "/")?;
    Ok(fs::change_directory(root.as_fd()).step("chdir", "/")?)
}

/// After [`enter_root`]: what `rootfsPropagation` asks of the container's root.
pub fn apply_propagation(propagation: &str) -> Result<()> {
    let flags = propagation_flags(propagation)?;
    if flags & (libc::MS_SHARED | libc::MS_UNBINDABLE) != 0 {
        mount::mount(None, c"/", None, flags, None).step("mount propagation", "/")?;
    }
    Ok(())
}
