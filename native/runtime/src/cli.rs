//! The command line, as callers of OCI runtimes use it: global flags, a verb, its flags, an id.

use std::path::PathBuf;
use std::process::ExitCode;

use gantry_sys::libc;

use crate::create::{CreateOptions, create, run_from_sealed_copy};
use crate::error::{Failure, Result};
use crate::lifecycle;
use crate::state::StateDirectory;

mod features;
mod list;
mod log;
mod run;
mod signals;
mod words;

use log::Log;
use words::Words;

const USAGE: &str = "usage: gantry-runtime [--root DIR] [--log FILE] [--log-format text|json] VERB ...

verbs:
  create --bundle DIR [--pid-file FILE] [--console-socket SOCKET] ID
  start ID
  state ID
  kill [--all] ID [SIGNAL]
  delete [--force] ID
  run --bundle DIR [--detach] [--keep] ID
  list [--format table|json] [--quiet]
  features";

/// Runs the process's arguments. Exit status: 0, 1 on failure; `run` has the program's.
pub fn main() -> ExitCode {
    let mut words = Words::new(std::env::args().skip(1).collect());
    let mut log = Log::default();
    match dispatch(&mut words, &mut log) {
        Ok(status) => ExitCode::from(status),
        Err(failure) => {
            log.failure(&failure);
            ExitCode::FAILURE
        }
    }
}

fn dispatch(words: &mut Words, log: &mut Log) -> Result<u8> {
    let mut root: Option<PathBuf> = None;
    while let Some(flag) = words.next_flag() {
        match flag.as_str() {
            "--root" => root = Some(words.value(&flag)?.into()),
            "--log" => log.open(&words.value(&flag)?)?,
            "--log-format" => log.set_format(&words.value(&flag)?)?,
            "--debug" => {
                words.switch(&flag)?;
            }
            // Modes of runc that change nothing here.
            "--rootless" => drop(words.value(&flag)?),
            "--systemd-cgroup" => {
                if words.switch(&flag)? {
                    let message = "--systemd-cgroup is not supported: use the cgroupfs driver";
                    return Err(Failure::refusal("usage", message));
                }
            }
            "--version" | "-v" => {
                println!("gantry-runtime version {}\nspec: {}", env!("CARGO_PKG_VERSION"), crate::spec::OCI_VERSION);
                return Ok(0);
            }
            "--help" | "-h" => {
                println!("{USAGE}");
                return Ok(0);
            }
            _ => return Err(words.unknown(&flag)),
        }
    }
    let root = root.unwrap_or_else(default_root);
    // Relative to where the command was given, before anything changes the directory.
    let root = std::path::absolute(&root).unwrap_or(root);
    let verb = words.positional("a verb (create, start, state, kill, delete, run, list, features)")?;
    match verb.as_str() {
        "create" => {
            let (options, _) = create_options(words, root, false)?;
            run_from_sealed_copy()?;
            let mut warnings = Vec::new();
            let created = create(&options, &mut warnings);
            warnings.iter().for_each(|warning| log.warning(warning));
            created.map(|_| 0)
        }
        "run" => {
            let (options, run) = create_options(words, root, true)?;
            run_from_sealed_copy()?;
            let mut warnings = Vec::new();
            let result = run::run(&options, run.detach, run.keep, &mut warnings);
            warnings.iter().for_each(|warning| log.warning(warning));
            result
        }
        "list" => list(words, &root),
        "features" => {
            words.end()?;
            println!("{:#}", features::features());
            Ok(0)
        }
        "start" => {
            let id = words.last_positional("a container id")?;
            lifecycle::start(&root, &id).map(|()| 0)
        }
        "state" => {
            let directory = StateDirectory::of(&root, &words.last_positional("a container id")?)?;
            let record = directory.read()?;
            let text = serde_json::to_string_pretty(&record.oci(directory.status(&record)));
            println!("{}", text.unwrap_or_default());
            Ok(0)
        }
        "kill" => kill(words, root),
        "delete" => {
            let mut force = false;
            while let Some(flag) = words.next_flag() {
                match flag.as_str() {
                    "--force" | "-f" => force = words.switch(&flag)?,
                    _ => return Err(words.unknown(&flag)),
                }
            }
            let id = words.last_positional("a container id")?;
            lifecycle::delete(&root, &id, force).map(|()| 0)
        }
        other => Err(Failure::refusal("usage", format!("unknown verb {other:?}"))),
    }
}

