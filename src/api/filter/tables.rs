//! Which filters each kind of resource has, and where in its document each looks.
//!
//! Filters about what is not simulated (IPv6, other gateways) exist and match nothing.

use super::FilterTable;

/// VPCs.
pub const VPCS: FilterTable = FilterTable {
    names: &[
        ("cidr", "CidrBlock"),
        ("cidr-block-association.cidr-block", "CidrBlockAssociationSet.CidrBlock"),
        ("cidr-block-association.association-id", "CidrBlockAssociationSet.AssociationId"),
        ("cidr-block-association.state", "CidrBlockAssociationSet.CidrBlockState.State"),
        ("dhcp-options-id", "DhcpOptionsId"),
        ("ipv6-cidr-block-association.ipv6-cidr-block", "Ipv6CidrBlockAssociationSet.Ipv6CidrBlock"),
        ("ipv6-cidr-block-association.association-id", "Ipv6CidrBlockAssociationSet.AssociationId"),
        ("is-default", "IsDefault"),
        ("isDefault", "IsDefault"),
        ("owner-id", "OwnerId"),
        ("state", "State"),
        ("vpc-id", "VpcId"),
    ],
    tags: Some("Tags"),
};

/// Subnets.
pub const SUBNETS: FilterTable = FilterTable {
    names: &[
        ("availability-zone", "AvailabilityZone"),
        ("availabilityZone", "AvailabilityZone"),
        ("availability-zone-id", "AvailabilityZoneId"),
        ("availabilityZoneId", "AvailabilityZoneId"),
        ("available-ip-address-count", "AvailableIpAddressCount"),
        ("cidr-block", "CidrBlock"),
        ("cidr", "CidrBlock"),
        ("cidrBlock", "CidrBlock"),
        ("default-for-az", "DefaultForAz"),
        ("defaultForAz", "DefaultForAz"),
        ("enable-dns64", "EnableDns64"),
        ("ipv6-cidr-block-association.ipv6-cidr-block", "Ipv6CidrBlockAssociationSet.Ipv6CidrBlock"),
        ("ipv6-native", "Ipv6Native"),
        ("map-customer-owned-ip-on-launch", "MapCustomerOwnedIpOnLaunch"),
        ("map-public-ip-on-launch", "MapPublicIpOnLaunch"),
        ("owner-id", "OwnerId"),
        ("private-dns-name-options-on-launch.hostname-type", "PrivateDnsNameOptionsOnLaunch.HostnameType"),
        ("state", "State"),
        ("subnet-arn", "SubnetArn"),
        ("subnet-id", "SubnetId"),
        ("vpc-id", "VpcId"),
    ],
    tags: Some("Tags"),
};

/// Route tables.
pub const ROUTE_TABLES: FilterTable = FilterTable {
    names: &[
        ("association.gateway-id", "Associations.GatewayId"),
        ("association.main", "Associations.Main"),
        ("association.route-table-association-id", "Associations.RouteTableAssociationId"),
        ("association.route-table-id", "Associations.RouteTableId"),
        ("association.subnet-id", "Associations.SubnetId"),
        ("association.state", "Associations.AssociationState.State"),
        ("owner-id", "OwnerId"),
        ("route-table-id", "RouteTableId"),
        ("route.destination-cidr-block", "Routes.DestinationCidrBlock"),
        ("route.destination-ipv6-cidr-block", "Routes.DestinationIpv6CidrBlock"),
        ("route.destination-prefix-list-id", "Routes.DestinationPrefixListId"),
        ("route.egress-only-internet-gateway-id", "Routes.EgressOnlyInternetGatewayId"),
        ("route.gateway-id", "Routes.GatewayId"),
        ("route.instance-id", "Routes.InstanceId"),
        ("route.nat-gateway-id", "Routes.NatGatewayId"),
        ("route.network-interface-id", "Routes.NetworkInterfaceId"),
        ("route.origin", "Routes.Origin"),
        ("route.state", "Routes.State"),
        ("route.transit-gateway-id", "Routes.TransitGatewayId"),
        ("route.vpc-peering-connection-id", "Routes.VpcPeeringConnectionId"),
        ("vpc-id", "VpcId"),
    ],
    tags: Some("Tags"),
};

