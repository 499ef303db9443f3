//! The small notations inside strings: times, rates, sizes, and the rules of security groups, ACLs and route tables.
//!
//! Non-goal: references. Names are cut out here and looked up where the model is built.

use super::error::Problem;
use super::read::{Text, closest, shown};
use crate::model::{LearnedOver, LearnedRoute, Propagation, TrafficMatch};
use crate::net::{Ipv4Net, PortRange, Protocol};
use crate::time::SimDuration;
use std::net::Ipv4Addr;

/// No notation may name a longer time: one year.
const DURATION_NS_MAX: u64 = 365 * 24 * 3_600 * 1_000_000_000;

/// `350us`, `20 ms`, `1.5 s`, `2m`, `1h30m`.
pub(super) fn duration(text: &Text<'_>) -> Result<SimDuration, Problem> {
    parse_duration(text.text).ok_or_else(|| not_a(text, "a time", "350us, 20ms, 1.5s, 2m or 1h30m; at most one year"))
}

/// The time that `text` says in the notation of scenario files: `350us`, `20 ms`, `1.5 s`, `2m`, `1h30m`, at most a year.
pub fn parse_duration(text: &str) -> Option<SimDuration> {
    let units = [
        ("ns", 1),
        ("us", 1_000),
        ("ms", 1_000_000),
        ("s", 1_000_000_000),
        ("m", 60_000_000_000),
        ("min", 60_000_000_000),
        ("h", 3_600_000_000_000),
    ];
    let mut total_ns: u64 = 0;
    let mut rest = text.trim();
    if rest.is_empty() {
        return None;
    }
    while !rest.is_empty() {
        let (number, unit, after) = number_and_unit(rest);
        let scale = units.iter().find(|(name, _)| *name == unit).map(|(_, scale)| *scale)?;
        let sum = total_ns.saturating_add(scaled(number, scale, DURATION_NS_MAX)?);
        if sum > DURATION_NS_MAX {
            return None;
        }
        total_ns = sum;
        rest = after.trim_start();
    }
    Some(SimDuration::from_nanos(total_ns))
}

/// `5 Gbit/s`, `100 Mbit/s`; `unlimited` is 0.
pub(super) fn bandwidth(text: &Text<'_>) -> Result<u64, Problem> {
    if text.text.trim() == "unlimited" {
        return Ok(0);
    }
    let units = [("bit/s", 1), ("kbit/s", 1_000), ("Mbit/s", 1_000_000), ("Gbit/s", 1_000_000_000)];
    quantity(text, &units, 1_000_000_000_000_000)
        .filter(|rate| *rate > 0)
        .ok_or_else(|| not_a(text, "a bandwidth", "5 Gbit/s, 100 Mbit/s, 64 kbit/s or unlimited"))
}

/// `1 MiB`, `64 KiB`, `1500 B`.
pub(super) fn size(text: &Text<'_>) -> Result<u64, Problem> {
    let units = [("B", 1), ("kB", 1_000), ("KiB", 1 << 10), ("MB", 1_000_000), ("MiB", 1 << 20), ("GiB", 1 << 30)];
    quantity(text, &units, 1 << 40).ok_or_else(|| not_a(text, "a size", "1 MiB, 64 KiB or 1500 B"))
}

/// `100 GB`, `1.5 TB`: traffic of a month, in powers of 1,000.
pub(super) fn volume(text: &Text<'_>) -> Result<u64, Problem> {
    parse_volume(text.text).ok_or_else(|| not_a(text, "a volume", "100 GB, 1.5 TB or 2 PB; at most 1000 PB"))
}

/// The bytes that `text` says in the notation of `monthly_volume`: `500 MB`, `100 GB`, `1.5 TB`, `2 PB`, at most 1,000 PB.
pub fn parse_volume(text: &str) -> Option<u64> {
    let units = [("MB", 1_000_000), ("GB", 1_000_000_000), ("TB", 1_000_000_000_000), ("PB", 1_000_000_000_000_000)];
    quantity_of(text, &units, 1_000_000_000_000_000_000)
}

