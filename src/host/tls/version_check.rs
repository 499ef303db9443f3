//! The refusal of TLS 1.1 and older, ahead of rustls.

use super::TlsError;

/// Reads the version of a server's first ClientHello ahead of rustls.
///
/// rustls looks at the versions only after the extensions it cannot do without, which a TLS 1.1 client does not send, and so
/// answers handshake_failure. RFC 5246 appendix E.1 and real servers answer protocol_version, and that is what a
/// person looking at the capture has to see.
pub(super) enum VersionCheck {
    /// The first bytes so far.
    Reading(Vec<u8>),
    /// Clients, and servers whose client offers something new enough.
    Passed,
    /// Too old.
    Refused {
        /// The ClientHello's version field.
        offered: u16,
        /// What [`take_alert`](Self::take_alert) has not handed out yet.
        alert: Vec<u8>,
    },
}

impl VersionCheck {
    /// Record header (5), handshake header (4), client_version (2).
    const BYTES_NEEDED: usize = 11;

    /// Looks at bytes from the client before rustls does; an error is final.
    pub(super) fn admit(&mut self, ciphertext: &[u8]) -> Result<(), TlsError> {
        if let VersionCheck::Reading(first) = self {
            let missing = Self::BYTES_NEEDED - first.len();
            first.extend_from_slice(&ciphertext[..missing.min(ciphertext.len())]);
            *self = match **first {
                // Content type handshake (22), message type client_hello (1).
                [22, 3, _, _, _, 1, _, _, _, major, minor] if (major, minor) < (3, 3) => {
                    // Content type alert (21) of two bytes: fatal (2), protocol_version (70).
                    let alert = vec![21, major, minor, 0, 2, 2, 70];
                    VersionCheck::Refused { offered: u16::from_be_bytes([major, minor]), alert }
                }
                [_, _, _, _, _, _, _, _, _, _, _] => VersionCheck::Passed,
                _ => return Ok(()),
            };
        }
        match *self {
            VersionCheck::Refused { offered, .. } => Err(TlsError::OldVersion { offered }),
            _ => Ok(()),
        }
    }

    /// The alert to send, once.
    pub(super) fn take_alert(&mut self) -> Vec<u8> {
        match self {
            VersionCheck::Refused { alert, .. } => std::mem::take(alert),
            _ => Vec::new(),
        }
    }
}

/// A protocol version as people write it.
pub(super) fn version_name(version: u16) -> String {
    match version {
        0x0300 => "SSLv3".to_owned(),
        0x0301 => "TLSv1.0".to_owned(),
        0x0302 => "TLSv1.1".to_owned(),
        other => format!("version {other:#06x}"),
    }
}
