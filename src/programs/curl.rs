//! `curl`: http and https, its output, messages and exit codes as curl 8 has them.
//!
//! No progress meter (a scenario has no terminal), no files (`-o` only swallows the body), no redirects, no proxies.

mod write_out;

use super::grammar::{Flag, Given, arguments, host_name, option, switch};
use super::{Destination, complaint, printed};
use crate::awscli::{CommandOutput, UsageError, Word};
use crate::host::http::{HttpRequest, HttpResponse};
use crate::host::tls::TlsVersions;
use crate::host::{Call, Failure, Outcome, Reply, Workload};
use crate::time::SimDuration;
use std::fmt::Write;
use std::net::Ipv4Addr;
use std::ops::Range;

/// curl's own limit for a connect; Linux gives up after 127 s.
const CONNECT_TIMEOUT_DEFAULT: SimDuration = SimDuration::from_secs(300);
const CONNECT_TIMEOUT_OF_LINUX: SimDuration = SimDuration::from_secs(127);
/// curl waits for an answer as long as the connection lives.
const FOREVER: SimDuration = SimDuration::from_secs(u64::MAX / 1_000_000_000);
const USER_AGENT: &str = "curl/8.5.0";
/// How rustls begins its complaints about certificates.
const CERTIFICATE_PROBLEM: &str = "invalid peer certificate: ";
const FLAGS: [Flag; 15] = [
    switch(&["-s", "--silent"]),
    switch(&["-S", "--show-error"]),
    switch(&["-v", "--verbose"]),
    switch(&["-I", "--head"]),
    switch(&["-i", "--include"]),
    switch(&["-f", "--fail"]),
    switch(&["-4", "--ipv4"]),
    option(&["-o", "--output"], "FILE"),
    option(&["-m", "--max-time"], "SECONDS"),
    option(&["--connect-timeout"], "SECONDS"),
    option(&["-w", "--write-out"], "FORMAT"),
    option(&["-H", "--header"], "LINE"),
    option(&["-X", "--request"], "METHOD"),
    option(&["-d", "--data"], "TEXT"),
    option(&["-A", "--user-agent"], "TEXT"),
];

/// A `curl` command line.
#[derive(Clone, Debug, PartialEq)]
pub struct Curl {
    pub(super) destination: Destination,
    url: Url,
    silent: bool,
    show_error: bool,
    verbose: bool,
    head: bool,
    include: bool,
    fail: bool,
    swallow: bool,
    max_time: Option<SimDuration>,
    connect_timeout: SimDuration,
    write_out: Option<String>,
    request: HttpRequest,
}

/// The parts of a URL.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Url {
    whole: String,
    tls: bool,
    host: String,
    port: u16,
    target: String,
}

pub(super) fn parse(words: &[Word]) -> Result<Curl, UsageError> {
    let found = arguments("curl", words, &FLAGS)?;
    let word = found.one_operand("URL")?;
    let (url, span) = Url::parse(word)?;
    let request = HttpRequest { method: String::new(), target: url.target.clone(), ..HttpRequest::default() };
    let mut curl = Curl {
        destination: Destination { host: url.host.clone(), span },
        url,
        silent: false,
        show_error: false,
        verbose: false,
        head: false,
        include: false,
        fail: false,
        swallow: false,
        max_time: None,
        connect_timeout: CONNECT_TIMEOUT_DEFAULT,
        write_out: None,
        request,
    };
    let mut headers = Vec::new();
    let mut agent = USER_AGENT.to_owned();
    for given in &found.options {
        match given.name {
            "-s" => curl.silent = true,
            "-S" => curl.show_error = true,
            "-v" => curl.verbose = true,
            "-I" => curl.head = true,
            "-i" => curl.include = true,
            "-f" => curl.fail = true,
            "-o" => curl.swallow = given.text() != "-",
            "-m" => curl.max_time = Some(given.seconds()?).filter(|span| *span > SimDuration::ZERO),
            "--connect-timeout" => curl.connect_timeout = given.seconds()?,
            "-w" => curl.write_out = Some(write_out::checked(given)?),
            "-H" => headers.push(header(given)?),
            "-X" => curl.request.method = method(given)?,
            "-d" => curl.request.body.extend_from_slice(given.text().as_bytes()),
            "-A" => agent = given.text(),
            _ => {}
        }
    }
    curl.finish_request(headers, agent);
    Ok(curl)
}

