//! Loop devices: regular files as block devices, for kernels that do not mount files.

use std::fs::File;
use std::os::fd::{AsFd, AsRawFd, OwnedFd};
use std::path::PathBuf;

use crate::errno::{Errno, Result, check};

const LOOP_CTL_GET_FREE: libc::c_ulong = 0x4c82;
/// Linux 5.8.
const LOOP_CONFIGURE: libc::c_ulong = 0x4c0a;
const LO_FLAGS_READ_ONLY: u32 = 1;
const LO_FLAGS_AUTOCLEAR: u32 = 4;

/// `struct loop_config` of linux/loop.h, with `struct loop_info64` in it.
#[repr(C)]
struct LoopConfig {
    fd: u32,
    block_size: u32,
    info_numbers: [u64; 5],
    info_small: [u32; 4],
    info_names: [u8; 160],
    info_init: [u64; 2],
    reserved: [u64; 8],
}

/// Makes `file` a read-only block device of 512-byte blocks. It is freed when its last user goes: keep the descriptor
/// until something is mounted from the path.
pub fn attach(file: &OwnedFd) -> Result<(OwnedFd, PathBuf)> {
    let control = File::options().read(true).write(true).open("/dev/loop-control")?;
    loop {
        // SAFETY: the request takes no argument.
        let number = check(unsafe { libc::ioctl(control.as_raw_fd(), LOOP_CTL_GET_FREE as _) })?;
        let path = PathBuf::from(format!("/dev/loop{number}"));
        let device = File::open(&path)?;
        let mut config = LoopConfig {
            fd: file.as_fd().as_raw_fd() as u32,
            block_size: 512,
            info_numbers: [0; 5],
            info_small: [0; 4],
            info_names: [0; 160],
            info_init: [0; 2],
            reserved: [0; 8],
        };
        config.info_small[3] = LO_FLAGS_READ_ONLY | LO_FLAGS_AUTOCLEAR;
        // SAFETY: config is the kernel's struct loop_config, alive during the call.
        match check(unsafe { libc::ioctl(device.as_raw_fd(), LOOP_CONFIGURE as _, &raw const config) }) {
            Ok(_) => return Ok((device.into(), path)),
            Err(Errno(libc::EBUSY)) => {} // somebody else was faster
            Err(error) => return Err(error),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_structure_has_the_kernels_layout() {
        assert_eq!(size_of::<LoopConfig>(), 304);
        // loop_info64: lo_flags follows five u64 and three u32.
        assert_eq!(std::mem::offset_of!(LoopConfig, info_small), 8 + 40);
    }
}