/// Internet gateways.
pub const INTERNET_GATEWAYS: FilterTable = FilterTable {
    names: &[
        ("attachment.state", "Attachments.State"),
        ("attachment.vpc-id", "Attachments.VpcId"),
        ("internet-gateway-id", "InternetGatewayId"),
        ("owner-id", "OwnerId"),
    ],
    tags: Some("Tags"),
};

/// Network ACLs.
pub const NETWORK_ACLS: FilterTable = FilterTable {
    names: &[
        ("association.association-id", "Associations.NetworkAclAssociationId"),
        ("association.network-acl-id", "Associations.NetworkAclId"),
        ("association.subnet-id", "Associations.SubnetId"),
        ("default", "IsDefault"),
        ("entry.cidr", "Entries.CidrBlock"),
        ("entry.egress", "Entries.Egress"),
        ("entry.icmp.code", "Entries.IcmpTypeCode.Code"),
        ("entry.icmp.type", "Entries.IcmpTypeCode.Type"),
        ("entry.ipv6-cidr", "Entries.Ipv6CidrBlock"),
        ("entry.port-range.from", "Entries.PortRange.From"),
        ("entry.port-range.to", "Entries.PortRange.To"),
        ("entry.protocol", "Entries.Protocol"),
        ("entry.rule-action", "Entries.RuleAction"),
        ("entry.rule-number", "Entries.RuleNumber"),
        ("network-acl-id", "NetworkAclId"),
        ("owner-id", "OwnerId"),
        ("vpc-id", "VpcId"),
    ],
    tags: Some("Tags"),
};

/// VPC endpoints.
pub const VPC_ENDPOINTS: FilterTable = FilterTable {
    names: &[
        ("ip-address-type", "IpAddressType"),
        ("service-name", "ServiceName"),
        ("service-region", "ServiceRegion"),
        ("vpc-endpoint-id", "VpcEndpointId"),
        ("vpc-endpoint-state", "State"),
        ("vpc-endpoint-type", "VpcEndpointType"),
        ("vpc-id", "VpcId"),
    ],
    tags: Some("Tags"),
};

/// DHCP option sets.
pub const DHCP_OPTIONS: FilterTable = FilterTable {
    names: &[
        ("dhcp-options-id", "DhcpOptionsId"),
        ("key", "DhcpConfigurations.Key"),
        ("owner-id", "OwnerId"),
        ("value", "DhcpConfigurations.Values.Value"),
    ],
    tags: Some("Tags"),
};

/// Services that endpoints lead to.
pub const VPC_ENDPOINT_SERVICES: FilterTable = FilterTable {
    names: &[
        ("owner", "Owner"),
        ("service-name", "ServiceName"),
        ("service-region", "ServiceRegion"),
        ("service-type", "ServiceType.ServiceType"),
        ("supported-ip-address-types", "SupportedIpAddressTypes"),
    ],
    tags: Some("Tags"),
};

/// AWS-managed prefix lists.
pub const PREFIX_LISTS: FilterTable =
    FilterTable { names: &[("prefix-list-id", "PrefixListId"), ("prefix-list-name", "PrefixListName")], tags: None };

/// Prefix lists.
pub const MANAGED_PREFIX_LISTS: FilterTable = FilterTable {
    names: &[("owner-id", "OwnerId"), ("prefix-list-id", "PrefixListId"), ("prefix-list-name", "PrefixListName")],
    tags: Some("Tags"),
};

