//! What lies outside every VPC: hosts on the internet, the public side of AWS services, and the links between all of them.

use crate::net::{Ipv4Net, LinkParameters, ServiceKind};
use crate::time::SimDuration;
use std::net::Ipv4Addr;

/// A host on the internet.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OutsideHost {
    /// What the scenario calls it.
    pub name: String,
    /// Its public address.
    pub address: Ipv4Addr,
}

/// The public side of one service in one Region.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PublicService {
    /// Which service.
    pub kind: ServiceKind,
    /// The Region it serves.
    pub region: String,
    /// Blocks whose every address answers.
    pub cidrs: Vec<Ipv4Net>,
    /// The address that DNS answers with, inside `cidrs`.
    pub address: Ipv4Addr,
    /// DNS names, the Region's plain one first. A first label `*` stands for one label: a 12-digit account id before DynamoDB's `ddb.`, a
    /// bucket's name before S3's.
    pub dns_names: Vec<String>,
}

impl PublicService {
    /// Whether `name`, in lower case, is one of the service's DNS names: written out, under a `*`, or the pattern with the `*` itself.
    pub fn has_name(&self, name: &str) -> bool {
        self.dns_names.iter().any(|own| match own.strip_prefix("*.") {
            Some(parent) => name.split_once('.').is_some_and(|(label, rest)| rest == parent && self.takes_label(label)),
            None => own == name,
        })
    }

    fn takes_label(&self, label: &str) -> bool {
        let is_account = label.len() == 12 && label.bytes().all(|byte| byte.is_ascii_digit());
        label == "*" || (self.kind != ServiceKind::DynamoDb && !label.is_empty()) || is_account
    }
}

/// How a service's access point treats segments of connections it does not know.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum UnknownConnection {
    /// Answers RST, as any TCP does (RFC 9293 section 3.5.2).
    #[default]
    Reset,
    /// Says nothing. AWS documents only that the connection breaks, not how.
    Silence,
}

/// The classes of links. Latencies are assumptions: AWS publishes none.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Links {
    /// Between an instance and its network interface's host.
    pub nic: LinkParameters,
    /// Between interfaces of one availability zone.
    pub same_az: LinkParameters,
    /// Between interfaces of different availability zones.
    pub cross_az: LinkParameters,
    /// Between a VPC and a service of its Region, by internet gateway and by endpoint alike: both stay on AWS's network.
    pub aws_service: LinkParameters,
    /// Between the internet gateway and a host on the internet.
    pub internet: LinkParameters,
    /// Between Regions: peering, transit gateway peering.
    pub inter_region: LinkParameters,
    /// One tunnel of a Site-to-Site VPN.
    pub vpn: LinkParameters,
    /// A virtual interface of Direct Connect.
    pub direct_connect: LinkParameters,
    /// Between a host on premises and its router.
    pub on_premises: LinkParameters,
    /// One-way latency between an internet gateway and the public side of DynamoDB; `None` is that of `aws_service`, because such packets do
    /// not leave AWS's network.
    pub dynamodb_public_latency: Option<SimDuration>,
}

impl Default for Links {
    fn default() -> Self {
        let link = |latency_us, gigabits: u64, queue_kib: u64| LinkParameters {
            latency: SimDuration::from_micros(latency_us),
            bandwidth_bits_per_second: gigabits * 1_000_000_000,
            queue_bytes: queue_kib * 1024,
            loss: 0.0,
        };
        Links {
            nic: link(15, 5, 1024),
            same_az: link(60, 25, 4096),
            cross_az: link(500, 25, 4096),
            aws_service: link(350, 25, 4096),
            internet: link(20_000, 1, 4096),
            inter_region: link(30_000, 25, 4096),
            vpn: LinkParameters { bandwidth_bits_per_second: 1_250_000_000, ..link(10_000, 1, 4096) },
            direct_connect: link(4_000, 1, 4096),
            on_premises: link(100, 1, 1024),
            dynamodb_public_latency: None,
        }
    }
}
