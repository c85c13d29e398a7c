//! The container's first process, from its birth in new namespaces to its program. It is a copy of the runtime, which is
//! single-threaded, so ordinary code runs here.

use std::ffi::CString;
use std::fs::{File, OpenOptions};
use std::io::Write;
use std::os::fd::{AsFd, AsRawFd, OwnedFd};
use std::os::unix::net::UnixStream;
use std::path::{Path, PathBuf};

use gantry_sys::errno::{StepContext, StepError};
use gantry_sys::pty::WindowSize;
use gantry_sys::{fs, libc, mount, netlink, prctl, process, seccomp, signal, socket};

use crate::cgroup::Cgroups;
use crate::channel::{Channel, Word};
use crate::error::{At, Failure, Result};
use crate::hooks::run_hooks;
use crate::namespaces::Namespaces;
use crate::process::{CapabilityMasks, environment, find_program, own_stdio, set_limits, take_identity};
use crate::rootfs::{
    Jail, apply_propagation, enter_root, isolate_mounts, make_devices, mask_paths, mount_all, open_console,
    protect_paths,
};
use crate::seccomp::Filter;
use crate::spec::{Process, Spec};
use crate::state::{Record, Status};

/// Everything the first process needs, gathered before it exists.
pub struct Init<'a> {
    pub spec: &'a Spec,
    pub process: &'a Process,
    pub bundle: &'a Path,
    pub rootfs: PathBuf,
    pub namespaces: Namespaces,
    pub cgroups: Cgroups,
    /// The first process is to move itself into the groups; the value says whether it was born in the unified one.
    pub joins: Option<bool>,
    pub capabilities: Option<CapabilityMasks>,
    pub filter: Option<Filter>,
    /// Where the terminal's master goes.
    pub console: Option<UnixStream>,
    /// The start's fifo, O_PATH.
    pub fifo: OwnedFd,
    /// Descriptors that the program inherits besides stdio: 3, 4 ...
    pub preserved_descriptors: i32,
    pub record: Record,
}

