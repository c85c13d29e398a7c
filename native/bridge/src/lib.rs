//! The functions that src/bridge calls through ffi-rs. One door (`gantry_call`, exported below), many operations: each
//! reads its request's fields, does its work with the safe wrappers of gantry-sys, and answers.

mod copy;
mod copy_tree;
mod create;
mod extract;
mod files;
mod holes;
mod index;
mod lock;
mod message;
mod mounts;
mod operation;
mod place;
mod probe;
mod record;
mod remove;
mod results;
mod small_files;
mod spawn;
mod sync_files;
mod untar;
mod walk;
mod xattrs;

use gantry_sys::door::Call;

use message::{Reply, Request};

gantry_sys::export_door!(dispatch);

/// Runs the operation asked for. Negative: -errno, and the reply says step, path and reason.
fn dispatch(call: Call<'_>) -> i64 {
    let Call { operation, request, data, reply, control } = call;
    let mut reply = Reply::new(reply);
    match operation::run(operation, Request::new(&request), data, &mut reply, control) {
        Ok(result) => result,
        Err(error) => {
            reply.failure(&error);
            -i64::from(error.errno.0)
        }
    }
}
