//! The OCI runtime as a library; main.rs is its command line. Follows the OCI runtime specification 1.2.
#![forbid(unsafe_code)]

mod cgroup;
mod channel;
pub mod cli;
mod clock;
mod create;
mod error;
mod hooks;
mod init;
mod lifecycle;
mod namespaces;
mod process;
mod rootfs;
mod seccomp;
mod spec;
mod state;