/// Exclusions from VPC Block Public Access.
pub const PUBLIC_ACCESS_EXCLUSIONS: FilterTable = FilterTable {
    names: &[
        ("internet-gateway-exclusion-mode", "InternetGatewayExclusionMode"),
        ("resource-arn", "ResourceArn"),
        ("state", "State"),
    ],
    tags: Some("Tags"),
};

/// Instances, each inside a reservation of its own.
pub const INSTANCES: FilterTable = FilterTable {
    names: &[
        ("architecture", "Instances.Architecture"),
        ("client-token", "Instances.ClientToken"),
        ("hypervisor", "Instances.Hypervisor"),
        ("image-id", "Instances.ImageId"),
        ("instance-id", "Instances.InstanceId"),
        ("instance-lifecycle", "Instances.InstanceLifecycle"),
        ("instance-type", "Instances.InstanceType"),
        ("key-name", "Instances.KeyName"),
        ("launch-time", "Instances.LaunchTime"),
        ("platform-details", "Instances.PlatformDetails"),
        ("private-dns-name", "Instances.PrivateDnsName"),
        ("private-ip-address", "Instances.PrivateIpAddress"),
        ("root-device-name", "Instances.RootDeviceName"),
        ("root-device-type", "Instances.RootDeviceType"),
        ("source-dest-check", "Instances.SourceDestCheck"),
        ("subnet-id", "Instances.SubnetId"),
        ("usage-operation", "Instances.UsageOperation"),
        ("virtualization-type", "Instances.VirtualizationType"),
        ("vpc-id", "Instances.VpcId"),
        ("availability-zone", "Instances.Placement.AvailabilityZone"),
        ("availability-zone-id", "Instances.Placement.AvailabilityZoneId"),
        ("dns-name", "Instances.PublicDnsName"),
        ("group-id", "Instances.SecurityGroups.GroupId"),
        ("group-name", "Instances.SecurityGroups.GroupName"),
        ("instance-state-code", "Instances.State.Code"),
        ("instance-state-name", "Instances.State.Name"),
        ("instance.group-id", "Instances.SecurityGroups.GroupId"),
        ("instance.group-name", "Instances.SecurityGroups.GroupName"),
        ("ip-address", "Instances.PublicIpAddress"),
        ("launch-index", "Instances.AmiLaunchIndex"),
        ("metadata-options.http-endpoint", "Instances.MetadataOptions.HttpEndpoint"),
        ("metadata-options.http-tokens", "Instances.MetadataOptions.HttpTokens"),
        ("monitoring-state", "Instances.Monitoring.State"),
        (
            "network-interface.addresses.association.public-ip",
            "Instances.NetworkInterfaces.PrivateIpAddresses.Association.PublicIp",
        ),
        ("network-interface.addresses.primary", "Instances.NetworkInterfaces.PrivateIpAddresses.Primary"),
        (
            "network-interface.addresses.private-ip-address",
            "Instances.NetworkInterfaces.PrivateIpAddresses.PrivateIpAddress",
        ),
        ("network-interface.association.ip-owner-id", "Instances.NetworkInterfaces.Association.IpOwnerId"),
        ("network-interface.association.public-ip", "Instances.NetworkInterfaces.Association.PublicIp"),
        ("network-interface.attachment.attach-time", "Instances.NetworkInterfaces.Attachment.AttachTime"),
        ("network-interface.attachment.attachment-id", "Instances.NetworkInterfaces.Attachment.AttachmentId"),
        (
            "network-interface.attachment.delete-on-termination",
            "Instances.NetworkInterfaces.Attachment.DeleteOnTermination",
        ),
        ("network-interface.attachment.device-index", "Instances.NetworkInterfaces.Attachment.DeviceIndex"),
        ("network-interface.attachment.status", "Instances.NetworkInterfaces.Attachment.Status"),
        ("network-interface.description", "Instances.NetworkInterfaces.Description"),
        ("network-interface.mac-address", "Instances.NetworkInterfaces.MacAddress"),
        ("network-interface.network-interface-id", "Instances.NetworkInterfaces.NetworkInterfaceId"),
        ("network-interface.owner-id", "Instances.NetworkInterfaces.OwnerId"),
        ("network-interface.private-dns-name", "Instances.NetworkInterfaces.PrivateDnsName"),
        ("network-interface.private-ip-address", "Instances.NetworkInterfaces.PrivateIpAddress"),
        ("network-interface.source-dest-check", "Instances.NetworkInterfaces.SourceDestCheck"),
        ("network-interface.status", "Instances.NetworkInterfaces.Status"),
        ("network-interface.subnet-id", "Instances.NetworkInterfaces.SubnetId"),
        ("network-interface.vpc-id", "Instances.NetworkInterfaces.VpcId"),
        ("network-interface.group-id", "Instances.NetworkInterfaces.Groups.GroupId"),
        ("network-interface.group-name", "Instances.NetworkInterfaces.Groups.GroupName"),
        ("owner-id", "OwnerId"),
        ("reservation-id", "ReservationId"),
        ("placement-group-name", "Instances.Placement.GroupName"),
        ("reason", "Instances.StateTransitionReason"),
        ("state-reason-code", "Instances.StateReason.Code"),
        ("state-reason-message", "Instances.StateReason.Message"),
        ("tenancy", "Instances.Placement.Tenancy"),
    ],
    tags: Some("Instances.Tags"),
};

