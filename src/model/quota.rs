//! AWS's quotas, those that this version counts.
//!
//! Source: docs.aws.amazon.com/vpc/latest/userguide/amazon-vpc-limits.html (defaults; most are adjustable there and here),
//! docs.aws.amazon.com/vpc/latest/tgw/transit-gateway-quotas.html

/// How many of each resource an account or resource may have.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[allow(missing_docs, reason = "each name says what is counted, per what")]
pub struct Quotas {
    pub vpcs_per_region: usize,
    pub subnets_per_vpc: usize,
    pub cidr_blocks_per_vpc: usize,
    pub route_tables_per_vpc: usize,
    pub routes_per_table: u32,
    pub internet_gateways_per_region: usize,
    pub security_groups_per_region: usize,
    pub rules_per_security_group_direction: u32,
    pub security_groups_per_interface: usize,
    pub interfaces_per_region: usize,
    pub elastic_addresses_per_region: usize,
    pub gateway_endpoints_per_region: usize,
    pub interface_endpoints_per_vpc: usize,
    pub network_acls_per_vpc: usize,
    pub rules_per_network_acl_direction: usize,
    pub endpoint_policy_characters: usize,
    pub prefix_lists_per_region: usize,
    pub entries_per_prefix_list: u32,
    pub versions_per_prefix_list: usize,
    pub public_access_exclusions_per_region: usize,
    pub propagated_routes_per_table: usize,
    pub vpn_gateways_per_region: usize,
    pub customer_gateways_per_region: usize,
    pub vpn_connections_per_gateway: usize,
    pub static_routes_per_vpn_connection: usize,
    pub announced_routes_per_vpn_connection: usize,
    pub nat_gateways_per_availability_zone: usize,
    pub elastic_addresses_per_nat_gateway: usize,
    pub active_peering_connections_per_vpc: usize,
    pub outstanding_peering_requests_per_vpc: usize,
    pub transit_gateways_per_region: usize,
    pub transit_gateway_attachments: usize,
    pub transit_gateway_peering_attachments: usize,
    pub transit_gateways_per_vpc: usize,
    pub transit_gateway_route_tables: usize,
    pub transit_gateway_routes: usize,
}

/// AWS raises the rules of a security group, or the groups of an interface, only as far as their product stays within this.
pub const RULES_TIMES_GROUPS_MAX: u32 = 1_000;

impl Default for Quotas {
    fn default() -> Self {
        Quotas {
            vpcs_per_region: 5,
            subnets_per_vpc: 200,
            cidr_blocks_per_vpc: 5,
            route_tables_per_vpc: 200,
            routes_per_table: 500,
            internet_gateways_per_region: 5,
            security_groups_per_region: 2_500,
            rules_per_security_group_direction: 60,
            security_groups_per_interface: 5,
            interfaces_per_region: 5_000,
            elastic_addresses_per_region: 5,
            gateway_endpoints_per_region: 20,
            interface_endpoints_per_vpc: 50,
            network_acls_per_vpc: 200,
            rules_per_network_acl_direction: 20,
            endpoint_policy_characters: 20_480,
            prefix_lists_per_region: 100,
            entries_per_prefix_list: 1_000,
            versions_per_prefix_list: 1_000,
            public_access_exclusions_per_region: 50,
            // docs.aws.amazon.com/vpn/latest/s2svpn/vpn-limits.html.
            propagated_routes_per_table: 100,
            vpn_gateways_per_region: 5,
            customer_gateways_per_region: 50,
            vpn_connections_per_gateway: 10,
            static_routes_per_vpn_connection: 50,
            announced_routes_per_vpn_connection: 100,
            nat_gateways_per_availability_zone: 5,
            elastic_addresses_per_nat_gateway: 2,
            active_peering_connections_per_vpc: 50,
            outstanding_peering_requests_per_vpc: 25,
            transit_gateways_per_region: 5,
            transit_gateway_attachments: 5_000,
            transit_gateway_peering_attachments: 50,
            transit_gateways_per_vpc: 5,
            transit_gateway_route_tables: 20,
            transit_gateway_routes: 10_000,
        }
    }
}
