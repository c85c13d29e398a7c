//! The container's log in Docker's json-file format: one line `{"log":"text\n","stream":"stdout","time":"..."}` for each
//! line of output. A line longer than 16 KiB is split, the parts but the last without `\n` in `log`, and so is what a
//! container leaves unfinished.

use std::fs::{File, OpenOptions};
use std::io::Write;
use std::path::Path;

use gantry_runtime::clock;
use gantry_runtime::error::{At, Result};

/// Docker's limit: longer lines come in parts.
const MAX_LINE_BYTES: usize = 16 * 1024;

pub struct LogFile {
    file: File,
    /// Made ready here and written at once, so that a reader sees whole lines.
    pending: Vec<u8>,
}

/// One stream of the log.
pub struct LogStream {
    name: &'static str,
    /// The line so far.
    partial: Vec<u8>,
}

impl LogFile {
    pub fn open(path: &Path) -> Result<Self> {
        let file = OpenOptions::new().create(true).append(true).open(path).at("open log", path)?;
        Ok(LogFile { file, pending: Vec::new() })
    }

    /// Output is lost where the log cannot be written (a full disk): the container goes on.
    fn write_pending(&mut self) {
        let _ = self.file.write_all(&self.pending);
        self.pending.clear();
    }

    pub fn shrink(&mut self) {
        self.pending.shrink_to_fit();
    }
}

impl LogStream {
    pub fn new(name: &'static str) -> Self {
        LogStream { name, partial: Vec::new() }
    }

    /// Logs what is complete in `bytes` and keeps the rest.
    pub fn push(&mut self, mut bytes: &[u8], log: &mut LogFile) {
        let mut time = None;
        while !bytes.is_empty() {
            let room = MAX_LINE_BYTES - self.partial.len();
            let window = &bytes[..bytes.len().min(room)];
            let (count, complete) = match window.iter().position(|byte| *byte == b'\n') {
                Some(end) => (end + 1, true),
                None => (window.len(), window.len() == room),
            };
            let (line, rest) = bytes.split_at(count);
            bytes = rest;
            if !complete {
                self.partial.extend_from_slice(line);
                break;
            }
            let time = time.get_or_insert_with(clock::now);
            if self.partial.is_empty() {
                self.entry(line, time, log);
                continue;
            }
            self.partial.extend_from_slice(line);
            let whole = std::mem::take(&mut self.partial);
            self.entry(&whole, time, log);
            self.partial = whole;
            self.partial.clear();
        }
        log.write_pending();
    }

    pub fn shrink(&mut self) {
        self.partial.shrink_to_fit();
    }

    /// Logs an unfinished line: the stream has ended.
    pub fn finish(&mut self, log: &mut LogFile) {
        if !self.partial.is_empty() {
            let line = std::mem::take(&mut self.partial);
            self.entry(&line, &clock::now(), log);
            log.write_pending();
        }
    }

    fn entry(&self, line: &[u8], time: &str, log: &mut LogFile) {
        let out = &mut log.pending;
        out.extend_from_slice(b"{\"log\":\"");
        escape(line, out);
        out.extend_from_slice(b"\",\"stream\":\"");
        out.extend_from_slice(self.name.as_bytes());
        out.extend_from_slice(b"\",\"time\":\"");
        out.extend_from_slice(time.as_bytes());
        out.extend_from_slice(b"\"}\n");
    }
}

/// As Docker's encoder: also `<`, `>`, `&` and the two Unicode line separators; bytes that are not UTF-8 become U+FFFD.
fn escape(text: &[u8], out: &mut Vec<u8>) {
    for chunk in text.utf8_chunks() {
        for character in chunk.valid().chars() {
            match character {
                '"' => out.extend_from_slice(b"\\\""),
                '\\' => out.extend_from_slice(b"\\\\"),
                '\n' => out.extend_from_slice(b"\\n"),
                '\r' => out.extend_from_slice(b"\\r"),
                '\t' => out.extend_from_slice(b"\\t"),
                '<' | '>' | '&' | '\u{2028}' | '\u{2029}' | '\0'..='\u{1f}' => {
                    let _ = write!(out, "\\u{:04x}", character as u32);
                }
                ' '..='~' => out.push(character as u8),
                _ => out.extend_from_slice(character.encode_utf8(&mut [0; 4]).as_bytes()),
            }
        }
        for _ in chunk.invalid() {
            out.extend_from_slice(b"\\ufffd");
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn logged(chunks: &[&[u8]]) -> Vec<String> {
        let path =
            std::env::temp_dir().join(format!("gantry-log-{}-{:?}", std::process::id(), std::thread::current().id()));
        let _ = std::fs::remove_file(&path);
        let mut log = LogFile::open(&path).unwrap();
        let mut stream = LogStream::new("stdout");
        chunks.iter().for_each(|chunk| stream.push(chunk, &mut log));
        stream.finish(&mut log);
        let text = std::fs::read_to_string(&path).unwrap();
        std::fs::remove_file(&path).unwrap();
        text.lines()
            .map(|line| serde_json::from_str::<serde_json::Value>(line).unwrap()["log"].as_str().unwrap().to_owned())
            .collect()
    }

    #[test]
    fn lines_are_entries_however_they_arrive() {
        assert_eq!(logged(&[b"one\ntw", b"o\n\nthr", b"ee"]), ["one\n", "two\n", "\n", "three"]);
    }

    #[test]
    fn a_long_line_is_split_at_16_kib() {
        let long = [vec![b'x'; 40_000], b"\n".to_vec()].concat();
        for size in [1000, 16_384, 50_000] {
            let chunks: Vec<&[u8]> = long.chunks(size).collect();
            let lengths: Vec<usize> = logged(&chunks).iter().map(String::len).collect();
            assert_eq!(lengths, [16_384, 16_384, 7233]);
        }
    }

    #[test]
    fn escapes_are_those_of_docker() {
        let mut out = Vec::new();
        escape(b"a\"\\<&>\x01\xff\xc3\xa9\n", &mut out);
        assert_eq!(out, "a\\\"\\\\\\u003c\\u0026\\u003e\\u0001\\ufffdé\\n".as_bytes());
    }
}
