//! The connection pool of long-running programs, as urllib3 keeps one per endpoint.
//!
//! Invariant: a pooled connection is idle; whether it is still alive is found out when it is taken, as urllib3 does.

use super::connection::Connection;
use std::collections::BTreeMap;

/// botocore's `max_pool_connections`.
const IDLE_CONNECTIONS_MAX: usize = 10;

/// Which connections can stand in for each other.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct PoolKey {
    /// The program.
    pub(super) session: String,
    /// The endpoint's name.
    pub(super) endpoint_host: String,
    /// The endpoint's port.
    pub(super) port: u16,
    /// Whether the connection is under TLS.
    pub(super) secure: bool,
}

/// Idle connections of all sessions of one host.
#[derive(Default)]
pub(super) struct SessionPool {
    idle: BTreeMap<PoolKey, Vec<Connection>>,
}

impl SessionPool {
    /// The connection given back last: urllib3's pool is a stack.
    pub(super) fn take(&mut self, key: &PoolKey) -> Option<Connection> {
        self.idle.get_mut(key)?.pop()
    }

    /// Keeps a connection for later, or returns it when the pool is full.
    pub(super) fn put(&mut self, key: PoolKey, connection: Connection) -> Option<Connection> {
        let idle = self.idle.entry(key).or_default();
        if idle.len() >= IDLE_CONNECTIONS_MAX {
            return Some(connection);
        }
        idle.push(connection);
        None
    }

    /// Everything, as when the programs end.
    pub(super) fn drain(&mut self) -> Vec<Connection> {
        std::mem::take(&mut self.idle).into_values().flatten().collect()
    }
}
