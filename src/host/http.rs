//! HTTP/1.1 messages (RFC 9112) without sockets: encode into one buffer, decode from whatever pieces arrive.
//!
//! Non-goals: HTTP/1.0 and 2, upgrades, sending chunked bodies, streaming bodies. Invariants: what `encode` writes is framed by a
//! Content-Length that fits the body, whatever the header list says; no header value can break out of its line; every limit has its own
//! error.

mod chunked;
mod decode;

pub use decode::{
    BODY_BYTES_MAX, CHUNK_LINE_BYTES_MAX, HEAD_BYTES_MAX, HEADER_COUNT_MAX, HttpError, RequestDecoder, ResponseDecoder,
};

/// A request. Header names keep the case they were given or sent in.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct HttpRequest {
    /// `GET`, `POST` ...
    pub method: String,
    /// The request target in origin form, `/` or `/path?query` (RFC 9112 section 3.2.1).
    pub target: String,
    /// Field lines in order.
    pub headers: Vec<(String, String)>,
    /// The content, without chunk framing.
    pub body: Vec<u8>,
}

/// A response. Header names keep the case they were given or sent in.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct HttpResponse {
    /// The status code, 100 to 999.
    pub status: u16,
    /// The reason phrase; may be empty.
    pub reason: String,
    /// Field lines in order.
    pub headers: Vec<(String, String)>,
    /// The content, without chunk framing.
    pub body: Vec<u8>,
}

impl HttpRequest {
    /// The value of the first header called `name`, in any case.
    pub fn header(&self, name: &str) -> Option<&str> {
        find(&self.headers, name)
    }

    /// Whether the sender will not send another request on this connection (`Connection: close`).
    pub fn closes_connection(&self) -> bool {
        closes(&self.headers)
    }

    /// The bytes on the wire, in one buffer (one TLS record, if it fits).
    ///
    /// A Content-Length is written where the list has one, else last, and always fits the body; without a body it is written only for methods
    /// that usually have one (RFC 9110 section 8.6).
    pub fn encode(&self) -> Vec<u8> {
        let mut bytes = Vec::with_capacity(512 + self.body.len());
        push_text(&mut bytes, &self.method);
        bytes.push(b' ');
        push_text(&mut bytes, &self.target);
        bytes.extend_from_slice(b" HTTP/1.1\r\n");
        let expects_body = matches!(self.method.as_str(), "POST" | "PUT" | "PATCH");
        let length = (expects_body || !self.body.is_empty()).then_some(self.body.len());
        push_headers(&mut bytes, &self.headers, length);
        bytes.extend_from_slice(&self.body);
        bytes
    }
}

impl HttpResponse {
    /// The value of the first header called `name`, in any case.
    pub fn header(&self, name: &str) -> Option<&str> {
        find(&self.headers, name)
    }

    /// Whether the sender will close the connection after this response (`Connection: close`).
    pub fn closes_connection(&self) -> bool {
        closes(&self.headers)
    }

    /// The bytes on the wire, in one buffer. A Content-Length is written where the list has one, else last, and fits the body; 1xx and
    /// 204 responses have neither (RFC 9110 section 8.6), nor does 304 here.
    pub fn encode(&self) -> Vec<u8> {
        let mut bytes = self.head(self.body.len());
        if !bodiless(self.status) {
            bytes.extend_from_slice(&self.body);
        }
        bytes
    }

    /// The bytes that answer a request of `method`. HEAD gets the head that GET would have got and no body (RFC 9110 section 9.3.2); a
    /// Content-Length in the list is believed then, for whoever answers need not fetch the body.
    pub fn encode_for(&self, method: &str) -> Vec<u8> {
        if method != "HEAD" {
            return self.encode();
        }
        let said = self.header("content-length").and_then(|length| length.trim().parse().ok());
        self.head(said.unwrap_or(self.body.len()))
    }

    fn head(&self, length: usize) -> Vec<u8> {
        let mut bytes = Vec::with_capacity(512 + self.body.len());
        bytes.extend_from_slice(b"HTTP/1.1 ");
        // Three digits, always: the status line has no room for more (RFC 9112 section 4).
        bytes.extend_from_slice(self.status.clamp(100, 999).to_string().as_bytes());
        bytes.push(b' ');
        push_text(&mut bytes, &self.reason);
        bytes.extend_from_slice(b"\r\n");
        push_headers(&mut bytes, &self.headers, (!bodiless(self.status)).then_some(length));
        bytes
    }
}

/// Statuses whose responses end with their head (RFC 9112 section 6.3).
fn bodiless(status: u16) -> bool {
    matches!(status, 0..=199 | 204 | 304)
}

fn find<'a>(headers: &'a [(String, String)], wanted: &str) -> Option<&'a str> {
    headers.iter().find(|(name, _)| name.eq_ignore_ascii_case(wanted)).map(|(_, value)| value.as_str())
}

fn closes(headers: &[(String, String)]) -> bool {
    headers
        .iter()
        .filter(|(name, _)| name.eq_ignore_ascii_case("connection"))
        .flat_map(|(_, value)| value.split(','))
        .any(|option| option.trim().eq_ignore_ascii_case("close"))
}

