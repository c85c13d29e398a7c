//! Puts files into a directory that others may be changing at the same time, as `docker cp` does: a directory joins the
//! directory that is there, anything else replaces the file that is there, and one kind never replaces the other.
//!
//! Every name is a single component below an open directory, and is never followed: whoever swaps a directory for a
//! symbolic link in the middle of a copy has it made beside or inside of what was opened, never elsewhere.

use std::ffi::{CStr, CString};
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::sync::atomic::{AtomicU64, Ordering};

use gantry_sys::errno::{Errno, StepContext, StepError};
use gantry_sys::format::*;
use gantry_sys::fs::{self, CWD, Stat, c_path};
use gantry_sys::xattr::{self, Target};

use crate::index::Xattrs;

pub type Done = Result<(), StepError>;

/// Refusals that TypeScript words as Docker does; each comes with an errno of its own.
pub const OVER_DIRECTORY: &str = "overwrite directory with non-directory";
pub const OVER_FILE: &str = "overwrite non-directory with directory";
pub const OUTSIDE: &str = "leave the destination";

/// Files of at least so many bytes get their name only when they are whole.
const LARGE_BYTES: u64 = 1 << 20;

/// Who copied files belong to.
#[derive(Clone, Copy)]
pub enum Owner {
    AsSource,
    Fixed { uid: u32, gid: u32 },
}

/// What a file is but for its content.
pub struct Attributes<'a> {
    /// `ENTRY_*`, never ENTRY_HARDLINK.
    pub kind: u8,
    pub mode: u32,
    pub uid: u32,
    pub gid: u32,
    pub device: (u32, u32),
    pub time: (i64, u32),
    /// As an entry record holds them.
    pub xattrs: &'a [u8],
}

pub struct Placer {
    owner: Owner,
    /// Who new files belong to without chown.
    own_ids: (u32, u32),
}

/// A regular file in the making.
pub struct NewFile {
    pub file: OwnedFd,
    name: Interim,
    /// Whether something else has its name so far.
    pub replaces: bool,
}

/// What a file is called until it is whole.
enum Interim {
    /// As it will be.
    Own,
    Other(CString),
    /// It has no name: nothing is left of it if we are killed.
    None,
}

impl Placer {
    pub fn new(owner: Owner) -> Self {
        Placer { owner, own_ids: fs::creator_ids() }
    }

    /// Makes the directory unless it is there; returns it open, and whether it was there.
    pub fn directory(&self, parent: BorrowedFd<'_>, name: &CStr) -> Result<(OwnedFd, bool), StepError> {
        let at = name.to_bytes();
        let existed = match fs::make_directory_at(parent, name, 0o700) {
            Ok(()) => false,
            Err(Errno(libc::EEXIST)) => true,
            Err(error) => return Err(error).step("mkdir", at),
        };
        let flags = libc::O_RDONLY | libc::O_DIRECTORY | libc::O_NOFOLLOW;
        match fs::open_at(parent, name, flags, 0) {
            Ok(directory) => Ok((directory, existed)),
            Err(errno @ Errno(libc::ENOTDIR | libc::ELOOP)) => Err(StepError::new(OVER_FILE, errno, at)),
            Err(error) => Err(error).step("open", at),
        }
    }

    /// Gives a directory, once all is in it, its attributes. One that was there keeps its owner unless the source's is wanted.
    pub fn finish_directory(&self, directory: BorrowedFd<'_>, attributes: &Attributes<'_>, existed: bool) -> Done {
        if !(existed && matches!(self.owner, Owner::Fixed { .. })) {
            let (uid, gid) = self.ids(attributes);
            fs::change_owner(directory, uid, gid).step("chown", "")?;
        }
        fs::change_mode(directory, self.mode(attributes)).step("chmod", "")?;
        set_xattrs(Target::File(directory), attributes)?;
        fs::change_times(directory, attributes.time).step("utimensat", "")
    }

