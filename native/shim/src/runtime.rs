//! Calling an OCI runtime: any that has runc's command line.

use std::ffi::OsStr;
use std::fs;
use std::os::unix::process::ExitStatusExt;
use std::path::Path;
use std::process::{Command, Stdio};

use gantry_runtime::error::{At, Failure, Result};
use serde::Deserialize;

use crate::config::Config;

/// In the container's directory, which is the working directory.
const LOG: &str = "runtime.log";
const PID_FILE: &str = "pid";
pub const CONSOLE_SOCKET: &str = "console.sock";
const STATE: &str = "runtime";

/// A line of the runtime's log; gantry-runtime gives step, errno and path besides.
#[derive(Deserialize)]
struct LogEntry {
    #[serde(default)]
    level: String,
    #[serde(default)]
    msg: String,
    #[serde(default)]
    step: String,
    #[serde(default)]
    errno: i32,
    #[serde(default)]
    path: String,
}

/// The runtime's view of one container. Its state directory is in the container's own, so that nothing is left elsewhere,
/// unless shim.json gives another by `--root`.
pub struct Runtime<'a> {
    config: &'a Config,
}

/// The container's stdio, for `create`, whose own it becomes.
pub struct Stdio3 {
    pub stdin: Stdio,
    pub stdout: Stdio,
    pub stderr: Stdio,
}

impl<'a> Runtime<'a> {
    pub fn new(config: &'a Config) -> Self {
        Runtime { config }
    }

    /// Makes the container; its first process waits. Returns its pid.
    pub fn create(&self, stdio: Stdio3) -> Result<i32> {
        // A shim that was killed may have left its own.
        let _ = fs::remove_dir_all(STATE);
        let _ = fs::remove_file(PID_FILE);
        let bundle = self.config.bundle.as_os_str();
        let mut arguments = vec![OsStr::new("--bundle"), bundle, OsStr::new("--pid-file"), OsStr::new(PID_FILE)];
        if self.config.terminal {
            arguments.extend([OsStr::new("--console-socket"), OsStr::new(CONSOLE_SOCKET)]);
        }
        self.call("create", &arguments, stdio)?;
        let text = fs::read_to_string(PID_FILE).at("read pid file", PID_FILE)?;
        let _ = fs::remove_file(PID_FILE);
        text.trim().parse().map_err(|_| Failure::refusal("read pid file", format!("{text:?} is not a process id")))
    }

    pub fn start(&self) -> Result<()> {
        self.call("start", &[], silent())
    }

    /// Takes down what is left, and kills what still runs.
    pub fn delete(&self) -> Result<()> {
        let result = self.call("delete", &[OsStr::new("--force")], silent());
        let _ = fs::remove_dir_all(STATE);
        result
    }

    fn call(&self, verb: &str, arguments: &[&OsStr], stdio: Stdio3) -> Result<()> {
        let _ = fs::remove_file(LOG);
        let runtime = &self.config.runtime;
        let mut command = Command::new(&runtime.path);
        command.args(&runtime.args);
        if !runtime.args.iter().any(|argument| argument == "--root" || argument.starts_with("--root=")) {
            command.args(["--root", STATE]);
        }
        command.args(["--log", LOG, "--log-format", "json", verb]).args(arguments).arg(&self.config.id);
        command.stdin(stdio.stdin).stdout(stdio.stdout).stderr(stdio.stderr);
        let status = command.status().at("run OCI runtime", &runtime.path)?;
        if status.success() {
            let _ = fs::remove_file(LOG);
            return Ok(());
        }
        Err(last_error(Path::new(LOG)).unwrap_or_else(|| {
            let how = match status.signal() {
                Some(signal) => format!("was killed by signal {signal}"),
                None => format!("ended with status {}", status.code().unwrap_or(-1)),
            };
            Failure::refusal(&format!("runtime {verb}"), format!("{} {verb} {how}", runtime.path.display()))
        }))
    }
}

fn silent() -> Stdio3 {
    Stdio3 { stdin: Stdio::null(), stdout: Stdio::null(), stderr: Stdio::null() }
}

fn last_error(log: &Path) -> Option<Failure> {
    let text = fs::read_to_string(log).ok()?;
    let mut entries = text.lines().filter_map(|line| serde_json::from_str::<LogEntry>(line).ok());
    let entry = entries.rfind(|entry| entry.level == "error" || entry.level == "fatal")?;
    Some(Failure { step: entry.step, errno: entry.errno, path: entry.path, message: entry.msg })
}
