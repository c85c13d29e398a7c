//! Unpacks a tar stream into a directory of a container while it arrives, as `docker cp -` does: entries in the order of
//! the stream, a later one over an earlier one. The stream's headers come as the scanner's records, its data as the bytes
//! themselves. Names are looked up as a process of the container would: what is a symbolic link leads on, inside its root.

use std::collections::HashMap;
use std::ffi::CString;
use std::os::fd::{AsFd, OwnedFd};
use std::sync::{Mutex, PoisonError};

use gantry_sys::errno::{Errno, StepContext, StepError};
use gantry_sys::format::*;
use gantry_sys::fs::{self, c_path, resolve};

use crate::message::{Outcome, Reply, Request};
use crate::place::{Attributes, Done, NewFile, OUTSIDE, Placer};
use crate::record::Record;

const CONFINED: u64 = resolve::IN_ROOT | resolve::NO_MAGICLINKS;
const IMPLIED_MODE: u32 = 0o755;

struct Sessions {
    next: u64,
    open: Option<HashMap<u64, Session>>,
}

static SESSIONS: Mutex<Sessions> = Mutex::new(Sessions { next: 1, open: None });

fn with_sessions<T>(work: impl FnOnce(&mut Sessions) -> T) -> T {
    work(&mut SESSIONS.lock().unwrap_or_else(PoisonError::into_inner))
}

fn take(handle: u64) -> Result<Session, StepError> {
    with_sessions(|sessions| sessions.open.as_mut().and_then(|open| open.remove(&handle)))
        .ok_or_else(|| StepError::new("native call for an unpacking that is not open", Errno(libc::EINVAL), ""))
}

/// root, path of the destination in it, owned, uid, gid -> the handle.
pub fn begin(mut request: Request<'_>) -> Outcome {
    let root = request.fd()?;
    let base = request.text()?;
    let owner = request.owner()?;
    let root = fs::open_at(root, c".", libc::O_PATH | libc::O_DIRECTORY, 0).step("open", "")?;
    let session = Session {
        root,
        base: base.into_bytes(),
        placer: Placer::new(owner),
        parent: None,
        file: None,
        directories: Vec::new(),
        entries: 0,
    };
    Ok(with_sessions(|sessions| {
        let handle = sessions.next;
        sessions.next += 1;
        sessions.open.get_or_insert_default().insert(handle, session);
        handle as i64
    }))
}

/// handle, offset of the data in the tar, records; data: the next bytes of the tar. After an error the session is gone.
pub fn push(mut request: Request<'_>, data: &[u8]) -> Outcome {
    let handle = request.u64()?;
    let at = request.u64()?;
    let records = request.bytes()?;
    let mut session = take(handle)?;
    if let Err(error) = session.push(at, records, data) {
        session.abandon();
        return Err(error);
    }
    with_sessions(|sessions| sessions.open.get_or_insert_default().insert(handle, session));
    Ok(0)
}

/// handle -> the number of entries. Everything is in place.
pub fn finish(mut request: Request<'_>, _: &mut Reply<'_>) -> Outcome {
    let mut session = take(request.u64()?)?;
    session.complete()?;
    Ok(session.entries)
}

/// handle: forgets the file that is being written.
pub fn abandon(mut request: Request<'_>) -> Outcome {
    if let Ok(session) = take(request.u64()?) {
        session.abandon();
    }
    Ok(0)
}

struct Session {
    root: OwnedFd,
    /// The destination, a path in the root.
    base: Vec<u8>,
    placer: Placer,
    /// The directory of the entry before, by its path in the root.
    parent: Option<(Vec<u8>, OwnedFd)>,
    file: Option<OpenFile>,
    /// Whose times are set when all is in them.
    directories: Vec<(Vec<u8>, (i64, u32))>,
    entries: i64,
}

/// The regular file whose data is arriving.
struct OpenFile {
    parent: OwnedFd,
    name: CString,
    new: NewFile,
    /// (offset in the file, offset in the tar, bytes), ascending; what is written is taken off the front.
    extents: std::collections::VecDeque<(u64, u64, u64)>,
    size: u64,
    sparse: bool,
    attributes: OwnedAttributes,
}

struct OwnedAttributes {
    mode: u32,
    uid: u32,
    gid: u32,
    time: (i64, u32),
    xattrs: Vec<u8>,
}

