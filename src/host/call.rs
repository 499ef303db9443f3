//! One HTTPS (or HTTP) API call, made the way botocore and urllib3 make it: resolve, connect, TLS, signed request, response; retry
//! mode "standard".
//!
//! Purpose: the client's behaviour in time, above all when nothing answers. Non-goals: the meaning of responses (a caller's job, except
//! for what calls for a retry), proxies, redirects, `Expect: 100-continue`, a second address of the same name, the retry token bucket.
//! Reference: botocore's `retries/standard.py` for what is retried and how long it waits; every new connection resolves anew.

use super::connection::{Connection, Loss, Security, Stage};
use super::context::Context;
use super::http::{HttpRequest, HttpResponse, ResponseDecoder};
use super::interface::{ConnectError, Stack};
use super::outcome::{Failure, Marks, Outcome, Reply};
use super::resolver::{Lookup, Progress};
use super::session::{PoolKey, SessionPool};
use super::sigv4::{self, Credentials};
use super::tls::TlsVersions;
use crate::time::{SimDuration, SimTime};
use std::net::{Ipv4Addr, SocketAddrV4};

/// How long a program waits for DHCP before it gives up.
pub(super) const ADDRESS_TIMEOUT: SimDuration = SimDuration::from_secs(60);

/// botocore's longest pause between attempts, in seconds.
const BACKOFF_SECONDS_MAX: f64 = 20.0;

/// HTTP statuses that botocore takes for transient.
const TRANSIENT_STATUSES: [u16; 4] = [500, 502, 503, 504];

/// Error codes that botocore's standard mode retries: transient ones, then throttles.
const RETRIED_CODES: [&str; 16] = [
    "RequestTimeout",
    "RequestTimeoutException",
    "PriorRequestNotComplete",
    "Throttling",
    "ThrottlingException",
    "ThrottledException",
    "RequestThrottledException",
    "TooManyRequestsException",
    "ProvisionedThroughputExceededException",
    "TransactionInProgressException",
    "RequestLimitExceeded",
    "BandwidthLimitExceeded",
    "LimitExceededException",
    "RequestThrottled",
    "SlowDown",
    "EC2ThrottledException",
];

/// An API call to make. [`Call::new`] gives botocore's defaults.
#[derive(Clone, Debug, PartialEq)]
pub struct Call {
    /// The name to resolve, to show in TLS, and for `Host`.
    pub endpoint_host: String,
    /// TCP port.
    pub port: u16,
    /// TLS with these versions, or plain HTTP.
    pub tls: Option<TlsVersions>,
    /// The method; `Host` is put before its headers unless they have one.
    pub request: HttpRequest,
    /// How to sign each attempt; `None` sends the request as it is.
    pub signing: Option<Signing>,
    /// From SYN to SYN-ACK, and between two signs of life in a TLS handshake.
    pub connect_timeout: SimDuration,
    /// Between two signs of life while waiting for the response.
    pub read_timeout: SimDuration,
    /// From the start to the end of everything, retries included; `None`: for ever. The CLI has no such limit, curl does.
    pub total_timeout: Option<SimDuration>,
    /// The address to connect to, if the name is not to be resolved.
    pub connect_to: Option<Ipv4Addr>,
    /// Attempts, the first included.
    pub attempts_max: u32,
    /// The long-running program that makes the call: its connection stays open and serves its next call to the same endpoint.
    /// `None`: a program that ends with the call, as the CLI does; its connection is closed.
    pub session: Option<String>,
}

/// Credentials and scope of Signature Version 4.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Signing {
    /// Whose signature.
    pub credentials: Credentials,
    /// Region of the scope.
    pub region: String,
    /// Service of the scope, `dynamodb`.
    pub service: String,
}

impl Call {
    /// A call over TLS at port 443 with botocore's defaults: 60 s timeouts, 4 attempts, unsigned, no session.
    pub fn new(endpoint_host: impl Into<String>, request: HttpRequest) -> Self {
        Call {
            endpoint_host: endpoint_host.into(),
            port: 443,
            tls: Some(TlsVersions::default()),
            request,
            signing: None,
            connect_timeout: SimDuration::from_secs(60),
            read_timeout: SimDuration::from_secs(60),
            total_timeout: None,
            connect_to: None,
            attempts_max: 4,
            session: None,
        }
    }

