//! What must come out of a step: road, source, exit status, reason, output, price.

use super::*;

/// What must come out. Everything that is given must hold.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Expectation {
    /// Which road the packets took.
    pub via: Option<Via>,
    /// Which source address the service saw.
    pub source: Option<ExpectedSource>,
    /// The exit status of the command.
    pub exit: Option<u8>,
    /// The code of a drop reason that must have occurred.
    pub reason: Option<String>,
    /// What the output must contain.
    pub output_contains: Option<String>,
    /// What a gigabyte of the host's traffic cost, as measured.
    pub usd_per_gb: Option<Usd>,
    /// Where it stands in the source.
    pub span: Span,
}

/// The road packets took.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Via {
    /// Any internet gateway.
    InternetGateway,
    /// Any gateway endpoint.
    GatewayEndpoint,
    /// Any VPN connection.
    Vpn,
    /// Any virtual interface of Direct Connect.
    DirectConnect,
    /// Any NAT gateway.
    NatGateway,
    /// Inside the VPC.
    Local,
    /// Nothing came through.
    None,
    /// By some interface endpoint.
    InterfaceEndpoint,
    /// Any peering connection.
    Peering,
    /// Any transit gateway.
    TransitGateway,
    /// This gateway, endpoint, peering connection or transit gateway: a name or an id, to be looked up when the step has run.
    Named(String),
}

/// The source address the far end saw.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ExpectedSource {
    /// The host's public address.
    Public,
    /// The host's private address.
    Private,
    /// This one.
    Address(Ipv4Addr),
}

/// As scenarios write it.
impl fmt::Display for Via {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Via::InternetGateway => "internet-gateway",
            Via::GatewayEndpoint => "gateway-endpoint",
            Via::InterfaceEndpoint => "interface-endpoint",
            Via::Vpn => "vpn",
            Via::DirectConnect => "direct-connect",
            Via::NatGateway => "nat-gateway",
            Via::Local => "local",
            Via::None => "none",
            Via::Peering => "peering",
            Via::TransitGateway => "transit-gateway",
            Via::Named(name) => name,
        })
    }
}

/// As scenarios write it.
impl fmt::Display for ExpectedSource {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            ExpectedSource::Public => f.pad("public"),
            ExpectedSource::Private => f.pad("private"),
            ExpectedSource::Address(address) => address.fmt(f),
        }
    }
}

impl Timeline<'_, '_, '_> {
    pub(super) fn expect(
        &self,
        section: &Section<'_, '_>,
        on: &[String],
        then: &[String],
    ) -> BTreeMap<String, Expectation> {
        let mut expectations = BTreeMap::new();
        let Some(table) = section.section("expect") else { return expectations };
        let rerun = self.steps.iter().filter(|step| then.contains(&step.name));
        let hosts: Vec<&str> = on.iter().chain(rerun.flat_map(|step| &step.on)).map(String::as_str).collect();
        let operator = on.is_empty().then_some("operator");
        for (host, table) in table.all_items(|host| format!("the expectation of \"{}\"", shown(host))) {
            let known = hosts.iter().copied().chain(operator).chain(["all"]);
            if !known.clone().any(|known| known == host.text) {
                let known: Vec<&str> = known.collect();
                let here = closest(host.text, known.iter().copied())
                    .map_or_else(|| "not here".to_owned(), |name| format!("did you mean \"{name}\"?"));
                let message = format!("\"{}\" takes no part in this step", shown(host.text));
                section.report(
                    Problem::new(host.span.clone(), message, here)
                        .help(format!("expected one of: {}", known.join(", "))),
                );
            }
            expectations.insert(host.text.to_owned(), self.expectation(&table));
            table.finish();
        }
        expectations
    }

    fn expectation(&self, table: &Section<'_, '_>) -> Expectation {
        Expectation {
            via: table.text("via").and_then(|text| self.via(table, &text)),
            source: table.text("source").and_then(|text| source(table, &text)),
            exit: table.integer("exit", 0..=255).and_then(|status| u8::try_from(status).ok()),
            reason: table.text("reason").and_then(|text| reason(table, &text)),
            output_contains: table.text("output_contains").map(|text| text.text.to_owned()),
            usd_per_gb: amount_at(table, "usd_per_gb"),
            span: table.span.clone(),
        }
    }

    fn via(&self, table: &Section<'_, '_>, text: &Text<'_>) -> Option<Via> {
        match text.text {
            "internet-gateway" => return Some(Via::InternetGateway),
            "gateway-endpoint" => return Some(Via::GatewayEndpoint),
            "interface-endpoint" => return Some(Via::InterfaceEndpoint),
            "vpn" => return Some(Via::Vpn),
            "direct-connect" => return Some(Via::DirectConnect),
            "nat-gateway" => return Some(Via::NatGateway),
            "local" => return Some(Via::Local),
            "none" => return Some(Via::None),
            "peering" => return Some(Via::Peering),
            "transit-gateway" => return Some(Via::TransitGateway),
            _ => {}
        }
        let names = &self.builder.names;
        let roads = [
            Kind::InternetGateway,
            Kind::VpcEndpoint,
            Kind::NatGateway,
            Kind::Peering,
            Kind::TransitGateway,
            Kind::VpnConnection,
            Kind::VirtualInterface,
        ];
        let known = roads
            .iter()
            .any(|kind| names.lookup(*kind, text.text).is_some() || self.builder.is_broken(*kind, text.text));
        let shaped = Kind::of_id(text.text).is_some_and(|kind| roads.contains(&kind));
        if known || shaped || self.created.contains_key(text.text) {
            return Some(Via::Named(text.text.to_owned()));
        }
        let words = [
            "internet-gateway",
            "nat-gateway",
            "gateway-endpoint",
            "interface-endpoint",
            "peering",
            "transit-gateway",
            "vpn",
            "direct-connect",
            "local",
            "none",
        ];
        let problem = one_of(text, text.text, &words);
        table.report(problem.help(format!("expected one of: {}, or the name or id of one", words.join(", "))));
        None
    }
}

fn source(table: &Section<'_, '_>, text: &Text<'_>) -> Option<ExpectedSource> {
    match text.text {
        "public" => Some(ExpectedSource::Public),
        "private" => Some(ExpectedSource::Private),
        address => match address.parse() {
            Ok(address) => Some(ExpectedSource::Address(address)),
            Err(_) => {
                let problem = one_of(text, address, &["public", "private"]);
                table.report(problem.help("expected public, private or an IPv4 address"));
                None
            }
        },
    }
}

fn reason(table: &Section<'_, '_>, text: &Text<'_>) -> Option<String> {
    let codes: BTreeSet<&str> = DropReason::ALL.into_iter().map(DropReason::code).collect();
    if codes.contains(text.text) {
        return Some(text.text.to_owned());
    }
    let here = closest(text.text, codes.iter().copied());
    let here = here.map_or_else(|| "no such reason".to_owned(), |code| format!("did you mean \"{code}\"?"));
    let problem = Problem::new(text.contents(), format!("\"{}\" is no drop reason", shown(text.text)), here);
    let codes: Vec<&str> = codes.into_iter().collect();
    table.report(problem.help(format!("known: {}", codes.join(", "))));
    None
}
