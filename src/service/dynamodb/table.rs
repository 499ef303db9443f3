//! One table: its key schema and its items.

use super::fault::Fault;
use super::value::{AttributeValue, Item, Scalar, ScalarType, item_size_bytes};
use crate::time::SimTime;
use serde_json::Value;
use std::collections::BTreeMap;

/// Most bytes of a partition key's value.
pub const HASH_KEY_BYTES_MAX: usize = 2_048;
/// Most bytes of a sort key's value.
pub const RANGE_KEY_BYTES_MAX: usize = 1_024;

/// An attribute that is part of the primary key.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct KeyAttribute {
    /// Its name.
    pub name: String,
    /// The type its values have.
    pub kind: ScalarType,
}

/// How a table is paid for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Billing {
    /// `PAY_PER_REQUEST`.
    PayPerRequest,
    /// `PROVISIONED`. The throughput is shown and not enforced.
    Provisioned {
        /// Read capacity units.
        read: i64,
        /// Write capacity units.
        write: i64,
    },
}

/// The primary key of an item.
pub type PrimaryKey = (Scalar, Option<Scalar>);

/// A table.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Table {
    /// A UUID.
    pub id: String,
    /// The partition key.
    pub hash: KeyAttribute,
    /// The sort key.
    pub range: Option<KeyAttribute>,
    /// How it is paid for.
    pub billing: Billing,
    /// Whether DeleteTable refuses.
    pub deletion_protected: bool,
    /// When it was created.
    pub created_at: SimTime,
    /// From when on it takes items.
    pub active_from: SimTime,
    /// When it is gone, if it is being deleted.
    pub gone_at: Option<SimTime>,
    partitions: BTreeMap<Scalar, BTreeMap<Option<Scalar>, Item>>,
    item_count: u64,
    size_bytes: u64,
}

impl Table {
    /// A table without items.
    pub fn new(id: String, hash: KeyAttribute, range: Option<KeyAttribute>, billing: Billing, at: SimTime) -> Table {
        Table {
            id,
            hash,
            range,
            billing,
            deletion_protected: false,
            created_at: at,
            active_from: at,
            gone_at: None,
            partitions: BTreeMap::new(),
            item_count: 0,
            size_bytes: 0,
        }
    }

    /// `CREATING`, `ACTIVE` or `DELETING`.
    pub fn status(&self, now: SimTime) -> &'static str {
        match self.gone_at {
            Some(_) => "DELETING",
            None if now < self.active_from => "CREATING",
            None => "ACTIVE",
        }
    }

    /// How many items there are. (AWS counts every six hours or so; here it is always exact.)
    pub fn item_count(&self) -> u64 {
        self.item_count
    }

    /// Bytes of all items.
    pub fn size_bytes(&self) -> u64 {
        self.size_bytes
    }

    /// The key attributes, the partition key first.
    pub fn key_attributes(&self) -> impl Iterator<Item = &KeyAttribute> {
        std::iter::once(&self.hash).chain(&self.range)
    }

    /// Puts an item in the place of the one with the same key, which is returned.
    pub fn put(&mut self, key: PrimaryKey, item: Item) -> Option<Item> {
        self.size_bytes += item_size_bytes(&item) as u64;
        let before = self.partitions.entry(key.0).or_default().insert(key.1, item);
        match &before {
            Some(before) => self.size_bytes -= item_size_bytes(before) as u64,
            None => self.item_count += 1,
        }
        before
    }

    /// The item with this key.
    pub fn get(&self, key: &PrimaryKey) -> Option<&Item> {
        self.partitions.get(&key.0)?.get(&key.1)
    }

    /// The items of one partition in the order of the sort key.
    pub fn partition(&self, hash: &Scalar) -> impl DoubleEndedIterator<Item = (&Option<Scalar>, &Item)> {
        self.partitions.get(hash).into_iter().flatten()
    }

    /// The key of an item that is put.
    pub fn key_of(&self, item: &Item) -> Result<PrimaryKey, Fault> {
        let one = |attribute: &KeyAttribute| {
            let name = &attribute.name;
            match item.get(name) {
                None => Err(Fault::parameters(format!("Missing the key {name} in the item"))),
                Some(AttributeValue::Scalar(scalar)) if scalar.kind() == attribute.kind => Ok(scalar.clone()),
                Some(other) => Err(Fault::parameters(format!(
                    "Type mismatch for key {name} expected: {} actual: {}",
                    attribute.kind.letter(),
                    other.letters()
                ))),
            }
        };
        let key = (one(&self.hash)?, self.range.as_ref().map(one).transpose()?);
        self.check_key(&key)?;
        Ok(key)
    }

    /// The key that a request names: exactly the key attributes.
    pub fn key_from(&self, item: &Item) -> Result<PrimaryKey, Fault> {
        let mismatch = || Fault::validation("The provided key element does not match the schema");
        if item.len() != self.key_attributes().count() {
            return Err(mismatch());
        }
        let one = |attribute: &KeyAttribute| match item.get(&attribute.name) {
            Some(AttributeValue::Scalar(scalar)) if scalar.kind() == attribute.kind => Ok(scalar.clone()),
            _ => Err(mismatch()),
        };
        let key = (one(&self.hash)?, self.range.as_ref().map(one).transpose()?);
        self.check_key(&key)?;
        Ok(key)
    }

    /// Lengths of keys: none is empty, none too long.
    fn check_key(&self, (hash, range): &PrimaryKey) -> Result<(), Fault> {
        let values = std::iter::once(hash).chain(range);
        for (attribute, value) in self.key_attributes().zip(values) {
            let empty = match value {
                Scalar::Text(text) if text.is_empty() => Some("string"),
                Scalar::Binary(bytes) if bytes.is_empty() => Some("binary"),
                _ => None,
            };
            if let Some(kind) = empty {
                return Err(Fault::validation(format!(
                    "One or more parameter values are not valid. The AttributeValue for a key attribute cannot contain \
                     an empty {kind} value. Key: {}",
                    attribute.name
                )));
            }
        }
        if hash.size_bytes() > HASH_KEY_BYTES_MAX {
            return Err(Fault::parameters(format!(
                "Size of hashkey has exceeded the maximum size limit of{HASH_KEY_BYTES_MAX} bytes"
            )));
        }
        if range.as_ref().is_some_and(|range| range.size_bytes() > RANGE_KEY_BYTES_MAX) {
            return Err(Fault::parameters(format!(
                "Aggregated size of all range keys has exceeded the size limit of {RANGE_KEY_BYTES_MAX} bytes"
            )));
        }
        Ok(())
    }

    /// The key as a request or answer has it.
    pub fn key_json(&self, (hash, range): &PrimaryKey) -> Value {
        let values = std::iter::once(hash).chain(range).cloned().map(AttributeValue::Scalar);
        self.key_attributes().zip(values).map(|(attribute, value)| (attribute.name.clone(), value.json())).collect()
    }
}