fn header(given: &Given<'_>) -> Result<(String, String), UsageError> {
    let text = given.text();
    let parts =
        text.split_once(':').filter(|(name, _)| !name.is_empty() && name.bytes().all(|byte| byte.is_ascii_graphic()));
    let (name, value) = parts.ok_or_else(|| given.refuse("\"Name: value\""))?;
    Ok((name.to_owned(), value.trim().to_owned()))
}

fn method(given: &Given<'_>) -> Result<String, UsageError> {
    let text = given.text();
    let is_token = !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_uppercase());
    if is_token { Ok(text) } else { Err(given.refuse("a method such as PUT")) }
}

impl Url {
    /// The URL, and where its host stands.
    fn parse(word: &Word) -> Result<(Url, Range<usize>), UsageError> {
        let text = word.text.as_str();
        let at_word = |error: UsageError| error.at(&word.range);
        let (scheme, rest) = text.split_once("://").unwrap_or(("http", text));
        let tls = match scheme {
            "http" => false,
            "https" => true,
            other => {
                let message = format!("curl speaks http and https in vpcsim, not \"{other}\"");
                return Err(at_word(UsageError::unsupported(message).did_you_mean(other, ["http", "https"])));
            }
        };
        let end = rest.find(['/', '?', '#']).unwrap_or(rest.len());
        let (authority, path) = rest.split_at(end);
        if authority.starts_with('[') {
            return Err(at_word(UsageError::unsupported(format!("\"{text}\": vpcsim does not simulate IPv6"))));
        }
        let (host, port) = match authority.rsplit_once(':') {
            Some((host, port)) => {
                let port = port.parse().ok().filter(|port| *port != 0);
                let wrong =
                    || at_word(UsageError::syntax(format!("the port in \"{text}\" is none: expected 1 to 65535")));
                (host, port.ok_or_else(wrong)?)
            }
            None => (authority, if tls { 443 } else { 80 }),
        };
        let host = host_name(host, &word.range)?;
        let path = path.split('#').next().unwrap_or_default();
        let target = if path.starts_with('/') { path.to_owned() } else { format!("/{path}") };
        // The place is exact as long as the word has no quotes before its host.
        let before = text.len() - rest.len();
        let start = word.range.start + before;
        let span = if word.range.len() == text.len() { start..start + host.len() } else { word.range.clone() };
        let whole = if text.contains("://") { text.to_owned() } else { format!("http://{text}") };
        Ok((Url { whole, tls, host, port, target }, span))
    }

    fn authority(&self) -> String {
        match (self.tls, self.port) {
            (true, 443) | (false, 80) => self.host.clone(),
            (_, port) => format!("{}:{port}", self.host),
        }
    }
}

impl Curl {
    /// The request's method and headers, in curl's order.
    fn finish_request(&mut self, given: Vec<(String, String)>, agent: String) {
        if self.request.method.is_empty() {
            let method = match (self.head, self.request.body.is_empty()) {
                (true, _) => "HEAD",
                (false, false) => "POST",
                (false, true) => "GET",
            };
            self.request.method = method.to_owned();
        }
        let mut defaults = vec![("Host", self.url.authority()), ("User-Agent", agent), ("Accept", "*/*".to_owned())];
        if !self.request.body.is_empty() {
            defaults.push(("Content-Type", "application/x-www-form-urlencoded".to_owned()));
        }
        let is_given = |name: &str| given.iter().any(|(other, _)| other.eq_ignore_ascii_case(name));
        let own = defaults.into_iter().filter(|(name, _)| !is_given(name));
        self.request.headers = own.map(|(name, value)| (name.to_owned(), value)).collect();
        self.request.headers.extend(given);
    }