    /// Begins a regular file of `size` bytes.
    pub fn begin_file(&self, parent: BorrowedFd<'_>, name: &CStr, size: u64) -> Result<NewFile, StepError> {
        let at = name.to_bytes();
        let replaces = exists_as_file(parent, name)?;
        let flags = libc::O_RDWR | libc::O_CREAT | libc::O_EXCL | libc::O_NOFOLLOW;
        if size >= LARGE_BYTES {
            // Where the file system cannot do that, there is the other way.
            if let Ok(file) = fs::open_at(parent, c".", libc::O_TMPFILE | libc::O_RDWR, 0o600) {
                return Ok(NewFile { file, name: Interim::None, replaces });
            }
        } else if !replaces {
            match fs::open_at(parent, name, flags, 0o600) {
                Ok(file) => return Ok(NewFile { file, name: Interim::Own, replaces }),
                Err(Errno(libc::EEXIST)) => {}
                Err(error) => return Err(error).step("open", at),
            }
        }
        let make = |interim: &CStr| fs::open_at(parent, interim, flags, 0o600);
        let (interim, file) = with_interim_name(make).step("open", at)?;
        Ok(NewFile { file, name: Interim::Other(interim), replaces })
    }

    /// The file is whole: gives it its attributes and its name.
    pub fn finish_file(&self, parent: BorrowedFd<'_>, name: &CStr, new: NewFile, attributes: &Attributes<'_>) -> Done {
        let at = name.to_bytes();
        if let Err(error) = self.file_attributes(new.file.as_fd(), attributes) {
            self.abandon_file(parent, name, new);
            return Err(named(error, at));
        }
        let link = |name: &CStr| fs::link_descriptor(new.file.as_fd(), parent, name);
        let interim = match &new.name {
            Interim::Own => return Ok(()),
            Interim::Other(interim) => interim.clone(),
            Interim::None => {
                if !new.replaces && link(name).is_ok() {
                    return Ok(());
                }
                with_interim_name(link).step("link", at)?.0
            }
        };
        match rename_over(parent, &interim, name) {
            Err(StepError { errno: Errno(libc::EBUSY), .. }) => {
                let written = write_in_place(parent, name, new.file.as_fd());
                let _ = fs::unlink_at(parent, &interim, 0);
                written
            }
            other => other,
        }
    }

    /// Removes what there is of a file that will not be whole.
    pub fn abandon_file(&self, parent: BorrowedFd<'_>, name: &CStr, new: NewFile) {
        let _ = match &new.name {
            Interim::Own => fs::unlink_at(parent, name, 0),
            Interim::Other(interim) => fs::unlink_at(parent, interim, 0),
            Interim::None => Ok(()),
        };
    }

    fn file_attributes(&self, file: BorrowedFd<'_>, attributes: &Attributes<'_>) -> Done {
        let ids = self.ids(attributes);
        if ids != self.own_ids {
            fs::change_owner(file, ids.0, ids.1).step("chown", "")?;
        }
        // After chown, which clears setuid and setgid; and attributes after that: chown and write clear capabilities.
        fs::change_mode(file, self.mode(attributes)).step("chmod", "")?;
        set_xattrs(Target::File(file), attributes)?;
        fs::change_times(file, attributes.time).step("utimensat", "")
    }

    /// Makes a symbolic link, a device or a pipe.
    pub fn special(&self, parent: BorrowedFd<'_>, name: &CStr, attributes: &Attributes<'_>, link: &[u8]) -> Done {
        let at = name.to_bytes();
        let target = c_path(link).step("symlink", at)?;
        let make = |name: &CStr| match attributes.kind {
            ENTRY_SYMLINK => fs::symlink_at(&target, parent, name),
            ENTRY_CHAR => fs::make_node_at(parent, name, libc::S_IFCHR | 0o600, attributes.device),
            ENTRY_BLOCK => fs::make_node_at(parent, name, libc::S_IFBLK | 0o600, attributes.device),
            _ => fs::make_node_at(parent, name, libc::S_IFIFO | 0o600, (0, 0)),
        };
        let step = match attributes.kind {
            ENTRY_SYMLINK => "symlink",
            _ => "mknod",
        };
        self.make(parent, name, step, make, |made| self.special_attributes(parent, made, attributes))
    }