    /// The URL as botocore names it in errors.
    pub fn url(&self) -> String {
        let scheme = if self.tls.is_some() { "https" } else { "http" };
        format!("{scheme}://{}{}", self.authority(), self.request.target)
    }

    fn authority(&self) -> String {
        match (self.tls.is_some(), self.port) {
            (true, 443) | (false, 80) => self.endpoint_host.clone(),
            _ => format!("{}:{}", self.endpoint_host, self.port),
        }
    }

    fn pool_key(&self, session: &str) -> PoolKey {
        PoolKey {
            session: session.to_owned(),
            endpoint_host: self.endpoint_host.clone(),
            port: self.port,
            secure: self.tls.is_some(),
        }
    }
}

/// A call under way.
pub(super) struct CallProcess {
    call: Call,
    phase: Phase,
    record: Outcome,
}

enum Phase {
    AwaitingAddress { until: SimTime },
    Resolving { lookup: Lookup },
    Connecting { connection: Connection, deadline: SimTime },
    Exchanging { connection: Connection, decoder: ResponseDecoder, sent_at: SimTime, deadline: SimTime },
    BackingOff { until: SimTime, kept: Option<Connection> },
    Finished,
}

/// What one step of a phase led to.
enum Next {
    /// Stay in this phase.
    Wait(Phase),
    /// Look at this phase at once.
    Enter(Phase),
    /// The call is over.
    Finish,
}

impl CallProcess {
    /// A call that starts now.
    pub(super) fn new(now: SimTime, call: Call) -> Self {
        let phase = Phase::AwaitingAddress { until: now + ADDRESS_TIMEOUT };
        CallProcess { call, phase, record: Outcome::starting(now) }
    }

    /// Goes as far as it can. The first value says whether anything happened, the second is there when the call is over.
    pub(super) fn poll(&mut self, cx: &mut Context<'_>, pool: &mut SessionPool) -> (bool, Option<Outcome>) {
        let mut moved = false;
        loop {
            if self.total_deadline().is_some_and(|deadline| cx.now >= deadline) {
                return (true, Some(self.out_of_time(cx)));
            }
            let next = match std::mem::replace(&mut self.phase, Phase::Finished) {
                Phase::AwaitingAddress { until } => self.await_address(cx, pool, until),
                Phase::Resolving { lookup } => self.resolve(cx, lookup),
                Phase::Connecting { connection, deadline } => self.connect(cx, connection, deadline, &mut moved),
                Phase::Exchanging { connection, decoder, sent_at, deadline } => {
                    self.exchange(cx, pool, connection, decoder, sent_at, deadline, &mut moved)
                }
                Phase::BackingOff { until, kept } if cx.now < until => Next::Wait(Phase::BackingOff { until, kept }),
                Phase::BackingOff { kept, .. } => self.begin_attempt(cx, pool, kept),
                Phase::Finished => return (moved, None),
            };
            match next {
                Next::Wait(phase) => {
                    self.phase = phase;
                    return (moved, None);
                }
                Next::Enter(phase) => {
                    self.phase = phase;
                    moved = true;
                }
                Next::Finish => {
                    self.record.finished = cx.now;
                    return (true, Some(self.record.clone()));
                }
            }
        }
    }

    /// When [`CallProcess::poll`] must be called though no frame has come.
    pub(super) fn deadline(&self, stack: &Stack) -> Option<SimTime> {
        let phase = match &self.phase {
            Phase::AwaitingAddress { until } | Phase::BackingOff { until, .. } => Some(*until),
            Phase::Resolving { lookup } => Some(lookup.deadline()),
            Phase::Connecting { connection, deadline } => {
                Some(connection.deadline(stack).map_or(*deadline, |syn| syn.min(*deadline)))
            }
            Phase::Exchanging { deadline, .. } => Some(*deadline),
            Phase::Finished => None,
        };
        phase.into_iter().chain(self.total_deadline()).min()
    }

