//! Settings: how programs, services and links behave. Every key has a default.

use super::error::Problem;
use super::forwarding;
use super::notation::{bandwidth, duration, size};
use super::prices::{self, Prices};
use super::read::{Section, Text, closest, shown};
use crate::model::{LinkParameters, Links, Model, UnknownConnection};
use crate::time::SimDuration;

/// How programs and services behave.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Settings {
    /// What `aws` signs with (`[cli] access_key`, `secret_key`).
    pub credentials: Credentials,
    /// How `aws` waits and retries (`[cli]`).
    pub cli: CliSettings,
    /// After how long without a request a service closes a connection (`[service] idle_timeout`). Default 5 minutes: assumed, AWS
    /// documents none.
    pub service_idle_timeout: SimDuration,
    /// How long a new DynamoDB table is `CREATING`, and one that is being deleted `DELETING` (`[dynamodb] table_settling`). Default
    /// 5 s: assumed, AWS documents none.
    pub dynamodb_table_settling: SimDuration,
    /// How many connections one interface's security groups track (`[limits] tracked_connections`); `None`, the default, leaves
    /// it to the data plane.
    pub tracked_connections_max: Option<u32>,
    /// What the roads cost (`[prices]`).
    pub prices: Prices,
}

/// An access key. Public: the seed documents' example.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Credentials {
    /// `AKIAIOSFODNN7EXAMPLE`.
    pub access_key: String,
    /// Its secret.
    pub secret_key: String,
}

/// How `aws` behaves; defaults are those of the AWS CLI.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CliSettings {
    /// How long one connect may take: 60 s.
    pub connect_timeout: SimDuration,
    /// How long an answer may take: 60 s.
    pub read_timeout: SimDuration,
    /// Tries per call, the first included: 4.
    pub attempts_max: u32,
    /// TLS versions offered: both.
    pub tls: TlsChoice,
    /// Whether DynamoDB is called as `ACCOUNT.ddb.REGION.amazonaws.com`: never, because static keys do not tell the CLI the account.
    pub account_id_endpoint_mode: AccountIdEndpointMode,
}

/// `account_id_endpoint_mode` of the CLI's configuration, and `AWS_ACCOUNT_ID_ENDPOINT_MODE`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum AccountIdEndpointMode {
    /// The Region's name.
    #[default]
    Disabled,
    /// The account's name, where there is one: the default of clients since 2024 whose credentials tell the account.
    Preferred,
    /// The account's name, or no call.
    Required,
}

/// Which TLS versions a client offers.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum TlsChoice {
    /// 1.3 and 1.2.
    #[default]
    Any,
    /// 1.2 only.
    Tls12,
    /// 1.3 only.
    Tls13,
}

impl Default for Settings {
    fn default() -> Self {
        Settings {
            credentials: Credentials {
                access_key: "AKIAIOSFODNN7EXAMPLE".to_owned(),
                secret_key: "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY".to_owned(),
            },
            cli: CliSettings {
                connect_timeout: SimDuration::from_secs(60),
                read_timeout: SimDuration::from_secs(60),
                attempts_max: 4,
                tls: TlsChoice::Any,
                account_id_endpoint_mode: AccountIdEndpointMode::default(),
            },
            service_idle_timeout: SimDuration::from_secs(300),
            dynamodb_table_settling: SimDuration::from_secs(5),
            tracked_connections_max: None,
            prices: Prices::default(),
        }
    }
}

/// A duration at `key`; reports what is none.
pub(super) fn duration_at(section: &Section<'_, '_>, key: &'static str) -> Option<SimDuration> {
    converted(section, section.text(key)?, duration)
}

/// A mode at `account_id_endpoint_mode`.
pub(super) fn account_id_endpoint_mode_at(section: &Section<'_, '_>) -> Option<AccountIdEndpointMode> {
    let text = section.text("account_id_endpoint_mode")?;
    match text.text {
        "disabled" => Some(AccountIdEndpointMode::Disabled),
        "preferred" => Some(AccountIdEndpointMode::Preferred),
        "required" => Some(AccountIdEndpointMode::Required),
        other => {
            section.report(one_of(&text, other, &["disabled", "preferred", "required"]));
            None
        }
    }
}

/// A TLS version at `tls`.
pub(super) fn tls_at(section: &Section<'_, '_>) -> Option<TlsChoice> {
    let text = section.text("tls")?;
    match text.text {
        "any" => Some(TlsChoice::Any),
        "1.2" => Some(TlsChoice::Tls12),
        "1.3" => Some(TlsChoice::Tls13),
        other => {
            section.report(
                Problem::new(
                    text.contents(),
                    format!("\"{}\" is no TLS version that is offered", shown(other)),
                    "here",
                )
                .help("expected \"any\", \"1.2\" or \"1.3\"; AWS refuses older versions"),
            );
            None
        }
    }
}

