//! Signals as descriptors, and the signal state that exec inherits.

use std::mem::MaybeUninit;
use std::os::fd::{AsRawFd, BorrowedFd, FromRawFd, OwnedFd};

use crate::errno::{Result, check, retry};

fn set_of(signals: &[i32]) -> libc::sigset_t {
    let mut set = MaybeUninit::<libc::sigset_t>::uninit();
    // SAFETY: sigemptyset initialises the set; sigaddset only writes into it.
    unsafe {
        libc::sigemptyset(set.as_mut_ptr());
        for signal in signals {
            libc::sigaddset(set.as_mut_ptr(), *signal);
        }
        set.assume_init()
    }
}

/// Blocks the signals and returns a non-blocking, close-on-exec descriptor that delivers them instead.
pub fn signal_descriptor(signals: &[i32]) -> Result<OwnedFd> {
    let set = set_of(signals);
    // SAFETY: set is alive during both calls; the old mask is not wanted.
    unsafe {
        check(libc::sigprocmask(libc::SIG_BLOCK, &raw const set, std::ptr::null_mut()))?;
        let fd = check(libc::signalfd(-1, &raw const set, libc::SFD_CLOEXEC | libc::SFD_NONBLOCK))?;
        Ok(OwnedFd::from_raw_fd(fd))
    }
}

/// The next pending signal of a [`signal_descriptor`], or `None` if there is none now.
pub fn next_signal(descriptor: BorrowedFd<'_>) -> Result<Option<i32>> {
    let mut info = MaybeUninit::<libc::signalfd_siginfo>::zeroed();
    let size = size_of::<libc::signalfd_siginfo>();
    // SAFETY: the buffer has the size passed and is alive during the call.
    let read =
        retry(|| check(unsafe { libc::read(descriptor.as_raw_fd(), info.as_mut_ptr().cast(), size) } as libc::c_int));
    match read {
        // SAFETY: signalfd writes whole structures, and zeroed bytes are a valid one.
        Ok(length) if length as usize == size => Ok(Some(unsafe { info.assume_init() }.ssi_signo as i32)),
        Ok(_) => Ok(None),
        Err(crate::Errno(libc::EAGAIN)) => Ok(None),
        Err(error) => Err(error),
    }
}

/// Unblocks everything and restores every default action: what a new program expects to find.
pub fn reset() -> Result<()> {
    let empty = set_of(&[]);
    // SAFETY: SIG_DFL is a valid action; numbers that cannot be set (KILL, STOP, the C library's own) fail harmlessly.
    unsafe {
        for signal in 1..=libc::SIGRTMAX() {
            libc::signal(signal, libc::SIG_DFL);
        }
        check(libc::sigprocmask(libc::SIG_SETMASK, &raw const empty, std::ptr::null_mut())).map(drop)
    }
}

/// Ignores a signal (SIGPIPE comes as EPIPE instead).
pub fn ignore(signal: i32) {
    // SAFETY: SIG_IGN is a valid action.
    unsafe { libc::signal(signal, libc::SIG_IGN) };
}
