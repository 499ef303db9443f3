//! What the scenario calls things: names to AWS ids and back.
//!
//! Non-goal: knowing whether a resource still exists (ask the model).
//! Invariant: a name stands for at most one id of a kind; an id has at most one name that is shown, though several may find it.

use super::read::closest;
use std::collections::BTreeMap;
use std::fmt;

/// The kinds of things that have names.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[allow(missing_docs, reason = "each name says it")]
pub enum Kind {
    Vpc,
    Subnet,
    RouteTable,
    InternetGateway,
    SecurityGroup,
    NetworkAcl,
    NetworkInterface,
    Instance,
    VpcEndpoint,
    PrefixList,
    ElasticIp,
    DhcpOptions,
    PublicAccessExclusion,
    Peering,
    TransitGateway,
    TransitGatewayAttachment,
    TransitGatewayRouteTable,
    VpnGateway,
    CustomerGateway,
    VpnConnection,
    VirtualInterface,
    NatGateway,
}

impl Kind {
    /// Every kind.
    pub const ALL: [Kind; 22] = [
        Kind::Vpc,
        Kind::Subnet,
        Kind::RouteTable,
        Kind::InternetGateway,
        Kind::SecurityGroup,
        Kind::NetworkAcl,
        Kind::NetworkInterface,
        Kind::Instance,
        Kind::VpcEndpoint,
        Kind::PrefixList,
        Kind::ElasticIp,
        Kind::DhcpOptions,
        Kind::PublicAccessExclusion,
        Kind::Peering,
        Kind::TransitGateway,
        Kind::TransitGatewayAttachment,
        Kind::TransitGatewayRouteTable,
        Kind::VpnGateway,
        Kind::CustomerGateway,
        Kind::VpnConnection,
        Kind::VirtualInterface,
        Kind::NatGateway,
    ];

    /// The part of its ids before the hyphen, "rtb".
    pub const fn prefix(self) -> &'static str {
        match self {
            Kind::Vpc => "vpc",
            Kind::Subnet => "subnet",
            Kind::RouteTable => "rtb",
            Kind::InternetGateway => "igw",
            Kind::SecurityGroup => "sg",
            Kind::NetworkAcl => "acl",
            Kind::NetworkInterface => "eni",
            Kind::Instance => "i",
            Kind::VpcEndpoint => "vpce",
            Kind::PrefixList => "pl",
            Kind::ElasticIp => "eipalloc",
            Kind::DhcpOptions => "dopt",
            Kind::PublicAccessExclusion => "vpcbpa-exclude",
            Kind::Peering => "pcx",
            Kind::TransitGateway => "tgw",
            Kind::TransitGatewayAttachment => "tgw-attach",
            Kind::TransitGatewayRouteTable => "tgw-rtb",
            Kind::VpnGateway => "vgw",
            Kind::CustomerGateway => "cgw",
            Kind::VpnConnection => "vpn",
            Kind::VirtualInterface => "dxvif",
            Kind::NatGateway => "nat",
        }
    }

    /// The kind an id belongs to, by its prefix and shape.
    pub fn of_id(id: &str) -> Option<Kind> {
        let (prefix, digits) = id.rsplit_once('-')?;
        let shaped = matches!(digits.len(), 8 | 17)
            && digits.bytes().all(|byte| byte.is_ascii_digit() || (b'a'..=b'f').contains(&byte));
        Kind::ALL.into_iter().find(|kind| shaped && kind.prefix() == prefix)
    }
}

/// In words: "route table".
impl fmt::Display for Kind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Kind::Vpc => "VPC",
            Kind::Subnet => "subnet",
            Kind::RouteTable => "route table",
            Kind::InternetGateway => "internet gateway",
            Kind::SecurityGroup => "security group",
            Kind::NetworkAcl => "network ACL",
            Kind::NetworkInterface => "network interface",
            Kind::Instance => "instance",
            Kind::VpcEndpoint => "VPC endpoint",
            Kind::PrefixList => "prefix list",
            Kind::ElasticIp => "Elastic IP",
            Kind::DhcpOptions => "DHCP options set",
            Kind::PublicAccessExclusion => "exclusion from VPC Block Public Access",
            Kind::Peering => "VPC peering connection",
            Kind::TransitGateway => "transit gateway",
            Kind::TransitGatewayAttachment => "transit gateway attachment",
            Kind::TransitGatewayRouteTable => "transit gateway route table",
            Kind::VpnGateway => "virtual private gateway",
            Kind::CustomerGateway => "customer gateway",
            Kind::VpnConnection => "VPN connection",
            Kind::VirtualInterface => "virtual interface",
            Kind::NatGateway => "NAT gateway",
        })
    }
}

/// Names and ids.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Names {
    ids: BTreeMap<(Kind, String), String>,
    names: BTreeMap<String, String>,
}

impl Names {
    /// Gives `id` a name. A name that stood for something else stands for this from now on (a step that is run again
    /// creates anew what it names).
    pub fn insert(&mut self, kind: Kind, name: &str, id: &str) {
        if let Some(old) = self.ids.insert((kind, name.to_owned()), id.to_owned())
            && self.names.get(&old).is_some_and(|shown| shown == name)
        {
            self.names.remove(&old);
        }
        self.names.insert(id.to_owned(), name.to_owned());
    }

