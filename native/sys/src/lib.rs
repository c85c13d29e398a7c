//! Safe wrappers over single system calls. The only crate of gantry that contains `unsafe`.

pub mod caps;
pub mod errno;
pub mod fs;
pub mod memfd;
pub mod mount;
pub mod namespace;
pub mod netlink;
pub mod poll;
pub mod prctl;
pub mod process;
pub mod pty;
pub mod rlimit;
pub mod seccomp;
pub mod signal;
pub mod socket;

pub use errno::Errno;
/// For its constants: flags, signals, error numbers.
pub use libc;
