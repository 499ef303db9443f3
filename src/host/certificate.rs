//! The certificates of one simulated world: an authority nobody should trust, and the server certificates it signed.
//!
//! Non-goals: revocation, IP address names. Invariants: the same seed, date and names give the
//! same bytes; key and signature sizes are constant (Ed25519, RFC 8410), so no handshake is a byte longer in one run than in
//! another. The keys follow from the seed and are therefore public: that is why the authority says so in its own name.

use crate::calendar::Calendar;
use crate::rng::{Seed, Stream};
use crate::time::SimTime;
use rcgen::{
    BasicConstraints, CertificateParams, DistinguishedName, DnType, ExtendedKeyUsagePurpose, IsCa, Issuer, KeyIdMethod,
    KeyUsagePurpose, PKCS_ED25519, PublicKeyData, SanType, SerialNumber, SignatureAlgorithm, SigningKey,
};
use ring::signature::{Ed25519KeyPair, KeyPair};
use time::{Duration, OffsetDateTime};

/// The authority's common name.
pub const AUTHORITY_NAME: &str = "vpcsim simulator authority - DO NOT TRUST";

/// Certificates are valid from one day before the scenario's start ...
const VALID_BEFORE_START: Duration = Duration::days(1);
/// ... for ten years.
const VALID_FOR: Duration = Duration::days(3653);

/// The head of a PKCS #8 version 1 Ed25519 private key; the 32 seed bytes follow (RFC 8410 section 7).
const PKCS8_HEAD: [u8; 16] =
    [0x30, 0x2e, 0x02, 0x01, 0x00, 0x30, 0x05, 0x06, 0x03, 0x2b, 0x65, 0x70, 0x04, 0x22, 0x04, 0x20];

/// Why no certificate could be made.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum CertificateError {
    /// A certificate without names would be refused by every client.
    #[error("a server certificate needs at least one name")]
    NoNames,
    /// The name is not ASCII.
    #[error("\"{name}\" cannot be a certificate name: expected a DNS name in ASCII")]
    Name {
        /// What was given.
        name: String,
    },
    /// The scenario's start lies where ten years more cannot be written as a date.
    #[error("the scenario's start date leaves no room for a certificate's validity")]
    Dates,
    /// The encoder refused; the inside of this is rcgen's own words.
    #[error("certificate encoding: {0}")]
    Encoding(String),
}

/// The authority's certificate and the server's chain and key.
pub struct Certificates {
    /// The self-signed authority, DER.
    pub authority_der: Vec<u8>,
    /// The server's certificate, signed by the authority, DER.
    pub server_der: Vec<u8>,
    /// The server's private key, PKCS #8 DER.
    pub server_key_pkcs8_der: Vec<u8>,
    /// Certificates of other servers.
    pub others: Vec<ServerCertificate>,
}

/// One more server's certificate.
pub struct ServerCertificate {
    /// The names it is for.
    pub names: Vec<String>,
    /// Signed by the authority, DER.
    pub der: Vec<u8>,
    /// Its private key, PKCS #8 DER.
    pub key_pkcs8_der: Vec<u8>,
}

impl Certificates {
    /// Makes the authority, a certificate for `server_names` and one more for each list of `others`. Names are DNS names, a leading `*.` label
    /// allowed; the first of a list is the subject. What `others` says changes nothing about the first two.
    pub fn new(
        seed: Seed,
        calendar: Calendar,
        server_names: &[String],
        others: &[Vec<String>],
    ) -> Result<Certificates, CertificateError> {
        let mut stream = seed.derive("tls:certificates");
        let authority_key = Key::draw(&mut stream)?;
        let server_key = Key::draw(&mut stream)?;

        let mut authority = parameters(&mut stream, calendar, AUTHORITY_NAME)?;
        authority.is_ca = IsCa::Ca(BasicConstraints::Constrained(0));
        authority.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::CrlSign];
        let authority_der = authority.self_signed(&authority_key).map_err(encoding)?.der().to_vec();

        let issuer = Issuer::from_params(&authority, &authority_key);
        let server_der = server_certificate(&mut stream, calendar, server_names, &server_key, &issuer)?;
        let others = others.iter().map(|names| {
            let key = Key::draw(&mut stream)?;
            let der = server_certificate(&mut stream, calendar, names, &key, &issuer)?;
            Ok(ServerCertificate { names: names.clone(), der, key_pkcs8_der: key.pkcs8_der })
        });
        let others = others.collect::<Result<_, CertificateError>>()?;
        Ok(Certificates { authority_der, server_der, server_key_pkcs8_der: server_key.pkcs8_der, others })
    }
}

fn server_certificate(
    stream: &mut Stream,
    calendar: Calendar,
    names: &[String],
    key: &Key,
    issuer: &Issuer<'_, &Key>,
) -> Result<Vec<u8>, CertificateError> {
    let mut server = parameters(stream, calendar, names.first().ok_or(CertificateError::NoNames)?)?;
    server.subject_alt_names = names.iter().map(|name| dns_name(name)).collect::<Result<_, _>>()?;
    server.key_usages = vec![KeyUsagePurpose::DigitalSignature];
    server.extended_key_usages = vec![ExtendedKeyUsagePurpose::ServerAuth];
    server.use_authority_key_identifier_extension = true;
    Ok(server.signed_by(key, issuer).map_err(encoding)?.der().to_vec())
}

