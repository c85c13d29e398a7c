//! Giving memory back.

use crate::errno::Result;
use crate::poll::PollEntry;

/// The mappings that a process which waits for long can do without: its program, as far as that is the file's content.
/// Its pages stay in the page cache and are mapped again when touched, but then with their neighbours (64 KiB, Linux's
/// fault-around), so that the little code of a loop holds most of a program.
pub struct ProgramPages {
    ranges: Vec<(usize, usize)>,
}

impl ProgramPages {
    /// Those of this process. To be called once it has started: what is clean and read-only then remains so.
    pub fn find() -> Result<Self> {
        let smaps = std::fs::read_to_string("/proc/self/smaps")?;
        Ok(ProgramPages { ranges: clean_file_ranges(&smaps) })
    }

    /// Waits for ever, as [`crate::poll::poll`] does, while the process holds as little memory as it can: free heap goes
    /// back to the kernel, and of the program nothing is mapped but the neighbourhood of this function.
    // Small and by itself: within one such neighbourhood.
    #[inline(never)]
    pub fn poll_holding_nothing(&self, entries: &mut [PollEntry]) -> Result<usize> {
        // SAFETY: releases free heap memory only.
        #[cfg(target_env = "gnu")]
        unsafe {
            libc::malloc_trim(0);
        }
        let entries_pointer: *mut libc::pollfd = entries.as_mut_ptr().cast();
        let count = entries.len();
        // No code but this may run from the first madvise to the poll: whatever runs comes back.
        for (start, length) in &self.ranges {
            // SAFETY: a private read-only mapping of a file without pages of its own: what is touched again is read from
            // the file again, with the same content. A failure costs memory, nothing else.
            unsafe { system_call(libc::SYS_madvise, [*start, *length, libc::MADV_DONTNEED as usize, 0, 0]) };
        }
        // SAFETY: PollEntry is a transparent pollfd, pointer and count describe one live slice; no timeout and no signal
        // mask are null pointers.
        let result = unsafe { system_call(libc::SYS_ppoll, [entries_pointer as usize, count, 0, 0, 0]) };
        match result {
            0.. => Ok(result as usize),
            _ if -result == i64::from(libc::EINTR) => Ok(0),
            _ => Err(crate::Errno(-result as i32)),
        }
    }
}

/// A system call made in place, without libc's function, which lies elsewhere. The result is the kernel's: an errno, negated.
///
/// # Safety
/// The arguments are what the call wants, and what they point to lives as long as it takes.
#[inline(always)]
unsafe fn system_call(number: libc::c_long, arguments: [usize; 5]) -> i64 {
    let [a, b, c, d, e] = arguments;
    #[cfg(target_arch = "x86_64")]
    {
        let result: i64;
        // SAFETY: as promised by the caller; the kernel changes no registers but these, and no stack.
        unsafe {
            std::arch::asm!(
                "syscall",
                inlateout("rax") number => result,
                in("rdi") a,
                in("rsi") b,
                in("rdx") c,
                in("r10") d,
                in("r8") e,
                lateout("rcx") _,
                lateout("r11") _,
                options(nostack),
            );
        }
        result
    }
    #[cfg(not(target_arch = "x86_64"))]
    {
        // SAFETY: as promised by the caller.
        let result = unsafe { libc::syscall(number, a, b, c, d, e) };
        if result < 0 { -i64::from(crate::Errno::last().0) } else { i64::from(result) }
    }
}

/// Start and length of the private mappings of files that are not writable and of which no page is a copy that the file
/// does not have (such as relocated ones, read-only since).
fn clean_file_ranges(smaps: &str) -> Vec<(usize, usize)> {
    let mut ranges = Vec::new();
    let mut candidate = None;
    for line in smaps.lines() {
        let mut fields = line.split_ascii_whitespace();
        let (Some(first), Some(second)) = (fields.next(), fields.next()) else { continue };
        if first == "Anonymous:" {
            ranges.extend(candidate.take().filter(|_| second == "0"));
        } else if let Some((start, end)) = first.split_once('-') {
            // start-end perms offset device inode path
            let is_file = fields.nth(3).is_some_and(|path| path.starts_with('/'));
            let is_plain = second.ends_with('p') && !second.contains('w');
            let bounds = (usize::from_str_radix(start, 16), usize::from_str_radix(end, 16));
            candidate = match bounds {
                (Ok(start), Ok(end)) if is_file && is_plain => Some((start, end - start)),
                _ => None,
            };
        }
    }
    ranges
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::Write;
    use std::os::fd::AsFd;

    #[test]
    fn only_clean_read_only_file_mappings_are_let_go() {
        let smaps = "00200000-0024c000 r--p 00000000 fe:00 101 /x\nSize: 300 kB\nAnonymous:  0 kB\n\
            0024c000-0035a000 r-xp 0004b000 fe:00 101 /x\nAnonymous:  4 kB\n\
            0035f000-00363000 rw-p 0015c000 fe:00 101 /x\nAnonymous:  0 kB\n\
            0d49f000-0d4cc000 r--p 00000000 00:00 0 [heap]\nAnonymous:  0 kB\n";
        assert_eq!(clean_file_ranges(smaps), [(0x20_0000, 0x4_c000)]);
    }

    #[test]
    fn a_process_goes_on_after_it_has_held_nothing() {
        let pages = ProgramPages::find().unwrap();
        let (reader, mut writer) = std::io::pipe().unwrap();
        writer.write_all(b"x").unwrap();
        for _ in 0..3 {
            let mut entries = [PollEntry::new(Some(reader.as_fd()), true, false)];
            assert_eq!(pages.poll_holding_nothing(&mut entries), Ok(1));
            assert!(entries[0].readable());
            assert_eq!(format!("{:?}", vec![1, 2, 3]), "[1, 2, 3]");
        }
    }
}
