//! Chunked bodies (RFC 9112 section 7.1), taken apart as they arrive.

use super::decode::{BODY_BYTES_MAX, CHUNK_LINE_BYTES_MAX, HEAD_BYTES_MAX, HttpError};

/// Where in the chunked body the next byte lies.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Chunked {
    /// In a line with a chunk's size.
    Size,
    /// In a chunk, this many bytes before its end.
    Data { left_bytes: usize },
    /// Before the line end that closes a chunk.
    DataEnd,
    /// In the trailer section, of which this many bytes have passed.
    Trailer { seen_bytes: usize },
}

impl Chunked {
    /// Moves content from `input` to `body`, as far as `input` reaches, and removes what it used. `true`: the body is complete.
    pub(super) fn advance(&mut self, input: &mut Vec<u8>, body: &mut Vec<u8>) -> Result<bool, HttpError> {
        let mut used_bytes = 0;
        let outcome = self.run(input, &mut used_bytes, body);
        input.drain(..used_bytes);
        outcome
    }

    fn run(&mut self, input: &[u8], used_bytes: &mut usize, body: &mut Vec<u8>) -> Result<bool, HttpError> {
        loop {
            let rest = &input[*used_bytes..];
            match *self {
                Chunked::Size => {
                    let Some(line) = line(rest, CHUNK_LINE_BYTES_MAX, HttpError::ChunkLineTooLong)? else {
                        return Ok(false);
                    };
                    *used_bytes += line.len() + 2;
                    let size = chunk_size(line)?;
                    if size > BODY_BYTES_MAX - body.len() {
                        return Err(HttpError::BodyTooLarge);
                    }
                    *self = match size {
                        0 => Chunked::Trailer { seen_bytes: 0 },
                        left_bytes => Chunked::Data { left_bytes },
                    };
                }
                Chunked::Data { left_bytes } => {
                    let here = left_bytes.min(rest.len());
                    body.extend_from_slice(&rest[..here]);
                    *used_bytes += here;
                    if here < left_bytes {
                        *self = Chunked::Data { left_bytes: left_bytes - here };
                        return Ok(false);
                    }
                    *self = Chunked::DataEnd;
                }
                Chunked::DataEnd => match rest {
                    [b'\r', b'\n', ..] => {
                        *used_bytes += 2;
                        *self = Chunked::Size;
                    }
                    [] | [b'\r'] => return Ok(false),
                    _ => return Err(HttpError::Chunk),
                },
                Chunked::Trailer { seen_bytes } => {
                    let room = HEAD_BYTES_MAX - seen_bytes;
                    let Some(line) = line(rest, room, HttpError::HeadTooLarge)? else {
                        return Ok(false);
                    };
                    *used_bytes += line.len() + 2;
                    if line.is_empty() {
                        return Ok(true);
                    }
                    // Trailer fields may be ignored (RFC 9110 section 6.5.1), and are.
                    *self = Chunked::Trailer { seen_bytes: (seen_bytes + line.len() + 2).min(HEAD_BYTES_MAX) };
                }
            }
        }
    }
}

/// The bytes before the first CR LF; `None` if it has not arrived; `too_long` if it is further away than `bytes_max`.
fn line(input: &[u8], bytes_max: usize, too_long: HttpError) -> Result<Option<&[u8]>, HttpError> {
    match input.windows(2).take(bytes_max + 1).position(|pair| pair == b"\r\n") {
        Some(end) => Ok(Some(&input[..end])),
        None if input.len() > bytes_max + 1 => Err(too_long),
        None => Ok(None),
    }
}

/// Hexadecimal digits, then perhaps an extension after `;`, which means nothing here.
fn chunk_size(line: &[u8]) -> Result<usize, HttpError> {
    let digits = line.split(|&byte| byte == b';').next().unwrap_or_default().trim_ascii_end();
    // `from_str_radix` would take a sign, which the grammar does not have.
    if digits.is_empty() || !digits.iter().all(u8::is_ascii_hexdigit) {
        return Err(HttpError::Chunk);
    }
    let text = std::str::from_utf8(digits).map_err(|_| HttpError::Chunk)?;
    // All digits and still no number: larger than any limit.
    usize::from_str_radix(text, 16).map_err(|_| HttpError::BodyTooLarge)
}
