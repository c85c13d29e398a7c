use std::fs;
use std::path::PathBuf;

use super::detect;

/// Whether the kernel has killed a process of a container for want of memory: asked once it has ended, before its group
/// is removed.
pub struct OomWatch {
    /// `memory.oom_control` (version 1) or `memory.events` (version 2) of the group.
    counters: Option<PathBuf>,
}

impl OomWatch {
    /// Of the memory group that a process is in. Without one nothing is ever reported.
    pub fn of(pid: i32) -> Self {
        let groups = fs::read_to_string(format!("/proc/{pid}/cgroup")).unwrap_or_default();
        let group_of = |wanted: &dyn Fn(&str) -> bool| {
            groups.lines().find_map(|line| {
                let mut fields = line.splitn(3, ':').skip(1);
                let controllers = fields.next()?;
                wanted(controllers).then(|| fields.next().unwrap_or("/").to_owned())
            })
        };
        let version_1 = group_of(&|controllers| controllers.split(',').any(|name| name == "memory"));
        let (group, file) = match version_1 {
            Some(group) => (Some(group), "memory.oom_control"),
            None => (group_of(&str::is_empty), "memory.events"),
        };
        let counters = group.and_then(|group| {
            let hierarchies = detect::hierarchies(&group).ok()?;
            let memory = hierarchies.iter().find(|h| h.has("memory")).or(hierarchies.iter().find(|h| h.unified))?;
            Some(memory.group.join(file))
        });
        OomWatch { counters }
    }

    pub fn has_killed(&self) -> bool {
        let Some(text) = self.counters.as_ref().and_then(|file| fs::read_to_string(file).ok()) else { return false };
        text.lines()
            .filter_map(|line| line.strip_prefix("oom_kill "))
            .any(|count| count.trim().parse::<u64>().is_ok_and(|count| count > 0))
    }
}
