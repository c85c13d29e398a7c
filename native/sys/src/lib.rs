//! Safe wrappers over single system calls. The only crate of gantry that contains `unsafe`.

pub use errno::Errno;
/// For its constants: flags, signals, error numbers.
pub use libc;

pub mod bpf;
pub mod caps;
pub mod copy;
pub mod dir;
pub mod door;
pub mod errno;
pub mod format;
pub mod fs;
pub mod lock;
pub mod loop_device;
pub mod memfd;
pub mod memory;
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
pub mod spawn;
pub mod unix;
pub mod xattr;
