//! A step's command on a host: from the scenario's words to what travels, and from what came back to what a shell shows.

use crate::awscli::{Command, CommandOutput, Environment, Invocation};
use crate::explain::operator::{environment, with_ids};
use crate::explain::probe::link_addresses;
use crate::host::http::HttpRequest;
use crate::host::sigv4::Credentials;
use crate::host::tls::TlsVersions;
use crate::host::{Call, Outcome, Reply, Signing};
use crate::ids::InstanceId;
use crate::model::{Model, NetworkInterface};
use crate::program::{HostIx, Program};
use crate::rng::{Seed, Stream};
use crate::scenario::{Kind, Names, PacketAddress, PacketSpec, Scenario, Settings, Step, StepAction, TlsChoice};
use bytes::Bytes;
use std::net::Ipv4Addr;

/// An `aws` command in the middle of its calls.
pub(super) struct Conversation {
    command: Command,
    environment: Environment,
    stream: Stream,
    settings: Settings,
    session: Option<String>,
    tls: TlsVersions,
}

/// What follows an answer.
pub(super) enum Next {
    /// Another page.
    Call(Box<Call>),
    /// The end.
    Done(CommandOutput),
}

impl Conversation {
    /// Begins a command; `salt` keeps its random numbers apart from those of other commands.
    ///
    /// # Errors
    /// What the CLI prints if it refuses to call.
    pub(super) fn begin(
        invocation: &Invocation,
        names: &Names,
        scenario: &Scenario,
        step: &Step,
        salt: u64,
    ) -> Result<(Conversation, Call), CommandOutput> {
        let mut conversation = Conversation {
            command: Command::new(with_ids(invocation, names)),
            environment: environment(scenario, step),
            stream: Seed::new(salt).derive("aws command"),
            settings: scenario.settings.clone(),
            session: step.session.clone(),
            tls: tls_versions(step.tls.unwrap_or(scenario.settings.cli.tls)),
        };
        let call = conversation.call()?;
        Ok((conversation, call))
    }

    /// Takes in how a call ended.
    pub(super) fn answered(&mut self, outcome: &Outcome) -> Next {
        let output = match &outcome.result {
            Ok(Reply::Http(response)) => self.command.received(response.status, &response.headers, &response.body),
            Ok(_) => Some(self.command.failed("the far end does not speak HTTP")),
            Err(failure) => Some(self.command.failed(&failure.to_string())),
        };
        match output {
            Some(output) => Next::Done(output),
            None => self.call().map_or_else(Next::Done, |call| Next::Call(Box::new(call))),
        }
    }

    fn call(&mut self) -> Result<Call, CommandOutput> {
        let request =
            self.command.request(&self.environment, &mut self.stream).map_err(|error| CommandOutput::usage(&error))?;
        let credentials = Credentials {
            access_key_id: self.settings.credentials.access_key.clone(),
            secret_access_key: self.settings.credentials.secret_key.clone(),
            session_token: None,
        };
        let http = HttpRequest {
            method: request.method.to_owned(),
            target: request.target,
            headers: request.headers,
            body: request.body,
        };
        let mut call = Call::new(request.endpoint.host.clone(), http);
        call.port = request.endpoint.port;
        call.tls = request.endpoint.tls.then_some(self.tls);
        call.signing = request.signing.map(|scope| Signing {
            credentials,
            region: scope.region,
            service: scope.service.to_owned(),
        });
        call.connect_timeout = self.settings.cli.connect_timeout.min(request.connect_timeout.unwrap_or(FOREVER));
        call.read_timeout = self.settings.cli.read_timeout.min(request.read_timeout.unwrap_or(FOREVER));
        call.attempts_max = self.settings.cli.attempts_max.min(request.attempts_max);
        call.session = self.session.clone();
        Ok(call)
    }
}

const FOREVER: crate::time::SimDuration = crate::time::SimDuration::from_secs(u64::MAX / 1_000_000_000);

