//! The `cgroup` mount: what a container sees at /sys/fs/cgroup.

use std::os::fd::AsFd;

use gantry_sys::errno::StepContext;
use gantry_sys::mount::{self, AttributeChange, attr};
use gantry_sys::{fs, libc};

use super::{Jail, MountOptions};
use crate::cgroup::{Cgroups, Hierarchy};
use crate::error::Result;
use crate::spec::Mount;

/// Version 2: one mount. Version 1 and hybrid: a small tmpfs with one mount a hierarchy, and a symbolic link for each
/// controller of a hierarchy that has several. In a cgroup namespace of its own the hierarchies are mounted (their root is
/// the container's group); without one the container's group is bind-mounted, so that nothing above is seen.
pub fn mount_cgroups(
    jail: &Jail,
    entry: &Mount,
    options: &MountOptions,
    cgroups: &Cgroups,
    own_namespace: bool,
) -> Result<()> {
    let point = jail.make_directory(&entry.destination).step("make mount point", &entry.destination)?;
    let path = fs::descriptor_path(point.as_fd());
    if cgroups.is_unified() {
        let hierarchy = &cgroups.hierarchies()[0];
        return attach(jail, &entry.destination, hierarchy, options, own_namespace);
    }
    let writable = options.flags & !libc::MS_RDONLY;
    mount::mount(Some(c"tmpfs"), &path, Some(c"tmpfs"), writable & !libc::MS_RELATIME, Some(c"mode=755"))
        .step("mount tmpfs", &entry.destination)?;
    for hierarchy in cgroups.hierarchies().iter().filter(|h| !h.unified) {
        let destination = format!("{}/{}", entry.destination, hierarchy.directory_name());
        jail.make_directory(&destination).step("make mount point", &destination)?;
        attach(jail, &destination, hierarchy, options, own_namespace)?;
        for controller in hierarchy.controllers.iter().filter(|c| **c != hierarchy.directory_name()) {
            let (parent, name) =
                jail.make_parent(&format!("{}/{controller}", entry.destination)).step("open", &entry.destination)?;
            let target = fs::c_path(hierarchy.directory_name().as_bytes()).step("symlink", controller)?;
            match fs::symlink_at(&target, parent.as_fd(), &name) {
                Err(gantry_sys::Errno(libc::EEXIST)) => {}
                other => other.step("symlink", controller)?,
            }
        }
    }
    if options.flags & libc::MS_RDONLY != 0 {
        let mounted = jail.open_file(&entry.destination, libc::O_PATH, 0).step("open mount", &entry.destination)?;
        let flags = libc::MS_REMOUNT | libc::MS_BIND | options.flags & !libc::MS_RELATIME;
        mount::mount(None, &fs::descriptor_path(mounted.as_fd()), None, flags, None)
            .step("remount", &entry.destination)?;
    }
    Ok(())
}

fn attach(
    jail: &Jail,
    destination: &str,
    hierarchy: &Hierarchy,
    options: &MountOptions,
    own_namespace: bool,
) -> Result<()> {
    let point = jail.open_file(destination, libc::O_PATH | libc::O_DIRECTORY, 0).step("open", destination)?;
    if own_namespace {
        let path = fs::descriptor_path(point.as_fd());
        let (kind, source) = if hierarchy.unified { (c"cgroup2", c"cgroup2") } else { (c"cgroup", c"cgroup") };
        let data = fs::c_path(hierarchy.mount_data().as_bytes()).step("mount", destination)?;
        let data = (!hierarchy.unified).then_some(data.as_c_str());
        return Ok(
            mount::mount(Some(source), &path, Some(kind), options.flags, data).step("mount cgroup", destination)?
        );
    }
    let group = hierarchy.group.as_os_str().as_encoded_bytes();
    let c_group = fs::c_path(group).step("open_tree", group)?;
    let tree = mount::open_tree_clone(None, &c_group, true).step("open_tree", group)?;
    let (set, clear) = options.attributes();
    let change = AttributeChange { set: set & !attr::ATIME, clear: clear & !attr::ATIME, ..AttributeChange::default() };
    mount::mount_setattr(Some(tree.as_fd()), c"", false, change).step("mount_setattr", destination)?;
    Ok(mount::move_mount(tree.as_fd(), point.as_fd()).step("move_mount", destination)?)
}
