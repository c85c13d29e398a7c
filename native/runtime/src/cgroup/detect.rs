use std::fs;
use std::path::{Path, PathBuf};

use crate::error::{At, Failure, Result};

/// One mounted hierarchy and a group in it.
#[derive(Clone, Debug)]
pub struct Hierarchy {
    /// Version 1: the controllers it has, or `name=systemd`. Empty for the unified hierarchy.
    pub controllers: Vec<String>,
    /// Version 2, or the process-tracking part of a hybrid machine.
    pub unified: bool,
    /// The group's directory.
    pub group: PathBuf,
}

impl Hierarchy {
    pub fn has(&self, controller: &str) -> bool {
        self.controllers.iter().any(|name| name == controller)
    }

    /// Its conventional name below /sys/fs/cgroup: `cpu,cpuacct`, `systemd`.
    pub fn directory_name(&self) -> String {
        let names: Vec<&str> = self.controllers.iter().map(|name| name.trim_start_matches("name=")).collect();
        names.join(",")
    }

    /// What mount(2) takes to mount this hierarchy.
    pub fn mount_data(&self) -> String {
        let named = self.controllers.iter().any(|name| name.starts_with("name="));
        let prefix = if named { "none," } else { "" };
        format!("{prefix}{}", self.controllers.join(","))
    }
}

/// Every hierarchy of this machine, in mount order, with the group of `path`.
pub fn hierarchies(path: &str) -> Result<Vec<Hierarchy>> {
    let table = Path::new("/proc/self/mountinfo");
    let text = fs::read_to_string(table).at("read", table)?;
    let own = if path.starts_with('/') {
        String::new()
    } else {
        let file = Path::new("/proc/self/cgroup");
        fs::read_to_string(file).at("read", file)?
    };
    let found = parse(&text, &own, path);
    if found.is_empty() {
        return Err(Failure::refusal("cgroup", "no cgroup hierarchy is mounted below /sys/fs/cgroup"));
    }
    Ok(found)
}

fn parse(mountinfo: &str, own: &str, path: &str) -> Vec<Hierarchy> {
    let mut found: Vec<Hierarchy> = Vec::new();
    for line in mountinfo.lines() {
        let Some((left, right)) = line.split_once(" - ") else { continue };
        let mut right = right.split(' ');
        let unified = match right.next() {
            Some("cgroup") => false,
            Some("cgroup2") => true,
            _ => continue,
        };
        let options = right.nth(1).unwrap_or("");
        let Some(mount_point) = left.split(' ').nth(4) else { continue };
        let controllers: Vec<String> =
            options.split(',').filter(|word| !unified && is_controller(word)).map(str::to_owned).collect();
        let seen = found.iter().any(|other| other.unified == unified && other.controllers == controllers);
        if seen || !mount_point.starts_with("/sys/fs/cgroup") {
            continue;
        }
        let relative = if path.starts_with('/') { String::new() } else { own_group(own, &controllers) };
        let group = Path::new(mount_point).join(relative.trim_matches('/')).join(path.trim_start_matches('/'));
        found.push(Hierarchy { controllers, unified, group });
    }
    found
}

fn is_controller(option: &str) -> bool {
    const FLAGS: [&str; 8] = ["rw", "ro", "xattr", "noprefix", "clone_children", "none", "all", "cpuset_v2_mode"];
    !FLAGS.contains(&option) && !option.starts_with("release_agent=")
}

/// The group that /proc/self/cgroup names for a hierarchy.
fn own_group(own: &str, controllers: &[String]) -> String {
    let wanted = controllers.join(",");
    for line in own.lines() {
        let mut fields = line.splitn(3, ':').skip(1);
        if fields.next() == Some(&wanted) {
            return fields.next().unwrap_or("/").to_owned();
        }
    }
    "/".to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    const HYBRID: &str = "31 23 0:28 / /sys/fs/cgroup rw,relatime - tmpfs tmpfs rw,mode=755\n\
        32 31 0:29 / /sys/fs/cgroup/cpu,cpuacct rw,relatime shared:9 - cgroup cgroup rw,cpu,cpuacct\n\
        40 31 0:37 / /sys/fs/cgroup/systemd rw,relatime - cgroup cgroup rw,xattr,name=systemd\n\
        41 31 0:38 / /sys/fs/cgroup/unified rw,relatime - cgroup2 cgroup2 rw\n";

    #[test]
    fn a_hybrid_machine_has_each_hierarchy_once() {
        let found = parse(HYBRID, "", "/gantry/x");
        let groups: Vec<_> = found.iter().map(|h| h.group.to_str().unwrap()).collect();
        assert_eq!(
            groups,
            [
                "/sys/fs/cgroup/cpu,cpuacct/gantry/x",
                "/sys/fs/cgroup/systemd/gantry/x",
                "/sys/fs/cgroup/unified/gantry/x"
            ]
        );
        assert_eq!(found[0].controllers, ["cpu", "cpuacct"]);
        assert_eq!(found[1].mount_data(), "none,name=systemd");
        assert_eq!(found[1].directory_name(), "systemd");
        assert!(found[2].unified);
    }

    #[test]
    fn a_relative_path_is_below_the_callers_group() {
        let found = parse(HYBRID, "2:cpu,cpuacct:/mine\n0::/\n", "x");
        assert_eq!(found[0].group.to_str().unwrap(), "/sys/fs/cgroup/cpu,cpuacct/mine/x");
        assert_eq!(found[2].group.to_str().unwrap(), "/sys/fs/cgroup/unified/x");
    }
}
