//! Results whose size is not known before the call: kept here under a handle until TypeScript has memory for them.

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};

use gantry_sys::errno::{Errno, StepError};

use crate::message::{Outcome, Reply, Request};

struct Kept {
    next: u64,
    results: Option<HashMap<u64, Vec<u8>>>,
}

static KEPT: Mutex<Kept> = Mutex::new(Kept { next: 1, results: None });

/// Keeps `bytes` and writes { u64 handle, u64 length } into the reply.
pub fn keep(bytes: Vec<u8>, reply: &mut Reply<'_>) {
    let mut kept = KEPT.lock().unwrap_or_else(PoisonError::into_inner);
    let handle = kept.next;
    kept.next += 1;
    reply.u64(handle);
    reply.u64(bytes.len() as u64);
    kept.results.get_or_insert_default().insert(handle, bytes);
}

/// Copies a kept result into the caller's memory and forgets it.
pub fn take(mut request: Request<'_>, data: &mut [u8]) -> Outcome {
    let handle = request.u64()?;
    let taken = KEPT.lock().unwrap_or_else(PoisonError::into_inner).results.as_mut().and_then(|r| r.remove(&handle));
    match taken {
        Some(bytes) if bytes.len() <= data.len() => {
            data[..bytes.len()].copy_from_slice(&bytes);
            Ok(bytes.len() as i64)
        }
        _ => Err(StepError::new("native call for a result that is not kept", Errno(libc::EINVAL), "")),
    }
}
