//! Copies a file or a tree from one open directory into another: between a container and the host, whose trees may
//! change meanwhile. Every step takes a bare name below an open directory and follows no symbolic link.

use std::collections::HashMap;
use std::ffi::{CStr, CString};
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};

use gantry_sys::dir::read_directory;
use gantry_sys::door::Control;
use gantry_sys::errno::{Errno, StepContext, StepError};
use gantry_sys::format::*;
use gantry_sys::fs::{self, Stat, c_path, resolve};
use gantry_sys::xattr::{self, LIMIT_BYTES, Target};

use crate::copy;
use crate::holes::data_extents;
use crate::message::{Outcome, Reply, Request};
use crate::mounts::is_kernel_interface;
use crate::place::{Attributes, Done, NewFile, Owner, Placer, open_regular};
use crate::record::push_xattr;
use crate::results;

/// Longer paths have no use: no system call takes them, and their depth would exhaust descriptors.
const LONGEST_PATH_BYTES: usize = 4096;
/// 2,048 directories deep at most, below a kilobyte of stack each.
const STACK_BYTES: usize = 8 << 20;
const BLOCK_BYTES: u64 = 512;
/// Up to this size, reading into memory and writing is faster than asking the kernel to copy.
const SMALL_BYTES: u64 = LIMIT_BYTES as u64;

const CONFINED: u64 = resolve::BENEATH | resolve::NO_SYMLINKS | resolve::NO_MAGICLINKS;

/// source (any file; O_PATH will do), target directory, target name (empty: what the source holds goes into the directory),
/// owned, uid, gid, leaves -> the number of entries; the handle of { u64 tarBytes, u32 socketCount,
/// u32 changedCount, paths (u32 length, bytes) }.
pub fn copy_tree(mut request: Request<'_>, reply: &mut Reply<'_>, control: Control<'_>) -> Outcome {
    let source = request.fd()?;
    let target = request.fd()?;
    let target_name = request.text()?;
    let owner = request.owner()?;
    let leaves = request.texts()?;
    let mut tree = Copier {
        target,
        placer: Placer::new(owner),
        control,
        leaves: &leaves,
        source_path: Vec::new(),
        target_path: Vec::new(),
        links: HashMap::new(),
        names: vec![0; LIMIT_BYTES],
        value: vec![0; LIMIT_BYTES],
        entries: 0,
        tar_bytes: 2 * BLOCK_BYTES,
        sockets: Vec::new(),
        changed: Vec::new(),
    };
    let run = || {
        tree.target_path = target_name.to_bytes().to_vec();
        tree.root(source, target, &target_name)?;
        Ok(tree)
    };
    let tree = std::thread::scope(|scope| {
        let thread = std::thread::Builder::new().stack_size(STACK_BYTES).spawn_scoped(scope, run);
        match thread.map(|t| t.join()) {
            Ok(Ok(result)) => result,
            Ok(Err(_)) => Err(StepError::new("copy", Errno(libc::EFAULT), "")),
            Err(error) => Err(error.into()).step("start a thread", ""),
        }
    })?;
    let mut result = tree.tar_bytes.to_le_bytes().to_vec();
    result.extend_from_slice(&(tree.sockets.len() as u32).to_le_bytes());
    result.extend_from_slice(&(tree.changed.len() as u32).to_le_bytes());
    for path in tree.sockets.iter().chain(&tree.changed) {
        result.extend_from_slice(&(path.len() as u32).to_le_bytes());
        result.extend_from_slice(path);
    }
    results::keep(result, reply);
    Ok(tree.entries)
}

