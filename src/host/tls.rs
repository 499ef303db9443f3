//! TLS 1.3 and 1.2 between simulated hosts (RFC 8446, RFC 5246): rustls, made reproducible and free of sockets.
//!
//! Purpose: bytes in, bytes out, with the same bytes for the same seed. Non-goals: secrecy (every key follows from the seed), session
//! resumption, tickets, client certificates, early data: each would make one call depend on an earlier one.
//!
//! How it is made reproducible. rustls takes its randomness and its date from `'static` providers, not from arguments. So every
//! call here that may need them lends the host's [`Stream`] and the date to a thread-local slot (`ambient`) for the length of
//! the call, and takes the stream back afterwards. Outside such a call the slot is empty and a draw fails, so nothing can leak from
//! one host's stream into another's. Key exchange (X25519) draws from the same slot, because rustls' own would ask the
//! operating system. Signatures are Ed25519: no randomness, constant size.
//!
//! Only suites with forward secrecy exist here (rustls has no others), as DynamoDB requires
//! (docs.aws.amazon.com/amazondynamodb/latest/developerguide/inter-network-traffic-privacy.html).

mod ambient;
mod version_check;

use self::version_check::{VersionCheck, version_name};
use super::certificate::{CertificateError, Certificates};
use crate::calendar::Calendar;
use crate::rng::{Seed, Stream};
use crate::time::SimTime;
use rustls::client::Resumption;
use rustls::pki_types::{CertificateDer, PrivateKeyDer, PrivatePkcs8KeyDer, ServerName};
use rustls::server::{ClientHello, NoServerSessionStorage, ResolvesServerCert};
use rustls::sign::CertifiedKey;
use rustls::version::{TLS12, TLS13};
use rustls::{
    ClientConfig, ClientConnection, Connection, ProtocolVersion, RootCertStore, ServerConfig, ServerConnection,
};
use std::io::{Read, Write};
use std::sync::Arc;

/// The application protocol offered and accepted (RFC 7301): HTTP/1.1 and nothing else, as botocore does.
const APPLICATION_PROTOCOL: &[u8] = b"http/1.1";

/// Why TLS could not start or go on.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
pub enum TlsError {
    /// The world's certificates could not be made.
    #[error(transparent)]
    Certificate(#[from] CertificateError),
    /// The client was asked to connect to something that is no DNS name and no address.
    #[error("\"{name}\" is not a server name: expected a DNS name or an IP address")]
    ServerName {
        /// What was given.
        name: String,
    },
    /// The client offers nothing newer than this version; an alert protocol_version waits in [`TlsConnection::take_ciphertext`].
    #[error("the client offers at most {}, expected TLSv1.2 or TLSv1.3", version_name(*.offered))]
    OldVersion {
        /// The ClientHello's version field, 0x0302 for TLS 1.1.
        offered: u16,
    },
    /// The peer broke the protocol, was refused, or refused us. An alert may be waiting in [`TlsConnection::take_ciphertext`].
    #[error("{0}")]
    Protocol(#[from] rustls::Error),
    /// rustls could not take the bytes; not seen in practice, kept apart so that it is never hidden.
    #[error("TLS input: {0}")]
    Input(String),
}

/// Which protocol versions a client offers.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum TlsVersions {
    /// 1.3 and 1.2, as today's SDKs do.
    #[default]
    Tls12And13,
    /// Only 1.2.
    Tls12,
    /// Only 1.3.
    Tls13,
}

/// Everything TLS in one simulated world: authority, server certificate, client and server configurations. Cheap to clone.
#[derive(Clone)]
pub struct TlsWorld {
    shared: Arc<Shared>,
}

struct Shared {
    calendar: Calendar,
    authority_der: Vec<u8>,
    server: Arc<ServerConfig>,
    client_both: Arc<ClientConfig>,
    client_12: Arc<ClientConfig>,
    client_13: Arc<ClientConfig>,
}

impl TlsWorld {
    /// Makes the authority and one certificate for all of `server_names` (DNS names, a leading `*.` label allowed).
    pub fn new(seed: Seed, calendar: Calendar, server_names: &[String]) -> Result<TlsWorld, TlsError> {
        TlsWorld::with_others(seed, calendar, server_names, &[])
    }

