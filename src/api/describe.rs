//! The reading calls: select by id, filter, page.
//!
//! Ids that do not exist are refused, filters that match nothing give an empty list. A list of ids and `MaxResults` exclude
//! each other. DescribeVpcEndpointServices lists the services that vpcsim knows, where AWS lists hundreds.
//! Terminated instances and deleted or failed NAT gateways stay listed until the run ends (AWS: about an hour).
//! Source: docs.aws.amazon.com/AWSEC2/latest/APIReference, the pages of the operations.

mod vpn;
mod transit;

use super::documents::{self, Life};
use super::execute::parameters::Parameters;
use super::filter::{self, FilterTable};
use super::{ApiError, paging};
use crate::calendar::Calendar;
use crate::control::region::{needs_no_opt_in, regions, zone_id, zone_names};
use crate::ids::*;
use crate::model::{Instance, Model, ModelError, SecurityGroup, endpoint_services};
use serde_json::{Value, json};
use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Display;
use std::str::FromStr;

/// Answers a reading call; `model` is what the called Region's API sees of the `whole` account. `None` if the operation is not one.
///
/// # Errors
/// `Invalid....NotFound` and `.Malformed`, `InvalidParameterCombination`, `InvalidParameterValue` (filters, pages), `InvalidNextToken`.
pub fn describe(
    whole: &Model,
    model: &Model,
    calendar: Calendar,
    parameters: &Parameters<'_>,
) -> Result<Option<Value>, ApiError> {
    let call = Call { whole, model, calendar, parameters };
    if let Some(answer) = call.roads_to_vpcs()? {
        parameters.finish()?;
        return Ok(Some(answer));
    }
    let answer = match parameters.operation() {
        "DescribeVpcs" => call.vpcs()?,
        "DescribeVpcAttribute" => call.vpc_attribute()?,
        "DescribeSubnets" => call.subnets()?,
        "DescribeRouteTables" => call.route_tables()?,
        "DescribeInternetGateways" => call.internet_gateways()?,
        "DescribeNetworkAcls" => call.network_acls()?,
        "DescribeVpcEndpoints" => call.vpc_endpoints()?,
        "DescribeDhcpOptions" => call.dhcp_options()?,
        "DescribeVpcEndpointServices" => call.vpc_endpoint_services()?,
        "DescribePrefixLists" => call.prefix_lists()?,
        "DescribeManagedPrefixLists" => call.managed_prefix_lists()?,
        "GetManagedPrefixListEntries" => call.prefix_list_entries()?,
        "GetManagedPrefixListAssociations" => call.prefix_list_associations()?,
        "DescribeVpcBlockPublicAccessOptions" => {
            json!({"VpcBlockPublicAccessOptions": documents::public_access_options(model, calendar)})
        }
        "DescribeVpcBlockPublicAccessExclusions" => call.public_access_exclusions()?,
        "DescribeInstances" => call.instances()?,
        "DescribeSecurityGroups" => call.security_groups()?,
        "DescribeSecurityGroupRules" => call.security_group_rules()?,
        "DescribeNetworkInterfaces" => call.network_interfaces()?,
        "DescribeNatGateways" => call.nat_gateways()?,
        "DescribeAddresses" => call.addresses()?,
        "DescribeVpnGateways" => call.vpn_gateways()?,
        "DescribeCustomerGateways" => call.customer_gateways()?,
        "DescribeVpnConnections" => call.vpn_connections()?,
        "DescribeTags" => call.list("Tags", &filter::TAGS, documents::tags_of_everything(model))?,
        "DescribeAvailabilityZones" => call.availability_zones()?,
        "DescribeRegions" => call.regions()?,
        _ => return Ok(None),
    };
    parameters.finish()?;
    Ok(Some(answer))
}

struct Call<'a> {
    /// The account in all its Regions.
    whole: &'a Model,
    /// The called Region.
    model: &'a Model,
    calendar: Calendar,
    parameters: &'a Parameters<'a>,
}

