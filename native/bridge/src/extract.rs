//! Makes the tree of a merged layer index as real files. Directories first, then files by several threads, then hard
//! links, and the directories' own attributes last, since filling a directory changes its times.

use std::ffi::CString;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Mutex, PoisonError};

use gantry_sys::dir::read_directory;
use gantry_sys::door::Control;
use gantry_sys::errno::{Errno, StepContext, StepError};
use gantry_sys::fs::{self, CWD, c_path, resolve};
use gantry_sys::xattr::{self, Target};

use crate::create::{Creator, set_xattrs};
use crate::index::Index;
use crate::message::{Outcome, Request};

type Done = Result<(), StepError>;

const CONFINED: u64 = resolve::BENEATH | resolve::NO_SYMLINKS | resolve::NO_MAGICLINKS;

/// target, threads, tars; data: the index.
pub fn extract_tree(mut request: Request<'_>, data: &[u8], control: Control<'_>) -> Outcome {
    let target = request.text()?;
    let threads = request.u32()?.clamp(1, 16) as usize;
    let tars = request.texts()?;
    let open_tar = |path: &CString| fs::open(path, libc::O_RDONLY, 0).step("open", path.as_bytes());
    let tars: Vec<OwnedFd> = tars.iter().map(open_tar).collect::<Result<_, _>>()?;
    let size_of = |tar: &OwnedFd| fs::stat_fd(tar.as_fd()).map(|stat| stat.stx_size).step("statx", "");
    let sizes: Vec<u64> = tars.iter().map(size_of).collect::<Result<_, _>>()?;
    let index = Index::check(data, &sizes)?;
    let root = open_empty(&target)?;
    let directories: Vec<u32> = (0..index.node_count()).filter(|node| index.is_directory(*node)).collect();
    let tree = Tree { index: &index, root: root.as_fd(), target: target.as_bytes(), tars: &tars, control };
    // The rest runs on threads of its own: their working directory and umask change.
    std::thread::scope(|scope| {
        let main = || {
            fs::own_working_directory().step("unshare", "")?;
            fs::set_umask(0);
            tree.make_directories(&directories)?;
            tree.make_files(&directories, threads)?;
            tree.make_links()?;
            tree.finish_directories(&directories)
        };
        scope.spawn(main).join().unwrap_or_else(|_| Err(StepError::new("extract", Errno(libc::EFAULT), "")))
    })?;
    Ok(0)
}

/// Opens the target, made if it is missing, and frees it of what new files would inherit.
fn open_empty(target: &CString) -> Result<OwnedFd, StepError> {
    let at = target.as_bytes();
    match fs::make_directory_at(CWD, target, 0o700) {
        Ok(()) | Err(Errno(libc::EEXIST)) => {}
        Err(error) => return Err(error).step("mkdir", at),
    }
    let root = fs::open(target, libc::O_RDONLY | libc::O_DIRECTORY | libc::O_NOFOLLOW, 0).step("open", at)?;
    if !read_directory(root.as_fd()).step("getdents64", at)?.is_empty() {
        return Err(Errno(libc::ENOTEMPTY)).step("extract to", at);
    }
    fs::change_mode(root.as_fd(), 0o700).step("chmod", at)?;
    for name in [c"system.posix_acl_default", c"system.posix_acl_access"] {
        match xattr::remove(Target::File(root.as_fd()), name) {
            Ok(()) | Err(Errno(libc::ENOTSUP)) => {}
            Err(error) => return Err(error).step("removexattr", at),
        }
    }
    Ok(root)
}

struct Tree<'a> {
    index: &'a Index<'a>,
    root: BorrowedFd<'a>,
    target: &'a [u8],
    tars: &'a [OwnedFd],
    control: Control<'a>,
}

