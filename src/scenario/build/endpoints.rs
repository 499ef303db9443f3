//! `[endpoint]`: gateway endpoints that exist from the start.

use super::*;
use crate::ids::RouteTableId;
use crate::model::{NewVpcEndpoint, Tags};
use crate::time::SimTime;

impl<'a, 'r> Builder<'a, 'r> {
    /// Keys: `vpc`, `service` (required), `tables`, `policy`, `id`.
    pub(super) fn endpoints(&mut self, root: &Section<'a, 'r>) {
        self.each(root, "endpoint", Kind::VpcEndpoint, Self::endpoint);
    }

    fn endpoint(&mut self, name: &Text<'a>, section: &Section<'a, 'r>) -> Option<()> {
        let id = self.wanted_id(section, "id");
        let service = section.required_text("service", "\"dynamodb\"");
        let tables = section.texts("tables").unwrap_or_default();
        let policy = section.text("policy");
        let vpc_id = self.vpc_of(section)?;
        let service = service?;
        let mut route_table_ids: Vec<RouteTableId> = Vec::new();
        for text in &tables {
            route_table_ids.push(match text.text {
                "main" => self.model.vpcs.get(&vpc_id)?.main_route_table_id,
                word => self.refer(Kind::RouteTable, text, word)?,
            });
        }
        let region = self.model.region_of(vpc_id).to_owned();
        let service_name = match service.text.contains('.') {
            true => service.text.to_owned(),
            false => format!("com.amazonaws.{region}.{}", service.text),
        };
        let new = NewVpcEndpoint {
            label: name.text.to_owned(),
            id: id?,
            vpc_id,
            service_name,
            route_table_ids,
            policy_document: policy.map(|text| text.text.to_owned()),
            at: SimTime::ZERO,
            tags: Tags::named(name.text),
        };
        match self.model.add_vpc_endpoint(new) {
            Ok(id) => {
                self.declare(Kind::VpcEndpoint, name, id);
                Some(())
            }
            Err(error) => {
                let (key, help): (&'static str, Option<String>) = match error.code {
                    "InvalidServiceName" => (
                        "service",
                        Some(format!(
                            "{} has \"dynamodb\" and \"s3\"; gateway endpoints reach their own Region only",
                            self.model.region
                        )),
                    ),
                    "InvalidPolicyDocument" => (
                        "policy",
                        Some(
                            "expected a JSON object, such as '{\"Version\":\"2012-10-17\",\"Statement\":[...]}'"
                                .to_owned(),
                        ),
                    ),
                    "RouteAlreadyExists" | "InvalidParameter" => ("tables", None),
                    _ => ("id", None),
                };
                let span = if section.has(key) { section.span_of(key) } else { name.span.clone() };
                let problem = refusal(span, &error);
                self.report(match help {
                    Some(help) => problem.help(help),
                    None => problem,
                });
                None
            }
        }
    }
}