fn quantity(text: &Text<'_>, units: &[(&str, u64)], max: u64) -> Option<u64> {
    quantity_of(text.text, units, max)
}

fn quantity_of(text: &str, units: &[(&str, u64)], max: u64) -> Option<u64> {
    let (number, unit, after) = number_and_unit(text.trim());
    let (_, scale) = units.iter().find(|(name, _)| *name == unit)?;
    after.is_empty().then(|| scaled(number, *scale, max))?
}

/// Splits `1.5 GiB...` after the unit.
fn number_and_unit(text: &str) -> (&str, &str, &str) {
    let digits = text.find(|c: char| !c.is_ascii_digit() && c != '.').unwrap_or(text.len());
    let rest = text[digits..].trim_start();
    let unit = rest.find(|c: char| c.is_ascii_digit() || c.is_whitespace()).unwrap_or(rest.len());
    (&text[..digits], &rest[..unit], &rest[unit..])
}

/// Exact decimal arithmetic: floats would make 0.35 ms 349,999 ns.
fn scaled(number: &str, scale: u64, max: u64) -> Option<u64> {
    let (whole, fraction) = number.split_once('.').unwrap_or((number, ""));
    if whole.is_empty() || whole.len() > 18 || fraction.len() > 9 || number.ends_with('.') {
        return None;
    }
    let digits: u128 = format!("{whole}{fraction}").parse().ok()?;
    let product = digits * u128::from(scale);
    let divisor = 10u128.pow(u32::try_from(fraction.len()).ok()?);
    let value = (product.is_multiple_of(divisor)).then(|| product / divisor)?;
    u64::try_from(value).ok().filter(|value| *value <= max)
}

/// A block as a router announces it: `192.168.0.0/16`, `192.168.0.0/16 as-path 2 med 10`.
pub(super) fn announced(text: &Text<'_>) -> Result<LearnedRoute, Problem> {
    let wrong = |word: &str| {
        not_a(text, "an announced block", "192.168.0.0/16, or 192.168.0.0/16 as-path 2 med 10")
            .also(text.place(word), "here")
    };
    let mut words = text.text.split_whitespace();
    let word = words.next().unwrap_or_default();
    let cidr: Ipv4Net = word.parse().map_err(|_| wrong(word))?;
    let mut route = LearnedRoute::new(cidr);
    while let Some(key) = words.next() {
        let value = words.next().unwrap_or_default();
        let understood = match key {
            "as-path" => value.parse().map(|length| route.as_path_length = length).is_ok(),
            "med" => value.parse().map(|number| route.multi_exit_discriminator = number).is_ok(),
            _ => false,
        };
        if !understood {
            return Err(wrong(key));
        }
    }
    Ok(route)
}

/// An IPv4 address.
pub(super) fn address(text: &Text<'_>) -> Result<Ipv4Addr, Problem> {
    let text_and_help = || not_a(text, "an IPv4 address", "198.51.100.7");
    text.text.parse().map_err(|_| text_and_help())
}

/// A block in CIDR notation without host bits.
pub(super) fn block(text: &Text<'_>) -> Result<Ipv4Net, Problem> {
    let block: Ipv4Net = text.text.parse().map_err(|_| not_a(text, "an IPv4 block", "10.0.0.0/16"))?;
    match block == block.trunc() {
        true => Ok(block),
        false => Err(Problem::new(
            text.contents(),
            format!("the block {block} has host bits"),
            format!("did you mean {}?", block.trunc()),
        )),
    }
}

/// A block, or an address that stands for its /32. Host bits are cleared, as AWS does in rules.
pub(super) fn block_or_address(word: &str) -> Option<Ipv4Net> {
    let whole = |address: Ipv4Addr| Ipv4Net::new_assert(address, 32);
    word.parse().map(whole).ok().or_else(|| word.parse::<Ipv4Net>().ok().map(|block| block.trunc()))
}

