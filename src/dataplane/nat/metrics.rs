//! What CloudWatch counts of a NAT gateway (namespace AWS/NATGateway), since the beginning of the run.
//!
//! Bytes are those of IP packets (assumed). Not kept: PeakBytesPerSecond and PeakPacketsPerSecond.
//! Source: docs.aws.amazon.com/vpc/latest/userguide/metrics-dimensions-nat-gateway.html

/// The counters of one NAT gateway, named as CloudWatch names them.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct NatMetrics {
    /// The most TCP connections that were open at one time.
    pub active_connection_count: u64,
    /// TCP connections that the inside tried to open: first SYNs.
    pub connection_attempt_count: u64,
    /// TCP connections that were answered.
    pub connection_established_count: u64,
    /// Connections for which no port was left.
    pub error_port_allocation: u64,
    /// TCP connections that were forgotten because they were silent, not closed.
    pub idle_timeout_count: u64,
    /// Packets dropped here.
    pub packets_drop_count: u64,
    /// Packets from the VPC.
    pub packets_in_from_source: u64,
    /// Bytes from the VPC.
    pub bytes_in_from_source: u64,
    /// Packets sent on for the VPC.
    pub packets_out_to_destination: u64,
    /// Bytes sent on for the VPC.
    pub bytes_out_to_destination: u64,
    /// Packets from the outside.
    pub packets_in_from_destination: u64,
    /// Bytes from the outside.
    pub bytes_in_from_destination: u64,
    /// Packets sent back into the VPC.
    pub packets_out_to_source: u64,
    /// Bytes sent back into the VPC.
    pub bytes_out_to_source: u64,
}
