use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use gantry_rootfs::LowerPlan;
use gantry_runtime::error::{At, Failure, Result};
use serde::Deserialize;

/// `shim.json`; its twin is src/runtime/shim-process.ts. Paths are absolute.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Config {
    pub id: String,
    pub name: String,
    /// The store's root.
    pub root: PathBuf,
    pub bundle: PathBuf,
    pub runtime: Runtime,
    pub rootfs: RootfsPlan,
    pub terminal: bool,
    pub open_stdin: bool,
    pub stdin_once: bool,
    pub log: PathBuf,
    pub auto_remove: bool,
    /// What its events say of the container.
    #[serde(default)]
    pub event_attributes: BTreeMap<String, String>,
    pub console_size: Option<ConsoleSize>,
}

#[derive(Deserialize)]
pub struct Runtime {
    pub path: PathBuf,
    /// Global flags before the verb.
    #[serde(default)]
    pub args: Vec<String>,
}

/// Its twin is src/snapshot/snapshotter.ts.
#[derive(Deserialize)]
pub struct RootfsPlan {
    pub lower: LowerPlan,
    pub upper: PathBuf,
    pub work: PathBuf,
    pub target: PathBuf,
}

#[derive(Clone, Copy, Deserialize)]
pub struct ConsoleSize {
    pub width: u16,
    pub height: u16,
}

impl Config {
    pub fn load(directory: &Path) -> Result<Self> {
        let path = directory.join("shim.json");
        let bytes = std::fs::read(&path).at("read shim.json", &path)?;
        serde_json::from_slice(&bytes)
            .map_err(|error| Failure::refusal("read shim.json", format!("{}: {error}", path.display())))
    }
}
