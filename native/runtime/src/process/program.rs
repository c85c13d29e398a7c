use std::ffi::CString;
use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

use gantry_sys::errno::StepContext;
use gantry_sys::fs::c_path;
use gantry_sys::{Errno, libc};

use crate::error::{Failure, Result};

/// Finds `name` as a shell would: as it is if it contains a slash, else in the PATH of `environment`. Call it as the
/// container's user, in its root and working directory.
///
/// # Errors
/// Step `exec` with ENOENT (exit status 127: there is no such program) or another errno (126: it cannot be run), in the
/// words OCI callers know.
pub fn find_program(name: &str, environment: &[CString]) -> Result<CString> {
    if name.contains('/') {
        return match executable(Path::new(name)) {
            Ok(()) => Ok(c_path(name.as_bytes()).step("exec", name)?),
            Err(Errno(libc::ENOENT)) => {
                Err(failure(name, libc::ENOENT, &format!("stat {name}: no such file or directory")))
            }
            Err(error) => Err(failure(name, error.0, &lower(error))),
        };
    }
    let path = environment.iter().filter_map(|entry| entry.to_str().ok()?.strip_prefix("PATH=")).next_back();
    let mut refused = None;
    for directory in path.unwrap_or("").split(':') {
        let directory = if directory.is_empty() { "." } else { directory };
        let candidate: PathBuf = Path::new(directory).join(name);
        match executable(&candidate) {
            Ok(()) => {
                let bytes = candidate.as_os_str().as_encoded_bytes();
                return Ok(c_path(bytes).step("exec", bytes)?);
            }
            Err(Errno(libc::EACCES)) => refused = Some(libc::EACCES),
            Err(_) => {}
        }
    }
    Err(match refused {
        Some(errno) => failure(name, errno, "permission denied"),
        None => failure(name, libc::ENOENT, "executable file not found in $PATH"),
    })
}

fn lower(error: Errno) -> String {
    let text = error.describe();
    let mut letters = text.chars();
    letters.next().map(|first| first.to_lowercase().chain(letters).collect()).unwrap_or_default()
}

/// What exec itself said.
pub fn exec_failure(name: &str, error: Errno) -> Failure {
    failure(name, error.0, &lower(error))
}

fn failure(name: &str, errno: i32, reason: &str) -> Failure {
    Failure { step: "exec".to_owned(), errno, path: name.to_owned(), message: format!("exec: {name:?}: {reason}") }
}

fn executable(path: &Path) -> std::result::Result<(), Errno> {
    let metadata = fs::metadata(path).map_err(Errno::from)?;
    if metadata.is_dir() {
        return Err(Errno(libc::EISDIR));
    }
    // A hint for the search; exec itself decides.
    if metadata.permissions().mode() & 0o111 == 0 { Err(Errno(libc::EACCES)) } else { Ok(()) }
}
