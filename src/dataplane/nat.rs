//! Translation of addresses and ports, with memory.

/// All NAT sessions.
#[derive(Clone, Debug, Default)]
pub struct Nat {}