    fn total_deadline(&self) -> Option<SimTime> {
        self.call.total_timeout.map(|span| self.record.started + span)
    }

    /// The end of a call whose total time is over, in whatever phase it is.
    fn out_of_time(&mut self, cx: &mut Context<'_>) -> Outcome {
        match std::mem::replace(&mut self.phase, Phase::Finished) {
            Phase::Resolving { mut lookup } => lookup.abandon(cx),
            Phase::Connecting { connection, .. } => match connection.stage() {
                Stage::Connecting => connection.abandon(cx),
                _ => connection.close(cx),
            },
            Phase::Exchanging { connection, .. } | Phase::BackingOff { kept: Some(connection), .. } => {
                connection.close(cx);
            }
            Phase::AwaitingAddress { .. } | Phase::BackingOff { kept: None, .. } | Phase::Finished => {}
        }
        self.record.finished = cx.now;
        self.record.result = Err(Failure::TotalTimeout { url: self.call.url() });
        self.record.clone()
    }

    // ---- phases, in order

    fn await_address(&mut self, cx: &mut Context<'_>, pool: &mut SessionPool, until: SimTime) -> Next {
        if cx.stack.address().is_some() {
            self.begin_attempt(cx, pool, None)
        } else if cx.now >= until {
            self.finish(Err(Failure::NoAddress))
        } else {
            Next::Wait(Phase::AwaitingAddress { until })
        }
    }

    fn begin_attempt(&mut self, cx: &mut Context<'_>, pool: &mut SessionPool, kept: Option<Connection>) -> Next {
        self.record.attempts += 1;
        self.record.reused_connection = false;
        self.record.marks = Marks::default();
        let key = self.call.session.as_deref().map(|session| self.call.pool_key(session));
        let mut candidate = kept.or_else(|| pool.take(key.as_ref()?));
        while let Some(mut connection) = candidate {
            connection.poll(cx);
            // urllib3 drops a pooled connection that has become readable: it is closed, or out of step.
            if *connection.stage() == Stage::Open && connection.take_received().is_empty() {
                self.record.reused_connection = true;
                return self.send_request(cx, connection);
            }
            connection.close(cx);
            candidate = key.as_ref().and_then(|key| pool.take(key));
        }
        if let Some(address) = self.call.connect_to {
            return self.resolved(cx, Progress::Found(vec![address]));
        }
        match Lookup::start(cx, &self.call.endpoint_host) {
            Ok(lookup) => Next::Enter(Phase::Resolving { lookup }),
            Err(progress) => self.resolved(cx, progress),
        }
    }

    fn resolve(&mut self, cx: &mut Context<'_>, mut lookup: Lookup) -> Next {
        match lookup.poll(cx) {
            Progress::Waiting => Next::Wait(Phase::Resolving { lookup }),
            progress => self.resolved(cx, progress),
        }
    }

    fn resolved(&mut self, cx: &mut Context<'_>, progress: Progress) -> Next {
        match progress {
            Progress::Found(addresses) if !addresses.is_empty() => self.open(cx, addresses[0]),
            _ => {
                let failure = Failure::NameResolution { host: self.call.endpoint_host.clone(), url: self.call.url() };
                self.attempt_failed(cx, failure, None)
            }
        }
    }

    fn open(&mut self, cx: &mut Context<'_>, address: Ipv4Addr) -> Next {
        self.record.resolved = Some(address);
        self.record.marks.resolved_at = Some(cx.now);
        let peer = SocketAddrV4::new(address, self.call.port);
        let tcp = match cx.stack.connect(cx.stream, peer) {
            Ok(tcp) => tcp,
            Err(ConnectError::NoFreePort) => {
                return self.attempt_failed(cx, Failure::NoFreePort { url: self.call.url() }, None);
            }
            Err(ConnectError::BadDestination) => {
                return self.attempt_failed(cx, Failure::BadDestination { url: self.call.url() }, None);
            }
        };
        let security = match self.call.tls {
            Some(versions) => Security::Client { server_name: self.call.endpoint_host.clone(), versions },
            None => Security::Plain,
        };
        self.record.connections_opened += 1;
        self.record.local = Some(tcp.local);
        self.record.peer = Some(tcp.peer);
        (self.record.tls_version, self.record.connect_time) = (None, None);
        let connection = Connection::new(tcp, security);
        Next::Enter(Phase::Connecting { connection, deadline: cx.now + self.call.connect_timeout })
    }