    pub(super) fn workload(&self, address: Option<Ipv4Addr>, tls: TlsVersions) -> Workload {
        let mut call = Call::new(self.url.host.clone(), self.request.clone());
        call.port = self.url.port;
        call.tls = self.url.tls.then_some(tls);
        call.connect_timeout = self.connect_timeout;
        call.read_timeout = FOREVER;
        call.total_timeout = self.max_time;
        call.connect_to = address;
        call.attempts_max = 1;
        Workload::Call(call)
    }

    pub(super) fn output(&self, outcome: &Outcome) -> CommandOutput {
        let mut trace = String::new();
        if self.verbose {
            self.trace(&mut trace, outcome);
        }
        let (mut stdout, code, message) = match &outcome.result {
            Ok(Reply::Http(response)) => self.answered(response),
            Ok(_) => return complaint("curl: unexpected answer\n".to_owned(), 1),
            Err(failure) => {
                let (code, message) = self.failed(failure, outcome);
                (String::new(), code, message)
            }
        };
        if let Some(format) = &self.write_out {
            stdout.push_str(&write_out::written(format, self, outcome, code, &message));
        }
        if code != 0 && (!self.silent || self.show_error) {
            let _ = writeln!(trace, "curl: ({code}) {message}");
        }
        printed(stdout, trace, code)
    }

    fn answered(&self, response: &HttpResponse) -> (String, u8, String) {
        if self.fail && response.status >= 400 {
            return (String::new(), 22, format!("The requested URL returned error: {}", response.status));
        }
        let mut text = String::new();
        if !self.swallow {
            if self.head || self.include {
                for line in head(response) {
                    let _ = write!(text, "{line}\r\n");
                }
            }
            text.push_str(&String::from_utf8_lossy(&response.body));
        }
        (text, 0, String::new())
    }

    /// Exit code and message.
    fn failed(&self, failure: &Failure, outcome: &Outcome) -> (u8, String) {
        let Url { host, port, .. } = &self.url;
        let elapsed_ms = outcome.elapsed().as_nanos() / 1_000_000;
        let connecting = |why: &str| format!("Failed to connect to {host} port {port} after {elapsed_ms} ms: {why}");
        match failure {
            Failure::NameResolution { .. } => (6, format!("Could not resolve host: {host}")),
            Failure::ConnectionRefused { .. } | Failure::NoFreePort { .. } | Failure::BadDestination { .. } => {
                (7, connecting("Couldn't connect to server"))
            }
            Failure::ConnectTimeout { .. } if self.connect_timeout > CONNECT_TIMEOUT_OF_LINUX => {
                (28, connecting("Couldn't connect to server"))
            }
            Failure::ConnectTimeout { .. } => (28, connecting("Timeout was reached")),
            Failure::TotalTimeout { .. } => (28, self.out_of_time(outcome, elapsed_ms)),
            Failure::ReadTimeout { .. } => (28, format!("SSL connection timeout after {elapsed_ms} ms")),
            Failure::ConnectionClosed { .. } => match outcome.marks.requested_at {
                None => (35, "Recv failure: Connection reset by peer".to_owned()),
                Some(_) if outcome.marks.first_byte_at.is_some() => {
                    (18, "transfer closed with outstanding read data remaining".to_owned())
                }
                Some(_) => (52, "Empty reply from server".to_owned()),
            },
            Failure::Tls { problem, .. } => match problem.strip_prefix(CERTIFICATE_PROBLEM) {
                Some(_) if problem.contains("not valid for name") || problem.contains("NotValidForName") => {
                    (60, format!("SSL: no alternative certificate subject name matches target host name '{host}'"))
                }
                Some(problem) => (60, format!("SSL certificate problem: {problem}")),
                None => (35, format!("TLS connect error: {problem}")),
            },
            Failure::BadResponse { .. } => (1, "Received HTTP/0.9 when not allowed".to_owned()),
            other => (7, other.to_string()),
        }
    }

    fn out_of_time(&self, outcome: &Outcome, elapsed_ms: u64) -> String {
        let marks = outcome.marks;
        match (marks.resolved_at, marks.connected_at) {
            (None, _) => format!("Resolving timed out after {elapsed_ms} milliseconds"),
            (Some(_), None) => format!("Connection timed out after {elapsed_ms} milliseconds"),
            _ => format!("Operation timed out after {elapsed_ms} milliseconds with 0 bytes received"),
        }
    }

