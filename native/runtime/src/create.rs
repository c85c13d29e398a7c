//! Making a container, up to the point where its first process waits for the start.

use std::ffi::CString;
use std::os::fd::{AsFd, OwnedFd};
use std::os::unix::net::UnixStream;
use std::path::{Path, PathBuf};

use gantry_sys::errno::StepContext;
use gantry_sys::process::{Cloned, clone};
use gantry_sys::{fs, libc, process};

use crate::cgroup::Cgroups;
use crate::channel::{Channel, Word};
use crate::clock;
use crate::error::{At, Failure, Result};
use crate::hooks::run_hooks;
use crate::init::Init;
use crate::namespaces::{Namespaces, map_ids};
use crate::process::CapabilityMasks;
use crate::seccomp;
use crate::spec::{self, Spec};
use crate::state::{Record, StateDirectory, Status, process_start_time};

/// What `create` and `run` are given.
pub struct CreateOptions {
    pub root: PathBuf,
    pub id: String,
    pub bundle: PathBuf,
    pub pid_file: Option<PathBuf>,
    pub console_socket: Option<PathBuf>,
    pub preserved_descriptors: i32,
}

/// A created container, as its maker knows it.
pub struct Created {
    pub record: Record,
    pub pidfd: OwnedFd,
}

/// Makes the container; on return its first process is ready and waits for `start`. On failure nothing is left of it.
pub fn create(options: &CreateOptions, warnings: &mut Vec<String>) -> Result<Created> {
    let bundle = std::fs::canonicalize(&options.bundle).at("open bundle", &options.bundle)?;
    let spec = spec::load(&bundle)?;
    let console = connect_console(&spec, options)?;
    // Relative paths on the command line have been used: mounts and hooks are relative to the bundle.
    std::env::set_current_dir(&bundle).at("chdir", &bundle)?;
    let directory = StateDirectory::of(&options.root, &options.id)?;
    let cgroups = Cgroups::locate(&spec.linux.cgroups_path, &options.id)?;
    directory.create()?;
    let mut undo = Undo { directory: &directory, cgroups: &cgroups, process: None };
    match make(&spec, &bundle, options, console, &mut undo, warnings) {
        Ok(created) => Ok(created),
        Err(failure) => {
            undo.run();
            // What createRuntime hooks have set up is theirs to take down.
            let state = Record { pid: 0, ..unborn(&spec, &bundle, options, &cgroups)? }.oci_json(Status::Stopped);
            let _ = run_hooks("poststop", &spec.hooks.poststop, &state);
            Err(failure)
        }
    }
}

struct Undo<'a> {
    directory: &'a StateDirectory,
    cgroups: &'a Cgroups,
    process: Option<(i32, OwnedFd)>,
}

impl Undo<'_> {
    fn run(&self) {
        if let Some((pid, pidfd)) = &self.process {
            let _ = process::pidfd_send_signal(pidfd.as_fd(), libc::SIGKILL);
            let _ = process::wait(*pid);
        }
        let _ = self.cgroups.remove();
        let _ = self.directory.remove();
    }
}

