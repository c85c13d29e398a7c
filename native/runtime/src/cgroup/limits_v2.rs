//! Limits in the files of cgroup version 2 (kernel documentation, admin-guide/cgroup-v2.rst).

use std::fs;
use std::path::Path;

use super::write_value;
use crate::error::{Failure, Result};
use crate::spec::{BlockIo, Cpu, Memory, Resources};

/// Hands every controller that a group has to the groups below it; what the kernel refuses shows when a limit is set.
pub fn delegate_controllers(group: &Path) {
    let Ok(available) = fs::read_to_string(group.join("cgroup.controllers")) else { return };
    for controller in available.split_whitespace() {
        let _ = write_value(&group.join("cgroup.subtree_control"), &format!("+{controller}"));
    }
}

/// Writes what `resources` sets, converted from the units of version 1 where the specification still has those.
pub fn apply(group: &Path, resources: &Resources) -> Result<()> {
    if let Some(limits) = &resources.memory {
        memory(group, limits)?;
    }
    if let Some(limits) = &resources.cpu {
        cpu(group, limits)?;
    }
    if let Some(pids) = &resources.pids
        && pids.limit != 0
    {
        write_value(&group.join("pids.max"), &limit(pids.limit))?;
    }
    if let Some(limits) = &resources.block_io {
        block_io(group, limits)?;
    }
    for page in &resources.hugepage_limits {
        write_value(&group.join(format!("hugetlb.{}.max", page.page_size)), &page.limit.to_string())?;
    }
    for (file, value) in &resources.unified {
        if file.contains('/') {
            return Err(Failure::refusal("cgroup", format!("linux.resources.unified {file:?} is not a file name")));
        }
        write_value(&group.join(file), value)?;
    }
    Ok(())
}

fn limit(value: i64) -> String {
    if value < 0 { "max".to_owned() } else { value.to_string() }
}

fn memory(group: &Path, limits: &Memory) -> Result<()> {
    if let Some(bytes) = limits.limit.filter(|bytes| *bytes != 0) {
        write_value(&group.join("memory.max"), &limit(bytes))?;
    }
    if let Some(swap) = limits.swap.filter(|swap| *swap != 0) {
        // Version 2 counts swap alone.
        let swap_only = match limits.limit {
            _ if swap < 0 => -1,
            Some(memory) if memory > 0 && swap >= memory => swap - memory,
            _ => {
                let message = format!("memory.swap {swap} needs a memory.limit that is not above it");
                return Err(Failure::refusal("cgroup", message));
            }
        };
        let file = group.join("memory.swap.max");
        // Without swap accounting there is no such file, and no swap to limit.
        if file.exists() || swap_only > 0 {
            write_value(&file, &limit(swap_only))?;
        }
    }
    if let Some(reservation) = limits.reservation.filter(|bytes| *bytes != 0) {
        write_value(&group.join("memory.low"), &limit(reservation))?;
    }
    Ok(())
}

fn cpu(group: &Path, limits: &Cpu) -> Result<()> {
    if let Some(idle) = limits.idle {
        write_value(&group.join("cpu.idle"), &idle.to_string())?;
    }
    if let Some(shares) = limits.shares.filter(|shares| *shares != 0) {
        write_value(&group.join("cpu.weight"), &weight_of_shares(shares).to_string())?;
    }
    if limits.quota.is_some() || limits.period.is_some() {
        let quota = match limits.quota {
            Some(quota) if quota > 0 => quota.to_string(),
            _ => "max".to_owned(),
        };
        let period = limits.period.filter(|period| *period != 0).unwrap_or(100_000);
        write_value(&group.join("cpu.max"), &format!("{quota} {period}"))?;
    }
    if let Some(burst) = limits.burst {
        write_value(&group.join("cpu.max.burst"), &burst.to_string())?;
    }
    if !limits.cpus.is_empty() {
        write_value(&group.join("cpuset.cpus"), &limits.cpus)?;
    }
    if !limits.mems.is_empty() {
        write_value(&group.join("cpuset.mems"), &limits.mems)?;
    }
    Ok(())
}

/// 2..262144 to 1..10000, as OCI runtimes have agreed.
fn weight_of_shares(shares: u64) -> u64 {
    1 + (shares.clamp(2, 262_144) - 2) * 9999 / 262_142
}

fn block_io(group: &Path, limits: &BlockIo) -> Result<()> {
    if let Some(weight) = limits.weight.filter(|weight| *weight != 0) {
        let bfq = group.join("io.bfq.weight");
        if bfq.exists() {
            write_value(&bfq, &weight.to_string())?;
        } else {
            // 10..1000 to 1..10000.
            let converted = 1 + (u64::from(weight).clamp(10, 1000) - 10) * 9999 / 990;
            write_value(&group.join("io.weight"), &format!("default {converted}"))?;
        }
    }
    for device in &limits.weight_device {
        let Some(weight) = device.weight else { continue };
        write_value(&group.join("io.bfq.weight"), &format!("{}:{} {weight}", device.major, device.minor))?;
    }
    for (key, list) in [
        ("rbps", &limits.throttle_read_bps_device),
        ("wbps", &limits.throttle_write_bps_device),
        ("riops", &limits.throttle_read_iops_device),
        ("wiops", &limits.throttle_write_iops_device),
    ] {
        for device in list {
            let value = format!("{}:{} {key}={}", device.major, device.minor, device.rate);
            write_value(&group.join("io.max"), &value)?;
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn shares_become_weights_over_the_whole_range() {
        assert_eq!(weight_of_shares(2), 1);
        assert_eq!(weight_of_shares(1024), 39);
        assert_eq!(weight_of_shares(262_144), 10_000);
    }
}
