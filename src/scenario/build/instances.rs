//! `[outside]`, `[elastic_ip]` and `[instance]`.

use super::*;
use crate::ids::{AllocationId, ImageId, SubnetId};
use crate::model::{Forwarding, NewInstance, OutsideHost, Tags};
use crate::scenario::packet::literal_address;
use crate::scenario::settings::one_of;
use crate::time::SimTime;
use std::net::Ipv4Addr;

/// The image of instances that name none: the example of AWS's documentation.
const IMAGE_DEFAULT: &str = "ami-0abcdef1234567890";
/// The type of instances that name none.
const TYPE_DEFAULT: &str = "t3.micro";
/// Words that `on` and `expect` use otherwise.
const RESERVED: [&str; 2] = ["all", "operator"];

impl<'a, 'r> Builder<'a, 'r> {
    /// Keys: `address` (required), `serves`.
    pub(super) fn outside_hosts(&mut self, root: &Section<'a, 'r>) {
        for (name, section) in root.items("outside") {
            let text = section.required_text("address", "\"198.51.100.7\"");
            self.serves(name.text, &section);
            section.finish();
            if let Err(problem) = check_name(&name, "host") {
                self.report(problem);
                continue;
            }
            // A host whose address is wrong is still a host that steps may name.
            let fresh = self.new_host(&name);
            let Some(address) = text.and_then(|text| self.public_address(&section, &text)) else {
                self.outside.push(name.text.to_owned());
                continue;
            };
            if let Some(other) = self.model.outside_hosts.values().find(|host| host.address == address) {
                let message = format!("\"{}\" already has the address {address}", other.name);
                self.report(Problem::new(section.span_of("address"), message, "taken"));
            } else if fresh {
                let host = OutsideHost { name: name.text.to_owned(), address };
                self.model.outside_hosts.insert(host.name.clone(), host);
            }
            self.outside.push(name.text.to_owned());
        }
    }

    /// Keys: `address` (default: the next of the pool 203.0.113.0/24), `id`.
    pub(super) fn elastic_ips(&mut self, root: &Section<'a, 'r>) {
        self.each(root, "elastic_ip", Kind::ElasticIp, |this, name, section| {
            let id: Option<Option<AllocationId>> = this.wanted_id(section, "id");
            let address = match section.has("address") {
                true => Some(this.public_address(section, &section.text("address")?)?),
                false => None,
            };
            let result = this.model.allocate_address(name.text, id?, address, Tags::named(name.text));
            let id = this.accepted(section.span_of("address"), result)?;
            this.declare(Kind::ElasticIp, name, id);
            Some(())
        });
    }

    /// Keys: `subnet` (required), `groups`, `public_ip`, `elastic_ip`, `private_ip`, `source_dest_check`, `forwarding`, `type`, `image`, `key`, `id`,
    /// `interface_id`, `serves`, `connection_tracking`.
    pub(super) fn instances(&mut self, root: &Section<'a, 'r>) {
        self.each(root, "instance", Kind::Instance, Self::instance);
    }

    fn instance(&mut self, name: &Text<'a>, section: &Section<'a, 'r>) -> Option<()> {
        let (id, interface_id) = (self.wanted_id(section, "id"), self.wanted_id(section, "interface_id"));
        let private_ip = section.text("private_ip").map(|text| literal_address(section, &text));
        let (associate_public_ip, public_ip) = match section.is_text("public_ip") {
            true => (None, section.text("public_ip").map(|text| self.public_address(section, &text))),
            false => (section.boolean("public_ip"), None),
        };
        let elastic_ip = section.text("elastic_ip");
        let source_dest_check = section.boolean("source_dest_check").unwrap_or(true);
        let tracking = self.connection_tracking(section);
        let forwarding = self.forwarding(section);
        let instance_type = section.text("type").map_or(TYPE_DEFAULT, |text| text.text).to_owned();
        let image_id = self.image(section);
        let key_name = section.text("key").map(|text| text.text.to_owned());
        let groups = section.texts("groups").unwrap_or_default();
        self.serves(name.text, section);
        let subnet_text = section.required_text("subnet", "\"default-1a\"");
        self.instances.push(name.text.to_owned());
        if !self.new_host(name) {
            return None;
        }
        let subnet_text = subnet_text?;
        let subnet_id: SubnetId = self.refer(Kind::Subnet, &subnet_text, subnet_text.text)?;
        let vpc_id = self.model.subnets.get(&subnet_id)?.vpc_id;
        let mut security_group_ids = Vec::new();
        for text in &groups {
            let group = self.group(text, text.text, vpc_id)?;
            if security_group_ids.contains(&group) {
                self.report(Problem::new(
                    text.contents(),
                    format!("the group \"{}\" is named twice", text.text),
                    "again here",
                ));
                return None;
            }
            security_group_ids.push(group);
        }
        if elastic_ip.is_some() && section.has("public_ip") {
            let problem = Problem::new(
                section.span_of("public_ip"),
                "an Elastic IP replaces the public address",
                "leave one out",
            );
            self.report(problem.also(section.span_of("elastic_ip"), "the other"));
            return None;
        }
        let new = NewInstance {
            label: name.text.to_owned(),
            id: id?,
            interface_id: interface_id?,
            subnet_id,
            private_ip: private_ip.map_or(Some(None), |address| address.map(Some))?,
            // The address that an Elastic IP would replace at once is not taken from the pool.
            associate_public_ip: if elastic_ip.is_some() { Some(false) } else { associate_public_ip },
            public_ip: public_ip.map_or(Some(None), |address| address.map(Some))?,
            security_group_ids,
            source_dest_check,
            forwarding,
            image_id: image_id?,
            instance_type,
            key_name,
            reservation_id: None,
            at: SimTime::ZERO,
            tags: Tags::named(name.text),
        };
        let result = self.model.launch_instance(new);
        let span = match &result {
            Err(error) if error.message.contains("Address ") => section.span_of("private_ip"),
            Err(error) if error.message.contains("group") => section.span_of("groups"),
            Err(error) if error.code == "InvalidAddress.InUse" => section.span_of("public_ip"),
            _ => name.span.clone(),
        };
        let id = self.accepted(span, result)?;
        self.declare(Kind::Instance, name, id);
        let interface = self.model.instances.get(&id)?.primary_interface_id?;
        self.declare(Kind::NetworkInterface, name, interface);
        self.set_tracking(interface, tracking);
        if let Some(text) = elastic_ip {
            let allocation: AllocationId = self.refer(Kind::ElasticIp, &text, text.text)?;
            let result = self.model.associate_address(allocation, interface);
            self.accepted(text.contents(), result)?;
        }
        Some(())
    }