    /// As [`TlsWorld::new`], with one more certificate for each list of `others`. Servers show the one whose names the client asks for (SNI), and
    /// that of `server_names` where none fits.
    pub fn with_others(
        seed: Seed,
        calendar: Calendar,
        server_names: &[String],
        others: &[Vec<String>],
    ) -> Result<TlsWorld, TlsError> {
        let certificates = Certificates::new(seed, calendar, server_names, others)?;
        let mut roots = RootCertStore::empty();
        roots.add(CertificateDer::from(certificates.authority_der.as_slice()))?;
        let roots = Arc::new(roots);
        let shared = Shared {
            calendar,
            client_both: client_configuration(&roots, &[&TLS13, &TLS12])?,
            client_12: client_configuration(&roots, &[&TLS12])?,
            client_13: client_configuration(&roots, &[&TLS13])?,
            authority_der: certificates.authority_der.clone(),
            server: server_configuration(certificates)?,
        };
        Ok(TlsWorld { shared: Arc::new(shared) })
    }

    /// The authority's certificate, DER: what a real client would have to trust.
    pub fn authority_der(&self) -> &[u8] {
        &self.shared.authority_der
    }

    /// A client that wants to talk to `server_name`; its ClientHello waits in [`TlsConnection::take_ciphertext`].
    pub fn client(
        &self,
        stream: &mut Stream,
        now: SimTime,
        server_name: &str,
        versions: TlsVersions,
    ) -> Result<TlsConnection, TlsError> {
        let name = ServerName::try_from(server_name.to_owned())
            .map_err(|_| TlsError::ServerName { name: server_name.to_owned() })?;
        let configuration = match versions {
            TlsVersions::Tls12And13 => &self.shared.client_both,
            TlsVersions::Tls12 => &self.shared.client_12,
            TlsVersions::Tls13 => &self.shared.client_13,
        };
        let make = || Ok(ClientConnection::new(Arc::clone(configuration), name)?.into());
        self.connection(stream, now, VersionCheck::Passed, make)
    }

    /// A server that waits for a ClientHello.
    pub fn server(&self, stream: &mut Stream, now: SimTime) -> Result<TlsConnection, TlsError> {
        let make = || Ok(ServerConnection::new(Arc::clone(&self.shared.server))?.into());
        self.connection(stream, now, VersionCheck::Reading(Vec::new()), make)
    }