struct Copier<'a> {
    target: BorrowedFd<'a>,
    placer: Placer,
    control: Control<'a>,
    /// Source paths at which a mount point is copied as an empty directory, whatever is mounted there.
    leaves: &'a [CString],
    /// Of the entry at hand, below the source directory; and below the target directory.
    source_path: Vec<u8>,
    target_path: Vec<u8>,
    /// (inode, device) of a source file with several links -> the target path of its copy, and that copy's inode.
    links: HashMap<(u64, u32, u32), (Vec<u8>, u64)>,
    names: Vec<u8>,
    value: Vec<u8>,
    entries: i64,
    /// What a tar of the same would take.
    tar_bytes: u64,
    sockets: Vec<Vec<u8>>,
    changed: Vec<Vec<u8>>,
}

impl Copier<'_> {
    /// The source itself, whatever it is.
    fn root(&mut self, source: BorrowedFd<'_>, target: BorrowedFd<'_>, to: &CStr) -> Done {
        let stat = fs::stat_fd(source).step("statx", "")?;
        let kind = kind_of(&stat);
        if kind == Some(ENTRY_DIRECTORY) {
            let flags = libc::O_RDONLY | libc::O_DIRECTORY;
            let directory = fs::open_at(source, c".", flags, 0).step("open", "")?;
            return match to.is_empty() {
                true => self.content(directory.as_fd(), target),
                false => self.open_directory(directory.as_fd(), &stat, target, to),
            };
        }
        let copied = match kind {
            None => {
                self.sockets.push(Vec::new());
                return Ok(());
            }
            Some(ENTRY_REGULAR) => fs::open(&fs::descriptor_path(source), libc::O_RDONLY | libc::O_NONBLOCK, 0)
                .step("open", "")
                .and_then(|file| self.regular_file(file.as_fd(), &stat, target, to)),
            Some(kind) => self.special_file(source, kind, &stat, target, to),
        };
        copied.map_err(|error| self.told(error))
    }

    fn content(&mut self, source: BorrowedFd<'_>, target: BorrowedFd<'_>) -> Done {
        if self.control.cancelled() {
            return Err(self.failed("copy", Errno(libc::ECANCELED)));
        }
        let parent = fs::stat_fd(source).map_err(|e| self.failed("statx", e))?;
        let names = read_directory(source).map_err(|e| self.failed("getdents64", e))?;
        let (source_length, target_length) = (self.source_path.len(), self.target_path.len());
        for entry in names {
            push_name(&mut self.source_path, entry.name.as_bytes());
            push_name(&mut self.target_path, entry.name.as_bytes());
            if self.source_path.len().max(self.target_path.len()) > LONGEST_PATH_BYTES {
                return Err(self.failed("copy", Errno(libc::ENAMETOOLONG)));
            }
            match fs::stat_at(source, &entry.name) {
                Ok(stat) => self.entry(source, &parent, &entry.name, &stat, target, &entry.name)?,
                // Removed since the directory was read: a tree in use changes.
                Err(Errno(libc::ENOENT)) => {}
                Err(error) => return Err(self.failed("statx", error)),
            }
            self.source_path.truncate(source_length);
            self.target_path.truncate(target_length);
        }
        Ok(())
    }

    fn entry(
        &mut self,
        source: BorrowedFd<'_>,
        parent: &Stat,
        name: &CStr,
        stat: &Stat,
        target: BorrowedFd<'_>,
        to: &CStr,
    ) -> Done {
        let Some(kind) = kind_of(stat) else {
            self.sockets.push(self.source_path.clone());
            return Ok(());
        };
        if kind == ENTRY_DIRECTORY {
            return self.directory(source, parent, name, target, to);
        }
        let identity = (stat.stx_ino, stat.stx_dev_major, stat.stx_dev_minor);
        if stat.stx_nlink > 1 && self.link(&identity, target, to)? {
            self.count(0);
            return Ok(());
        }
        let copied = match kind {
            ENTRY_REGULAR => self.regular(source, name, target, to),
            _ => self.special(source, name, kind, stat, target, to),
        };
        if !copied.map_err(|error| self.told(error))? {
            self.changed.push(self.source_path.clone());
            return Ok(());
        }
        if stat.stx_nlink > 1
            && let Ok(made) = fs::stat_at(target, to)
        {
            self.links.insert(identity, (self.target_path.clone(), made.stx_ino));
        }
        Ok(())
    }

    fn directory(
        &mut self,
        source: BorrowedFd<'_>,
        parent: &Stat,
        name: &CStr,
        target: BorrowedFd<'_>,
        to: &CStr,
    ) -> Done {
        let flags = libc::O_RDONLY | libc::O_DIRECTORY | libc::O_NOFOLLOW | libc::O_NONBLOCK;
        let opened = fs::open_at(source, name, flags, 0);
        let handle = match opened {
            Ok(handle) => handle,
            Err(Errno(libc::ENOENT | libc::ENOTDIR | libc::ELOOP)) => {
                self.changed.push(self.source_path.clone());
                return Ok(());
            }
            Err(error) => return Err(self.failed("open", error)),
        };
        let stat = fs::stat_fd(handle.as_fd()).map_err(|e| self.failed("statx", e))?;
        let mounted = (stat.stx_dev_major, stat.stx_dev_minor) != (parent.stx_dev_major, parent.stx_dev_minor);
        if mounted && self.is_leaf(handle.as_fd()) {
            return self.placed_directory(handle.as_fd(), &stat, target, to).map(drop);
        }
        self.open_directory(handle.as_fd(), &stat, target, to)
    }

    fn is_leaf(&self, mounted: BorrowedFd<'_>) -> bool {
        self.leaves.iter().any(|leaf| leaf.as_bytes() == self.source_path) || is_kernel_interface(mounted)
    }

    /// Copies an open directory with all that is in it.
    fn open_directory(&mut self, source: BorrowedFd<'_>, stat: &Stat, target: BorrowedFd<'_>, to: &CStr) -> Done {
        let made = self.placer.directory(target, to).map_err(|error| self.told(error))?;
        self.content(source, made.0.as_fd())?;
        self.finish_directory(source, stat, &made)
    }

    fn placed_directory(&mut self, source: BorrowedFd<'_>, stat: &Stat, target: BorrowedFd<'_>, to: &CStr) -> Done {
        let made = self.placer.directory(target, to).map_err(|error| self.told(error))?;
        self.finish_directory(source, stat, &made)
    }

    fn finish_directory(&mut self, source: BorrowedFd<'_>, stat: &Stat, made: &(OwnedFd, bool)) -> Done {
        let xattrs = self.read_xattrs(source)?;
        let attributes = attributes_of(ENTRY_DIRECTORY, stat, &xattrs);
        let finished = self.placer.finish_directory(made.0.as_fd(), &attributes, made.1);
        finished.map_err(|error| self.told(error))?;
        self.count(0);
        Ok(())
    }

    /// Makes `to` another name of the copy of a file that has been copied under its first name.
    fn link(&mut self, identity: &(u64, u32, u32), target: BorrowedFd<'_>, to: &CStr) -> Result<bool, StepError> {
        let Some((first, inode)) = self.links.get(identity) else { return Ok(false) };
        let (parent, name) = match first.iter().rposition(|byte| *byte == b'/') {
            Some(slash) => (&first[..slash], &first[slash + 1..]),
            None => (&b"."[..], &first[..]),
        };
        let name = c_path(name).step("link", first)?;
        let flags = libc::O_PATH | libc::O_DIRECTORY;
        let parent = c_path(parent).and_then(|path| fs::open_at2(self.target, &path, flags, 0, CONFINED));
        let Ok(parent) = parent else { return Ok(false) };
        // The first copy may have been replaced by somebody: then this one is a file of its own.
        if !fs::stat_at(parent.as_fd(), &name).is_ok_and(|stat| stat.stx_ino == *inode) {
            return Ok(false);
        }
        self.placer.link(parent.as_fd(), &name, target, to).map_err(|error| self.told(error))?;
        Ok(true)
    }

    /// False: something else is there by now.
    fn regular(
        &mut self,
        source: BorrowedFd<'_>,
        name: &CStr,
        target: BorrowedFd<'_>,
        to: &CStr,
    ) -> Result<bool, StepError> {
        let (file, stat) = match open_regular(source, name, libc::O_RDONLY | libc::O_NONBLOCK) {
            Ok(opened) => opened,
            Err(Errno(libc::ENOENT | libc::ELOOP | libc::ESTALE)) => return Ok(false),
            Err(error) => return Err(error).step("open", ""),
        };
        self.regular_file(file.as_fd(), &stat, target, to).map(|()| true)
    }

    fn regular_file(&mut self, file: BorrowedFd<'_>, stat: &Stat, target: BorrowedFd<'_>, to: &CStr) -> Done {
        let xattrs = self.read_xattrs(file)?;
        let new = self.placer.begin_file(target, to, stat.stx_size)?;
        let copied = match self.data(file, stat, &new) {
            Ok(copied) => copied,
            Err(error) => {
                self.placer.abandon_file(target, to, new);
                return Err(error);
            }
        };
        self.placer.finish_file(target, to, new, &attributes_of(ENTRY_REGULAR, stat, &xattrs))?;
        // Files of the kernel's interfaces are shorter than they say, always: only one that shrank has changed.
        if copied < stat.stx_size && fs::stat_fd(file).is_ok_and(|now| now.stx_size < stat.stx_size) {
            self.changed.push(self.source_path.clone());
        }
        self.count(copied.max(stat.stx_size));
        Ok(())
    }

    /// Copies what the file holds, holes as holes; returns where it ends.
    fn data(&mut self, from: BorrowedFd<'_>, stat: &Stat, new: &NewFile) -> Result<u64, StepError> {
        let size = stat.stx_size;
        let to = new.file.as_fd();
        if size == 0 {
            return self.unsized_data(from, to);
        }
        if stat.stx_blocks.saturating_mul(512) >= size {
            return match size <= SMALL_BYTES {
                true => self.small_data(from, to, size as usize),
                false => copy::copy(from, 0, to, Some(0), size, self.control),
            };
        }
        let extents = data_extents(from, size).map_err(|(step, errno)| StepError::new(step, errno, ""))?;
        let mut end = size;
        for (offset, bytes) in extents {
            let copied = copy::copy(from, offset, to, Some(offset), bytes, self.control)?;
            if copied < bytes {
                end = offset + copied;
                break;
            }
        }
        fs::truncate(to, end).step("ftruncate", "")?;
        Ok(end)
    }

    fn small_data(&mut self, from: BorrowedFd<'_>, to: BorrowedFd<'_>, size: usize) -> Result<u64, StepError> {
        let mut filled = 0;
        while filled < size {
            match fs::read_at(from, &mut self.value[filled..size], filled as u64).step("read", "")? {
                0 => break,
                length => filled += length,
            }
        }
        fs::write_all_at(to, &self.value[..filled], 0).step("write", "")?;
        self.control.advance(filled as u64);
        Ok(filled as u64)
    }

    /// A file that says that it is empty: of the kernel's interfaces most are not.
    fn unsized_data(&mut self, from: BorrowedFd<'_>, to: BorrowedFd<'_>) -> Result<u64, StepError> {
        let mut done = 0;
        loop {
            let length = fs::read_at(from, &mut self.value, done).step("read", "")?;
            if length == 0 || self.control.cancelled() {
                return Ok(done);
            }
            fs::write_all_at(to, &self.value[..length], done).step("write", "")?;
            done += length as u64;
        }
    }

    fn special(
        &mut self,
        source: BorrowedFd<'_>,
        name: &CStr,
        kind: u8,
        stat: &Stat,
        target: BorrowedFd<'_>,
        to: &CStr,
    ) -> Result<bool, StepError> {
        let handle = match fs::open_at(source, name, libc::O_PATH | libc::O_NOFOLLOW, 0) {
            Ok(handle) => handle,
            Err(Errno(libc::ENOENT)) => return Ok(false),
            Err(error) => return Err(error).step("open", ""),
        };
        let now = fs::stat_fd(handle.as_fd()).step("statx", "")?;
        if (now.stx_ino, now.stx_mode) != (stat.stx_ino, stat.stx_mode) {
            return Ok(false);
        }
        self.special_file(handle.as_fd(), kind, &now, target, to).map(|()| true)
    }

    fn special_file(
        &mut self,
        source: BorrowedFd<'_>,
        kind: u8,
        stat: &Stat,
        target: BorrowedFd<'_>,
        to: &CStr,
    ) -> Done {
        let link = match kind {
            ENTRY_SYMLINK => fs::read_link_at(source, c"").step("readlink", "")?,
            _ => Vec::new(),
        };
        let xattrs = self.read_xattrs(source)?;
        self.placer.special(target, to, &attributes_of(kind, stat, &xattrs), &link)?;
        self.count(0);
        Ok(())
    }

    fn read_xattrs(&mut self, file: BorrowedFd<'_>) -> Result<Vec<u8>, StepError> {
        let target = Target::File(file);
        let length = xattr::list(target, &mut self.names).map_err(|e| self.failed("listxattr", e))?;
        let mut list = Vec::new();
        for attribute in self.names[..length].split_inclusive(|byte| *byte == 0) {
            let Ok(attribute) = CStr::from_bytes_with_nul(attribute) else { continue };
            match xattr::get(target, attribute, &mut self.value) {
                Ok(Some(length)) => push_xattr(&mut list, attribute.to_bytes(), &self.value[..length]),
                Ok(None) | Err(Errno(libc::EPERM | libc::EACCES)) => {}
                Err(error) => return Err(self.failed("getxattr", error)),
            }
        }
        Ok(list)
    }

    fn count(&mut self, data_bytes: u64) {
        self.entries += 1;
        self.tar_bytes += BLOCK_BYTES + data_bytes.next_multiple_of(BLOCK_BYTES);
    }

    fn failed(&self, step: &'static str, errno: Errno) -> StepError {
        StepError::new(step, errno, &self.source_path)
    }

    /// Errors of the target side name the target's path.
    fn told(&self, error: StepError) -> StepError {
        StepError { path: self.target_path.clone(), ..error }
    }
}

