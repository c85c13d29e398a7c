use std::os::fd::{AsFd, BorrowedFd, OwnedFd};

use gantry_sys::{Errno, fs, libc};

use crate::client::Client;
use crate::frame::{self, HEADER_BYTES};
use crate::log::{LogFile, LogStream};

/// Half of a pipe's usual capacity.
pub const READ_BYTES: usize = 32 * 1024;

/// One stream of the container's output: to the log and to every client.
pub struct Output {
    /// Non-blocking; `None` when it has ended.
    source: Option<OwnedFd>,
    stream: u8,
    log: LogStream,
}

impl Output {
    pub fn new(source: OwnedFd, stream: u8) -> Self {
        let name = if stream == frame::STDERR { "stderr" } else { "stdout" };
        Output { source: Some(source), stream, log: LogStream::new(name) }
    }

    pub fn source(&self) -> Option<BorrowedFd<'_>> {
        self.source.as_ref().map(AsFd::as_fd)
    }

    /// Moves one bufferful; false when there is nothing now, or no more. `buffer` has a header's room in front.
    pub fn pump(&mut self, buffer: &mut [u8], log: &mut LogFile, clients: &mut [Client]) -> bool {
        let Some(source) = &self.source else { return false };
        match fs::read(source.as_fd(), &mut buffer[HEADER_BYTES..]) {
            Err(Errno(libc::EAGAIN)) => false,
            // A terminal whose other side is closed gives EIO.
            Ok(0) | Err(_) => {
                self.finish(log);
                false
            }
            Ok(length) => {
                self.log.push(&buffer[HEADER_BYTES..HEADER_BYTES + length], log);
                buffer[..HEADER_BYTES].copy_from_slice(&frame::header(self.stream, length));
                for client in clients.iter_mut().filter(|client| client.wants_output) {
                    client.send(&buffer[..HEADER_BYTES + length]);
                }
                true
            }
        }
    }

    /// Holds no more memory than its unfinished line.
    pub fn shrink(&mut self) {
        self.log.shrink();
    }

    pub fn finish(&mut self, log: &mut LogFile) {
        self.source = None;
        self.log.finish(log);
    }
}