    /// Makes a further name of a file; a symbolic link is linked itself.
    pub fn link(&self, from: BorrowedFd<'_>, from_name: &CStr, parent: BorrowedFd<'_>, name: &CStr) -> Done {
        let make = |name: &CStr| fs::link_at(from, from_name, parent, name);
        self.make(parent, name, "link", make, |_| Ok(()))
    }

    /// Makes something that is no directory under its name, or, if that is taken, under another and renames it.
    fn make(
        &self,
        parent: BorrowedFd<'_>,
        name: &CStr,
        step: &'static str,
        make: impl Fn(&CStr) -> Result<(), Errno>,
        finish: impl Fn(&CStr) -> Done,
    ) -> Done {
        let at = name.to_bytes();
        if !exists_as_file(parent, name)? {
            match make(name) {
                Ok(()) => return finish(name).map_err(|error| named(error, at)),
                Err(Errno(libc::EEXIST)) => {}
                Err(error) => return Err(error).step(step, at),
            }
        }
        let (interim, ()) = with_interim_name(make).step(step, at)?;
        let finished = finish(&interim).map_err(|error| named(error, at));
        let renamed = finished.and_then(|()| rename_over(parent, &interim, name));
        // Also after success: renaming one name of a file to another name of the same file leaves both.
        let _ = fs::unlink_at(parent, &interim, 0);
        renamed
    }

    fn special_attributes(&self, parent: BorrowedFd<'_>, name: &CStr, attributes: &Attributes<'_>) -> Done {
        let ids = self.ids(attributes);
        if ids != self.own_ids {
            fs::change_owner_at(parent, name, ids.0, ids.1).step("chown", "")?;
        }
        // By descriptor: chmod and setxattr would follow what has been put in its place, out of the container too.
        let file = fs::open_at(parent, name, libc::O_PATH | libc::O_NOFOLLOW, 0).step("open", "")?;
        if attributes.kind != ENTRY_SYMLINK {
            let link = fs::descriptor_path(file.as_fd());
            fs::change_mode_at(CWD, &link, self.mode(attributes)).step("chmod", "")?;
        }
        set_xattrs(Target::File(file.as_fd()), attributes)?;
        fs::change_times_at(parent, name, attributes.time).step("utimensat", "")
    }

    fn ids(&self, attributes: &Attributes<'_>) -> (u32, u32) {
        match self.owner {
            Owner::AsSource => (attributes.uid, attributes.gid),
            Owner::Fixed { uid, gid } => (uid, gid),
        }
    }

    /// A program that was to run as its owner must not run as another one.
    fn mode(&self, attributes: &Attributes<'_>) -> u32 {
        let (uid, gid) = self.ids(attributes);
        let mut mode = attributes.mode;
        if attributes.kind == ENTRY_REGULAR && uid != attributes.uid {
            mode &= !libc::S_ISUID;
        }
        if attributes.kind == ENTRY_REGULAR && gid != attributes.gid {
            mode &= !libc::S_ISGID;
        }
        mode
    }
}

/// Whether something that is no directory has the name.
fn exists_as_file(parent: BorrowedFd<'_>, name: &CStr) -> Result<bool, StepError> {
    match fs::stat_at(parent, name) {
        Ok(stat) if is_directory(&stat) => Err(StepError::new(OVER_DIRECTORY, Errno(libc::EISDIR), name.to_bytes())),
        Ok(_) => Ok(true),
        Err(Errno(libc::ENOENT)) => Ok(false),
        Err(error) => Err(error).step("statx", name.to_bytes()),
    }
}

pub fn is_directory(stat: &Stat) -> bool {
    u32::from(stat.stx_mode) & libc::S_IFMT == libc::S_IFDIR
}

