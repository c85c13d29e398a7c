use gantry_sys::errno::StepContext;
use gantry_sys::{libc, rlimit};

use crate::error::{Failure, Result};
use crate::spec::Rlimit;

const NAMES: [(&str, u32); 16] = [
    ("RLIMIT_AS", libc::RLIMIT_AS),
    ("RLIMIT_CORE", libc::RLIMIT_CORE),
    ("RLIMIT_CPU", libc::RLIMIT_CPU),
    ("RLIMIT_DATA", libc::RLIMIT_DATA),
    ("RLIMIT_FSIZE", libc::RLIMIT_FSIZE),
    ("RLIMIT_LOCKS", libc::RLIMIT_LOCKS),
    ("RLIMIT_MEMLOCK", libc::RLIMIT_MEMLOCK),
    ("RLIMIT_MSGQUEUE", libc::RLIMIT_MSGQUEUE),
    ("RLIMIT_NICE", libc::RLIMIT_NICE),
    ("RLIMIT_NOFILE", libc::RLIMIT_NOFILE),
    ("RLIMIT_NPROC", libc::RLIMIT_NPROC),
    ("RLIMIT_RSS", libc::RLIMIT_RSS),
    ("RLIMIT_RTPRIO", libc::RLIMIT_RTPRIO),
    ("RLIMIT_RTTIME", libc::RLIMIT_RTTIME),
    ("RLIMIT_SIGPENDING", libc::RLIMIT_SIGPENDING),
    ("RLIMIT_STACK", libc::RLIMIT_STACK),
];

/// Sets the configured limits of the calling process.
///
/// # Errors
/// EPERM where one is above the caller's own and the caller lacks CAP_SYS_RESOURCE.
pub fn set_limits(limits: &[Rlimit]) -> Result<()> {
    for limit in limits {
        let Some((_, resource)) = NAMES.iter().find(|(name, _)| *name == limit.kind) else {
            return Err(Failure::refusal("setrlimit", format!("{:?} is not a resource limit", limit.kind)));
        };
        rlimit::set(*resource, limit.soft, limit.hard).step("setrlimit", &limit.kind)?;
    }
    Ok(())
}
