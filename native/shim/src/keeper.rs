//! The loop that a shim is in while its container runs.

use std::os::fd::{AsFd, OwnedFd};
use std::os::unix::net::UnixListener;

use gantry_sys::memory::ProgramPages;
use gantry_sys::poll::{PollEntry, poll};
use gantry_sys::process::{self, Exit};
use gantry_sys::pty::{self, WindowSize};
use gantry_sys::{fs, libc, signal};
use serde::Deserialize;

use crate::client::Client;
use crate::frame::{HEADER_BYTES, Piece};
use crate::log::LogFile;
use crate::output::{Output, READ_BYTES};
use crate::stdin::Stdin;

/// Signals that are handed on to the container's first process: whoever stops the shim stops the container.
pub const FORWARDED: [i32; 6] =
    [libc::SIGTERM, libc::SIGINT, libc::SIGHUP, libc::SIGQUIT, libc::SIGUSR1, libc::SIGUSR2];

/// After so long without an event the shim lets its memory go: seldom enough to cost nothing where there is work.
const IDLE_MS: i32 = 1000;

/// A client's control message; its twin is src/runtime/attach-protocol.ts.
#[derive(Deserialize)]
struct Control {
    resize: Option<Resize>,
    signal: Option<i32>,
    wait: Option<bool>,
}

#[derive(Deserialize)]
struct Resize {
    width: u16,
    height: u16,
}

pub struct Keeper {
    pub pid: i32,
    /// Delivers SIGCHLD and [`FORWARDED`].
    pub signals: OwnedFd,
    pub listener: UnixListener,
    pub stdin: Stdin,
    pub stdin_once: bool,
    /// The terminal's master.
    pub terminal: Option<OwnedFd>,
    pub outputs: Vec<Output>,
    pub log: LogFile,
    pub clients: Vec<Client>,
    pub buffer: Vec<u8>,
    /// Found when it is idle for the first time.
    pub program: Option<ProgramPages>,
}

/// What one poll was told about, in the order of its entries.
#[derive(Clone, Copy)]
enum Source {
    Signals,
    Listener,
    Stdin,
    Output(usize),
    Client(usize),
}

impl Keeper {
    pub fn new_buffer() -> Vec<u8> {
        vec![0; HEADER_BYTES + READ_BYTES]
    }

    /// Until the container's first process has ended and been reaped.
    pub fn run(&mut self) -> Exit {
        loop {
            // One that has ended before the first poll has left its signal pending: nothing is missed.
            self.wait_and_serve(true);
            if let Some(exit) = self.take_signals() {
                return exit;
            }
        }
    }

    /// Everything that is in the pipes now, however slow the clients: at most what the pipes hold. `end`: nobody writes
    /// any more.
    pub fn drain(&mut self, end: bool) {
        for output in &mut self.outputs {
            while output.pump(&mut self.buffer, &mut self.log, &mut self.clients) {}
            if end {
                output.finish(&mut self.log);
            }
        }
    }

    /// Tells every client how it ended, and waits until they have it or are gone. No new ones are taken.
    pub fn finish(mut self, code: i32, oom_killed: bool) {
        let message = format!("{{\"exit\":{{\"code\":{code},\"oomKilled\":{oom_killed}}}}}");
        for client in &mut self.clients {
            client.send_control(&message);
        }
        loop {
            self.clients.retain(|client| !client.gone && client.has_pending());
            if self.clients.is_empty() {
                return;
            }
            self.wait_and_serve(false);
            let _ = self.take_signals();
        }
    }

    fn wait_and_serve(&mut self, running: bool) {
        let sources = self.sources(running);
        let mut entries: Vec<PollEntry> = sources.iter().map(|source| self.entry(*source)).collect();
        let patience = self.clients.iter().filter_map(Client::patience).min();
        let timeout_ms = patience.map_or(IDLE_MS, |left| left.as_millis() as i32 + 1);
        let polled = match poll(&mut entries, Some(timeout_ms)) {
            Ok(0) if patience.is_none() => self.wait_idly(&mut entries),
            polled => polled.map(drop),
        };
        if polled.is_err() {
            return;
        }
        for (source, entry) in sources.iter().zip(&entries) {
            match *source {
                Source::Signals => {} // by take_signals
                Source::Listener if entry.readable() => self.accept(),
                Source::Stdin if entry.writable() => self.stdin.flush(),
                Source::Output(index) if entry.readable() => {
                    self.outputs[index].pump(&mut self.buffer, &mut self.log, &mut self.clients);
                }
                Source::Client(index) => {
                    if entry.writable() {
                        self.clients[index].flush();
                    }
                    if entry.readable() {
                        self.read_client(index);
                    }
                }
                _ => {}
            }
        }
        for client in &mut self.clients {
            client.gone |= client.patience().is_some_and(|left| left.is_zero());
        }
        // An input that is open once ends with whoever has given some, and with the foreground client.
        let is_last_input = |client: &Client| client.gone && (client.foreground || client.gave_input);
        if self.stdin_once && self.clients.iter().any(is_last_input) {
            self.stdin.end();
        }
        self.clients.retain(|client| !client.gone);
    }