/// What both certificates share: dates, a drawn serial number and a drawn key identifier.
fn parameters(
    stream: &mut Stream,
    calendar: Calendar,
    common_name: &str,
) -> Result<CertificateParams, CertificateError> {
    let mut serial = [0; 16];
    stream.fill(&mut serial);
    // Positive, and the same length whatever was drawn (RFC 5280 section 4.1.2.2).
    serial[0] = serial[0] & 0x3f | 0x40;
    let mut key_identifier = vec![0; 20];
    stream.fill(&mut key_identifier);

    let start_seconds = i64::try_from(calendar.unix_seconds(SimTime::ZERO)).map_err(|_| CertificateError::Dates)?;
    let start = OffsetDateTime::from_unix_timestamp(start_seconds).map_err(|_| CertificateError::Dates)?;
    let not_before = start.checked_sub(VALID_BEFORE_START).ok_or(CertificateError::Dates)?;

    let mut name = DistinguishedName::new();
    name.push(DnType::OrganizationName, "vpcsim");
    name.push(DnType::CommonName, common_name);

    let mut parameters = CertificateParams::default();
    parameters.not_before = not_before;
    parameters.not_after = not_before.checked_add(VALID_FOR).ok_or(CertificateError::Dates)?;
    parameters.serial_number = Some(SerialNumber::from_slice(&serial));
    parameters.distinguished_name = name;
    parameters.key_identifier_method = KeyIdMethod::PreSpecified(key_identifier);
    Ok(parameters)
}

fn dns_name(name: &str) -> Result<SanType, CertificateError> {
    let ascii = name.try_into().map_err(|_| CertificateError::Name { name: name.to_owned() })?;
    Ok(SanType::DnsName(ascii))
}

fn encoding(error: rcgen::Error) -> CertificateError {
    CertificateError::Encoding(error.to_string())
}

/// An Ed25519 key that rcgen can sign with. Its signatures depend on key and message only (RFC 8032 section 5.1.6).
struct Key {
    pair: Ed25519KeyPair,
    pkcs8_der: Vec<u8>,
}

impl Key {
    fn draw(stream: &mut Stream) -> Result<Key, CertificateError> {
        let mut secret = [0; 32];
        stream.fill(&mut secret);
        let pair = Ed25519KeyPair::from_seed_unchecked(&secret)
            .map_err(|rejected| CertificateError::Encoding(rejected.to_string()))?;
        Ok(Key { pair, pkcs8_der: [&PKCS8_HEAD[..], &secret].concat() })
    }
}

impl PublicKeyData for Key {
    fn der_bytes(&self) -> &[u8] {
        self.pair.public_key().as_ref()
    }

    fn algorithm(&self) -> &'static SignatureAlgorithm {
        &PKCS_ED25519
    }
}

impl SigningKey for Key {
    fn sign(&self, message: &[u8]) -> Result<Vec<u8>, rcgen::Error> {
        Ok(self.pair.sign(message).as_ref().to_vec())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn make(seed: u64, names: &[&str]) -> Result<Certificates, CertificateError> {
        let calendar = Calendar::starting_at(1_767_225_600).unwrap();
        Certificates::new(Seed::new(seed), calendar, &names.iter().map(|n| n.to_string()).collect::<Vec<_>>(), &[])
    }

    fn holds(der: &[u8], text: &str) -> bool {
        der.windows(text.len()).any(|window| window == text.as_bytes())
    }

    #[test]
    fn the_seed_decides_every_byte_but_no_length() {
        let names = ["dynamodb.us-east-1.amazonaws.com", "*.ddb.us-east-1.amazonaws.com"];
        let (one, again, other) = (make(1, &names).unwrap(), make(1, &names).unwrap(), make(2, &names).unwrap());
        assert_eq!(one.authority_der, again.authority_der);
        assert_eq!(one.server_der, again.server_der);
        assert_eq!(one.server_key_pkcs8_der, again.server_key_pkcs8_der);
        assert_ne!(one.server_der, other.server_der);
        for seed in 2..40 {
            let many = make(seed, &names).unwrap();
            assert_eq!(many.server_der.len(), one.server_der.len(), "seed {seed}");
            assert_eq!(many.authority_der.len(), one.authority_der.len(), "seed {seed}");
        }
    }

    #[test]
    fn names_and_dates_are_in_it() {
        let made = make(1, &["a.example", "*.ddb.us-east-1.amazonaws.com"]).unwrap();
        assert!(holds(&made.authority_der, AUTHORITY_NAME));
        assert!(holds(&made.server_der, AUTHORITY_NAME), "the issuer");
        assert!(holds(&made.server_der, "*.ddb.us-east-1.amazonaws.com"));
        // 2026-01-01 minus a day, and ten years later (three of them leap years), as UTCTime.
        assert!(holds(&made.server_der, "251231000000Z"));
        assert!(holds(&made.server_der, "360101000000Z"));
    }

    #[test]
    fn bad_names_are_refused() {
        assert_eq!(make(1, &[]).err(), Some(CertificateError::NoNames));
        assert_eq!(
            make(1, &["münchen.example"]).err(),
            Some(CertificateError::Name { name: "münchen.example".into() })
        );
    }
}
