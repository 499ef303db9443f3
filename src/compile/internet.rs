//! The internet: outside hosts, the public sides of services, public addresses behind gateways.
//!
//! A public address that once was an interface's and now is nobody's still leads to the gateway it was behind, which drops what comes: so a report can say that the
//! address was released, instead of that it never was. Where blocks of services overlap, the longer prefix wins, and of equal ones the first service.

use super::{Compiler, Draft, immediate, named, virtual_mac};
use crate::model::{Model, PublicService, ServiceKind};
use crate::net::Ipv4Net;
use crate::program::{HostIx, HostKind, InternetNode, Named, Node, NodeKey, PublicTarget};
use std::collections::BTreeMap;

impl Compiler {
    /// Compiles the internet. Comes after the VPCs, which say what is behind their gateways.
    pub(super) fn compile_internet(&mut self, model: &Model, draft: &mut Draft) {
        let mac = virtual_mac("internet");
        let (mut addresses, mut attached) = (BTreeMap::new(), BTreeMap::new());
        for (address, gateway) in &self.public_addresses {
            let at = self.node_ix(gateway);
            if draft.nodes.contains_key(&at) {
                addresses.insert(*address, PublicTarget::Gateway(at));
            }
        }
        let mut blocks = BTreeMap::new();
        for service in &model.public_services {
            let kind = HostKind::PublicService(service.kind, service.region.clone());
            let own_mac = virtual_mac(&format!("service {}", service_label(service)));
            let name = Named { id: service_label(service), name: Some(service_name(service.kind).to_owned()) };
            let mut link = model.links.aws_service;
            if let (ServiceKind::DynamoDb, Some(latency)) = (service.kind, model.links.dynamodb_public_latency) {
                link.latency = latency;
            }
            let host = self.attach(draft, kind, name, link, own_mac);
            attached.insert(host, (own_mac, None));
            for cidr in &service.cidrs {
                blocks.entry(cidr.trunc()).or_insert(host);
            }
        }
        for outside in model.outside_hosts.values() {
            let link = model.links.internet;
            let own_mac = virtual_mac(&format!("outside {}", outside.name));
            let name = named(&outside.name, Some(&outside.name));
            let host = self.attach(draft, HostKind::Outside(outside.name.clone()), name, link, own_mac);
            let platform_name = named(format!("provider of {}", outside.name), None);
            let platform_kind = HostKind::OutsidePlatform(outside.name.clone());
            let platform = self.attach(draft, platform_kind, platform_name, immediate(link), mac);
            attached.insert(host, (own_mac, Some(platform)));
            attached.insert(platform, (mac, None));
            addresses.insert(outside.address, PublicTarget::Host(host));
        }
        for network in model.on_premises.values() {
            if let Some(address) = network.internet_address {
                let at = self.node_ix(&NodeKey::OnPremises(network.name.clone()));
                addresses.insert(address, PublicTarget::OnPremises(at));
            }
        }
        let services = without_overlaps(&blocks);
        let announced = self.announced_to_aws(model);
        let node = Node::Internet(InternetNode { mac, addresses, services, attached, announced });
        draft.nodes.insert(self.node_ix(&NodeKey::Internet), node);
    }
}

/// `dynamodb.us-east-1`.
fn service_label(service: &PublicService) -> String {
    format!("{}.{}", service_name(service.kind), service.region)
}

fn service_name(kind: ServiceKind) -> &'static str {
    match kind {
        ServiceKind::DynamoDb => "dynamodb",
        ServiceKind::Ec2 => "ec2",
        ServiceKind::S3 => "s3",
        ServiceKind::Sts => "sts",
    }
}

/// Cuts blocks that contain others, so that what is left is sorted and does not overlap: 52.94.0.0/16 around 52.94.128.0/17 becomes its lower half.
fn without_overlaps(blocks: &BTreeMap<Ipv4Net, HostIx>) -> Box<[(Ipv4Net, HostIx)]> {
    let mut pieces = Vec::new();
    for (&block, &host) in blocks {
        cut(block, host, blocks, &mut pieces);
    }
    pieces.sort();
    pieces.into()
}

fn cut(block: Ipv4Net, host: HostIx, blocks: &BTreeMap<Ipv4Net, HostIx>, pieces: &mut Vec<(Ipv4Net, HostIx)>) {
    if !blocks.keys().any(|other| *other != block && block.contains(other)) {
        pieces.push((block, host));
        return;
    }
    // Halves end at /32, which contains nothing but itself.
    for half in block.subnets(block.prefix_len() + 1).into_iter().flatten() {
        if !blocks.contains_key(&half) {
            cut(half, host, blocks, pieces);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn overlapping_blocks_are_cut_around_the_longer_ones() {
        let net = |text: &str| text.parse::<Ipv4Net>().unwrap();
        let blocks = BTreeMap::from([
            (net("10.0.0.0/22"), HostIx(1)),
            (net("10.0.1.0/24"), HostIx(2)),
            (net("10.0.1.7/32"), HostIx(3)),
            (net("10.9.0.0/24"), HostIx(1)),
        ]);
        let pieces = without_overlaps(&blocks);
        let owner = |address: &str| {
            let address: std::net::Ipv4Addr = address.parse().unwrap();
            let holders: Vec<_> = pieces.iter().filter(|(block, _)| block.contains(&address)).collect();
            assert!(holders.len() <= 1, "{address}: {holders:?}");
            holders.first().map(|(_, host)| host.0)
        };
        assert_eq!(
            ["10.0.0.9", "10.0.1.6", "10.0.1.7", "10.0.1.8", "10.0.2.0", "10.0.3.255", "10.0.4.0", "10.9.0.1"]
                .map(owner),
            [Some(1), Some(2), Some(3), Some(2), Some(1), Some(1), None, Some(1)]
        );
        assert!(pieces.is_sorted());
    }
}