    fn connection(
        &self,
        stream: &mut Stream,
        now: SimTime,
        version_check: VersionCheck,
        make: impl FnOnce() -> Result<Connection, TlsError>,
    ) -> Result<TlsConnection, TlsError> {
        let calendar = self.shared.calendar;
        let mut secrets = String::new();
        let mut connection = ambient::lend(stream, calendar.unix_seconds(now), &mut secrets, make)?;
        // Without this a request of more than 64 KiB would be cut short: `send` has no way to say "later".
        connection.set_buffer_limit(None);
        Ok(TlsConnection { connection, calendar, version_check, secrets, plaintext: Vec::new(), peer_closed: false })
    }
}

fn client_configuration(
    roots: &Arc<RootCertStore>,
    versions: &[&'static rustls::SupportedProtocolVersion],
) -> Result<Arc<ClientConfig>, TlsError> {
    let mut configuration =
        ClientConfig::builder_with_details(Arc::new(ambient::provider()), Arc::new(ambient::VirtualDate))
            .with_protocol_versions(versions)?
            .with_root_certificates(Arc::clone(roots))
            .with_no_client_auth();
    configuration.alpn_protocols = vec![APPLICATION_PROTOCOL.to_vec()];
    configuration.resumption = Resumption::disabled();
    configuration.key_log = Arc::new(ambient::SecretsToCaller);
    Ok(Arc::new(configuration))
}

fn server_configuration(certificates: Certificates) -> Result<Arc<ServerConfig>, TlsError> {
    let provider = Arc::new(ambient::provider());
    let certified = |der: Vec<u8>, key_pkcs8_der: Vec<u8>| {
        let key = PrivateKeyDer::Pkcs8(PrivatePkcs8KeyDer::from(key_pkcs8_der));
        let key = provider.key_provider.load_private_key(key)?;
        Ok::<_, TlsError>(Arc::new(CertifiedKey::new(vec![CertificateDer::from(der)], key)))
    };
    let others = certificates.others.into_iter();
    let others = others.map(|other| Ok((other.names, certified(other.der, other.key_pkcs8_der)?)));
    let shown = ShownCertificates {
        others: others.collect::<Result<_, TlsError>>()?,
        usual: certified(certificates.server_der, certificates.server_key_pkcs8_der)?,
    };
    let mut configuration = ServerConfig::builder_with_details(Arc::clone(&provider), Arc::new(ambient::VirtualDate))
        .with_protocol_versions(&[&TLS13, &TLS12])?
        .with_no_client_auth()
        .with_cert_resolver(Arc::new(shown));
    configuration.alpn_protocols = vec![APPLICATION_PROTOCOL.to_vec()];
    configuration.session_storage = Arc::new(NoServerSessionStorage {});
    configuration.send_tls13_tickets = 0;
    configuration.key_log = Arc::new(ambient::SecretsToCaller);
    Ok(Arc::new(configuration))
}

/// Which certificate a server shows.
#[derive(Debug)]
struct ShownCertificates {
    others: Vec<(Vec<String>, Arc<CertifiedKey>)>,
    usual: Arc<CertifiedKey>,
}

impl ResolvesServerCert for ShownCertificates {
    fn resolve(&self, client_hello: ClientHello<'_>) -> Option<Arc<CertifiedKey>> {
        let asked = client_hello.server_name().map(str::to_ascii_lowercase);
        let fits = |names: &Vec<String>| {
            asked.as_deref().is_some_and(|asked| names.iter().any(|name| certificate_name_fits(name, asked)))
        };
        let found = self.others.iter().find(|(names, _)| fits(names)).map(|(_, certified)| certified);
        Some(Arc::clone(found.unwrap_or(&self.usual)))
    }
}

/// `*.` stands for exactly one label (RFC 6125 section 6.4.3).
fn certificate_name_fits(name: &str, asked: &str) -> bool {
    match name.strip_prefix("*.") {
        Some(parent) => asked.split_once('.').is_some_and(|(_, rest)| rest == parent),
        None => name == asked,
    }
}

/// One TLS connection without a socket, client or server side.
///
/// The round: put the peer's bytes in with [`receive`](Self::receive) and application data with [`send`](Self::send); afterwards
/// move [`take_ciphertext`](Self::take_ciphertext) to the socket and [`take_plaintext`](Self::take_plaintext) to the program.
pub struct TlsConnection {
    connection: Connection,
    calendar: Calendar,
    version_check: VersionCheck,
    secrets: String,
    plaintext: Vec<u8>,
    peer_closed: bool,
}

impl TlsConnection {
    /// Feeds bytes from the socket and processes every whole record in them.
    ///
    /// After an error the connection is dead, but [`take_ciphertext`](Self::take_ciphertext) may hold the alert that says why;
    /// plaintext received before the fault stays available. Bytes after the peer's close_notify are ignored.
    pub fn receive(&mut self, stream: &mut Stream, now: SimTime, ciphertext: &[u8]) -> Result<(), TlsError> {
        self.version_check.admit(ciphertext)?;
        let Self { connection, plaintext, peer_closed, .. } = self;
        ambient::lend(stream, self.calendar.unix_seconds(now), &mut self.secrets, || {
            let mut rest = ciphertext;
            while !rest.is_empty() && !*peer_closed {
                // Takes at most one buffer's worth; an error here would mean undrained plaintext, which the loop never leaves.
                if connection.read_tls(&mut rest).map_err(|fault| TlsError::Input(fault.to_string()))? == 0 {
                    break;
                }
                let outcome = connection.process_new_packets();
                drain(connection, plaintext);
                *peer_closed = outcome?.peer_has_closed();
            }
            Ok(())
        })
    }

    /// Takes application data to send: one record if it fits into one (16 KiB). Before the handshake is over it waits.
    pub fn send(&mut self, plaintext: &[u8]) {
        // Writing into rustls' own unbounded buffer cannot fail; after a dead handshake the data is simply never sealed.
        let _ = self.connection.writer().write_all(plaintext);
    }

    /// What has to go onto the socket now; empty if nothing does.
    pub fn take_ciphertext(&mut self) -> Vec<u8> {
        let mut ciphertext = self.version_check.take_alert();
        while self.connection.wants_write() {
            match self.connection.write_tls(&mut ciphertext) {
                Ok(written) if written > 0 => {}
                _ => break,
            }
        }
        ciphertext
    }

    /// The application data received since the last call.
    pub fn take_plaintext(&mut self) -> Vec<u8> {
        std::mem::take(&mut self.plaintext)
    }

    /// Whether application data cannot flow yet.
    pub fn is_handshaking(&self) -> bool {
        self.connection.is_handshaking()
    }

    /// Says that nothing more will be sent; the alert waits in [`take_ciphertext`](Self::take_ciphertext).
    pub fn close_notify(&mut self) {
        self.connection.send_close_notify();
    }

    /// Whether the peer said close_notify. A connection that ends without it was cut.
    pub fn peer_closed(&self) -> bool {
        self.peer_closed
    }

    /// The negotiated version, `TLSv1.3` or `TLSv1.2`; `None` before the server has chosen.
    pub fn version(&self) -> Option<&'static str> {
        match self.connection.protocol_version()? {
            ProtocolVersion::TLSv1_3 => Some("TLSv1.3"),
            ProtocolVersion::TLSv1_2 => Some("TLSv1.2"),
            _ => None,
        }
    }

    /// The key log lines (NSS format, each ending in a newline) that are new since the last call. Both sides produce them.
    pub fn take_secrets(&mut self) -> String {
        std::mem::take(&mut self.secrets)
    }
}

fn drain(connection: &mut Connection, plaintext: &mut Vec<u8>) {
    // "Would block" (nothing more yet) and "unexpected end" (closed) both mean: that was all; what was read has been appended.
    let _ = connection.reader().read_to_end(plaintext);
}

#[cfg(test)]
mod tests {
    use super::*;