fn list(words: &mut Words, root: &std::path::Path) -> Result<u8> {
    let (mut json, mut quiet) = (false, false);
    while let Some(flag) = words.next_flag() {
        match flag.as_str() {
            "--format" | "-f" => json = words.value(&flag)? == "json",
            "--quiet" | "-q" => quiet = words.switch(&flag)?,
            _ => return Err(words.unknown(&flag)),
        }
    }
    words.end()?;
    let containers = list::list(root)?;
    if quiet {
        containers.iter().filter_map(|container| container["id"].as_str()).for_each(|id| println!("{id}"));
    } else if json {
        println!("{}", serde_json::Value::from(containers));
    } else {
        println!("{}", list::table(&containers));
    }
    Ok(0)
}

/// What `run` takes besides what `create` takes.
#[derive(Default)]
struct RunFlags {
    detach: bool,
    keep: bool,
}

fn create_options(words: &mut Words, root: PathBuf, runs: bool) -> Result<(CreateOptions, RunFlags)> {
    let mut run = RunFlags::default();
    let mut options = CreateOptions {
        root,
        id: String::new(),
        bundle: PathBuf::from("."),
        pid_file: None,
        console_socket: None,
        preserved_descriptors: 0,
    };
    while let Some(flag) = words.next_flag() {
        match flag.as_str() {
            "--bundle" | "-b" => options.bundle = words.value(&flag)?.into(),
            "--pid-file" => options.pid_file = Some(words.value(&flag)?.into()),
            "--console-socket" => options.console_socket = Some(words.value(&flag)?.into()),
            "--preserve-fds" => {
                let text = words.value(&flag)?;
                options.preserved_descriptors =
                    text.parse().ok().filter(|count| (0..1024).contains(count)).ok_or_else(|| {
                        Failure::refusal("usage", format!("--preserve-fds {text:?} is not a number of descriptors"))
                    })?;
            }
            "--detach" | "-d" if runs => run.detach = words.switch(&flag)?,
            "--keep" if runs => run.keep = words.switch(&flag)?,
            // pivot_root is not optional, and keyrings are not made.
            "--no-new-keyring" => drop(words.switch(&flag)?),
            "--no-pivot" => {
                if words.switch(&flag)? {
                    return Err(Failure::refusal("usage", "--no-pivot is not supported"));
                }
            }
            _ => return Err(words.unknown(&flag)),
        }
    }
    options.id = words.last_positional("a container id")?;
    // As the state directory.
    for path in [&mut options.pid_file].into_iter().flatten() {
        *path = std::path::absolute(&path).unwrap_or_else(|_| path.clone());
    }
    Ok((options, run))
}

fn kill(words: &mut Words, root: PathBuf) -> Result<u8> {
    let mut all = false;
    let mut flags = |words: &mut Words| -> Result<()> {
        while let Some(flag) = words.next_flag() {
            match flag.as_str() {
                "--all" | "-a" => all = words.switch(&flag)?,
                _ => return Err(words.unknown(&flag)),
            }
        }
        Ok(())
    };
    flags(words)?;
    let id = words.positional("a container id")?;
    flags(words)?;
    let signal = match words.optional() {
        Some(text) => {
            signals::parse(&text).ok_or_else(|| Failure::refusal("usage", format!("unknown signal {text:?}")))?
        }
        None => libc::SIGTERM,
    };
    words.end()?;
    lifecycle::kill(&root, &id, signal, all).map(|()| 0)
}

fn default_root() -> PathBuf {
    if gantry_sys::process::effective_user() != 0
        && let Some(directory) = std::env::var_os("XDG_RUNTIME_DIR")
    {
        return PathBuf::from(directory).join("gantry");
    }
    PathBuf::from("/run/gantry")
}