impl Call<'_> {
    fn vpcs(&self) -> Result<Value, ApiError> {
        let chosen = self.chosen("VpcIds", &self.model.vpcs, |id| self.model.vpc(id).err())?;
        self.list("Vpcs", &filter::VPCS, chosen.into_iter().map(|vpc| documents::vpc(self.model, vpc)))
    }

    fn vpc_attribute(&self) -> Result<Value, ApiError> {
        let vpc = self.model.vpc(self.parameters.required_id("VpcId")?).map_err(refusal)?;
        let (member, value) = match self.parameters.required_text("Attribute")?.as_str() {
            "enableDnsSupport" => ("EnableDnsSupport", vpc.enable_dns_support),
            "enableDnsHostnames" => ("EnableDnsHostnames", vpc.enable_dns_hostnames),
            "enableNetworkAddressUsageMetrics" => ("EnableNetworkAddressUsageMetrics", false),
            other => {
                return Err(ApiError::new(
                    "InvalidParameterValue",
                    format!("Value ({other}) for parameter attribute is invalid. Unknown attribute."),
                ));
            }
        };
        Ok(json!({"VpcId": vpc.id, member: {"Value": value}}))
    }

    fn subnets(&self) -> Result<Value, ApiError> {
        let chosen = self.chosen("SubnetIds", &self.model.subnets, |id| self.model.subnet(id).err())?;
        self.list("Subnets", &filter::SUBNETS, chosen.into_iter().map(|subnet| documents::subnet(self.model, subnet)))
    }

    fn route_tables(&self) -> Result<Value, ApiError> {
        let chosen = self.chosen("RouteTableIds", &self.model.route_tables, |id| self.model.route_table(id).err())?;
        let documents = chosen.into_iter().map(|table| documents::route_table(self.model, table));
        self.list("RouteTables", &filter::ROUTE_TABLES, documents)
    }

    fn internet_gateways(&self) -> Result<Value, ApiError> {
        let missing = |id| self.model.internet_gateway(id).err();
        let chosen = self.chosen("InternetGatewayIds", &self.model.internet_gateways, missing)?;
        let documents = chosen.into_iter().map(|gateway| documents::internet_gateway(self.model, gateway));
        self.list("InternetGateways", &filter::INTERNET_GATEWAYS, documents)
    }

    fn network_acls(&self) -> Result<Value, ApiError> {
        let chosen = self.chosen("NetworkAclIds", &self.model.network_acls, |id| self.model.network_acl(id).err())?;
        let documents = chosen.into_iter().map(|acl| documents::network_acl(self.model, acl));
        self.list("NetworkAcls", &filter::NETWORK_ACLS, documents)
    }

    fn dhcp_options(&self) -> Result<Value, ApiError> {
        let chosen =
            self.chosen("DhcpOptionsIds", &self.model.dhcp_options, |id| self.model.dhcp_options_set(id).err())?;
        let documents = chosen.into_iter().map(|options| documents::dhcp_options(self.model, options));
        self.list("DhcpOptions", &filter::DHCP_OPTIONS, documents)
    }

    fn vpc_endpoints(&self) -> Result<Value, ApiError> {
        let chosen =
            self.chosen("VpcEndpointIds", &self.model.vpc_endpoints, |id| self.model.vpc_endpoint(id).err())?;
        let document = |endpoint| documents::vpc_endpoint(self.model, self.calendar, endpoint);
        self.list("VpcEndpoints", &filter::VPC_ENDPOINTS, chosen.into_iter().map(document))
    }

    fn vpc_endpoint_services(&self) -> Result<Value, ApiError> {
        let names = self.parameters.texts("ServiceNames")?;
        let regions = self.parameters.texts("ServiceRegions")?;
        let services = endpoint_services(self.model);
        if let Some(name) = names.iter().find(|name| !services.iter().any(|service| service.name == **name)) {
            return Err(ApiError::new(
                "InvalidServiceName",
                format!("The Vpc Endpoint Service '{name}' does not exist"),
            ));
        }
        let chosen = (services.iter())
            .filter(|service| names.is_empty() || names.contains(&service.name))
            .filter(|_| regions.is_empty() || regions.contains(&self.model.region));
        let documents = chosen.map(|service| documents::endpoint_service(self.model, service));
        let mut answer = self.list("ServiceDetails", &filter::VPC_ENDPOINT_SERVICES, documents)?;
        // A service that has both types stands twice in the details and once in the names.
        let details = answer["ServiceDetails"].as_array().map_or(&[][..], Vec::as_slice);
        let names: BTreeSet<_> = details.iter().filter_map(|detail| detail["ServiceName"].as_str()).collect();
        let names = json!(names);
        answer["ServiceNames"] = names;
        Ok(answer)
    }

    fn prefix_lists(&self) -> Result<Value, ApiError> {
        let chosen = self.chosen_prefix_lists()?.into_iter();
        let managed = chosen.filter(|list| documents::is_managed_by_aws(list));
        self.list("PrefixLists", &filter::PREFIX_LISTS, managed.map(documents::prefix_list))
    }

    fn managed_prefix_lists(&self) -> Result<Value, ApiError> {
        let chosen = self.chosen_prefix_lists()?.into_iter();
        let documents = chosen.map(|list| documents::managed_prefix_list(self.model, list));
        self.list("PrefixLists", &filter::MANAGED_PREFIX_LISTS, documents)
    }

    fn prefix_list_entries(&self) -> Result<Value, ApiError> {
        let id = self.parameters.required_id("PrefixListId")?;
        let version = self.parameters.integer("TargetVersion")?;
        let list = self.model.prefix_list(id).ok_or_else(|| refusal(self.model.unknown_prefix_list(id)))?;
        // A negative version is none that a list has.
        let version = version.map(|number| u64::try_from(number).unwrap_or_default());
        let entries = documents::prefix_list_entries(list, version);
        let missing = || refusal(Model::no_such_version(id, version.unwrap_or_default()));
        self.pages("Entries", entries.ok_or_else(missing)?)
    }

    /// Of a list of AWS's nobody is told who uses it.
    fn prefix_list_associations(&self) -> Result<Value, ApiError> {
        let (list, _) = self.model.customer_list(self.parameters.required_id("PrefixListId")?).map_err(refusal)?;
        self.pages("PrefixListAssociations", documents::prefix_list_associations(self.model, list))
    }

    fn public_access_exclusions(&self) -> Result<Value, ApiError> {
        let shown: BTreeMap<BlockPublicAccessExclusionId, Value> = (self.model.block_public_access.exclusions.iter())
            .map(|(id, exclusion)| {
                let state = "create-complete";
                (*id, documents::public_access_exclusion(self.model, self.calendar, *id, exclusion, state))
            })
            .collect();
        let chosen = self.chosen("ExclusionIds", &shown, |id| Some(Model::no_such_exclusion(id)))?;
        let table = &filter::PUBLIC_ACCESS_EXCLUSIONS;
        self.list("VpcBlockPublicAccessExclusions", table, chosen.into_iter().cloned())
    }

    fn chosen_prefix_lists(&self) -> Result<Vec<&crate::model::PrefixList>, ApiError> {
        let in_region = self.model.prefix_lists.iter().filter(|((region, _), _)| *region == self.model.region);
        let lists: BTreeMap<PrefixListId, _> = in_region.map(|((_, id), list)| (*id, list)).collect();
        let chosen = self.chosen("PrefixListIds", &lists, |id| Some(self.model.unknown_prefix_list(id)))?;
        Ok(chosen.into_iter().copied().collect())
    }

    /// Filters look at single instances; those that pass are shown in the reservations they came from.
    fn instances(&self) -> Result<Value, ApiError> {
        self.parameters.without_effect(&["IncludeManagedResources"]);
        let ids = self.ids::<InstanceId>("InstanceIds")?;
        let unknown: Vec<_> =
            ids.iter().filter(|id| !self.model.instances.contains_key(id)).map(ToString::to_string).collect();
        if !unknown.is_empty() {
            let (plural, verb) = if unknown.len() == 1 { ("", "does") } else { ("s", "do") };
            let message = format!("The instance ID{plural} '{}' {verb} not exist", unknown.join(", "));
            return Err(ApiError::new("InvalidInstanceID.NotFound", message));
        }
        let filters = filter::parse(self.parameters, &filter::INSTANCES)?;
        let mut launches: BTreeMap<ReservationId, Vec<&Instance>> = BTreeMap::new();
        for instance in self.model.instances.values() {
            launches.entry(instance.reservation_id).or_default().push(instance);
        }
        let mut reservations = Vec::new();
        for (reservation_id, instances) in launches {
            let mut passing = Vec::new();
            for (position, instance) in instances.into_iter().enumerate() {
                if !ids.is_empty() && !ids.contains(&instance.id) {
                    continue;
                }
                let mut document = documents::instance(self.model, self.calendar, instance, Life::Now);
                document["AmiLaunchIndex"] = json!(position);
                let alone = documents::reservation(self.model, reservation_id, vec![document.clone()]);
                if filter::passes(&filters, &alone) {
                    passing.push(document);
                }
            }
            if !passing.is_empty() {
                reservations.push(documents::reservation(self.model, reservation_id, passing));
            }
        }
        self.pages("Reservations", reservations)
    }

    fn security_groups(&self) -> Result<Value, ApiError> {
        let names = self.parameters.texts("GroupNames")?;
        let mut chosen =
            self.chosen("GroupIds", &self.model.security_groups, |id| self.model.security_group(id).err())?;
        if !names.is_empty() {
            let by_name = self.default_vpc_groups(&names)?;
            // Names and ids together: both kinds are shown.
            if self.parameters.has("GroupIds") {
                chosen.extend(
                    by_name
                        .into_iter()
                        .filter(|group| !chosen.iter().any(|other| other.id == group.id))
                        .collect::<Vec<_>>(),
                );
            } else {
                chosen = by_name;
            }
        }
        let documents = chosen.into_iter().map(|group| documents::security_group(self.model, group));
        self.list("SecurityGroups", &filter::SECURITY_GROUPS, documents)
    }

    /// Groups by name, which calls use for the default VPC only.
    fn default_vpc_groups(&self, names: &[String]) -> Result<Vec<&SecurityGroup>, ApiError> {
        let Some(vpc) = self.model.vpcs.values().find(|vpc| vpc.is_default) else {
            return Err(ApiError::new("VPCIdNotSpecified", "No default VPC for this user"));
        };
        let find = |name: &String| {
            let mut groups = self.model.security_groups.values();
            groups.find(|group| group.vpc_id == vpc.id && group.group_name == *name).ok_or_else(|| {
                ApiError::new(
                    "InvalidGroup.NotFound",
                    format!("The security group '{name}' does not exist in default VPC '{}'", vpc.id),
                )
            })
        };
        names.iter().map(find).collect()
    }

    fn security_group_rules(&self) -> Result<Value, ApiError> {
        let mut rules = BTreeMap::new();
        for group in self.model.security_groups.values() {
            for (egress, side) in [(false, &group.ingress), (true, &group.egress)] {
                for rule in side {
                    rules.insert(rule.id, documents::security_group_rule(self.model, group.id, egress, rule));
                }
            }
        }
        let missing = |id: SecurityGroupRuleId| {
            Some(ModelError::not_found("InvalidSecurityGroupRuleId.NotFound", "security group rule", id))
        };
        let chosen = self.chosen("SecurityGroupRuleIds", &rules, missing)?;
        self.list("SecurityGroupRules", &filter::SECURITY_GROUP_RULES, chosen.into_iter().cloned())
    }

    fn network_interfaces(&self) -> Result<Value, ApiError> {
        self.parameters.without_effect(&["IncludeManagedResources"]);
        let missing = |id| self.model.network_interface(id).err();
        let chosen = self.chosen("NetworkInterfaceIds", &self.model.network_interfaces, missing)?;
        let document = |interface| documents::network_interface(self.model, self.calendar, interface);
        self.list("NetworkInterfaces", &filter::NETWORK_INTERFACES, chosen.into_iter().map(document))
    }

    fn nat_gateways(&self) -> Result<Value, ApiError> {
        let chosen = self.chosen("NatGatewayIds", &self.model.nat_gateways, |id| self.model.nat_gateway(id).err())?;
        let documents = chosen.into_iter().map(|gateway| documents::nat_gateway(self.calendar, gateway));
        self.list("NatGateways", &filter::NAT_GATEWAYS, documents)
    }

    fn addresses(&self) -> Result<Value, ApiError> {
        let public_ips = self.parameters.texts("PublicIps")?;
        let missing = |id: AllocationId| {
            Some(ModelError::new("InvalidAllocationID.NotFound", format!("The allocation ID '{id}' does not exist")))
        };
        let chosen = self.chosen("AllocationIds", &self.model.elastic_addresses, missing)?;
        let known =
            |ip: &String| self.model.elastic_addresses.values().any(|address| address.public_ip.to_string() == *ip);
        if let Some(ip) = public_ips.iter().find(|ip| !known(ip)) {
            return Err(ApiError::new("InvalidAddress.NotFound", format!("Address '{ip}' not found.")));
        }
        let wanted = chosen
            .into_iter()
            .filter(|address| public_ips.is_empty() || public_ips.contains(&address.public_ip.to_string()));
        self.list("Addresses", &filter::ADDRESSES, wanted.map(|address| documents::address(self.model, address)))
    }

    fn availability_zones(&self) -> Result<Value, ApiError> {
        self.parameters.without_effect(&["AllAvailabilityZones"]);
        let zones = zone_names(self.model);
        let (names, ids) = (self.parameters.texts("ZoneNames")?, self.parameters.texts("ZoneIds")?);
        let unknown = (names.iter().filter(|name| !zones.contains(*name)))
            .chain(ids.iter().filter(|id| !zones.iter().any(|zone| zone_id(zone) == **id)))
            .next();
        if let Some(zone) = unknown {
            return Err(ApiError::new("InvalidParameterValue", format!("Invalid availability zone: [{zone}]")));
        }
        let wanted = |zone: &&String| {
            (names.is_empty() && ids.is_empty()) || names.contains(zone) || ids.contains(&zone_id(zone))
        };
        let documents = zones.iter().filter(wanted).map(|zone| documents::availability_zone(self.model, zone));
        self.list("AvailabilityZones", &filter::AVAILABILITY_ZONES, documents)
    }

    fn regions(&self) -> Result<Value, ApiError> {
        let all = self.parameters.boolean("AllRegions")?.unwrap_or(false);
        let names = self.parameters.texts("RegionNames")?;
        let regions = regions(self.model);
        if let Some(name) = names.iter().find(|name| !regions.contains(*name)) {
            return Err(ApiError::new("InvalidParameterValue", format!("Invalid region names: [{name}]")));
        }
        let enabled = |region: &str| needs_no_opt_in(region) || region == self.model.region;
        let wanted = |region: &&String| {
            if names.is_empty() { all || enabled(region) } else { names.contains(region) }
        };
        let documents = regions.iter().filter(wanted).map(|region| documents::region(self.model, region));
        self.list("Regions", &filter::REGIONS, documents)
    }

    /// The resources whose ids the call lists, all if it lists none. `missing` says what AWS says of an id that is not there.
    fn chosen<'m, K, V>(
        &self,
        parameter: &str,
        all: &'m BTreeMap<K, V>,
        missing: impl Fn(K) -> Option<ModelError>,
    ) -> Result<Vec<&'m V>, ApiError>
    where
        K: FromStr<Err = IdError> + Ord + Copy + Display,
    {
        let ids = self.ids::<K>(parameter)?;
        if ids.is_empty() {
            return Ok(all.values().collect());
        }
        // Each is shown once, however often it is named.
        let ids: BTreeSet<K> = ids.into_iter().collect();
        let one = |id: K| {
            all.get(&id).ok_or_else(|| {
                let unnamed = || ModelError::new("InvalidID", format!("The ID '{id}' is not valid"));
                refusal(missing(id).unwrap_or_else(unnamed))
            })
        };
        ids.into_iter().map(one).collect()
    }

    fn ids<K: FromStr<Err = IdError>>(&self, parameter: &str) -> Result<Vec<K>, ApiError> {
        let ids = self.parameters.ids::<K>(parameter)?;
        if !ids.is_empty() && self.parameters.has("MaxResults") {
            return Err(ApiError::new(
                "InvalidParameterCombination",
                format!("The parameter {parameter} cannot be used with the parameter MaxResults"),
            ));
        }
        Ok(ids)
    }

    fn list(
        &self,
        member: &str,
        table: &FilterTable,
        documents: impl IntoIterator<Item = Value>,
    ) -> Result<Value, ApiError> {
        let filters = filter::parse(self.parameters, table)?;
        self.pages(member, documents.into_iter().filter(|document| filter::passes(&filters, document)).collect())
    }

    fn pages(&self, member: &str, documents: Vec<Value>) -> Result<Value, ApiError> {
        let page = paging::page(self.parameters, documents)?;
        let mut answer = json!({member: page.items});
        if let Some(token) = page.next_token {
            answer["NextToken"] = json!(token);
        }
        Ok(answer)
    }
}

fn refusal(error: ModelError) -> ApiError {
    ApiError::new(error.code, error.message)
}
