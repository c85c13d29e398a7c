use std::fs::File;
use std::io::Write;

use gantry_runtime::error::Failure;
use gantry_sys::process;
use serde::Serialize;

const READY_DESCRIPTOR: i32 = 3;

/// Where the starter waits: one line, `{"pid":N}` or `{"error":{...}}`, then the end.
pub struct ReadyPipe(Option<File>);

#[derive(Serialize)]
struct Started {
    pid: i32,
}

#[derive(Serialize)]
struct Failed<'a> {
    error: &'a Failure,
}

impl ReadyPipe {
    /// Started by hand there is none.
    pub fn inherited() -> Self {
        ReadyPipe(process::inherited(READY_DESCRIPTOR).ok().map(File::from))
    }

    pub fn started(self, pid: i32) {
        self.say(&Started { pid });
    }

    pub fn failed(self, failure: &Failure) {
        if self.0.is_none() {
            eprintln!("gantry-shim: {failure}");
        }
        self.say(&Failed { error: failure });
    }

    fn say(self, message: &impl Serialize) {
        let Some(mut pipe) = self.0 else { return };
        let mut line = serde_json::to_vec(message).unwrap_or_default();
        line.push(b'\n');
        let _ = pipe.write_all(&line); // a starter that has gone does not want to know
    }
}
