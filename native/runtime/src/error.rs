//! What a failed operation says.

use std::fmt;

use gantry_sys::Errno;
use gantry_sys::errno::StepError;
use serde::Serialize;

/// A failed operation: a sentence for people, and `{ step, errno, path }` for programs. Serialized as it goes into the
/// JSON log and over the pipe from the container's first process.
#[derive(Clone, Debug, Default, Serialize, serde::Deserialize)]
pub struct Failure {
    /// The action in a few words, usually the system call.
    pub step: String,
    /// 0 where no system call failed.
    pub errno: i32,
    /// Empty where no path is concerned.
    pub path: String,
    pub message: String,
}

pub type Result<T> = std::result::Result<T, Failure>;

impl Failure {
    /// A refusal that no system call made: bad input, wrong state.
    pub fn refusal(step: &str, message: impl Into<String>) -> Self {
        Failure { step: step.to_owned(), message: message.into(), ..Failure::default() }
    }

    /// Puts what was being attempted in front of the message.
    pub fn during(mut self, what: impl fmt::Display) -> Self {
        self.message = format!("{what}: {}", self.message);
        self
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)
    }
}

impl From<StepError> for Failure {
    fn from(error: StepError) -> Self {
        Failure {
            step: error.step.to_owned(),
            errno: error.errno.0,
            path: String::from_utf8_lossy(&error.path).into_owned(),
            message: error.to_string(),
        }
    }
}

/// Names step and path of an error: `read(p).at("read", p)?`.
pub trait At<T> {
    fn at(self, step: &'static str, path: impl AsRef<std::path::Path>) -> Result<T>;
}

impl<T, E: Into<Errno>> At<T> for std::result::Result<T, E> {
    fn at(self, step: &'static str, path: impl AsRef<std::path::Path>) -> Result<T> {
        self.map_err(|error| StepError::new(step, error.into(), path.as_ref().as_os_str().as_encoded_bytes()).into())
    }
}
