//! Limits in the files of cgroup version 1 (kernel documentation, admin-guide/cgroup-v1).

use std::fs;
use std::path::Path;

use super::{Hierarchy, write_value};
use crate::error::{Failure, Result};
use crate::spec::{BlockIo, Cpu, Memory, Resources};

/// Writes what `resources` sets. A limit of a controller that is not mounted is refused, not dropped.
pub fn apply(hierarchies: &[Hierarchy], resources: &Resources) -> Result<()> {
    let group = |controller: &str| hierarchies.iter().find(|h| h.has(controller)).map(|h| h.group.as_path());
    let need = |controller: &str| {
        group(controller)
            .ok_or_else(|| Failure::refusal("cgroup", format!("the {controller} controller is not mounted here")))
    };
    if let Some(limits) = &resources.memory
        && (limits.limit.or(limits.reservation).or(limits.swap).is_some()
            || limits.swappiness.is_some()
            || limits.disable_oom_killer.is_some())
    {
        memory(need("memory")?, limits)?;
    }
    if let Some(limits) = &resources.cpu {
        if limits.shares.is_some() || limits.quota.is_some() || limits.period.is_some() || limits.idle.is_some() {
            cpu(need("cpu")?, limits)?;
        }
        if !limits.cpus.is_empty() {
            write_value(&need("cpuset")?.join("cpuset.cpus"), &limits.cpus)?;
        }
        if !limits.mems.is_empty() {
            write_value(&need("cpuset")?.join("cpuset.mems"), &limits.mems)?;
        }
    }
    if let Some(pids) = &resources.pids
        && pids.limit != 0
    {
        let value = if pids.limit < 0 { "max".to_owned() } else { pids.limit.to_string() };
        write_value(&need("pids")?.join("pids.max"), &value)?;
    }
    if let Some(limits) = &resources.block_io {
        block_io(group("blkio"), limits)?;
    }
    for limit in &resources.hugepage_limits {
        let file = format!("hugetlb.{}.limit_in_bytes", limit.page_size);
        write_value(&need("hugetlb")?.join(file), &limit.limit.to_string())?;
    }
    if let Some(class) = resources.network.as_ref().and_then(|network| network.class_id) {
        write_value(&need("net_cls")?.join("net_cls.classid"), &class.to_string())?;
    }
    Ok(())
}

fn memory(group: &Path, limits: &Memory) -> Result<()> {
    let set = |file: &str, value: i64| write_value(&group.join(file), &value.to_string());
    // Memory and swap together may never be below memory alone, so which goes first depends on the direction; in a new
    // group both are unlimited, and memory goes first.
    if let Some(limit) = limits.limit.filter(|limit| *limit != 0) {
        set("memory.limit_in_bytes", limit)?;
    }
    if let Some(swap) = limits.swap.filter(|swap| *swap != 0) {
        set("memory.memsw.limit_in_bytes", swap)?;
    }
    if let Some(reservation) = limits.reservation.filter(|reservation| *reservation != 0) {
        set("memory.soft_limit_in_bytes", reservation)?;
    }
    if limits.disable_oom_killer == Some(true) {
        set("memory.oom_control", 1)?;
    }
    if let Some(swappiness) = limits.swappiness {
        set("memory.swappiness", swappiness as i64)?;
    }
    Ok(())
}

fn cpu(group: &Path, limits: &Cpu) -> Result<()> {
    let set = |file: &str, value: String| write_value(&group.join(file), &value);
    if let Some(shares) = limits.shares.filter(|shares| *shares != 0) {
        set("cpu.shares", shares.to_string())?;
    }
    if let Some(period) = limits.period.filter(|period| *period != 0) {
        set("cpu.cfs_period_us", period.to_string())?;
    }
    if let Some(quota) = limits.quota.filter(|quota| *quota != 0) {
        set("cpu.cfs_quota_us", quota.to_string())?;
    }
    if let Some(burst) = limits.burst {
        set("cpu.cfs_burst_us", burst.to_string())?;
    }
    if let Some(period) = limits.realtime_period.filter(|period| *period != 0) {
        set("cpu.rt_period_us", period.to_string())?;
    }
    if let Some(runtime) = limits.realtime_runtime.filter(|runtime| *runtime != 0) {
        set("cpu.rt_runtime_us", runtime.to_string())?;
    }
    if let Some(idle) = limits.idle {
        set("cpu.idle", idle.to_string())?;
    }
    Ok(())
}

fn block_io(group: Option<&Path>, limits: &BlockIo) -> Result<()> {
    let throttles = [
        ("blkio.throttle.read_bps_device", &limits.throttle_read_bps_device),
        ("blkio.throttle.write_bps_device", &limits.throttle_write_bps_device),
        ("blkio.throttle.read_iops_device", &limits.throttle_read_iops_device),
        ("blkio.throttle.write_iops_device", &limits.throttle_write_iops_device),
    ];
    let weight = limits.weight.filter(|weight| *weight != 0);
    if weight.is_none() && limits.weight_device.is_empty() && throttles.iter().all(|(_, list)| list.is_empty()) {
        return Ok(());
    }
    let Some(group) = group else {
        return Err(Failure::refusal("cgroup", "the blkio controller is not mounted here"));
    };
    // The weight's file depends on the scheduler that the kernel was built with.
    let weight_file = ["blkio.weight", "blkio.bfq.weight"].into_iter().find(|file| group.join(file).exists());
    if let Some(weight) = weight {
        let file = weight_file.ok_or_else(|| {
            Failure::refusal("cgroup", "this kernel has no block I/O weights in its blkio controller")
        })?;
        write_value(&group.join(file), &weight.to_string())?;
    }
    for device in &limits.weight_device {
        let Some(weight) = device.weight else { continue };
        let file = weight_file.ok_or_else(|| {
            Failure::refusal("cgroup", "this kernel has no block I/O weights in its blkio controller")
        })?;
        let value = format!("{}:{} {weight}", device.major, device.minor);
        write_value(&group.join(format!("{file}_device")), &value)?;
    }
    for (file, list) in throttles {
        for device in list {
            let value = format!("{}:{} {}", device.major, device.minor, device.rate);
            write_value(&group.join(file), &value)?;
        }
    }
    Ok(())
}

/// A new cpuset group is empty and takes no process until it has processors and memory nodes: those of its parent.
pub fn inherit_cpuset(hierarchy: &Hierarchy) -> Result<()> {
    if !hierarchy.has("cpuset") {
        return Ok(());
    }
    for file in ["cpuset.cpus", "cpuset.mems"] {
        let own = hierarchy.group.join(file);
        if fs::read_to_string(&own).is_ok_and(|text| !text.trim().is_empty()) {
            continue;
        }
        let parent = hierarchy.group.parent().map(|parent| parent.join(file));
        if let Some(value) = parent.and_then(|parent| fs::read_to_string(parent).ok()) {
            write_value(&own, value.trim())?;
        }
    }
    Ok(())
}
