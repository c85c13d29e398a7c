//! `list`: the containers of a state directory.

use std::path::Path;

use gantry_sys::{Errno, libc};
use serde_json::Value;

use crate::error::{At, Result};
use crate::state::StateDirectory;

/// Every container as `state` shows it, by id. One that is being made or removed meanwhile is passed over.
pub fn list(root: &Path) -> Result<Vec<Value>> {
    let entries = match std::fs::read_dir(root).map_err(Errno::from) {
        Err(Errno(libc::ENOENT)) => return Ok(Vec::new()),
        other => other.at("read state directory", root)?,
    };
    let mut ids: Vec<String> = entries.flatten().filter_map(|entry| entry.file_name().into_string().ok()).collect();
    ids.sort();
    Ok(ids
        .iter()
        .filter_map(|id| {
            let directory = StateDirectory::of(root, id).ok()?;
            let record = directory.read().ok()?;
            serde_json::to_value(record.oci(directory.status(&record))).ok()
        })
        .collect())
}

/// The table of `list`.
pub fn table(containers: &[Value]) -> String {
    let text = |value: &Value| value.as_str().map_or_else(|| value.to_string(), str::to_owned);
    let mut lines = vec![format!("{:<36} {:<10} {:<12} {:<32} BUNDLE", "ID", "PID", "STATUS", "CREATED")];
    for container in containers {
        let column = |name: &str| text(&container[name]);
        lines.push(format!(
            "{:<36} {:<10} {:<12} {:<32} {}",
            column("id"),
            column("pid"),
            column("status"),
            column("created"),
            column("bundle")
        ));
    }
    lines.join("\n")
}
