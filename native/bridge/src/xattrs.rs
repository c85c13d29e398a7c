//! Extended attributes of one file, by path or descriptor.

use std::ffi::CString;
use std::os::fd::BorrowedFd;

use gantry_sys::errno::{StepContext, StepError};
use gantry_sys::xattr::{self, Target};

use crate::message::{Outcome, Reply, Request};

enum Named<'a> {
    File(BorrowedFd<'a>),
    Path(CString),
}

impl<'a> Named<'a> {
    /// isDescriptor, target.
    fn read(request: &mut Request<'a>) -> Result<Self, StepError> {
        Ok(if request.bool()? { Named::File(request.fd()?) } else { Named::Path(request.text()?) })
    }

    fn target(&self) -> Target<'_> {
        match self {
            Named::File(file) => Target::File(*file),
            Named::Path(path) => Target::Path(path),
        }
    }

    fn path(&self) -> &[u8] {
        match self {
            Named::File(_) => b"",
            Named::Path(path) => path.as_bytes(),
        }
    }
}

/// target -> names, each with a NUL behind it.
pub fn list(mut request: Request<'_>, reply: &mut Reply<'_>) -> Outcome {
    let named = Named::read(&mut request)?;
    let length = xattr::list(named.target(), reply.room()).step("listxattr", named.path())?;
    reply.filled(length);
    Ok(1)
}

/// target, name -> 1 and the value; 0 if there is none.
pub fn get(mut request: Request<'_>, reply: &mut Reply<'_>) -> Outcome {
    let named = Named::read(&mut request)?;
    let name = request.text()?;
    let value = xattr::get(named.target(), &name, reply.room()).step("getxattr", named.path())?;
    let Some(length) = value else { return Ok(0) };
    reply.filled(length);
    Ok(1)
}

/// target, name, value.
pub fn set(mut request: Request<'_>) -> Outcome {
    let named = Named::read(&mut request)?;
    let name = request.text()?;
    xattr::set(named.target(), &name, request.bytes()?).step("setxattr", named.path())?;
    Ok(0)
}

/// target, name.
pub fn remove(mut request: Request<'_>) -> Outcome {
    let named = Named::read(&mut request)?;
    let name = request.text()?;
    xattr::remove(named.target(), &name).step("removexattr", named.path())?;
    Ok(0)
}
