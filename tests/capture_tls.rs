//! Wireshark decrypts what rustls spoke, with the secrets that stand in the capture before each flight: TLS 1.2 and 1.3.

mod wireshark;

use std::io::{Read as _, Write as _};
use std::sync::{Arc, Mutex};

use etherparse::PacketBuilder;
use rcgen::{CertificateParams, PublicKeyData, SigningKey};
use ring::signature::{Ed25519KeyPair, KeyPair as _};
use rustls::pki_types::{PrivateKeyDer, PrivatePkcs8KeyDer, ServerName};
use rustls::{
    ClientConfig, ClientConnection, KeyLog, RootCertStore, ServerConfig, ServerConnection, SupportedProtocolVersion,
};
use vpcsim::capture::{CaptureFile, Direction};
use wireshark::Capture;

const NAME: &str = "dynamodb.us-east-1.amazonaws.com";

#[test]
fn tls_1_3_is_shown_in_clear() {
    calls_are_shown_in_clear(&rustls::version::TLS13, "tls.handshake.extensions.supported_version", "0x0304");
}

#[test]
fn tls_1_2_is_shown_in_clear() {
    calls_are_shown_in_clear(&rustls::version::TLS12, "tls.handshake.version", "0x0303");
}

fn calls_are_shown_in_clear(version: &'static SupportedProtocolVersion, version_field: &str, version_code: &str) {
    let capture = Capture::of(|file| two_calls(file, version));
    let json = capture.fields("json", &["tcp.srcport", "http.request.method", "http.response.code", "json.key"]);
    let call = ["40001\tPOST\t\tLimit", "443\t\t200\tTableNames", "40002\tPOST\t\tLimit", "443\t\t200\tTableNames"];
    assert_eq!(json, call);
    assert_eq!(capture.fields("tls.handshake.type == 2", &[version_field]), [version_code; 2], "one ServerHello each");
    assert_eq!(capture.fields("_ws.malformed || tcp.analysis.flags", &["frame.number"]), [""; 0]);
}

/// Two connections after each other: the second one's secrets come in a block of their own, mid-file.
fn two_calls(file: &mut CaptureFile, version: &'static SupportedProtocolVersion) {
    let secrets = Arc::new(Secrets::default());
    let (client_config, server_config) = configs(version, &secrets);
    let mut clock_ns = 1_767_225_600_000_000_000;
    for port in [40_001, 40_002] {
        let mut client = ClientConnection::new(client_config.clone(), ServerName::try_from(NAME).unwrap()).unwrap();
        let mut server = ServerConnection::new(server_config.clone()).unwrap();
        let mut wire = Wire { file, secrets: &secrets, clock_ns: &mut clock_ns, port, sent: [1, 1] };
        wire.open();
        while client.is_handshaking() || server.is_handshaking() || client.wants_write() || server.wants_write() {
            exchange(&mut wire, &mut client, &mut server);
        }
        let body = "{\"Limit\":10}";
        let call = format!(
            "POST / HTTP/1.1\r\nHost: {NAME}\r\nContent-Type: application/x-amz-json-1.0\r\nContent-Length: {}\r\n\r\n{body}",
            body.len()
        );
        client.writer().write_all(call.as_bytes()).unwrap();
        exchange(&mut wire, &mut client, &mut server);
        let mut heard = vec![0; call.len()];
        server.reader().read_exact(&mut heard).unwrap();
        assert_eq!(heard, call.as_bytes());
        let answer =
            b"HTTP/1.1 200 OK\r\nContent-Type: application/x-amz-json-1.0\r\nContent-Length: 17\r\n\r\n{\"TableNames\":[]}";
        server.writer().write_all(answer).unwrap();
        exchange(&mut wire, &mut client, &mut server);
    }
}

fn exchange(wire: &mut Wire<'_>, client: &mut ClientConnection, server: &mut ServerConnection) {
    let mut flight = Vec::new();
    while client.wants_write() {
        client.write_tls(&mut flight).unwrap();
    }
    wire.segment(Direction::Outbound, &flight);
    let mut rest = &flight[..];
    while !rest.is_empty() {
        server.read_tls(&mut rest).unwrap();
        server.process_new_packets().unwrap();
    }
    let mut flight = Vec::new();
    while server.wants_write() {
        server.write_tls(&mut flight).unwrap();
    }
    wire.segment(Direction::Inbound, &flight);
    let mut rest = &flight[..];
    while !rest.is_empty() {
        client.read_tls(&mut rest).unwrap();
        client.process_new_packets().unwrap();
    }
}

/// A TCP connection to port 443, as far as a capture shows one.
struct Wire<'a> {
    file: &'a mut CaptureFile,
    secrets: &'a Secrets,
    clock_ns: &'a mut u64,
    port: u16,
    /// Next sequence numbers, outbound and inbound.
    sent: [u32; 2],
}

