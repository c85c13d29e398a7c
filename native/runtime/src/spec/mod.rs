//! `config.json`: the OCI runtime specification 1.2, as far as this runtime acts on it. Unknown members are ignored, as the
//! specification asks.

mod linux;
mod process;
mod resources;
mod seccomp;

use std::collections::BTreeMap;
use std::path::Path;

use serde::Deserialize;

pub use linux::{Device, IdMapping, Linux};
pub use process::{Capabilities, Process, Rlimit, User};
pub use resources::{BlockIo, Cpu, DeviceRule, Memory, Resources};
pub use seccomp::{Seccomp, SyscallArgument};

use crate::error::{At, Failure, Result};

/// The version whose meaning is implemented; it is what `state` reports.
pub const OCI_VERSION: &str = "1.2.0";

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Spec {
    #[serde(default)]
    pub oci_version: String,
    pub process: Option<Process>,
    pub root: Option<Root>,
    #[serde(default)]
    pub hostname: String,
    #[serde(default)]
    pub domainname: String,
    #[serde(default)]
    pub mounts: Vec<Mount>,
    #[serde(default)]
    pub hooks: Hooks,
    #[serde(default)]
    pub annotations: BTreeMap<String, String>,
    #[serde(default)]
    pub linux: Linux,
}

#[derive(Debug, Deserialize)]
pub struct Root {
    /// Absolute, or relative to the bundle.
    pub path: String,
    #[serde(default)]
    pub readonly: bool,
}

#[derive(Debug, Deserialize)]
pub struct Mount {
    pub destination: String,
    #[serde(default, rename = "type")]
    pub kind: String,
    #[serde(default)]
    pub source: String,
    #[serde(default)]
    pub options: Vec<String>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct Hooks {
    pub prestart: Vec<Hook>,
    pub create_runtime: Vec<Hook>,
    pub create_container: Vec<Hook>,
    pub start_container: Vec<Hook>,
    pub poststart: Vec<Hook>,
    pub poststop: Vec<Hook>,
}

#[derive(Debug, Clone, Deserialize)]
pub struct Hook {
    pub path: String,
    #[serde(default)]
    pub args: Vec<String>,
    #[serde(default)]
    pub env: Vec<String>,
    /// Seconds.
    pub timeout: Option<i64>,
}

/// Reads and checks a bundle's `config.json`.
pub fn load(bundle: &Path) -> Result<Spec> {
    let path = bundle.join("config.json");
    let bytes = std::fs::read(&path).at("read config", &path)?;
    let spec: Spec = serde_json::from_slice(&bytes).map_err(|error| {
        Failure::refusal("parse config", format!("{} is not a valid OCI configuration: {error}", path.display()))
    })?;
    check(&spec)?;
    Ok(spec)
}

fn check(spec: &Spec) -> Result<()> {
    let refuse = |message: &str| Err(Failure::refusal("check config", message));
    if !spec.oci_version.starts_with("1.") {
        return refuse(&format!("ociVersion {:?} is not supported: 1.x is", spec.oci_version));
    }
    if spec.root.as_ref().is_none_or(|root| root.path.is_empty()) {
        return refuse("root.path is missing");
    }
    if let Some(process) = &spec.process {
        if !process.cwd.starts_with('/') {
            return refuse("process.cwd must be an absolute path");
        }
        if process.args.is_empty() {
            return refuse("process.args must not be empty");
        }
        if !process.selinux_label.is_empty() {
            return refuse("process.selinuxLabel is set, but SELinux is not supported");
        }
    }
    if !spec.linux.mount_label.is_empty() {
        return refuse("linux.mountLabel is set, but SELinux is not supported");
    }
    if spec.linux.intel_rdt.is_some() {
        return refuse("linux.intelRdt is not supported");
    }
    let has = |kind: &str| spec.linux.namespaces.iter().any(|namespace| namespace.kind == kind);
    if !spec.hostname.is_empty() && !has("uts") {
        return refuse("hostname is set without a uts namespace: the host's would change");
    }
    if !has("mount") {
        return refuse("a mount namespace is required");
    }
    Ok(())
}
