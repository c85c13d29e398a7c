//! Containers' roots for copies, and what is mounted in them.

use std::os::fd::{BorrowedFd, IntoRawFd};
use std::os::unix::ffi::OsStringExt;
use std::path::PathBuf;

use gantry_rootfs::{Access, Directories, LowerPlan, open_private};
use gantry_sys::errno::StepError;
use gantry_sys::fs;

use crate::message::{Outcome, Request};

/// kind (0 empty, 1 directory, 2 erofs, 3 erofs on loop devices), image, devices, upper, work, target, write -> the
/// descriptor of the root.
pub fn open_root(mut request: Request<'_>) -> Outcome {
    let kind = request.u32()?;
    let image = request.path()?;
    let devices = request.texts()?.into_iter().map(|path| PathBuf::from(path_of(path.into_bytes()))).collect();
    let lower = match kind {
        0 => LowerPlan::Empty,
        1 => LowerPlan::Directory { path: image },
        _ => LowerPlan::Erofs { image, devices, loop_devices: kind == 3 },
    };
    let (upper, work, target) = (request.path()?, request.path()?, request.path()?);
    let access = if request.bool()? { Access::Write } else { Access::Read };
    let directories = Directories { upper: &upper, work: &work, target: &target };
    Ok(i64::from(open_private(&lower, &directories, access)?.into_raw_fd()))
}

fn path_of(bytes: Vec<u8>) -> std::ffi::OsString {
    std::ffi::OsString::from_vec(bytes)
}

impl Request<'_> {
    fn path(&mut self) -> Result<PathBuf, StepError> {
        Ok(PathBuf::from(path_of(self.text()?.into_bytes())))
    }
}

/// Whether the file system is not one of files but an interface of the kernel: its tree has no end, and no use elsewhere.
pub fn is_kernel_interface(directory: BorrowedFd<'_>) -> bool {
    // statfs(2): proc, sysfs, cgroup, cgroup2, devpts, mqueue, debugfs, tracefs, securityfs, bpf, configfs, efivarfs,
    // pstore, binfmt_misc, selinuxfs, fusectl.
    const MAGIC: [u32; 16] = [
        0x9fa0, 0x62656572, 0x27e0eb, 0x63677270, 0x1cd1, 0x19800202, 0x64626720, 0x74726163, 0x73636673, 0xcafe4a11,
        0x62656570, 0xde5e81e4, 0x6165676c, 0x42494e4d, 0xf97cff8c, 0x65735543,
    ];
    fs::file_system_magic(directory).is_ok_and(|magic| MAGIC.contains(&magic))
}
