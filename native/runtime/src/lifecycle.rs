//! What happens to a container once it is created.

use std::fs::{self, OpenOptions};
use std::io::Read;
use std::os::fd::AsFd;
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;

use gantry_sys::errno::StepContext;
use gantry_sys::poll::{PollEntry, poll};
use gantry_sys::{Errno, libc, process};

use crate::cgroup::Cgroups;
use crate::error::{At, Failure, Result};
use crate::hooks::run_hooks;
use crate::spec;
use crate::state::{self, Record, StateDirectory, Status};

fn wrong_state(action: &str, id: &str, status: Status) -> Failure {
    Failure::refusal(action, format!("cannot {action} container {id:?}: it is {}", status.word()))
}

/// Lets the first process become its program. On return the program runs, or the error says why it could not be executed.
pub fn start(root: &Path, id: &str) -> Result<()> {
    let directory = StateDirectory::of(root, id)?;
    let record = directory.read()?;
    let status = directory.status(&record);
    if status != Status::Created {
        return Err(wrong_state("start", id, status));
    }
    let path = directory.fifo();
    // Non-blocking: opening succeeds at once, and that is what lets the other side's open return.
    let mut fifo = OpenOptions::new().read(true).custom_flags(libc::O_NONBLOCK).open(&path).at("open", &path)?;
    let pidfd = process::pidfd_open(record.pid).step("pidfd_open", "")?;
    let mut said = Vec::new();
    // The end of the stream is the exec, or the end of the process.
    loop {
        let mut entries =
            [PollEntry::new(Some(fifo.as_fd()), true, false), PollEntry::new(Some(pidfd.as_fd()), true, false)];
        poll(&mut entries, None).step("poll", id)?;
        let mut buffer = [0u8; 1024];
        match fifo.read(&mut buffer).map_err(Errno::from) {
            Ok(0) if !said.is_empty() || entries[1].readable() => break,
            // Readable without a byte: nobody has it open for writing yet.
            Ok(0) => std::thread::yield_now(),
            Ok(length) => said.extend_from_slice(&buffer[..length]),
            Err(Errno(libc::EAGAIN)) => {}
            Err(error) => return Err(error).at("read", &path),
        }
    }
    let _ = fs::remove_file(&path);
    if said.is_empty() {
        return Err(Failure::refusal("start", format!("container {id:?} ended before it was started")));
    }
    if let Ok(failure) = serde_json::from_slice::<Failure>(&said[1..]) {
        return Err(failure);
    }
    if let Ok(spec) = spec::load(&record.bundle) {
        run_hooks("poststart", &spec.hooks.poststart, &record.oci_json(Status::Running))?;
    }
    Ok(())
}

/// Signals the first process, or with `all` every process of the container.
pub fn kill(root: &Path, id: &str, signal: i32, all: bool) -> Result<()> {
    let directory = StateDirectory::of(root, id)?;
    let record = directory.read()?;
    let status = directory.status(&record);
    if all {
        for pid in Cgroups::from_recorded(&record.cgroups).processes() {
            let _ = process::kill(pid, signal);
        }
        return Ok(());
    }
    if !matches!(status, Status::Created | Status::Running | Status::Paused) {
        // The words that Docker and containerd look for.
        return Err(Failure::refusal("kill", "container not running"));
    }
    match state::signal(&record, signal) {
        Err(Errno(libc::ESRCH)) => Err(Failure::refusal("kill", "container not running")),
        other => Ok(other.step("kill", id)?),
    }
}

/// Removes what is left of a stopped container; with `force` it is killed first, and need not exist.
pub fn delete(root: &Path, id: &str, force: bool) -> Result<()> {
    let directory = StateDirectory::of(root, id)?;
    let record = match directory.read() {
        Err(failure) if force && failure.errno == libc::ENOENT => return directory.remove(),
        other => other?,
    };
    match directory.status(&record) {
        Status::Stopped => {}
        Status::Created => kill_and_wait(&record)?,
        _ if force => kill_and_wait(&record)?,
        status => return Err(wrong_state("delete", id, status)),
    }
    Cgroups::from_recorded(&record.cgroups).remove()?;
    if let Ok(spec) = spec::load(&record.bundle)
        && let Err(failure) = run_hooks("poststop", &spec.hooks.poststop, &record.oci_json(Status::Stopped))
    {
        // The container is gone whatever the hook says.
        eprintln!("gantry-runtime: {failure}");
    }
    directory.remove()
}

fn kill_and_wait(record: &Record) -> Result<()> {
    const LIMIT_MS: i32 = 10_000;
    let Ok(pidfd) = process::pidfd_open(record.pid) else { return Ok(()) };
    match state::signal(record, libc::SIGKILL) {
        Err(Errno(libc::ESRCH)) => return Ok(()),
        other => other.step("kill", &record.id)?,
    }
    let mut entries = [PollEntry::new(Some(pidfd.as_fd()), true, false)];
    if poll(&mut entries, Some(LIMIT_MS)).step("poll", &record.id)? == 0 {
        return Err(Failure::refusal("kill", format!("container {:?} does not end after SIGKILL", record.id)));
    }
    Ok(())
}
