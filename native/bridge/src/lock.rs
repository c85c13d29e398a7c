//! Locks on files.

use std::os::fd::IntoRawFd;

use gantry_sys::errno::{Errno, StepContext};
use gantry_sys::lock::{LockMode, try_lock_path};

use crate::message::{Outcome, Reply, Request};

/// path, shared, create -> 1 and the descriptor that holds the lock; 0 if somebody else has it; 2 if there is no such
/// file and none is to be made.
pub fn lock_file(mut request: Request<'_>, reply: &mut Reply<'_>) -> Outcome {
    let path = request.text()?;
    let mode = if request.bool()? { LockMode::Shared } else { LockMode::Exclusive };
    let create = request.bool()?;
    match try_lock_path(&path, mode, create) {
        Ok(Some(file)) => {
            reply.u32(file.into_raw_fd() as u32);
            Ok(1)
        }
        Ok(None) => Ok(0),
        Err(Errno(libc::ENOENT)) if !create => Ok(2),
        Err(error) => Err(error).step("lock", path.as_bytes()),
    }
}
