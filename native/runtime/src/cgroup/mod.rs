//! Control groups: version 1, hybrid and version 2, found from the mount table.

mod detect;
mod device_filter;
mod device_rules;
mod limits_v1;
mod limits_v2;
mod oom;

use std::fs::{self, File};
use std::io::Write;
use std::path::{Path, PathBuf};
use std::time::Duration;

use gantry_sys::{Errno, libc, process};

pub use detect::Hierarchy;
pub use oom::OomWatch;

use crate::error::{At, Failure, Result};
use crate::spec::Resources;

/// The parent that gantry's containers share: removed with the last of them. Other parents belong to whoever made them.
const OWN_PARENT: &str = "gantry";

/// One container's groups, one in each hierarchy of this machine.
pub struct Cgroups {
    hierarchies: Vec<Hierarchy>,
}

impl Cgroups {
    /// Where the groups of `cgroups_path` are, existing or not. Absolute: below the hierarchy's root; relative: below the
    /// caller's own group; empty: `/<id>`.
    pub fn locate(cgroups_path: &str, id: &str) -> Result<Self> {
        if cgroups_path.matches(':').count() == 2 && !cgroups_path.starts_with('/') {
            let message = format!("cgroupsPath {cgroups_path:?} is for systemd, which is not supported");
            return Err(Failure::refusal("cgroup", message));
        }
        if cgroups_path.split('/').any(|component| component == "..") {
            return Err(Failure::refusal("cgroup", format!("cgroupsPath {cgroups_path:?} contains '..'")));
        }
        let default = format!("/{id}");
        let path = if cgroups_path.is_empty() { &default } else { cgroups_path };
        Ok(Cgroups { hierarchies: detect::hierarchies(path)? })
    }

    /// The groups as a state file recorded them.
    pub fn from_recorded(groups: &[PathBuf]) -> Self {
        let hierarchies = groups
            .iter()
            .map(|group| Hierarchy { controllers: Vec::new(), unified: false, group: group.clone() })
            .collect();
        Cgroups { hierarchies }
    }

    pub fn hierarchies(&self) -> &[Hierarchy] {
        &self.hierarchies
    }

    pub fn groups(&self) -> Vec<PathBuf> {
        self.hierarchies.iter().map(|hierarchy| hierarchy.group.clone()).collect()
    }

    /// Version 2 alone.
    pub fn is_unified(&self) -> bool {
        matches!(self.hierarchies.as_slice(), [only] if only.unified)
    }

    /// Makes the groups and sets their limits. Nothing is in them yet.
    pub fn create(&self, resources: &Resources) -> Result<()> {
        for hierarchy in &self.hierarchies {
            make_group(hierarchy)?;
        }
        if self.is_unified() {
            let group = &self.hierarchies[0].group;
            limits_v2::apply(group, resources)?;
            device_rules::attach_filter(group, &resources.devices)
        } else {
            limits_v1::apply(&self.hierarchies, resources)?;
            device_rules::write_v1(&self.hierarchies, &resources.devices)
        }
    }

    /// The group of the unified hierarchy, for a process to be born in; none where there is no such hierarchy.
    pub fn birthplace(&self) -> Option<File> {
        let unified = self.hierarchies.iter().find(|hierarchy| hierarchy.unified)?;
        File::open(&unified.group).ok()
    }

    /// Moves a process into all groups but, if it was born there, the unified one.
    pub fn add(&self, pid: i32, born: bool) -> Result<()> {
        for hierarchy in self.hierarchies.iter().filter(|hierarchy| !(born && hierarchy.unified)) {
            write_value(&hierarchy.group.join("cgroup.procs"), &pid.to_string())?;
        }
        Ok(())
    }

    /// Moves the calling process, which has one thread, as [`Cgroups::add`] does. A thread that moves itself by a
    /// version 1 `tasks` file needs no lock on all processes of the machine, which takes 5 to 20 ms to get.
    pub fn join(&self, born: bool) -> Result<()> {
        for hierarchy in self.hierarchies.iter().filter(|hierarchy| !(born && hierarchy.unified)) {
            let file = if hierarchy.unified { "cgroup.procs" } else { "tasks" };
            write_value(&hierarchy.group.join(file), "0")?;
        }
        Ok(())
    }