/// Security groups.
pub const SECURITY_GROUPS: FilterTable = FilterTable {
    names: &[
        ("description", "Description"),
        ("egress.ip-permission.cidr", "IpPermissionsEgress.IpRanges.CidrIp"),
        ("egress.ip-permission.from-port", "IpPermissionsEgress.FromPort"),
        ("egress.ip-permission.group-id", "IpPermissionsEgress.UserIdGroupPairs.GroupId"),
        ("egress.ip-permission.group-name", "IpPermissionsEgress.UserIdGroupPairs.GroupName"),
        ("egress.ip-permission.ipv6-cidr", "IpPermissionsEgress.Ipv6Ranges.CidrIpv6"),
        ("egress.ip-permission.prefix-list-id", "IpPermissionsEgress.PrefixListIds.PrefixListId"),
        ("egress.ip-permission.protocol", "IpPermissionsEgress.IpProtocol"),
        ("egress.ip-permission.to-port", "IpPermissionsEgress.ToPort"),
        ("egress.ip-permission.user-id", "IpPermissionsEgress.UserIdGroupPairs.UserId"),
        ("group-id", "GroupId"),
        ("group-name", "GroupName"),
        ("ip-permission.cidr", "IpPermissions.IpRanges.CidrIp"),
        ("ip-permission.from-port", "IpPermissions.FromPort"),
        ("ip-permission.group-id", "IpPermissions.UserIdGroupPairs.GroupId"),
        ("ip-permission.group-name", "IpPermissions.UserIdGroupPairs.GroupName"),
        ("ip-permission.ipv6-cidr", "IpPermissions.Ipv6Ranges.CidrIpv6"),
        ("ip-permission.prefix-list-id", "IpPermissions.PrefixListIds.PrefixListId"),
        ("ip-permission.protocol", "IpPermissions.IpProtocol"),
        ("ip-permission.to-port", "IpPermissions.ToPort"),
        ("ip-permission.user-id", "IpPermissions.UserIdGroupPairs.UserId"),
        ("owner-id", "OwnerId"),
        ("vpc-id", "VpcId"),
    ],
    tags: Some("Tags"),
};

/// Rules of security groups.
pub const SECURITY_GROUP_RULES: FilterTable = FilterTable {
    names: &[("group-id", "GroupId"), ("security-group-rule-id", "SecurityGroupRuleId")],
    tags: Some("Tags"),
};