/// Reads `[cli]`, `[service]`, `[dns]`, `[links]`, `[forwarding]`, `[limits]` and `[prices]`, putting into `model` what belongs there.
pub(super) fn read(root: &Section<'_, '_>, model: &mut Model) -> Settings {
    let mut settings = Settings::default();
    if let Some(cli) = root.section("cli") {
        read_cli(&cli, &mut settings);
        cli.finish();
    }
    if let Some(service) = root.section("service") {
        if let Some(timeout) = duration_at(&service, "idle_timeout") {
            settings.service_idle_timeout = timeout;
        }
        if let Some(text) = service.text("unknown_connection") {
            match text.text {
                "reset" => model.unknown_connection = UnknownConnection::Reset,
                "silence" => model.unknown_connection = UnknownConnection::Silence,
                other => service.report(one_of(&text, other, &["reset", "silence"])),
            }
        }
        service.finish();
    }
    if let Some(dns) = root.section("dns") {
        if let Some(ttl) = dns.integer("ttl", 0..=86_400) {
            // Within range of u32, as just checked.
            model.dns_ttl_seconds = u32::try_from(ttl).unwrap_or(model.dns_ttl_seconds);
        }
        dns.finish();
    }
    if let Some(section) = root.section("forwarding") {
        forwarding::read(&section, &mut model.forwarding);
        section.finish();
    }
    if let Some(limits) = root.section("limits") {
        let connections = limits.integer("tracked_connections", 1..=10_000_000);
        settings.tracked_connections_max = connections.and_then(|count| u32::try_from(count).ok());
        let quotas = &mut model.quotas;
        for (key, most, quota) in [
            ("elastic_ips", 225, &mut quotas.elastic_addresses_per_region),
            ("elastic_ips_per_nat_gateway", 8, &mut quotas.elastic_addresses_per_nat_gateway),
        ] {
            if let Some(count) = limits.integer(key, 1..=most) {
                *quota = usize::try_from(count).unwrap_or(*quota);
            }
        }
        limits.finish();
    }
    settings.prices = prices::read(root);
    if let Some(links) = root.section("links") {
        read_links(&links, &mut model.links);
    }
    settings
}

/// Reads `[dynamodb] road_latency`: a duration or the name of a class of links.
pub(super) fn road_latency(section: &Section<'_, '_>, links: &Links) -> Option<SimDuration> {
    let text = section.text("road_latency")?;
    match text.text {
        "aws_service" => None,
        "internet" => Some(links.internet.latency),
        _ => converted(section, text, duration),
    }
}

fn read_cli(cli: &Section<'_, '_>, settings: &mut Settings) {
    if let Some(key) = cli.text("access_key") {
        settings.credentials.access_key = key.text.to_owned();
    }
    if let Some(key) = cli.text("secret_key") {
        settings.credentials.secret_key = key.text.to_owned();
    }
    if let Some(timeout) = duration_at(cli, "connect_timeout") {
        settings.cli.connect_timeout = timeout;
    }
    if let Some(timeout) = duration_at(cli, "read_timeout") {
        settings.cli.read_timeout = timeout;
    }
    if let Some(attempts) = cli.integer("attempts_max", 1..=20) {
        settings.cli.attempts_max = u32::try_from(attempts).unwrap_or(1);
    }
    if let Some(choice) = tls_at(cli) {
        settings.cli.tls = choice;
    }
    if let Some(mode) = account_id_endpoint_mode_at(cli) {
        settings.cli.account_id_endpoint_mode = mode;
    }
    for key in ["access_key", "secret_key"] {
        let value =
            if key == "access_key" { &settings.credentials.access_key } else { &settings.credentials.secret_key };
        if value.is_empty() || value.len() > 128 || !value.bytes().all(|byte| byte.is_ascii_graphic()) {
            let span = cli.span_of(if key == "access_key" { "access_key" } else { "secret_key" });
            cli.report(Problem::new(span, format!("\"{key}\" is not a key"), "expected 1 to 128 printable characters"));
        }
    }
}

fn read_links(links: &Section<'_, '_>, model: &mut Links) {
    let classes: [(&'static str, &mut LinkParameters); 9] = [
        ("nic", &mut model.nic),
        ("same_az", &mut model.same_az),
        ("cross_az", &mut model.cross_az),
        ("aws_service", &mut model.aws_service),
        ("internet", &mut model.internet),
        ("inter_region", &mut model.inter_region),
        ("vpn", &mut model.vpn),
        ("direct_connect", &mut model.direct_connect),
        ("on_premises", &mut model.on_premises),
    ];
    for (class, parameters) in classes {
        let Some(section) = links.section(class) else { continue };
        if let Some(latency) = duration_at(&section, "latency") {
            parameters.latency = latency;
            if latency > SimDuration::from_secs(60) {
                section.report(Problem::new(section.span_of("latency"), "the link is too slow", "at most 60s"));
            }
        }
        if let Some(rate) = section.text("bandwidth").and_then(|text| converted(&section, text, bandwidth)) {
            parameters.bandwidth_bits_per_second = rate;
        }
        if let Some(bytes) = section.text("queue").and_then(|text| converted(&section, text, size)) {
            parameters.queue_bytes = bytes;
        }
        if let Some(loss) = section.share("loss") {
            parameters.loss = loss;
        }
        section.finish();
    }
    links.finish();
}

/// "X is not one of a, b": did you mean a?
pub(super) fn one_of(text: &Text<'_>, got: &str, wanted: &[&str]) -> Problem {
    let hint = closest(got, wanted.iter().copied()).map(|known| format!("did you mean \"{known}\"?"));
    Problem::new(
        text.contents(),
        format!("\"{}\" is not understood", shown(got)),
        hint.unwrap_or_else(|| "here".to_owned()),
    )
    .help(format!("expected one of: {}", wanted.join(", ")))
}

fn converted<'a, T>(
    section: &Section<'a, '_>,
    text: Text<'a>,
    convert: impl FnOnce(&Text<'a>) -> Result<T, Problem>,
) -> Option<T> {
    convert(&text).map_err(|problem| section.report(problem)).ok()
}
