//! The system call filter: the `seccomp` section of the configuration, compiled to the kernel's classic BPF.

mod compile;
mod condition;
#[cfg(test)]
mod interpreter;
mod program;
mod syscall_numbers;

pub use compile::{ACTION_NAMES, ARCHITECTURE_NAMES, Filter, OPERATOR_NAMES, compile};