    fn forwarding(&self, section: &Section<'a, 'r>) -> Forwarding {
        let Some(text) = section.text("forwarding") else { return Forwarding::Off };
        match text.text {
            "off" => Forwarding::Off,
            "route" => Forwarding::Route,
            "masquerade" => Forwarding::Masquerade,
            other => {
                self.report(one_of(&text, other, &["off", "route", "masquerade"]));
                Forwarding::Off
            }
        }
    }

    fn image(&self, section: &Section<'a, 'r>) -> Option<ImageId> {
        let text = section.text("image");
        let parsed = text.as_ref().map_or(IMAGE_DEFAULT, |text| text.text).parse::<ImageId>();
        parsed
            .map_err(|error| self.report(Problem::new(section.span_of("image"), error.to_string(), "not such an id")))
            .ok()
    }

    /// Remembers a host's name. Reports a reserved or taken one, and one host too many.
    pub(super) fn new_host(&mut self, name: &Text<'a>) -> bool {
        if RESERVED.contains(&name.text) {
            let message = format!("\"{}\" is no name for a host", name.text);
            self.report(Problem::new(name.span.clone(), message, "steps use this word otherwise"));
            return false;
        }
        let folded = name.text.to_ascii_lowercase();
        if let Some(other) = self.host_places.get(&folded) {
            let problem =
                Problem::new(name.span.clone(), format!("there already is a host \"{}\"", name.text), "again here");
            let problem = problem.also(other.clone(), "first here");
            self.report(problem.help("instances, outside hosts and hosts on premises share their names, and case does not tell them apart: their captures would share a file"));
            return false;
        }
        self.host_places.insert(folded, name.span.clone());
        if self.host_places.len() == HOSTS_MAX + 1 {
            let problem = Problem::new(
                name.span.clone(),
                format!("the scenario has more than {HOSTS_MAX} hosts"),
                "one too many",
            );
            self.report(problem);
        }
        self.host_places.len() <= HOSTS_MAX
    }

    /// An address that routers of the internet would carry (or the documentation's), and that is no AWS service's.
    pub(super) fn public_address(&self, section: &Section<'a, 'r>, text: &Text<'a>) -> Option<Ipv4Addr> {
        let address = literal_address(section, text)?;
        let shared = address.octets()[0] == 100 && (64..128).contains(&address.octets()[1]);
        let special = address.is_private()
            || shared
            || address.is_loopback()
            || address.is_link_local()
            || address.octets()[0] == 0
            || address.octets()[0] >= 224;
        if special {
            let problem =
                Problem::new(text.contents(), format!("{address} is not a public address"), "not on the internet");
            self.report(
                problem.help("use one of 192.0.2.0/24, 198.51.100.0/24 or 203.0.113.0/24 (kept for documentation)"),
            );
            return None;
        }
        let region = &self.model.region;
        let own = self
            .model
            .prefix_lists
            .values()
            .filter(|list| &list.region == region && list.name.starts_with("com.amazonaws."));
        let service = own.into_iter().find(|list| list.cidrs.iter().any(|cidr| cidr.contains(&address)));
        if let Some(list) = service {
            let message = format!("{address} belongs to {} ({})", list.name, list.id);
            self.report(Problem::new(text.contents(), message, "an AWS service's"));
            return None;
        }
        Some(address)
    }
}
