//! Giving memory back.

use crate::errno::{Result, check};

/// Lets go of what the process no longer needs to hold: free heap goes back to the kernel, and the pages of the program
/// file, which start-up code has pulled in, leave the process. They stay in the page cache and are mapped again when
/// executed. For a process that starts busily and then waits for days.
pub fn trim() -> Result<()> {
    let smaps = std::fs::read_to_string("/proc/self/smaps")?;
    let ranges = clean_file_ranges(&smaps);
    drop(smaps);
    // SAFETY: releases free heap memory only.
    #[cfg(target_env = "gnu")]
    unsafe {
        libc::malloc_trim(0);
    }
    // Last, and in one go: code that runs after it comes back.
    for (start, length) in ranges {
        // SAFETY: a private read-only mapping without pages of its own: what is touched again is read from the file again,
        // with the same contents.
        check(unsafe { libc::madvise(start as *mut libc::c_void, length, libc::MADV_DONTNEED) })?;
    }
    Ok(())
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

    #[test]
    fn only_clean_read_only_file_mappings_are_let_go() {
        let smaps = "00200000-0024c000 r--p 00000000 fe:00 101 /x\nSize: 300 kB\nAnonymous:  0 kB\n\
            0024c000-0035a000 r-xp 0004b000 fe:00 101 /x\nAnonymous:  4 kB\n\
            0035f000-00363000 rw-p 0015c000 fe:00 101 /x\nAnonymous:  0 kB\n\
            0d49f000-0d4cc000 r--p 00000000 00:00 0 [heap]\nAnonymous:  0 kB\n";
        assert_eq!(clean_file_ranges(smaps), [(0x20_0000, 0x4_c000)]);
    }

    #[test]
    fn a_trimmed_process_goes_on() {
        trim().unwrap();
        assert_eq!(format!("{:?}", vec![1, 2, 3]), "[1, 2, 3]");
    }
}