    /// A further name that finds `id`, but is not shown for it. Never replaces a name.
    pub fn insert_alias(&mut self, kind: Kind, name: &str, id: &str) {
        self.ids.entry((kind, name.to_owned())).or_insert_with(|| id.to_owned());
    }

    /// The id that `text` means: it is a name of that kind, or a known id of it.
    pub fn lookup<'n>(&'n self, kind: Kind, text: &str) -> Option<&'n str> {
        if let Some(id) = self.ids.get(&(kind, text.to_owned())) {
            return Some(id);
        }
        let (id, _) = self.names.get_key_value(text)?;
        (Kind::of_id(id) == Some(kind)).then_some(id)
    }

    /// The id called `name`, of whatever kind. Kinds may share a name: the first in the order of [`Kind::ALL`] answers.
    pub fn lookup_any<'n>(&'n self, name: &str) -> Option<(Kind, &'n str)> {
        Kind::ALL.into_iter().find_map(|kind| Some((kind, self.lookup(kind, name)?)))
    }

    /// What the scenario calls `id`.
    pub fn name_of(&self, id: &str) -> Option<&str> {
        self.names.get(id).map(String::as_str)
    }

    /// Whether `name` is a name of `id`: the shown one or another that finds it.
    pub fn is_called(&self, name: &str, id: &str) -> bool {
        Kind::of_id(id).is_some_and(|kind| self.ids.get(&(kind, name.to_owned())).is_some_and(|found| found == id))
    }

    /// `igw-6f2d91ab (default)`, or just the id if it has no name.
    pub fn describe(&self, id: &str) -> String {
        match self.name_of(id) {
            Some(name) => format!("{id} ({name})"),
            None => id.to_owned(),
        }
    }

    /// Every name of a kind, sorted.
    pub fn of_kind(&self, kind: Kind) -> impl Iterator<Item = (&str, &str)> {
        let all = self.ids.range((kind, String::new())..).take_while(move |((other, _), _)| *other == kind);
        all.map(|((_, name), id)| (name.as_str(), id.as_str()))
    }

    /// The known name of that kind nearest to `text`, if any is near.
    pub fn suggest(&self, kind: Kind, text: &str) -> Option<&str> {
        closest(text, self.of_kind(kind).map(|(name, _)| name))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn example() -> Names {
        let mut names = Names::default();
        names.insert(Kind::Vpc, "default", "vpc-0bbc736e");
        names.insert(Kind::RouteTable, "main", "rtb-4c19d2e0");
        names.insert_alias(Kind::RouteTable, "default-main", "rtb-4c19d2e0");
        names.insert(Kind::SecurityGroup, "default", "sg-00000001");
        names
    }

    #[test]
    fn names_are_found_per_kind_and_ids_only_as_their_own_kind() {
        let names = example();
        assert_eq!(names.lookup(Kind::Vpc, "default"), Some("vpc-0bbc736e"));
        assert_eq!(names.lookup(Kind::SecurityGroup, "default"), Some("sg-00000001"));
        assert_eq!(names.lookup(Kind::RouteTable, "default-main"), Some("rtb-4c19d2e0"));
        assert_eq!(names.lookup(Kind::Vpc, "vpc-0bbc736e"), Some("vpc-0bbc736e"));
        assert_eq!(names.lookup(Kind::Subnet, "vpc-0bbc736e"), None);
        assert_eq!(names.lookup(Kind::Vpc, "vpc-ffffffff"), None);
        assert_eq!(names.lookup_any("main"), Some((Kind::RouteTable, "rtb-4c19d2e0")));
    }

    #[test]
    fn the_way_back_shows_the_main_name() {
        let mut names = example();
        assert_eq!(names.name_of("rtb-4c19d2e0"), Some("main"));
        assert!(names.is_called("default-main", "rtb-4c19d2e0") && !names.is_called("default", "rtb-4c19d2e0"));
        assert_eq!(names.describe("igw-1"), "igw-1");
        names.insert(Kind::VpcEndpoint, "ddb", "vpce-00000001");
        names.insert(Kind::VpcEndpoint, "ddb", "vpce-00000002");
        assert_eq!(names.name_of("vpce-00000001"), None);
        assert_eq!(names.describe("vpce-00000002"), "vpce-00000002 (ddb)");
        assert_eq!(names.suggest(Kind::RouteTable, "mian"), Some("main"));
        assert_eq!(names.of_kind(Kind::RouteTable).count(), 2);
    }

    #[test]
    fn kinds_of_ids() {
        assert_eq!(Kind::of_id("vpce-9b15e2f2"), Some(Kind::VpcEndpoint));
        assert_eq!(Kind::of_id("i-0a1b2c3d4e5f60718"), Some(Kind::Instance));
        assert_eq!(Kind::of_id("vpce-9b15e2"), None);
        assert_eq!(Kind::of_id("laptop"), None);
    }
}