fn not_a(text: &Text<'_>, wanted: &str, examples: &str) -> Problem {
    Problem::new(text.contents(), format!("\"{}\" is not {wanted}", shown(text.text)), "not understood")
        .help(format!("expected {examples}"))
}

/// A security-group rule, its peer still a word.
#[derive(Clone, Debug)]
pub(super) struct GroupRule<'a> {
    pub(super) traffic: TrafficMatch,
    pub(super) peer: PeerWord<'a>,
}

/// The other side of a rule as written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum PeerWord<'a> {
    /// The group itself.
    Itself,
    /// `sg NAME` or an id.
    Group(&'a str),
    /// `pl NAME` or an id.
    PrefixList(&'a str),
    /// A block or address.
    Block(Ipv4Net),
}

/// `tcp 22 from 198.51.100.7/32`, `all from self`, `tcp 443 to pl-02cd2c6b`, `icmp 8 from sg web`.
pub(super) fn group_rule<'a>(text: &Text<'a>, egress: bool) -> Result<GroupRule<'a>, Problem> {
    const HELP: &str = "a rule is PROTOCOL [PORTS] from|to PEER, for example \"tcp 443 from 10.0.0.0/16\", \"all from self\", \
                        \"tcp 22-23 from sg bastion\", \"tcp 443 to pl-02cd2c6b\", \"icmp 8 from 0.0.0.0/0\", \"protocol 47 from 10.0.0.1\"";
    let (traffic, peer) = traffic_and_rest(text, text.text, egress, HELP)?;
    let wrong = |word: &str, message: String| Problem::new(text.place(word), message, "not understood").help(HELP);
    let peer = match peer.as_slice() {
        ["self"] => PeerWord::Itself,
        ["sg" | "group", name] => PeerWord::Group(name),
        ["pl" | "prefix-list", name] => PeerWord::PrefixList(name),
        [id] if id.starts_with("sg-") => PeerWord::Group(id),
        [id] if id.starts_with("pl-") || id.starts_with("com.amazonaws.") => PeerWord::PrefixList(id),
        [word] => match block_or_address(word) {
            Some(block) => PeerWord::Block(block),
            None => return Err(wrong(word, format!("\"{}\" is no peer of a rule", shown(word)))),
        },
        [] => return Err(wrong(text.text, "the rule names no peer".to_owned())),
        [first, ..] => return Err(wrong(first, format!("\"{}\" is no peer of a rule", shown(&peer.join(" "))))),
    };
    Ok(GroupRule { traffic, peer })
}

/// A network ACL's rule: number, allow, traffic, block.
pub(super) type AclRule = (u16, bool, TrafficMatch, Ipv4Net);

/// `100 allow tcp 443 from 0.0.0.0/0`.
pub(super) fn acl_rule(text: &Text<'_>, egress: bool) -> Result<AclRule, Problem> {
    const HELP: &str = "a rule is NUMBER allow|deny PROTOCOL [PORTS] from|to BLOCK, for example \"100 allow tcp 443 from 0.0.0.0/0\"; \
                        network ACLs know neither groups nor prefix lists";
    let wrong = |word: &str, message: String| Problem::new(text.place(word), message, "not understood").help(HELP);
    let mut words = text.text.splitn(3, ' ').filter(|word| !word.is_empty());
    let (number, verb, rest) = (words.next().unwrap_or(""), words.next().unwrap_or(""), words.next().unwrap_or(""));
    let Ok(number) = number.parse::<u16>() else {
        return Err(wrong(number, format!("\"{}\" is no rule number", shown(number))));
    };
    let allow = match verb {
        "allow" => true,
        "deny" => false,
        other => return Err(wrong(other, format!("\"{}\" is neither allow nor deny", shown(other)))),
    };
    let (traffic, peer) = traffic_and_rest(text, rest, egress, HELP)?;
    match peer.as_slice() {
        [word] => match block_or_address(word) {
            Some(block) => Ok((number, allow, traffic, block)),
            None => Err(wrong(word, format!("\"{}\" is not a block", shown(word)))),
        },
        _ => Err(wrong(rest, "a network ACL's rule names one block".to_owned())),
    }
}

