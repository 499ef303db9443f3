//! What differs between two models of one account.
//!
//! Most changes of a large network are changes of routes; who made something of a model (a program, names, hosts) asks here whether it is still good for the next.

use super::{Model, RouteTable};

impl Model {
    /// Whether `after` is this model with other routes in the same tables. Seen without looking inside what both share; what is equal but not shared counts as
    /// different.
    pub fn differs_only_in_routes(&self, after: &Model) -> bool {
        // Taken apart, so that a new field cannot be forgotten here.
        let Model {
            region,
            account_id,
            seed,
            id_length: _,
            minted_count: _,
            quotas: _,
            vpcs,
            subnets,
            route_tables,
            internet_gateways,
            security_groups,
            network_acls,
            network_interfaces,
            instances,
            elastic_addresses,
            vpc_endpoints,
            nat_gateways,
            peering_connections,
            transit_gateways,
            transit_gateway_attachments,
            transit_gateway_route_tables,
            vpn_gateways,
            customer_gateways,
            vpn_connections,
            virtual_interfaces,
            dhcp_options,
            block_public_access,
            on_premises,
            prefix_lists,
            service_zones: _,
            dynamodb_tables,
            public_services,
            outside_hosts,
            public_addresses_used: _,
            retired_ids: _,
            links,
            forwarding,
            unknown_connection,
            dns_ttl_seconds,
            dns_failures,
        } = self;
        *region == after.region
            && *account_id == after.account_id
            && *seed == after.seed
            && vpcs.is_same(&after.vpcs)
            && subnets.is_same(&after.subnets)
            && internet_gateways.is_same(&after.internet_gateways)
            && security_groups.is_same(&after.security_groups)
            && network_acls.is_same(&after.network_acls)
            && network_interfaces.is_same(&after.network_interfaces)
            && instances.is_same(&after.instances)
            && elastic_addresses.is_same(&after.elastic_addresses)
            && vpc_endpoints.is_same(&after.vpc_endpoints)
            && nat_gateways.is_same(&after.nat_gateways)
            && peering_connections.is_same(&after.peering_connections)
            && transit_gateways.is_same(&after.transit_gateways)
            && transit_gateway_attachments.is_same(&after.transit_gateway_attachments)
            && transit_gateway_route_tables.is_same(&after.transit_gateway_route_tables)
            && vpn_gateways.is_same(&after.vpn_gateways)
            && vpn_connections.is_same(&after.vpn_connections)
            && virtual_interfaces.is_same(&after.virtual_interfaces)
            && *block_public_access == after.block_public_access
            && on_premises.is_same(&after.on_premises)
            && prefix_lists.is_same(&after.prefix_lists)
            && public_services.is_same(&after.public_services)
            && outside_hosts.is_same(&after.outside_hosts)
            && customer_gateways.is_same(&after.customer_gateways)
            && dhcp_options.is_same(&after.dhcp_options)
            && dynamodb_tables.is_same(&after.dynamodb_tables)
            && *unknown_connection == after.unknown_connection
            && *dns_ttl_seconds == after.dns_ttl_seconds
            && *dns_failures == after.dns_failures
            && *links == after.links
            && *forwarding == after.forwarding
            && route_tables.len() == after.route_tables.len()
            && route_tables.values().zip(after.route_tables.values()).all(|(a, b)| same_but_routes(a, b))
    }
}

fn same_but_routes(before: &RouteTable, after: &RouteTable) -> bool {
    let RouteTable {
        id,
        vpc_id,
        routes: _,
        associations,
        gateway_associations,
        propagating_gateways,
        main_association,
        tags,
    } = before;
    *id == after.id
        && *vpc_id == after.vpc_id
        && (associations.is_same(&after.associations) || *associations == after.associations)
        && (gateway_associations.is_same(&after.gateway_associations)
            || *gateway_associations == after.gateway_associations)
        && *propagating_gateways == after.propagating_gateways
        && *main_association == after.main_association
        && *tags == after.tags
}
