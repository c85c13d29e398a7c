//! Makes several files and directories durable at once: a journal that is told of them together writes them together.

use std::ffi::CStr;
use std::os::fd::AsFd;
use std::sync::atomic::{AtomicUsize, Ordering};

use gantry_sys::errno::{Errno, StepContext, StepError};
use gantry_sys::fs;

use crate::message::{Outcome, Request};

const MOST_THREADS: usize = 8;

/// paths.
pub fn sync_files(mut request: Request<'_>) -> Outcome {
    let paths = request.texts()?;
    let next = AtomicUsize::new(0);
    let drain = || {
        while let Some(path) = paths.get(next.fetch_add(1, Ordering::Relaxed)) {
            sync(path)?;
        }
        Ok(())
    };
    std::thread::scope(|scope| {
        let helpers: Vec<_> = (1..paths.len().min(MOST_THREADS))
            // Where there are no more threads to be had, those that there are do the work.
            .map_while(|_| std::thread::Builder::new().stack_size(64 << 10).spawn_scoped(scope, drain).ok())
            .collect();
        let failed = || StepError::new("fsync", Errno(libc::EIO), "");
        let own = drain();
        helpers.into_iter().map(|helper| helper.join().unwrap_or_else(|_| Err(failed()))).fold(own, Result::and)
    })?;
    Ok(0)
}

fn sync(path: &CStr) -> Result<(), StepError> {
    let file = fs::open(path, libc::O_RDONLY, 0).step("open", path.to_bytes())?;
    fs::sync(file.as_fd()).step("fsync", path.to_bytes())
}
