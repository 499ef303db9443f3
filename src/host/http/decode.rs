//! The incremental decoders: heads by httparse, framing by RFC 9112 section 6.
//!
//! Ambiguous framing (two lengths that differ, a length and a transfer coding) is refused rather than guessed: what two readers
//! understand differently is how requests are smuggled.

use super::chunked::Chunked;
use super::{HttpRequest, HttpResponse, bodiless, find};

/// The longest head (start line and headers), and the longest trailer section.
pub const HEAD_BYTES_MAX: usize = 64 * 1024;
/// The most header lines in one message.
pub const HEADER_COUNT_MAX: usize = 128;
/// The longest body. DynamoDB's own largest request is 16 MiB.
pub const BODY_BYTES_MAX: usize = 16 * 1024 * 1024;
/// The longest line with a chunk's size and extensions.
pub const CHUNK_LINE_BYTES_MAX: usize = 1024;

/// Why bytes are not the message they should be. The connection cannot go on: where the next message starts is unknown.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum HttpError {
    /// The head is not HTTP/1.1.
    #[error("not an HTTP/1.1 head: {0}")]
    Head(String),
    /// The head says HTTP/1.0.
    #[error("HTTP/1.0 is not spoken here, expected HTTP/1.1")]
    Version,
    /// Longer than [`HEAD_BYTES_MAX`].
    #[error("the head or trailer is longer than {HEAD_BYTES_MAX} bytes")]
    HeadTooLarge,
    /// More lines than [`HEADER_COUNT_MAX`].
    #[error("more than {HEADER_COUNT_MAX} headers")]
    TooManyHeaders,
    /// A header value is not UTF-8.
    #[error("the value of header \"{name}\" is not UTF-8 text")]
    NotText {
        /// The header.
        name: String,
    },
    /// Content-Length is no number, or there are several that differ.
    #[error("Content-Length is not one number: \"{0}\"")]
    ContentLength(String),
    /// A Transfer-Encoding other than `chunked`, or one beside a Content-Length.
    #[error("Transfer-Encoding is not understood: \"{0}\", expected chunked and no Content-Length")]
    TransferEncoding(String),
    /// A chunk's frame is broken.
    #[error("a chunk of the body is not framed as RFC 9112 section 7.1 says")]
    Chunk,
    /// Longer than [`CHUNK_LINE_BYTES_MAX`].
    #[error("a chunk's size line is longer than {CHUNK_LINE_BYTES_MAX} bytes")]
    ChunkLineTooLong,
    /// Longer than [`BODY_BYTES_MAX`].
    #[error("the body is longer than {BODY_BYTES_MAX} bytes")]
    BodyTooLarge,
    /// The connection ended inside a message.
    #[error("the connection ended inside a message")]
    Truncated,
}

/// Decodes requests, server side.
#[derive(Debug, Default)]
pub struct RequestDecoder {
    machine: Machine<HttpRequest>,
}

impl RequestDecoder {
    /// A decoder at the start of a connection.
    pub fn new() -> RequestDecoder {
        RequestDecoder::default()
    }

    /// Takes the next bytes; a request if one is now complete. Bytes after it are kept: call again with none until `None` comes.
    pub fn feed(&mut self, bytes: &[u8]) -> Result<Option<HttpRequest>, HttpError> {
        self.machine.feed(bytes, parse_request_head)
    }

    /// Whether part of a request has arrived: the connection must not count as idle.
    pub fn is_mid_message(&self) -> bool {
        self.machine.is_mid_message()
    }
}

/// Decodes responses, client side.
#[derive(Debug, Default)]
pub struct ResponseDecoder {
    machine: Machine<HttpResponse>,
    answers_head: bool,
}

impl ResponseDecoder {
    /// A decoder for the responses on one connection.
    pub fn new() -> ResponseDecoder {
        ResponseDecoder::default()
    }

    /// Says the method of the requests to come: what answers HEAD has no body, whatever its headers say.
    pub fn expect_answer_to(&mut self, method: &str) {
        self.answers_head = method == "HEAD";
    }

