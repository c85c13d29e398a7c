//! The `mounts` of the configuration, in their order.

use std::os::fd::{AsFd, OwnedFd};
use std::path::Path;

use gantry_sys::errno::{Result as SysResult, StepContext};
use gantry_sys::mount::{self, AttributeChange};
use gantry_sys::{Errno, fs, libc};

use super::cgroup_mount::mount_cgroups;
use super::{Jail, MountOptions};
use crate::cgroup::Cgroups;
use crate::error::{Failure, Result};
use crate::spec::Mount;

/// Mounts everything. `bundle` is what relative sources of bind mounts are relative to; `own_cgroup_namespace` says how a
/// `cgroup` mount is made.
pub fn mount_all(
    jail: &Jail,
    mounts: &[Mount],
    bundle: &Path,
    cgroups: &Cgroups,
    own_cgroup_namespace: bool,
) -> Result<()> {
    for entry in mounts {
        let options = MountOptions::parse(&entry.options);
        let result = match entry.kind.as_str() {
            _ if options.bind => bind(jail, entry, &options, bundle),
            "cgroup" | "cgroup2" => mount_cgroups(jail, entry, &options, cgroups, own_cgroup_namespace),
            _ => file_system(jail, entry, &options),
        };
        result.map_err(|failure| {
            failure.during(format!("mount {:?} ({}) at {:?}", entry.source, entry.kind, entry.destination))
        })?;
    }
    Ok(())
}

fn bind(jail: &Jail, entry: &Mount, options: &MountOptions, bundle: &Path) -> Result<()> {
    if entry.options.iter().any(|option| option == "idmap" || option == "ridmap") {
        return Err(Failure::refusal("bind", "id-mapped mounts are not supported"));
    }
    let source = bundle.join(&entry.source);
    let source_bytes = source.as_os_str().as_encoded_bytes();
    let c_source = fs::c_path(source_bytes).step("bind source", source_bytes)?;
    let tree = mount::open_tree_clone(None, &c_source, options.recursive).step("open_tree", source_bytes)?;
    let stat = fs::stat_fd(tree.as_fd()).step("statx", source_bytes)?;
    let is_directory = u32::from(stat.stx_mode) & libc::S_IFMT == libc::S_IFDIR;
    let target = target(jail, entry, is_directory)?;
    let (set, clear) = options.attributes();
    let late_attributes = set_attributes(&tree, options, set, clear).step("mount_setattr", &entry.destination)?;
    mount::move_mount(tree.as_fd(), target.as_fd()).step("move_mount", &entry.destination)?;
    if late_attributes {
        remount_bind(jail, entry, options).step("remount", &entry.destination)?;
    }
    Ok(())
}

/// Before the tree is visible anywhere: no moment at which a read-only mount is writable. True if this kernel (before
/// 5.12) cannot, and it has to be done afterwards.
fn set_attributes(tree: &OwnedFd, options: &MountOptions, set: u64, clear: u64) -> SysResult<bool> {
    let apply =
        |change: AttributeChange<'_>, recursive| mount::mount_setattr(Some(tree.as_fd()), c"", recursive, change);
    let mut late = false;
    if set | clear != 0 {
        match apply(AttributeChange { set, clear, ..AttributeChange::default() }, false) {
            Err(Errno(libc::ENOSYS)) => late = true,
            other => other?,
        }
    }
    if options.recursive_set | options.recursive_clear != 0 {
        let (set, mut clear) = (options.recursive_set, options.recursive_clear);
        if set & attr_times() != 0 {
            clear |= mount::attr::ATIME;
        }
        apply(AttributeChange { set, clear, ..AttributeChange::default() }, true)?;
    }
    for (propagation, recursive) in &options.propagation {
        match apply(AttributeChange { propagation: *propagation, ..AttributeChange::default() }, *recursive) {
            Err(Errno(libc::ENOSYS)) => late = true,
            other => other?,
        }
    }
    Ok(late)
}

fn attr_times() -> u64 {
    mount::attr::NOATIME | mount::attr::STRICTATIME
}

fn remount_bind(jail: &Jail, entry: &Mount, options: &MountOptions) -> SysResult<()> {
    let mounted = jail.open_file(&entry.destination, libc::O_PATH, 0)?;
    let path = fs::descriptor_path(mounted.as_fd());
    if options.flags != 0 {
        mount::mount(None, &path, None, libc::MS_BIND | libc::MS_REMOUNT | options.flags, None)?;
    }
    set_propagation(&path, options)
}

fn set_propagation(path: &std::ffi::CStr, options: &MountOptions) -> SysResult<()> {
    for (propagation, recursive) in &options.propagation {
        let flags = propagation | if *recursive { libc::MS_REC } else { 0 };
        mount::mount(None, path, None, flags, None)?;
    }
    Ok(())
}

/// What the mount is put on: made if the image does not have it.
fn target(jail: &Jail, entry: &Mount, directory: bool) -> Result<OwnedFd> {
    let made = if directory { jail.make_directory(&entry.destination) } else { jail.make_file(&entry.destination) };
    Ok(made.step("make mount point", &entry.destination)?)
}

fn file_system(jail: &Jail, entry: &Mount, options: &MountOptions) -> Result<()> {
    // Elsewhere than on a plain directory, /proc would not be where the kernel's protections of it are expected.
    if matches!(entry.kind.as_str(), "proc" | "sysfs") {
        let nofollow = libc::O_PATH | libc::O_NOFOLLOW;
        if let Ok(there) = jail.open_file(&entry.destination, nofollow, 0) {
            let stat = fs::stat_fd(there.as_fd()).step("statx", &entry.destination)?;
            if u32::from(stat.stx_mode) & libc::S_IFMT != libc::S_IFDIR {
                return Err(Failure::refusal("mount", format!("{} must be an ordinary directory", entry.destination)));
            }
        }
    }
    let point = target(jail, entry, true)?;
    let bytes = |text: &str| fs::c_path(text.as_bytes()).step("mount", &entry.destination);
    let (source, kind, data) = (bytes(&entry.source)?, bytes(&entry.kind)?, bytes(&options.data)?);
    let data = (!options.data.is_empty()).then_some(data.as_c_str());
    if options.copy_up && entry.kind == "tmpfs" {
        return Err(Failure::refusal("mount", "the option tmpcopyup is not supported"));
    }
    let path = fs::descriptor_path(point.as_fd());
    mount::mount(Some(&source), &path, Some(&kind), options.flags, data).step("mount", &entry.destination)?;
    if options.propagation.is_empty() {
        return Ok(());
    }
    let mounted = jail.open_file(&entry.destination, libc::O_PATH, 0).step("open mount", &entry.destination)?;
    let path = fs::descriptor_path(mounted.as_fd());
    Ok(set_propagation(&path, options).step("mount propagation", &entry.destination)?)
}
