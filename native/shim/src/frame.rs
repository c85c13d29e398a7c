//! The attach protocol, both ways: u8 stream, three zero bytes, u32 big-endian length, payload. Its twin is
//! src/runtime/attach-protocol.ts.

pub const HEADER_BYTES: usize = 8;

pub const STDIN: u8 = 0;
pub const STDOUT: u8 = 1;
pub const STDERR: u8 = 2;
pub const CONTROL: u8 = 3;

/// A control message longer than this is no control message.
const MAX_CONTROL_BYTES: usize = 4096;

pub fn header(stream: u8, length: usize) -> [u8; HEADER_BYTES] {
    let length = (length as u32).to_be_bytes();
    [stream, 0, 0, 0, length[0], length[1], length[2], length[3]]
}

/// A piece of what a client sent.
#[derive(Debug, PartialEq, Eq)]
pub enum Piece<'a> {
    /// Input for the container; large frames come in several pieces.
    Stdin(&'a [u8]),
    /// No more input.
    StdinEnd,
    /// One whole message.
    Control(Vec<u8>),
}

/// Not the protocol: the client is to be disconnected.
#[derive(Debug, PartialEq, Eq)]
pub struct ProtocolError;

/// Takes frames apart that come in arbitrary pieces, in constant memory.
#[derive(Default)]
pub struct Decoder {
    header: [u8; HEADER_BYTES],
    header_bytes: usize,
    remaining: usize,
    control: Vec<u8>,
}

impl Decoder {
    /// Hands every piece in `bytes` to `take`, in order.
    pub fn push(&mut self, mut bytes: &[u8], mut take: impl FnMut(Piece<'_>)) -> Result<(), ProtocolError> {
        while !bytes.is_empty() {
            if self.header_bytes < HEADER_BYTES {
                let count = bytes.len().min(HEADER_BYTES - self.header_bytes);
                self.header[self.header_bytes..self.header_bytes + count].copy_from_slice(&bytes[..count]);
                self.header_bytes += count;
                bytes = &bytes[count..];
                if self.header_bytes < HEADER_BYTES {
                    break;
                }
                let h = &self.header;
                self.remaining = u32::from_be_bytes([h[4], h[5], h[6], h[7]]) as usize;
                match h[0] {
                    STDIN if self.remaining == 0 => take(Piece::StdinEnd),
                    STDIN => {}
                    CONTROL if self.remaining <= MAX_CONTROL_BYTES => {}
                    _ => return Err(ProtocolError),
                }
            }
            let count = bytes.len().min(self.remaining);
            let (payload, rest) = bytes.split_at(count);
            bytes = rest;
            self.remaining -= count;
            if self.header[0] == CONTROL {
                self.control.extend_from_slice(payload);
            } else if count > 0 {
                take(Piece::Stdin(payload));
            }
            if self.remaining == 0 {
                self.header_bytes = 0;
                if self.header[0] == CONTROL {
                    take(Piece::Control(std::mem::take(&mut self.control)));
                }
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn frame(stream: u8, payload: &[u8]) -> Vec<u8> {
        [&header(stream, payload.len()), payload].concat()
    }

    #[test]
    fn any_splitting_gives_the_same_input_and_messages() {
        let bytes = [frame(STDIN, b"hello"), frame(CONTROL, b"{}"), frame(STDIN, b" you"), frame(STDIN, b"")].concat();
        for size in 1..=bytes.len() {
            let (mut decoder, mut input, mut messages, mut ends) = (Decoder::default(), Vec::new(), Vec::new(), 0);
            for chunk in bytes.chunks(size) {
                decoder
                    .push(chunk, |piece| match piece {
                        Piece::Stdin(bytes) => input.extend_from_slice(bytes),
                        Piece::StdinEnd => ends += 1,
                        Piece::Control(message) => messages.push(message),
                    })
                    .unwrap();
            }
            assert_eq!((input.as_slice(), messages.as_slice(), ends), (&b"hello you"[..], &[b"{}".to_vec()][..], 1));
        }
    }

    #[test]
    fn what_is_not_the_protocol_is_refused() {
        assert_eq!(Decoder::default().push(b"GET / HTTP/1.1\r\n", |_| {}), Err(ProtocolError));
        assert_eq!(Decoder::default().push(&header(CONTROL, 1 << 30), |_| {}), Err(ProtocolError));
    }
}
