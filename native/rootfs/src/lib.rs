//! A container's files: the image's tree, read-only, under the container's own upper directory. The shim mounts them for
//! the container's life; the bridge, for a copy, on nothing but a descriptor.

#![forbid(unsafe_code)]

mod layers;
mod plan;
mod private;

pub use layers::{Upper, attach, bind, erofs, overlay};
pub use plan::LowerPlan;
pub use private::{Access, Directories, isolate, open_private};