/// Reads `PROTOCOL [PORTS] from|to` off `rule` (a part of `text`); the words after it are the peer.
fn traffic_and_rest<'a>(
    text: &Text<'a>,
    rule: &'a str,
    egress: bool,
    help: &str,
) -> Result<(TrafficMatch, Vec<&'a str>), Problem> {
    let wrong = |word: &str, message: String| Problem::new(text.place(word), message, "not understood").help(help);
    let words: Vec<&str> = rule.split_whitespace().collect();
    let (wanted, other) = if egress { ("to", "from") } else { ("from", "to") };
    let Some(middle) = words.iter().position(|word| *word == wanted) else {
        return Err(match words.iter().find(|word| **word == other) {
            Some(word) => {
                let side = if egress { "an outbound" } else { "an inbound" };
                wrong(word, format!("{side} rule says \"{wanted}\", not \"{other}\""))
            }
            None => wrong(rule, format!("the rule has no \"{wanted}\"")),
        });
    };
    let traffic = match &words[..middle] {
        ["all"] => TrafficMatch::All,
        ["tcp"] | ["tcp", "all"] => TrafficMatch::Ports(Protocol::TCP, PortRange::ALL),
        ["udp"] | ["udp", "all"] => TrafficMatch::Ports(Protocol::UDP, PortRange::ALL),
        [protocol @ ("tcp" | "udp"), range] => {
            let Some(range) = ports(range) else {
                return Err(wrong(range, format!("\"{}\" is neither a port nor a range of ports", shown(range))));
            };
            TrafficMatch::Ports(if *protocol == "tcp" { Protocol::TCP } else { Protocol::UDP }, range)
        }
        ["icmp"] | ["icmp", "all"] => TrafficMatch::Icmp { icmp_type: None, icmp_code: None },
        ["icmp", kind] => {
            let (kind_text, code_text) = kind.split_once('/').map_or((*kind, None), |(kind, code)| (kind, Some(code)));
            match (kind_text.parse().ok(), code_text.map(str::parse::<u8>).transpose()) {
                (Some(kind), Ok(code)) => TrafficMatch::Icmp { icmp_type: Some(kind), icmp_code: code },
                _ => return Err(wrong(kind, format!("\"{}\" is no ICMP type, or type/code", shown(kind)))),
            }
        }
        ["protocol", number] => match number.parse() {
            Ok(number @ (1 | 6 | 17)) => {
                let name = Protocol(number);
                return Err(wrong(words[1], format!("write \"{name}\" for protocol {number}")));
            }
            Ok(number) => TrafficMatch::Other(Protocol(number)),
            Err(_) => return Err(wrong(number, format!("\"{}\" is no IP protocol number", shown(number)))),
        },
        [] => return Err(wrong(rule, "the rule names no protocol".to_owned())),
        [first, ..] => {
            let hint = closest(first, ["tcp", "udp", "icmp", "all", "protocol"]);
            let hint = hint.map_or_else(String::new, |known| format!(": did you mean \"{known}\"?"));
            let traffic = shown(&words[..middle].join(" "));
            return Err(wrong(first, format!("\"{traffic}\" names no protocol and ports{hint}")));
        }
    };
    Ok((traffic, words[middle + 1..].to_vec()))
}

fn ports(text: &str) -> Option<PortRange> {
    let (from, to) = text.split_once('-').unwrap_or((text, text));
    let (from, to) = (from.parse().ok()?, to.parse().ok()?);
    (from <= to).then_some(PortRange { from, to })
}

