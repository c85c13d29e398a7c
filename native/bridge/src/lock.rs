//! Locks on files.

use std::os::fd::IntoRawFd;

use gantry_sys::errno::StepContext;
use gantry_sys::lock::{LockMode, is_path_locked, try_lock_path};

use crate::message::{Outcome, Reply, Request};

/// path, shared -> 1 and the descriptor that holds the lock; 0 if somebody else has it.
pub fn lock_file(mut request: Request<'_>, reply: &mut Reply<'_>) -> Outcome {
    let path = request.text()?;
    let mode = if request.bool()? { LockMode::Shared } else { LockMode::Exclusive };
    let Some(file) = try_lock_path(&path, mode).step("lock", path.as_bytes())? else { return Ok(0) };
    reply.u32(file.into_raw_fd() as u32);
    Ok(1)
}

/// path -> whether somebody holds a lock on it.
pub fn is_locked(mut request: Request<'_>) -> Outcome {
    let path = request.text()?;
    Ok(is_path_locked(&path).step("lock", path.as_bytes())?.into())
}
