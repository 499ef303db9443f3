//! Bytes that look like TLS 1.3 from outside (RFC 8446 sections 4 and 5): record and handshake headers are right, keys and ciphertext are random.

use crate::rng::Stream;

/// Content types of records.
pub(super) const CHANGE_CIPHER_SPEC: u8 = 20;
pub(super) const HANDSHAKE: u8 = 22;
const APPLICATION_DATA: u8 = 23;

/// A ClientHello in its record: what browsers pad it to.
pub(super) const CLIENT_HELLO_BYTES: usize = 517;
/// ChangeCipherSpec and an encrypted Finished (SHA-256).
pub(super) const FINISHED_BYTES: usize = 64;

const RECORD_HEADER_BYTES: usize = 5;
const CHANGE_CIPHER_SPEC_RECORD: [u8; 6] = [CHANGE_CIPHER_SPEC, 3, 3, 0, 1, 1];
const SERVER_NAME: &[u8] = b"dynamodb.us-east-1.amazonaws.com";
/// Where the session id, 32 bytes, begins in the record of a ClientHello: record header, message header, version, random, its length.
const SESSION_ID_AT: usize = 44;
const SERVER_HELLO_BYTES: usize = 127;

/// A ClientHello for TLS 1.3 with X25519, padded (RFC 7685).
pub(super) fn client_hello(stream: &mut Stream) -> Vec<u8> {
    let mut extensions = Vec::new();
    let name_bytes = SERVER_NAME.len() as u16;
    extension(&mut extensions, 0, &[&(name_bytes + 3).to_be_bytes(), &[0], &name_bytes.to_be_bytes(), SERVER_NAME]);
    extension(&mut extensions, 10, &[&[0, 2, 0, 0x1d]]);
    extension(&mut extensions, 13, &[&[0, 2, 4, 3]]);
    extension(&mut extensions, 43, &[&[2, 3, 4]]);
    extension(&mut extensions, 51, &[&[0, 36, 0, 0x1d, 0, 32], &random(stream)]);
    let mut body = vec![3, 3];
    body.extend(random(stream));
    body.push(32);
    body.extend(random(stream));
    body.extend([0, 6, 0x13, 1, 0x13, 2, 0x13, 3, 1, 0]);
    let padding_bytes = CLIENT_HELLO_BYTES - RECORD_HEADER_BYTES - 4 - body.len() - 2 - extensions.len() - 4;
    extension(&mut extensions, 21, &[&vec![0; padding_bytes]]);
    body.extend((extensions.len() as u16).to_be_bytes());
    body.extend(extensions);
    handshake_record(1, 1, &body)
}

/// What a server answers a ClientHello with, filling `out` to its end. `out` holds the ClientHello still, whose session id goes back.
/// Nothing if there is too little room.
pub(super) fn server_flight(out: &mut [u8], filler: &[u8; 64]) {
    const ENCRYPTED_AT: usize = SERVER_HELLO_BYTES + CHANGE_CIPHER_SPEC_RECORD.len();
    if out.len() <= ENCRYPTED_AT + RECORD_HEADER_BYTES {
        return;
    }
    // Up to the session id, the messages have the same form; record, message, version and random are the server's own.
    let message_bytes = SERVER_HELLO_BYTES - RECORD_HEADER_BYTES;
    out[..11].copy_from_slice(&[HANDSHAKE, 3, 3, 0, message_bytes as u8, 2, 0, 0, (message_bytes - 4) as u8, 3, 3]);
    out[11..43].copy_from_slice(&filler[..32]);
    out[SESSION_ID_AT - 1] = 32;
    let rest = SESSION_ID_AT + 32;
    out[rest..rest + 19].copy_from_slice(&[0x13, 1, 0, 0, 46, 0, 43, 0, 2, 3, 4, 0, 51, 0, 36, 0, 0x1d, 0, 32]);
    out[rest + 19..SERVER_HELLO_BYTES].copy_from_slice(&filler[32..]);
    out[SERVER_HELLO_BYTES..ENCRYPTED_AT].copy_from_slice(&CHANGE_CIPHER_SPEC_RECORD);
    application_data(&mut out[ENCRYPTED_AT..], filler);
}

/// ChangeCipherSpec and Finished.
pub(super) fn finished(filler: &[u8; 64]) -> Vec<u8> {
    let mut bytes = vec![0; FINISHED_BYTES];
    bytes[..CHANGE_CIPHER_SPEC_RECORD.len()].copy_from_slice(&CHANGE_CIPHER_SPEC_RECORD);
    application_data(&mut bytes[CHANGE_CIPHER_SPEC_RECORD.len()..], filler);
    bytes
}

/// One record of application data that fills `out`.
pub(super) fn application_data(out: &mut [u8], filler: &[u8; 64]) {
    let length = out.len().saturating_sub(RECORD_HEADER_BYTES) as u16;
    let Some((header, ciphertext)) = out.split_at_mut_checked(RECORD_HEADER_BYTES) else { return };
    header.copy_from_slice(&[APPLICATION_DATA, 3, 3, (length >> 8) as u8, length as u8]);
    for chunk in ciphertext.chunks_mut(filler.len()) {
        chunk.copy_from_slice(&filler[..chunk.len()]);
    }
}

fn random(stream: &mut Stream) -> [u8; 32] {
    let mut bytes = [0; 32];
    stream.fill(&mut bytes);
    bytes
}

fn extension(out: &mut Vec<u8>, kind: u16, parts: &[&[u8]]) {
    let length: usize = parts.iter().map(|part| part.len()).sum();
    out.extend(kind.to_be_bytes());
    out.extend((length as u16).to_be_bytes());
    parts.iter().for_each(|part| out.extend(*part));
}

fn handshake_record(message: u8, minor_version: u8, body: &[u8]) -> Vec<u8> {
    let length = body.len() as u16;
    let [record_high, record_low] = (length + 4).to_be_bytes();
    let [high, low] = length.to_be_bytes();
    let mut record = vec![HANDSHAKE, 3, minor_version, record_high, record_low, message, 0, high, low];
    record.extend(body);
    record
}
