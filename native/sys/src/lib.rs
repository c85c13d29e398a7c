//! Safe wrappers over single system calls. The only crate of gantry that contains `unsafe`.

pub mod errno;
pub mod fs;
pub mod mount;