    const NAME: &str = "dynamodb.us-east-1.amazonaws.com";
    const NOW: SimTime = SimTime::from_nanos(5_000_000_000);

    fn world(seed: u64) -> TlsWorld {
        let names = [NAME, "*.ddb.us-east-1.amazonaws.com"].map(str::to_owned);
        TlsWorld::new(Seed::new(seed), Calendar::starting_at(1_767_225_600).unwrap(), &names).unwrap()
    }

    /// Two ends and their streams; `exchange` carries bytes until both are silent and keeps what crossed.
    struct Pair {
        client: TlsConnection,
        client_stream: Stream,
        server: TlsConnection,
        server_stream: Stream,
        to_server: Vec<u8>,
        to_client: Vec<u8>,
    }

    impl Pair {
        fn new(seed: u64, name: &str, versions: TlsVersions) -> Pair {
            let world = world(seed);
            let mut client_stream = Seed::new(seed).derive("client");
            let mut server_stream = Seed::new(seed).derive("server");
            Pair {
                client: world.client(&mut client_stream, NOW, name, versions).unwrap(),
                server: world.server(&mut server_stream, NOW).unwrap(),
                client_stream,
                server_stream,
                to_server: Vec::new(),
                to_client: Vec::new(),
            }
        }

        fn exchange(&mut self) -> Result<(), TlsError> {
            loop {
                let (up, down) = (self.client.take_ciphertext(), self.server.take_ciphertext());
                if up.is_empty() && down.is_empty() {
                    return Ok(());
                }
                self.to_server.extend_from_slice(&up);
                self.to_client.extend_from_slice(&down);
                self.server.receive(&mut self.server_stream, NOW, &up)?;
                self.client.receive(&mut self.client_stream, NOW, &down)?;
            }
        }
    }

