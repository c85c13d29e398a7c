//! gantry-shim DIR: the keeper of one container. It mounts the container's files in a mount namespace of its own, has an
//! OCI runtime make and start the container, then stays: parent of the container's first process, keeper of its stdio or
//! terminal, its log, its exit status and the socket of its clients. It ends with the container.
//!
//! Descriptors at start: 3, the ready pipe ([`ready`]); 4, optional, the connection of a foreground client ([`client`]).
#![forbid(unsafe_code)]

mod client;
mod config;
mod container;
mod event;
mod frame;
mod keeper;
mod log;
mod output;
mod ready;
mod removal;
mod rootfs;
mod runtime;
mod status;
mod stdin;

use std::process::ExitCode;

fn main() -> ExitCode {
    let mut arguments = std::env::args_os().skip(1);
    match (arguments.next(), arguments.next()) {
        (Some(directory), None) if directory.to_str() == Some("--version") => {
            println!("gantry-shim version {}", env!("CARGO_PKG_VERSION"));
            ExitCode::SUCCESS
        }
        (Some(directory), None) => container::keep(directory.as_ref()),
        _ => {
            eprintln!("usage: gantry-shim CONTAINER-DIRECTORY");
            ExitCode::FAILURE
        }
    }
}
