//! The names a simulated world knows.

use super::Answer;
use std::collections::BTreeMap;
use std::net::Ipv4Addr;

/// Why a name cannot be in a zone.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "\"{name}\" is not a DNS name: expected labels of 1 to 63 letters, digits, \"-\" or \"_\", at most 253 characters in all"
)]
pub struct NameError {
    /// What was given.
    pub name: String,
}

/// Names and their addresses. Letter case never matters; a dot at the end is allowed and ignored.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Zone {
    exact: BTreeMap<String, Vec<Ipv4Addr>>,
    /// By the name below which they are.
    wildcards: BTreeMap<String, Wildcard>,
}

/// All names of one label more than a parent's.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Wildcard {
    /// Only labels of 12 digits.
    only_accounts: bool,
    addresses: Vec<Ipv4Addr>,
}

impl Zone {
    /// A zone without names.
    pub fn new() -> Zone {
        Zone::default()
    }

    /// Gives `name` these addresses, in place of any it had. Without addresses the name exists and answers with nothing, which is what
    /// the regional DynamoDB name did in us-east-1 on 2025-10-19 (aws.amazon.com/message/101925).
    pub fn insert(&mut self, name: &str, addresses: Vec<Ipv4Addr>) -> Result<(), NameError> {
        self.exact.insert(canonical(name)?, addresses);
        Ok(())
    }

    /// Gives every `ACCOUNT.parent` these addresses, where ACCOUNT is any 12 digits: DynamoDB's account-based endpoints,
    /// `parent` being `ddb.REGION.amazonaws.com`. An exact name goes before.
    pub fn insert_account_wildcard(&mut self, parent: &str, addresses: Vec<Ipv4Addr>) -> Result<(), NameError> {
        self.wildcards.insert(canonical(parent)?, Wildcard { only_accounts: true, addresses });
        Ok(())
    }

    /// Gives every `LABEL.parent` these addresses: S3's virtual-hosted buckets. An exact name goes before.
    pub fn insert_wildcard(&mut self, parent: &str, addresses: Vec<Ipv4Addr>) -> Result<(), NameError> {
        self.wildcards.insert(canonical(parent)?, Wildcard { only_accounts: false, addresses });
        Ok(())
    }

    /// Takes its addresses from `name`, which goes on to exist: see [`Zone::insert`]. `*.parent` means every name that `parent`'s wildcard
    /// stands for. A name that the zone does not know stays unknown.
    pub fn take_addresses(&mut self, name: &str) {
        if let Some(parent) = name.strip_prefix("*.").and_then(|parent| canonical(parent).ok()) {
            if let Some(wildcard) = self.wildcards.get_mut(&parent) {
                wildcard.addresses.clear();
            }
        } else if let (Ok(name), Answer::Addresses(_)) = (canonical(name), self.lookup(name)) {
            self.exact.insert(name, Vec::new());
        }
    }

    /// What is known about `name`. A name above a known one exists, without addresses (RFC 8020).
    pub fn lookup(&self, name: &str) -> Answer {
        let Ok(name) = canonical(name) else { return Answer::NoSuchName };
        let by_wildcard = || {
            let (label, parent) = name.split_once('.')?;
            let is_account = label.len() == 12 && label.bytes().all(|byte| byte.is_ascii_digit());
            let wildcard = self.wildcards.get(parent).filter(|wildcard| is_account || !wildcard.only_accounts)?;
            Some(&wildcard.addresses)
        };
        match self.exact.get(&name).or_else(by_wildcard) {
            Some(addresses) if addresses.is_empty() => Answer::NoData,
            Some(addresses) => Answer::Addresses(addresses.clone()),
            None if self.has_names_below(&name) => Answer::NoData,
            None => Answer::NoSuchName,
        }
    }

    fn has_names_below(&self, name: &str) -> bool {
        let is_below = |other: &String| other.strip_suffix(name).is_some_and(|front| front.ends_with('.'));
        self.exact.keys().any(is_below) || self.wildcards.keys().any(|parent| parent == name || is_below(parent))
    }
}

