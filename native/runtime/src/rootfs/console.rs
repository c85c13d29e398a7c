//! The terminal of a container.

use std::os::fd::{AsFd, OwnedFd};

use gantry_sys::errno::StepContext;
use gantry_sys::{fs, libc, mount, process, pty};

use super::Jail;
use crate::error::Result;

/// Opens a pair in the container's own devpts, makes its other side the controlling terminal and stdio of this process
/// (a session leader) and /dev/console, and returns the master for whoever keeps the container.
pub fn open_console(jail: &Jail, size: Option<pty::WindowSize>, owner: u32) -> Result<OwnedFd> {
    let path = "/dev/pts/ptmx";
    let flags = libc::O_RDWR | libc::O_NOCTTY;
    let master = jail.open_file(path, flags, 0).step("open terminal", path)?;
    pty::unlock(master.as_fd()).step("unlock terminal", path)?;
    let terminal = pty::open_peer(master.as_fd()).step("open terminal", path)?;
    if let Some(size) = size {
        pty::set_window_size(terminal.as_fd(), size).step("resize terminal", path)?;
    }
    if owner != 0 {
        // In a devpts with gid=5 the group stays tty.
        let stat = fs::stat_fd(terminal.as_fd()).step("statx", path)?;
        fs::change_owner(terminal.as_fd(), owner, stat.stx_gid).step("chown terminal", path)?;
    }
    let console = jail.make_file("/dev/console").step("make console", "/dev/console")?;
    let tree = mount::open_tree_clone(Some(terminal.as_fd()), c"", false).step("bind console", "/dev/console")?;
    mount::move_mount(tree.as_fd(), console.as_fd()).step("bind console", "/dev/console")?;
    pty::set_controlling_terminal(terminal.as_fd()).step("set controlling terminal", path)?;
    for fd in 0..=2 {
        process::duplicate_onto(terminal.as_fd(), fd).step("dup2", path)?;
    }
    Ok(master)
}
