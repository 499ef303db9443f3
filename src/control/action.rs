//! What can be asked of the control plane, one type per mutating EC2 action, and what it answers.
//!
//! Fields are AWS's parameters, parsed: ids are ids, blocks are blocks. What AWS takes as text and defaults lies in `api`.

mod edge;
mod dhcp_options;
mod nat_gateway;
mod network;
mod vpn;
mod peering;
mod transit;

pub use crate::model::VpcEndpointType;
pub use dhcp_options::*;
pub use edge::*;
pub use nat_gateway::*;
pub use network::*;
pub use peering::*;
pub use transit::*;
pub use vpn::*;

use crate::ids::*;
use crate::model::{
    InstanceState, InterfaceEndpointChange, RouteDestination, RulePeer, SecurityGroupRule, Tags, TrafficMatch,
    TransitGateway, TransitGatewayRoute, TransitGatewayRouteTable,
};
use std::net::Ipv4Addr;

/// One mutating EC2 call.
#[derive(Clone, Debug, PartialEq, Eq)]
#[allow(missing_docs, reason = "each variant is the AWS action of its name")]
pub enum Action {
    CreateVpcEndpoint(CreateVpcEndpoint),
    ModifyVpcEndpoint(ModifyVpcEndpoint),
    DeleteVpcEndpoints(DeleteVpcEndpoints),
    RunInstances(RunInstances),
    TerminateInstances(TerminateInstances),
    ModifyInstanceAttribute(ModifyInstanceAttribute),
    CreateSecurityGroup(CreateSecurityGroup),
    DeleteSecurityGroup(DeleteSecurityGroup),
    AuthorizeSecurityGroup(AuthorizeSecurityGroup),
    RevokeSecurityGroup(RevokeSecurityGroup),
    ModifyVpcAttribute(ModifyVpcAttribute),
    CreateTags(CreateTags),
    CreateRoute(CreateRoute),
    ReplaceRoute(ReplaceRoute),
    DeleteRoute(DeleteRoute),
    CreateRouteTable(CreateRouteTable),
    AssociateRouteTable(AssociateRouteTable),
    DisassociateRouteTable(DisassociateRouteTable),
    AllocateAddress(AllocateAddress),
    AssociateAddress(AssociateAddress),
    CreateVpc(CreateVpc),
    DeleteVpc(DeleteVpc),
    CreateSubnet(CreateSubnet),
    DeleteSubnet(DeleteSubnet),
    ModifySubnetAttribute(ModifySubnetAttribute),
    CreateInternetGateway(CreateInternetGateway),
    AttachInternetGateway(AttachInternetGateway),
    DetachInternetGateway(DetachInternetGateway),
    DeleteInternetGateway(DeleteInternetGateway),
    DeleteRouteTable(DeleteRouteTable),
    ReplaceRouteTableAssociation(ReplaceRouteTableAssociation),
    CreateNetworkAcl(CreateNetworkAcl),
    DeleteNetworkAcl(DeleteNetworkAcl),
    PutNetworkAclEntry(PutNetworkAclEntry),
    DeleteNetworkAclEntry(DeleteNetworkAclEntry),
    ReplaceNetworkAclAssociation(ReplaceNetworkAclAssociation),
    DisassociateAddress(DisassociateAddress),
    ReleaseAddress(ReleaseAddress),
    AssociateGatewayRouteTable(AssociateGatewayRouteTable),
    AssociateVpcCidrBlock(AssociateVpcCidrBlock),
    DisassociateVpcCidrBlock(DisassociateVpcCidrBlock),
    CreateManagedPrefixList(CreateManagedPrefixList),
    ModifyManagedPrefixList(ModifyManagedPrefixList),
    RestoreManagedPrefixListVersion(RestoreManagedPrefixListVersion),
    DeleteManagedPrefixList(DeleteManagedPrefixList),
    ModifyVpcBlockPublicAccessOptions(ModifyVpcBlockPublicAccessOptions),
    CreateVpcBlockPublicAccessExclusion(CreateVpcBlockPublicAccessExclusion),
    DeleteVpcBlockPublicAccessExclusion(DeleteVpcBlockPublicAccessExclusion),
    ModifySecurityGroupRules(ModifySecurityGroupRules),
    ModifyNetworkInterfaceAttribute(ModifyNetworkInterfaceAttribute),
    Vpn(VpnAction),
    CreateDhcpOptions(CreateDhcpOptions),
    AssociateDhcpOptions(AssociateDhcpOptions),
    DeleteDhcpOptions(DeleteDhcpOptions),
    DeleteNetworkInterface(DeleteNetworkInterface),
    NatGateway(NatGatewayAction),
    Peering(PeeringAction),
    Transit(TransitAction),
}