    /// Takes the next bytes; a response if one is now complete. Bytes after it are kept. Interim (1xx) responses are passed over.
    pub fn feed(&mut self, bytes: &[u8]) -> Result<Option<HttpResponse>, HttpError> {
        let answers_head = self.answers_head;
        let mut bytes = bytes;
        loop {
            match self.machine.feed(bytes, |input| parse_response_head(input, answers_head))? {
                Some(interim) if interim.status < 200 => bytes = &[],
                other => return Ok(other),
            }
        }
    }

    /// The connection ended: a response that had no other end is complete now. Inside any other message that is an error.
    pub fn finish(&mut self) -> Result<Option<HttpResponse>, HttpError> {
        match std::mem::take(&mut self.machine.state) {
            State::Body { message, body, framing: Framing::UntilClose } => Ok(Some(message.with_body(body))),
            State::Head { .. } if self.machine.buffer.is_empty() => Ok(None),
            _ => Err(HttpError::Truncated),
        }
    }

    /// Whether part of a response has arrived.
    pub fn is_mid_message(&self) -> bool {
        self.machine.is_mid_message()
    }
}

/// What both kinds of message need of the machine below; a detail of this file, not an abstraction to build on.
trait Message {
    fn with_body(self, body: Vec<u8>) -> Self;
}

impl Message for HttpRequest {
    fn with_body(mut self, body: Vec<u8>) -> Self {
        self.body = body;
        self
    }
}

impl Message for HttpResponse {
    fn with_body(mut self, body: Vec<u8>) -> Self {
        self.body = body;
        self
    }
}

/// A parsed head: the message without body, how its body is framed, and the head's length.
type Head<M> = (M, Framing, usize);

#[derive(Debug)]
struct Machine<M> {
    buffer: Vec<u8>,
    state: State<M>,
}

impl<M> Default for Machine<M> {
    fn default() -> Self {
        Machine { buffer: Vec::new(), state: State::default() }
    }
}

#[derive(Debug)]
enum State<M> {
    /// In a head, of whose buffered bytes the first `seen_bytes` held no end.
    Head {
        seen_bytes: usize,
    },
    Body {
        message: M,
        body: Vec<u8>,
        framing: Framing,
    },
}

