//! Reads many small files of a tree at once: a call of native code costs more than reading one of them.

use std::ffi::CStr;
use std::os::fd::{AsFd, BorrowedFd};

use gantry_sys::errno::{Errno, StepContext};
use gantry_sys::fs::{self, resolve};

use crate::message::{Outcome, Reply, Request};

/// root, count of directories; of each its path below the root, count of files, of each name and bytes wanted -> how many
/// files could not be read whole; which ones, counted from 0 over all directories. The files' bytes lie back to back in `data`.
pub fn read_small_files(mut request: Request<'_>, data: &mut [u8], reply: &mut Reply<'_>) -> Outcome {
    let path = request.text()?;
    let root = fs::open(&path, libc::O_PATH | libc::O_DIRECTORY, 0).step("open", path.as_bytes())?;
    let (mut at, mut number, mut failed) = (0, 0, 0);
    for _ in 0..request.u32()? {
        let path = request.text()?;
        let confined = resolve::IN_ROOT | resolve::NO_MAGICLINKS;
        let directory = fs::open_at2(root.as_fd(), &path, libc::O_PATH | libc::O_DIRECTORY, 0, confined);
        for _ in 0..request.u32()? {
            let name = request.text()?;
            let end = at + request.u32()? as usize;
            let room = data.get_mut(at..end).ok_or(Errno(libc::EINVAL)).step("read small files", name.as_bytes())?;
            if !directory.as_ref().is_ok_and(|directory| read_whole(directory.as_fd(), &name, room)) {
                reply.u32(number);
                failed += 1;
            }
            at = end;
            number += 1;
        }
    }
    Ok(failed)
}

/// Whether there were so many bytes. The name may be anything by now: no link is followed, no pipe is waited for.
fn read_whole(directory: BorrowedFd<'_>, name: &CStr, room: &mut [u8]) -> bool {
    let Ok(file) = fs::open_at(directory, name, libc::O_RDONLY | libc::O_NOFOLLOW | libc::O_NONBLOCK, 0) else {
        return false;
    };
    let mut got = 0;
    while got < room.len() {
        match fs::read_at(file.as_fd(), &mut room[got..], got as u64) {
            Ok(0) | Err(_) => return false,
            Ok(now) => got += now,
        }
    }
    true
}