    fn connect(
        &mut self,
        cx: &mut Context<'_>,
        mut connection: Connection,
        mut deadline: SimTime,
        moved: &mut bool,
    ) -> Next {
        if connection.poll(cx) {
            *moved = true;
            if *connection.stage() == Stage::Handshaking {
                deadline = cx.now + self.call.connect_timeout;
            }
        }
        self.record.connect_time = connection.connect_time();
        if !matches!(connection.stage(), Stage::Connecting | Stage::Lost(Loss::Refused | Loss::TimedOut)) {
            self.record.marks.connected_at.get_or_insert(cx.now);
        }
        let url = self.call.url();
        match connection.stage().clone() {
            Stage::Open => self.send_request(cx, connection),
            Stage::Connecting if cx.now >= deadline => {
                connection.abandon(cx);
                self.attempt_failed(cx, Failure::ConnectTimeout { url }, None)
            }
            Stage::Handshaking if cx.now >= deadline => {
                connection.close(cx);
                self.broken(cx, Failure::ReadTimeout { url })
            }
            Stage::Connecting | Stage::Handshaking => Next::Wait(Phase::Connecting { connection, deadline }),
            Stage::PeerFinished | Stage::Lost(Loss::Reset) => {
                connection.close(cx);
                self.broken(cx, Failure::ConnectionClosed { url })
            }
            Stage::Lost(Loss::Refused) => {
                connection.abandon(cx);
                self.attempt_failed(cx, Failure::ConnectionRefused { url }, None)
            }
            Stage::Lost(Loss::TimedOut) => {
                connection.abandon(cx);
                self.attempt_failed(cx, Failure::ConnectTimeout { url }, None)
            }
            Stage::Lost(Loss::Tls(problem)) => {
                connection.close(cx);
                self.attempt_failed(cx, Failure::Tls { url, problem }, None)
            }
        }
    }

    fn send_request(&mut self, cx: &mut Context<'_>, mut connection: Connection) -> Next {
        let mut request = self.call.request.clone();
        if request.header("host").is_none() {
            request.headers.insert(0, ("Host".to_owned(), self.call.authority()));
        }
        if let Some(signing) = &self.call.signing {
            let Signing { credentials, region, service } = signing;
            sigv4::sign(&mut request, credentials, region, service, &cx.calendar.amz_date(cx.now));
        }
        self.record.local = Some(connection.local());
        self.record.peer = Some(connection.peer());
        self.record.tls_version = connection.tls_version();
        self.record.connect_time = connection.connect_time();
        self.record.marks.secured_at = self.record.tls_version.map(|_| cx.now);
        self.record.marks.requested_at = Some(cx.now);
        connection.send(&request.encode());
        connection.poll(cx);
        let mut decoder = ResponseDecoder::new();
        decoder.expect_answer_to(&request.method);
        let deadline = cx.now + self.call.read_timeout;
        Next::Enter(Phase::Exchanging { connection, decoder, sent_at: cx.now, deadline })
    }