impl Action {
    /// AWS's name of the call.
    pub fn name(&self) -> &'static str {
        match self {
            Action::CreateVpcEndpoint(_) => "CreateVpcEndpoint",
            Action::ModifyVpcEndpoint(_) => "ModifyVpcEndpoint",
            Action::DeleteVpcEndpoints(_) => "DeleteVpcEndpoints",
            Action::RunInstances(_) => "RunInstances",
            Action::TerminateInstances(_) => "TerminateInstances",
            Action::ModifyInstanceAttribute(_) => "ModifyInstanceAttribute",
            Action::CreateSecurityGroup(_) => "CreateSecurityGroup",
            Action::DeleteSecurityGroup(_) => "DeleteSecurityGroup",
            Action::AuthorizeSecurityGroup(action) if action.egress => "AuthorizeSecurityGroupEgress",
            Action::AuthorizeSecurityGroup(_) => "AuthorizeSecurityGroupIngress",
            Action::RevokeSecurityGroup(action) if action.egress => "RevokeSecurityGroupEgress",
            Action::RevokeSecurityGroup(_) => "RevokeSecurityGroupIngress",
            Action::ModifyVpcAttribute(_) => "ModifyVpcAttribute",
            Action::CreateTags(_) => "CreateTags",
            Action::CreateRoute(_) => "CreateRoute",
            Action::ReplaceRoute(_) => "ReplaceRoute",
            Action::DeleteRoute(_) => "DeleteRoute",
            Action::CreateRouteTable(_) => "CreateRouteTable",
            Action::AssociateRouteTable(_) => "AssociateRouteTable",
            Action::DisassociateRouteTable(_) => "DisassociateRouteTable",
            Action::AllocateAddress(_) => "AllocateAddress",
            Action::AssociateAddress(_) => "AssociateAddress",
            Action::CreateVpc(_) => "CreateVpc",
            Action::DeleteVpc(_) => "DeleteVpc",
            Action::CreateSubnet(_) => "CreateSubnet",
            Action::DeleteSubnet(_) => "DeleteSubnet",
            Action::ModifySubnetAttribute(_) => "ModifySubnetAttribute",
            Action::CreateInternetGateway(_) => "CreateInternetGateway",
            Action::AttachInternetGateway(_) => "AttachInternetGateway",
            Action::DetachInternetGateway(_) => "DetachInternetGateway",
            Action::DeleteInternetGateway(_) => "DeleteInternetGateway",
            Action::DeleteRouteTable(_) => "DeleteRouteTable",
            Action::ReplaceRouteTableAssociation(_) => "ReplaceRouteTableAssociation",
            Action::CreateNetworkAcl(_) => "CreateNetworkAcl",
            Action::DeleteNetworkAcl(_) => "DeleteNetworkAcl",
            Action::PutNetworkAclEntry(action) if action.replace => "ReplaceNetworkAclEntry",
            Action::PutNetworkAclEntry(_) => "CreateNetworkAclEntry",
            Action::DeleteNetworkAclEntry(_) => "DeleteNetworkAclEntry",
            Action::ReplaceNetworkAclAssociation(_) => "ReplaceNetworkAclAssociation",
            Action::DisassociateAddress(_) => "DisassociateAddress",
            Action::ReleaseAddress(_) => "ReleaseAddress",
            Action::AssociateGatewayRouteTable(_) => "AssociateRouteTable",
            Action::AssociateVpcCidrBlock(_) => "AssociateVpcCidrBlock",
            Action::DisassociateVpcCidrBlock(_) => "DisassociateVpcCidrBlock",
            Action::CreateManagedPrefixList(_) => "CreateManagedPrefixList",
            Action::ModifyManagedPrefixList(_) => "ModifyManagedPrefixList",
            Action::RestoreManagedPrefixListVersion(_) => "RestoreManagedPrefixListVersion",
            Action::DeleteManagedPrefixList(_) => "DeleteManagedPrefixList",
            Action::ModifyVpcBlockPublicAccessOptions(_) => "ModifyVpcBlockPublicAccessOptions",
            Action::CreateVpcBlockPublicAccessExclusion(_) => "CreateVpcBlockPublicAccessExclusion",
            Action::DeleteVpcBlockPublicAccessExclusion(_) => "DeleteVpcBlockPublicAccessExclusion",
            Action::ModifySecurityGroupRules(_) => "ModifySecurityGroupRules",
            Action::ModifyNetworkInterfaceAttribute(_) => "ModifyNetworkInterfaceAttribute",
            Action::Vpn(action) => action.name(),
            Action::CreateDhcpOptions(_) => "CreateDhcpOptions",
            Action::AssociateDhcpOptions(_) => "AssociateDhcpOptions",
            Action::DeleteDhcpOptions(_) => "DeleteDhcpOptions",
            Action::DeleteNetworkInterface(_) => "DeleteNetworkInterface",
            Action::NatGateway(action) => action.name(),
            Action::Peering(action) => action.name(),
            Action::Transit(action) => action.name(),
        }
    }

    /// The token that makes a repeated call harmless.
    pub(super) fn client_token(&self) -> Option<&str> {
        match self {
            Action::CreateVpcEndpoint(action) => action.client_token.as_deref(),
            Action::RunInstances(action) => action.client_token.as_deref(),
            Action::CreateRouteTable(action) => action.client_token.as_deref(),
            Action::CreateNetworkAcl(action) => action.client_token.as_deref(),
            Action::CreateManagedPrefixList(action) => action.client_token.as_deref(),
            Action::NatGateway(action) => action.client_token(),
            _ => None,
        }
    }
}

