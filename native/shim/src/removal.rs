//! `--rm`: a container's files go with it.

use std::fs;
use std::os::fd::AsFd;
use std::path::Path;

use gantry_runtime::error::{At, Result};
use gantry_sys::lock::{self, LockMode};

use crate::config::Config;

/// Removes the container's directory (the working directory) and its name. From the moment of the rename it does not
/// exist; what a crash leaves after that is in the store's tmp/, whose leftovers the next command removes.
pub fn remove_container(config: &Config, directory: &Path) -> Result<()> {
    let tmp = config.root.join("tmp");
    let own = tmp.join(format!("rm-{}", config.id));
    fs::create_dir_all(&own).at("make directory", &own)?;
    // Locked while its maker lives: others leave it alone.
    let handle = fs::File::open(&own).at("open", &own)?;
    let _ = lock::try_lock(handle.as_fd(), LockMode::Exclusive);
    let moved = own.join("container");
    fs::rename(directory, &moved).at("rename", directory)?;
    if !config.name.is_empty() {
        let link = config.root.join("container-names").join(&config.name);
        if fs::read_link(&link).is_ok_and(|target| target.file_name().is_some_and(|name| name == config.id.as_str())) {
            let _ = fs::remove_file(&link);
        }
    }
    fs::remove_dir_all(&own).at("remove", &own)
}
