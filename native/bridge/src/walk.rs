//! Describes a directory tree as entry records. The walking thread makes each directory its working directory, so
//! every call takes a bare name: fast, and no lookup can be led astray by somebody who changes the tree meanwhile.

use std::collections::HashMap;
use std::ffi::{CStr, CString};
use std::os::fd::{AsFd, OwnedFd};

use gantry_sys::dir::read_directory;
use gantry_sys::door::Control;
use gantry_sys::errno::{Errno, StepContext, StepError};
use gantry_sys::format::*;
use gantry_sys::fs::{self, CWD, Stat};
use gantry_sys::xattr::{self, LIMIT_BYTES, Target};

use crate::holes;
use crate::message::{Outcome, Reply, Request};
use crate::mounts::is_kernel_interface;
use crate::record::{Entry, push_record, push_xattr};
use crate::results;

/// Longer paths have no use: no system call takes them, and their depth would exhaust descriptors.
const LONGEST_PATH_BYTES: usize = 4096;
/// 2,048 directories deep at most, below a kilobyte of stack each.
const STACK_BYTES: usize = 8 << 20;

type Done = Result<(), StepError>;

/// root, overlay (0 trusted, 1 user, 2 none), includeRoot, xattrs, u64 zerosFrom, name (empty: all that the root holds),
/// enterMounts, leaves -> the number of records; the handle of
/// { u32 socketCount, u32 zero, sockets (u32 length, bytes), 8-aligned records }.
pub fn walk_tree(mut request: Request<'_>, reply: &mut Reply<'_>, control: Control<'_>) -> Outcome {
    let root = request.text()?;
    let overlay_prefix: &[u8] = match request.u32()? {
        0 => b"trusted.overlay.",
        1 => b"user.overlay.",
        _ => b"",
    };
    let include_root = request.bool()?;
    let xattrs = request.bool()?;
    let zeros_from = request.u64()?;
    let name = request.text()?;
    let enter_mounts = request.bool()?;
    let leaves = request.texts()?;
    let handle = fs::open(&root, libc::O_RDONLY | libc::O_DIRECTORY, 0).step("open", root.as_bytes())?;
    let stat = fs::stat_fd(handle.as_fd()).step("statx", root.as_bytes())?;
    let mut walk = Walk {
        root: root.as_bytes(),
        overlay_prefix,
        xattrs,
        zeros_from,
        control,
        device: (stat.stx_dev_major, stat.stx_dev_minor),
        enter_mounts,
        leaves: &leaves,
        path: Vec::new(),
        records: Vec::with_capacity(64 << 10),
        entries: 0,
        links: HashMap::new(),
        sockets: Vec::new(),
        names: vec![0; LIMIT_BYTES],
        value: vec![0; LIMIT_BYTES],
    };
    let run = || {
        fs::own_working_directory().step("unshare", "")?;
        fs::change_directory(handle.as_fd()).step("chdir", walk.root)?;
        if include_root {
            walk.directory_record(c".", &stat)?;
        }
        if name.is_empty() {
            walk.directory(&handle)?;
        } else {
            walk.path.extend_from_slice(name.as_bytes());
            let stat = fs::stat_at(CWD, &name).map_err(|e| walk.failed("statx", e))?;
            walk.device = (stat.stx_dev_major, stat.stx_dev_minor);
            walk.entry(&handle, &name, &stat)?;
        }
        Ok(walk)
    };
    let walk = std::thread::scope(|scope| {
        let thread = std::thread::Builder::new().stack_size(STACK_BYTES).spawn_scoped(scope, run);
        match thread.map(|t| t.join()) {
            Ok(Ok(result)) => result,
            Ok(Err(_)) => Err(StepError::new("walk", Errno(libc::EFAULT), root.as_bytes())),
            Err(error) => Err(error.into()).step("start a thread", ""),
        }
    })?;
    let mut result =
        Vec::with_capacity(walk.records.len() + 8 + walk.sockets.iter().map(|s| s.len() + 4).sum::<usize>());
    result.extend_from_slice(&(walk.sockets.len() as u64).to_le_bytes());
    for socket in &walk.sockets {
        result.extend_from_slice(&(socket.len() as u32).to_le_bytes());
        result.extend_from_slice(socket);
    }
    result.resize(result.len().next_multiple_of(8), 0);
    result.extend_from_slice(&walk.records);
    results::keep(result, reply);
    Ok(walk.entries)
}