fn push_headers(bytes: &mut Vec<u8>, headers: &[(String, String)], mut length: Option<usize>) {
    for (name, value) in headers {
        // The body is sent whole: its framing is ours to say.
        if name.eq_ignore_ascii_case("transfer-encoding") {
            continue;
        }
        if name.eq_ignore_ascii_case("content-length") {
            if let Some(length) = length.take() {
                push_header(bytes, name, &length.to_string());
            }
            continue;
        }
        push_header(bytes, name, value);
    }
    if let Some(length) = length {
        push_header(bytes, "Content-Length", &length.to_string());
    }
    bytes.extend_from_slice(b"\r\n");
}

fn push_header(bytes: &mut Vec<u8>, name: &str, value: &str) {
    push_text(bytes, name);
    bytes.extend_from_slice(b": ");
    push_text(bytes, value);
    bytes.extend_from_slice(b"\r\n");
}

/// Appends text that must stay on its line: control characters become spaces (RFC 9110 section 5.5).
fn push_text(bytes: &mut Vec<u8>, text: &str) {
    bytes.extend(text.bytes().map(|byte| if byte < b' ' || byte == 0x7f { b' ' } else { byte }));
}

#[cfg(test)]
mod tests {
    use super::*;

    fn headers(list: &[(&str, &str)]) -> Vec<(String, String)> {
        list.iter().map(|(name, value)| (name.to_string(), value.to_string())).collect()
    }

    #[test]
    fn a_request_as_botocore_sends_it() {
        let request = HttpRequest {
            method: "POST".into(),
            target: "/".into(),
            headers: headers(&[("Host", "dynamodb.us-east-1.amazonaws.com"), ("X-Amz-Target", "T")]),
            body: b"{}".to_vec(),
        };
        let expected = "POST / HTTP/1.1\r\nHost: dynamodb.us-east-1.amazonaws.com\r\nX-Amz-Target: T\r\nContent-Length: 2\r\n\r\n{}";
        assert_eq!(String::from_utf8(request.encode()).unwrap(), expected);
        assert_eq!(request.header("x-amz-target"), Some("T"));
        assert_eq!(request.header("x-amz-date"), None);
    }

    #[test]
    fn the_encoder_owns_the_framing() {
        let request = HttpRequest {
            method: "PUT".into(),
            target: "/a\r\nEvil: 1".into(),
            headers: headers(&[
                ("content-length", "999"),
                ("Transfer-Encoding", "chunked"),
                ("Content-Length", "7"),
                ("X", "a\r\nEvil: 1"),
            ]),
            body: b"abc".to_vec(),
        };
        let expected = "PUT /a  Evil: 1 HTTP/1.1\r\ncontent-length: 3\r\nX: a  Evil: 1\r\n\r\nabc";
        assert_eq!(String::from_utf8(request.encode()).unwrap(), expected);
    }

    #[test]
    fn lengths_are_written_only_where_a_body_may_be() {
        let get = HttpRequest { method: "GET".into(), target: "/".into(), ..Default::default() };
        assert_eq!(get.encode(), b"GET / HTTP/1.1\r\n\r\n");
        let post = HttpRequest { method: "POST".into(), target: "/".into(), ..Default::default() };
        assert_eq!(post.encode(), b"POST / HTTP/1.1\r\nContent-Length: 0\r\n\r\n");
        let empty = HttpResponse { status: 200, reason: "OK".into(), ..Default::default() };
        assert_eq!(empty.encode(), b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n");
        let none = HttpResponse { status: 204, reason: "No Content".into(), body: b"x".to_vec(), ..Default::default() };
        assert_eq!(none.encode(), b"HTTP/1.1 204 No Content\r\n\r\n");
    }

    #[test]
    fn head_is_answered_without_a_body() {
        let response = |list: &[(&str, &str)], body: &[u8]| HttpResponse {
            status: 200,
            reason: "OK".into(),
            headers: headers(list),
            body: body.to_vec(),
        };
        let there = response(&[("ETag", "x")], b"abc");
        assert_eq!(there.encode_for("HEAD"), b"HTTP/1.1 200 OK\r\nETag: x\r\nContent-Length: 3\r\n\r\n");
        assert_eq!(there.encode_for("GET"), there.encode());
        let told = response(&[("content-length", "7"), ("ETag", "x")], b"");
        assert_eq!(told.encode_for("HEAD"), b"HTTP/1.1 200 OK\r\ncontent-length: 7\r\nETag: x\r\n\r\n");
        assert_eq!(told.encode(), b"HTTP/1.1 200 OK\r\ncontent-length: 0\r\nETag: x\r\n\r\n");
    }

    #[test]
    fn connection_close_is_found_in_a_list() {
        let with = |value: &str| HttpResponse { headers: headers(&[("connection", value)]), ..Default::default() };
        assert!(with("Close").closes_connection());
        assert!(with("foo, close").closes_connection());
        assert!(!with("keep-alive").closes_connection());
    }
}