pub(super) const fn tls_versions(choice: TlsChoice) -> TlsVersions {
    match choice {
        TlsChoice::Any => TlsVersions::Tls12And13,
        TlsChoice::Tls12 => TlsVersions::Tls12,
        TlsChoice::Tls13 => TlsVersions::Tls13,
    }
}

/// The step's command as the report shows it.
pub(super) fn command_line(step: &Step) -> String {
    match &step.action {
        StepAction::Aws { line, .. } => line.split_whitespace().collect::<Vec<_>>().join(" "),
        StepAction::Ssh { line, .. } | StepAction::Program { line, .. } => line.clone(),
        StepAction::Send(packet) => format!("send {packet}"),
        StepAction::Dns(change) => change.to_string(),
        StepAction::Set(change) => change.to_string(),
        StepAction::Rerun => format!("again: {}", step.then.join(", ")),
        StepAction::Wait => "wait".to_owned(),
    }
}

/// What `ssh` shows.
pub(super) fn ssh_output(outcome: &Outcome) -> CommandOutput {
    let (stdout, stderr, exit_code) = match &outcome.result {
        Ok(Reply::Banner(banner)) => (format!("{banner}\n"), String::new(), 0),
        Ok(_) => {
            (String::new(), "kex_exchange_identification: banner line contains invalid characters\n".to_owned(), 255)
        }
        Err(failure) => (String::new(), format!("{failure}\n"), 255),
    };
    CommandOutput { stdout, stderr, exit_code }
}

/// The address that a program on `sender` means by `text`, if that is a name of the scenario's: an instance's private one inside its own VPC
/// and from on premises, else its public one, if it has one. `NAME.public` and `NAME.private` insist. Everything else is for DNS.
pub(super) fn address_of(model: &Model, names: &Names, sender: &str, text: &str) -> Option<Ipv4Addr> {
    let interface = |name: &str| {
        let id: InstanceId = names.lookup(Kind::Instance, name)?.parse().ok()?;
        model.network_interfaces.get(&model.instances.get(&id)?.primary_interface_id?)
    };
    if let Some(outside) = model.outside_hosts.get(text) {
        return Some(outside.address);
    }
    if let Some((_, address)) = model.host_on_premises(text) {
        return Some(address);
    }
    let public = |eni: &NetworkInterface| eni.public_address.map(|public| public.address);
    if let Some(eni) = interface(text) {
        // Whoever is on premises means the private address too: that is what VPN and Direct Connect are for.
        let inside = interface(sender).is_some_and(|sender| sender.vpc_id == eni.vpc_id)
            || model.host_on_premises(sender).is_some();
        return public(eni).filter(|_| !inside).or(Some(eni.private_ip));
    }
    match text.rsplit_once('.')? {
        (name, "public") => public(interface(name)?),
        (name, "private") => Some(interface(name)?.private_ip),
        _ => None,
    }
}

/// The host went away while a command ran.
pub(super) fn host_vanished() -> CommandOutput {
    CommandOutput { stdout: String::new(), stderr: "the host was terminated\n".to_owned(), exit_code: 255 }
}

/// The frame that a raw packet of the scenario becomes on its sender's link.
///
/// # Errors
/// In words: an address cannot be found, the host has no interface.
pub(super) fn raw_frame(
    packet: &PacketSpec,
    program: &Program,
    host: HostIx,
    model: &Model,
    names: &Names,
) -> Result<Bytes, String> {
    let (source, gateway) = link_addresses(program, host).ok_or("the host has no network interface")?;
    let ip = match packet {
        PacketSpec::Frame(bytes) => return Ok(Bytes::copy_from_slice(bytes)),
        PacketSpec::Packet(packet) => {
            let address = |end: &PacketAddress| end.resolve(model, names).map_err(|error| error.to_string());
            packet.ipv4_bytes(address(&packet.source)?, address(&packet.destination)?)
        }
    };
    let mut frame = Vec::with_capacity(14 + ip.len());
    frame.extend_from_slice(&gateway.0);
    frame.extend_from_slice(&source.0);
    frame.extend_from_slice(&[0x08, 0x00]);
    frame.extend_from_slice(&ip);
    Ok(Bytes::from(frame))
}