/// A route as written: destination, target and how it was learned.
#[derive(Clone, Copy, Debug)]
pub(super) struct RouteWords<'a> {
    pub(super) destination: &'a str,
    pub(super) target: &'a str,
    pub(super) propagation: Option<Propagation>,
}

/// `0.0.0.0/0 -> igw`, `pl-02cd2c6b -> igw`, `10.0.0.0/8 -> eni of app-2`, `10.9.0.0/16 -> router (propagated vpn-bgp as-path 2 med 10)`.
pub(super) fn route<'a>(text: &Text<'a>) -> Result<RouteWords<'a>, Problem> {
    const HELP: &str = "a route is DESTINATION -> TARGET, for example \"0.0.0.0/0 -> igw\", \"10.0.0.0/8 -> eni of router\", or \
                        \"10.9.0.0/16 -> router (propagated vpn-bgp as-path 2 med 10)\"; kinds are dx-bgp, vpn-static and vpn-bgp";
    let wrong = |word: &str, message: String| Problem::new(text.place(word), message, "not understood").help(HELP);
    let Some((destination, rest)) = text.text.split_once("->") else {
        return Err(wrong(text.text, "the route has no \"->\"".to_owned()));
    };
    let (target, learned) = match rest.split_once('(') {
        Some((target, learned)) => match learned.trim_end().strip_suffix(')') {
            Some(learned) => (target, Some(learned)),
            None => return Err(wrong(learned, "the parenthesis is not closed".to_owned())),
        },
        None => (rest, None),
    };
    let propagation = learned.map(|learned| propagation(learned).map_err(|(word, message)| wrong(word, message)));
    let (destination, target) = (destination.trim(), target.trim());
    if destination.is_empty() || target.is_empty() {
        return Err(wrong(text.text, "the route lacks a destination or a target".to_owned()));
    }
    Ok(RouteWords { destination, target, propagation: propagation.transpose()? })
}

fn propagation(text: &str) -> Result<Propagation, (&str, String)> {
    let mut words = text.split_whitespace();
    if words.next() != Some("propagated") {
        return Err((text, "only \"(propagated ...)\" may follow a target".to_owned()));
    }
    let learned_over = match words.next() {
        Some("dx-bgp") => LearnedOver::DirectConnectBgp,
        Some("vpn-static") => LearnedOver::VpnStatic,
        Some("vpn-bgp") => LearnedOver::VpnBgp,
        other => return Err((other.unwrap_or(text), "a propagated route says how it was learned".to_owned())),
    };
    let mut route = Propagation { learned_over, as_path_length: 0, multi_exit_discriminator: 0 };
    while let Some(key) = words.next() {
        let value = words.next().unwrap_or("");
        let understood = match key {
            "as-path" => value.parse().map(|length| route.as_path_length = length).is_ok(),
            "med" => value.parse().map(|med| route.multi_exit_discriminator = med).is_ok(),
            _ => false,
        };
        if !understood {
            return Err((
                key,
                format!("\"{}\" is neither \"as-path N\" nor \"med N\"", shown(&format!("{key} {value}"))),
            ));
        }
    }
    Ok(route)
}

#[cfg(test)]
mod tests {
    use super::super::read::{Reader, Section};
    use super::*;
    use toml::de::DeTable;