/// Network interfaces.
pub const NETWORK_INTERFACES: FilterTable = FilterTable {
    names: &[
        ("addresses.association.owner-id", "PrivateIpAddresses.Association.IpOwnerId"),
        ("addresses.association.public-ip", "PrivateIpAddresses.Association.PublicIp"),
        ("addresses.primary", "PrivateIpAddresses.Primary"),
        ("addresses.private-ip-address", "PrivateIpAddresses.PrivateIpAddress"),
        ("association.allocation-id", "Association.AllocationId"),
        ("association.association-id", "Association.AssociationId"),
        ("association.ip-owner-id", "Association.IpOwnerId"),
        ("association.public-dns-name", "Association.PublicDnsName"),
        ("association.public-ip", "Association.PublicIp"),
        ("attachment.attach-time", "Attachment.AttachTime"),
        ("attachment.attachment-id", "Attachment.AttachmentId"),
        ("attachment.delete-on-termination", "Attachment.DeleteOnTermination"),
        ("attachment.device-index", "Attachment.DeviceIndex"),
        ("attachment.instance-id", "Attachment.InstanceId"),
        ("attachment.instance-owner-id", "Attachment.InstanceOwnerId"),
        ("attachment.status", "Attachment.Status"),
        ("availability-zone", "AvailabilityZone"),
        ("availability-zone-id", "AvailabilityZoneId"),
        ("description", "Description"),
        ("group-id", "Groups.GroupId"),
        ("group-name", "Groups.GroupName"),
        ("interface-type", "InterfaceType"),
        ("mac-address", "MacAddress"),
        ("network-interface-id", "NetworkInterfaceId"),
        ("owner-id", "OwnerId"),
        ("private-dns-name", "PrivateDnsName"),
        ("private-ip-address", "PrivateIpAddress"),
        ("requester-managed", "RequesterManaged"),
        ("source-dest-check", "SourceDestCheck"),
        ("status", "Status"),
        ("subnet-id", "SubnetId"),
        ("vpc-id", "VpcId"),
    ],
    tags: Some("TagSet"),
};

/// NAT gateways.
pub const NAT_GATEWAYS: FilterTable = FilterTable {
    names: &[("nat-gateway-id", "NatGatewayId"), ("state", "State"), ("subnet-id", "SubnetId"), ("vpc-id", "VpcId")],
    tags: Some("Tags"),
};

/// Elastic IP addresses.
pub const ADDRESSES: FilterTable = FilterTable {
    names: &[
        ("allocation-id", "AllocationId"),
        ("association-id", "AssociationId"),
        ("domain", "Domain"),
        ("instance-id", "InstanceId"),
        ("network-border-group", "NetworkBorderGroup"),
        ("network-interface-id", "NetworkInterfaceId"),
        ("network-interface-owner-id", "NetworkInterfaceOwnerId"),
        ("private-ip-address", "PrivateIpAddress"),
        ("public-ip", "PublicIp"),
    ],
    tags: Some("Tags"),
};

/// Tags as resources of their own.
pub const TAGS: FilterTable = FilterTable {
    names: &[("key", "Key"), ("resource-id", "ResourceId"), ("resource-type", "ResourceType"), ("value", "Value")],
    tags: Some(""),
};

/// Availability zones.
pub const AVAILABILITY_ZONES: FilterTable = FilterTable {
    names: &[
        ("group-name", "GroupName"),
        ("message", "Messages.Message"),
        ("opt-in-status", "OptInStatus"),
        ("parent-zone-id", "ParentZoneId"),
        ("parent-zone-name", "ParentZoneName"),
        ("region-name", "RegionName"),
        ("state", "State"),
        ("zone-id", "ZoneId"),
        ("zone-name", "ZoneName"),
        ("zone-type", "ZoneType"),
    ],
    tags: None,
};

/// Regions.
pub const REGIONS: FilterTable = FilterTable {
    names: &[("endpoint", "Endpoint"), ("opt-in-status", "OptInStatus"), ("region-name", "RegionName")],
    tags: None,
};
