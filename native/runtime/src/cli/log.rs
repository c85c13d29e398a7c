use std::fs::{File, OpenOptions};
use std::io::Write;

use serde::Serialize;

use crate::clock;
use crate::error::{At, Failure, Result};

/// Where callers look for what went wrong: stderr, and the file of `--log`.
#[derive(Default)]
pub struct Log {
    file: Option<File>,
    json: bool,
}

#[derive(Serialize)]
struct Entry<'a> {
    level: &'a str,
    msg: &'a str,
    time: String,
    #[serde(flatten)]
    failure: Option<Detail<'a>>,
}

#[derive(Serialize)]
struct Detail<'a> {
    step: &'a str,
    errno: i32,
    path: &'a str,
}

impl Log {
    pub fn open(&mut self, path: &str) -> Result<()> {
        self.file = Some(OpenOptions::new().create(true).append(true).open(path).at("open log", path)?);
        Ok(())
    }

    pub fn set_format(&mut self, format: &str) -> Result<()> {
        self.json = match format {
            "json" => true,
            "text" => false,
            other => return Err(Failure::refusal("usage", format!("unknown log format {other:?}"))),
        };
        Ok(())
    }

    pub fn failure(&mut self, failure: &Failure) {
        eprintln!("gantry-runtime: {failure}");
        let detail = Detail { step: &failure.step, errno: failure.errno, path: &failure.path };
        self.write("error", &failure.message, Some(detail));
    }

    pub fn warning(&mut self, message: &str) {
        self.write("warning", message, None);
    }

    fn write(&mut self, level: &str, message: &str, detail: Option<Detail<'_>>) {
        let Some(file) = &mut self.file else { return };
        let time = clock::now();
        let line = if self.json {
            serde_json::to_string(&Entry { level, msg: message, time, failure: detail }).unwrap_or_default()
        } else {
            format!("time=\"{time}\" level={level} msg={message:?}")
        };
        // The log is for others; that it cannot be written is not worth another failure.
        let _ = writeln!(file, "{line}");
    }
}