/// Makes a VPC endpoint.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CreateVpcEndpoint {
    /// The VPC.
    pub vpc_id: VpcId,
    /// `com.amazonaws.us-east-1.dynamodb`.
    pub service_name: String,
    /// Gateway or interface.
    pub endpoint_type: VpcEndpointType,
    /// Tables that get a gateway's route. May be empty.
    pub route_table_ids: Vec<RouteTableId>,
    /// Subnets of an interface endpoint, and the address of its interface there if wanted.
    pub subnets: Vec<(SubnetId, Option<Ipv4Addr>)>,
    /// Groups of an interface endpoint.
    pub security_group_ids: Vec<SecurityGroupId>,
    /// Whether an interface endpoint answers to the service's public name.
    pub private_dns_enabled: Option<bool>,
    /// Whether, for S3, only inbound resolver endpoints see that name.
    pub private_dns_only_for_inbound_resolver: Option<bool>,
    /// JSON; none allows everything.
    pub policy_document: Option<String>,
    /// Makes a repeated call harmless.
    pub client_token: Option<String>,
    /// Tags.
    pub tags: Tags,
}

/// Changes an endpoint.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ModifyVpcEndpoint {
    /// Which.
    pub vpc_endpoint_id: VpcEndpointId,
    /// Tables that get its route.
    pub add_route_table_ids: Vec<RouteTableId>,
    /// Tables that lose it.
    pub remove_route_table_ids: Vec<RouteTableId>,
    /// A new policy.
    pub policy_document: Option<String>,
    /// Back to the policy that allows everything.
    pub reset_policy: bool,
    /// What only interface endpoints have.
    pub interface: InterfaceEndpointChange,
}

/// Deletes endpoints, each by itself: what fails is listed, the rest is done.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DeleteVpcEndpoints {
    /// Which.
    pub vpc_endpoint_ids: Vec<VpcEndpointId>,
}

/// Launches instances, as many as fit between the two counts.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RunInstances {
    /// Machine image. Its existence is not checked: no images are simulated.
    pub image_id: ImageId,
    /// `t3.micro`.
    pub instance_type: String,
    /// Key pair. Its existence is not checked.
    pub key_name: Option<String>,
    /// At least so many, or none.
    pub min_count: u32,
    /// At most so many.
    pub max_count: u32,
    /// The subnet; none takes a default subnet.
    pub subnet_id: Option<SubnetId>,
    /// The zone of the default subnet to take, if it matters.
    pub availability_zone: Option<String>,
    /// Security groups by id.
    pub security_group_ids: Vec<SecurityGroupId>,
    /// Security groups by name, in the VPC of the subnet.
    pub security_group_names: Vec<String>,
    /// The private address, for a single instance.
    pub private_ip: Option<Ipv4Addr>,
    /// A public address or none; `None` asks the subnet.
    pub associate_public_ip: Option<bool>,
    /// Makes a repeated call harmless.
    pub client_token: Option<String>,
    /// Tags of the instances.
    pub tags: Tags,
}