    fn request_and_response(seed: u64, versions: TlsVersions) -> Pair {
        let mut pair = Pair::new(seed, NAME, versions);
        assert!(pair.client.is_handshaking());
        pair.client.send(b"POST / HTTP/1.1\r\n\r\n");
        pair.exchange().unwrap();
        assert!(!pair.client.is_handshaking() && !pair.server.is_handshaking());
        assert_eq!(pair.server.take_plaintext(), b"POST / HTTP/1.1\r\n\r\n");
        pair.server.send(b"HTTP/1.1 200 OK\r\n\r\n");
        pair.exchange().unwrap();
        assert_eq!(pair.client.take_plaintext(), b"HTTP/1.1 200 OK\r\n\r\n");
        pair.client.close_notify();
        assert!(!pair.server.peer_closed());
        pair.exchange().unwrap();
        assert!(pair.server.peer_closed());
        pair
    }

    #[test]
    fn both_versions_carry_a_request_and_its_response() {
        for (versions, expected) in
            [(TlsVersions::Tls12And13, "TLSv1.3"), (TlsVersions::Tls13, "TLSv1.3"), (TlsVersions::Tls12, "TLSv1.2")]
        {
            let pair = request_and_response(1, versions);
            assert_eq!(pair.client.version(), Some(expected));
            assert_eq!(pair.server.version(), Some(expected));
        }
    }

    #[test]
    fn the_seed_decides_every_byte_but_no_length() {
        for versions in [TlsVersions::Tls13, TlsVersions::Tls12] {
            let one = request_and_response(1, versions);
            let again = request_and_response(1, versions);
            assert_eq!(one.to_server, again.to_server);
            assert_eq!(one.to_client, again.to_client);
            for seed in 2..12 {
                let other = request_and_response(seed, versions);
                assert_ne!(one.to_server, other.to_server);
                assert_eq!(one.to_server.len(), other.to_server.len(), "{versions:?} seed {seed}");
                assert_eq!(one.to_client.len(), other.to_client.len(), "{versions:?} seed {seed}");
            }
        }
    }

    #[test]
    fn streams_come_back_and_stay_apart() {
        let mut pair = Pair::new(1, NAME, TlsVersions::Tls13);
        pair.exchange().unwrap();
        let mut untouched = Seed::new(1).derive("client");
        assert_ne!(pair.client_stream.next_u64(), untouched.next_u64(), "the client drew from its stream");
        assert_ne!(pair.client_stream.next_u64(), pair.server_stream.next_u64());
        let configuration = Arc::clone(&world(1).shared.client_both);
        let outside = ClientConnection::new(configuration, ServerName::try_from(NAME).unwrap());
        assert_eq!(outside.err(), Some(rustls::Error::FailedToGetRandomBytes), "no stream lent, no randomness");
    }

    #[test]
    fn both_sides_log_the_same_secrets() {
        for (versions, lines) in [(TlsVersions::Tls13, 5), (TlsVersions::Tls12, 1)] {
            let mut pair = request_and_response(3, versions);
            let (mut client, mut server) = (pair.client.take_secrets(), pair.server.take_secrets());
            assert_eq!(pair.client.take_secrets(), "", "only new lines");
            let sorted = |text: &mut String| {
                let mut lines: Vec<String> = text.lines().map(str::to_owned).collect();
                lines.sort();
                lines
            };
            let client = sorted(&mut client);
            assert_eq!(client, sorted(&mut server));
            assert_eq!(client.len(), lines, "{client:?}");
            // The random of the ClientHello names the connection: record header 5, handshake header 4, version 2.
            let random: String = pair.to_server[11..43].iter().map(|byte| format!("{byte:02x}")).collect();
            assert!(client.iter().all(|line| line.split(' ').nth(1) == Some(&random)), "{client:?}");
        }
    }