impl<M> Default for State<M> {
    fn default() -> Self {
        State::Head { seen_bytes: 0 }
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Framing {
    Length { left_bytes: usize },
    Chunked(Chunked),
    UntilClose,
}

impl<M: Message> Machine<M> {
    fn is_mid_message(&self) -> bool {
        !self.buffer.is_empty() || matches!(self.state, State::Body { .. })
    }

    fn feed(
        &mut self,
        bytes: &[u8],
        parse: impl Fn(&[u8]) -> Result<Option<Head<M>>, HttpError>,
    ) -> Result<Option<M>, HttpError> {
        self.buffer.extend_from_slice(bytes);
        if let State::Head { seen_bytes } = self.state {
            let Some((message, framing, head_bytes)) = self.head(seen_bytes, parse)? else { return Ok(None) };
            self.buffer.drain(..head_bytes);
            self.state = State::Body { message, body: Vec::new(), framing };
        }
        if !self.body()? {
            return Ok(None);
        }
        match std::mem::take(&mut self.state) {
            State::Body { message, body, .. } => Ok(Some(message.with_body(body))),
            State::Head { .. } => Ok(None),
        }
    }

    fn head(
        &mut self,
        seen_bytes: usize,
        parse: impl Fn(&[u8]) -> Result<Option<Head<M>>, HttpError>,
    ) -> Result<Option<Head<M>>, HttpError> {
        // Parsing starts over each time, so it is tried only when a line has ended (or early on, to refuse garbage at once):
        // a head that trickles in costs its length times its lines, and lines are limited.
        let new_line = self.buffer[seen_bytes.min(self.buffer.len())..].contains(&b'\n');
        if new_line || seen_bytes < 256 {
            let window = &self.buffer[..self.buffer.len().min(HEAD_BYTES_MAX)];
            if let Some(head) = parse(window)? {
                return Ok(Some(head));
            }
        }
        if self.buffer.len() >= HEAD_BYTES_MAX {
            return Err(HttpError::HeadTooLarge);
        }
        self.state = State::Head { seen_bytes: self.buffer.len() };
        Ok(None)
    }

    /// Moves what has arrived into the body; `true` when it is complete.
    fn body(&mut self) -> Result<bool, HttpError> {
        let State::Body { body, framing, .. } = &mut self.state else { return Ok(false) };
        match framing {
            Framing::Length { left_bytes } => {
                let here = (*left_bytes).min(self.buffer.len());
                body.extend(self.buffer.drain(..here));
                *left_bytes -= here;
                Ok(*left_bytes == 0)
            }
            Framing::Chunked(chunked) => chunked.advance(&mut self.buffer, body),
            Framing::UntilClose => {
                if self.buffer.len() > BODY_BYTES_MAX - body.len() {
                    return Err(HttpError::BodyTooLarge);
                }
                body.append(&mut self.buffer);
                Ok(false)
            }
        }
    }
}

fn parse_request_head(input: &[u8]) -> Result<Option<Head<HttpRequest>>, HttpError> {
    let mut lines = [httparse::EMPTY_HEADER; HEADER_COUNT_MAX];
    let mut parsed = httparse::Request::new(&mut lines);
    let Some(head_bytes) = head_bytes(parsed.parse(input))? else { return Ok(None) };
    if parsed.version != Some(1) {
        return Err(HttpError::Version);
    }
    let headers = owned(parsed.headers)?;
    // No framing in a request means no body (RFC 9112 section 6.3, case 7).
    let framing = framing(&headers)?.unwrap_or(Framing::Length { left_bytes: 0 });
    let method = parsed.method.unwrap_or_default().to_owned();
    let target = parsed.path.unwrap_or_default().to_owned();
    Ok(Some((HttpRequest { method, target, headers, body: Vec::new() }, framing, head_bytes)))
}

fn parse_response_head(input: &[u8], answers_head: bool) -> Result<Option<Head<HttpResponse>>, HttpError> {
    let mut lines = [httparse::EMPTY_HEADER; HEADER_COUNT_MAX];
    let mut parsed = httparse::Response::new(&mut lines);
    let Some(head_bytes) = head_bytes(parsed.parse(input))? else { return Ok(None) };
    if parsed.version != Some(1) {
        return Err(HttpError::Version);
    }
    let headers = owned(parsed.headers)?;
    let status = parsed.code.unwrap_or_default();
    let framing = if answers_head || bodiless(status) {
        Framing::Length { left_bytes: 0 }
    } else {
        framing(&headers)?.unwrap_or(Framing::UntilClose)
    };
    let reason = parsed.reason.unwrap_or_default().to_owned();
    Ok(Some((HttpResponse { status, reason, headers, body: Vec::new() }, framing, head_bytes)))
}

fn head_bytes(parsed: Result<httparse::Status<usize>, httparse::Error>) -> Result<Option<usize>, HttpError> {
    match parsed {
        Ok(httparse::Status::Complete(bytes)) => Ok(Some(bytes)),
        Ok(httparse::Status::Partial) => Ok(None),
        Err(httparse::Error::TooManyHeaders) => Err(HttpError::TooManyHeaders),
        Err(other) => Err(HttpError::Head(other.to_string())),
    }
}

fn owned(lines: &[httparse::Header<'_>]) -> Result<Vec<(String, String)>, HttpError> {
    let own = |line: &httparse::Header<'_>| {
        let value = std::str::from_utf8(line.value).map_err(|_| HttpError::NotText { name: line.name.to_owned() })?;
        Ok((line.name.to_owned(), value.to_owned()))
    };
    lines.iter().map(own).collect()
}

/// What the headers say about the body's framing (RFC 9112 section 6.3, cases 3 to 6).
fn framing(headers: &[(String, String)]) -> Result<Option<Framing>, HttpError> {
    let all = |wanted: &'static str| headers.iter().filter(move |(name, _)| name.eq_ignore_ascii_case(wanted));
    let lengths: Vec<&str> = all("content-length").flat_map(|(_, value)| value.split(',')).map(str::trim).collect();
    if let Some(coding) = find(headers, "transfer-encoding") {
        let only_chunked = all("transfer-encoding").count() == 1 && coding.trim().eq_ignore_ascii_case("chunked");
        if !only_chunked || !lengths.is_empty() {
            return Err(HttpError::TransferEncoding(coding.to_owned()));
        }
        return Ok(Some(Framing::Chunked(Chunked::Size)));
    }
    let Some(&first) = lengths.first() else { return Ok(None) };
    let unusable = || HttpError::ContentLength(lengths.join(", "));
    if lengths.iter().any(|&other| other != first) || first.is_empty() || !first.bytes().all(|b| b.is_ascii_digit()) {
        return Err(unusable());
    }
    // All digits and still no number, or a large one: over the limit either way.
    match first.parse::<usize>() {
        Ok(left_bytes) if left_bytes <= BODY_BYTES_MAX => Ok(Some(Framing::Length { left_bytes })),
        _ => Err(HttpError::BodyTooLarge),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn request(bytes: &[u8]) -> Result<Option<HttpRequest>, HttpError> {
        RequestDecoder::new().feed(bytes)
    }

    fn response(bytes: &[u8]) -> Result<Option<HttpResponse>, HttpError> {
        ResponseDecoder::new().feed(bytes)
    }

    const POST: &[u8] = b"POST /x?y=1 HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\n\r\nhello";

    #[test]
    fn whole_and_in_every_pair_of_pieces() {
        let whole = request(POST).unwrap().unwrap();
        assert_eq!((whole.method.as_str(), whole.target.as_str()), ("POST", "/x?y=1"));
        assert_eq!(whole.header("HOST"), Some("a"));
        assert_eq!(whole.body, b"hello");
        assert_eq!(whole.encode(), POST);
        for cut in 0..POST.len() {
            let mut decoder = RequestDecoder::new();
            assert_eq!(decoder.feed(&POST[..cut]).unwrap(), None, "cut at {cut}");
            assert_eq!(decoder.is_mid_message(), cut > 0);
            assert_eq!(decoder.feed(&POST[cut..]).unwrap().as_ref(), Some(&whole), "cut at {cut}");
            assert!(!decoder.is_mid_message());
        }
    }

    #[test]
    fn pipelined_requests_come_out_one_by_one() {
        let mut decoder = RequestDecoder::new();
        let twice = [POST, b"GET / HTTP/1.1\r\n\r\n", &POST[..10]].concat();
        assert_eq!(decoder.feed(&twice).unwrap().unwrap().method, "POST");
        assert_eq!(decoder.feed(&[]).unwrap().unwrap().method, "GET");
        assert_eq!(decoder.feed(&[]).unwrap(), None);
        assert_eq!(decoder.feed(&POST[10..]).unwrap().unwrap().body, b"hello");
    }

    const CHUNKED: &[u8] =
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: Chunked\r\n\r\n5;ext=1\r\nhello\r\n1A \r\nabcdefghijklmnopqrstuvwxyz\r\n0\r\nTrailer: x\r\n\r\n";

    #[test]
    fn chunked_bodies_whole_and_byte_by_byte() {
        assert_eq!(response(CHUNKED).unwrap().unwrap().body, b"helloabcdefghijklmnopqrstuvwxyz");
        let mut decoder = ResponseDecoder::new();
        let (last, first) = CHUNKED.split_last().unwrap();
        for byte in first {
            assert_eq!(decoder.feed(&[*byte]).unwrap(), None);
        }
        let body = decoder.feed(&[*last]).unwrap().unwrap().body;
        assert_eq!(body, b"helloabcdefghijklmnopqrstuvwxyz");
    }

    #[test]
    fn responses_without_body_or_without_length() {
        let mut decoder = ResponseDecoder::new();
        let interim = b"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 204 No Content\r\n\r\nHTTP/1.1 200 OK\r\n\r\nto the";
        assert_eq!(decoder.feed(interim).unwrap().unwrap().status, 204);
        assert_eq!(decoder.feed(b"").unwrap(), None);
        assert_eq!(decoder.feed(b" end").unwrap(), None);
        assert_eq!(decoder.finish().unwrap().unwrap().body, b"to the end");
        assert_eq!(decoder.finish(), Ok(None));

        decoder.expect_answer_to("HEAD");
        let head = decoder.feed(b"HTTP/1.1 200\r\nContent-Length: 10\r\n\r\n").unwrap().unwrap();
        assert_eq!((head.status, head.reason.as_str(), head.body.len()), (200, "", 0));

        decoder.expect_answer_to("GET");
        decoder.feed(b"HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nshort").unwrap();
        assert_eq!(decoder.finish(), Err(HttpError::Truncated));
    }

    #[test]
    fn every_limit_has_its_error() {
        let long = [b"GET / HTTP/1.1\r\nA: ".as_slice(), &vec![b'x'; HEAD_BYTES_MAX]].concat();
        assert_eq!(request(&long), Err(HttpError::HeadTooLarge));
        let ended = [&long, b"\r\n\r\n".as_slice()].concat();
        assert_eq!(request(&ended), Err(HttpError::HeadTooLarge), "also when its end is there");

        let many = format!("GET / HTTP/1.1\r\n{}\r\n", "a: b\r\n".repeat(HEADER_COUNT_MAX + 1));
        assert_eq!(request(many.as_bytes()), Err(HttpError::TooManyHeaders));
        let enough = format!("GET / HTTP/1.1\r\n{}\r\n", "a: b\r\n".repeat(HEADER_COUNT_MAX));
        assert_eq!(request(enough.as_bytes()).unwrap().unwrap().headers.len(), HEADER_COUNT_MAX);

        let large = |length: &str| request(format!("PUT / HTTP/1.1\r\nContent-Length: {length}\r\n\r\n").as_bytes());
        assert_eq!(large(&(BODY_BYTES_MAX + 1).to_string()), Err(HttpError::BodyTooLarge));
        assert_eq!(large("99999999999999999999999999"), Err(HttpError::BodyTooLarge));
        assert_eq!(large(&BODY_BYTES_MAX.to_string()), Ok(None));

        let chunked =
            |body: &str| request(format!("PUT / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n{body}").as_bytes());
        assert_eq!(chunked("1000001\r\n"), Err(HttpError::BodyTooLarge));
        assert_eq!(chunked("ffffffffffffffffffffffff\r\n"), Err(HttpError::BodyTooLarge));
        assert_eq!(chunked(&format!("1;{}", "x".repeat(CHUNK_LINE_BYTES_MAX))), Err(HttpError::ChunkLineTooLong));
        let trailers = format!("0\r\n{}", "a: bcdefgh\r\n".repeat(HEAD_BYTES_MAX / 12 + 1));
        assert_eq!(chunked(&trailers), Err(HttpError::HeadTooLarge));

        let mut until_close = ResponseDecoder::new();
        until_close.feed(b"HTTP/1.1 200 OK\r\n\r\n").unwrap();
        assert_eq!(until_close.feed(&vec![0; BODY_BYTES_MAX + 1]), Err(HttpError::BodyTooLarge));
    }

    #[test]
    fn ambiguous_or_broken_messages_are_refused() {
        let with = |headers: &str| request(format!("POST / HTTP/1.1\r\n{headers}\r\n\r\n").as_bytes());
        assert_eq!(with("Content-Length: 3\r\nContent-Length: 4"), Err(HttpError::ContentLength("3, 4".into())));
        assert!(with("Content-Length: 0\r\nContent-Length: 0").unwrap().is_some());
        assert_eq!(with("Content-Length: +3"), Err(HttpError::ContentLength("+3".into())));
        assert_eq!(with("Content-Length: "), Err(HttpError::ContentLength(String::new())));
        assert_eq!(
            with("Content-Length: 3\r\nTransfer-Encoding: chunked"),
            Err(HttpError::TransferEncoding("chunked".into()))
        );
        assert_eq!(with("Transfer-Encoding: gzip"), Err(HttpError::TransferEncoding("gzip".into())));
        assert_eq!(request(b"GET / HTTP/1.0\r\n\r\n"), Err(HttpError::Version));
        assert!(matches!(request(b"\x16\x03\x01\x02\x00"), Err(HttpError::Head(_))));
        assert_eq!(with("A: \u{e9}").unwrap().unwrap().header("a"), Some("é"));
        assert_eq!(request(b"GET / HTTP/1.1\r\nA: \xe9\r\n\r\n"), Err(HttpError::NotText { name: "A".into() }));
        for body in ["x\r\n", "\r\n", "-1\r\n", "3\r\nabcd"] {
            let head = "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n";
            assert_eq!(response(format!("{head}{body}").as_bytes()), Err(HttpError::Chunk), "{body:?}");
        }
    }
}
