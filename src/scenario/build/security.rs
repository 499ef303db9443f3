//! `[security_group]` and `[network_acl]`. The names `default` mean the VPC's own ones, whose rules are then replaced.

use super::*;
use crate::ids::{NetworkAclId, SecurityGroupId};
use crate::model::{NetworkAclEntry, RulePeer, Tags};
use crate::scenario::notation::{PeerWord, acl_rule, group_rule};

impl<'a, 'r> Builder<'a, 'r> {
    /// Keys: `vpc`, `id`, `ingress`, `egress`.
    pub(super) fn network_acls(&mut self, root: &Section<'a, 'r>) {
        self.each(root, "network_acl", Kind::NetworkAcl, |this, name, section| {
            let id = this.wanted_id(section, "id");
            let (ingress, egress) = (section.texts("ingress"), section.texts("egress"));
            let vpc_id = this.vpc_of(section)?;
            let acl_id = match name.text {
                "default" if !section.has("id") => {
                    let acl_id = this.model.vpcs.get(&vpc_id)?.default_network_acl_id;
                    let acl = this.model.network_acls.get_mut(&acl_id)?;
                    if ingress.is_some() {
                        acl.ingress.clear();
                    }
                    if egress.is_some() {
                        acl.egress.clear();
                    }
                    acl_id
                }
                _ => {
                    if !this.is_free(Kind::NetworkAcl, name) {
                        return None;
                    }
                    let result = this.model.add_network_acl(name.text, id?, vpc_id, Tags::named(name.text));
                    let acl_id = this.accepted(name.span.clone(), result)?;
                    this.declare(Kind::NetworkAcl, name, acl_id);
                    acl_id
                }
            };
            this.acl_rules(acl_id, false, &ingress.unwrap_or_default());
            this.acl_rules(acl_id, true, &egress.unwrap_or_default());
            Some(())
        });
    }

    fn acl_rules(&mut self, acl_id: NetworkAclId, egress: bool, rules: &[Text<'a>]) {
        for text in rules {
            match acl_rule(text, egress) {
                Err(problem) => self.report(problem),
                Ok((number, allow, traffic, cidr)) => {
                    let entry = NetworkAclEntry { traffic, cidr, allow };
                    let result = self.model.add_network_acl_entry(acl_id, egress, number, entry);
                    self.accepted(text.contents(), result);
                }
            }
        }
    }

    /// Keys: `vpc`, `id`, `description`, `ingress`, `egress` (if given, it replaces the rule that allows everything).
    pub(super) fn security_groups(&mut self, root: &Section<'a, 'r>) {
        let mut pending: Vec<(SecurityGroupId, VpcId, bool, Vec<Text<'a>>)> = Vec::new();
        self.each(root, "security_group", Kind::SecurityGroup, |this, name, section| {
            let id = this.wanted_id(section, "id");
            let description = section.text("description").map_or(name.text, |text| text.text);
            let (ingress, egress) = (section.texts("ingress"), section.texts("egress"));
            let vpc_id = this.vpc_of(section)?;
            let group_id = match name.text {
                "default" if !section.has("id") => {
                    let group_id = this.model.vpcs.get(&vpc_id)?.default_security_group_id;
                    if ingress.is_some() {
                        this.model.security_groups.get_mut(&group_id)?.ingress.clear();
                    }
                    group_id
                }
                _ => {
                    if !this.is_free(Kind::SecurityGroup, name) {
                        return None;
                    }
                    let result =
                        this.model.add_security_group(name.text, id?, vpc_id, name.text, description, Tags::default());
                    let group_id = this.accepted(name.span.clone(), result)?;
                    this.declare(Kind::SecurityGroup, name, group_id);
                    group_id
                }
            };
            if egress.is_some() {
                this.model.security_groups.get_mut(&group_id)?.egress.clear();
            }
            pending.push((group_id, vpc_id, false, ingress.unwrap_or_default()));
            pending.push((group_id, vpc_id, true, egress.unwrap_or_default()));
            Some(())
        });
        // Rules may name groups that are declared later.
        for (group_id, vpc_id, egress, rules) in pending {
            for text in &rules {
                self.group_rule(group_id, vpc_id, egress, text);
            }
        }
    }

    fn group_rule(&mut self, group_id: SecurityGroupId, vpc_id: VpcId, egress: bool, text: &Text<'a>) -> Option<()> {
        let rule = group_rule(text, egress).map_err(|problem| self.report(problem)).ok()?;
        let peer = match rule.peer {
            PeerWord::Itself => RulePeer::SecurityGroup(group_id),
            PeerWord::Block(block) => RulePeer::Cidr(block),
            PeerWord::PrefixList(word) => RulePeer::PrefixList(self.prefix_list_of(vpc_id, text, word)?),
            PeerWord::Group(word) => RulePeer::SecurityGroup(self.group(text, word, vpc_id)?),
        };
        let result = self.model.add_security_group_rule(group_id, egress, rule.traffic, peer, None);
        self.accepted(text.contents(), result).map(|_| ())
    }

    /// The group that `word`, a part of `text`, refers to; `default` is that of `vpc_id`.
    pub(super) fn group(&self, text: &Text<'a>, word: &str, vpc_id: VpcId) -> Option<SecurityGroupId> {
        match word {
            "default" => Some(self.model.vpcs.get(&vpc_id)?.default_security_group_id),
            _ => self.refer(Kind::SecurityGroup, text, word),
        }
    }
}
