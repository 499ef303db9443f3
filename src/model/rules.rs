//! Security groups and network ACLs: making them and their rules.

use super::*;
use crate::net::Ipv4Net;

impl Model {
    /// Adds a security group that allows nothing in and everything out.
    ///
    /// # Errors
    /// `InvalidVpcID.NotFound`, `InvalidGroup.Duplicate`, `InvalidGroup.Reserved`, `InvalidParameterValue` (the name), `SecurityGroupLimitExceeded`.
    pub fn add_security_group(
        &mut self,
        label: &str,
        id: Option<SecurityGroupId>,
        vpc_id: VpcId,
        group_name: &str,
        description: &str,
        tags: Tags,
    ) -> Result<SecurityGroupId, ModelError> {
        self.vpc(vpc_id)?;
        let limit = self.quotas.security_groups_per_region;
        if self.security_groups.len() >= limit {
            return Err(ModelError::quota("SecurityGroupLimitExceeded", "security groups", limit));
        }
        if group_name.is_empty() || group_name.len() > 255 || group_name.starts_with("sg-") {
            return Err(ModelError::new(
                "InvalidParameterValue",
                format!("Invalid security group name '{group_name}': 1 to 255 characters, not beginning with \"sg-\"."),
            ));
        }
        if group_name.eq_ignore_ascii_case("default") {
            return Err(ModelError::new("InvalidGroup.Reserved", "The security group 'default' is reserved"));
        }
        let taken = |group: &SecurityGroup| group.vpc_id == vpc_id && group.group_name.eq_ignore_ascii_case(group_name);
        if self.security_groups.values().any(taken) {
            return Err(ModelError::new(
                "InvalidGroup.Duplicate",
                format!("The security group '{group_name}' already exists for VPC '{vpc_id}'"),
            ));
        }
        let id = id.unwrap_or_else(|| SecurityGroupId::mint(self.seed, label, self.id_length));
        let mut group = self.new_group(vpc_id, group_name, description, id);
        group.tags = tags;
        self.security_groups.insert(id, group);
        Ok(id)
    }

    pub(super) fn new_group(&self, vpc_id: VpcId, name: &str, description: &str, id: SecurityGroupId) -> SecurityGroup {
        SecurityGroup {
            id,
            vpc_id,
            group_name: name.to_owned(),
            description: description.to_owned(),
            ingress: Vec::new(),
            egress: vec![SecurityGroupRule {
                id: SecurityGroupRuleId::mint(self.seed, &format!("{id} egress 0"), self.id_length),
                traffic: TrafficMatch::All,
                peer: RulePeer::Cidr(Ipv4Net::default()),
                description: None,
            }],
            tags: Tags::default(),
        }
    }

    /// Adds a rule to a security group. Host bits of a block are cleared, as AWS does.
    ///
    /// # Errors
    /// `InvalidGroup.NotFound` (either group), `InvalidPermission.Duplicate`, `InvalidPrefixListID.NotFound`, `RulesPerSecurityGroupLimitExceeded`.
    pub fn add_security_group_rule(
        &mut self,
        group_id: SecurityGroupId,
        egress: bool,
        traffic: TrafficMatch,
        peer: RulePeer,
        description: Option<String>,
    ) -> Result<SecurityGroupRuleId, ModelError> {
        let group = self.security_group(group_id)?;
        let peer = self.checked_peer(group, egress, peer)?;
        let rules = if egress { &group.egress } else { &group.ingress };
        self.check_rule_fits(group.vpc_id, rules, traffic, peer)?;
        let side = if egress { "egress" } else { "ingress" };
        let label = format!("{group_id} {side} {traffic} {peer}");
        let id = SecurityGroupRuleId::mint(self.seed, &label, self.id_length);
        if let Some(group) = self.security_groups.get_mut(&group_id) {
            let rules = if egress { &mut group.egress } else { &mut group.ingress };
            rules.push(SecurityGroupRule { id, traffic, peer, description });
        }
        Ok(id)
    }

    /// Puts another rule in the place of the one with this id, which it keeps.
    ///
    /// # Errors
    /// `InvalidGroup.NotFound`, `InvalidSecurityGroupRuleId.NotFound`, and those of [`Model::add_security_group_rule`].
    pub fn replace_security_group_rule(
        &mut self,
        group_id: SecurityGroupId,
        id: SecurityGroupRuleId,
        traffic: TrafficMatch,
        peer: RulePeer,
        description: Option<String>,
    ) -> Result<(), ModelError> {
        let group = self.security_group(group_id)?;
        let found = [(false, &group.ingress), (true, &group.egress)];
        let Some((egress, rules)) = found.into_iter().find(|(_, rules)| rules.iter().any(|rule| rule.id == id)) else {
            return Err(ModelError::new(
                "InvalidSecurityGroupRuleId.NotFound",
                format!("The security group rule ID '{id}' does not exist"),
            ));
        };
        let peer = self.checked_peer(group, egress, peer)?;
        let others: Vec<_> = rules.iter().filter(|rule| rule.id != id).cloned().collect();
        self.check_rule_fits(group.vpc_id, &others, traffic, peer)?;
        if let Some(group) = self.security_groups.get_mut(&group_id)
            && let Some(rule) = group.ingress.iter_mut().chain(&mut group.egress).find(|rule| rule.id == id)
        {
            *rule = SecurityGroupRule { id, traffic, peer, description };
        }
        Ok(())
    }

