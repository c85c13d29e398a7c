use std::fs::File;
use std::io::Write;

use gantry_runtime::error::{At, Result};
use serde::{Deserialize, Serialize};

/// `status.json`; its reader is src/runtime/container-status.ts. Times are RFC 3339 with nanoseconds, UTC.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Status {
    pub status: &'static str,
    pub pid: i32,
    #[serde(skip_serializing_if = "String::is_empty")]
    pub started_at: String,
    #[serde(skip_serializing_if = "String::is_empty")]
    pub finished_at: String,
    pub exit_code: i32,
    pub oom_killed: bool,
    pub error: String,
}

impl Status {
    pub fn running(pid: i32, started_at: String) -> Self {
        let (finished_at, error) = (String::new(), String::new());
        Status { status: "running", pid, started_at, finished_at, exit_code: 0, oom_killed: false, error }
    }

    /// Whether `status.json` of the working directory says so; true only while the container's shim lives.
    pub fn is_running() -> bool {
        #[derive(Deserialize)]
        struct Known {
            status: String,
        }
        let text = std::fs::read("status.json").unwrap_or_default();
        serde_json::from_slice(&text).is_ok_and(|known: Known| known.status == "running")
    }

    /// Replaces `status.json` of the working directory. `durable`: it also survives a power failure.
    pub fn write(&self, durable: bool) -> Result<()> {
        let (path, new) = ("status.json", "status.json.new");
        let text = serde_json::to_vec(self).unwrap_or_default();
        let mut file = File::create(new).at("write status", new)?;
        file.write_all(&text).at("write status", new)?;
        if durable {
            file.sync_all().at("fsync", new)?;
        }
        std::fs::rename(new, path).at("rename", path)?;
        if durable {
            File::open(".").and_then(|directory| directory.sync_all()).at("fsync", ".")?;
        }
        Ok(())
    }
}
