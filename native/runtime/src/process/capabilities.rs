use gantry_sys::caps::{self, CapabilitySets};
use gantry_sys::errno::StepContext;

use crate::error::Result;
use crate::spec::Capabilities;

/// linux/capability.h: the position is the number.
pub const CAPABILITY_NAMES: [&str; 41] = [
    "CAP_CHOWN",
    "CAP_DAC_OVERRIDE",
    "CAP_DAC_READ_SEARCH",
    "CAP_FOWNER",
    "CAP_FSETID",
    "CAP_KILL",
    "CAP_SETGID",
    "CAP_SETUID",
    "CAP_SETPCAP",
    "CAP_LINUX_IMMUTABLE",
    "CAP_NET_BIND_SERVICE",
    "CAP_NET_BROADCAST",
    "CAP_NET_ADMIN",
    "CAP_NET_RAW",
    "CAP_IPC_LOCK",
    "CAP_IPC_OWNER",
    "CAP_SYS_MODULE",
    "CAP_SYS_RAWIO",
    "CAP_SYS_CHROOT",
    "CAP_SYS_PTRACE",
    "CAP_SYS_PACCT",
    "CAP_SYS_ADMIN",
    "CAP_SYS_BOOT",
    "CAP_SYS_NICE",
    "CAP_SYS_RESOURCE",
    "CAP_SYS_TIME",
    "CAP_SYS_TTY_CONFIG",
    "CAP_MKNOD",
    "CAP_LEASE",
    "CAP_AUDIT_WRITE",
    "CAP_AUDIT_CONTROL",
    "CAP_SETFCAP",
    "CAP_MAC_OVERRIDE",
    "CAP_MAC_ADMIN",
    "CAP_SYSLOG",
    "CAP_WAKE_ALARM",
    "CAP_BLOCK_SUSPEND",
    "CAP_AUDIT_READ",
    "CAP_PERFMON",
    "CAP_BPF",
    "CAP_CHECKPOINT_RESTORE",
];

/// The five sets as masks.
pub struct CapabilityMasks {
    bounding: u64,
    effective: u64,
    permitted: u64,
    inheritable: u64,
    ambient: u64,
}

impl CapabilityMasks {
    /// Names the kernel does not have, and capabilities that the caller itself lacks, are left out and named in
    /// `warnings`: a configuration made for a newer kernel or a stronger root still runs, with less.
    pub fn new(wanted: &Capabilities, warnings: &mut Vec<String>) -> Self {
        let available = caps::bounding();
        let mut mask = |names: &[String]| {
            names.iter().fold(0, |mask, name| {
                match CAPABILITY_NAMES.iter().position(|known| known == name) {
                    Some(number) if available & 1 << number != 0 => return mask | 1 << number,
                    _ => {}
                }
                let warning = format!("capability {name} is not available here and was left out");
                if !warnings.contains(&warning) {
                    warnings.push(warning);
                }
                mask
            })
        };
        CapabilityMasks {
            bounding: mask(&wanted.bounding),
            effective: mask(&wanted.effective),
            permitted: mask(&wanted.permitted),
            inheritable: mask(&wanted.inheritable),
            ambient: mask(&wanted.ambient),
        }
    }

    /// Before the change of user: the bounding set needs CAP_SETPCAP.
    pub fn limit_bounding(&self) -> Result<()> {
        Ok(caps::limit_bounding(self.bounding).step("drop capabilities", "bounding")?)
    }

    /// After the change of user.
    pub fn apply(&self) -> Result<()> {
        let sets =
            CapabilitySets { effective: self.effective, permitted: self.permitted, inheritable: self.inheritable };
        caps::set(sets).step("set capabilities", "")?;
        Ok(caps::set_ambient(self.ambient & self.permitted & self.inheritable).step("set capabilities", "ambient")?)
    }
}