fn make(
    spec: &Spec,
    bundle: &Path,
    options: &CreateOptions,
    console: Option<UnixStream>,
    undo: &mut Undo<'_>,
    warnings: &mut Vec<String>,
) -> Result<Created> {
    let Some(container_process) = &spec.process else {
        return Err(Failure::refusal("check config", "process is missing"));
    };
    let fifo_path = undo.directory.fifo();
    let fifo_bytes = fifo_path.as_os_str().as_encoded_bytes();
    let c_fifo = fs::c_path(fifo_bytes).step("mkfifo", fifo_bytes)?;
    let mask = fs::set_umask(0);
    // Written to by whatever user the container's process has become.
    let made = fs::make_node_at(fs::CWD, &c_fifo, libc::S_IFIFO | 0o622, (0, 0)).step("mkfifo", fifo_bytes);
    fs::set_umask(mask);
    made?;
    let fifo = fs::open(&c_fifo, libc::O_PATH, 0).step("open", fifo_bytes)?;

    let namespaces = Namespaces::plan(&spec.linux)?;
    let filter = spec.linux.seccomp.as_ref().map(seccomp::compile).transpose()?;
    let capabilities = container_process.capabilities.as_ref().map(|wanted| CapabilityMasks::new(wanted, warnings));
    undo.cgroups.create(&spec.linux.resources)?;
    namespaces.prepare_caller(&spec.linux)?;

    let record = unborn(spec, bundle, options, undo.cgroups)?;
    let (mut ours, theirs) = Channel::pair()?;
    let flags = namespaces.clone_flags();
    let makes_user = namespaces.makes(libc::CLONE_NEWUSER);
    // Kernels before 5.7 know no birth in a group, and some sandboxes forbid it.
    let birthplace = undo.cgroups.birthplace();
    let born_in = birthplace.as_ref().and_then(|group| clone(flags, false, Some(group.as_fd())).ok());
    let born = born_in.is_some();
    let cloned = match born_in {
        Some(cloned) => cloned,
        None => clone(flags, false, None).step("clone", "")?,
    };
    let (pid, pidfd) = match cloned {
        Cloned::Parent { pid, pidfd } => (pid, pidfd),
        Cloned::Child => {
            drop(ours);
            let init = Init {
                rootfs: record.rootfs.clone(),
                cgroups: Cgroups::locate(&spec.linux.cgroups_path, &options.id)
                    .unwrap_or_else(|_| process::exit_now(1)),
                // Before its ids are mapped, a process in a new user namespace may not write to the groups' files.
                joins: (!makes_user).then_some(born),
                preserved_descriptors: options.preserved_descriptors,
                process: container_process,
                spec,
                bundle,
                namespaces,
                capabilities,
                filter,
                console,
                fifo,
                record,
            };
            init.run(theirs)
        }
    };
    drop((theirs, namespaces, console, fifo));
    let own_handle = pidfd.try_clone().at("dup", "pidfd")?;
    undo.process = Some((pid, own_handle));
    if makes_user {
        undo.cgroups.add(pid, born)?;
        map_ids(pid, &spec.linux)?;
    }
    ours.say(Word::Go)?;
    let mut record = Record { pid, ..record };
    if ours.expect(&[Word::HooksPlease, Word::Ready])? == Word::HooksPlease {
        let state = record.oci_json(Status::Creating);
        run_hooks("prestart", &spec.hooks.prestart, &state)?;
        run_hooks("createRuntime", &spec.hooks.create_runtime, &state)?;
        ours.say(Word::HooksDone)?;
        ours.expect(&[Word::Ready])?;
    }
    record.pid_started = process_start_time(pid)
        .ok_or_else(|| Failure::refusal("read state", "the container's first process ended unexpectedly"))?;
    undo.directory.write(&record)?;
    if let Some(file) = &options.pid_file {
        write_pid_file(file, pid)?;
    }
    Ok(Created { record, pidfd })
}

fn unborn(spec: &Spec, bundle: &Path, options: &CreateOptions, cgroups: &Cgroups) -> Result<Record> {
    let path = spec.root.as_ref().map_or("", |root| root.path.as_str());
    let rootfs = bundle.join(path);
    Ok(Record {
        id: options.id.clone(),
        pid: 0,
        pid_started: 0,
        bundle: bundle.to_owned(),
        rootfs: std::fs::canonicalize(&rootfs).at("open rootfs", &rootfs)?,
        created: clock::now(),
        annotations: spec.annotations.clone(),
        cgroups: cgroups.groups(),
    })
}

fn connect_console(spec: &Spec, options: &CreateOptions) -> Result<Option<UnixStream>> {
    let terminal = spec.process.as_ref().is_some_and(|process| process.terminal);
    match (&options.console_socket, terminal) {
        (Some(path), true) => Ok(Some(UnixStream::connect(path).at("connect console socket", path)?)),
        (None, true) => Err(Failure::refusal(
            "check config",
            "cannot allocate tty if runc will detach without setting console socket".replace("runc", "the runtime"),
        )),
        (Some(_), false) => {
            Err(Failure::refusal("check config", "cannot use console socket if the process has no terminal"))
        }
        (None, false) => Ok(None),
    }
}

/// Atomically: whoever waits for the file never reads half of it.
fn write_pid_file(file: &Path, pid: i32) -> Result<()> {
    let mut new = file.as_os_str().to_owned();
    new.push(".new");
    let new = PathBuf::from(new);
    std::fs::write(&new, pid.to_string()).at("write pid file", &new)?;
    std::fs::rename(&new, file).at("write pid file", file)
}

/// Runs the rest of this command from a sealed copy of the binary: a container's first process is a copy of the runtime
/// until its exec, and an image may name `/proc/self/exe` as its program; what it then gets hold of must not be the file
/// on the host (CVE-2019-5736). Returns once that is so.
pub fn run_from_sealed_copy() -> Result<()> {
    use gantry_sys::memfd;
    use std::os::unix::ffi::OsStringExt;

    let path = "/proc/self/exe";
    let mut original = std::fs::File::open(path).at("open", path)?;
    if memfd::is_sealed(original.as_fd()) {
        return Ok(());
    }
    let mut copy = std::fs::File::from(memfd::create(c"gantry-runtime").step("memfd_create", "")?);
    std::io::copy(&mut original, &mut copy).at("copy", path)?;
    memfd::seal(copy.as_fd()).step("seal", "memfd")?;
    let arguments: Vec<CString> =
        std::env::args_os().filter_map(|argument| CString::new(argument.into_vec()).ok()).collect();
    let environment: Vec<CString> = std::env::vars_os()
        .filter_map(|(mut name, value)| {
            name.push("=");
            name.push(value);
            CString::new(name.into_vec()).ok()
        })
        .collect();
    Err(process::exec_descriptor(copy.as_fd(), &arguments, &environment)).step("execveat", path)?
}