/// Opens a name that has to be a regular file, and nothing else ever: opening a device may do things, a pipe may block.
///
/// # Errors
/// ESTALE if something else is there by now; what openat says.
pub fn open_regular(parent: BorrowedFd<'_>, name: &CStr, flags: i32) -> Result<(OwnedFd, Stat), Errno> {
    let handle = fs::open_at(parent, name, libc::O_PATH | libc::O_NOFOLLOW, 0)?;
    let stat = fs::stat_fd(handle.as_fd())?;
    if u32::from(stat.stx_mode) & libc::S_IFMT != libc::S_IFREG {
        return Err(Errno(libc::ESTALE));
    }
    Ok((fs::open(&fs::descriptor_path(handle.as_fd()), flags, 0)?, stat))
}

/// A mount point cannot be replaced (/etc/hosts of a running container), but written.
fn write_in_place(parent: BorrowedFd<'_>, name: &CStr, from: BorrowedFd<'_>) -> Done {
    let write = || {
        let (target, _) = open_regular(parent, name, libc::O_WRONLY)?;
        let size = fs::stat_fd(from)?.stx_size;
        fs::truncate(target.as_fd(), 0)?;
        let mut buffer = vec![0; 256 << 10];
        let mut done = 0;
        while done < size {
            let length = fs::read_at(from, &mut buffer, done)?;
            if length == 0 {
                break;
            }
            fs::write_all_at(target.as_fd(), &buffer[..length], done)?;
            done += length as u64;
        }
        Ok(())
    };
    write().step("write", name.to_bytes())
}

fn rename_over(parent: BorrowedFd<'_>, interim: &CStr, name: &CStr) -> Done {
    fs::rename_at2(parent, interim, parent, name, 0).step("rename", name.to_bytes()).inspect_err(|error| {
        if error.errno != Errno(libc::EBUSY) {
            let _ = fs::unlink_at(parent, interim, 0);
        }
    })
}

/// Calls `make` with a name that nobody has.
fn with_interim_name<T>(make: impl Fn(&CStr) -> Result<T, Errno>) -> Result<(CString, T), Errno> {
    static NEXT: AtomicU64 = AtomicU64::new(0);
    loop {
        let number = NEXT.fetch_add(1, Ordering::Relaxed);
        let name = c_path(format!(".gantry-cp-{}-{number}", std::process::id()).as_bytes())?;
        match make(&name) {
            Ok(made) => return Ok((name, made)),
            Err(Errno(libc::EEXIST)) => {}
            Err(error) => return Err(error),
        }
    }
}

/// An error about a file says which, where it does not yet.
pub fn named(mut error: StepError, path: &[u8]) -> StepError {
    if error.path.is_empty() {
        error.path = path.to_vec();
    }
    error
}

/// Sets what the target can carry. What it cannot (no xattrs there, not allowed to this user, not for this type) is left
/// out, as Docker and cp do.
fn set_xattrs(target: Target<'_>, attributes: &Attributes<'_>) -> Done {
    for (name, value) in Xattrs(attributes.xattrs).flatten().filter(|(name, _)| travels(name)) {
        match xattr::set(target, &c_path(name).step("setxattr", "")?, value) {
            Ok(()) | Err(Errno(libc::ENOTSUP | libc::EPERM | libc::EACCES | libc::EINVAL)) => {}
            Err(error) => return Err(error).step("setxattr", ""),
        }
    }
    Ok(())
}

/// Labels and signatures of a security module mean something on the machine they were made on only; overlay's direct mounts.
fn travels(name: &[u8]) -> bool {
    let of_module = |space: &[u8]| name == space || name.starts_with(&[space, b"."].concat());
    let labels: [&[u8]; 5] =
        [b"security.selinux", b"security.ima", b"security.evm", b"security.SMACK64", b"security.apparmor"];
    !name.starts_with(b"trusted.overlay.") && !labels.iter().any(|label| of_module(label))
}