struct Walk<'a> {
    root: &'a [u8],
    /// With the dot; empty: an ordinary tree.
    overlay_prefix: &'a [u8],
    xattrs: bool,
    /// Files of this size are looked through for zeros; 0: none.
    zeros_from: u64,
    control: Control<'a>,
    /// Of the root.
    device: (u32, u32),
    enter_mounts: bool,
    /// Paths whose mount points are empty, whatever is mounted there.
    leaves: &'a [CString],
    /// Of the entry at hand, relative to the root.
    path: Vec<u8>,
    records: Vec<u8>,
    entries: i64,
    /// (inode, device) of files with several links -> the first path.
    links: HashMap<(u64, u32, u32), Vec<u8>>,
    sockets: Vec<Vec<u8>>,
    names: Vec<u8>,
    value: Vec<u8>,
}

impl Walk<'_> {
    fn failed(&self, step: &'static str, errno: Errno) -> StepError {
        let mut path = self.root.to_vec();
        if !self.path.is_empty() {
            path.push(b'/');
            path.extend_from_slice(&self.path);
        }
        StepError::new(step, errno, path)
    }

    /// The content of the working directory, whose descriptor is `handle`.
    fn directory(&mut self, handle: &OwnedFd) -> Done {
        if self.control.cancelled() {
            return Err(self.failed("walk", Errno(libc::ECANCELED)));
        }
        let names = read_directory(handle.as_fd()).map_err(|e| self.failed("getdents64", e))?;
        let length = self.path.len();
        for entry in names {
            if length > 0 {
                self.path.push(b'/');
            }
            self.path.extend_from_slice(entry.name.as_bytes());
            if self.path.len() > LONGEST_PATH_BYTES {
                return Err(self.failed("walk", Errno(libc::ENAMETOOLONG)));
            }
            match fs::stat_at(CWD, &entry.name) {
                Ok(stat) => self.entry(handle, &entry.name, &stat)?,
                // Removed since the directory was read: a tree in use changes.
                Err(Errno(libc::ENOENT)) => {}
                Err(error) => return Err(self.failed("statx", error)),
            }
            self.path.truncate(length);
        }
        Ok(())
    }

    fn entry(&mut self, parent: &OwnedFd, name: &CStr, stat: &Stat) -> Done {
        let overlay = !self.overlay_prefix.is_empty();
        match u32::from(stat.stx_mode) & libc::S_IFMT {
            libc::S_IFDIR => return self.subdirectory(parent, name),
            libc::S_IFSOCK => {
                self.sockets.push(self.path.clone());
                return Ok(());
            }
            // Before hard links are considered: overlay makes all whiteouts links of one inode.
            libc::S_IFCHR if overlay && (stat.stx_rdev_major, stat.stx_rdev_minor) == (0, 0) => {
                self.push(ENTRY_CHAR, RECORD_WHITEOUT, b"", b"", 0, None, stat);
                return Ok(());
            }
            _ => {}
        }
        if stat.stx_nlink > 1 {
            let identity = (stat.stx_ino, stat.stx_dev_major, stat.stx_dev_minor);
            if let Some(first) = self.links.get(&identity) {
                let first = first.clone();
                self.push(ENTRY_HARDLINK, 0, &first, b"", 0, None, stat);
                return Ok(());
            }
            self.links.insert(identity, self.path.clone());
        }
        let (xattrs, _) = self.read_xattrs(name)?;
        match u32::from(stat.stx_mode) & libc::S_IFMT {
            libc::S_IFREG => {
                let extents = self.extents(name, stat)?;
                self.push(ENTRY_REGULAR, 0, b"", &xattrs, stat.stx_size, extents.as_deref(), stat);
            }
            libc::S_IFLNK => match fs::read_link_at(CWD, name) {
                Ok(target) => self.push(ENTRY_SYMLINK, 0, &target, &xattrs, 0, None, stat),
                Err(Errno(libc::ENOENT)) => {}
                Err(error) => return Err(self.failed("readlink", error)),
            },
            libc::S_IFCHR => self.push(ENTRY_CHAR, 0, b"", &xattrs, 0, None, stat),
            libc::S_IFBLK => self.push(ENTRY_BLOCK, 0, b"", &xattrs, 0, None, stat),
            libc::S_IFIFO => self.push(ENTRY_FIFO, 0, b"", &xattrs, 0, None, stat),
            _ => {}
        }
        Ok(())
    }

    fn subdirectory(&mut self, parent: &OwnedFd, name: &CStr) -> Done {
        let flags = libc::O_RDONLY | libc::O_DIRECTORY | libc::O_NOFOLLOW | libc::O_NONBLOCK;
        let handle = match fs::open_at(CWD, name, flags, 0) {
            Ok(handle) => handle,
            // Replaced by something else, or removed, since it was looked at.
            Err(Errno(libc::ENOENT | libc::ENOTDIR | libc::ELOOP)) => return Ok(()),
            Err(error) => return Err(self.failed("open", error)),
        };
        let stat = fs::stat_fd(handle.as_fd()).map_err(|e| self.failed("statx", e))?;
        fs::change_directory(handle.as_fd()).map_err(|e| self.failed("chdir", e))?;
        self.directory_record(c".", &stat)?;
        if (stat.stx_dev_major, stat.stx_dev_minor) == self.device || self.enters(&handle) {
            self.directory(&handle)?;
        }
        fs::change_directory(parent.as_fd()).map_err(|e| self.failed("chdir", e))
    }

    /// Whether to go on into another file system than the root's.
    fn enters(&self, mounted: &OwnedFd) -> bool {
        self.enter_mounts
            && !self.leaves.iter().any(|leaf| leaf.as_bytes() == self.path)
            && !is_kernel_interface(mounted.as_fd())
    }

    fn directory_record(&mut self, name: &CStr, stat: &Stat) -> Done {
        let (xattrs, opaque) = self.read_xattrs(name)?;
        let flags = if opaque { RECORD_OPAQUE } else { 0 };
        self.push(ENTRY_DIRECTORY, flags, b"", &xattrs, 0, None, stat);
        Ok(())
    }

    #[expect(clippy::too_many_arguments, reason = "the fields of one record, named at the only place that builds it")]
    fn push(
        &mut self,
        kind: u8,
        flags: u8,
        link: &[u8],
        xattrs: &[u8],
        size: u64,
        extents: Option<&[(u64, u64)]>,
        stat: &Stat,
    ) {
        let entry = Entry { kind, flags, path: &self.path, link, xattrs, size, extents };
        push_record(&mut self.records, &entry, stat);
        self.entries += 1;
        self.control.advance(1);
    }

    /// The attributes of a name, sorted, without overlay's own; and whether overlay's say that it is opaque.
    fn read_xattrs(&mut self, name: &CStr) -> Result<(Vec<u8>, bool), StepError> {
        if !self.xattrs {
            return Ok((Vec::new(), false));
        }
        let target = Target::Path(name);
        let length = match xattr::list(target, &mut self.names) {
            Ok(0) | Err(Errno(libc::ENOENT)) => return Ok((Vec::new(), false)),
            Ok(length) => length,
            Err(error) => return Err(self.failed("listxattr", error)),
        };
        let (mut list, mut opaque) = (Vec::new(), false);
        let mut names: Vec<&[u8]> = self.names[..length].split_inclusive(|byte| *byte == 0).collect();
        names.sort_unstable();
        for attribute in names {
            let Ok(attribute) = CStr::from_bytes_with_nul(attribute) else { continue };
            let overlay_name = match self.overlay_prefix {
                b"" => None,
                prefix => attribute.to_bytes().strip_prefix(prefix),
            };
            if overlay_name.is_some_and(|rest| rest != b"opaque") {
                continue;
            }
            let value = match xattr::get(target, attribute, &mut self.value) {
                Ok(Some(length)) => &self.value[..length],
                Ok(None) | Err(Errno(libc::ENOENT)) => continue,
                Err(error) => return Err(self.failed("getxattr", error)),
            };
            if overlay_name.is_some() {
                opaque |= value == b"y";
            } else {
                push_xattr(&mut list, attribute.to_bytes(), value);
            }
        }
        Ok((list, opaque))
    }

    /// The data extents of a file that has holes; None if it has none.
    fn extents(&self, name: &CStr, stat: &Stat) -> Result<Option<Vec<(u64, u64)>>, StepError> {
        let size = stat.stx_size;
        let by_content = self.zeros_from > 0 && size >= self.zeros_from;
        if !by_content && stat.stx_blocks.saturating_mul(512) >= size {
            return Ok(None);
        }
        let file = match fs::open_at(CWD, name, libc::O_RDONLY | libc::O_NOFOLLOW | libc::O_NONBLOCK, 0) {
            Ok(file) => file,
            Err(Errno(libc::ENOENT | libc::ELOOP | libc::EACCES)) => return Ok(None),
            Err(error) => return Err(self.failed("open", error)),
        };
        let failed = |(step, error)| self.failed(step, error);
        let mut extents = holes::data_extents(file.as_fd(), size).map_err(failed)?;
        if by_content {
            extents = holes::without_zeros(file.as_fd(), size, &extents, &self.control).map_err(failed)?;
        }
        match extents.as_slice() {
            // Compressed by the file system rather than sparse.
            [(0, bytes)] if *bytes == size => return Ok(None),
            // A hole at the end has no data extent; all hole would read as "not sparse".
            [] => extents.push((size, 0)),
            _ => {}
        }
        Ok(Some(extents))
    }
}
