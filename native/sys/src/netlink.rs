//! rtnetlink, as far as a container without a network needs it.

use crate::errno::{Errno, Result, check, check_long, retry};
use std::os::fd::{AsRawFd, FromRawFd, OwnedFd};

/// The loopback interface is the first of every network namespace.
const LOOPBACK_INDEX: i32 = 1;

#[repr(C)]
#[derive(Default)]
struct LinkRequest {
    // struct nlmsghdr
    length: u32,
    kind: u16,
    flags: u16,
    sequence: u32,
    port: u32,
    // struct ifinfomsg
    family: u8,
    pad: u8,
    device_type: u16,
    index: i32,
    device_flags: u32,
    change: u32,
}

/// Brings `lo` of the caller's network namespace up; the kernel then gives it 127.0.0.1 and ::1.
pub fn bring_loopback_up() -> Result<()> {
    // SAFETY: only integers are passed.
    let fd =
        check(unsafe { libc::socket(libc::AF_NETLINK, libc::SOCK_RAW | libc::SOCK_CLOEXEC, libc::NETLINK_ROUTE) })?;
    // SAFETY: made for the caller just now.
    let socket = unsafe { OwnedFd::from_raw_fd(fd) };
    let request = LinkRequest {
        length: size_of::<LinkRequest>() as u32,
        kind: libc::RTM_NEWLINK,
        flags: (libc::NLM_F_REQUEST | libc::NLM_F_ACK) as u16,
        index: LOOPBACK_INDEX,
        device_flags: libc::IFF_UP as u32,
        change: libc::IFF_UP as u32,
        ..LinkRequest::default()
    };
    let (bytes, size) = ((&raw const request).cast(), size_of::<LinkRequest>());
    // SAFETY: request is plain bytes without padding, alive during the call.
    let sent = unsafe { libc::send(socket.as_raw_fd(), bytes, size, 0) };
    check_long(sent as i64)?;
    let mut answer = [0u8; 1024];
    let length = retry(|| {
        // SAFETY: the pointer and the length describe one live buffer.
        let received = unsafe { libc::recv(socket.as_raw_fd(), answer.as_mut_ptr().cast(), answer.len(), 0) };
        check_long(received as i64)
    })?;
    // NLMSG_ERROR: a header of 16 bytes, then a negative errno or 0.
    if length < 20 {
        return Err(Errno(libc::EBADMSG));
    }
    let code = i32::from_ne_bytes([answer[16], answer[17], answer[18], answer[19]]);
    if code == 0 { Ok(()) } else { Err(Errno(-code)) }
}