    /// The processes in the groups, and in groups below that the container made.
    pub fn processes(&self) -> Vec<i32> {
        let mut pids = Vec::new();
        for hierarchy in &self.hierarchies {
            collect_processes(&hierarchy.group, &mut pids);
        }
        pids.sort_unstable();
        pids.dedup();
        pids
    }

    /// Removes the groups, with groups below that the container made. What still runs in them is killed.
    pub fn remove(&self) -> Result<()> {
        for hierarchy in &self.hierarchies {
            self.remove_group(&hierarchy.group)?;
            if let Some(parent) = hierarchy.group.parent()
                && parent.file_name().is_some_and(|name| name == OWN_PARENT)
            {
                let _ = fs::remove_dir(parent); // fails while other containers are in it
            }
        }
        Ok(())
    }

    fn remove_group(&self, group: &Path) -> Result<()> {
        // Exiting processes leave a group a moment after they have been reaped.
        const ATTEMPTS: u32 = 100;
        let mut wait = Duration::from_micros(200);
        for attempt in 0..ATTEMPTS {
            match remove_tree(group) {
                Err(Errno(libc::EBUSY)) if attempt + 1 < ATTEMPTS => {}
                other => return other.at("remove cgroup", group),
            }
            for pid in self.processes() {
                let _ = process::kill(pid, libc::SIGKILL);
            }
            std::thread::sleep(wait);
            wait = (wait * 2).min(Duration::from_millis(20));
        }
        Ok(())
    }
}

fn remove_tree(group: &Path) -> std::result::Result<(), Errno> {
    match fs::remove_dir(group).map_err(Errno::from) {
        Ok(()) | Err(Errno(libc::ENOENT)) => return Ok(()),
        Err(Errno(libc::EBUSY)) => {}
        Err(error) => return Err(error),
    }
    for entry in fs::read_dir(group).map_err(Errno::from)?.flatten() {
        if entry.file_type().is_ok_and(|kind| kind.is_dir()) {
            remove_tree(&entry.path())?;
        }
    }
    match fs::remove_dir(group).map_err(Errno::from) {
        Err(Errno(libc::ENOENT)) => Ok(()),
        other => other,
    }
}

fn collect_processes(group: &Path, pids: &mut Vec<i32>) {
    if let Ok(text) = fs::read_to_string(group.join("cgroup.procs")) {
        pids.extend(text.lines().filter_map(|line| line.parse::<i32>().ok()).filter(|pid| *pid > 0));
    }
    let Ok(entries) = fs::read_dir(group) else { return };
    for entry in entries.flatten().filter(|entry| entry.file_type().is_ok_and(|kind| kind.is_dir())) {
        collect_processes(&entry.path(), pids);
    }
}

/// The group with its parents. Another container's clean-up may remove a shared empty parent in between: tried again.
fn make_group(hierarchy: &Hierarchy) -> Result<()> {
    let group = &hierarchy.group;
    for _ in 0..50 {
        match fs::create_dir(group).map_err(Errno::from) {
            Ok(()) => return limits_v1::inherit_cpuset(hierarchy),
            Err(Errno(libc::EEXIST)) => return Ok(()),
            Err(Errno(libc::ENOENT)) => {}
            Err(error) => return Err(error).at("make cgroup", group),
        }
        if let Some(parent) = group.parent() {
            let parent = Hierarchy { group: parent.to_owned(), ..hierarchy.clone() };
            make_group(&parent)?;
            if hierarchy.unified {
                limits_v2::delegate_controllers(&parent.group);
            }
        }
    }
    Err(Errno(libc::ENOENT)).at("make cgroup", group)
}

/// One write(2), as the kernel's files want it.
fn write_value(file: &Path, value: &str) -> Result<()> {
    fs::OpenOptions::new()
        .write(true)
        .open(file)
        .and_then(|mut open| open.write_all(value.as_bytes()))
        .map_err(Errno::from)
        .at("write cgroup", file)
        .map_err(|failure| failure.during(format!("set {value:?}")))
}
