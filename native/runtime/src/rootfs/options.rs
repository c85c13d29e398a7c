//! Mount options as `config.json` spells them.

use gantry_sys::libc;
use gantry_sys::mount::attr;

/// What one option does.
#[derive(Clone, Copy)]
enum Effect {
    /// `MS_*` flag set.
    Set(u64),
    /// `MS_*` flag cleared.
    Clear(u64),
    /// `MS_SHARED` and friends, recursive or not.
    Propagation(u64, bool),
    /// `MOUNT_ATTR_*` for the whole tree.
    RecursiveSet(u64),
    RecursiveClear(u64),
    Bind(bool),
}

use Effect::{Bind, Clear, Propagation, RecursiveClear, RecursiveSet, Set};

#[rustfmt::skip]
const TABLE: &[(&str, Effect)] = &[
    ("async", Clear(libc::MS_SYNCHRONOUS)),
    ("atime", Clear(libc::MS_NOATIME)),
    ("bind", Bind(false)),
    ("defaults", Clear(0)),
    ("dev", Clear(libc::MS_NODEV)),
    ("diratime", Clear(libc::MS_NODIRATIME)),
    ("dirsync", Set(libc::MS_DIRSYNC)),
    ("exec", Clear(libc::MS_NOEXEC)),
    ("iversion", Set(libc::MS_I_VERSION)),
    ("lazytime", Set(libc::MS_LAZYTIME)),
    ("loud", Clear(libc::MS_SILENT)),
    ("mand", Set(libc::MS_MANDLOCK)),
    ("noatime", Set(libc::MS_NOATIME)),
    ("nodev", Set(libc::MS_NODEV)),
    ("nodiratime", Set(libc::MS_NODIRATIME)),
    ("noexec", Set(libc::MS_NOEXEC)),
    ("noiversion", Clear(libc::MS_I_VERSION)),
    ("nolazytime", Clear(libc::MS_LAZYTIME)),
    ("nomand", Clear(libc::MS_MANDLOCK)),
    ("norelatime", Clear(libc::MS_RELATIME)),
    ("nostrictatime", Clear(libc::MS_STRICTATIME)),
    ("nosuid", Set(libc::MS_NOSUID)),
    ("nosymfollow", Set(libc::MS_NOSYMFOLLOW)),
    ("private", Propagation(libc::MS_PRIVATE, false)),
    ("rbind", Bind(true)),
    ("rdev", RecursiveClear(attr::NODEV)),
    ("relatime", Set(libc::MS_RELATIME)),
    ("remount", Set(libc::MS_REMOUNT)),
    ("rexec", RecursiveClear(attr::NOEXEC)),
    ("rnoatime", RecursiveSet(attr::NOATIME)),
    ("rnodev", RecursiveSet(attr::NODEV)),
    ("rnoexec", RecursiveSet(attr::NOEXEC)),
    ("rnosuid", RecursiveSet(attr::NOSUID)),
    ("rnosymfollow", RecursiveSet(attr::NOSYMFOLLOW)),
    ("ro", Set(libc::MS_RDONLY)),
    ("rprivate", Propagation(libc::MS_PRIVATE, true)),
    ("rrelatime", RecursiveSet(attr::RELATIME)),
    ("rro", RecursiveSet(attr::RDONLY)),
    ("rrw", RecursiveClear(attr::RDONLY)),
    ("rshared", Propagation(libc::MS_SHARED, true)),
    ("rslave", Propagation(libc::MS_SLAVE, true)),
    ("rstrictatime", RecursiveSet(attr::STRICTATIME)),
    ("rsuid", RecursiveClear(attr::NOSUID)),
    ("rsymfollow", RecursiveClear(attr::NOSYMFOLLOW)),
    ("runbindable", Propagation(libc::MS_UNBINDABLE, true)),
    ("rw", Clear(libc::MS_RDONLY)),
    ("shared", Propagation(libc::MS_SHARED, false)),
    ("silent", Set(libc::MS_SILENT)),
    ("slave", Propagation(libc::MS_SLAVE, false)),
    ("strictatime", Set(libc::MS_STRICTATIME)),
    ("suid", Clear(libc::MS_NOSUID)),
    ("symfollow", Clear(libc::MS_NOSYMFOLLOW)),
    ("sync", Set(libc::MS_SYNCHRONOUS)),
    ("unbindable", Propagation(libc::MS_UNBINDABLE, false)),
];

