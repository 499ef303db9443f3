//! Expectations against what came.

use super::result::{Check, HostResult};
use crate::scenario::{Expectation, ExpectedSource, Kind, Names, Via};
use std::collections::BTreeMap;

/// Compares every expectation of a step with its results, in the order of the hosts.
pub(super) fn checks(expect: &BTreeMap<String, Expectation>, results: &[HostResult], names: &Names) -> Vec<Check> {
    let mut checks = Vec::new();
    for result in results {
        if let Some(expectation) = expect.get(&result.host) {
            check_host(expectation, result, names, &mut checks);
        }
    }
    checks
}

fn check_host(expectation: &Expectation, result: &HostResult, names: &Names, checks: &mut Vec<Check>) {
    let mut add = |what, expected: String, got: String, passed| {
        checks.push(Check { host: result.host.clone(), what, expected, got, passed });
    };
    if let Some(via) = &expectation.via {
        let got = result.via.as_ref();
        let passed = match via {
            Via::InternetGateway => got.is_some_and(|got| got.class == "internet-gateway"),
            Via::GatewayEndpoint => got.is_some_and(|got| got.class == "gateway-endpoint"),
            Via::InterfaceEndpoint => got.is_some_and(|got| got.class == "interface-endpoint"),
            Via::Vpn => got.is_some_and(|got| got.class == "vpn"),
            Via::DirectConnect => got.is_some_and(|got| got.class == "direct-connect"),
            Via::NatGateway => got.is_some_and(|got| got.class == "nat-gateway"),
            Via::Local => got.is_some_and(|got| got.class == "local"),
            Via::None => got.is_none(),
            Via::Peering => got.is_some_and(|got| got.class == "peering"),
            Via::TransitGateway => got.is_some_and(|got| got.class == "transit-gateway"),
            Via::Named(name) => got.is_some_and(|got| {
                let id = got.id.as_deref();
                id == Some(name)
                    || got.name.as_deref() == Some(name)
                    || id.is_some_and(|id| Kind::of_id(id).and_then(|kind| names.lookup(kind, name)) == Some(id))
            }),
        };
        let got = got.map_or_else(
            || "no road".to_owned(),
            |got| format!("{}{}", got.class, got.id.as_ref().map(|id| format!(" ({id})")).unwrap_or_default()),
        );
        add("via", via.to_string(), got, passed);
    }
    if let Some(source) = &expectation.source {
        let (seen, kind) = (result.source_seen.as_deref(), result.source_kind);
        let passed = match source {
            ExpectedSource::Public => kind == Some("public"),
            ExpectedSource::Private => kind == Some("private"),
            ExpectedSource::Address(address) => seen == Some(address.to_string().as_str()),
        };
        let got = match (seen, kind) {
            (Some(seen), Some(kind)) => format!("{kind} ({seen})"),
            (Some(seen), None) => seen.to_owned(),
            (None, _) => "never seen".to_owned(),
        };
        add("source", source.to_string(), got, passed);
    }
    if let Some(exit) = expectation.exit {
        add("exit", exit.to_string(), result.exit_code.to_string(), exit == result.exit_code);
    }
    if let Some(reason) = &expectation.reason {
        let codes: Vec<_> = result.drops.iter().map(|drop| drop.code).collect();
        let got = if codes.is_empty() { "no drops".to_owned() } else { codes.join(", ") };
        add("reason", reason.clone(), got, codes.contains(&reason.as_str()));
    }
    if let Some(expected) = expectation.usd_per_gb {
        let got = result.usd_per_gb.map(|got| (got * 1e6).round() / 1e6);
        let passed = got == Some((expected.dollars() * 1e6).round() / 1e6);
        let got = got.map_or_else(|| "nothing arrived".to_owned(), |got| format!("{got}"));
        add("usd_per_gb", expected.to_string(), got, passed);
    }
    if let Some(text) = &expectation.output_contains {
        let output = format!("{}{}", result.stdout, result.stderr);
        let got = if output.trim().is_empty() { "no output".to_owned() } else { output.trim().to_owned() };
        add("output_contains", text.clone(), got, output.contains(text.as_str()));
    }
}
