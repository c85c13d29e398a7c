use std::ffi::CString;
use std::fs;

use gantry_sys::errno::StepContext;
use gantry_sys::fs::c_path;

use crate::error::Result;

/// The program's environment: as configured, the last of equal names winning, and HOME from the container's /etc/passwd
/// (`/` without an entry) where it is not set or empty. Call it with the container's root as root.
pub fn environment(configured: &[String], uid: u32) -> Result<Vec<CString>> {
    let name_of = |entry: &str| entry.split('=').next().unwrap_or("").to_owned();
    let mut chosen: Vec<String> = Vec::with_capacity(configured.len() + 1);
    for entry in configured {
        let name = name_of(entry);
        match chosen.iter_mut().find(|other| name_of(other) == name) {
            Some(other) => other.clone_from(entry),
            None => chosen.push(entry.clone()),
        }
    }
    match chosen.iter().position(|entry| entry.starts_with("HOME=")) {
        Some(position) if chosen[position] == "HOME=" => chosen[position] = format!("HOME={}", home_of(uid)),
        Some(_) => {}
        None => chosen.push(format!("HOME={}", home_of(uid))),
    }
    chosen.iter().map(|entry| Ok(c_path(entry.as_bytes()).step("environment", entry)?)).collect()
}

fn home_of(uid: u32) -> String {
    let passwd = fs::read("/etc/passwd").unwrap_or_default();
    let passwd = String::from_utf8_lossy(&passwd);
    let uid = uid.to_string();
    passwd
        .lines()
        .map(|line| line.split(':').collect::<Vec<_>>())
        .find(|fields| fields.len() >= 6 && fields[2] == uid)
        .map(|fields| fields[5].to_owned())
        .filter(|home| !home.is_empty())
        .unwrap_or_else(|| "/".to_owned())
}