/// The names that are understood here; others go to the file system.
pub const KNOWN_MOUNT_OPTIONS: fn() -> Vec<&'static str> = || TABLE.iter().map(|(name, _)| *name).collect();

/// A mount's options, taken apart.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct MountOptions {
    /// `MS_*` flags that are on.
    pub flags: u64,
    /// `MS_*` flags that an option turned off.
    pub cleared: u64,
    pub bind: bool,
    /// With `bind`: the mounts below the source too.
    pub recursive: bool,
    /// `MS_*` type and whether for the whole tree, in order.
    pub propagation: Vec<(u64, bool)>,
    pub recursive_set: u64,
    pub recursive_clear: u64,
    /// For the file system: `size=64k,mode=755`.
    pub data: String,
    /// `tmpcopyup`: a tmpfs starts with what the image has at that place.
    pub copy_up: bool,
}

impl MountOptions {
    pub fn parse(options: &[String]) -> Self {
        let mut parsed = MountOptions::default();
        for option in options {
            let Some((_, effect)) = TABLE.iter().find(|(name, _)| name == option) else {
                if option == "tmpcopyup" {
                    parsed.copy_up = true;
                } else {
                    let separator = if parsed.data.is_empty() { "" } else { "," };
                    parsed.data.push_str(separator);
                    parsed.data.push_str(option);
                }
                continue;
            };
            match *effect {
                Set(flag) => {
                    parsed.flags |= flag;
                    parsed.cleared &= !flag;
                }
                Clear(flag) => {
                    parsed.flags &= !flag;
                    parsed.cleared |= flag;
                }
                Propagation(kind, recursive) => parsed.propagation.push((kind, recursive)),
                RecursiveSet(bits) => parsed.recursive_set |= bits,
                RecursiveClear(bits) => parsed.recursive_clear |= bits,
                Bind(recursive) => {
                    parsed.bind = true;
                    parsed.recursive = recursive;
                }
            }
        }
        parsed
    }

    /// The same as `MOUNT_ATTR_*` for `mount_setattr`: set, clear.
    pub fn attributes(&self) -> (u64, u64) {
        let (mut set, mut clear) = (0, 0);
        for (flag, bit) in [
            (libc::MS_RDONLY, attr::RDONLY),
            (libc::MS_NOSUID, attr::NOSUID),
            (libc::MS_NODEV, attr::NODEV),
            (libc::MS_NOEXEC, attr::NOEXEC),
            (libc::MS_NODIRATIME, attr::NODIRATIME),
            (libc::MS_NOSYMFOLLOW, attr::NOSYMFOLLOW),
        ] {
            if self.flags & flag != 0 {
                set |= bit;
            } else if self.cleared & flag != 0 {
                clear |= bit;
            }
        }
        for (flag, mode) in [
            (libc::MS_RELATIME, attr::RELATIME),
            (libc::MS_STRICTATIME, attr::STRICTATIME),
            (libc::MS_NOATIME, attr::NOATIME),
        ] {
            if self.flags & flag != 0 {
                clear |= attr::ATIME;
                set = set & !attr::ATIME | mode;
            }
        }
        (set, clear)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(options: &[&str]) -> MountOptions {
        MountOptions::parse(&options.iter().map(ToString::to_string).collect::<Vec<_>>())
    }

    #[test]
    fn later_options_win_and_unknown_ones_are_data() {
        let parsed = parse(&["ro", "nosuid", "rw", "size=64k", "mode=755"]);
        assert_eq!(parsed.flags, libc::MS_NOSUID);
        assert_eq!(parsed.data, "size=64k,mode=755");
        assert_eq!(parsed.attributes(), (attr::NOSUID, attr::RDONLY));
    }

    #[test]
    fn an_access_time_mode_replaces_the_one_before() {
        assert_eq!(parse(&["noatime"]).attributes(), (attr::NOATIME, attr::ATIME));
    }

    #[test]
    fn the_table_is_sorted() {
        assert!(TABLE.is_sorted_by_key(|(name, _)| *name));
    }
}
