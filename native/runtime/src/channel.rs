//! What the runtime and a container's first process say to each other while the container is being made.

use std::io::{Read, Write};
use std::os::unix::net::UnixStream;

use crate::error::{At, Failure, Result};

/// One byte each; `Failed` is followed by a [`Failure`] as JSON up to the end of the stream.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub enum Word {
    /// Runtime: you are in your groups and your ids are mapped.
    Go = b'g',
    /// First process: my namespaces and mounts are there; run the hooks that run outside.
    HooksPlease = b'h',
    /// Runtime: they have run.
    HooksDone = b'd',
    /// First process: all is done up to the start.
    Ready = b'r',
    Failed = b'e',
}

pub struct Channel(UnixStream);

impl Channel {
    pub fn pair() -> Result<(Self, Self)> {
        let (one, other) = UnixStream::pair().at("socketpair", "")?;
        Ok((Channel(one), Channel(other)))
    }

    pub fn say(&mut self, word: Word) -> Result<()> {
        self.0.write_all(&[word as u8]).at("write to channel", "")
    }

    /// Reports a failure; if nobody listens there is nobody to tell.
    pub fn fail(&mut self, failure: &Failure) {
        let mut message = vec![Word::Failed as u8];
        message.extend(serde_json::to_vec(failure).unwrap_or_default());
        let _ = self.0.write_all(&message);
        let _ = self.0.shutdown(std::net::Shutdown::Both);
    }

    /// Waits for one of the words.
    ///
    /// # Errors
    /// What the other side reported as failure, or that it has ended without a word.
    pub fn expect(&mut self, words: &[Word]) -> Result<Word> {
        let mut byte = [0u8];
        if self.0.read(&mut byte).at("read from channel", "")? == 0 {
            return Err(Failure::refusal("read from channel", "the container's first process ended unexpectedly"));
        }
        if byte[0] == Word::Failed as u8 {
            let mut text = Vec::new();
            let _ = self.0.read_to_end(&mut text);
            return Err(serde_json::from_slice(&text)
                .unwrap_or_else(|_| Failure::refusal("read from channel", "the container's first process failed")));
        }
        words.iter().copied().find(|word| *word as u8 == byte[0]).ok_or_else(|| {
            Failure::refusal("read from channel", format!("unexpected word {:?} on the channel", byte[0] as char))
        })
    }
}