impl Wire<'_> {
    fn open(&mut self) {
        for direction in [Direction::Outbound, Direction::Inbound] {
            self.frame(direction, true, &[]);
        }
        self.frame(Direction::Outbound, false, &[]);
    }

    fn segment(&mut self, direction: Direction, flight: &[u8]) {
        self.file.secrets(&self.secrets.0.lock().unwrap());
        for payload in flight.chunks(1_400) {
            self.frame(direction, false, payload);
            self.sent[usize::from(direction == Direction::Inbound)] += payload.len() as u32;
        }
    }

    fn frame(&mut self, direction: Direction, syn: bool, payload: &[u8]) {
        let (host, service) = ([172, 31, 0, 10], [52, 94, 2, 72]);
        let [out_sequence, in_sequence] = self.sent.map(|next| if syn { next - 1 } else { next });
        let ip = PacketBuilder::ethernet2([2, 0, 0, 0, 0, 1], [2, 0, 0, 0, 0, 2]);
        let tcp = match direction {
            Direction::Outbound => ip.ipv4(host, service, 64).tcp(self.port, 443, out_sequence, 65_535),
            Direction::Inbound => ip.ipv4(service, host, 64).tcp(443, self.port, in_sequence, 65_535),
        };
        let tcp = match (syn, direction) {
            (true, Direction::Outbound) => tcp.syn(),
            (true, Direction::Inbound) => tcp.syn().ack(self.sent[0]),
            (false, Direction::Outbound) => tcp.ack(self.sent[1]),
            (false, Direction::Inbound) => tcp.ack(self.sent[0]),
        };
        let mut frame = Vec::new();
        tcp.write(&mut frame, payload).unwrap();
        *self.clock_ns += 1_000;
        self.file.frame(*self.clock_ns, Some(direction), &frame, &[]);
    }
}

/// Key log of both sides; the capture leaves out what it has.
#[derive(Debug, Default)]
struct Secrets(Mutex<String>);

impl KeyLog for Secrets {
    fn log(&self, label: &str, client_random: &[u8], secret: &[u8]) {
        let hex = |bytes: &[u8]| bytes.iter().map(|byte| format!("{byte:02x}")).collect::<String>();
        *self.0.lock().unwrap() += &format!("{label} {} {}\n", hex(client_random), hex(secret));
    }
}

/// Ends that trust one self-signed certificate and log their keys.
fn configs(
    version: &'static SupportedProtocolVersion,
    secrets: &Arc<Secrets>,
) -> (Arc<ClientConfig>, Arc<ServerConfig>) {
    let key = Key(Ed25519KeyPair::from_seed_unchecked(&[7; 32]).unwrap());
    let mut parameters = CertificateParams::new([NAME.to_owned()]).unwrap();
    parameters.serial_number = Some(1u64.into());
    parameters.key_identifier_method = rcgen::KeyIdMethod::PreSpecified(vec![1]);
    let certificate = parameters.self_signed(&key).unwrap().der().clone();

    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let mut roots = RootCertStore::empty();
    roots.add(certificate.clone()).unwrap();
    let mut client = ClientConfig::builder_with_provider(provider.clone())
        .with_protocol_versions(&[version])
        .unwrap()
        .with_root_certificates(roots)
        .with_no_client_auth();
    client.resumption = rustls::client::Resumption::disabled();
    client.key_log = secrets.clone();
    let mut server = ServerConfig::builder_with_provider(provider)
        .with_protocol_versions(&[version])
        .unwrap()
        .with_no_client_auth()
        .with_single_cert(vec![certificate], PrivateKeyDer::Pkcs8(pkcs8_of_seed([7; 32])))
        .unwrap();
    server.send_tls13_tickets = 0;
    server.key_log = secrets.clone();
    (Arc::new(client), Arc::new(server))
}

struct Key(Ed25519KeyPair);

impl PublicKeyData for Key {
    fn der_bytes(&self) -> &[u8] {
        self.0.public_key().as_ref()
    }

    fn algorithm(&self) -> &'static rcgen::SignatureAlgorithm {
        &rcgen::PKCS_ED25519
    }
}

impl SigningKey for Key {
    fn sign(&self, message: &[u8]) -> Result<Vec<u8>, rcgen::Error> {
        Ok(self.0.sign(message).as_ref().to_vec())
    }
}

/// RFC 8410 section 7: the wrapping of an Ed25519 seed.
fn pkcs8_of_seed(seed: [u8; 32]) -> PrivatePkcs8KeyDer<'static> {
    let mut der = vec![0x30, 0x2e, 2, 1, 0, 0x30, 5, 6, 3, 0x2b, 0x65, 0x70, 4, 0x22, 4, 0x20];
    der.extend_from_slice(&seed);
    der.into()
}
