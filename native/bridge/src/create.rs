//! Makes one file of an index in the working directory of the calling thread.

use std::ffi::CStr;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};

use gantry_sys::door::Control;
use gantry_sys::errno::{Errno, StepContext, StepError};
use gantry_sys::format::*;
use gantry_sys::fs::{self, CWD, c_path};
use gantry_sys::xattr::{self, Target};

use crate::copy;
use crate::index::{Index, Inode, Xattrs};

type Done = Result<(), StepError>;

/// Up to this size, reading into memory and writing is faster than asking the kernel to copy.
const SMALL_BYTES: u64 = 128 << 10;

/// What a thread needs to make files.
pub struct Creator<'a> {
    pub index: &'a Index<'a>,
    pub tars: &'a [OwnedFd],
    pub control: Control<'a>,
    /// Who new files belong to without chown.
    pub own_ids: (u32, u32),
    pub buffer: Vec<u8>,
}

impl Creator<'_> {
    /// Makes a file that is no directory. The thread's umask is 0.
    pub fn create(&mut self, name: &CStr, inode: &Inode<'_>) -> Done {
        let at = name.to_bytes();
        match inode.kind {
            ENTRY_REGULAR => return self.regular(name, inode),
            ENTRY_SYMLINK => {
                let target = c_path(inode.link_target).step("symlink", at)?;
                fs::symlink_at(&target, CWD, name).step("symlink", at)?;
            }
            ENTRY_CHAR => fs::make_node_at(CWD, name, libc::S_IFCHR | 0o600, inode.device).step("mknod", at)?,
            ENTRY_BLOCK => fs::make_node_at(CWD, name, libc::S_IFBLK | 0o600, inode.device).step("mknod", at)?,
            _ => fs::make_node_at(CWD, name, libc::S_IFIFO | 0o600, (0, 0)).step("mkfifo", at)?,
        }
        if (inode.uid, inode.gid) != self.own_ids {
            fs::change_owner_at(CWD, name, inode.uid, inode.gid).step("chown", at)?;
        }
        if inode.kind != ENTRY_SYMLINK {
            fs::change_mode_at(CWD, name, inode.mode).step("chmod", at)?;
        }
        set_xattrs(Target::Path(name), inode, at)?;
        fs::change_times_at(CWD, name, inode.time).step("utimensat", at)
    }

    fn regular(&mut self, name: &CStr, inode: &Inode<'_>) -> Done {
        let at = name.to_bytes();
        let special = inode.mode & 0o7000 != 0;
        let foreign = (inode.uid, inode.gid) != self.own_ids;
        let mode = if special || foreign { 0o600 } else { inode.mode };
        let flags = libc::O_WRONLY | libc::O_CREAT | libc::O_EXCL | libc::O_NOFOLLOW;
        let file = fs::open_at(CWD, name, flags, mode).step("open", at)?;
        let fd = file.as_fd();
        if self.index.is_sparse(inode) {
            let mut source = inode.data_offset;
            for (offset, bytes) in self.index.extents(inode) {
                self.copy(inode, source, fd, offset, bytes, at)?;
                source += bytes;
            }
            fs::truncate(fd, inode.size).step("ftruncate", at)?;
        } else {
            self.copy(inode, inode.data_offset, fd, 0, inode.size, at)?;
        }
        if foreign {
            fs::change_owner(fd, inode.uid, inode.gid).step("chown", at)?;
        }
        if special || foreign {
            // After chown, which clears setuid and setgid.
            fs::change_mode(fd, inode.mode).step("chmod", at)?;
        }
        // After chown and write, which clear capabilities.
        set_xattrs(Target::Path(name), inode, at)?;
        fs::change_times(fd, inode.time).step("utimensat", at)
    }

    fn copy(
        &mut self,
        inode: &Inode<'_>,
        source: u64,
        to: BorrowedFd<'_>,
        offset: u64,
        length: u64,
        at: &[u8],
    ) -> Done {
        if length == 0 {
            return Ok(());
        }
        let tar = self.tars[inode.layer].as_fd();
        if length > SMALL_BYTES {
            let copied = copy::copy(tar, source, to, Some(offset), length, self.control)
                .map_err(|error| StepError::new(error.step, error.errno, at))?;
            return if copied == length { Ok(()) } else { Err(ended(at)) };
        }
        self.buffer.resize(SMALL_BYTES as usize, 0);
        let wanted = length as usize;
        let mut filled = 0;
        while filled < wanted {
            match fs::read_at(tar, &mut self.buffer[filled..wanted], source + filled as u64).step("read", at)? {
                0 => return Err(ended(at)),
                n => filled += n,
            }
        }
        self.control.advance(length);
        fs::write_all_at(to, &self.buffer[..wanted], offset).step("write", at)
    }
}

/// Only possible if the tar was cut after its size was checked.
fn ended(path: &[u8]) -> StepError {
    StepError::new("read the layer's tar, which ended early, for", Errno(libc::EIO), path)
}

/// Sets the attributes of the inode that Linux lets such a file carry and that do not direct an overlay: what an EROFS
/// image of the same index shows (wasm/erofs/xattrs.ts).
pub fn set_xattrs(target: Target<'_>, inode: &Inode<'_>, path: &[u8]) -> Done {
    for (name, value) in Xattrs(inode.xattrs).flatten().filter(|(name, _)| carries(inode.kind, name)) {
        let name = c_path(name).step("setxattr", path)?;
        xattr::set(target, &name, value).step("setxattr", path)?;
    }
    Ok(())
}

fn carries(kind: u8, name: &[u8]) -> bool {
    let within = |space: &[u8]| name.strip_prefix(space).is_some_and(|rest| !rest.is_empty());
    match name {
        b"system.posix_acl_access" => kind != ENTRY_SYMLINK,
        b"system.posix_acl_default" => kind == ENTRY_DIRECTORY,
        _ if within(b"user.") => kind == ENTRY_REGULAR || kind == ENTRY_DIRECTORY,
        _ => within(b"security.") || within(b"trusted.") && !within(b"trusted.overlay."),
    }
}
