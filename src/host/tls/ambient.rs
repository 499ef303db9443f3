//! What rustls reads from `'static` places, lent to it for the length of one call: randomness, date, key log.
//!
//! Invariant: outside [`lend`] the slot is empty, and then a draw fails instead of falling back on anything.

use crate::rng::Stream;
use rustls::crypto::{
    ActiveKeyExchange, CryptoProvider, GetRandomFailed, SecureRandom, SharedSecret, SupportedKxGroup,
};
use rustls::ffdhe_groups::FfdheGroup;
use rustls::pki_types::UnixTime;
use rustls::time_provider::TimeProvider;
use rustls::{Error, KeyLog, NamedGroup, PeerMisbehaved};
use std::cell::RefCell;
use std::fmt::Write;
use std::time::Duration;
use x25519_dalek::{PublicKey, StaticSecret};

struct Lent {
    stream: Stream,
    unix_seconds: u64,
    secrets: String,
}

thread_local! {
    static LENT: RefCell<Option<Lent>> = const { RefCell::new(None) };
}

/// Runs `work` with the stream and date in the slot; afterwards the stream is back and new key log lines are in `secrets`.
pub(super) fn lend<R>(stream: &mut Stream, unix_seconds: u64, secrets: &mut String, work: impl FnOnce() -> R) -> R {
    LENT.set(Some(Lent { stream: stream.clone(), unix_seconds, secrets: std::mem::take(secrets) }));
    let result = work();
    if let Some(lent) = LENT.take() {
        *stream = lent.stream;
        *secrets = lent.secrets;
    }
    result
}

fn fill(bytes: &mut [u8]) -> Result<(), GetRandomFailed> {
    LENT.with_borrow_mut(|slot| match slot {
        Some(lent) => {
            lent.stream.fill(bytes);
            Ok(())
        }
        None => Err(GetRandomFailed),
    })
}

/// ring's ciphers and verification, our randomness and key exchange.
pub(super) fn provider() -> CryptoProvider {
    CryptoProvider {
        kx_groups: vec![&SeededX25519],
        secure_random: &SeededRandom,
        ..rustls::crypto::ring::default_provider()
    }
}

#[derive(Debug)]
struct SeededRandom;

impl SecureRandom for SeededRandom {
    fn fill(&self, bytes: &mut [u8]) -> Result<(), GetRandomFailed> {
        fill(bytes)
    }
}

/// The date in the slot.
#[derive(Debug)]
pub(super) struct VirtualDate;

impl TimeProvider for VirtualDate {
    fn current_time(&self) -> Option<UnixTime> {
        let seconds = LENT.with_borrow(|slot| slot.as_ref().map(|lent| lent.unix_seconds))?;
        Some(UnixTime::since_unix_epoch(Duration::from_secs(seconds)))
    }
}

/// Collects secrets in the slot, one NSS key log line each.
#[derive(Debug)]
pub(super) struct SecretsToCaller;

impl KeyLog for SecretsToCaller {
    fn log(&self, label: &str, client_random: &[u8], secret: &[u8]) {
        LENT.with_borrow_mut(|slot| {
            let Some(lent) = slot else { return };
            let line = &mut lent.secrets;
            line.push_str(label);
            for bytes in [client_random, secret] {
                line.push(' ');
                for byte in bytes {
                    // Writing to a String cannot fail.
                    let _ = write!(line, "{byte:02x}");
                }
            }
            line.push('\n');
        });
    }
}

/// X25519 (RFC 7748) with the private key drawn from the slot.
#[derive(Debug)]
struct SeededX25519;

struct Exchange {
    secret: StaticSecret,
    public: PublicKey,
}

impl SupportedKxGroup for SeededX25519 {
    fn start(&self) -> Result<Box<dyn ActiveKeyExchange>, Error> {
        let mut secret = [0; 32];
        fill(&mut secret)?;
        let secret = StaticSecret::from(secret);
        Ok(Box::new(Exchange { public: PublicKey::from(&secret), secret }))
    }

    fn ffdhe_group(&self) -> Option<FfdheGroup<'static>> {
        None
    }

    fn name(&self) -> NamedGroup {
        NamedGroup::X25519
    }
}

impl ActiveKeyExchange for Exchange {
    fn complete(self: Box<Self>, peer_public: &[u8]) -> Result<SharedSecret, Error> {
        let invalid = || Error::from(PeerMisbehaved::InvalidKeyShare);
        let peer_public: [u8; 32] = peer_public.try_into().map_err(|_| invalid())?;
        let shared = self.secret.diffie_hellman(&PublicKey::from(peer_public));
        // RFC 8446 section 7.4.2: an all-zero result must end the handshake.
        if !shared.was_contributory() {
            return Err(invalid());
        }
        Ok(SharedSecret::from(&shared.as_bytes()[..]))
    }

    fn ffdhe_group(&self) -> Option<FfdheGroup<'static>> {
        None
    }

    fn pub_key(&self) -> &[u8] {
        self.public.as_bytes()
    }

    fn group(&self) -> NamedGroup {
        NamedGroup::X25519
    }
}
