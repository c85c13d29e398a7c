//! Small operations on files: each is one or two system calls.

use std::os::fd::{AsFd, IntoRawFd};

use gantry_sys::errno::{Errno, StepContext};
use gantry_sys::fs::{self, CWD, resolve};

use crate::message::{Outcome, Reply, Request};

/// isDescriptor, root, path, flags, mode -> the descriptor.
pub fn open_in(mut request: Request<'_>) -> Outcome {
    let by_path;
    let root = if request.bool()? {
        request.fd()?
    } else {
        let path = request.text()?;
        by_path = fs::open(&path, libc::O_PATH | libc::O_DIRECTORY, 0).step("open", path.as_bytes())?;
        by_path.as_fd()
    };
    let path = request.text()?;
    let flags = request.u32()? as i32;
    let mode = request.u32()?;
    let confined = resolve::IN_ROOT | resolve::NO_MAGICLINKS;
    let file = fs::open_at2(root, &path, flags, mode, confined).step("openat2", path.as_bytes())?;
    Ok(i64::from(file.into_raw_fd()))
}

/// descriptor, path -> the target of the symbolic link; EINVAL if it is none.
pub fn read_link_in(mut request: Request<'_>, reply: &mut Reply<'_>) -> Outcome {
    let root = request.fd()?;
    let path = request.text()?;
    let confined = resolve::IN_ROOT | resolve::NO_MAGICLINKS;
    let link =
        fs::open_at2(root, &path, libc::O_PATH | libc::O_NOFOLLOW, 0, confined).step("openat2", path.as_bytes())?;
    let target = fs::read_link_at(link.as_fd(), c"").step("readlink", path.as_bytes())?;
    reply.bytes(&target);
    Ok(0)
}

/// fd, offset, length.
pub fn sync_range(mut request: Request<'_>) -> Outcome {
    let (fd, offset, length) = (request.fd()?, request.u64()?, request.u64()?);
    match fs::sync_range(fd, offset, length, libc::SYNC_FILE_RANGE_WRITE) {
        // A pipe or device: nothing to hurry.
        Ok(()) | Err(Errno(libc::ESPIPE)) => Ok(0),
        Err(error) => Err(error).step("sync_file_range", ""),
    }
}

/// fd.
pub fn sync_file_system(mut request: Request<'_>) -> Outcome {
    fs::sync_file_system(request.fd()?).step("syncfs", "")?;
    Ok(0)
}

/// fd, offset, length, hole -> whether the file system could.
pub fn allocate(mut request: Request<'_>) -> Outcome {
    let (fd, offset, length) = (request.fd()?, request.u64()?, request.u64()?);
    let hole = request.bool()?;
    let mode = libc::FALLOC_FL_KEEP_SIZE | if hole { libc::FALLOC_FL_PUNCH_HOLE } else { 0 };
    match fs::allocate(fd, mode, offset, length) {
        Ok(()) => Ok(1),
        Err(Errno(libc::EOPNOTSUPP | libc::ENOSYS)) => Ok(0),
        Err(error) => Err(error).step("fallocate", ""),
    }
}

/// from, to, exchange -> whether it was done: 0 if `to` exists and was not to be exchanged.
pub fn rename(mut request: Request<'_>) -> Outcome {
    let (from, to) = (request.text()?, request.text()?);
    let exchange = request.bool()?;
    let flags = if exchange { libc::RENAME_EXCHANGE } else { libc::RENAME_NOREPLACE };
    match fs::rename_at2(CWD, &from, CWD, &to, flags) {
        Ok(()) => Ok(1),
        Err(Errno(libc::EEXIST)) if !exchange => Ok(0),
        Err(error) => Err(error).step("rename", from.as_bytes()),
    }
}

/// fd, path -> whether it was done: 0 if `path` exists.
pub fn link_descriptor(mut request: Request<'_>) -> Outcome {
    let fd = request.fd()?;
    let path = request.text()?;
    match fs::link_descriptor(fd, CWD, &path) {
        Ok(()) => Ok(1),
        Err(Errno(libc::EEXIST)) => Ok(0),
        Err(error) => Err(error).step("linkat", path.as_bytes()),
    }
}
