//! `[dhcp_options]`: which resolvers the instances of a VPC are told of.

use super::*;
use crate::model::{DhcpOptions, DomainNameServers, Tags};
use crate::scenario::packet::literal_address;

/// What AWS calls its own resolver.
const AMAZON_PROVIDED: &str = "AmazonProvidedDNS";

impl<'a, 'r> Builder<'a, 'r> {
    /// Keys: `resolvers`, `domain_name`, `vpcs`, `id`.
    pub(super) fn dhcp_options(&mut self, root: &Section<'a, 'r>) {
        self.each(root, "dhcp_options", Kind::DhcpOptions, Self::dhcp_options_set);
    }

    fn dhcp_options_set(&mut self, name: &Text<'a>, section: &Section<'a, 'r>) -> Option<()> {
        let id = self.wanted_id(section, "id");
        let domain_name = section.text("domain_name").map(|text| text.text.to_owned());
        let resolvers = section.texts("resolvers").unwrap_or_default();
        let vpcs = section.texts("vpcs").unwrap_or_default();
        let domain_name_servers = match resolvers.as_slice() {
            [] => DomainNameServers::AmazonProvided,
            [only] if only.text == AMAZON_PROVIDED => DomainNameServers::AmazonProvided,
            several => {
                if let Some(amazon) = several.iter().find(|text| text.text == AMAZON_PROVIDED) {
                    let problem = Problem::new(
                        amazon.contents(),
                        "Amazon's resolver and others do not go together",
                        "alone, or not at all",
                    );
                    self.report(problem.help("AWS tells instances of one or the other"));
                    return None;
                }
                let addresses = several.iter().map(|text| literal_address(section, text));
                DomainNameServers::Own(addresses.collect::<Option<_>>()?)
            }
        };
        let options = DhcpOptions {
            // The constructor knows better.
            id: crate::ids::DhcpOptionsId::mint(self.model.seed, name.text, self.model.id_length),
            domain_name_servers,
            domain_name,
            others: BTreeMap::new(),
            tags: Tags::named(name.text),
        };
        let result = self.model.add_dhcp_options(name.text, id?, options);
        let span = if section.has("resolvers") { section.span_of("resolvers") } else { name.span.clone() };
        let id = self.accepted(span, result)?;
        self.declare(Kind::DhcpOptions, name, id);
        for text in &vpcs {
            let vpc: VpcId = self.refer(Kind::Vpc, text, text.text)?;
            let result = self.model.associate_dhcp_options(Some(id), vpc);
            self.accepted(text.contents(), result)?;
        }
        Some(())
    }
}
