//! Programs that the configuration wants run at points of the life cycle.

use std::io::Write;
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use gantry_sys::errno::StepContext;
use gantry_sys::poll::{PollEntry, poll};
use gantry_sys::{Errno, process};
use std::os::fd::AsFd;

use crate::error::{Failure, Result};
use crate::spec::Hook;

/// Runs hooks in order, each with the container's state as JSON on stdin; the first that fails ends it.
///
/// # Errors
/// A hook that cannot be started, ends with another status than 0, or runs longer than its timeout (it is killed).
pub fn run_hooks(point: &'static str, hooks: &[Hook], state: &str) -> Result<()> {
    for hook in hooks {
        run(point, hook, state).map_err(|failure| failure.during(format!("{point} hook {:?}", hook.path)))?;
    }
    Ok(())
}

fn run(point: &'static str, hook: &Hook, state: &str) -> Result<()> {
    if !hook.path.starts_with('/') {
        return Err(Failure::refusal(point, "the path of a hook must be absolute"));
    }
    let mut command = Command::new(&hook.path);
    if let Some((first, rest)) = hook.args.split_first() {
        std::os::unix::process::CommandExt::arg0(&mut command, first);
        command.args(rest);
    }
    command.env_clear();
    for entry in &hook.env {
        if let Some((name, value)) = entry.split_once('=') {
            command.env(name, value);
        }
    }
    command.stdin(Stdio::piped()).stdout(Stdio::null()).stderr(Stdio::piped());
    let mut child = command.spawn().map_err(Errno::from).step(point, &hook.path)?;
    if let Some(mut stdin) = child.stdin.take() {
        // A hook need not read it: EPIPE is no failure.
        let _ = stdin.write_all(state.as_bytes());
    }
    if let Some(seconds) = hook.timeout {
        let limit = Duration::from_secs(seconds.max(0) as u64);
        if !ends_within(child.id() as i32, limit).step(point, &hook.path)? {
            let _ = child.kill();
            let _ = child.wait();
            return Err(Failure::refusal(point, format!("still running after {seconds} s, killed")));
        }
    }
    let output = child
        .wait_with_output()
        .map_err(Errno::from)
        .step(point, Path::new(&hook.path).as_os_str().as_encoded_bytes())?;
    if output.status.success() {
        return Ok(());
    }
    let said = String::from_utf8_lossy(&output.stderr);
    Err(Failure::refusal(point, format!("{}: {}", output.status, said.trim())))
}

fn ends_within(pid: i32, limit: Duration) -> std::result::Result<bool, Errno> {
    let pidfd = process::pidfd_open(pid)?;
    let deadline = Instant::now() + limit;
    loop {
        let left = deadline.saturating_duration_since(Instant::now());
        let mut entries = [PollEntry::new(Some(pidfd.as_fd()), true, false)];
        if poll(&mut entries, Some(left.as_millis().min(i32::MAX as u128) as i32))? > 0 {
            return Ok(true);
        }
        if left.is_zero() {
            return Ok(false);
        }
    }
}
