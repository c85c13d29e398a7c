//! Paths of the container, resolved before the container's root is the root.

use std::ffi::CString;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::os::unix::ffi::OsStrExt;
use std::path::Path;

use gantry_sys::errno::{Result as SysResult, StepContext};
use gantry_sys::{Errno, fs, libc};

use crate::error::Result;

/// As many symbolic links as the kernel follows in one path.
const MAX_LINKS: usize = 40;
const CONFINED: u64 = fs::resolve::IN_ROOT | fs::resolve::NO_MAGICLINKS;

/// A directory that paths are resolved in as if it were `/`: `..` and absolute symbolic links stay inside.
pub struct Jail {
    root: OwnedFd,
}

impl Jail {
    pub fn open(root: &Path) -> Result<Self> {
        let path = fs::c_path(root.as_os_str().as_bytes()).step("open rootfs", root.as_os_str().as_bytes())?;
        let flags = libc::O_PATH | libc::O_DIRECTORY;
        Ok(Jail { root: fs::open(&path, flags, 0).step("open rootfs", root.as_os_str().as_bytes())? })
    }

    pub fn root(&self) -> BorrowedFd<'_> {
        self.root.as_fd()
    }

    /// `openat2(2)` inside; O_PATH | O_NOFOLLOW refers to a final symbolic link itself.
    pub fn open_file(&self, path: &str, flags: i32, mode: u32) -> SysResult<OwnedFd> {
        fs::open_at2(self.root(), &relative(path)?, flags, mode, CONFINED)
    }

    /// The directory, made with its missing parents (mode 0755).
    pub fn make_directory(&self, path: &str) -> SysResult<OwnedFd> {
        match self.open_file(path, libc::O_PATH | libc::O_DIRECTORY, 0) {
            Err(Errno(libc::ENOENT)) => self.walk(path, false),
            other => other,
        }
    }

    /// The file (or whatever is there that is not a directory), made empty with its missing parents.
    pub fn make_file(&self, path: &str) -> SysResult<OwnedFd> {
        match self.open_file(path, libc::O_PATH, 0) {
            Err(Errno(libc::ENOENT)) => self.walk(path, true),
            other => other,
        }
    }

    /// The parent directory of `path`, made if missing, and the last component.
    pub fn make_parent(&self, path: &str) -> SysResult<(OwnedFd, CString)> {
        let trimmed = path.trim_end_matches('/');
        let (parent, name) = trimmed.rsplit_once('/').unwrap_or(("", trimmed));
        if name.is_empty() || name == "." || name == ".." {
            return Err(Errno(libc::EINVAL));
        }
        Ok((self.make_directory(parent)?, fs::c_path(name.as_bytes())?))
    }

    /// Component by component, so that what is missing can be made where a dangling link points, still inside.
    fn walk(&self, path: &str, file_at_end: bool) -> SysResult<OwnedFd> {
        let mut pending: Vec<Vec<u8>> = components(path.as_bytes());
        // The resolved prefix, without links.
        let mut done: Vec<Vec<u8>> = Vec::new();
        let mut links = 0;
        while let Some(name) = pending.pop() {
            if name == b".." {
                done.pop();
                continue;
            }
            let parent = self.open_plain(&done)?;
            let c_name = fs::c_path(&name)?;
            let is_file = file_at_end && pending.is_empty();
            match fs::read_link_at(parent.as_fd(), &c_name) {
                Ok(target) => {
                    links += 1;
                    if links > MAX_LINKS {
                        return Err(Errno(libc::ELOOP));
                    }
                    if target.starts_with(b"/") {
                        done.clear();
                    }
                    pending.extend(components(&target));
                    continue;
                }
                Err(Errno(libc::EINVAL)) => {} // exists and is no link
                Err(Errno(libc::ENOENT)) if is_file => {
                    let flags = libc::O_CREAT | libc::O_EXCL | libc::O_NOFOLLOW | libc::O_WRONLY;
                    match fs::open_at(parent.as_fd(), &c_name, flags, 0o644) {
                        Ok(_) | Err(Errno(libc::EEXIST)) => {}
                        Err(error) => return Err(error),
                    }
                }
                Err(Errno(libc::ENOENT)) => match fs::make_directory_at(parent.as_fd(), &c_name, 0o755) {
                    Ok(()) | Err(Errno(libc::EEXIST)) => {}
                    Err(error) => return Err(error),
                },
                Err(error) => return Err(error),
            }
            done.push(name);
        }
        self.open_plain(&done)
    }

    /// A path whose components are known not to be links; one that has become a link meanwhile is refused.
    fn open_plain(&self, components: &[Vec<u8>]) -> SysResult<OwnedFd> {
        let mut path = components.join(&b'/');
        if path.is_empty() {
            path.push(b'.');
        }
        let resolve = fs::resolve::IN_ROOT | fs::resolve::NO_SYMLINKS;
        fs::open_at2(self.root(), &fs::c_path(&path)?, libc::O_PATH, 0, resolve)
    }
}

/// In reverse order: the next one is popped.
fn components(path: &[u8]) -> Vec<Vec<u8>> {
    path.split(|byte| *byte == b'/').filter(|c| !c.is_empty() && *c != b".").rev().map(<[u8]>::to_vec).collect()
}

fn relative(path: &str) -> SysResult<CString> {
    let path = path.trim_start_matches('/');
    fs::c_path(if path.is_empty() { b"." } else { path.as_bytes() })
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::unix::fs::symlink;

    fn scratch(name: &str) -> std::path::PathBuf {
        let directory = std::env::temp_dir().join(format!("gantry-jail-{name}-{}", std::process::id()));
        let _ = std::fs::remove_dir_all(&directory);
        std::fs::create_dir_all(directory.join("root")).unwrap();
        directory
    }

    #[test]
    fn what_a_dangling_link_points_to_is_made_inside() {
        let directory = scratch("dangling");
        let root = directory.join("root");
        symlink("/run/nowhere", root.join("var")).unwrap();
        symlink("../../../../escape", root.join("up")).unwrap();
        let jail = Jail::open(&root).unwrap();
        jail.make_directory("/var/lib/x").unwrap();
        jail.make_file("/up/a/file").unwrap();
        assert!(root.join("run/nowhere/lib/x").is_dir());
        assert!(root.join("escape/a/file").is_file());
        assert!(!directory.join("escape").exists());
        std::fs::remove_dir_all(directory).unwrap();
    }

    #[test]
    fn a_loop_of_links_is_refused() {
        let directory = scratch("loop");
        let root = directory.join("root");
        symlink("b", root.join("a")).unwrap();
        symlink("a", root.join("b")).unwrap();
        let jail = Jail::open(&root).unwrap();
        assert_eq!(jail.make_directory("/a/x").err(), Some(Errno(libc::ELOOP)));
        std::fs::remove_dir_all(directory).unwrap();
    }
}
