//! `[dynamodb]`, `[s3]`, and the public side of the services: DynamoDB, S3 and STS of every Region, and the EC2 API of the Regions that the scenario builds in.
//!
//! A service of this Region answers on its whole prefix list, those of other Regions on one address each. Which addresses DNS gives is **assumed**:
//! real answers rotate through the lists. STS has no list; its addresses are invented as the EC2 API's are (see `regions`).
//! Global names belong to us-east-1 (`s3.amazonaws.com`, `sts.amazonaws.com`): assumed to hold for every asker, though AWS has begun to answer
//! the global STS name with the asker's Region, and gives a bucket's global name the addresses of the bucket's Region after a while.
//!
//! Names: docs.aws.amazon.com/general/latest/gr/s3.html, .../sts.html; docs.aws.amazon.com/AmazonS3/latest/userguide/VirtualHosting.html.

use super::*;
use crate::model::{PublicService, ServiceKind};
use crate::net::Ipv4Net;
use crate::scenario::packet::literal_address;
use crate::scenario::regions::{dns_suffix, names};
use std::net::Ipv4Addr;

/// The address that us-east-1's DynamoDB answers from unless the scenario says otherwise: one of its list; the real ones vary.
const US_EAST_1: Ipv4Addr = Ipv4Addr::new(52, 94, 2, 72);
/// How many tables a scenario may name.
const TABLES_MAX: usize = 2_500;
/// Regions whose S3 still answers to `s3-REGION` (S3 user guide, "Legacy endpoints").
const DASHED_S3_REGIONS: [&str; 8] = [
    "ap-northeast-1",
    "ap-southeast-1",
    "ap-southeast-2",
    "eu-west-1",
    "sa-east-1",
    "us-gov-west-1",
    "us-west-1",
    "us-west-2",
];

impl<'a, 'r> Builder<'a, 'r> {
    /// Keys of `[dynamodb]`: `tables`, `address` (`road_latency` and `table_settling` are read with the settings); of `[s3]`: `address`
    /// (`buckets` and `objects` are read by `s3`).
    pub(super) fn services(&mut self, root: &Section<'a, 'r>) {
        let region = self.model.region.clone();
        let cidrs = self.blocks("dynamodb", &region);
        let mut address = default_address(&cidrs);
        if let Some(section) = root.section("dynamodb") {
            for text in section.texts("tables").unwrap_or_default() {
                self.table(&text);
            }
            address = self.chosen_address(&section, "dynamodb", "DynamoDB", &cidrs).or(address);
            section.finish();
        }
        let s3_cidrs = self.blocks("s3", &region);
        let mut s3_address = tenth_of_largest(&s3_cidrs);
        if let Some(section) = root.section("s3") {
            s3_address = self.chosen_address(&section, "s3", "S3", &s3_cidrs).or(s3_address);
            self.buckets(&section);
            section.finish();
        }
        let others = || names().filter(|other| *other != region);
        let mut services = Vec::new();
        services.extend(address.map(|address| dynamodb(&region, cidrs, address)));
        services.push(PublicService {
            kind: ServiceKind::Ec2,
            region: region.clone(),
            cidrs: vec![Ipv4Net::new_assert(self.region.ec2_api, 32)],
            address: self.region.ec2_api,
            dns_names: vec![format!("ec2.{region}.{}", dns_suffix(&region))],
        });
        // The EC2 API of the other Regions that the scenario builds in.
        let elsewhere: BTreeSet<String> = (self.model.vpcs.values().map(|vpc| &vpc.region))
            .chain(self.model.transit_gateways.values().map(|gateway| &gateway.region))
            .filter(|other| **other != region)
            .cloned()
            .collect();
        for other in elsewhere.iter().filter_map(|name| Region::named(name)) {
            services.push(PublicService {
                kind: ServiceKind::Ec2,
                region: other.name.to_owned(),
                cidrs: vec![Ipv4Net::new_assert(other.ec2_api, 32)],
                address: other.ec2_api,
                dns_names: vec![format!("ec2.{}.{}", other.name, dns_suffix(other.name))],
            });
        }
        for other in others() {
            if let Some(address) = default_address(&self.blocks("dynamodb", other)) {
                services.push(dynamodb(other, vec![Ipv4Net::new_assert(address, 32)], address));
            }
        }
        services.extend(s3_address.map(|address| s3(&region, s3_cidrs, address)));
        for other in others() {
            if let Some(address) = tenth_of_largest(&self.blocks("s3", other)) {
                services.push(s3(other, vec![Ipv4Net::new_assert(address, 32)], address));
            }
        }
        services.extend(names().filter_map(Region::named).map(|region| sts(&region)));
        self.model.public_services = services.into();
    }

