//! Digests of objects: the MD5 of an ETag, and the checksums that clients send along and ask for.
//!
//! CRC-64/NVME is bit by bit reversed, polynomial 0xad93d23594c93659, all ones before and after (NVM Express NVM Command Set, "64b CRC").

use crate::wire::base64;
use md5::{Digest, Md5};
use ring::digest;
use std::fmt::Write;

/// How an object's checksum is made.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ChecksumAlgorithm {
    /// What S3 adds by itself.
    Crc64Nvme,
    /// CRC-32 as in zip and Ethernet.
    Crc32,
    /// SHA-1.
    Sha1,
    /// SHA-256.
    Sha256,
}

impl ChecksumAlgorithm {
    const ALL: [ChecksumAlgorithm; 4] =
        [ChecksumAlgorithm::Crc64Nvme, ChecksumAlgorithm::Crc32, ChecksumAlgorithm::Sha1, ChecksumAlgorithm::Sha256];

    /// The algorithm whose header is `header`, `x-amz-checksum-crc32`.
    pub fn of_header(header: &str) -> Option<ChecksumAlgorithm> {
        ChecksumAlgorithm::ALL.into_iter().find(|algorithm| algorithm.header().eq_ignore_ascii_case(header))
    }

    /// `x-amz-checksum-crc32`.
    pub const fn header(self) -> &'static str {
        match self {
            ChecksumAlgorithm::Crc64Nvme => "x-amz-checksum-crc64nvme",
            ChecksumAlgorithm::Crc32 => "x-amz-checksum-crc32",
            ChecksumAlgorithm::Sha1 => "x-amz-checksum-sha1",
            ChecksumAlgorithm::Sha256 => "x-amz-checksum-sha256",
        }
    }

    /// `CRC32`.
    pub const fn name(self) -> &'static str {
        match self {
            ChecksumAlgorithm::Crc64Nvme => "CRC64NVME",
            ChecksumAlgorithm::Crc32 => "CRC32",
            ChecksumAlgorithm::Sha1 => "SHA1",
            ChecksumAlgorithm::Sha256 => "SHA256",
        }
    }

    /// The checksum as headers have it: big-endian, base64.
    pub fn of(self, bytes: &[u8]) -> String {
        match self {
            ChecksumAlgorithm::Crc64Nvme => base64::encode(&crc64nvme(bytes).to_be_bytes()),
            ChecksumAlgorithm::Crc32 => base64::encode(&crc32fast::hash(bytes).to_be_bytes()),
            ChecksumAlgorithm::Sha1 => {
                base64::encode(digest::digest(&digest::SHA1_FOR_LEGACY_USE_ONLY, bytes).as_ref())
            }
            ChecksumAlgorithm::Sha256 => base64::encode(digest::digest(&digest::SHA256, bytes).as_ref()),
        }
    }
}

/// CRC-64/NVME.
pub fn crc64nvme(bytes: &[u8]) -> u64 {
    const TABLE: [u64; 256] = crc64_table();
    !bytes.iter().fold(u64::MAX, |crc, byte| TABLE[usize::from(crc as u8 ^ byte)] ^ (crc >> 8))
}

const fn crc64_table() -> [u64; 256] {
    const REVERSED_POLYNOMIAL: u64 = 0xad93_d235_94c9_3659_u64.reverse_bits();
    let mut table = [0; 256];
    let mut index = 0;
    while index < 256 {
        let mut crc = index as u64;
        let mut bit = 0;
        while bit < 8 {
            crc = if crc & 1 == 1 { crc >> 1 ^ REVERSED_POLYNOMIAL } else { crc >> 1 };
            bit += 1;
        }
        table[index] = crc;
        index += 1;
    }
    table
}

pub(super) fn md5(bytes: &[u8]) -> [u8; 16] {
    Md5::digest(bytes).into()
}

pub(super) fn sha256_hex(bytes: &[u8]) -> String {
    hex(digest::digest(&digest::SHA256, bytes).as_ref())
}

pub(super) fn hex(bytes: &[u8]) -> String {
    bytes.iter().fold(String::with_capacity(bytes.len() * 2), |mut text, byte| {
        // Writing to a String cannot fail.
        let _ = write!(text, "{byte:02x}");
        text
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn check_values_of_the_crc_catalogue() {
        // reveng.sourceforge.io/crc-catalogue: CRC-64/NVME and CRC-32/ISO-HDLC of "123456789".
        assert_eq!(crc64nvme(b"123456789"), 0xae8b_1486_0a79_9888);
        assert_eq!(ChecksumAlgorithm::Crc32.of(b"123456789"), base64::encode(&0xcbf4_3926_u32.to_be_bytes()));
        assert_eq!(crc64nvme(b""), 0);
    }

    #[test]
    fn check_values_of_the_rfcs() {
        // RFC 1321 A.5 and RFC 3174 section 7.3.
        assert_eq!(hex(&md5(b"abc")), "900150983cd24fb0d6963f7d28e17f72");
        let sha1 = base64::decode(&ChecksumAlgorithm::Sha1.of(b"abc")).unwrap();
        assert_eq!(hex(&sha1), "a9993e364706816aba3e25717850c26c9cd0d89d");
        assert_eq!(ChecksumAlgorithm::of_header("X-Amz-Checksum-SHA256"), Some(ChecksumAlgorithm::Sha256));
    }
}
