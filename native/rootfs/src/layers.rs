//! The two file systems that make a root: EROFS over layer tars, and an overlay. Both come as detached mounts.

use std::ffi::{CStr, CString};
use std::os::fd::{AsFd, OwnedFd};
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};

use gantry_sys::errno::{StepContext, StepError};
use gantry_sys::mount::{self, attr};
use gantry_sys::{Errno, fs, libc, loop_device};

type Result<T> = std::result::Result<T, StepError>;

/// fsconfig(2) takes 255 bytes at most.
const LONGEST_VALUE: usize = 255;

/// A read-only EROFS image with its devices, in slot order. `loop_devices`: each becomes a loop device first.
pub fn erofs(image: &Path, devices: &[PathBuf], loop_devices: bool) -> Result<OwnedFd> {
    let context = mount::fsopen(c"erofs").step("fsopen", "erofs")?;
    // A read-only block device is not opened for a file system that might be written to.
    mount::fsconfig_flag(context.as_fd(), c"ro").step("fsconfig", "ro")?;
    // Descriptors behind /proc/self/fd paths stay open until the mount is made.
    let mut held = Vec::new();
    for (key, path) in std::iter::once((c"source", image)).chain(devices.iter().map(|d| (c"device", d.as_path()))) {
        let value = if loop_devices {
            let file = fs::open(&c_path(path)?, libc::O_RDONLY, 0).step("open", bytes(path))?;
            let (device, name) = loop_device::attach(&file).step("attach loop device", bytes(path))?;
            held.push(device);
            c_path(&name)?
        } else {
            short_path(path, Path::new("/"), &mut held)?
        };
        mount::fsconfig_string(context.as_fd(), key, &value).step("fsconfig", bytes(path))?;
    }
    mount::fsconfig_create(context.as_fd()).map_err(|errno| told(&context, "mount erofs", errno, image))?;
    mount::fsmount(context.as_fd(), attr::RDONLY).step("fsmount", bytes(image))
}

/// What is on top of the lowers, and whether it is written to.
pub enum Upper<'a> {
    /// Changes go to `upper`. `volatile`: its files need not outlive a power cut (Linux 5.10).
    Writable { upper: &'a Path, work: &'a Path, volatile: bool },
    /// The top is a lower like the others: nothing is written, not even to a work directory.
    ReadOnly,
}

/// An overlay, the uppermost lower first. Paths below `base` are named relative to it, which is the working directory:
/// short names where they can be, for they show in the container's mount table.
pub fn overlay(lowers: &[&Path], upper: &Upper<'_>, base: &Path) -> Result<OwnedFd> {
    let context = mount::fsopen(c"overlay").step("fsopen", "overlay")?;
    let at = lowers.first().copied().unwrap_or(base);
    let mut held = Vec::new();
    let set = |key: &CStr, value: &CStr| {
        mount::fsconfig_string(context.as_fd(), key, value).map_err(|errno| told(&context, "fsconfig", errno, at))
    };
    set(c"source", c"overlay")?;
    let names: Vec<CString> = if let [lower] = lowers {
        vec![short_path(lower, base, &mut held)?]
    } else {
        lowers.iter().map(|lower| descriptor_path(lower, &mut held)).collect::<Result<_>>()?
    };
    let names: Vec<&[u8]> = names.iter().map(|name| name.as_bytes()).collect();
    set(c"lowerdir", &fs::c_path(&names.join(&b':')).step("path", bytes(at))?)?;
    if let Upper::Writable { upper, work, .. } = upper {
        set(c"upperdir", &short_path(upper, base, &mut held)?)?;
        set(c"workdir", &short_path(work, base, &mut held)?)?;
    }
    // The upper directory is read by others (commit, diff): whole files and plain renames only, whatever the kernel's
    // defaults are. A kernel that does not know one of them does not have the feature.
    for (key, value) in [(c"redirect_dir", c"off"), (c"metacopy", c"off"), (c"index", c"off")] {
        match mount::fsconfig_string(context.as_fd(), key, value) {
            Ok(()) | Err(Errno(libc::EINVAL)) => {}
            Err(errno) => return Err(told(&context, "fsconfig", errno, at)),
        }
    }
    if matches!(upper, Upper::Writable { volatile: true, .. }) {
        let _ = mount::fsconfig_flag(context.as_fd(), c"volatile");
    }
    mount::fsconfig_create(context.as_fd()).map_err(|errno| told(&context, "mount overlay", errno, at))?;
    mount::fsmount(context.as_fd(), 0).step("fsmount", "overlay")
}

/// The directory itself as a mount of its own.
pub fn bind(source: &Path) -> Result<OwnedFd> {
    mount::open_tree_clone(None, &c_path(source)?, false).step("open_tree", bytes(source))
}

pub fn attach(mounted: &OwnedFd, target: &Path) -> Result<()> {
    let point = fs::open(&c_path(target)?, libc::O_PATH | libc::O_DIRECTORY, 0).step("open", bytes(target))?;
    mount::move_mount(mounted.as_fd(), point.as_fd()).step("move_mount", bytes(target))
}

/// The path relative to `base` if it is below; as it is if it fits and means itself to the overlay's parser; else through
/// a descriptor.
fn short_path(path: &Path, base: &Path, held: &mut Vec<OwnedFd>) -> Result<CString> {
    let is_plain =
        |path: &Path| bytes(path).len() <= LONGEST_VALUE && !bytes(path).iter().any(|byte| b":,\\".contains(byte));
    if base != Path::new("/")
        && let Ok(relative) = path.strip_prefix(base)
        && is_plain(relative)
    {
        return c_path(relative);
    }
    if is_plain(path) { c_path(path) } else { descriptor_path(path, held) }
}

fn descriptor_path(path: &Path, held: &mut Vec<OwnedFd>) -> Result<CString> {
    let file = fs::open(&c_path(path)?, libc::O_PATH, 0).step("open", bytes(path))?;
    let short = fs::descriptor_path(file.as_fd());
    held.push(file);
    Ok(short)
}

fn bytes(path: &Path) -> &[u8] {
    path.as_os_str().as_bytes()
}

pub(crate) fn c_path(path: &Path) -> Result<CString> {
    fs::c_path(bytes(path)).step("path", bytes(path))
}

/// A failed configuration with what the kernel has written about it.
fn told(context: &OwnedFd, step: &'static str, errno: Errno, path: &Path) -> StepError {
    StepError { said: mount::fs_context_log(context.as_fd()), ..StepError::new(step, errno, bytes(path)) }
}
