//! Starting a program that outlives its starter, fast and from any process.
//!
//! `fork` copies the page tables: 68 ms in a node process of 1 GB. `clone(CLONE_VM | CLONE_VFORK)` copies nothing and
//! suspends the caller until the program runs. The rules that make sharing the memory safe: everything is prepared
//! before; the new processes run on stacks of their own, make system calls only, allocate nothing, and write only into
//! the [`Plan`]; all signals are blocked, so that no handler of the starter runs in them.
//!
//! Two processes are made: the first starts the second and ends at once, so that the program's parent is init and
//! nobody has to wait for it.

use std::ffi::{CStr, CString, c_char, c_int, c_void};
use std::mem::MaybeUninit;
use std::os::fd::{AsRawFd, BorrowedFd, FromRawFd, OwnedFd};
use std::ptr;

use crate::errno::{Errno, Result, StepContext, StepError, check, retry};

const STACK_BYTES: usize = 64 * 1024;
/// Sources of descriptors are moved up here first, so that putting one in place never overwrites another.
const LEAST_SOURCE_FD: c_int = 64;

/// What to start.
pub struct Program<'a> {
    pub path: &'a CStr,
    pub argv: &'a [CString],
    pub env: &'a [CString],
    /// The program's descriptors 0, 1, 2 ...; there are no others.
    pub descriptors: &'a [BorrowedFd<'a>],
}

/// Everything the new processes need and report; shared with them through CLONE_VM.
struct Plan {
    path: *const c_char,
    argv: *const *const c_char,
    env: *const *const c_char,
    sources: *const c_int,
    source_count: c_int,
    second_stack: *mut c_void,
    /// Written by the first process: the program's pid, or -1.
    pid: c_int,
    /// Written by whichever failed: what, and why (0: nothing failed).
    failed_step: &'static str,
    failed_errno: c_int,
}

/// Starts the program in a session of its own, with working directory `/` and all signals at their defaults. Returns its
/// pid once it has been executed.
///
/// # Errors
/// Step `execve` with the path where the program cannot be executed.
pub fn spawn_detached(program: &Program<'_>) -> std::result::Result<i32, StepError> {
    let path = program.path.to_bytes();
    let sources: Vec<OwnedFd> =
        program.descriptors.iter().map(|fd| duplicate_above(*fd)).collect::<Result<_>>().step("dup", path)?;
    let source_fds: Vec<c_int> = sources.iter().map(AsRawFd::as_raw_fd).collect();
    let argv = pointers(program.argv);
    let env = pointers(program.env);
    let mut first_stack = vec![MaybeUninit::<u128>::uninit(); STACK_BYTES / 16];
    let mut second_stack = vec![MaybeUninit::<u128>::uninit(); STACK_BYTES / 16];
    let mut plan = Plan {
        path: program.path.as_ptr(),
        argv: argv.as_ptr(),
        env: env.as_ptr(),
        sources: source_fds.as_ptr(),
        source_count: source_fds.len() as c_int,
        second_stack: second_stack.as_mut_ptr_range().end.cast(),
        pid: -1,
        failed_step: "",
        failed_errno: 0,
    };
    let before = block_signals();
    // SAFETY: the stack is 64 KiB of our own, 16-byte aligned, handed over at its upper end; CLONE_VFORK suspends this
    // thread until the first process has ended, so stack and plan outlive every use; first_process keeps the module's
    // rules. Exit signal 0: node's SIGCHLD handler never hears of it.
    let child = check(unsafe {
        libc::clone(
            first_process,
            first_stack.as_mut_ptr_range().end.cast(),
            libc::CLONE_VM | libc::CLONE_VFORK,
            (&raw mut plan).cast(),
        )
    });
    restore_signals(&before);
    let child = child.step("clone", path)?;
    // SAFETY: only integers and a null pointer, which means that the status is not wanted.
    let _ = retry(|| check(unsafe { libc::waitpid(child, ptr::null_mut(), libc::__WALL) }));
    if plan.failed_errno != 0 {
        return Err(StepError::new(plan.failed_step, Errno(plan.failed_errno), path));
    }
    if plan.pid <= 0 {
        return Err(StepError::new("clone", Errno(libc::EAGAIN), path));
    }
    Ok(plan.pid)
}

/// Starts the second process and ends when that has executed the program.
extern "C" fn first_process(plan: *mut c_void) -> c_int {
    // SAFETY: plan is the Plan of spawn_detached, which is suspended: nobody else uses it. The second stack is like the
    // first; CLONE_VFORK suspends this process until the program is executed or the second process has ended.
    unsafe {
        let plan = plan.cast::<Plan>();
        let pid = libc::clone(
            second_process,
            (*plan).second_stack,
            libc::CLONE_VM | libc::CLONE_VFORK | libc::SIGCHLD,
            plan.cast(),
        );
        if pid == -1 {
            (*plan).failed_step = "clone";
            (*plan).failed_errno = *libc::__errno_location();
        }
        (*plan).pid = pid;
        libc::_exit(0)
    }
}