    /// The blocks of AWS's prefix list of a service in a Region; none if there is no such list.
    fn blocks(&self, service: &str, region: &str) -> Vec<Ipv4Net> {
        let wanted = format!("com.amazonaws.{region}.{service}");
        let list = self.model.prefix_lists.values().find(|list| list.region == region && list.name == wanted);
        list.map_or_else(Vec::new, |list| list.cidrs.clone())
    }

    /// The `address` of a service's section, which must lie in the service's blocks.
    fn chosen_address(
        &self,
        section: &Section<'a, 'r>,
        service: &str,
        shown_as: &str,
        cidrs: &[Ipv4Net],
    ) -> Option<Ipv4Addr> {
        let text = section.text("address")?;
        let given = literal_address(section, &text)?;
        if !cidrs.iter().any(|cidr| cidr.contains(&given)) {
            let region = &self.model.region;
            let list = self.model.prefix_list_named(&format!("com.amazonaws.{region}.{service}"));
            let list = list.map(|list| list.id.to_string()).unwrap_or_default();
            let blocks: Vec<String> = cidrs.iter().map(ToString::to_string).collect();
            let message = format!("{given} is not in {shown_as}'s prefix list {list}");
            let problem = Problem::new(text.contents(), message, "no endpoint would take packets to it");
            self.report(problem.help(format!("{region}'s list holds {}", blocks.join(", "))));
        }
        Some(given)
    }

    /// A DynamoDB table's name: 3 to 255 of a-z, A-Z, 0-9, '_', '-', '.'.
    fn table(&mut self, text: &Text<'a>) {
        let name = text.text;
        let plain = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'-' | b'.');
        if !(3..=255).contains(&name.len()) || !name.bytes().all(plain) {
            let problem = Problem::new(
                text.contents(),
                format!("\"{}\" is no name for a DynamoDB table", shown(name)),
                "not allowed",
            );
            self.report(problem.help("3 to 255 letters, digits, hyphens, underscores and points"));
        } else if !self.model.dynamodb_tables.insert(name.to_owned()) {
            self.report(Problem::new(text.contents(), format!("the table \"{name}\" is named twice"), "again here"));
        } else if self.model.dynamodb_tables.len() == TABLES_MAX + 1 {
            self.report(Problem::new(
                text.contents(),
                format!("there are more than {TABLES_MAX} tables"),
                "one too many",
            ));
        }
    }
}

/// us-east-1's known address if the list has it, else the tenth of the list's first block (the block's first if it is small).
fn default_address(cidrs: &[Ipv4Net]) -> Option<Ipv4Addr> {
    if cidrs.iter().any(|cidr| cidr.contains(&US_EAST_1)) {
        return Some(US_EAST_1);
    }
    let first = cidrs.first()?;
    let tenth = Ipv4Addr::from(u32::from(first.network()).saturating_add(10));
    Some(if first.contains(&tenth) { tenth } else { first.network() })
}

fn dynamodb(region: &str, cidrs: Vec<Ipv4Net>, address: Ipv4Addr) -> PublicService {
    let suffix = dns_suffix(region);
    PublicService {
        kind: ServiceKind::DynamoDb,
        region: region.to_owned(),
        cidrs,
        address,
        dns_names: vec![format!("dynamodb.{region}.{suffix}"), format!("*.ddb.{region}.{suffix}")],
    }
}

/// The tenth address of the largest block, the first of equals (the block's first address if it is small).
fn tenth_of_largest(cidrs: &[Ipv4Net]) -> Option<Ipv4Addr> {
    let largest = cidrs.iter().min_by_key(|cidr| cidr.prefix_len())?;
    let tenth = Ipv4Addr::from(u32::from(largest.network()).saturating_add(10));
    Some(if largest.contains(&tenth) { tenth } else { largest.network() })
}

/// Each name stands for the service and, with a label before it, for a bucket.
fn s3(region: &str, cidrs: Vec<Ipv4Net>, address: Ipv4Addr) -> PublicService {
    let suffix = dns_suffix(region);
    let mut hosts = vec![format!("s3.{region}.{suffix}")];
    if DASHED_S3_REGIONS.contains(&region) {
        hosts.push(format!("s3-{region}.{suffix}"));
    }
    if region == "us-east-1" {
        hosts.extend([format!("s3.{suffix}"), format!("s3-external-1.{suffix}")]);
    }
    let dns_names = hosts.into_iter().flat_map(|host| [host.clone(), format!("*.{host}")]).collect();
    PublicService { kind: ServiceKind::S3, region: region.to_owned(), cidrs, address, dns_names }
}

fn sts(region: &Region) -> PublicService {
    let suffix = dns_suffix(region.name);
    let mut dns_names = vec![format!("sts.{}.{suffix}", region.name)];
    if region.name == "us-east-1" {
        dns_names.push(format!("sts.{suffix}"));
    }
    let address = region.sts_api();
    PublicService {
        kind: ServiceKind::Sts,
        region: region.name.to_owned(),
        cidrs: vec![Ipv4Net::new_assert(address, 32)],
        address,
        dns_names,
    }
}