impl Init<'_> {
    /// Never returns: becomes the program, or reports why not and exits.
    pub fn run(self, channel: Channel) -> ! {
        let mut channel = channel;
        match self.prepare(&mut channel) {
            Err(failure) => {
                channel.fail(&failure);
                process::exit_now(1)
            }
            Ok(prepared) => {
                drop(channel); // the runtime has heard Ready
                let (failure, mut gate) = self.start(prepared);
                if let Some(gate) = &mut gate {
                    let _ = gate.write_all(&serde_json::to_vec(&failure).unwrap_or_default());
                }
                process::exit_now(if failure.errno == libc::ENOENT { 127 } else { 126 })
            }
        }
    }

    fn prepare(&self, channel: &mut Channel) -> Result<Prepared> {
        channel.expect(&[Word::Go])?;
        if let Some(born) = self.joins {
            self.cgroups.join(born)?;
        }
        let linux = &self.spec.linux;
        let new_user = self.namespaces.makes(libc::CLONE_NEWUSER);
        // Adjusted first: in a new user namespace it cannot be any more, and the mounts' memory counts already.
        if let Some(adjustment) = self.process.oom_score_adj {
            set_oom_score(adjustment)?;
        }
        self.namespaces.enter()?;
        if new_user {
            process::set_identity(0, 0, Some(&[])).step("set user", "0:0 in the new user namespace")?;
        }
        process::setsid().step("setsid", "")?;
        fs::set_umask(0);
        if self.namespaces.makes(libc::CLONE_NEWNET) {
            netlink::bring_loopback_up().step("bring up", "lo")?;
        }
        // /proc/sys of the host's procfs shows the caller's namespaces, and nothing in the image can redirect it.
        for (name, value) in &linux.sysctl {
            set_sysctl(name, value)?;
        }
        if !self.spec.hostname.is_empty() {
            process::set_hostname(self.spec.hostname.as_bytes()).step("sethostname", &self.spec.hostname)?;
        }
        if !self.spec.domainname.is_empty() {
            process::set_domainname(self.spec.domainname.as_bytes()).step("setdomainname", &self.spec.domainname)?;
        }

        let jail = self.prepare_files(channel, new_user)?;
        if self.process.terminal {
            self.give_console(&jail)?;
        }
        jail.make_directory(&self.process.cwd).step("make working directory", &self.process.cwd)?;
        protect_paths(&jail, &linux.readonly_paths)?;
        mask_paths(&jail, &linux.masked_paths)?;
        if self.spec.root.as_ref().is_some_and(|root| root.readonly) {
            make_root_readonly(&jail)?;
        }
        // For the start: the container's /proc may be missing, or not be one.
        let descriptors =
            fs::open(c"/proc/self/fd", libc::O_PATH | libc::O_DIRECTORY, 0).step("open", "/proc/self/fd")?;
        let apparmor = apparmor_attribute(&self.process.apparmor_profile)?;
        enter_root(&jail)?;
        drop(jail);
        apply_propagation(&linux.rootfs_propagation)?;
        fs::set_umask(self.process.user.umask.unwrap_or(0o022));

        set_limits(&self.process.rlimits)?;
        if let Some((mut file, text)) = apparmor {
            file.write_all(text.as_bytes()).at("set AppArmor profile", &self.process.apparmor_profile)?;
        }
        if self.process.no_new_privileges {
            prctl::set_no_new_privileges().step("prctl", "PR_SET_NO_NEW_PRIVS")?;
        } else {
            // Needs CAP_SYS_ADMIN, which is about to go.
            self.install_filter()?;
        }
        process::close_on_exec_from(3 + self.preserved_descriptors).step("close_range", "")?;
        if let Some(masks) = &self.capabilities {
            masks.limit_bounding()?;
        }
        if !self.process.terminal {
            own_stdio(&self.process.user)?;
        }
        // Before the identity changes: HOME is looked up in a file that the user need not be able to read.
        let environment = environment(&self.process.env, self.process.user.uid)?;
        take_identity(&self.process.user, false)?;
        if let Some(masks) = &self.capabilities {
            masks.apply()?;
        }
        // The runtime's descriptors are none of the business of processes that share a pid namespace with this one.
        prctl::set_dumpable(false).step("prctl", "PR_SET_DUMPABLE")?;
        self.enter_working_directory()?;
        let program = find_program(&self.process.args[0], &environment)?;
        let arguments = self
            .process
            .args
            .iter()
            .map(|argument| fs::c_path(argument.as_bytes()).step("exec", argument))
            .collect::<std::result::Result<Vec<_>, _>>()?;
        channel.say(Word::Ready)?;
        Ok(Prepared { program, arguments, environment, descriptors })
    }

    fn prepare_files(&self, channel: &mut Channel, new_user: bool) -> Result<Jail> {
        let linux = &self.spec.linux;
        let jail = isolate_mounts(&self.rootfs, &linux.rootfs_propagation)?;
        let own_cgroup = self.namespaces.makes(libc::CLONE_NEWCGROUP) || self.namespaces.joins(libc::CLONE_NEWCGROUP);
        mount_all(&jail, &self.spec.mounts, self.bundle, &self.cgroups, own_cgroup)?;
        let host_dev = self.spec.mounts.iter().any(|m| {
            m.destination.trim_end_matches('/') == "/dev" && crate::rootfs::MountOptions::parse(&m.options).bind
        });
        if !host_dev {
            make_devices(&jail, &linux.devices, new_user)?;
        }
        let hooks = &self.spec.hooks;
        if !hooks.prestart.is_empty() || !hooks.create_runtime.is_empty() {
            channel.say(Word::HooksPlease)?;
            channel.expect(&[Word::HooksDone])?;
        }
        run_hooks("createContainer", &hooks.create_container, &self.record.oci_json(Status::Creating))?;
        Ok(jail)
    }

    fn give_console(&self, jail: &Jail) -> Result<()> {
        let size = self.process.console_size.map(|size| WindowSize { columns: size.width, rows: size.height });
        let master = open_console(jail, size, self.process.user.uid)?;
        if let Some(console) = &self.console {
            socket::send_descriptor(console.as_fd(), b"/dev/ptmx", master.as_fd()).step("send console", "")?;
        }
        Ok(())
    }

    fn enter_working_directory(&self) -> Result<()> {
        let cwd = &self.process.cwd;
        std::env::set_current_dir(cwd).at("chdir", cwd)?;
        // A directory outside the root would show here as unreachable.
        match std::env::current_dir() {
            Ok(path) if path.is_absolute() => Ok(()),
            _ => {
                Err(Failure::refusal("chdir", format!("working directory {cwd:?} is outside of the container's root")))
            }
        }
    }

    fn install_filter(&self) -> Result<()> {
        if let Some(filter) = &self.filter {
            seccomp::install_filter(&filter.instructions, filter.flags).step("install seccomp filter", "")?;
        }
        Ok(())
    }

    /// Waits for the start, then becomes the program. The second value is where to report what went wrong.
    fn start(&self, prepared: Prepared) -> (Failure, Option<File>) {
        // Opening the other end of the fifo is what `start` does; until then this open waits.
        let number = CString::new(self.fifo.as_raw_fd().to_string()).unwrap_or_default();
        let mut gate = match fs::open_at(prepared.descriptors.as_fd(), &number, libc::O_WRONLY, 0) {
            Ok(gate) => File::from(gate),
            Err(error) => return (StepError::new("open start fifo", error, "").into(), None),
        };
        if let Err(failure) = gate.write_all(b"0").at("write to start fifo", "") {
            return (failure, Some(gate));
        }
        let state = self.record.oci_json(Status::Created);
        if let Err(failure) = run_hooks("startContainer", &self.spec.hooks.start_container, &state) {
            return (failure, Some(gate));
        }
        if let Err(error) = signal::reset().step("reset signals", "") {
            return (error.into(), Some(gate));
        }
        if self.process.no_new_privileges
            && let Err(failure) = self.install_filter()
        {
            return (failure, Some(gate));
        }
        let errno = process::exec(&prepared.program, &prepared.arguments, &prepared.environment);
        let name = self.process.args[0].as_str();
        (crate::process::exec_failure(name, errno), Some(gate))
    }
}

