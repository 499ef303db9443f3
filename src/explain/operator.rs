//! `aws` lines of a scenario, done to the control plane: words to ids, the calls, the name of what they create.
//!
//! Purpose: one definition of what a control line does, for the timeline (`run`), for the state after a step ([`super::state`]) and for the
//! search for a mend ([`super::mend`]). Non-goals: packets (a host's command travels in `run`), DynamoDB (its data are the run's).
//! Invariant: a refused line changes nothing.

use crate::api::{Service, execute};
use crate::awscli::{self, Command, CommandOutput, Environment, Invocation, UsageError, endpoint};
use crate::control::{ControlPlane, LinkEvent, Wanted};
use crate::ids::InstanceId;
use crate::model::Model;
use crate::scenario::{
    AccountIdEndpointMode, DnsChange, Kind, LinkChange, LinkState, Names, Scenario, Step, StepAction,
};
use crate::time::SimTime;
use std::ops::Range;

/// A step's command line that the interpreter refuses.
#[derive(Debug, thiserror::Error)]
#[error("step \"{step}\": {source}")]
pub struct PlanError {
    /// The step's name.
    pub step: String,
    /// Where in the scenario file the trouble stands, bytes.
    pub span: Range<usize>,
    /// What is wrong.
    pub source: UsageError,
}

/// What a line left behind.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Done {
    /// What a terminal shows.
    pub output: CommandOutput,
    /// The id of what it created.
    pub created: Option<String>,
}

/// The parsed `aws` line of a step; `None` if the step has none.
///
/// # Errors
/// The line is refused; the error names the place in the scenario's source.
pub fn parse_step(step: &Step) -> Result<Option<Invocation>, Box<PlanError>> {
    let StepAction::Aws { line, span } = &step.action else { return Ok(None) };
    awscli::parse(line).map(Some).map_err(|source| refused(step, line, span, source))
}

/// The refusal of a step's command `line`, which stands at `span` in the scenario's source.
pub fn refused(step: &Step, line: &str, span: &Range<usize>, source: UsageError) -> Box<PlanError> {
    // The line's bytes stand in the file as they are unless TOML escapes some; then the whole line is shown.
    let inside = source.span.clone().filter(|part| span.len() == line.len() && part.end <= line.len());
    let inside = inside.map(|part| span.start + part.start..span.start + part.end);
    Box::new(PlanError { step: step.name.clone(), span: inside.unwrap_or_else(|| span.clone()), source })
}

/// The step's `aws` line with single blanks; empty if it has none.
pub fn line_of(step: &Step) -> String {
    match &step.action {
        StepAction::Aws { line, .. } => line.split_whitespace().collect::<Vec<_>>().join(" "),
        StepAction::Set(change) => change.to_string(),
        _ => String::new(),
    }
}

/// Whether the command may change the network.
pub fn is_control(invocation: &Invocation) -> bool {
    let reads = ["Describe", "Get", "Search"].iter().any(|verb| invocation.operation.starts_with(verb));
    invocation.service == Service::Ec2 && !reads
}

/// Does an EC2 command straight on the control plane, page by page, without a packet.
pub fn operate(
    control: &mut ControlPlane,
    now: SimTime,
    invocation: &Invocation,
    names: &Names,
    wanted: &Wanted,
) -> Done {
    let mut command = Command::new(with_ids(invocation, names));
    let mut created = None;
    loop {
        let region = invocation.globals.region.clone().unwrap_or_else(|| control.model().region.clone());
        let answer = execute::execute_in(control, &region, now, invocation.operation, command.parameters(), wanted);
        created = answer.as_ref().ok().and_then(|answer| execute::created_id(invocation.operation, answer)).or(created);
        if let Some(output) = command.answered(answer) {
            return Done { output, created };
        }
    }
}

