//! One action on one model. The model is a copy: a refusal half-way spoils nothing.

use super::*;
use crate::ids::*;
use crate::model::ModelError;
use std::str::FromStr;

/// Does `action` to `model`.
///
/// # Errors
/// AWS's refusals; `InvalidParameterValue` if the wanted id is not one of what the action creates.
pub(super) fn apply(model: &mut Model, now: SimTime, action: Action, wanted: &Wanted) -> Result<Output, ControlError> {
    let name = action.name();
    let call = Call { now, wanted };
    match action {
        Action::CreateVpcEndpoint(action) => endpoint::create(model, &call, action),
        Action::RunInstances(action) => instance::run(model, &call, action),
        Action::CreateSecurityGroup(action) => security_group::create(model, &call, action),
        Action::CreateRouteTable(action) => route::create_table(model, &call, action),
        Action::AllocateAddress(action) => instance::allocate_address(model, &call, action),
        Action::CreateVpc(action) => network::create_vpc(model, &call, action),
        Action::CreateSubnet(action) => network::create_subnet(model, &call, action),
        Action::CreateInternetGateway(action) => network::create_internet_gateway(model, &call, action),
        Action::CreateNetworkAcl(action) => network_acl::create(model, &call, action),
        Action::CreateManagedPrefixList(action) => edge::create_list(model, &call, action),
        Action::Vpn(action) if action.creates() => vpn::apply(model, &call, action),
        Action::CreateDhcpOptions(action) => dhcp_options::create(model, &call, action),
        Action::NatGateway(action) if action.creates() => nat_gateway::apply(model, &call, action),
        Action::Peering(action) => peering::apply(model, &call, action),
        Action::Transit(action) => transit::apply(model, &call, action),
        // The rest creates nothing that could be given an id.
        _ if wanted.id.is_some() => Err(nothing_created(name)),
        Action::ModifyVpcEndpoint(action) => endpoint::modify(model, &call, action),
        Action::DeleteVpcEndpoints(action) => endpoint::delete(model, action),
        Action::TerminateInstances(action) => instance::terminate(model, action),
        Action::ModifyInstanceAttribute(action) => instance::modify(model, action),
        Action::AssociateAddress(action) => instance::associate_address(model, action),
        Action::DeleteSecurityGroup(action) => security_group::delete(model, action),
        Action::AuthorizeSecurityGroup(action) => security_group::authorize(model, action),
        Action::RevokeSecurityGroup(action) => security_group::revoke(model, action),
        Action::ModifyVpcAttribute(action) => modify_vpc(model, action),
        Action::CreateTags(action) => tagging::create(model, action),
        Action::CreateRoute(action) => route::create(model, action),
        Action::ReplaceRoute(action) => route::replace(model, action),
        Action::DeleteRoute(action) => route::delete(model, action),
        Action::AssociateRouteTable(action) => route::associate(model, action),
        Action::DisassociateRouteTable(action) => route::disassociate(model, action),
        Action::ReplaceRouteTableAssociation(action) => route::replace_association(model, action),
        Action::DeleteRouteTable(action) => done(model.delete_route_table(action.route_table_id)),
        Action::DeleteVpc(action) => done(model.delete_vpc(action.vpc_id)),
        Action::DeleteSubnet(action) => done(model.delete_subnet(action.subnet_id)),
        Action::ModifySubnetAttribute(action) => network::modify_subnet(model, action),
        Action::AttachInternetGateway(action) => {
            done(model.attach_internet_gateway(action.internet_gateway_id, action.vpc_id))
        }
        Action::DetachInternetGateway(action) => {
            done(model.detach_internet_gateway(action.internet_gateway_id, action.vpc_id))
        }
        Action::DeleteInternetGateway(action) => done(model.delete_internet_gateway(action.internet_gateway_id)),
        Action::DeleteNetworkAcl(action) => done(model.delete_network_acl(action.network_acl_id)),
        Action::PutNetworkAclEntry(action) => network_acl::put_entry(model, action),
        Action::DeleteNetworkAclEntry(action) => network_acl::delete_entry(model, action),
        Action::ReplaceNetworkAclAssociation(action) => network_acl::replace_association(model, action),
        Action::DisassociateAddress(action) => instance::disassociate_address(model, action),
        Action::Vpn(action) => vpn::apply(model, &call, action),
        Action::AssociateDhcpOptions(action) => {
            done(model.associate_dhcp_options(action.dhcp_options_id, action.vpc_id))
        }
        Action::DeleteDhcpOptions(action) => done(model.delete_dhcp_options(action.dhcp_options_id)),
        Action::DeleteNetworkInterface(action) => done(model.delete_network_interface(action.network_interface_id)),
        Action::ReleaseAddress(action) => done(model.release_address(action.allocation_id)),
        Action::AssociateGatewayRouteTable(action) => edge::associate_gateway(model, action),
        Action::AssociateVpcCidrBlock(action) => edge::associate_cidr(model, action),
        Action::DisassociateVpcCidrBlock(action) => edge::disassociate_cidr(model, action),
        Action::ModifyManagedPrefixList(action) => edge::modify_list(model, action),
        Action::RestoreManagedPrefixListVersion(action) => edge::restore_list(model, action),
        Action::DeleteManagedPrefixList(action) => edge::delete_list(model, action),
        Action::ModifyVpcBlockPublicAccessOptions(action) => edge::set_public_access(model, now, action),
        Action::CreateVpcBlockPublicAccessExclusion(action) => edge::create_exclusion(model, &call, action),
        Action::DeleteVpcBlockPublicAccessExclusion(action) => edge::delete_exclusion(model, action),
        Action::ModifySecurityGroupRules(action) => security_group::modify_rules(model, action),
        Action::ModifyNetworkInterfaceAttribute(action) => edge::modify_interface(model, action),
        Action::NatGateway(action) => nat_gateway::apply(model, &call, action),
    }
}

