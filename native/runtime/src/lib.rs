//! The OCI runtime as a library; main.rs is its command line. Follows the OCI runtime specification 1.2.
#![forbid(unsafe_code)]

pub mod cgroup;
mod channel;
pub mod cli;
pub mod clock;
mod create;
pub mod error;
mod hooks;
mod init;
mod lifecycle;
mod namespaces;
mod process;
mod rootfs;
mod seccomp;
mod spec;
mod state;
