//! The fields of requests and replies. The twin of src/bridge/message.ts.

use std::ffi::CString;
use std::os::fd::BorrowedFd;

use gantry_sys::door::borrow_fd;
use gantry_sys::errno::{Errno, StepContext, StepError};
use gantry_sys::fs::c_path;

/// What an operation returns: a number that is not negative, or the step that failed.
pub type Outcome = Result<i64, StepError>;

const MALFORMED: &str = "native call with a malformed request";

/// Reads the fields in the order in which TypeScript wrote them.
pub struct Request<'a> {
    bytes: &'a [u8],
}

impl<'a> Request<'a> {
    pub fn new(bytes: &'a [u8]) -> Self {
        Request { bytes }
    }

    fn take(&mut self, length: usize) -> Result<&'a [u8], StepError> {
        if length > self.bytes.len() {
            return Err(StepError::new(MALFORMED, Errno(libc::EINVAL), ""));
        }
        let (taken, rest) = self.bytes.split_at(length);
        self.bytes = rest;
        Ok(taken)
    }

    pub fn u32(&mut self) -> Result<u32, StepError> {
        let bytes = self.take(4)?;
        Ok(u32::from_le_bytes([bytes[0], bytes[1], bytes[2], bytes[3]]))
    }

    pub fn u64(&mut self) -> Result<u64, StepError> {
        Ok(u64::from(self.u32()?) | u64::from(self.u32()?) << 32)
    }

    pub fn bool(&mut self) -> Result<bool, StepError> {
        Ok(self.u32()? != 0)
    }

    /// A descriptor of the caller's, which stays open during the call.
    pub fn fd(&mut self) -> Result<BorrowedFd<'a>, StepError> {
        borrow_fd(self.u32()?).step(MALFORMED, "")
    }

    pub fn bytes(&mut self) -> Result<&'a [u8], StepError> {
        let length = self.u32()?;
        self.take(length as usize)
    }

    pub fn text(&mut self) -> Result<CString, StepError> {
        c_path(self.bytes()?).step(MALFORMED, "")
    }

    pub fn texts(&mut self) -> Result<Vec<CString>, StepError> {
        let count = self.u32()?;
        (0..count).map(|_| self.text()).collect()
    }
}

/// Writes the fields of a reply; what does not fit is dropped (TypeScript asks for enough room).
pub struct Reply<'a> {
    bytes: &'a mut [u8],
    length: usize,
}

impl<'a> Reply<'a> {
    pub fn new(bytes: &'a mut [u8]) -> Self {
        Reply { bytes, length: 0 }
    }

    fn put(&mut self, bytes: &[u8]) {
        let room = self.bytes.len() - self.length;
        let length = bytes.len().min(room);
        self.bytes[self.length..self.length + length].copy_from_slice(&bytes[..length]);
        self.length += length;
    }

    pub fn u32(&mut self, value: u32) {
        self.put(&value.to_le_bytes());
    }

    pub fn u64(&mut self, value: u64) {
        self.put(&value.to_le_bytes());
    }

    pub fn bytes(&mut self, bytes: &[u8]) {
        let length = bytes.len().min(self.bytes.len().saturating_sub(self.length + 4));
        self.u32(length as u32);
        self.put(&bytes[..length]);
    }

    /// Room for a result that the operation writes itself: fill it, then pass its length to [`Reply::filled`].
    pub fn room(&mut self) -> &mut [u8] {
        let start = (self.length + 4).min(self.bytes.len());
        &mut self.bytes[start..]
    }

    /// `length` bytes of [`Reply::room`] are the field.
    pub fn filled(&mut self, length: usize) {
        self.u32(length as u32);
        self.length += length;
    }

    /// Replaces whatever was written by what TypeScript reads after a negative result.
    pub fn failure(&mut self, error: &StepError) {
        self.length = 0;
        self.bytes(error.step.as_bytes());
        // The least reply is 8 KiB: a path of PATH_MAX bytes fits beside the sentences.
        self.bytes(&error.path[..error.path.len().min(4096)]);
        self.bytes(error.reason().as_bytes());
    }
}
