//! Pseudo terminals.

use std::os::fd::{AsRawFd, BorrowedFd, FromRawFd, OwnedFd};

use crate::errno::{Result, check};

/// Columns and rows.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct WindowSize {
    pub columns: u16,
    pub rows: u16,
}

/// Unlocks the other side of a master opened from a `ptmx`, and returns its number in that devpts.
pub fn unlock(master: BorrowedFd<'_>) -> Result<u32> {
    let zero: libc::c_int = 0;
    let mut number: libc::c_uint = 0;
    // SAFETY: each ioctl reads or writes one int that is alive during the call.
    unsafe {
        check(libc::ioctl(master.as_raw_fd(), libc::TIOCSPTLCK, &raw const zero))?;
        check(libc::ioctl(master.as_raw_fd(), libc::TIOCGPTN, &raw mut number))?;
    }
    Ok(number)
}

/// Opens the other side of a master, whichever mount its devpts is on: `TIOCGPTPEER`, Linux 4.13.
pub fn open_peer(master: BorrowedFd<'_>) -> Result<OwnedFd> {
    let flags = libc::O_RDWR | libc::O_NOCTTY | libc::O_CLOEXEC;
    // SAFETY: the ioctl takes open flags by value and returns a new descriptor.
    let fd = check(unsafe { libc::ioctl(master.as_raw_fd(), libc::TIOCGPTPEER, flags) })?;
    // SAFETY: made for the caller just now.
    Ok(unsafe { OwnedFd::from_raw_fd(fd) })
}

/// Makes a terminal the controlling one of this session, whose leader the caller must be.
pub fn set_controlling_terminal(terminal: BorrowedFd<'_>) -> Result<()> {
    // SAFETY: the ioctl takes an integer.
    check(unsafe { libc::ioctl(terminal.as_raw_fd(), libc::TIOCSCTTY, 0) }).map(drop)
}

pub fn set_window_size(terminal: BorrowedFd<'_>, size: WindowSize) -> Result<()> {
    let value = libc::winsize { ws_row: size.rows, ws_col: size.columns, ws_xpixel: 0, ws_ypixel: 0 };
    // SAFETY: value is alive during the call.
    check(unsafe { libc::ioctl(terminal.as_raw_fd(), libc::TIOCSWINSZ, &raw const value) }).map(drop)
}

pub fn window_size(terminal: BorrowedFd<'_>) -> Result<WindowSize> {
    let mut value = libc::winsize { ws_row: 0, ws_col: 0, ws_xpixel: 0, ws_ypixel: 0 };
    // SAFETY: value is a live out parameter.
    check(unsafe { libc::ioctl(terminal.as_raw_fd(), libc::TIOCGWINSZ, &raw mut value) })?;
    Ok(WindowSize { columns: value.ws_col, rows: value.ws_row })
}

/// Stops the terminal turning `\n` into `\r\n` on output, as OCI runtimes leave consoles: the reader's terminal does it.
pub fn clear_output_newline_translation(terminal: BorrowedFd<'_>) -> Result<()> {
    let mut value = std::mem::MaybeUninit::<libc::termios>::uninit();
    // SAFETY: tcgetattr initialises value when it succeeds; tcsetattr reads it.
    unsafe {
        check(libc::tcgetattr(terminal.as_raw_fd(), value.as_mut_ptr()))?;
        let mut value = value.assume_init();
        value.c_oflag &= !libc::ONLCR;
        check(libc::tcsetattr(terminal.as_raw_fd(), libc::TCSANOW, &raw const value)).map(drop)
    }
}

/// Whether a descriptor is a terminal.
pub fn is_terminal(fd: BorrowedFd<'_>) -> bool {
    // SAFETY: only an integer is passed.
    unsafe { libc::isatty(fd.as_raw_fd()) == 1 }
}