    /// The peer of a rule of `group` with host bits cleared, if it exists and the group may name it.
    fn checked_peer(&self, group: &SecurityGroup, egress: bool, peer: RulePeer) -> Result<RulePeer, ModelError> {
        let region = self.region_of(group.vpc_id);
        match peer {
            RulePeer::Cidr(cidr) => Ok(RulePeer::Cidr(cidr.trunc())),
            RulePeer::PrefixList(list) if self.prefix_list_in(region, list).is_none() => {
                Err(self.unknown_prefix_list_in(region, list))
            }
            RulePeer::SecurityGroup(other) => {
                let other_vpc_id = self.security_group(other)?.vpc_id;
                let by_transit = || !egress && self.transit_references_groups(group.vpc_id, other_vpc_id);
                if other_vpc_id == group.vpc_id
                    || self.peering_references_groups(group.vpc_id, other_vpc_id)
                    || by_transit()
                {
                    return Ok(peer);
                }
                // AWS's sentence; its code here is unverified.
                let (id, text) = (group.id, "You have specified two resources that belong to different networks");
                Err(ModelError::new("InvalidGroup.NotFound", format!("{text}: {id}, {other}")))
            }
            peer => Ok(peer),
        }
    }

    /// Whether a rule may stand beside `rules`: not twice, and within the quota.
    fn check_rule_fits(
        &self,
        vpc_id: VpcId,
        rules: &[SecurityGroupRule],
        traffic: TrafficMatch,
        peer: RulePeer,
    ) -> Result<(), ModelError> {
        if rules.iter().any(|rule| rule.traffic == traffic && rule.peer == peer) {
            return Err(ModelError::new(
                "InvalidPermission.Duplicate",
                format!("the specified rule \"peer: {peer}, {traffic}, ALLOW\" already exists"),
            ));
        }
        let limit = self.quotas.rules_per_security_group_direction;
        if rules.iter().map(|rule| self.rule_weight(vpc_id, rule.peer)).sum::<u32>() + self.rule_weight(vpc_id, peer)
            > limit
        {
            return Err(ModelError::new(
                "RulesPerSecurityGroupLimitExceeded",
                format!("The maximum number of rules per security group has been reached ({limit})."),
            ));
        }
        Ok(())
    }

    /// What a rule counts against the quota: a customer's prefix list its `MaxEntries`, a list of AWS's its weight, anything else 1.
    pub(super) fn rule_weight(&self, vpc_id: VpcId, peer: RulePeer) -> u32 {
        match peer {
            RulePeer::PrefixList(list) => {
                self.prefix_list_in(self.region_of(vpc_id), list).map_or(1, |list| list.weight)
            }
            _ => 1,
        }
    }

    /// Adds a network ACL without rules: it denies everything.
    ///
    /// # Errors
    /// `InvalidVpcID.NotFound`, `NetworkAclLimitExceeded`.
    pub fn add_network_acl(
        &mut self,
        label: &str,
        id: Option<NetworkAclId>,
        vpc_id: VpcId,
        tags: Tags,
    ) -> Result<NetworkAclId, ModelError> {
        self.vpc(vpc_id)?;
        let limit = self.quotas.network_acls_per_vpc;
        if self.network_acls.values().filter(|acl| acl.vpc_id == vpc_id).count() >= limit {
            return Err(ModelError::quota("NetworkAclLimitExceeded", "network ACLs", limit));
        }
        let id = id.unwrap_or_else(|| NetworkAclId::mint(self.seed, label, self.id_length));
        let (ingress, egress) = (BTreeMap::new(), BTreeMap::new());
        self.network_acls.insert(id, NetworkAcl { id, vpc_id, is_default: false, ingress, egress, tags });
        Ok(id)
    }

    /// Adds a rule to a network ACL.
    ///
    /// # Errors
    /// `InvalidNetworkAclID.NotFound`, `NetworkAclEntryAlreadyExists`, `NetworkAclEntryLimitExceeded`, `InvalidParameterValue` (the number).
    pub fn add_network_acl_entry(
        &mut self,
        acl_id: NetworkAclId,
        egress: bool,
        number: u16,
        entry: NetworkAclEntry,
    ) -> Result<(), ModelError> {
        let limit = self.quotas.rules_per_network_acl_direction;
        let Some(acl) = self.network_acls.get_mut(&acl_id) else {
            return Err(ModelError::not_found("InvalidNetworkAclID.NotFound", "networkAcl", acl_id));
        };
        let entries = if egress { &mut acl.egress } else { &mut acl.ingress };
        if !(1..=32766).contains(&number) {
            return Err(ModelError::new(
                "InvalidParameterValue",
                format!("Rule number {number} is invalid: use 1 to 32766."),
            ));
        }
        if entries.contains_key(&number) {
            return Err(ModelError::new(
                "NetworkAclEntryAlreadyExists",
                format!("The network acl entry identified by {number} already exists."),
            ));
        }
        if entries.len() >= limit {
            return Err(ModelError::quota("NetworkAclEntryLimitExceeded", "rules per network ACL", limit));
        }
        entries.insert(number, NetworkAclEntry { cidr: entry.cidr.trunc(), ..entry });
        Ok(())
    }

    /// The security group, or `InvalidGroup.NotFound`.
    pub fn security_group(&self, id: SecurityGroupId) -> Result<&SecurityGroup, ModelError> {
        self.security_groups.get(&id).ok_or_else(|| {
            ModelError::new("InvalidGroup.NotFound", format!("The security group '{id}' does not exist"))
        })
    }
}
