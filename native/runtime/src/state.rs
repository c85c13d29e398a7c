//! The record that a container's life is kept in between commands: `<root>/<id>/state.json`.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use gantry_sys::{Errno, libc, process};
use serde::{Deserialize, Serialize};

use crate::error::{At, Failure, Result};
use crate::spec::OCI_VERSION;

const RECORD: &str = "state.json";
/// What the first process of a created container waits at.
const FIFO: &str = "exec.fifo";

#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Record {
    pub id: String,
    pub pid: i32,
    /// Clock ticks since boot: tells the process from a later one with the same pid.
    pub pid_started: u64,
    pub bundle: PathBuf,
    pub rootfs: PathBuf,
    /// RFC 3339.
    pub created: String,
    pub annotations: BTreeMap<String, String>,
    /// The container's directories in the cgroup hierarchies.
    pub cgroups: Vec<PathBuf>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Status {
    Creating,
    Created,
    Running,
    Paused,
    Stopped,
}

impl Status {
    pub fn word(self) -> &'static str {
        match self {
            Status::Creating => "creating",
            Status::Created => "created",
            Status::Running => "running",
            Status::Paused => "paused",
            Status::Stopped => "stopped",
        }
    }
}

/// What `state` prints and hooks read (runtime.md, "State").
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub struct OciState<'a> {
    oci_version: &'static str,
    id: &'a str,
    pid: i32,
    status: &'static str,
    bundle: &'a Path,
    rootfs: &'a Path,
    created: &'a str,
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    annotations: &'a BTreeMap<String, String>,
}

impl Record {
    pub fn oci(&self, status: Status) -> OciState<'_> {
        OciState {
            oci_version: OCI_VERSION,
            id: &self.id,
            pid: if status == Status::Stopped { 0 } else { self.pid },
            status: status.word(),
            bundle: &self.bundle,
            rootfs: &self.rootfs,
            created: &self.created,
            annotations: &self.annotations,
        }
    }

    pub fn oci_json(&self, status: Status) -> String {
        serde_json::to_string(&self.oci(status)).unwrap_or_default()
    }
}

/// One container's directory in the state directory.
pub struct StateDirectory {
    path: PathBuf,
    id: String,
}

impl StateDirectory {
    /// # Errors
    /// An id that is empty, longer than 1024 bytes or contains other characters than letters, digits and `_+-.`, or is
    /// `.` or `..`.
    pub fn of(root: &Path, id: &str) -> Result<Self> {
        let allowed = |c: char| c.is_ascii_alphanumeric() || "_+-.".contains(c);
        if id.is_empty() || id.len() > 1024 || !id.chars().all(allowed) || id == "." || id == ".." {
            return Err(Failure::refusal("check id", format!("invalid container ID format: {id:?}")));
        }
        Ok(StateDirectory { path: root.join(id), id: id.to_owned() })
    }

    pub fn fifo(&self) -> PathBuf {
        self.path.join(FIFO)
    }

    /// Claims the id.
    pub fn create(&self) -> Result<()> {
        use std::os::unix::fs::DirBuilderExt;
        if let Some(parent) = self.path.parent() {
            fs::DirBuilder::new().recursive(true).mode(0o711).create(parent).at("make state directory", parent)?;
        }
        match fs::DirBuilder::new().mode(0o711).create(&self.path).map_err(Errno::from) {
            Err(Errno(libc::EEXIST)) => {
                let message = format!("container with given ID already exists: {}", self.id);
                Err(Failure { errno: libc::EEXIST, ..Failure::refusal("make state directory", message) })
            }
            other => other.at("make state directory", &self.path),
        }
    }

    pub fn write(&self, record: &Record) -> Result<()> {
        let file = self.path.join(RECORD);
        let new = self.path.join("state.json.new");
        let json = serde_json::to_vec(record).map_err(|error| Failure::refusal("write state", error.to_string()))?;
        fs::write(&new, json).at("write state", &new)?;
        fs::rename(&new, &file).at("rename", &file)
    }

    pub fn read(&self) -> Result<Record> {
        let file = self.path.join(RECORD);
        let bytes = match fs::read(&file).map_err(Errno::from) {
            Err(Errno(libc::ENOENT)) => {
                let message = format!("container {:?} does not exist", self.id);
                return Err(Failure { errno: libc::ENOENT, ..Failure::refusal("read state", message) });
            }
            other => other.at("read state", &file)?,
        };
        serde_json::from_slice(&bytes)
            .map_err(|error| Failure::refusal("read state", format!("{} is damaged: {error}", file.display())))
    }

    pub fn status(&self, record: &Record) -> Status {
        if process_start_time(record.pid) != Some(record.pid_started) {
            Status::Stopped
        } else if self.fifo().exists() {
            Status::Created
        } else if is_frozen(record) {
            Status::Paused
        } else {
            Status::Running
        }
    }

    pub fn remove(&self) -> Result<()> {
        match fs::remove_dir_all(&self.path).map_err(Errno::from) {
            Err(Errno(libc::ENOENT)) => Ok(()),
            other => other.at("remove state directory", &self.path),
        }
    }
}

fn is_frozen(record: &Record) -> bool {
    record.cgroups.iter().any(|group| {
        fs::read_to_string(group.join("freezer.state")).is_ok_and(|state| state.trim() != "THAWED")
            || fs::read_to_string(group.join("cgroup.freeze")).is_ok_and(|state| state.trim() == "1")
    })
}

/// When a process started, in clock ticks since boot; `None` if it has ended (a zombie has).
pub fn process_start_time(pid: i32) -> Option<u64> {
    let stat = fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
    // The name is in parentheses and may contain anything.
    let mut fields = stat.rsplit_once(')')?.1.split_whitespace();
    let state = fields.next()?;
    if matches!(state, "Z" | "X" | "x") {
        return None;
    }
    fields.nth(18)?.parse().ok()
}

/// Sends a signal to a record's process, unless it has ended and the number is another's.
pub fn signal(record: &Record, number: i32) -> std::result::Result<(), Errno> {
    use std::os::fd::AsFd;
    let pidfd = process::pidfd_open(record.pid)?;
    if process_start_time(record.pid) != Some(record.pid_started) {
        return Err(Errno(libc::ESRCH));
    }
    process::pidfd_send_signal(pidfd.as_fd(), number)
}