/// Lets a link to a network on premises go up or down.
pub fn set_link(control: &mut ControlPlane, names: &Names, change: &LinkChange) -> CommandOutput {
    let find = |kind| names.lookup(kind, &change.link).unwrap_or(&change.link).to_owned();
    let event = match change.state {
        LinkState::Vpn(up) => find(Kind::VpnConnection).parse().map(|id| LinkEvent::Tunnels(id, up)),
        LinkState::DirectConnect(up) => {
            find(Kind::VirtualInterface).parse().map(|id| LinkEvent::VirtualInterface(id, up))
        }
    };
    let done = event.map_err(|error| error.to_string());
    let done = done.and_then(|event| control.set_link(event).map_err(|error| error.to_string()));
    match done {
        Ok(()) => CommandOutput { stdout: String::new(), stderr: String::new(), exit_code: 0 },
        Err(problem) => CommandOutput { stdout: String::new(), stderr: format!("{problem}\n"), exit_code: 255 },
    }
}

/// Lets later lines call what was created by the name that its step gives it; an instance's interface too, after which its capture is called.
pub fn give_name(names: &mut Names, model: &Model, wanted: &Wanted, created: Option<&str>) {
    let (Some(name), Some(id)) = (&wanted.label, created) else { return };
    if let Some(kind) = Kind::of_id(id) {
        names.insert(kind, name, id);
    }
    let instance = id.parse().ok().and_then(|id: InstanceId| model.instances.get(&id));
    if let Some(interface) = instance.and_then(|instance| instance.primary_interface_id) {
        names.insert(Kind::NetworkInterface, name, &interface.to_string());
    }
    // A VPC comes with three things, which are called as if it stood in the scenario's `[vpc]`.
    if let Some(vpc) = id.parse().ok().and_then(|id| model.vpcs.get(&id)) {
        names.insert(Kind::RouteTable, &format!("{name}-main"), &vpc.main_route_table_id.to_string());
        let (group, acl) = (vpc.default_security_group_id, vpc.default_network_acl_id);
        names.insert(Kind::SecurityGroup, &format!("{name}-default"), &group.to_string());
        names.insert(Kind::NetworkAcl, &format!("{name}-default"), &acl.to_string());
    }
}

/// Does to names of services what a step with `dns` says.
pub fn change_names(control: &mut ControlPlane, change: &DnsChange) {
    for name in &change.fail {
        control.set_dns_failure(name, true);
    }
    for name in &change.restore {
        control.set_dns_failure(name, false);
    }
}

/// Which name and id the step wants for what it creates. A step run again gets fresh ids.
pub fn wanted(step: &Step, rerun_of: Option<usize>) -> Wanted {
    match &step.named {
        Some(named) => Wanted {
            id: named.id.clone().filter(|_| rerun_of.is_none()),
            label: named.name.clone().map(|name| match rerun_of {
                Some(step) => format!("{name} again in step {step}"),
                None => name,
            }),
        },
        None => Wanted::default(),
    }
}

/// What the machine that runs the `aws` line of `step` is configured with.
pub fn environment(scenario: &Scenario, step: &Step) -> Environment {
    let mode = step.account_id_endpoint_mode.unwrap_or(scenario.settings.cli.account_id_endpoint_mode);
    let account_id = match mode {
        AccountIdEndpointMode::Disabled => endpoint::AccountIdEndpoint::Disabled,
        AccountIdEndpointMode::Preferred => endpoint::AccountIdEndpoint::Preferred,
        AccountIdEndpointMode::Required => endpoint::AccountIdEndpoint::Required,
    };
    let endpoints = endpoint::Settings { account_id, ..endpoint::Settings::default() };
    Environment { region: scenario.region.clone(), account_id: Some(scenario.model.account_id.clone()), endpoints }
}

/// The command with the scenario's names replaced by AWS ids.
pub fn with_ids(invocation: &Invocation, names: &Names) -> Invocation {
    let mut invocation = invocation.clone();
    // DynamoDB's parameters hold the user's own words, never ids.
    if invocation.service != Service::Ec2 {
        return invocation;
    }
    invocation.replace_texts(|member, text| {
        let kinds = kinds_of(member);
        kinds.iter().find_map(|kind| names.lookup(*kind, text)).map(str::to_owned)
    });
    invocation
}

