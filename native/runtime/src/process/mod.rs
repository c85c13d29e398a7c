//! What the container's program gets besides files: identity, capabilities, limits, and the program itself.

mod capabilities;
mod environment;
mod identity;
mod program;
mod rlimits;

pub use capabilities::{CAPABILITY_NAMES, CapabilityMasks};
pub use environment::environment;
pub use identity::{own_stdio, take_identity};
pub use program::{exec_failure, find_program};
pub use rlimits::set_limits;