fn nothing_created(name: &str) -> ControlError {
    ControlError::new(
        "InvalidParameterValue",
        format!("An id was wanted for what {name} creates, but it creates nothing that has one."),
    )
}

/// What an action answers that only succeeds or not.
fn done(result: Result<(), ModelError>) -> Result<Output, ControlError> {
    result.map(|()| Output::Done).map_err(ControlError::from)
}

/// What creating actions need to know besides their parameters.
pub(super) struct Call<'a> {
    /// When.
    pub(super) now: SimTime,
    wanted: &'a Wanted,
}

impl Call<'_> {
    /// The id wanted for the created resource.
    pub(super) fn wanted_id<T: FromStr<Err = IdError>>(&self) -> Result<Option<T>, ControlError> {
        self.wanted
            .id
            .as_deref()
            .map(|text| {
                text.parse().map_err(|error: IdError| ControlError::new("InvalidParameterValue", error.to_string()))
            })
            .transpose()
    }

    /// What the created resource's id derives from: the wanted label, numbered if its id is `taken`.
    pub(super) fn label(&self, model: &mut Model, taken: impl Fn(&Model, &str) -> bool) -> String {
        let label = self.wanted.label.clone().unwrap_or_else(|| model.next_label());
        let mut candidate = label.clone();
        for number in 2u64.. {
            if !taken(model, &candidate) {
                break;
            }
            candidate = format!("{label} {number}");
        }
        candidate
    }

    /// Refuses a wanted id for an action that creates nothing.
    pub(super) fn creates_nothing(&self, name: &str) -> Result<(), ControlError> {
        if self.wanted.id.is_some() { Err(nothing_created(name)) } else { Ok(()) }
    }

    /// Refuses a wanted id that another resource has.
    pub(super) fn free<T: std::fmt::Display>(&self, id: Option<T>, taken: bool) -> Result<(), ControlError> {
        match id {
            Some(id) if taken => {
                Err(ControlError::new("InvalidParameterValue", format!("The ID '{id}' is already in use.")))
            }
            _ => Ok(()),
        }
    }
}

fn modify_vpc(model: &mut Model, action: ModifyVpcAttribute) -> Result<Output, ControlError> {
    model.vpc(action.vpc_id)?;
    if let Some(vpc) = model.vpcs.get_mut(&action.vpc_id) {
        match action.change {
            VpcChange::EnableDnsSupport(value) => vpc.enable_dns_support = value,
            // Unverified code: AWS's guide says only that support comes first.
            VpcChange::EnableDnsHostnames(true) if !vpc.enable_dns_support => {
                return Err(ControlError::new(
                    "InvalidParameterCombination",
                    "DNS hostnames can be enabled only while DNS support is enabled.",
                ));
            }
            VpcChange::EnableDnsHostnames(value) => vpc.enable_dns_hostnames = value,
        }
    }
    Ok(Output::Done)
}
