//! How the data plane behaves where AWS leaves a choice, publishes a number that may change, or says nothing.

use crate::time::SimDuration;

/// Settings of forwarding, the same for a whole world. Defaults are AWS's where AWS says; the others are marked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ForwardingSettings {
    /// Who decrements the time to live.
    pub ttl: TtlMode,
    /// Packets a second from one interface to the link-local services together.
    pub link_local_packets_per_second: u32,
    /// After how much silence a NAT gateway forgets a TCP, UDP or ICMP session. AWS says 350 s without naming a protocol.
    pub nat_idle_timeout: SimDuration,
    /// Simultaneous connections of one NAT address to one destination address, port and protocol.
    pub nat_connections_per_destination: u32,
    /// IP MTU of NAT gateways; what is bigger is refused with "fragmentation needed", or fragmented.
    pub nat_mtu_bytes: u16,
    /// IP MTU of gateway endpoints. Assumed: AWS writes "VPC endpoint", without naming the kind.
    pub gateway_endpoint_mtu_bytes: u16,
    /// IP MTU of interface endpoints; what is bigger is dropped without a word.
    pub interface_endpoint_mtu_bytes: u16,
    /// After how much silence an interface endpoint forgets a connection.
    pub interface_endpoint_idle_timeout: SimDuration,
    /// IP MTU of an internet gateway.
    pub internet_gateway_mtu_bytes: u16,
    /// IP MTU inside a VPC and between peered VPCs of a Region.
    pub vpc_mtu_bytes: u16,
    /// IP MTU between peered VPCs of two Regions (older AWS pages: 1500).
    pub inter_region_mtu_bytes: u16,
    /// IP MTU of transit gateways, VPN attachments apart.
    pub transit_gateway_mtu_bytes: u16,
    /// IP MTU inside a Site-to-Site VPN tunnel. It depends on the ciphers; AWS's example is 1446.
    pub vpn_mtu_bytes: u16,
    /// How long the later fragments of a datagram may come after the first. Assumed.
    pub fragment_timeout: SimDuration,
}

/// Who decrements the time to live of packets.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum TtlMode {
    /// As AWS does: NAT gateways and instances that forward do, the VPC's router and the other gateways do not.
    #[default]
    Aws,
    /// As RFC 1812 section 5.3.1 asks: the VPC's routers do too. For teaching plain routing. Gateways without an address of their own (internet gateways,
    /// endpoints, peering connections) still do not: nobody could tell who they are.
    Rfc1812,
}

impl Default for ForwardingSettings {
    fn default() -> Self {
        ForwardingSettings {
            ttl: TtlMode::Aws,
            link_local_packets_per_second: 1024,
            nat_idle_timeout: SimDuration::from_secs(350),
            nat_connections_per_destination: 55_000,
            nat_mtu_bytes: 8500,
            gateway_endpoint_mtu_bytes: 8500,
            interface_endpoint_mtu_bytes: 8500,
            interface_endpoint_idle_timeout: SimDuration::from_secs(350),
            internet_gateway_mtu_bytes: 1500,
            vpc_mtu_bytes: 9001,
            inter_region_mtu_bytes: 8500,
            transit_gateway_mtu_bytes: 8500,
            vpn_mtu_bytes: 1446,
            fragment_timeout: SimDuration::from_secs(30),
        }
    }
}