/// `ENTRY_*`; None for a socket, which cannot be copied.
fn kind_of(stat: &Stat) -> Option<u8> {
    match u32::from(stat.stx_mode) & libc::S_IFMT {
        libc::S_IFDIR => Some(ENTRY_DIRECTORY),
        libc::S_IFREG => Some(ENTRY_REGULAR),
        libc::S_IFLNK => Some(ENTRY_SYMLINK),
        libc::S_IFCHR => Some(ENTRY_CHAR),
        libc::S_IFBLK => Some(ENTRY_BLOCK),
        libc::S_IFIFO => Some(ENTRY_FIFO),
        _ => None,
    }
}

fn push_name(path: &mut Vec<u8>, name: &[u8]) {
    if !path.is_empty() {
        path.push(b'/');
    }
    path.extend_from_slice(name);
}

fn attributes_of<'a>(kind: u8, stat: &Stat, xattrs: &'a [u8]) -> Attributes<'a> {
    Attributes {
        kind,
        mode: u32::from(stat.stx_mode) & 0o7777,
        uid: stat.stx_uid,
        gid: stat.stx_gid,
        device: (stat.stx_rdev_major, stat.stx_rdev_minor),
        time: (stat.stx_mtime.tv_sec, stat.stx_mtime.tv_nsec),
        xattrs,
    }
}

impl Request<'_> {
    /// owned, uid, gid.
    pub fn owner(&mut self) -> Result<Owner, StepError> {
        let (fixed, uid, gid) = (self.bool()?, self.u32()?, self.u32()?);
        Ok(if fixed { Owner::Fixed { uid, gid } } else { Owner::AsSource })
    }
}
