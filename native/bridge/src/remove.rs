//! Removes a tree, however deep, without following symbolic links or entering mount points.

use std::ffi::{CStr, CString};
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};

use gantry_sys::dir::read_directory;
use gantry_sys::door::Control;
use gantry_sys::errno::{Errno, Result, StepContext, StepError};
use gantry_sys::fs::{self, CWD, resolve};

use crate::message::{Outcome, Request};

/// Deeper directories are moved up beside the first level, so that neither stack nor descriptors run out.
const DEEPEST: usize = 200;

/// path; not being there is no error.
pub fn remove_tree(mut request: Request<'_>, control: Control<'_>) -> Outcome {
    let path = request.text()?;
    match fs::unlink_at(CWD, &path, 0) {
        Ok(()) | Err(Errno(libc::ENOENT)) => return Ok(0),
        // What unlink says of a directory, and what it may say where nothing can be written.
        Err(Errno(libc::EISDIR | libc::EPERM)) => {}
        Err(error) => return Err(error).step("unlink", path.as_bytes()),
    }
    let top = open_directory(CWD, &path, 0).step("open", path.as_bytes())?;
    let mut removal = Removal { top: top.as_fd(), moved: Vec::new(), next: 0, control, path: path.as_bytes().to_vec() };
    removal.empty(&top, 0)?;
    while let Some(name) = removal.moved.pop() {
        removal.remove(&top, &name, 0)?;
    }
    fs::unlink_at(CWD, &path, libc::AT_REMOVEDIR).step("rmdir", path.as_bytes())?;
    Ok(0)
}

fn open_directory(parent: BorrowedFd<'_>, name: &CStr, confined: u64) -> Result<OwnedFd> {
    fs::open_at2(parent, name, libc::O_RDONLY | libc::O_DIRECTORY | libc::O_NOFOLLOW, 0, confined)
}

struct Removal<'a> {
    top: BorrowedFd<'a>,
    /// Directories that were moved up and wait.
    moved: Vec<CString>,
    /// Makes their names.
    next: u64,
    control: Control<'a>,
    /// Of the directory at hand, for errors.
    path: Vec<u8>,
}

impl Removal<'_> {
    fn failed(&self, step: &'static str, errno: Errno) -> StepError {
        StepError::new(step, errno, &self.path)
    }

    fn empty(&mut self, directory: &OwnedFd, depth: usize) -> std::result::Result<(), StepError> {
        if self.control.cancelled() {
            return Err(self.failed("remove", Errno(libc::ECANCELED)));
        }
        for entry in read_directory(directory.as_fd()).map_err(|e| self.failed("getdents64", e))? {
            let length = self.path.len();
            if length < 4096 {
                self.path.push(b'/');
                self.path.extend_from_slice(entry.name.as_bytes());
            }
            if entry.kind == libc::DT_DIR {
                self.remove(directory, &entry.name, depth)?;
            } else {
                match fs::unlink_at(directory.as_fd(), &entry.name, 0) {
                    Ok(()) | Err(Errno(libc::ENOENT)) => {}
                    Err(Errno(libc::EISDIR)) => self.remove(directory, &entry.name, depth)?,
                    Err(error) => return Err(self.failed("unlink", error)),
                }
            }
            self.path.truncate(length);
        }
        Ok(())
    }

    /// Removes the directory `name` of `parent`.
    fn remove(&mut self, parent: &OwnedFd, name: &CStr, depth: usize) -> std::result::Result<(), StepError> {
        if depth >= DEEPEST {
            return self.move_up(parent, name);
        }
        // An empty directory is the most frequent one in an overlay's upper: no need to look.
        match fs::unlink_at(parent.as_fd(), name, libc::AT_REMOVEDIR) {
            Ok(()) | Err(Errno(libc::ENOENT)) => return Ok(()),
            Err(Errno(libc::ENOTEMPTY | libc::EEXIST)) => {}
            Err(error) => return Err(self.failed("rmdir", error)),
        }
        let open = || open_directory(parent.as_fd(), name, resolve::NO_XDEV | resolve::NO_SYMLINKS);
        let directory = match open() {
            Err(Errno(libc::EACCES)) => {
                fs::change_mode_at(parent.as_fd(), name, 0o700).map_err(|e| self.failed("chmod", e))?;
                open()
            }
            other => other,
        };
        let directory = match directory {
            Err(Errno(libc::EXDEV)) => return Err(self.failed("remove", Errno(libc::EBUSY))),
            other => other.map_err(|e| self.failed("open", e))?,
        };
        self.empty(&directory, depth + 1)?;
        fs::unlink_at(parent.as_fd(), name, libc::AT_REMOVEDIR).map_err(|e| self.failed("rmdir", e))
    }

    /// Moves the directory `name` of `parent` to the top, where it waits.
    fn move_up(&mut self, parent: &OwnedFd, name: &CStr) -> std::result::Result<(), StepError> {
        loop {
            self.next += 1;
            let up = CString::new(format!(".gantry-remove-{}", self.next)).unwrap_or_default();
            match fs::rename_at2(parent.as_fd(), name, self.top, &up, libc::RENAME_NOREPLACE) {
                Ok(()) => {
                    self.moved.push(up);
                    return Ok(());
                }
                // Left by a removal that was interrupted.
                Err(Errno(libc::EEXIST)) => {}
                Err(error) => return Err(self.failed("rename", error)),
            }
        }
    }
}
