//! Network interfaces, the instances they serve, and Elastic IP addresses.
//!
//! Source: docs.aws.amazon.com/AWSEC2/latest/UserGuide/using-eni.html

use super::Tags;
use crate::ids::{
    AddressAssociationId, AllocationId, EniAttachmentId, EniId, ImageId, InstanceId, NatGatewayId, ReservationId,
    SecurityGroupId, SubnetId, VpcId,
};
use crate::net::MacAddress;
use crate::time::SimTime;
use std::net::Ipv4Addr;

/// A network interface with one private address. Secondary addresses of instances are not simulated.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NetworkInterface {
    /// Its id.
    pub id: EniId,
    /// Its subnet.
    pub subnet_id: SubnetId,
    /// Its VPC.
    pub vpc_id: VpcId,
    /// The private address, fixed for life.
    pub private_ip: Ipv4Addr,
    /// The public address that the internet gateway maps to it.
    pub public_address: Option<PublicAddress>,
    /// One to five security groups.
    pub security_group_ids: Vec<SecurityGroupId>,
    /// Whether packets that are neither from nor to the private address are dropped.
    pub source_dest_check: bool,
    /// Its virtual Ethernet address, derived from the id.
    pub mac: MacAddress,
    /// Its description.
    pub description: String,
    /// Whose it is. Interfaces of gateways and endpoints are made and managed by AWS.
    pub interface_type: InterfaceType,
    /// What it is attached to.
    pub attachment: Option<Attachment>,
    /// Idle timeouts of its tracked connections.
    pub tracking: ConnectionTracking,
}

/// Idle timeouts of tracked connections (`ConnectionTrackingSpecification`), in seconds; `None`: what the interface has by itself.
/// Source: docs.aws.amazon.com/AWSEC2/latest/UserGuide/security-group-connection-tracking.html
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct ConnectionTracking {
    /// Of established TCP connections: 60 to 432,000. By itself 432,000, and 350 on instances of the sixth Nitro generation.
    pub tcp_established_seconds: Option<u32>,
    /// Of UDP flows that were answered: 60 to 180, by itself 180.
    pub udp_stream_seconds: Option<u32>,
    /// Of UDP flows seen in one direction: 30 to 60, by itself 30.
    pub udp_seconds: Option<u32>,
}

/// The types of network interfaces that are simulated.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum InterfaceType {
    /// An instance's.
    #[default]
    Interface,
    /// A NAT gateway's.
    NatGateway,
    /// An interface endpoint's.
    VpcEndpoint,
    /// A transit gateway's, in a subnet of an attached VPC.
    TransitGateway,
}

impl InterfaceType {
    /// Whether AWS made it on behalf of a service: it is visible, but cannot be changed.
    pub const fn is_requester_managed(self) -> bool {
        !matches!(self, InterfaceType::Interface)
    }
}

/// A public address of an interface.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PublicAddress {
    /// The address.
    pub address: Ipv4Addr,
    /// The Elastic IP it comes from; `None` if AWS assigned it at launch.
    pub allocation_id: Option<AllocationId>,
}

/// The attachment of an interface to an instance, or to a service of AWS.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Attachment {
    /// Its id.
    pub id: EniAttachmentId,
    /// The instance; `None` for interfaces that AWS manages.
    pub instance_id: Option<InstanceId>,
    /// 0 for the primary interface.
    pub device_index: u8,
    /// When.
    pub attached_at: SimTime,
}

/// An EC2 instance.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Instance {
    /// Its id.
    pub id: InstanceId,
    /// Its machine image.
    pub image_id: ImageId,
    /// `t3.micro`.
    pub instance_type: String,
    /// Its state.
    pub state: InstanceState,
    /// Its primary interface; gone once the instance is terminated.
    pub primary_interface_id: Option<EniId>,
    /// The launch it came from.
    pub reservation_id: ReservationId,
    /// When it was launched.
    pub launched_at: SimTime,
    /// Name of its SSH key pair.
    pub key_name: Option<String>,
    /// What its operating system does with packets that are not for it.
    pub forwarding: Forwarding,
    /// Tags.
    pub tags: Tags,
}

/// What an instance's operating system does with packets for others. They only reach it, and only leave it, while its interface's source/destination
/// check is off.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Forwarding {
    /// Nothing: it is an end system.
    #[default]
    Off,
    /// Sends them back to the subnet's router, unchanged but for the time to live: a firewall appliance, a router.
    Route,
    /// The same, with its own address in place of the sender's (`iptables -t nat -A POSTROUTING -j MASQUERADE`): a NAT instance.
    Masquerade,
}

/// An instance's life. Starting takes no simulated time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum InstanceState {
    /// Its interface sends and receives.
    Running,
    /// Gone; listed for a while.
    Terminated,
}

/// An Elastic IP address.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ElasticAddress {
    /// The allocation's id.
    pub allocation_id: AllocationId,
    /// The address.
    pub public_ip: Ipv4Addr,
    /// What it is associated with.
    pub association: Option<(AddressAssociationId, AddressHolder)>,
    /// Tags.
    pub tags: Tags,
}

/// What an Elastic IP address can be associated with.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum AddressHolder {
    /// An interface of an instance.
    Interface(EniId),
    /// A NAT gateway.
    NatGateway(NatGatewayId),
}

impl AddressHolder {
    /// The interface, if it is one.
    pub fn interface(self) -> Option<EniId> {
        match self {
            AddressHolder::Interface(id) => Some(id),
            AddressHolder::NatGateway(_) => None,
        }
    }
}
