//! A root that nobody sees: mounted for the one who holds its descriptor.

use std::os::fd::OwnedFd;
use std::path::Path;

use gantry_sys::errno::{Errno, StepContext, StepError};
use gantry_sys::{libc, mount, namespace};

use crate::{LowerPlan, Upper, attach, bind, erofs, overlay};

/// What a container's files are opened for.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Access {
    /// Neither the upper nor the work directory is touched: safe beside a container that starts.
    Read,
    /// The caller keeps everybody else from mounting this upper directory meanwhile.
    Write,
}

/// The directories of one container; absolute.
pub struct Directories<'a> {
    pub upper: &'a Path,
    pub work: &'a Path,
    /// An empty directory to mount at.
    pub target: &'a Path,
}

/// Enters a mount namespace from which nothing reaches the host; what the host unmounts goes here too.
///
/// # Errors
/// EPERM without CAP_SYS_ADMIN.
pub fn isolate() -> Result<(), StepError> {
    namespace::unshare(libc::CLONE_NEWNS).step("unshare", "mount")?;
    mount::mount(None, c"/", None, libc::MS_SLAVE | libc::MS_REC, None).step("mount propagation", "/")
}

/// A descriptor of a container's root, on a mount that is in no mount table: it goes with the last descriptor into it,
/// however the process ends. The lower is mounted in a namespace of a thread that has ended on return; the overlay keeps
/// the file system and needs no place. (Overlay takes lowers that are mounted nowhere since Linux 6.15 only.)
pub fn open_private(lower: &LowerPlan, directories: &Directories<'_>, access: Access) -> Result<OwnedFd, StepError> {
    let Directories { upper, work, target } = *directories;
    let mount = || {
        isolate()?;
        let lower = match lower {
            // An overlay has to have a lower directory; without one the upper is all there is.
            LowerPlan::Empty => return bind(upper),
            LowerPlan::Directory { path } => path.as_path(),
            LowerPlan::Erofs { image, devices, loop_devices } => {
                attach(&erofs(image, devices, *loop_devices)?, target)?;
                target
            }
        };
        match access {
            Access::Read => overlay(&[upper, lower], &Upper::ReadOnly, Path::new("/")),
            Access::Write => overlay(&[lower], &Upper::Writable { upper, work, volatile: false }, Path::new("/")),
        }
    };
    std::thread::scope(|scope| {
        scope.spawn(mount).join().unwrap_or_else(|_| Err(StepError::new("mount", Errno(libc::EFAULT), "")))
    })
}
