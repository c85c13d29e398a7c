//! Capability sets of the calling process, as bit masks: bit n is capability number n.

use crate::errno::{Result, check, check_long};

/// The highest number the kernel's interface has room for.
const CAPABILITY_BITS: u32 = 64;
/// `_LINUX_CAPABILITY_VERSION_3`.
const VERSION_3: u32 = 0x2008_0522;

#[repr(C)]
struct Header {
    version: u32,
    pid: i32,
}

#[repr(C)]
#[derive(Clone, Copy, Default)]
struct Data {
    effective: u32,
    permitted: u32,
    inheritable: u32,
}

/// The three sets that `capget(2)` and `capset(2)` know.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct CapabilitySets {
    pub effective: u64,
    pub permitted: u64,
    pub inheritable: u64,
}

pub fn get() -> Result<CapabilitySets> {
    let header = Header { version: VERSION_3, pid: 0 };
    let mut data = [Data::default(); 2];
    // SAFETY: version 3 reads one header and writes two data structures; both are alive during the call.
    check_long(unsafe { libc::syscall(libc::SYS_capget, &raw const header, &raw mut data) })?;
    let join = |low: u32, high: u32| u64::from(low) | u64::from(high) << 32;
    Ok(CapabilitySets {
        effective: join(data[0].effective, data[1].effective),
        permitted: join(data[0].permitted, data[1].permitted),
        inheritable: join(data[0].inheritable, data[1].inheritable),
    })
}

pub fn set(sets: CapabilitySets) -> Result<()> {
    let header = Header { version: VERSION_3, pid: 0 };
    let half = |shift: u32| Data {
        effective: (sets.effective >> shift) as u32,
        permitted: (sets.permitted >> shift) as u32,
        inheritable: (sets.inheritable >> shift) as u32,
    };
    let data = [half(0), half(32)];
    // SAFETY: version 3 reads one header and two data structures; both are alive during the call.
    check_long(unsafe { libc::syscall(libc::SYS_capset, &raw const header, &raw const data) }).map(drop)
}

/// The bounding set. Capabilities the kernel does not know are absent.
pub fn bounding() -> u64 {
    // SAFETY: only integers are passed.
    let has = |n: u32| unsafe { libc::prctl(libc::PR_CAPBSET_READ, libc::c_ulong::from(n)) == 1 };
    (0..CAPABILITY_BITS).filter(|n| has(*n)).fold(0, |mask, n| mask | 1 << n)
}

/// Drops everything outside `keep` from the bounding set.
pub fn limit_bounding(keep: u64) -> Result<()> {
    for number in 0..CAPABILITY_BITS {
        let bit = libc::c_ulong::from(number);
        // SAFETY: only integers are passed.
        match unsafe { libc::prctl(libc::PR_CAPBSET_READ, bit) } {
            1 if keep & 1 << number == 0 => {
                // SAFETY: only integers are passed.
                check(unsafe { libc::prctl(libc::PR_CAPBSET_DROP, bit) })?;
            }
            0 | 1 => {}
            _ => break, // numbers are dense: the first unknown one ends them
        }
    }
    Ok(())
}

/// Makes the ambient set exactly `wanted`; each must be permitted and inheritable.
pub fn set_ambient(wanted: u64) -> Result<()> {
    let zero: libc::c_ulong = 0;
    // SAFETY: only integers are passed.
    check(unsafe { libc::prctl(libc::PR_CAP_AMBIENT, libc::PR_CAP_AMBIENT_CLEAR_ALL, zero, zero, zero) })?;
    for number in (0..CAPABILITY_BITS).filter(|n| wanted & 1 << n != 0) {
        let bit = libc::c_ulong::from(number);
        // SAFETY: only integers are passed.
        check(unsafe { libc::prctl(libc::PR_CAP_AMBIENT, libc::PR_CAP_AMBIENT_RAISE, bit, zero, zero) })?;
    }
    Ok(())
}
