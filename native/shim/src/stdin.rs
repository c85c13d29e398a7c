use std::os::fd::{AsFd, BorrowedFd, OwnedFd};

use gantry_sys::{Errno, fs, libc};

/// More is not taken from clients until the container has read some.
const LIMIT_BYTES: usize = 64 * 1024;

/// The container's standard input: a pipe or its terminal, written without blocking.
pub struct Stdin {
    sink: Option<OwnedFd>,
    is_terminal: bool,
    pending: Vec<u8>,
    ending: bool,
}

impl Stdin {
    /// `sink` is non-blocking; `None` if the container's input is not open to clients.
    pub fn new(sink: Option<OwnedFd>, is_terminal: bool) -> Self {
        Stdin { sink, is_terminal, pending: Vec::new(), ending: false }
    }

    /// To be polled for writing, when something waits.
    pub fn wants_write(&self) -> Option<BorrowedFd<'_>> {
        self.sink.as_ref().filter(|_| !self.pending.is_empty()).map(AsFd::as_fd)
    }

    pub fn has_room(&self) -> bool {
        self.pending.len() < LIMIT_BYTES
    }

    pub fn push(&mut self, bytes: &[u8]) {
        if self.sink.is_none() || self.ending {
            return; // nobody is to read it
        }
        self.pending.extend_from_slice(bytes);
        self.flush();
    }

    /// No more input, once what waits is written. A terminal has no end: its user types control-D.
    pub fn end(&mut self) {
        if !self.is_terminal {
            self.ending = true;
            self.flush();
        }
    }

    pub fn flush(&mut self) {
        let Some(sink) = &self.sink else { return };
        let mut written = 0;
        let mut gone = false;
        while written < self.pending.len() {
            match fs::write(sink.as_fd(), &self.pending[written..]) {
                Ok(count) => written += count,
                Err(Errno(libc::EAGAIN)) => break,
                Err(_) => {
                    gone = true; // EPIPE: the container has closed its input
                    break;
                }
            }
        }
        self.pending.drain(..written);
        if gone || self.ending && self.pending.is_empty() {
            self.sink = None;
            self.pending = Vec::new();
        } else if self.pending.is_empty() {
            self.pending = Vec::new(); // an idle shim holds no buffers
        }
    }
}