    fn with<T>(text: &str, check: impl FnOnce(&Text<'_>) -> T) -> T {
        let source = format!("a = '{text}'");
        let table = DeTable::parse(&source).unwrap();
        let reader = Reader::new(&source);
        let text =
            Section::new(&reader, "test", 0..0, table.get_ref(), &super::super::read::TEST_SHAPE).text("a").unwrap();
        check(&text)
    }

    #[test]
    fn durations_are_exact() {
        let ns = |text| with(text, |text| duration(text).map(SimDuration::as_nanos).ok());
        assert_eq!(ns("350us"), Some(350_000));
        assert_eq!(ns("0.35 ms"), Some(350_000));
        assert_eq!(ns("1h30m"), Some(5_400_000_000_000));
        assert_eq!(ns("0s"), Some(0));
        for bad in
            ["", "5", "5 lightyears", "-1s", "1.s", ".5s", "0.5ns", "99999h", "1s x", "1e9s", "18446744073709551616ns"]
        {
            assert_eq!(ns(bad), None, "{bad}");
        }
    }

    #[test]
    fn rates_and_sizes() {
        assert_eq!(with("5 Gbit/s", bandwidth).unwrap(), 5_000_000_000);
        assert_eq!(with("unlimited", bandwidth).unwrap(), 0);
        assert!(with("5 GB", bandwidth).is_err());
        assert!(with("0 Gbit/s", bandwidth).is_err());
        assert_eq!(with("1.5 MiB", size).unwrap(), 1_572_864);
        assert!(with("1 parsec", size).is_err());
    }

    #[test]
    fn group_rules() {
        let rule = |text: &str, egress| {
            with(text, |text| group_rule(text, egress).map(|rule| format!("{} {:?}", rule.traffic, rule.peer)))
        };
        assert_eq!(rule("tcp 22 from 198.51.100.7", false).unwrap(), "tcp 22 Block(198.51.100.7/32)");
        assert_eq!(rule("all from self", false).unwrap(), "all Itself");
        assert_eq!(rule("udp 53-60 to sg dns", true).unwrap(), "udp 53-60 Group(\"dns\")");
        assert_eq!(rule("tcp 443 to pl-02cd2c6b", true).unwrap(), "tcp 443 PrefixList(\"pl-02cd2c6b\")");
        assert_eq!(rule("icmp 3/4 from 10.1.2.3/8", false).unwrap(), "icmp 3/4 Block(10.0.0.0/8)");
        assert_eq!(rule("protocol 47 from 0.0.0.0/0", false).unwrap(), "protocol 47 Block(0.0.0.0/0)");
        for bad in [
            "",
            "tcp",
            "tcp 22 to 10.0.0.0/8",
            "tpc 22 from self",
            "tcp 9-1 from self",
            "tcp 70000 from self",
            "icmp x from self",
            "protocol 6 from self",
            "tcp 22 from",
            "tcp 22 from nowhere",
            "tcp 22 from a b c",
            "from self",
        ] {
            assert!(rule(bad, false).is_err(), "{bad}");
        }
        assert!(rule("tpc 22 from self", false).unwrap_err().message.contains("did you mean \"tcp\""));
    }

    #[test]
    fn acl_rules() {
        let rule = with("100 allow tcp 443 from 0.0.0.0/0", |text| acl_rule(text, false)).unwrap();
        assert_eq!((rule.0, rule.1, rule.3), (100, true, Ipv4Net::default()));
        for bad in
            ["", "allow all from 0.0.0.0/0", "1 maybe all from 0.0.0.0/0", "1 deny all from sg web", "1 deny all from"]
        {
            assert!(with(bad, |text| acl_rule(text, false)).is_err(), "{bad}");
        }
    }

    #[test]
    fn routes() {
        with("10.9.0.0/16 -> app-router (propagated vpn-bgp as-path 2 med 10)", |text| {
            let words = route(text).unwrap();
            assert_eq!((words.destination, words.target), ("10.9.0.0/16", "app-router"));
            let propagation = words.propagation.unwrap();
            assert_eq!(propagation.learned_over, LearnedOver::VpnBgp);
            assert_eq!((propagation.as_path_length, propagation.multi_exit_discriminator), (2, 10));
        });
        for bad in [
            "",
            "0.0.0.0/0",
            "-> igw",
            "0.0.0.0/0 ->",
            "0.0.0.0/0 -> a (propagated",
            "0.0.0.0/0 -> a (b)",
            "0.0.0.0/0 -> a (propagated x)",
        ] {
            assert!(with(bad, |text| route(text).map(|_| ())).is_err(), "{bad}");
        }
    }
}
