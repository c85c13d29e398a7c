//! What happens to the container, told in the store's event log; the other writer is src/store/event-log.ts.

use std::collections::BTreeMap;
use std::fs::OpenOptions;
use std::io::Write;
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};
use std::time::{SystemTime, UNIX_EPOCH};

use serde::Serialize;

use crate::config::Config;

#[derive(Serialize)]
struct Event<'a> {
    status: &'a str,
    id: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    from: Option<&'a String>,
    #[serde(rename = "Type")]
    kind: &'static str,
    #[serde(rename = "Action")]
    action: &'a str,
    #[serde(rename = "Actor")]
    actor: Actor<'a>,
    scope: &'static str,
    time: u64,
    #[serde(rename = "timeNano")]
    time_nano: u128,
}

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
struct Actor<'a> {
    #[serde(rename = "ID")]
    id: &'a str,
    attributes: BTreeMap<&'a str, &'a str>,
}

/// Appends an event of the container. A container does not fail because it could not be told.
pub fn record(config: &Config, action: &str, more: &[(&str, &str)]) {
    let known = config.event_attributes.iter().map(|(name, value)| (name.as_str(), value.as_str()));
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    let event = Event {
        status: action,
        id: &config.id,
        from: config.event_attributes.get("image"),
        kind: "container",
        action,
        actor: Actor { id: &config.id, attributes: known.chain(more.iter().copied()).collect() },
        scope: "local",
        time: now.as_secs(),
        time_nano: now.as_nanos(),
    };
    let Ok(mut line) = serde_json::to_vec(&event) else { return };
    line.push(b'\n');
    let Some(path) = current_file(&config.root.join("events")) else { return };
    // One write: lines of several writers do not mix.
    let _ = OpenOptions::new().append(true).create(true).mode(0o600).open(path).and_then(|mut file| file.write(&line));
}

/// The file with the highest number, which the command that started the container has made at the latest.
fn current_file(directory: &Path) -> Option<PathBuf> {
    let entries = std::fs::read_dir(directory).ok()?;
    entries.flatten().map(|entry| entry.path()).filter(|path| path.extension().is_some_and(|e| e == "jsonl")).max()
}
