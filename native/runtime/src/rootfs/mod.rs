//! The container's view of files, made inside its mount namespace before its program runs. Every path of the image is
//! resolved with the image's directory as root ([`Jail`]), so no symbolic link in it leads outside.

mod cgroup_mount;
mod console;
mod devices;
mod jail;
mod mask;
mod mounts;
mod options;
mod pivot;

pub use console::open_console;
pub use devices::make_devices;
pub use jail::Jail;
pub use mask::{mask_paths, protect_paths};
pub use mounts::mount_all;
pub use options::{KNOWN_MOUNT_OPTIONS, MountOptions};
pub use pivot::{apply_propagation, enter_root, isolate_mounts};
