//! One connection of the attach protocol.
//!
//! Output is never dropped for a connected client: what its socket does not take waits here, and when that is full the
//! container's output is left in its pipe, so that a container writes no faster than it is read, as with a plain pipe.
//! That must not go on for ever because of somebody's stuck terminal, or nothing would be logged any more: a client of the
//! socket that takes nothing for [`STALL_LIMIT`] is disconnected. The foreground client, who started the container and
//! for whom it runs, is waited for.

use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::time::{Duration, Instant};

use gantry_sys::{Errno, fs, libc};

use crate::frame::{self, Decoder};

const LIMIT_BYTES: usize = 64 * 1024;
pub const STALL_LIMIT: Duration = Duration::from_secs(30);

pub struct Client {
    /// Non-blocking.
    socket: OwnedFd,
    pub decoder: Decoder,
    pending: Vec<u8>,
    /// Since when nothing of `pending` was taken.
    stalled_since: Option<Instant>,
    pub foreground: bool,
    /// False for one that only waits for the exit.
    pub wants_output: bool,
    /// Has sent input.
    pub gave_input: bool,
    pub gone: bool,
}

impl Client {
    pub fn new(socket: OwnedFd, foreground: bool) -> Self {
        Client {
            socket,
            decoder: Decoder::default(),
            pending: Vec::new(),
            stalled_since: None,
            foreground,
            wants_output: true,
            gave_input: false,
            gone: false,
        }
    }

    pub fn socket(&self) -> BorrowedFd<'_> {
        self.socket.as_fd()
    }

    /// Sends a frame, given with its header; what the socket does not take now waits.
    pub fn send(&mut self, frame: &[u8]) {
        if self.gone {
            return;
        }
        let mut sent = 0;
        if self.pending.is_empty() {
            match fs::write(self.socket.as_fd(), frame) {
                Ok(count) => sent = count,
                Err(Errno(libc::EAGAIN)) => {}
                Err(_) => self.gone = true,
            }
        }
        if !self.gone && sent < frame.len() {
            self.pending.extend_from_slice(&frame[sent..]);
            self.stalled_since.get_or_insert_with(Instant::now);
        }
    }

    pub fn send_control(&mut self, message: &str) {
        let header = frame::header(frame::CONTROL, message.len());
        self.send(&[&header, message.as_bytes()].concat());
    }

    pub fn has_pending(&self) -> bool {
        !self.pending.is_empty()
    }

    /// No more output can be taken for this client.
    pub fn is_full(&self) -> bool {
        self.pending.len() >= LIMIT_BYTES
    }

    pub fn flush(&mut self) {
        let mut sent = 0;
        while sent < self.pending.len() {
            match fs::write(self.socket.as_fd(), &self.pending[sent..]) {
                Ok(count) => sent += count,
                Err(Errno(libc::EAGAIN)) => break,
                Err(_) => {
                    self.gone = true;
                    break;
                }
            }
        }
        self.pending.drain(..sent);
        if self.pending.is_empty() {
            self.pending = Vec::new(); // an idle shim holds no buffers
            self.stalled_since = None;
        } else if sent > 0 {
            self.stalled_since = Some(Instant::now());
        }
    }

    /// How long until a stalled client is given up; `None` if it need not be.
    pub fn patience(&self) -> Option<Duration> {
        if self.foreground {
            return None;
        }
        self.stalled_since.map(|since| STALL_LIMIT.saturating_sub(since.elapsed()))
    }
}