impl Session {
    fn push(&mut self, at: u64, mut records: &[u8], data: &[u8]) -> Done {
        self.write(at, data)?;
        while !records.is_empty() {
            let (record, rest) = Record::read(records)?;
            records = rest;
            if self.file.is_some() {
                return Err(StepError::new("read records out of order", Errno(libc::EUCLEAN), record.path));
            }
            self.place(&record).map_err(|error| StepError { path: self.shown(&record), ..error })?;
            self.entries += 1;
            self.write(at, data)?;
        }
        Ok(())
    }

    /// Writes what `data`, at offset `at` of the tar, has of the open file; ends it when that is all.
    fn write(&mut self, at: u64, data: &[u8]) -> Done {
        let Some(open) = &mut self.file else { return Ok(()) };
        while let Some(extent) = open.extents.front_mut() {
            let (in_file, in_tar, bytes) = *extent;
            let Some(skip) = in_tar.checked_sub(at).filter(|skip| *skip < data.len() as u64) else {
                if bytes > 0 {
                    return Ok(());
                }
                open.extents.pop_front();
                continue;
            };
            let chunk = &data[skip as usize..];
            let chunk = &chunk[..chunk.len().min(usize::try_from(bytes).unwrap_or(usize::MAX))];
            fs::write_all_at(open.new.file.as_fd(), chunk, in_file).step("write", open.name.as_bytes())?;
            let written = chunk.len() as u64;
            *extent = (in_file + written, in_tar + written, bytes - written);
            if bytes > written {
                return Ok(());
            }
            open.extents.pop_front();
        }
        self.end_file()
    }

    fn end_file(&mut self) -> Done {
        let Some(open) = self.file.take() else { return Ok(()) };
        let OpenFile { parent, name, new, size, sparse, attributes, .. } = open;
        if sparse && let Err(error) = fs::truncate(new.file.as_fd(), size).step("ftruncate", name.as_bytes()) {
            self.placer.abandon_file(parent.as_fd(), &name, new);
            return Err(error);
        }
        let OwnedAttributes { mode, uid, gid, time, xattrs } = &attributes;
        let attributes =
            Attributes { kind: ENTRY_REGULAR, mode: *mode, uid: *uid, gid: *gid, device: (0, 0), time: *time, xattrs };
        self.placer.finish_file(parent.as_fd(), &name, new, &attributes)
    }

    fn place(&mut self, record: &Record<'_>) -> Done {
        let names = components(record.path)?;
        let Some((name, parents)) = names.split_last() else { return Ok(()) };
        let name = c_path(name).step("open", name)?;
        let parent = self.open_parent(parents)?;
        let attributes = Attributes {
            kind: record.kind,
            mode: record.mode,
            uid: record.uid,
            gid: record.gid,
            device: record.device,
            time: record.time,
            xattrs: record.xattrs,
        };
        if !matches!(record.kind, ENTRY_REGULAR | ENTRY_DIRECTORY) {
            // A link that is replaced leads the names below it elsewhere.
            self.parent = None;
        }
        match record.kind {
            ENTRY_REGULAR => {
                let new = self.placer.begin_file(parent.as_fd(), &name, record.size)?;
                if new.replaces {
                    self.parent = None;
                }
                let mut in_tar = record.data_offset;
                let whole = [(0, record.stored_bytes)];
                let extents: Vec<(u64, u64)> =
                    if record.is_sparse() { record.extents().collect() } else { whole.to_vec() };
                let extents = extents.into_iter().map(|(in_file, bytes)| {
                    in_tar += bytes;
                    (in_file, in_tar - bytes, bytes)
                });
                self.file = Some(OpenFile {
                    parent,
                    name,
                    new,
                    extents: extents.collect(),
                    size: record.size,
                    sparse: record.is_sparse(),
                    attributes: OwnedAttributes {
                        mode: record.mode,
                        uid: record.uid,
                        gid: record.gid,
                        time: record.time,
                        xattrs: record.xattrs.to_vec(),
                    },
                });
                Ok(())
            }
            ENTRY_HARDLINK => {
                let target = components(record.link)?;
                let Some((target_name, target_parents)) = target.split_last() else {
                    return Err(StepError::new("link", Errno(libc::EPERM), ""));
                };
                let target_name = c_path(target_name).step("link", target_name)?;
                let from = self.open_directory(&self.below_base(target_parents)).step("link", "")?;
                self.placer.link(from.as_fd(), &target_name, parent.as_fd(), &name)
            }
            ENTRY_DIRECTORY => {
                let (directory, existed) = self.placer.directory(parent.as_fd(), &name)?;
                self.placer.finish_directory(directory.as_fd(), &attributes, existed)?;
                self.directories.push((self.below_base(&names), record.time));
                Ok(())
            }
            _ => self.placer.special(parent.as_fd(), &name, &attributes, record.link),
        }
    }

