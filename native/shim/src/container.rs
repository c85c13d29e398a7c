//! A container's whole life, from the shim's start to its end.

use std::fs;
use std::io;
use std::os::fd::{AsFd, OwnedFd};
use std::os::unix::fs::OpenOptionsExt;
use std::os::unix::net::UnixListener;
use std::path::Path;
use std::process::{ExitCode, Stdio};
use std::thread;
use std::time::Duration;
use std::time::Instant;

use gantry_rootfs::isolate;
use gantry_runtime::cgroup::OomWatch;
use gantry_runtime::clock;
use gantry_runtime::error::{At, Failure, Result};
use gantry_sys::errno::StepContext;
use gantry_sys::lock::{self, LockMode};
use gantry_sys::process::Exit;
use gantry_sys::pty::WindowSize;
use gantry_sys::{fs as sys_fs, libc, prctl, process, pty, signal, socket};

use crate::client::Client;
use crate::config::Config;
use crate::event;
use crate::frame;
use crate::keeper::{FORWARDED, Keeper};
use crate::log::LogFile;
use crate::output::Output;
use crate::ready::ReadyPipe;
use crate::removal::remove_container;
use crate::rootfs::{mount_rootfs, unmount_rootfs};
use crate::runtime::{CONSOLE_SOCKET, Runtime, Stdio3};
use crate::status::Status;
use crate::stdin::Stdin;

const ATTACH_SOCKET: &str = "attach.sock";
/// The connection of the client in the foreground, if there is one.
const FOREGROUND_DESCRIPTOR: i32 = 4;
/// Between two tries for the container's lock.
const LOCK_PAUSE: Duration = Duration::from_millis(5);

/// Keeps the container of `directory` until it has ended.
pub fn keep(directory: &Path) -> ExitCode {
    let ready = ReadyPipe::inherited();
    let foreground = process::inherited(FOREGROUND_DESCRIPTOR).ok();
    let (config, lock) = match claim(directory) {
        Ok(claimed) => claimed,
        Err(failure) => {
            ready.failed(&failure);
            return ExitCode::FAILURE;
        }
    };
    let runtime = Runtime::new(&config);
    match bring_up(&config, directory, &runtime, foreground) {
        Ok((keeper, oom, started_at)) => {
            ready.started(keeper.pid);
            see_out(&config, directory, &runtime, keeper, oom, started_at, lock);
            ExitCode::SUCCESS
        }
        Err(failure) => {
            give_up(&config, directory, &runtime, &failure);
            drop(lock);
            ready.failed(&failure);
            ExitCode::FAILURE
        }
    }
}

/// The container's directory becomes the working directory, and its lock is taken: the sign that it has a keeper.
fn claim(directory: &Path) -> Result<(Config, OwnedFd)> {
    sys_fs::set_umask(0o077);
    let _ = prctl::set_name(c"gantry-shim");
    std::env::set_current_dir(directory).at("chdir", directory)?;
    let config = Config::load(directory)?;
    let file = fs::OpenOptions::new().create(true).truncate(false).write(true).mode(0o600).open("shim.lock");
    let file: OwnedFd = file.at("open", "shim.lock")?.into();
    while !lock::try_lock(file.as_fd(), LockMode::Exclusive).step("flock", "shim.lock")? {
        if Status::is_running() {
            return Err(Failure::refusal("lock", format!("container {} is already running", config.id)));
        }
        // Somebody writes into the stopped container, removes it, or starts it: the end of that decides.
        thread::sleep(LOCK_PAUSE);
    }
    if sys_fs::stat_fd(file.as_fd()).step("statx", "shim.lock")?.stx_nlink == 0 {
        return Err(Failure::refusal("lock", format!("container {} has been removed", config.id)));
    }
    Ok((config, file))
}

fn bring_up(
    config: &Config,
    directory: &Path,
    runtime: &Runtime<'_>,
    foreground: Option<OwnedFd>,
) -> Result<(Keeper, OomWatch, String)> {
    isolate()?;
    mount_rootfs(config, directory)?;
    prctl::set_child_subreaper().step("prctl", "PR_SET_CHILD_SUBREAPER")?;
    signal::ignore(libc::SIGPIPE);
    let signals = [&FORWARDED[..], &[libc::SIGCHLD]].concat();
    let signals = signal::signal_descriptor(&signals).step("signalfd", "")?;
    let log = LogFile::open(&config.log)?;
    let listener = listen(ATTACH_SOCKET)?;

    let (pid, wires) =
        if config.terminal { create_with_terminal(config, runtime)? } else { create_with_pipes(config, runtime)? };
    let oom = OomWatch::of(pid);
    let started_at = clock::now();
    runtime.start()?;
    Status::running(pid, started_at.clone()).write(false)?;
    event::record(config, "start", &[]);
    let mut clients = Vec::new();
    if let Some(socket) = foreground {
        process::set_nonblocking(socket.as_fd(), true).step("fcntl", "foreground connection")?;
        clients.push(Client::new(socket, true));
    }
    let keeper = Keeper {
        pid,
        signals,
        listener,
        stdin: wires.stdin,
        stdin_once: config.stdin_once,
        terminal: wires.terminal,
        outputs: wires.outputs,
        log,
        clients,
        buffer: Keeper::new_buffer(),
        program: None,
    };
    Ok((keeper, oom, started_at))
}

/// This side of the container's stdio, non-blocking.
struct Wires {
    stdin: Stdin,
    outputs: Vec<Output>,
    terminal: Option<OwnedFd>,
}

