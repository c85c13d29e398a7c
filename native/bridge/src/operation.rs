//! The numbers of the operations. The twin of src/bridge/operation.ts: numbers are never reused.

use gantry_sys::door::Control;
use gantry_sys::errno::{Errno, StepError};

use crate::message::{Outcome, Reply, Request};
use crate::{
    copy, copy_tree, extract, files, lock, mounts, probe, remove, results, small_files, spawn, sync_files, untar, walk,
    xattrs,
};

pub fn run(
    operation: u32,
    request: Request<'_>,
    data: &mut [u8],
    reply: &mut Reply<'_>,
    control: Control<'_>,
) -> Outcome {
    match operation {
        1 => results::take(request, data),
        10 => lock::lock_file(request, reply),
        11 => lock::is_locked(request),
        20 => walk::walk_tree(request, reply, control),
        21 => extract::extract_tree(request, data, control),
        22 => remove::remove_tree(request, control),
        23 => copy_tree::copy_tree(request, reply, control),
        24 => untar::begin(request),
        25 => untar::push(request, data),
        26 => untar::finish(request, reply),
        27 => untar::abandon(request),
        30 => copy::copy_file_range(request, control),
        40 => files::open_in(request),
        41 => files::sync_range(request),
        42 => files::sync_file_system(request),
        43 => files::allocate(request),
        44 => files::rename(request),
        45 => files::link_descriptor(request),
        46 => files::read_link_in(request, reply),
        47 => small_files::read_small_files(request, data, reply),
        48 => sync_files::sync_files(request),
        50 => xattrs::list(request, reply),
        51 => xattrs::get(request, reply),
        52 => xattrs::set(request),
        53 => xattrs::remove(request),
        60 => spawn::spawn_detached(request, reply),
        61 => spawn::connect_unix(request),
        70 => probe::probe_erofs_file(request),
        71 => mounts::open_root(request),
        _ => Err(StepError::new("native call of an unknown operation", Errno(libc::ENOSYS), "")),
    }
}