/// Lower case, no dot at the end, checked.
fn canonical(name: &str) -> Result<String, NameError> {
    let canonical = name.strip_suffix('.').unwrap_or(name).to_ascii_lowercase();
    let is_label = |label: &str| {
        (1..=63).contains(&label.len())
            && label.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-' || byte == b'_')
    };
    if canonical.len() <= 253 && canonical.split('.').all(is_label) {
        Ok(canonical)
    } else {
        Err(NameError { name: name.to_owned() })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const ONE: Ipv4Addr = Ipv4Addr::new(52, 94, 2, 72);
    const TWO: Ipv4Addr = Ipv4Addr::new(52, 94, 2, 73);

    fn zone() -> Zone {
        let mut zone = Zone::new();
        zone.insert("DynamoDB.us-east-1.amazonaws.com.", vec![ONE]).unwrap();
        zone.insert_account_wildcard("ddb.us-east-1.amazonaws.com", vec![TWO]).unwrap();
        zone.insert("999999999999.ddb.us-east-1.amazonaws.com", vec![ONE, TWO]).unwrap();
        zone.insert("broken.example", vec![]).unwrap();
        zone
    }

    #[test]
    fn names_wildcards_and_what_lies_above() {
        let zone = zone();
        for (name, answer) in [
            ("dynamodb.US-EAST-1.amazonaws.com", Answer::Addresses(vec![ONE])),
            ("dynamodb.us-east-1.amazonaws.com.", Answer::Addresses(vec![ONE])),
            ("111122223333.ddb.us-east-1.amazonaws.com", Answer::Addresses(vec![TWO])),
            ("999999999999.ddb.us-east-1.amazonaws.com", Answer::Addresses(vec![ONE, TWO])),
            ("11112222333.ddb.us-east-1.amazonaws.com", Answer::NoSuchName),
            ("11112222333x.ddb.us-east-1.amazonaws.com", Answer::NoSuchName),
            ("a.111122223333.ddb.us-east-1.amazonaws.com", Answer::NoSuchName),
            ("111122223333.ddb.eu-west-1.amazonaws.com", Answer::NoSuchName),
            ("ddb.us-east-1.amazonaws.com", Answer::NoData),
            ("us-east-1.amazonaws.com", Answer::NoData),
            ("east-1.amazonaws.com", Answer::NoSuchName),
            ("broken.example", Answer::NoData),
            ("x.dynamodb.us-east-1.amazonaws.com", Answer::NoSuchName),
            ("", Answer::NoSuchName),
        ] {
            assert_eq!(zone.lookup(name), answer, "{name}");
        }
    }

    #[test]
    fn names_that_lose_their_addresses_go_on_to_exist() {
        let mut zone = zone();
        zone.insert_wildcard("s3.us-east-1.amazonaws.com", vec![ONE]).unwrap();
        zone.insert("s3.us-east-1.amazonaws.com", vec![TWO]).unwrap();
        let bucket = "pictures.s3.us-east-1.amazonaws.com";
        assert_eq!(zone.lookup(bucket), Answer::Addresses(vec![ONE]));
        assert_eq!(zone.lookup("a.b.s3.us-east-1.amazonaws.com"), Answer::NoSuchName, "one label only");
        zone.take_addresses("Pictures.s3.us-east-1.amazonaws.com");
        zone.take_addresses("nowhere.example");
        assert_eq!(zone.lookup(bucket), Answer::NoData);
        assert_eq!(zone.lookup("other.s3.us-east-1.amazonaws.com"), Answer::Addresses(vec![ONE]));
        assert_eq!(zone.lookup("nowhere.example"), Answer::NoSuchName);
        zone.take_addresses("*.s3.us-east-1.amazonaws.com");
        assert_eq!(zone.lookup("other.s3.us-east-1.amazonaws.com"), Answer::NoData);
        assert_eq!(zone.lookup("s3.us-east-1.amazonaws.com"), Answer::Addresses(vec![TWO]));
        zone.take_addresses("dynamodb.us-east-1.amazonaws.com");
        assert_eq!(zone.lookup("dynamodb.us-east-1.amazonaws.com"), Answer::NoData);
        assert_eq!(zone.lookup("111122223333.ddb.us-east-1.amazonaws.com"), Answer::Addresses(vec![TWO]));
    }

    #[test]
    fn bad_names_are_refused() {
        let long_label = "a".repeat(64);
        let long_name = vec!["abcdefgh"; 30].join(".");
        for name in ["", ".", "a..b", "a b", "*.ddb.us-east-1.amazonaws.com", &long_label, &long_name] {
            let error = Zone::new().insert(name, vec![ONE]).unwrap_err();
            assert_eq!(error, NameError { name: name.to_owned() });
        }
    }
}