fn create_with_pipes(config: &Config, runtime: &Runtime<'_>) -> Result<(i32, Wires)> {
    let (out_reader, out_writer) = io::pipe().at("pipe", "stdout")?;
    let (err_reader, err_writer) = io::pipe().at("pipe", "stderr")?;
    let (input, sink) = if config.open_stdin {
        let (reader, writer) = io::pipe().at("pipe", "stdin")?;
        (Stdio::from(reader), Some(OwnedFd::from(writer)))
    } else {
        (Stdio::null(), None)
    };
    let (stdout, stderr) = (OwnedFd::from(out_reader), OwnedFd::from(err_reader));
    for fd in [Some(&stdout), Some(&stderr), sink.as_ref()].into_iter().flatten() {
        process::set_nonblocking(fd.as_fd(), true).step("fcntl", "stdio")?;
    }
    let pid = runtime.create(Stdio3 { stdin: input, stdout: out_writer.into(), stderr: err_writer.into() })?;
    let outputs = vec![Output::new(stdout, frame::STDOUT), Output::new(stderr, frame::STDERR)];
    Ok((pid, Wires { stdin: Stdin::new(sink, false), outputs, terminal: None }))
}

fn create_with_terminal(config: &Config, runtime: &Runtime<'_>) -> Result<(i32, Wires)> {
    let listener = listen(CONSOLE_SOCKET)?;
    let created = runtime.create(Stdio3 { stdin: Stdio::null(), stdout: Stdio::null(), stderr: Stdio::null() });
    let master = created.and_then(|pid| {
        // The runtime has connected and sent before it reported success.
        listener.set_nonblocking(true).at("fcntl", CONSOLE_SOCKET)?;
        let (stream, _) = listener.accept().at("accept", CONSOLE_SOCKET)?;
        let received =
            socket::receive_descriptor(stream.as_fd(), &mut [0; 256]).step("receive console", CONSOLE_SOCKET)?;
        Ok((pid, received.1))
    });
    let _ = fs::remove_file(CONSOLE_SOCKET);
    let (pid, master) = master?;
    if let Some(size) = config.console_size {
        let size = WindowSize { columns: size.width, rows: size.height };
        pty::set_window_size(master.as_fd(), size).step("resize terminal", "")?;
    }
    process::set_nonblocking(master.as_fd(), true).step("fcntl", "terminal")?;
    let output = Output::new(master.try_clone().at("dup", "terminal")?, frame::STDOUT);
    let sink = if config.open_stdin { Some(master.try_clone().at("dup", "terminal")?) } else { None };
    Ok((pid, Wires { stdin: Stdin::new(sink, true), outputs: vec![output], terminal: Some(master) }))
}

/// A socket in the working directory: its path is short, however long the directory's is.
fn listen(name: &str) -> Result<UnixListener> {
    let _ = fs::remove_file(name);
    UnixListener::bind(name).at("bind", name)
}

fn see_out(
    config: &Config,
    directory: &Path,
    runtime: &Runtime<'_>,
    mut keeper: Keeper,
    oom: OomWatch,
    started_at: String,
    lock: OwnedFd,
) {
    let started = Instant::now();
    let exit: Exit = keeper.run();
    let finished_at = clock::now();
    let oom_killed = oom.has_killed();
    let seconds = started.elapsed().as_secs().to_string();
    keeper.drain(false);
    let deleted = runtime.delete();
    keeper.drain(true);
    let status = Status {
        status: "exited",
        pid: 0,
        started_at,
        finished_at,
        exit_code: exit.status(),
        oom_killed,
        error: deleted.err().map(|failure| failure.message).unwrap_or_default(),
    };
    if oom_killed {
        event::record(config, "oom", &[]);
    }
    event::record(config, "die", &[("execDuration", &seconds), ("exitCode", &exit.status().to_string())]);
    end(config, directory, &status, lock);
    keeper.finish(exit.status(), oom_killed);
}

/// The container did not start: nothing of it stays but its record of why.
fn give_up(config: &Config, directory: &Path, runtime: &Runtime<'_>, failure: &Failure) {
    let _ = runtime.delete();
    let _ = fs::remove_file(CONSOLE_SOCKET);
    let status = Status {
        status: "exited",
        pid: 0,
        started_at: String::new(),
        finished_at: clock::now(),
        exit_code: exit_code_of(failure),
        oom_killed: false,
        error: failure.message.clone(),
    };
    finish_files(config, directory, &status);
}

fn end(config: &Config, directory: &Path, status: &Status, lock: OwnedFd) {
    finish_files(config, directory, status);
    // Released before clients are told: one of them may start the container again at once.
    drop(lock);
}

fn finish_files(config: &Config, directory: &Path, status: &Status) {
    let _ = fs::remove_file(ATTACH_SOCKET);
    unmount_rootfs(&config.rootfs);
    let written = status.write(!config.auto_remove);
    let removed = if config.auto_remove { remove_container(config, directory) } else { Ok(()) };
    if config.auto_remove && removed.is_ok() {
        event::record(config, "destroy", &[]);
    }
    for failure in [written.err(), removed.err()].into_iter().flatten() {
        eprintln!("gantry-shim: {failure}");
    }
}

/// Docker's: 127 no such program, 126 a program that cannot be run, 128 anything else.
fn exit_code_of(failure: &Failure) -> i32 {
    let message = &failure.message;
    let says = |words: &[&str]| words.iter().any(|word| message.contains(word));
    let is_exec = failure.step == "exec" || failure.step.is_empty() && message.contains("exec");
    match failure.errno {
        libc::ENOENT if is_exec => 127,
        errno if is_exec && errno != 0 => 126,
        _ if is_exec && says(&["executable file not found", "no such file or directory"]) => 127,
        _ if is_exec && says(&["permission denied", "is a directory", "exec format error"]) => 126,
        _ => 128,
    }
}
