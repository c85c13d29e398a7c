//! Which namespaces a container gets: new ones, or those at given paths.

use std::fs;
use std::os::fd::{AsFd, OwnedFd};

use gantry_sys::errno::StepContext;
use gantry_sys::{libc, namespace};

use crate::error::{At, Failure, Result};
use crate::spec::{IdMapping, Linux};

const CLONE_NEWTIME: i32 = 0x80;

/// Name in the configuration, bit. Joined in this order: the user namespace first, for it gives the right to the others.
const KINDS: [(&str, i32); 8] = [
    ("user", libc::CLONE_NEWUSER),
    ("ipc", libc::CLONE_NEWIPC),
    ("uts", libc::CLONE_NEWUTS),
    ("network", libc::CLONE_NEWNET),
    ("cgroup", libc::CLONE_NEWCGROUP),
    ("time", CLONE_NEWTIME),
    ("pid", libc::CLONE_NEWPID),
    ("mount", libc::CLONE_NEWNS),
];

/// The namespaces of one container.
pub struct Namespaces {
    /// `CLONE_NEW*` bits to make.
    new: i32,
    joined: Vec<(i32, String, OwnedFd)>,
}

impl Namespaces {
    /// Opens the given paths now, while they mean what the caller sees.
    pub fn plan(linux: &Linux) -> Result<Self> {
        let mut plan = Namespaces { new: 0, joined: Vec::new() };
        let mut all = 0;
        for entry in &linux.namespaces {
            let Some((_, bit)) = KINDS.iter().find(|(name, _)| *name == entry.kind) else {
                return Err(Failure::refusal("check config", format!("unknown namespace type {:?}", entry.kind)));
            };
            if all & bit != 0 {
                return Err(Failure::refusal("check config", format!("namespace {:?} is listed twice", entry.kind)));
            }
            all |= bit;
            if entry.path.is_empty() {
                plan.new |= bit;
            } else {
                let file = fs::File::open(&entry.path).at("open namespace", &entry.path)?;
                plan.joined.push((*bit, entry.path.clone(), file.into()));
            }
        }
        plan.joined.sort_by_key(|(bit, _, _)| KINDS.iter().position(|(_, kind)| kind == bit));
        if plan.makes(libc::CLONE_NEWUSER) && (linux.uid_mappings.is_empty() || linux.gid_mappings.is_empty()) {
            return Err(Failure::refusal("check config", "a new user namespace needs uidMappings and gidMappings"));
        }
        if plan.joins(libc::CLONE_NEWUSER) {
            return Err(Failure::refusal("check config", "joining a user namespace by path is not supported"));
        }
        if !plan.makes(CLONE_NEWTIME) && !linux.time_offsets.is_empty() {
            return Err(Failure::refusal("check config", "timeOffsets need a new time namespace"));
        }
        Ok(plan)
    }

    pub fn makes(&self, bit: i32) -> bool {
        self.new & bit != 0
    }

    pub fn joins(&self, bit: i32) -> bool {
        self.joined.iter().any(|(kind, _, _)| *kind == bit)
    }

    /// The bits for the clone that makes the first process. The cgroup namespace comes later: its root is the group that
    /// the process is in when it is made. The time namespace is made by [`Self::prepare_caller`].
    pub fn clone_flags(&self) -> u64 {
        (self.new & !(libc::CLONE_NEWCGROUP | CLONE_NEWTIME)) as u64
    }

    /// In the caller, before the clone: what only its children can enter.
    pub fn prepare_caller(&self, linux: &Linux) -> Result<()> {
        for (bit, path, file) in self.joined.iter().filter(|(bit, _, _)| is_for_children(*bit)) {
            namespace::enter(file.as_fd(), *bit).step("setns", path)?;
        }
        if self.makes(CLONE_NEWTIME) {
            namespace::unshare(CLONE_NEWTIME).step("unshare", "time")?;
            let mut offsets = String::new();
            for (clock, offset) in &linux.time_offsets {
                offsets.push_str(&format!("{clock} {} {}\n", offset.secs, offset.nanosecs));
            }
            if !offsets.is_empty() {
                let file = "/proc/self/timens_offsets";
                fs::write(file, offsets).at("write", file)?;
            }
        }
        Ok(())
    }

    /// In the first process, once it is in its groups and its ids are mapped.
    pub fn enter(&self) -> Result<()> {
        for (bit, path, file) in self.joined.iter().filter(|(bit, _, _)| !is_for_children(*bit)) {
            namespace::enter(file.as_fd(), *bit).step("setns", path)?;
        }
        if self.makes(libc::CLONE_NEWCGROUP) {
            namespace::unshare(libc::CLONE_NEWCGROUP).step("unshare", "cgroup")?;
        }
        Ok(())
    }
}

fn is_for_children(bit: i32) -> bool {
    bit == libc::CLONE_NEWPID || bit == CLONE_NEWTIME
}

/// Writes the mappings of a process's new user namespace. The caller must be privileged over all mapped ids.
pub fn map_ids(pid: i32, linux: &Linux) -> Result<()> {
    let text = |mappings: &[IdMapping]| {
        mappings.iter().map(|m| format!("{} {} {}\n", m.container_id, m.host_id, m.size)).collect::<String>()
    };
    for (file, mappings) in [("gid_map", &linux.gid_mappings), ("uid_map", &linux.uid_mappings)] {
        let path = format!("/proc/{pid}/{file}");
        fs::write(&path, text(mappings)).at("write", &path)?;
    }
    Ok(())
}
