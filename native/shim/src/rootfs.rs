//! The container's files: the image's tree, read-only, under the container's own upper directory, in this process's own
//! mount namespace. The host's mount table never changes, and all is gone with the last process of the namespace.

use std::ffi::{CStr, CString};
use std::fs;
use std::os::fd::{AsFd, OwnedFd};
use std::os::unix::ffi::OsStrExt;
use std::path::Path;

use gantry_runtime::error::{At, Failure, Result};
use gantry_sys::errno::StepContext;
use gantry_sys::mount::{self, attr};
use gantry_sys::{Errno, fs as sys_fs, libc, loop_device, namespace};

use crate::config::{Config, LowerPlan, RootfsPlan};

/// fsconfig(2) takes 255 bytes at most.
const LONGEST_VALUE: usize = 255;

/// Enters a mount namespace from which nothing reaches the host; what the host unmounts goes here too.
pub fn isolate() -> Result<()> {
    namespace::unshare(libc::CLONE_NEWNS).step("unshare", "mount")?;
    Ok(mount::mount(None, c"/", None, libc::MS_SLAVE | libc::MS_REC, None).step("mount propagation", "/")?)
}

/// Mounts the plan at its target. The working directory is the container's.
pub fn mount_rootfs(config: &Config, directory: &Path) -> Result<()> {
    let plan = &config.rootfs;
    for path in [&plan.upper, &plan.work, &plan.target] {
        fs::create_dir_all(path).at("make directory", path)?;
    }
    match &plan.lower {
        // An overlay has to have a lower directory; without one the upper is all there is.
        LowerPlan::Empty => bind(&plan.upper, &plan.target),
        LowerPlan::Directory { path } => overlay(config, path, directory),
        LowerPlan::Erofs { image, devices, loop_devices } => {
            // At the target itself, where the overlay then covers it: no other place is needed.
            erofs(image, devices, *loop_devices, &plan.target)?;
            overlay(config, &plan.target, directory)
        }
    }
}

/// Takes the mounts away again, the overlay and what it covers: a directory that is a mount point cannot be removed here.
pub fn unmount_rootfs(plan: &RootfsPlan) {
    if let Ok(target) = c_path(&plan.target) {
        while mount::umount(&target, libc::MNT_DETACH | libc::UMOUNT_NOFOLLOW).is_ok() {}
    }
}

fn bind(source: &Path, target: &Path) -> Result<()> {
    let tree =
        mount::open_tree_clone(None, &c_path(source)?, false).step("open_tree", source.as_os_str().as_bytes())?;
    attach(&tree, target)
}

fn erofs(image: &Path, devices: &[std::path::PathBuf], loop_devices: bool, target: &Path) -> Result<()> {
    let context = mount::fsopen(c"erofs").step("fsopen", "erofs")?;
    // A read-only block device is not opened for a file system that might be written to.
    mount::fsconfig_flag(context.as_fd(), c"ro").step("fsconfig", "ro")?;
    // Descriptors behind /proc/self/fd paths stay open until the mount is made.
    let mut held = Vec::new();
    let bytes = |path: &Path| path.as_os_str().as_bytes().to_owned();
    for (key, path) in std::iter::once((c"source", image)).chain(devices.iter().map(|d| (c"device", d.as_path()))) {
        let value = if loop_devices {
            let file = sys_fs::open(&c_path(path)?, libc::O_RDONLY, 0).step("open", bytes(path))?;
            let (device, name) = loop_device::attach(&file).step("attach loop device", bytes(path))?;
            held.push(device);
            c_path(&name)?
        } else {
            short_path(path, Path::new("/"), &mut held)?
        };
        mount::fsconfig_string(context.as_fd(), key, &value).step("fsconfig", bytes(path))?;
    }
    mount::fsconfig_create(context.as_fd()).map_err(|errno| told(&context, "mount erofs", errno, image))?;
    let mounted = mount::fsmount(context.as_fd(), attr::RDONLY).step("fsmount", bytes(image))?;
    attach(&mounted, target)
}

fn overlay(config: &Config, lower: &Path, directory: &Path) -> Result<()> {
    let plan = &config.rootfs;
    let context = mount::fsopen(c"overlay").step("fsopen", "overlay")?;
    let mut held = Vec::new();
    let set = |key: &CStr, value: &CStr| {
        mount::fsconfig_string(context.as_fd(), key, value).map_err(|errno| told(&context, "fsconfig", errno, lower))
    };
    set(c"source", c"overlay")?;
    // Short names where they can be, for they show in the container's mount table.
    set(c"lowerdir", &short_path(lower, directory, &mut held)?)?;
    set(c"upperdir", &short_path(&plan.upper, directory, &mut held)?)?;
    set(c"workdir", &short_path(&plan.work, directory, &mut held)?)?;
    // The upper directory is read by others (commit, diff): whole files and plain renames only, whatever the kernel's
    // defaults are. A kernel that does not know one of them does not have the feature.
    for (key, value) in [(c"redirect_dir", c"off"), (c"metacopy", c"off"), (c"index", c"off")] {
        match mount::fsconfig_string(context.as_fd(), key, value) {
            Ok(()) | Err(Errno(libc::EINVAL)) => {}
            Err(errno) => return Err(told(&context, "fsconfig", errno, lower)),
        }
    }
    if config.auto_remove {
        // Files that go with the container need not reach the disk when it ends (Linux 5.10).
        let _ = mount::fsconfig_flag(context.as_fd(), c"volatile");
    }
    mount::fsconfig_create(context.as_fd()).map_err(|errno| told(&context, "mount overlay", errno, &plan.target))?;
    let mounted = mount::fsmount(context.as_fd(), 0).step("fsmount", "overlay")?;
    attach(&mounted, &plan.target)
}

fn attach(mounted: &OwnedFd, target: &Path) -> Result<()> {
    let bytes = target.as_os_str().as_bytes();
    let point = sys_fs::open(&c_path(target)?, libc::O_PATH | libc::O_DIRECTORY, 0).step("open", bytes)?;
    Ok(mount::move_mount(mounted.as_fd(), point.as_fd()).step("move_mount", bytes)?)
}

/// The path relative to `base` if it is below; as it is if it fits and means itself to the overlay's parser; else through
/// a descriptor.
fn short_path(path: &Path, base: &Path, held: &mut Vec<OwnedFd>) -> Result<CString> {
    let is_plain = |path: &Path| {
        let bytes = path.as_os_str().as_bytes();
        bytes.len() <= LONGEST_VALUE && !bytes.iter().any(|byte| b":,\\".contains(byte))
    };
    if base != Path::new("/")
        && let Ok(relative) = path.strip_prefix(base)
        && is_plain(relative)
    {
        return c_path(relative);
    }
    if is_plain(path) {
        return c_path(path);
    }
    let file = sys_fs::open(&c_path(path)?, libc::O_PATH, 0).step("open", path.as_os_str().as_bytes())?;
    let short = sys_fs::descriptor_path(file.as_fd());
    held.push(file);
    Ok(short)
}

fn c_path(path: &Path) -> Result<CString> {
    Ok(sys_fs::c_path(path.as_os_str().as_bytes()).step("path", path.as_os_str().as_bytes())?)
}

/// A failed configuration with what the kernel has written about it.
fn told(context: &OwnedFd, step: &'static str, errno: Errno, path: &Path) -> Failure {
    let mut failure: Failure = gantry_sys::errno::StepError::new(step, errno, path.as_os_str().as_bytes()).into();
    let said = mount::fs_context_log(context.as_fd());
    if !said.is_empty() {
        failure.message = format!("{} ({said})", failure.message);
    }
    failure
}
