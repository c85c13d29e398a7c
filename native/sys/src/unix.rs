//! Unix stream sockets whose path may be longer than an address holds.

use std::ffi::{CStr, CString, OsStr};
use std::os::fd::{AsFd, AsRawFd, FromRawFd, OwnedFd};
use std::os::unix::ffi::OsStrExt;
use std::path::Path;

use crate::errno::{Errno, Result, check};
use crate::fs;

/// sun_path, without its NUL.
const LONGEST_PATH_BYTES: usize = 107;

/// Two connected stream sockets, both close-on-exec.
pub fn socket_pair() -> Result<(OwnedFd, OwnedFd)> {
    let mut fds = [-1; 2];
    // SAFETY: the kernel writes two descriptors into the array.
    check(unsafe { libc::socketpair(libc::AF_UNIX, libc::SOCK_STREAM | libc::SOCK_CLOEXEC, 0, fds.as_mut_ptr()) })?;
    // SAFETY: the kernel has just made both descriptors for the caller; nothing else knows them.
    Ok(unsafe { (OwnedFd::from_raw_fd(fds[0]), OwnedFd::from_raw_fd(fds[1])) })
}

/// Connects to the stream socket at `path`.
pub fn connect_stream(path: &CStr) -> Result<OwnedFd> {
    with_address(path, |address, length| {
        let socket = stream_socket()?;
        // SAFETY: address is a sockaddr_un of which length bytes are meant, borrowed during the call.
        check(unsafe { libc::connect(socket.as_raw_fd(), ptr_of(address), length) })?;
        Ok(socket)
    })
}

/// A socket listening at `path`, which must not exist. Its mode is 0777 less the umask.
pub fn listen_stream(path: &CStr, backlog: i32) -> Result<OwnedFd> {
    with_address(path, |address, length| {
        let socket = stream_socket()?;
        // SAFETY: address is a sockaddr_un of which length bytes are meant, borrowed during the call.
        check(unsafe { libc::bind(socket.as_raw_fd(), ptr_of(address), length) })?;
        // SAFETY: only integers are passed.
        check(unsafe { libc::listen(socket.as_raw_fd(), backlog) })?;
        Ok(socket)
    })
}

fn stream_socket() -> Result<OwnedFd> {
    // SAFETY: only integers are passed.
    let fd = check(unsafe { libc::socket(libc::AF_UNIX, libc::SOCK_STREAM | libc::SOCK_CLOEXEC, 0) })?;
    // SAFETY: the kernel has just made this descriptor for the caller; nothing else knows it.
    Ok(unsafe { OwnedFd::from_raw_fd(fd) })
}

fn ptr_of(address: &libc::sockaddr_un) -> *const libc::sockaddr {
    std::ptr::from_ref(address).cast()
}

/// Calls `operation` with the address of `path`. A path that does not fit is shortened through /proc/self/fd and a
/// descriptor of its directory, which stays open during the call.
fn with_address<T>(path: &CStr, operation: impl FnOnce(&libc::sockaddr_un, libc::socklen_t) -> Result<T>) -> Result<T> {
    let bytes = path.to_bytes();
    if bytes.len() <= LONGEST_PATH_BYTES {
        let (address, length) = address_of(bytes);
        return operation(&address, length);
    }
    let path = Path::new(OsStr::from_bytes(bytes));
    let (Some(parent), Some(name)) = (path.parent(), path.file_name()) else {
        return Err(Errno(libc::ENAMETOOLONG));
    };
    let parent: CString = fs::c_path(parent.as_os_str().as_bytes())?;
    let directory = fs::open(&parent, libc::O_PATH | libc::O_DIRECTORY, 0)?;
    let short = [fs::descriptor_path(directory.as_fd()).as_bytes(), b"/", name.as_bytes()].concat();
    if short.len() > LONGEST_PATH_BYTES {
        return Err(Errno(libc::ENAMETOOLONG));
    }
    let (address, length) = address_of(&short);
    operation(&address, length)
}

/// `path` has at most [`LONGEST_PATH_BYTES`] bytes.
fn address_of(path: &[u8]) -> (libc::sockaddr_un, libc::socklen_t) {
    let mut address = libc::sockaddr_un { sun_family: libc::AF_UNIX as libc::sa_family_t, sun_path: [0; 108] };
    for (target, byte) in address.sun_path.iter_mut().zip(path) {
        *target = *byte as libc::c_char;
    }
    let length = std::mem::offset_of!(libc::sockaddr_un, sun_path) + path.len() + 1;
    (address, length as libc::socklen_t)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_path_longer_than_an_address_listens_and_connects() {
        let base = std::env::temp_dir().join(format!("gantry-sys-socket-{}", std::process::id()));
        let directory = base.join("d".repeat(100)).join("e".repeat(100));
        std::fs::create_dir_all(&directory).unwrap();
        let path = fs::c_path(directory.join("attach.sock").as_os_str().as_bytes()).unwrap();
        let _listener = listen_stream(&path, 8).unwrap();
        assert!(connect_stream(&path).is_ok());
        std::fs::remove_dir_all(&base).unwrap();
    }
}
