use crate::error::{Failure, Result};

/// The arguments, taken from the front. `--flag value`, `--flag=value`, `-flag` and `--` are understood.
pub struct Words {
    rest: std::collections::VecDeque<String>,
    /// The value of the last flag, if it came with `=`.
    attached: Option<String>,
    flags_ended: bool,
}

impl Words {
    pub fn new(words: Vec<String>) -> Self {
        Words { rest: words.into(), attached: None, flags_ended: false }
    }

    /// The next word if it is a flag, with two dashes where it is longer than a letter.
    pub fn next_flag(&mut self) -> Option<String> {
        if self.flags_ended || !self.rest.front()?.starts_with('-') || self.rest.front()? == "-" {
            return None;
        }
        let word = self.rest.pop_front()?;
        if word == "--" {
            self.flags_ended = true;
            return None;
        }
        let (name, value) = match word.split_once('=') {
            Some((name, value)) => (name.to_owned(), Some(value.to_owned())),
            None => (word, None),
        };
        self.attached = value;
        let bare = name.trim_start_matches('-');
        Some(if bare.len() == 1 { format!("-{bare}") } else { format!("--{bare}") })
    }

    /// The value of the flag just taken.
    pub fn value(&mut self, flag: &str) -> Result<String> {
        self.attached
            .take()
            .or_else(|| self.rest.pop_front())
            .ok_or_else(|| Failure::refusal("usage", format!("{flag} needs a value")))
    }

    /// The flag just taken is a switch: true, unless it says `=false`.
    pub fn switch(&mut self, flag: &str) -> Result<bool> {
        match self.attached.take().as_deref() {
            None | Some("true") => Ok(true),
            Some("false") => Ok(false),
            Some(other) => Err(Failure::refusal("usage", format!("{flag} is true or false, not {other:?}"))),
        }
    }

    pub fn unknown(&self, flag: &str) -> Failure {
        Failure::refusal("usage", format!("unknown flag {flag}"))
    }

    pub fn optional(&mut self) -> Option<String> {
        self.rest.pop_front()
    }

    pub fn positional(&mut self, what: &str) -> Result<String> {
        self.optional().ok_or_else(|| Failure::refusal("usage", format!("{what} is missing")))
    }

    pub fn last_positional(&mut self, what: &str) -> Result<String> {
        let word = self.positional(what)?;
        self.end()?;
        Ok(word)
    }

    /// There must be nothing more.
    pub fn end(&mut self) -> Result<()> {
        match self.optional() {
            Some(word) => Err(Failure::refusal("usage", format!("unexpected argument {word:?}"))),
            None => Ok(()),
        }
    }
}