    #[test]
    fn wildcard_names_are_accepted_and_wrong_ones_refused() {
        let mut pair = Pair::new(1, "111122223333.ddb.us-east-1.amazonaws.com", TlsVersions::Tls13);
        pair.exchange().unwrap();
        let mut pair = Pair::new(1, "dynamodb.eu-west-1.amazonaws.com", TlsVersions::Tls13);
        let refused = pair.exchange().unwrap_err();
        assert!(matches!(refused, TlsError::Protocol(rustls::Error::InvalidCertificate(_))), "{refused}");
        assert!(refused.to_string().contains("not valid for name"), "{refused}");
        assert!(!pair.client.take_ciphertext().is_empty(), "an alert says so");
        let mut stream = Seed::new(1).derive("client");
        let bad = world(1).client(&mut stream, NOW, "not a name", TlsVersions::Tls13);
        assert_eq!(bad.err(), Some(TlsError::ServerName { name: "not a name".into() }));
    }

    #[test]
    fn a_certificate_expires_in_simulated_time() {
        let world = world(1);
        let mut stream = Seed::new(1).derive("x");
        let eleven_years = SimTime::from_nanos(11 * 366 * 86_400 * 1_000_000_000);
        let mut client = world.client(&mut stream, eleven_years, NAME, TlsVersions::Tls13).unwrap();
        let mut server = world.server(&mut stream, eleven_years).unwrap();
        server.receive(&mut stream, eleven_years, &client.take_ciphertext()).unwrap();
        let refused = client.receive(&mut stream, eleven_years, &server.take_ciphertext()).unwrap_err();
        assert!(refused.to_string().contains("expired"), "{refused}");
    }

    #[test]
    fn tls_1_1_is_refused_with_protocol_version() {
        // A TLS 1.1 ClientHello by hand: version 3.2, a random, no session, one suite (ECDHE_RSA_AES_128_CBC_SHA),
        // null compression, extensions supported_groups (x25519) and ec_point_formats (uncompressed).
        let mut body = vec![3, 2];
        body.extend([7; 32]);
        body.extend([0, 0, 2, 0xc0, 0x13, 1, 0]);
        body.extend([0, 14, 0, 10, 0, 4, 0, 2, 0, 29, 0, 11, 0, 2, 1, 0]);
        let mut hello = vec![22, 3, 1, 0, body.len() as u8 + 4, 1, 0, 0, body.len() as u8];
        hello.extend(body);

        for piece_bytes in [1, 7, hello.len()] {
            let mut stream = Seed::new(1).derive("server");
            let mut server = world(1).server(&mut stream, NOW).unwrap();
            let refused = hello.chunks(piece_bytes).find_map(|piece| server.receive(&mut stream, NOW, piece).err());
            let refused = refused.unwrap();
            assert_eq!(refused, TlsError::OldVersion { offered: 0x0302 });
            assert_eq!(refused.to_string(), "the client offers at most TLSv1.1, expected TLSv1.2 or TLSv1.3");
            assert_eq!(server.take_ciphertext(), [21, 3, 2, 0, 2, 2, 70]);
            assert!(server.take_ciphertext().is_empty(), "once");
            assert_eq!(server.receive(&mut stream, NOW, &hello), Err(TlsError::OldVersion { offered: 0x0302 }));
        }
    }

    #[test]
    fn large_data_crosses_in_small_pieces() {
        let mut pair = Pair::new(1, NAME, TlsVersions::Tls13);
        pair.exchange().unwrap();
        let body: Vec<u8> = (0..300_000_u32).map(|n| n as u8).collect();
        pair.client.send(&body);
        let ciphertext = pair.client.take_ciphertext();
        for piece in ciphertext.chunks(1_460) {
            pair.server.receive(&mut pair.server_stream, NOW, piece).unwrap();
        }
        assert_eq!(pair.server.take_plaintext(), body);
        // And all at once.
        pair.client.send(&body);
        let ciphertext = pair.client.take_ciphertext();
        pair.server.receive(&mut pair.server_stream, NOW, &ciphertext).unwrap();
        assert_eq!(pair.server.take_plaintext(), body);
    }

    #[test]
    fn garbage_is_an_error_not_a_panic() {
        let mut stream = Seed::new(1).derive("server");
        let mut server = world(1).server(&mut stream, NOW).unwrap();
        assert!(server.receive(&mut stream, NOW, b"GET / HTTP/1.1\r\n\r\n").is_err());
        server.send(b"into the void");
        assert!(server.receive(&mut stream, NOW, &[0; 100]).is_err());
    }
}
