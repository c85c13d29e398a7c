//! `run`: create, start, wait, delete in one command.

use std::os::fd::AsFd;

use gantry_sys::errno::StepContext;
use gantry_sys::poll::{PollEntry, poll};
use gantry_sys::{libc, process, signal};

use crate::create::{CreateOptions, create};
use crate::error::Result;
use crate::lifecycle;

/// What is handed on to the container's first process while `run` waits.
const FORWARDED: [i32; 8] = [
    libc::SIGHUP,
    libc::SIGINT,
    libc::SIGQUIT,
    libc::SIGTERM,
    libc::SIGUSR1,
    libc::SIGUSR2,
    libc::SIGCONT,
    libc::SIGWINCH,
];

/// Runs a container to its end and removes it (unless `keep`); with `detach` returns once it runs. The exit status is the
/// program's, 128 + signal if one killed it.
pub fn run(options: &CreateOptions, detach: bool, keep: bool, warnings: &mut Vec<String>) -> Result<u8> {
    let created = create(options, warnings)?;
    if let Err(failure) = lifecycle::start(&options.root, &options.id) {
        let _ = process::wait(created.record.pid);
        let _ = lifecycle::delete(&options.root, &options.id, true);
        return Err(failure);
    }
    if detach {
        return Ok(0);
    }
    let signals = signal::signal_descriptor(&FORWARDED).step("signalfd", "")?;
    loop {
        let mut entries = [
            PollEntry::new(Some(created.pidfd.as_fd()), true, false),
            PollEntry::new(Some(signals.as_fd()), true, false),
        ];
        poll(&mut entries, None).step("poll", &options.id)?;
        while let Ok(Some(number)) = signal::next_signal(signals.as_fd()) {
            let _ = process::pidfd_send_signal(created.pidfd.as_fd(), number);
        }
        if entries[0].readable() {
            break;
        }
    }
    let exit = process::wait(created.record.pid).step("wait", &options.id)?;
    if !keep {
        lifecycle::delete(&options.root, &options.id, true)?;
    }
    Ok(exit.status() as u8)
}
