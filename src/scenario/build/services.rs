//! `[dynamodb]`, and the public side of the services: this Region's DynamoDB and EC2 API, and the DynamoDB of other Regions.

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

impl<'a, 'r> Builder<'a, 'r> {
    /// Keys of `[dynamodb]`: `tables`, `address` (`road_latency` and `table_settling` are read with the settings).
    pub(super) fn services(&mut self, root: &Section<'a, 'r>) {
        let region = self.model.region.clone();
        let list_name = format!("com.amazonaws.{region}.dynamodb");
        let cidrs = self.model.prefix_list_named(&list_name).map_or_else(Vec::new, |list| list.cidrs.clone());
        let mut address = default_address(&cidrs);
        if let Some(section) = root.section("dynamodb") {
            for text in section.texts("tables").unwrap_or_default() {
                self.table(&text);
            }
            if let Some(text) = section.text("address")
                && let Some(given) = literal_address(&section, &text)
            {
                if !cidrs.iter().any(|cidr| cidr.contains(&given)) {
                    let list =
                        self.model.prefix_list_named(&list_name).map(|list| list.id.to_string()).unwrap_or_default();
                    let blocks: Vec<String> = cidrs.iter().map(ToString::to_string).collect();
                    let message = format!("{given} is not in DynamoDB's prefix list {list}");
                    let problem = Problem::new(text.contents(), message, "no endpoint would take packets to it");
                    self.report(problem.help(format!("{region}'s list holds {}", blocks.join(", "))));
                }
                address = Some(given);
            }
            section.finish();
        }
        let mut services = Vec::new();
        services.extend(address.map(|address| dynamodb(&region, cidrs, address)));
        services.push(PublicService {
            kind: ServiceKind::Ec2,
            region: region.clone(),
            cidrs: vec![Ipv4Net::new_assert(self.region.ec2_api, 32)],
            address: self.region.ec2_api,
            dns_names: vec![format!("ec2.{region}.{}", dns_suffix(&region))],
        });
        for other in names().filter(|other| *other != region) {
            let lists = self.model.prefix_lists.values();
            let wanted = format!("com.amazonaws.{other}.dynamodb");
            let list = lists.into_iter().find(|list| list.region == other && list.name == wanted);
            if let Some(address) = list.and_then(|list| default_address(&list.cidrs)) {
                services.push(dynamodb(other, vec![Ipv4Net::new_assert(address, 32)], address));
            }
        }
        self.model.public_services = services.into();
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