/// Ends instances.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TerminateInstances {
    /// Which.
    pub instance_ids: Vec<InstanceId>,
}

/// Changes one attribute of an instance.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ModifyInstanceAttribute {
    /// Which.
    pub instance_id: InstanceId,
    /// The attribute and its value.
    pub change: InstanceChange,
}

/// The attributes of an instance that can be changed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum InstanceChange {
    /// Other security groups on the primary interface.
    Groups(Vec<SecurityGroupId>),
    /// The source/destination check of the primary interface.
    SourceDestCheck(bool),
}

/// Makes a security group.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CreateSecurityGroup {
    /// Its VPC; none takes the default VPC.
    pub vpc_id: Option<VpcId>,
    /// Its name.
    pub group_name: String,
    /// Its description.
    pub description: String,
    /// Tags.
    pub tags: Tags,
}

/// A security group as calls name it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum GroupReference {
    /// By id.
    Id(SecurityGroupId),
    /// By name, in the default VPC.
    Name(String),
}

/// Deletes a security group.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DeleteSecurityGroup {
    /// Which.
    pub group: GroupReference,
}

/// One rule as a call gives it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RuleRequest {
    /// Protocol and ports.
    pub traffic: TrafficMatch,
    /// From or to whom.
    pub peer: RequestedPeer,
    /// Description.
    pub description: Option<String>,
}

/// The other side of a rule as a call gives it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum RequestedPeer {
    /// As the model has it.
    Known(RulePeer),
    /// A security group by name, in the same VPC.
    GroupNamed(String),
}

/// Adds rules to a group: all of them or none.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AuthorizeSecurityGroup {
    /// Which.
    pub group: GroupReference,
    /// Rules for packets out of the interface, or into it.
    pub egress: bool,
    /// The rules.
    pub rules: Vec<RuleRequest>,
}

/// Takes rules from a group, by what they say or by id.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RevokeSecurityGroup {
    /// Which.
    pub group: GroupReference,
    /// Rules for packets out of the interface, or into it.
    pub egress: bool,
    /// Rules by protocol, ports and peer; descriptions do not matter.
    pub rules: Vec<RuleRequest>,
    /// Rules by id.
    pub rule_ids: Vec<SecurityGroupRuleId>,
}

/// Changes one attribute of a VPC.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ModifyVpcAttribute {
    /// Which.
    pub vpc_id: VpcId,
    /// The attribute and its value.
    pub change: VpcChange,
}

/// The attributes of a VPC that can be changed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum VpcChange {
    /// Whether the resolver answers.
    EnableDnsSupport(bool),
    /// Whether public addresses have names.
    EnableDnsHostnames(bool),
}

/// Puts tags on resources.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CreateTags {
    /// Ids of any kind.
    pub resources: Vec<String>,
    /// Tags; a key that is there already gets the new value.
    pub tags: Tags,
}

/// A route's target as calls name it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RequestedTarget {
    /// An internet gateway.
    InternetGateway(InternetGatewayId),
    /// A gateway endpoint: AWS refuses, its routes come with its tables.
    GatewayEndpoint(VpcEndpointId),
    /// A network interface.
    NetworkInterface(EniId),
    /// A peering connection.
    PeeringConnection(VpcPeeringConnectionId),
    /// A transit gateway.
    TransitGateway(TransitGatewayId),
    /// An instance with one interface.
    Instance(InstanceId),
    /// Delivery inside the VPC: in gateway route tables, or back to what a local route had.
    Local,
    /// A virtual private gateway.
    VpnGateway(VpnGatewayId),
    /// A NAT gateway.
    NatGateway(NatGatewayId),
}

/// Adds a route.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CreateRoute {
    /// The table.
    pub route_table_id: RouteTableId,
    /// Which packets.
    pub destination: RouteDestination,
    /// Where to.
    pub target: RequestedTarget,
}

/// Gives a route another target.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ReplaceRoute {
    /// The table.
    pub route_table_id: RouteTableId,
    /// Which route.
    pub destination: RouteDestination,
    /// Where to now.
    pub target: RequestedTarget,
}

/// Removes a route.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DeleteRoute {
    /// The table.
    pub route_table_id: RouteTableId,
    /// Which route.
    pub destination: RouteDestination,
}

/// Makes a route table with the VPC's local routes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CreateRouteTable {
    /// The VPC.
    pub vpc_id: VpcId,
    /// Makes a repeated call harmless.
    pub client_token: Option<String>,
    /// Tags.
    pub tags: Tags,
}

