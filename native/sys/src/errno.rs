//! The error of a system call, and the error of a longer operation made of several.

use std::fmt;

/// A Linux error number, always positive. Compare with the constants of `libc`: `error == Errno(libc::ENOENT)`.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct Errno(pub i32);

/// What every wrapper of one system call returns.
pub type Result<T> = std::result::Result<T, Errno>;

impl Errno {
    /// The calling thread's `errno`.
    pub fn last() -> Self {
        Errno(std::io::Error::last_os_error().raw_os_error().unwrap_or(libc::EIO))
    }

    /// The kernel's sentence for it: `No such file or directory`.
    pub fn describe(self) -> String {
        let text = std::io::Error::from_raw_os_error(self.0).to_string();
        match text.find(" (os error") {
            Some(end) => text[..end].to_owned(),
            None => text,
        }
    }
}

impl fmt::Debug for Errno {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Errno({}: {})", self.0, self.describe())
    }
}

impl fmt::Display for Errno {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.describe())
    }
}

impl std::error::Error for Errno {}

impl From<std::io::Error> for Errno {
    fn from(error: std::io::Error) -> Self {
        Errno(error.raw_os_error().unwrap_or(libc::EIO))
    }
}

/// Turns the `-1` of a libc function into the thread's errno.
pub(crate) fn check(result: libc::c_int) -> Result<libc::c_int> {
    if result == -1 { Err(Errno::last()) } else { Ok(result) }
}

/// The same for functions and raw system calls that return a `long` or an `ssize_t`.
pub(crate) fn check_long(result: i64) -> Result<i64> {
    if result == -1 { Err(Errno::last()) } else { Ok(result) }
}

/// Repeats a call that a signal interrupted.
pub(crate) fn retry<T>(mut call: impl FnMut() -> Result<T>) -> Result<T> {
    loop {
        match call() {
            Err(Errno(libc::EINTR)) => continue,
            other => return other,
        }
    }
}

/// One step of a longer operation failed: which, why, and on which path. This is what crosses into TypeScript and into
/// the shim's ready message.
#[derive(Clone, PartialEq, Eq)]
pub struct StepError {
    /// The action in a few words, usually the system call: `openat2`, `mount overlay`.
    pub step: &'static str,
    pub errno: Errno,
    /// Raw bytes; empty where no path is concerned.
    pub path: Vec<u8>,
    /// What the kernel has written about it; mostly empty.
    pub said: String,
}

impl StepError {
    pub fn new(step: &'static str, errno: Errno, path: impl AsRef<[u8]>) -> Self {
        StepError { step, errno, path: path.as_ref().to_vec(), said: String::new() }
    }

    /// The kernel's sentence for the error, and what it has written about it.
    pub fn reason(&self) -> String {
        let sentence = self.errno.describe();
        if self.said.is_empty() { sentence.to_string() } else { format!("{sentence} ({})", self.said) }
    }
}

impl fmt::Debug for StepError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl fmt::Display for StepError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.step)?;
        if !self.path.is_empty() {
            write!(f, " {:?}", String::from_utf8_lossy(&self.path))?;
        }
        write!(f, ": {}", self.reason())
    }
}

impl std::error::Error for StepError {}

/// Names the step and the path of a system call's error: `open(p).step("open", p)?`.
pub trait StepContext<T> {
    fn step(self, step: &'static str, path: impl AsRef<[u8]>) -> std::result::Result<T, StepError>;
}

impl<T> StepContext<T> for Result<T> {
    fn step(self, step: &'static str, path: impl AsRef<[u8]>) -> std::result::Result<T, StepError> {
        self.map_err(|errno| StepError::new(step, errno, path))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_errno_reads_as_the_kernels_sentence() {
        assert_eq!(Errno(libc::ENOENT).describe(), "No such file or directory");
    }

    #[test]
    fn a_step_error_names_step_path_and_reason() {
        let error: std::result::Result<(), _> = Err(Errno(libc::EACCES)).step("open", "/x");
        assert_eq!(error.unwrap_err().to_string(), "open \"/x\": Permission denied");
    }
}