    /// What `-v` tells.
    fn trace(&self, text: &mut String, outcome: &Outcome) {
        let Url { host, port, .. } = &self.url;
        let marks = outcome.marks;
        let Some(address) = outcome.resolved.filter(|_| marks.resolved_at.is_some()) else {
            let _ = writeln!(text, "* Could not resolve host: {host}\n* Closing connection");
            return;
        };
        if self.url.host.parse::<Ipv4Addr>().is_err() {
            let _ = writeln!(text, "* Host {host}:{port} was resolved.\n* IPv4: {address}");
        }
        let _ = writeln!(text, "*   Trying {address}:{port}...");
        if marks.connected_at.is_none() {
            text.push_str("* Closing connection\n");
            return;
        }
        let _ = writeln!(text, "* Connected to {host} ({address}) port {port}");
        if self.url.tls {
            match outcome.tls_version.filter(|_| marks.secured_at.is_some()) {
                Some(version) => {
                    let _ = writeln!(text, "* SSL connection using {version}\n* ALPN: server accepted http/1.1");
                }
                None => {
                    text.push_str("* Closing connection\n");
                    return;
                }
            }
        }
        let HttpRequest { method, target, headers, body } = &self.request;
        let _ = writeln!(text, "> {method} {target} HTTP/1.1");
        for (name, value) in headers {
            let _ = writeln!(text, "> {name}: {value}");
        }
        if !body.is_empty() {
            let _ = writeln!(text, "> Content-Length: {}", body.len());
        }
        text.push_str("> \n");
        match &outcome.result {
            Ok(Reply::Http(response)) => {
                for line in head(response) {
                    let _ = writeln!(text, "< {line}");
                }
                let _ = match response.closes_connection() {
                    true => writeln!(text, "* Closing connection"),
                    false => writeln!(text, "* Connection #0 to host {host} left intact"),
                };
            }
            _ => text.push_str("* Closing connection\n"),
        }
    }
}

/// The lines of a response before its body, the empty one included.
fn head(response: &HttpResponse) -> Vec<String> {
    let mut lines = vec![format!("HTTP/1.1 {} {}", response.status, response.reason)];
    lines.extend(response.headers.iter().map(|(name, value)| format!("{name}: {value}")));
    lines.push(String::new());
    lines
}

#[cfg(test)]
mod tests {
    use super::super::parse as line;
    use super::*;

    fn read(text: &str) -> Curl {
        parse(&crate::awscli::words(text).unwrap()).unwrap()
    }

    #[test]
    fn urls() {
        let url = |text: &str| {
            let Url { tls, host, port, target, .. } = read(text).url;
            (tls, host, port, target)
        };
        assert_eq!(url("web"), (false, "web".to_owned(), 80, "/".to_owned()));
        assert_eq!(url("https://web:8443?a=1"), (true, "web".to_owned(), 8443, "/?a=1".to_owned()));
        assert_eq!(url("'http://10.0.0.9/x?y#z'"), (false, "10.0.0.9".to_owned(), 80, "/x?y".to_owned()));
        assert_eq!(read("https://web/").destination.span, 8..11);
        for bad in [
            "curl",
            "curl a b",
            "curl ftp://web",
            "curl http://:80",
            "curl http://web:0/",
            "curl -k https://web",
            "curl http://u@web/",
        ] {
            assert!(line(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn requests() {
        let curl = read("-sS -H 'x-a: 1' -H 'accept: text/plain' -d a=b http://web:8080/p");
        let names: Vec<&str> = curl.request.headers.iter().map(|(name, _)| name.as_str()).collect();
        assert_eq!(names, ["Host", "User-Agent", "Content-Type", "x-a", "accept"]);
        assert_eq!((curl.request.method.as_str(), curl.request.header("host")), ("POST", Some("web:8080")));
        assert_eq!(read("-I web").request.method, "HEAD");
        assert_eq!(read("-X PUT web").request.method, "PUT");
        for bad in ["curl -H nothing web", "curl -X put web", "curl -m x web", "curl -w '%{speed}' web"] {
            assert!(line(bad).is_err(), "{bad}");
        }
    }
}