impl Tree<'_> {
    /// Names the whole path in an error about a name in a directory.
    fn in_directory(&self, directory: u32, error: StepError) -> StepError {
        let inner = self.index.path(directory);
        let parts: Vec<&[u8]> = [self.target, &inner, &error.path].into_iter().filter(|p| !p.is_empty()).collect();
        StepError::new(error.step, error.errno, parts.join(&b'/'))
    }

    fn open_directory(&self, node: u32, flags: i32) -> Result<OwnedFd, StepError> {
        let path = self.index.path(node);
        let name = if path.is_empty() { c".".to_owned() } else { c_path(&path).step("openat2", &path)? };
        fs::open_at2(self.root, &name, flags | libc::O_DIRECTORY, 0, CONFINED).step("openat2", &path)
    }

    fn stop_if_cancelled(&self) -> Done {
        if self.control.cancelled() { Err(StepError::new("extract", Errno(libc::ECANCELED), "")) } else { Ok(()) }
    }

    fn children(&self, directory: u32) -> std::ops::Range<u32> {
        let node = self.index.node(directory);
        node.first_child..node.first_child + node.child_count
    }

    /// Parents come before their children in node order.
    fn make_directories(&self, directories: &[u32]) -> Done {
        for &directory in directories {
            self.stop_if_cancelled()?;
            let mut children = self.children(directory).filter(|child| self.index.is_directory(*child)).peekable();
            if children.peek().is_none() {
                continue;
            }
            let handle = self.open_directory(directory, libc::O_PATH)?;
            for child in children {
                let name = self.index.node(child).name;
                let make = |name: CString| fs::make_directory_at(handle.as_fd(), &name, 0o700);
                c_path(name).and_then(make).step("mkdir", name).map_err(|e| self.in_directory(directory, e))?;
            }
        }
        Ok(())
    }

    /// Each thread takes the next directory that nobody has taken. The first error stops all.
    fn make_files(&self, directories: &[u32], threads: usize) -> Done {
        let next = AtomicUsize::new(0);
        let stop = AtomicBool::new(false);
        let failure = Mutex::new(None);
        let work = || -> Done {
            fs::own_working_directory().step("unshare", "")?;
            fs::set_umask(0);
            let mut creator = Creator {
                index: self.index,
                tars: self.tars,
                control: self.control,
                own_ids: fs::creator_ids(),
                buffer: Vec::new(),
            };
            while !stop.load(Ordering::Relaxed) {
                let Some(&directory) = directories.get(next.fetch_add(1, Ordering::Relaxed)) else { break };
                self.stop_if_cancelled()?;
                self.fill(directory, &mut creator)?;
            }
            Ok(())
        };
        let run = || {
            if let Err(error) = work() {
                stop.store(true, Ordering::Relaxed);
                failure.lock().unwrap_or_else(PoisonError::into_inner).get_or_insert(error);
            }
        };
        std::thread::scope(|scope| {
            for _ in 1..threads {
                scope.spawn(run);
            }
            run();
        });
        failure.into_inner().unwrap_or_else(PoisonError::into_inner).map_or(Ok(()), Err)
    }

    /// The files of a directory that are no directories, each inode at its first name.
    fn fill(&self, directory: u32, creator: &mut Creator<'_>) -> Done {
        let mut entered = false;
        for child in self.children(directory) {
            let node = self.index.node(child);
            let inode = self.index.inode(node.inode);
            if inode.first_node != child || self.index.is_directory(child) {
                continue;
            }
            if !entered {
                let handle = self.open_directory(directory, libc::O_PATH)?;
                fs::change_directory(handle.as_fd()).step("chdir", self.target)?;
                entered = true;
            }
            let name = c_path(node.name).step("open", node.name)?;
            creator.create(&name, &inode).map_err(|error| self.in_directory(directory, error))?;
        }
        Ok(())
    }

    /// The further names of files that have several.
    fn make_links(&self) -> Done {
        let mut opened: Option<(u32, OwnedFd)> = None;
        for number in 1..self.index.node_count() {
            let node = self.index.node(number);
            let first = self.index.inode(node.inode).first_node;
            if first == number {
                continue;
            }
            let first = self.index.node(first);
            if opened.as_ref().is_none_or(|(directory, _)| *directory != node.parent) {
                opened = Some((node.parent, self.open_directory(node.parent, libc::O_PATH)?));
            }
            let Some((_, to)) = &opened else { continue };
            let elsewhere;
            let from = if first.parent == node.parent {
                to.as_fd()
            } else {
                elsewhere = self.open_directory(first.parent, libc::O_PATH)?;
                elsewhere.as_fd()
            };
            let link = || fs::link_at(from, &c_path(first.name)?, to.as_fd(), &c_path(node.name)?);
            link().step("link", node.name).map_err(|error| self.in_directory(node.parent, error))?;
        }
        Ok(())
    }

    /// Children before their parents, so that nothing changes a directory after its times are set.
    fn finish_directories(&self, directories: &[u32]) -> Done {
        for &directory in directories.iter().rev() {
            let inode = self.index.inode(self.index.node(directory).inode);
            let handle = self.open_directory(directory, libc::O_RDONLY)?;
            let finish = || {
                fs::change_owner(handle.as_fd(), inode.uid, inode.gid).step("chown", "")?;
                fs::change_mode(handle.as_fd(), inode.mode).step("chmod", "")?;
                set_xattrs(Target::File(handle.as_fd()), &inode, b"")?;
                fs::change_times(handle.as_fd(), inode.time).step("utimensat", "")
            };
            finish().map_err(|error| self.in_directory(directory, error))?;
        }
        Ok(())
    }
}
