//! Safe wrappers over single system calls. The only crate of gantry that contains `unsafe`.
