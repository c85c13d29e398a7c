//! Reading directories: getdents64(2).

use std::ffi::{CStr, CString};
use std::os::fd::{AsRawFd, BorrowedFd};

use crate::errno::{Errno, Result, check_long};

/// A name in a directory.
#[derive(Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct DirectoryEntry {
    pub name: CString,
    /// `libc::DT_*`; DT_UNKNOWN on file systems that do not say.
    pub kind: u8,
}

/// Every name of an open directory but `.` and `..`, in bytewise order.
pub fn read_directory(directory: BorrowedFd<'_>) -> Result<Vec<DirectoryEntry>> {
    let mut entries = Vec::new();
    let mut buffer = vec![0u8; 32 * 1024];
    loop {
        // SAFETY: the kernel writes at most buffer.len() bytes into the exclusively borrowed buffer.
        let length = check_long(unsafe {
            libc::syscall(libc::SYS_getdents64, directory.as_raw_fd(), buffer.as_mut_ptr(), buffer.len())
        })? as usize;
        if length == 0 {
            break;
        }
        parse(&buffer[..length], &mut entries)?;
    }
    entries.sort_unstable();
    Ok(entries)
}

/// struct linux_dirent64: u64 inode, i64 offset, u16 record length, u8 type, name with NUL, padding.
fn parse(mut records: &[u8], entries: &mut Vec<DirectoryEntry>) -> Result<()> {
    const MALFORMED: Errno = Errno(libc::EIO);
    while records.len() >= 19 {
        let length = usize::from(u16::from_ne_bytes([records[16], records[17]]));
        let kind = records[18];
        let name = records.get(19..length).ok_or(MALFORMED)?;
        let name = CStr::from_bytes_until_nul(name).map_err(|_| MALFORMED)?;
        if name != c"." && name != c".." {
            entries.push(DirectoryEntry { name: name.to_owned(), kind });
        }
        records = &records[length..];
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fs;
    use std::os::fd::AsFd;

    #[test]
    fn names_come_sorted_and_without_the_dots() {
        let directory = fs::open(c"/proc/self", libc::O_RDONLY | libc::O_DIRECTORY, 0).unwrap();
        let names: Vec<_> = read_directory(directory.as_fd()).unwrap().into_iter().map(|e| e.name).collect();
        assert!(names.windows(2).all(|pair| pair[0] < pair[1]));
        assert!(names.contains(&c"status".to_owned()) && !names.contains(&c".".to_owned()));
    }
}