/// What a parameter, or a filter, of this name holds ids of.
fn kinds_of(member: &str) -> &'static [Kind] {
    // A tag's value is the user's own word.
    if member.starts_with("tag:") {
        return &[];
    }
    // `association.subnet-id`: what follows the last dot says what it is.
    let member = member.rsplit('.').next().unwrap_or(member);
    let plain: String = member.chars().filter(|c| c.is_ascii_alphanumeric()).collect::<String>().to_ascii_lowercase();
    let plain = plain.strip_suffix('s').unwrap_or(&plain);
    match plain {
        "vpcid" => &[Kind::Vpc],
        "subnetid" | "addsubnetid" | "removesubnetid" => &[Kind::Subnet],
        "dhcpoptionsid" => &[Kind::DhcpOptions],
        "routetableid" | "addroutetableid" | "removeroutetableid" => &[Kind::RouteTable],
        "internetgatewayid" => &[Kind::InternetGateway],
        "gatewayid" => &[Kind::InternetGateway, Kind::VpcEndpoint, Kind::VpnGateway],
        "vpngatewayid" => &[Kind::VpnGateway],
        "customergatewayid" => &[Kind::CustomerGateway],
        "vpnconnectionid" => &[Kind::VpnConnection],
        "groupid"
        | "group"
        | "securitygroupid"
        | "instancegroupid"
        | "addsecuritygroupid"
        | "removesecuritygroupid" => &[Kind::SecurityGroup],
        "networkaclid" => &[Kind::NetworkAcl],
        "networkinterfaceid" => &[Kind::NetworkInterface],
        "instanceid" => &[Kind::Instance],
        "natgatewayid" => &[Kind::NatGateway],
        "vpcendpointid" => &[Kind::VpcEndpoint],
        "prefixlistid" | "destinationprefixlistid" => &[Kind::PrefixList],
        "allocationid" => &[Kind::ElasticIp],
        "requestervpcid" | "peervpcid" => &[Kind::Vpc],
        "vpcpeeringconnectionid" => &[Kind::Peering],
        "transitgatewayid" | "peertransitgatewayid" => &[Kind::TransitGateway],
        "transitgatewayattachmentid" => &[Kind::TransitGatewayAttachment],
        "transitgatewayroutetableid" | "associationdefaultroutetableid" | "propagationdefaultroutetableid" => {
            &[Kind::TransitGatewayRouteTable]
        }
        "exclusionid" => &[Kind::PublicAccessExclusion],
        "referencedgroupid" => &[Kind::SecurityGroup],
        "resource" | "resourceid" => &Kind::ALL,
        _ => &[],
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::awscli::parse;

    #[test]
    fn names_stand_for_ids_in_every_kind_of_filter() {
        let mut names = Names::default();
        names.insert(Kind::Vpc, "lab", "vpc-1");
        names.insert(Kind::Subnet, "private", "subnet-1");
        names.insert(Kind::NatGateway, "gw", "nat-1");
        for (line, id) in [
            ("ec2 describe-nat-gateways --filter Name=vpc-id,Values=lab", "vpc-1"),
            ("ec2 describe-nat-gateways --nat-gateway-ids gw", "nat-1"),
            ("ec2 delete-nat-gateway --nat-gateway-id gw", "nat-1"),
            ("ec2 create-route --route-table-id r --destination-cidr-block 0.0.0.0/0 --nat-gateway-id gw", "nat-1"),
            ("ec2 describe-route-tables --filters Name=association.subnet-id,Values=private", "subnet-1"),
            ("ec2 describe-route-tables --filters Name=route.nat-gateway-id,Values=gw", "nat-1"),
            ("ec2 describe-vpc-peering-connections --filters Name=accepter-vpc-info.vpc-id,Values=lab", "vpc-1"),
        ] {
            let parameters = with_ids(&parse(line).unwrap(), &names).parameters.to_string();
            assert!(parameters.contains(&format!("\"{id}\"")), "{line}: {parameters}");
        }
        let tagged = with_ids(&parse("ec2 describe-vpcs --filters Name=tag:x.vpc-id,Values=lab").unwrap(), &names);
        assert!(!tagged.parameters.to_string().contains("vpc-1"));
    }
}