/// Gives a subnet a route table of its own.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AssociateRouteTable {
    /// The table.
    pub route_table_id: RouteTableId,
    /// The subnet.
    pub subnet_id: SubnetId,
}

/// Gives a subnet back to the main route table.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DisassociateRouteTable {
    /// Which.
    pub association_id: RouteTableAssociationId,
}

/// Allocates an Elastic IP address.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AllocateAddress {
    /// The address wanted, if any.
    pub address: Option<Ipv4Addr>,
    /// Tags.
    pub tags: Tags,
}

/// Associates an Elastic IP address with an instance or interface.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AssociateAddress {
    /// The allocation.
    pub allocation_id: AllocationId,
    /// Whose.
    pub target: AddressTarget,
    /// Whether an association that exists may go.
    pub allow_reassociation: bool,
}

/// What an address can be associated with.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum AddressTarget {
    /// The primary interface of an instance.
    Instance(InstanceId),
    /// An interface.
    NetworkInterface(EniId),
}

/// What an action did; everything else is read from the model.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Output {
    /// Nothing to tell beyond success.
    Done,
    /// An endpoint was made.
    VpcEndpoint(VpcEndpointId),
    /// A DHCP options set was made.
    DhcpOptions(DhcpOptionsId),
    /// Endpoints were deleted, save these.
    Unsuccessful(Vec<UnsuccessfulItem>),
    /// Instances were launched together.
    Launched {
        /// The launch.
        reservation_id: ReservationId,
        /// The instances.
        instance_ids: Vec<InstanceId>,
    },
    /// Instances were ended; their states before.
    Terminated(Vec<(InstanceId, InstanceState)>),
    /// A group was made or deleted.
    SecurityGroup(SecurityGroupId),
    /// Rules were added to a group.
    Authorized {
        /// The group.
        group_id: SecurityGroupId,
        /// The new rules.
        rules: Vec<SecurityGroupRule>,
    },
    /// Rules were taken from a group.
    Revoked {
        /// The group.
        group_id: SecurityGroupId,
        /// The rules that were there.
        rules: Vec<SecurityGroupRule>,
        /// The rules that were not (default VPC only; elsewhere the call is refused).
        unknown: Vec<RuleRequest>,
    },
    /// A route table was made.
    RouteTable(RouteTableId),
    /// A subnet got a route table.
    RouteTableAssociation(RouteTableAssociationId),
    /// An address was allocated.
    Address(AllocationId),
    /// An address was associated.
    AddressAssociation(AddressAssociationId),
    /// A VPC was made.
    Vpc(VpcId),
    /// A subnet was made.
    Subnet(SubnetId),
    /// An internet gateway was made.
    InternetGateway(InternetGatewayId),
    /// A route table association has taken another's place.
    RouteTableAssociationReplaced(RouteTableAssociationId),
    /// A network ACL was made.
    NetworkAcl(NetworkAclId),
    /// A subnet got another network ACL.
    NetworkAclAssociation(NetworkAclAssociationId),
    /// Something at a VPC's edge changed.
    Edge(EdgeOutput),
    /// Something of VPN was made.
    Vpn(VpnOutput),
    /// A NAT gateway was made, changed or deleted.
    NatGateway(NatGatewayId),
    /// A peering connection was made, accepted or changed.
    PeeringConnection(VpcPeeringConnectionId),
    /// A transit gateway was made or changed.
    TransitGateway(TransitGatewayId),
    /// A transit gateway was deleted.
    TransitGatewayDeleted(Box<TransitGateway>),
    /// An attachment was made, accepted, changed or deleted.
    TransitGatewayAttachment(TransitGatewayAttachmentId),
    /// A route table of a transit gateway was made.
    TransitGatewayRouteTable(TransitGatewayRouteTableId),
    /// A route table of a transit gateway was deleted.
    TransitGatewayRouteTableDeleted(Box<TransitGatewayRouteTable>),
    /// A table and an attachment were associated or the contrary, or propagation was switched.
    TransitGatewayLink(TransitGatewayRouteTableId, TransitGatewayAttachmentId),
    /// A static route of a transit gateway was written or deleted.
    TransitGatewayRoute(TransitGatewayRoute),
}

/// A part of a call that failed while the rest was done.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct UnsuccessfulItem {
    /// What it was about.
    pub resource_id: String,
    /// AWS's code.
    pub code: &'static str,
    /// The sentence.
    pub message: String,
}