struct Prepared {
    program: CString,
    arguments: Vec<CString>,
    environment: Vec<CString>,
    /// The host's /proc/self/fd.
    descriptors: OwnedFd,
}

fn set_oom_score(adjustment: i32) -> Result<()> {
    let file = "/proc/self/oom_score_adj";
    let current = std::fs::read_to_string(file).at("read", file)?;
    if current.trim() == adjustment.to_string() {
        return Ok(());
    }
    std::fs::write(file, adjustment.to_string()).at("write", file)
}

fn set_sysctl(name: &str, value: &str) -> Result<()> {
    // Dots separate, unless slashes do: then dots belong to names, as in an interface eth0.100.
    let relative = if name.contains('/') { name.to_owned() } else { name.replace('.', "/") };
    if relative.split('/').any(|component| component == ".." || component.is_empty()) {
        return Err(Failure::refusal("sysctl", format!("{name:?} is not the name of a kernel parameter")));
    }
    const NAMESPACED: [&str; 4] = ["net/", "kernel/msg", "kernel/shm", "fs/mqueue/"];
    const NAMESPACED_EXACTLY: [&str; 3] = ["kernel/sem", "kernel/hostname", "kernel/domainname"];
    let known =
        NAMESPACED.iter().any(|prefix| relative.starts_with(prefix)) || NAMESPACED_EXACTLY.contains(&relative.as_str());
    if !known {
        return Err(Failure::refusal("sysctl", format!("sysctl {name:?} is not in a separate kernel namespace")));
    }
    let file = format!("/proc/sys/{relative}");
    std::fs::write(&file, value).at("sysctl", &file)
}

fn make_root_readonly(jail: &Jail) -> Result<()> {
    let change = mount::AttributeChange { set: mount::attr::RDONLY, ..mount::AttributeChange::default() };
    match mount::mount_setattr(Some(jail.root()), c"", false, change) {
        Err(gantry_sys::Errno(libc::ENOSYS)) => {
            let flags = libc::MS_BIND | libc::MS_REMOUNT | libc::MS_RDONLY;
            Ok(mount::mount(None, &fs::descriptor_path(jail.root()), None, flags, None).step("remount", "/")?)
        }
        other => Ok(other.step("make root read-only", "/")?),
    }
}

/// The file to write the profile to, opened while the host's /proc is there. Without AppArmor in the kernel a profile is
/// refused, except Docker's word for none.
fn apparmor_attribute(profile: &str) -> Result<Option<(File, String)>> {
    if profile.is_empty() || profile == "unconfined" {
        return Ok(None);
    }
    if !Path::new("/sys/kernel/security/apparmor").exists() {
        let message = format!("process.apparmorProfile is {profile:?}, but AppArmor is not enabled on this host");
        return Err(Failure::refusal("set AppArmor profile", message));
    }
    let path = ["/proc/self/attr/apparmor/exec", "/proc/self/attr/exec"]
        .into_iter()
        .find(|path| Path::new(path).exists())
        .unwrap_or("/proc/self/attr/exec");
    let file = OpenOptions::new().write(true).open(path).at("set AppArmor profile", path)?;
    Ok(Some((file, format!("exec {profile}"))))
}