    fn open_directory(&self, path: &[u8]) -> Result<OwnedFd, Errno> {
        fs::open_at2(self.root.as_fd(), &c_path(path)?, libc::O_PATH | libc::O_DIRECTORY, 0, CONFINED)
    }

    /// The directory that an entry goes into; made, with those above it, where the stream has no entry for it.
    fn open_parent(&mut self, parents: &[&[u8]]) -> Result<OwnedFd, StepError> {
        let path = self.below_base(parents);
        let again = |directory: &OwnedFd| directory.try_clone().map_err(Errno::from).step("dup", "");
        if let Some((known, directory)) = &self.parent
            && *known == path
        {
            return again(directory);
        }
        let directory = match self.open_directory(&path) {
            Err(Errno(libc::ENOENT)) => self.make_parents(parents)?,
            other => other.step("openat2", "")?,
        };
        let kept = again(&directory)?;
        self.parent = Some((path, directory));
        Ok(kept)
    }

    fn make_parents(&self, parents: &[&[u8]]) -> Result<OwnedFd, StepError> {
        let mut directory = self.open_directory(&self.below_base(&[])).step("openat2", "")?;
        for depth in 1..=parents.len() {
            let path = self.below_base(&parents[..depth]);
            directory = match self.open_directory(&path) {
                Err(Errno(libc::ENOENT)) => {
                    let name = c_path(parents[depth - 1]).step("mkdir", "")?;
                    let (made, existed) = self.placer.directory(directory.as_fd(), &name)?;
                    if !existed {
                        fs::change_mode(made.as_fd(), IMPLIED_MODE).step("chmod", "")?;
                    }
                    made
                }
                other => other.step("openat2", "")?,
            };
        }
        Ok(directory)
    }

    /// Ends the last file, and gives directories the times that their entries said.
    fn complete(&mut self) -> Done {
        if let Some(open) = &self.file
            && open.extents.iter().any(|(_, _, bytes)| *bytes > 0)
        {
            return Err(StepError::new("read the tar, which ended early", Errno(libc::EIO), open.name.as_bytes()));
        }
        self.end_file()?;
        let flags = libc::O_RDONLY | libc::O_DIRECTORY | libc::O_NOFOLLOW | libc::O_NONBLOCK;
        for (path, time) in self.directories.iter().rev() {
            let opened = c_path(path).and_then(|path| fs::open_at2(self.root.as_fd(), &path, flags, 0, CONFINED));
            // It may have been replaced since, by a later entry or by the container.
            let Ok(directory) = opened else { continue };
            fs::change_times(directory.as_fd(), *time).step("utimensat", path)?;
        }
        Ok(())
    }

    fn abandon(mut self) {
        if let Some(OpenFile { parent, name, new, .. }) = self.file.take() {
            self.placer.abandon_file(parent.as_fd(), &name, new);
        }
    }

    fn below_base(&self, names: &[&[u8]]) -> Vec<u8> {
        let mut path = self.base.clone();
        for name in names {
            path.push(b'/');
            path.extend_from_slice(name);
        }
        path
    }

    /// The entry's place in the container, for messages.
    fn shown(&self, record: &Record<'_>) -> Vec<u8> {
        match components(record.path) {
            Ok(names) => self.below_base(&names),
            Err(_) => record.path.to_vec(),
        }
    }
}

/// The names of a path, cleaned as Go's path.Clean does: what climbs out of the destination is refused.
fn components(path: &[u8]) -> Result<Vec<&[u8]>, StepError> {
    let mut names: Vec<&[u8]> = Vec::new();
    for name in path.split(|byte| *byte == b'/').filter(|name| !name.is_empty() && *name != b".") {
        if name != b".." {
            names.push(name);
        } else if names.pop().is_none() && !path.starts_with(b"/") {
            return Err(StepError::new(OUTSIDE, Errno(libc::EXDEV), path));
        }
    }
    Ok(names)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_cleaned_and_do_not_climb_out() {
        assert_eq!(components(b"./a//b/../c/").unwrap(), [b"a", b"c"]);
        assert_eq!(components(b"/../a").unwrap(), [b"a"]);
        assert!(components(b"").unwrap().is_empty() && components(b"./.").unwrap().is_empty());
        assert!(components(b"a/../../b").is_err() && components(b"..").is_err());
    }
}
