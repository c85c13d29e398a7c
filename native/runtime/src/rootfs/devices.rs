//! Device nodes and the links that programs expect in /dev.

use std::os::fd::AsFd;

use gantry_sys::errno::StepContext;
use gantry_sys::{Errno, fs, libc, mount};

use super::Jail;
use crate::error::{Failure, Result};
use crate::spec::Device;

/// OCI runtime-spec, config-linux.md, "Default Devices".
const DEFAULT_DEVICES: [(&str, u32, u32); 6] = [
    ("/dev/null", 1, 3),
    ("/dev/zero", 1, 5),
    ("/dev/full", 1, 7),
    ("/dev/random", 1, 8),
    ("/dev/urandom", 1, 9),
    ("/dev/tty", 5, 0),
];

const LINKS: [(&str, &str); 5] = [
    ("/dev/fd", "/proc/self/fd"),
    ("/dev/stdin", "/proc/self/fd/0"),
    ("/dev/stdout", "/proc/self/fd/1"),
    ("/dev/stderr", "/proc/self/fd/2"),
    ("/dev/ptmx", "pts/ptmx"),
];

/// Makes the default devices, those of the configuration, and the links. With `bind_from_host` (a user namespace, where
/// nodes cannot be made) the host's are bind-mounted.
pub fn make_devices(jail: &Jail, devices: &[Device], bind_from_host: bool) -> Result<()> {
    for (path, major, minor) in DEFAULT_DEVICES {
        if devices.iter().any(|device| device.path == path) {
            continue;
        }
        let device = Device {
            kind: "c".to_owned(),
            path: path.to_owned(),
            major,
            minor,
            file_mode: Some(0o666),
            uid: None,
            gid: None,
        };
        make_device(jail, &device, bind_from_host)?;
    }
    for device in devices {
        make_device(jail, device, bind_from_host)?;
    }
    for (path, target) in LINKS {
        make_link(jail, path, target)?;
    }
    if std::path::Path::new("/proc/kcore").exists() {
        make_link(jail, "/dev/core", "/proc/kcore")?;
    }
    Ok(())
}

fn make_device(jail: &Jail, device: &Device, bind_from_host: bool) -> Result<()> {
    let kind = match device.kind.as_str() {
        "c" | "u" => libc::S_IFCHR,
        "b" => libc::S_IFBLK,
        "p" => libc::S_IFIFO,
        other => return Err(Failure::refusal("mknod", format!("device {:?} has unknown type {other:?}", device.path))),
    };
    if bind_from_host {
        return bind_device(jail, &device.path);
    }
    let (parent, name) = jail.make_parent(&device.path).step("mknod", &device.path)?;
    let mode = kind | device.file_mode.unwrap_or(0o666) & 0o7777;
    match fs::make_node_at(parent.as_fd(), &name, mode, (device.major, device.minor)) {
        Err(Errno(libc::EEXIST)) => {
            let stat = fs::stat_at(parent.as_fd(), &name).step("statx", &device.path)?;
            let same = u32::from(stat.stx_mode) & libc::S_IFMT == kind
                && (kind == libc::S_IFIFO
                    || (stat.stx_rdev_major, stat.stx_rdev_minor) == (device.major, device.minor));
            if !same {
                return Err(Failure::refusal("mknod", format!("{} exists and is not that device", device.path)));
            }
        }
        Err(Errno(libc::EPERM)) => return bind_device(jail, &device.path),
        other => other.step("mknod", &device.path)?,
    }
    let (uid, gid) = (device.uid.unwrap_or(0), device.gid.unwrap_or(0));
    if (uid, gid) != (0, 0) {
        fs::change_owner_at(parent.as_fd(), &name, uid, gid).step("chown", &device.path)?;
    }
    Ok(())
}

fn bind_device(jail: &Jail, path: &str) -> Result<()> {
    let host = fs::c_path(path.as_bytes()).step("bind device", path)?;
    let tree = mount::open_tree_clone(None, &host, false).step("bind device", path)?;
    let point = jail.make_file(path).step("bind device", path)?;
    Ok(mount::move_mount(tree.as_fd(), point.as_fd()).step("bind device", path)?)
}

fn make_link(jail: &Jail, path: &str, target: &str) -> Result<()> {
    let (parent, name) = jail.make_parent(path).step("symlink", path)?;
    let target = fs::c_path(target.as_bytes()).step("symlink", path)?;
    match fs::symlink_at(&target, parent.as_fd(), &name) {
        Err(Errno(libc::EEXIST)) => {
            if path == "/dev/ptmx" {
                // An image's own node would lead to the terminals of the host.
                fs::unlink_at(parent.as_fd(), &name, 0).step("unlink", path)?;
                fs::symlink_at(&target, parent.as_fd(), &name).step("symlink", path)?;
            }
            Ok(())
        }
        other => Ok(other.step("symlink", path)?),
    }
}