/// Becomes the program.
extern "C" fn second_process(plan: *mut c_void) -> c_int {
    // SAFETY: plan is the Plan of spawn_detached, which is suspended, as is the first process: nobody else uses it. Its
    // pointers lead to arrays that spawn_detached keeps alive. Only system calls are made, no allocation, no locks.
    unsafe {
        let plan = plan.cast::<Plan>();
        let failed = |step: &'static str| -> ! {
            (*plan).failed_step = step;
            (*plan).failed_errno = *libc::__errno_location();
            libc::_exit(127)
        };
        // Handlers would run the starter's code; execve resets those by itself but keeps what is ignored (node ignores
        // SIGPIPE). Numbers that cannot be set are refused, which is fine.
        for signal in 1..=64 {
            libc::signal(signal, libc::SIG_DFL);
        }
        if libc::setsid() == -1 {
            failed("setsid");
        }
        for target in 0..(*plan).source_count {
            // dup2 onto a different number clears close-on-exec.
            if libc::dup2(*(*plan).sources.add(target as usize), target) == -1 {
                failed("dup2");
            }
        }
        // Fails before Linux 5.9 only; there, node's own descriptors are all close-on-exec.
        libc::syscall(libc::SYS_close_range, (*plan).source_count as libc::c_uint, libc::c_uint::MAX, 0);
        if libc::chdir(c"/".as_ptr()) == -1 {
            failed("chdir");
        }
        let mut none = MaybeUninit::<libc::sigset_t>::uninit();
        libc::sigemptyset(none.as_mut_ptr());
        libc::sigprocmask(libc::SIG_SETMASK, none.as_ptr(), ptr::null_mut());
        libc::execve((*plan).path, (*plan).argv, (*plan).env);
        failed("execve")
    }
}

/// The array that execve wants: pointers, then null.
fn pointers(strings: &[CString]) -> Vec<*const c_char> {
    strings.iter().map(|s| s.as_ptr()).chain([ptr::null()]).collect()
}

fn duplicate_above(fd: BorrowedFd<'_>) -> Result<OwnedFd> {
    // SAFETY: only integers are passed.
    let copy = check(unsafe { libc::fcntl(fd.as_raw_fd(), libc::F_DUPFD_CLOEXEC, LEAST_SOURCE_FD) })?;
    // SAFETY: the kernel has just made this descriptor for the caller; nothing else knows it.
    Ok(unsafe { OwnedFd::from_raw_fd(copy) })
}

fn block_signals() -> MaybeUninit<libc::sigset_t> {
    let mut all = MaybeUninit::<libc::sigset_t>::uninit();
    let mut before = MaybeUninit::<libc::sigset_t>::zeroed();
    // SAFETY: both are locals of the right type; sigfillset initialises the one before it is read.
    unsafe {
        libc::sigfillset(all.as_mut_ptr());
        libc::pthread_sigmask(libc::SIG_SETMASK, all.as_ptr(), before.as_mut_ptr());
    }
    before
}

fn restore_signals(before: &MaybeUninit<libc::sigset_t>) {
    // SAFETY: before was zeroed and then filled by block_signals.
    unsafe { libc::pthread_sigmask(libc::SIG_SETMASK, before.as_ptr(), ptr::null_mut()) };
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fs;
    use std::os::fd::AsFd;

    fn pipe() -> (OwnedFd, OwnedFd) {
        let (reader, writer) = std::io::pipe().unwrap();
        (reader.into(), writer.into())
    }

    #[test]
    fn a_program_gets_exactly_its_descriptors_and_its_own_session() {
        let null = fs::open(c"/dev/null", libc::O_RDWR, 0).unwrap();
        let (reader, writer) = pipe();
        let script = c"for n in 0 1 2 3 4 5 6 7 8 9 10 64 65 66 67; do [ -e /proc/$$/fd/$n ] && fds=$fds$n; done
            echo $$ $(ps -o sid= -p $$) $fds $(pwd) $X >&3";
        let argv = [c"sh", c"-c", script];
        let argv = argv.map(CStr::to_owned);
        let env = [c"PATH=/usr/bin:/bin".to_owned(), c"X=y".to_owned()];
        let descriptors = [null.as_fd(), null.as_fd(), null.as_fd(), writer.as_fd()];
        let program = Program { path: c"/bin/sh", argv: &argv, env: &env, descriptors: &descriptors };
        let pid = spawn_detached(&program).unwrap();
        drop(writer);
        let mut text = String::new();
        std::io::Read::read_to_string(&mut std::fs::File::from(reader), &mut text).unwrap();
        assert_eq!(text.trim(), format!("{pid} {pid} 0123 / y"));
    }

    #[test]
    fn a_program_that_is_not_there_names_execve() {
        let program = Program { path: c"/no/such/program", argv: &[], env: &[], descriptors: &[] };
        let error = spawn_detached(&program).unwrap_err();
        assert_eq!((error.step, error.errno), ("execve", Errno(libc::ENOENT)));
    }
}
