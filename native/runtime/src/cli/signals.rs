use gantry_sys::libc;

#[rustfmt::skip]
const NAMES: [(&str, i32); 34] = [
    ("ABRT", libc::SIGABRT), ("ALRM", libc::SIGALRM), ("BUS", libc::SIGBUS), ("CHLD", libc::SIGCHLD),
    ("CLD", libc::SIGCHLD), ("CONT", libc::SIGCONT), ("FPE", libc::SIGFPE), ("HUP", libc::SIGHUP),
    ("ILL", libc::SIGILL), ("INT", libc::SIGINT), ("IO", libc::SIGIO), ("IOT", libc::SIGIOT),
    ("KILL", libc::SIGKILL), ("PIPE", libc::SIGPIPE), ("POLL", libc::SIGPOLL), ("PROF", libc::SIGPROF),
    ("PWR", libc::SIGPWR), ("QUIT", libc::SIGQUIT), ("SEGV", libc::SIGSEGV), ("STKFLT", libc::SIGSTKFLT),
    ("STOP", libc::SIGSTOP), ("SYS", libc::SIGSYS), ("TERM", libc::SIGTERM), ("TRAP", libc::SIGTRAP),
    ("TSTP", libc::SIGTSTP), ("TTIN", libc::SIGTTIN), ("TTOU", libc::SIGTTOU), ("URG", libc::SIGURG),
    ("USR1", libc::SIGUSR1), ("USR2", libc::SIGUSR2), ("VTALRM", libc::SIGVTALRM), ("WINCH", libc::SIGWINCH),
    ("XCPU", libc::SIGXCPU), ("XFSZ", libc::SIGXFSZ),
];

/// The kernel's numbers of the first and the last real-time signal: the C library keeps 32 and 33 for itself.
const REALTIME: (i32, i32) = (34, 64);

/// `9`, `KILL`, `SIGKILL`, `sigkill`, `RTMIN+3`, `RTMAX-1`.
pub fn parse(text: &str) -> Option<i32> {
    if let Ok(number) = text.parse::<i32>() {
        return (0..=REALTIME.1).contains(&number).then_some(number);
    }
    let upper = text.to_ascii_uppercase();
    let name = upper.strip_prefix("SIG").unwrap_or(&upper);
    let realtime = |base: i32, rest: &str| {
        let number = if rest.is_empty() { base } else { base + rest.parse::<i32>().ok()? };
        (REALTIME.0..=REALTIME.1).contains(&number).then_some(number)
    };
    if let Some(rest) = name.strip_prefix("RTMIN") {
        return realtime(REALTIME.0, rest);
    }
    if let Some(rest) = name.strip_prefix("RTMAX") {
        return realtime(REALTIME.1, rest);
    }
    NAMES.iter().find(|(known, _)| *known == name).map(|(_, number)| *number)
}

#[cfg(test)]
mod tests {
    use super::parse;

    #[test]
    fn signals_have_numbers_names_and_offsets() {
        assert_eq!(parse("9"), Some(9));
        assert_eq!(parse("sigterm"), Some(15));
        assert_eq!(parse("RTMIN+3"), Some(37));
        assert_eq!(parse("SIGRTMAX-1"), Some(63));
        assert_eq!(parse("65"), None);
        assert_eq!(parse("NOPE"), None);
    }
}