    /// Waits for the next event with as little memory as can be.
    fn wait_idly(&mut self, entries: &mut [PollEntry]) -> gantry_sys::errno::Result<()> {
        self.buffer = Vec::new();
        self.log.shrink();
        self.outputs.iter_mut().for_each(Output::shrink);
        if self.program.is_none() {
            self.program = ProgramPages::find().ok();
        }
        let polled = match &self.program {
            Some(program) => program.poll_holding_nothing(entries),
            None => poll(entries, None),
        };
        self.buffer = Self::new_buffer();
        polled.map(drop)
    }

    fn sources(&self, running: bool) -> Vec<Source> {
        let clients = (0..self.clients.len()).map(Source::Client);
        if !running {
            return clients.collect();
        }
        // A full client's output stays in the pipe: the container waits.
        let room = !self.clients.iter().any(Client::is_full);
        let outputs = (0..self.outputs.len()).filter(|_| room).map(Source::Output);
        [Source::Signals, Source::Listener, Source::Stdin].into_iter().chain(outputs).chain(clients).collect()
    }

    fn entry(&self, source: Source) -> PollEntry {
        match source {
            Source::Signals => PollEntry::new(Some(self.signals.as_fd()), true, false),
            Source::Listener => PollEntry::new(Some(self.listener.as_fd()), true, false),
            Source::Stdin => PollEntry::new(self.stdin.wants_write(), false, true),
            Source::Output(index) => PollEntry::new(self.outputs[index].source(), true, false),
            Source::Client(index) => {
                let client = &self.clients[index];
                PollEntry::new(Some(client.socket()), self.stdin.has_room(), client.has_pending())
            }
        }
    }

    fn accept(&mut self) {
        const MAX_CLIENTS: usize = 256;
        let Ok((stream, _)) = self.listener.accept() else { return };
        if self.clients.len() < MAX_CLIENTS && stream.set_nonblocking(true).is_ok() {
            self.clients.push(Client::new(stream.into(), false));
        }
    }

    fn read_client(&mut self, index: usize) {
        let client = &mut self.clients[index];
        let length = match fs::read(client.socket(), &mut self.buffer) {
            Ok(0) => {
                client.gone = true;
                return;
            }
            Ok(length) => length,
            Err(gantry_sys::Errno(libc::EAGAIN)) => return,
            Err(_) => {
                client.gone = true;
                return;
            }
        };
        let mut messages = Vec::new();
        let mut gave_input = false;
        let decoded = client.decoder.push(&self.buffer[..length], |piece| match piece {
            Piece::Stdin(bytes) => {
                gave_input = true;
                self.stdin.push(bytes);
            }
            Piece::StdinEnd => self.stdin.end(),
            Piece::Control(message) => messages.push(message),
        });
        client.gave_input |= gave_input;
        client.gone |= decoded.is_err();
        for message in messages {
            match serde_json::from_slice::<Control>(&message) {
                Ok(control) => self.obey(index, &control),
                Err(_) => self.clients[index].gone = true,
            }
        }
    }

    fn obey(&mut self, index: usize, control: &Control) {
        if let (Some(size), Some(terminal)) = (&control.resize, &self.terminal) {
            let _ = pty::set_window_size(terminal.as_fd(), WindowSize { columns: size.width, rows: size.height });
        }
        if let Some(number) = control.signal {
            let _ = process::kill(self.pid, number);
        }
        if control.wait == Some(true) {
            self.clients[index].wants_output = false;
        }
    }

    /// Hands signals on, and reaps: the exit of the container's first process if it has ended.
    fn take_signals(&mut self) -> Option<Exit> {
        let mut exit = None;
        while let Ok(Some(number)) = signal::next_signal(self.signals.as_fd()) {
            if number != libc::SIGCHLD {
                let _ = process::kill(self.pid, number);
                continue;
            }
            while let Some((pid, how)) = process::reap_any() {
                if pid == self.pid {
                    exit = Some(how);
                }
            }
        }
        exit
    }
}
