//! Unix sockets that carry descriptors.

use std::os::fd::{AsRawFd, BorrowedFd, FromRawFd, OwnedFd};

use crate::errno::{Errno, Result, check_long, retry};

/// Room for one descriptor in a control message, aligned as the kernel wants it.
#[repr(C, align(8))]
struct Control([u8; 64]);

/// Sends one descriptor together with `payload`, which must not be empty.
pub fn send_descriptor(socket: BorrowedFd<'_>, payload: &[u8], descriptor: BorrowedFd<'_>) -> Result<()> {
    let mut vector = libc::iovec { iov_base: payload.as_ptr() as *mut _, iov_len: payload.len() };
    let mut control = Control([0; 64]);
    // SAFETY: every pointer in the message is to a live local; CMSG_SPACE(4) is 24 bytes, within Control; the header is
    // written before it is used.
    unsafe {
        let mut message: libc::msghdr = std::mem::zeroed();
        message.msg_iov = &raw mut vector;
        message.msg_iovlen = 1;
        message.msg_control = (&raw mut control).cast();
        message.msg_controllen = libc::CMSG_SPACE(size_of::<libc::c_int>() as u32) as _;
        let header = libc::CMSG_FIRSTHDR(&raw const message);
        (*header).cmsg_level = libc::SOL_SOCKET;
        (*header).cmsg_type = libc::SCM_RIGHTS;
        (*header).cmsg_len = libc::CMSG_LEN(size_of::<libc::c_int>() as u32) as _;
        libc::CMSG_DATA(header).cast::<libc::c_int>().write_unaligned(descriptor.as_raw_fd());
        retry(|| check_long(libc::sendmsg(socket.as_raw_fd(), &raw const message, libc::MSG_NOSIGNAL) as i64))?;
    }
    Ok(())
}

/// Receives up to `payload.len()` bytes and one descriptor, close-on-exec.
///
/// # Errors
/// ENOMSG if the message carried none.
pub fn receive_descriptor(socket: BorrowedFd<'_>, payload: &mut [u8]) -> Result<(usize, OwnedFd)> {
    let mut vector = libc::iovec { iov_base: payload.as_mut_ptr().cast(), iov_len: payload.len() };
    let mut control = Control([0; 64]);
    // SAFETY: every pointer in the message is to a live local; the kernel writes within the lengths given; a descriptor
    // received is the caller's.
    unsafe {
        let mut message: libc::msghdr = std::mem::zeroed();
        message.msg_iov = &raw mut vector;
        message.msg_iovlen = 1;
        message.msg_control = (&raw mut control).cast();
        message.msg_controllen = libc::CMSG_SPACE(size_of::<libc::c_int>() as u32) as _;
        let length =
            retry(|| check_long(libc::recvmsg(socket.as_raw_fd(), &raw mut message, libc::MSG_CMSG_CLOEXEC) as i64))?;
        let header = libc::CMSG_FIRSTHDR(&raw const message);
        if header.is_null() || (*header).cmsg_level != libc::SOL_SOCKET || (*header).cmsg_type != libc::SCM_RIGHTS {
            return Err(Errno(libc::ENOMSG));
        }
        let fd = libc::CMSG_DATA(header).cast::<libc::c_int>().read_unaligned();
        Ok((length as usize, OwnedFd::from_raw_fd(fd)))
    }
}