    #[allow(clippy::too_many_arguments)] // the fields of one phase
    fn exchange(
        &mut self,
        cx: &mut Context<'_>,
        pool: &mut SessionPool,
        mut connection: Connection,
        mut decoder: ResponseDecoder,
        sent_at: SimTime,
        mut deadline: SimTime,
        moved: &mut bool,
    ) -> Next {
        *moved |= connection.poll(cx);
        let received = connection.take_received();
        if !received.is_empty() {
            deadline = cx.now + self.call.read_timeout;
            self.record.marks.first_byte_at.get_or_insert(cx.now);
        }
        let mut decoded = decoder.feed(&received);
        let ended = !matches!(connection.stage(), Stage::Open);
        if ended && matches!(decoded, Ok(None)) {
            // A response without a length ends with the connection.
            decoded = decoder.finish();
        }
        let url = self.call.url();
        match decoded {
            Ok(Some(response)) => {
                self.record.request_round_trip = Some(cx.now.since(sent_at));
                self.answered(cx, pool, connection, response)
            }
            _ if ended => {
                connection.close(cx);
                self.broken(cx, Failure::ConnectionClosed { url })
            }
            Err(problem) => {
                connection.close(cx);
                self.attempt_failed(cx, Failure::BadResponse { url, problem: problem.to_string() }, None)
            }
            Ok(None) if cx.now >= deadline => {
                connection.close(cx);
                self.broken(cx, Failure::ReadTimeout { url })
            }
            Ok(None) => Next::Wait(Phase::Exchanging { connection, decoder, sent_at, deadline }),
        }
    }

    fn answered(
        &mut self,
        cx: &mut Context<'_>,
        pool: &mut SessionPool,
        connection: Connection,
        response: HttpResponse,
    ) -> Next {
        let reusable = *connection.stage() == Stage::Open && !response.closes_connection();
        if self.record.attempts < self.call.attempts_max
            && let Some(code) = retry_code(&response)
        {
            let failure = Failure::Retryable { url: self.call.url(), status: response.status, code };
            let kept = if reusable {
                Some(connection)
            } else {
                connection.close(cx);
                None
            };
            return self.attempt_failed(cx, failure, kept);
        }
        let unwanted = match &self.call.session {
            Some(session) if reusable => pool.put(self.call.pool_key(session), connection),
            _ => Some(connection),
        };
        if let Some(connection) = unwanted {
            connection.close(cx);
        }
        self.finish(Ok(Reply::Http(response)))
    }

    // ---- ends

    /// An established connection failed under the call.
    fn broken(&mut self, cx: &mut Context<'_>, failure: Failure) -> Next {
        self.record.broken_connections += 1;
        self.attempt_failed(cx, failure, None)
    }

    /// Waits for the next attempt, or gives up. botocore retries every connection error, TLS ones included.
    fn attempt_failed(&mut self, cx: &mut Context<'_>, failure: Failure, kept: Option<Connection>) -> Next {
        if self.record.attempts >= self.call.attempts_max {
            if let Some(connection) = kept {
                connection.close(cx);
            }
            return self.finish(Err(failure));
        }
        let exponent = i32::try_from(self.record.attempts - 1).unwrap_or(i32::MAX);
        let pause_seconds = cx.stream.unit() * 2f64.powi(exponent).min(BACKOFF_SECONDS_MAX);
        let until = cx.now + SimDuration::from_nanos((pause_seconds * 1e9) as u64);
        self.record.retried.push(failure);
        Next::Enter(Phase::BackingOff { until, kept })
    }

    fn finish(&mut self, result: Result<Reply, Failure>) -> Next {
        self.record.result = result;
        Next::Finish
    }
}

/// The code for which botocore would try again, if it would.
fn retry_code(response: &HttpResponse) -> Option<String> {
    let code = error_code(response);
    let transient = TRANSIENT_STATUSES.contains(&response.status);
    match code {
        Some(code) if transient || RETRIED_CODES.contains(&code.as_str()) => Some(code),
        None if transient => Some(response.reason.clone()),
        _ => None,
    }
}

/// The error code in a JSON (`__type`) or XML (`<Code>`) body of a response that is an error.
fn error_code(response: &HttpResponse) -> Option<String> {
    if response.status < 400 {
        return None;
    }
    if let Ok(body) = serde_json::from_slice::<serde_json::Value>(&response.body) {
        let code = body.get("__type").or_else(|| body.get("code"))?.as_str()?;
        // `com.amazonaws.dynamodb.v20120810#ThrottlingException`
        return Some(code.rsplit('#').next().unwrap_or(code).to_owned());
    }
    let text = std::str::from_utf8(&response.body).ok()?;
    let (_, rest) = text.split_once("<Code>")?;
    rest.split_once("</Code>").map(|(code, _)| code.to_owned())
}
