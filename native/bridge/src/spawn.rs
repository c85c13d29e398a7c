//! Starting the shim, and connecting to it.

use std::os::fd::{AsFd, IntoRawFd, OwnedFd};

use gantry_sys::errno::{Errno, StepContext};
use gantry_sys::spawn::{Program, spawn_detached as start};
use gantry_sys::{fs, unix};

use crate::message::{Outcome, Reply, Request};

/// path, argv, env, attach, hasStderr, stderrFd if so -> the pid; ready descriptor, attach descriptor.
pub fn spawn_detached(mut request: Request<'_>, reply: &mut Reply<'_>) -> Outcome {
    let path = request.text()?;
    let (argv, env) = (request.texts()?, request.texts()?);
    let attach = request.bool()?;
    let stderr = if request.bool()? { Some(request.fd()?) } else { None };
    let null = fs::open(c"/dev/null", libc::O_RDWR, 0).step("open", "/dev/null")?;
    let (ready, ready_of_program): (OwnedFd, OwnedFd) = match std::io::pipe() {
        Ok((reader, writer)) => (reader.into(), writer.into()),
        Err(error) => return Err(Errno::from(error)).step("pipe", ""),
    };
    let pair = if attach { Some(unix::socket_pair().step("socketpair", "")?) } else { None };
    let mut descriptors = vec![null.as_fd(), null.as_fd(), stderr.unwrap_or(null.as_fd()), ready_of_program.as_fd()];
    descriptors.extend(pair.iter().map(|(_, of_program)| of_program.as_fd()));
    let pid = start(&Program { path: &path, argv: &argv, env: &env, descriptors: &descriptors })?;
    reply.u32(ready.into_raw_fd() as u32);
    if let Some((ours, _)) = pair {
        reply.u32(ours.into_raw_fd() as u32);
    }
    Ok(i64::from(pid))
}

/// path -> the descriptor.
pub fn connect_unix(mut request: Request<'_>) -> Outcome {
    let path = request.text()?;
    let socket = unix::connect_stream(&path).step("connect", path.as_bytes())?;
    Ok(i64::from(socket.into_raw_fd()))
}
