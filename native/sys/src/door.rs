//! The memory side of the C ABI: one function, two buffers. Its twin is src/bridge/native.ts, which draws the message.
//!
//! Every operation goes through `int64_t gantry_call(uint8_t *message, uint8_t *data)`. Here the two pointers become
//! slices; what an operation does with them is safe code.

use std::os::fd::BorrowedFd;
use std::sync::atomic::{AtomicU32, AtomicU64, Ordering};

use crate::errno::{Errno, Result, check};

const HEADER_BYTES: usize = 32;

/// One call: what is asked, the caller's memory, and where the answer goes.
pub struct Call<'a> {
    pub operation: u32,
    /// A copy: the reply overwrites the request.
    pub request: Vec<u8>,
    /// The caller's bytes, to be read or filled; empty if there are none.
    pub data: &'a mut [u8],
    pub reply: &'a mut [u8],
    pub control: Control<'a>,
}

/// The words of the message that both sides touch while an operation runs.
#[derive(Clone, Copy)]
pub struct Control<'a> {
    cancel: &'a AtomicU32,
    progress: &'a AtomicU64,
}

impl Control<'_> {
    /// Whether the caller wants the operation to stop.
    pub fn cancelled(&self) -> bool {
        self.cancel.load(Ordering::Relaxed) != 0
    }

    /// Adds to what the caller sees as done.
    pub fn advance(&self, amount: u64) {
        self.progress.fetch_add(amount, Ordering::Relaxed);
    }
}

/// Turns the pointers of a `gantry_call` into a [`Call`] and runs `dispatch` on it.
///
/// # Safety
/// The caller (src/bridge/native.ts) upholds, until this returns:
/// - `message` is 8-byte aligned, valid for reads and writes of the number of bytes that its u32 at 4 says, at least 32
///   plus the request bytes that its u32 at 20 says, and nobody else writes it but the cancel word (atomically);
/// - `data` is valid for reads and writes of the number of bytes that the message's u64 at 8 says, does not overlap the
///   message, and nobody writes it meanwhile.
pub unsafe fn enter(message: *mut u8, data: *mut u8, dispatch: fn(Call<'_>) -> i64) -> i64 {
    if message.is_null() || data.is_null() || !message.cast::<u64>().is_aligned() {
        return -i64::from(libc::EFAULT);
    }
    // SAFETY: the header's fields lie in the first 32 bytes, which the caller promises to be valid and aligned.
    let (operation, message_bytes, data_bytes, request_bytes) = unsafe {
        (
            message.cast::<u32>().read(),
            message.cast::<u32>().add(1).read() as usize,
            message.cast::<u64>().add(1).read(),
            message.cast::<u32>().add(5).read() as usize,
        )
    };
    let (Some(body_bytes), Ok(data_bytes)) = (message_bytes.checked_sub(HEADER_BYTES), usize::try_from(data_bytes))
    else {
        return -i64::from(libc::EINVAL);
    };
    if request_bytes > body_bytes {
        return -i64::from(libc::EINVAL);
    }
    // SAFETY: bytes 16 to 20 and 24 to 32 are valid, aligned, outside the reply slice made below, and only touched
    // atomically by both sides while the call runs.
    let control = unsafe {
        Control {
            cancel: AtomicU32::from_ptr(message.add(16).cast()),
            progress: AtomicU64::from_ptr(message.add(24).cast()),
        }
    };
    // SAFETY: the caller promises message_bytes valid bytes, of which these are the ones after the header; only this
    // call touches them until it returns.
    let reply = unsafe { std::slice::from_raw_parts_mut(message.add(HEADER_BYTES), body_bytes) };
    // SAFETY: the caller promises data_bytes valid bytes that nobody else writes, apart from the message.
    let data = unsafe { std::slice::from_raw_parts_mut(data, data_bytes) };
    let request = reply[..request_bytes].to_vec();
    dispatch(Call { operation, request, data, reply, control })
}

/// A descriptor that TypeScript passed by number.
///
/// # Errors
/// EBADF for a number that is no open descriptor.
pub fn borrow_fd<'a>(number: u32) -> Result<BorrowedFd<'a>> {
    let fd = i32::try_from(number).map_err(|_| Errno(libc::EBADF))?;
    // SAFETY: only integers are passed.
    check(unsafe { libc::fcntl(fd, libc::F_GETFD) })?;
    // SAFETY: it was open just now, and the caller keeps what it passes open until the call returns; were it closed
    // nevertheless, the kernel would answer EBADF or use the file opened since: a wrong file, never wrong memory.
    Ok(unsafe { BorrowedFd::borrow_raw(fd) })
}

/// Exports `gantry_call` from a cdylib, so that the unsafe words stay in this crate.
#[macro_export]
macro_rules! export_door {
    ($dispatch:path) => {
        /// # Safety
        /// As [`gantry_sys::door::enter`].
        #[unsafe(no_mangle)]
        pub unsafe extern "C" fn gantry_call(message: *mut u8, data: *mut u8) -> i64 {
            // SAFETY: the caller upholds what `enter` asks for: it is the same contract.
            unsafe { $crate::door::enter(message, data, $dispatch) }
        }
    };
}

#[cfg(test)]
mod tests {
    use super::*;

    fn echo(call: Call<'_>) -> i64 {
        call.reply[..4].copy_from_slice(b"done");
        call.data[0] = call.request[0];
        call.control.advance(7);
        i64::from(call.operation)
    }

    #[test]
    fn a_message_becomes_a_call_and_its_reply() {
        let mut message = [0u64; 8];
        message[0] = 5 | 64 << 32;
        message[1] = 3;
        message[2] = 2 << 32;
        message[4] = 0x2a;
        let mut data = [0u8; 3];
        // SAFETY: message is 64 aligned bytes and says so; data is 3 bytes and the message says so.
        let result = unsafe { enter(message.as_mut_ptr().cast(), data.as_mut_ptr(), echo) };
        assert_eq!((result, data[0], message[3]), (5, 0x2a, 7));
        assert_eq!(message[4].to_le_bytes()[..4], *b"done");
    }

    #[test]
    fn a_request_longer_than_the_message_is_refused() {
        let mut message = [0u64; 8];
        message[0] = 5 | 64 << 32;
        message[2] = 33 << 32;
        let mut data = [0u8; 1];
        // SAFETY: as above; the lengths are what is tested.
        let result = unsafe { enter(message.as_mut_ptr().cast(), data.as_mut_ptr(), echo) };
        assert_eq!(result, -i64::from(libc::EINVAL));
    }
}
