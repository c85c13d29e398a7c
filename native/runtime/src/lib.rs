//! The OCI runtime as a library; main.rs is its command line.
#![forbid(unsafe_code)]
