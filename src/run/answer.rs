//! What services answer to requests that arrived as packets, and to the operator's commands, which did not.

use crate::api::{self, ApiError, Service, query, xml};
use crate::awscli::{Command, CommandOutput, Invocation};
use crate::control::{ControlPlane, Wanted};
use crate::explain::operator;
use crate::host::http::{HttpRequest, HttpResponse};
use crate::model::Model;
use crate::net::ServiceKind;
use crate::program::HostKind;
use crate::rng::Stream;
use crate::scenario::{Names, Scenario, Step};
use crate::service::dynamodb::{self, Context, Tables};
use crate::service::{s3, sts};
use crate::time::{SimDuration, SimTime};
use std::collections::BTreeMap;
use std::net::SocketAddrV4;

/// How long DynamoDB thinks about a call. An assumption; AWS documents "single-digit milliseconds".
const DYNAMODB_THINKING: SimDuration = SimDuration::from_millis(2);
/// How long S3 thinks. An assumption; AWS documents "100-200 milliseconds" for small objects and their first byte.
const S3_THINKING: SimDuration = SimDuration::from_millis(100);
/// How long STS thinks. An assumption.
const STS_THINKING: SimDuration = SimDuration::from_millis(20);
/// How long the EC2 API thinks. An assumption.
const EC2_THINKING: SimDuration = SimDuration::from_millis(150);

/// How long a web server on a host thinks. An assumption.
const WEB_THINKING: SimDuration = SimDuration::from_millis(1);

/// The services behind their front ends.
pub(super) struct Services {
    region: String,
    account_id: String,
    request_ids: Stream,
    /// DynamoDB's tables by Region. They belong to this run: the model only names those that it begins with.
    tables: BTreeMap<String, Tables>,
    table_settling: SimDuration,
    /// S3's buckets in all Regions.
    buckets: s3::Buckets,
    access_key_id: String,
}

impl Services {
    pub(super) fn new(scenario: &Scenario) -> Self {
        let region = scenario.region.clone();
        let table_settling = scenario.settings.dynamodb_table_settling;
        let tables = BTreeMap::from([(region.clone(), declared_tables(&scenario.model, table_settling))]);
        let request_ids = scenario.seed.derive("request ids");
        Services {
            region,
            account_id: scenario.model.account_id.clone(),
            request_ids,
            tables,
            table_settling,
            buckets: declared_buckets(scenario),
            access_key_id: scenario.settings.credentials.access_key.clone(),
        }
    }

    /// How long the service takes before it answers.
    pub(super) fn thinking_time(&self, model: &Model, host: &HostKind) -> SimDuration {
        if let HostKind::Instance(_) | HostKind::Outside(_) | HostKind::OnPremises(..) = host {
            return WEB_THINKING;
        }
        match service_behind(model, host) {
            ServiceKind::DynamoDb => DYNAMODB_THINKING,
            ServiceKind::Ec2 => EC2_THINKING,
            ServiceKind::S3 => S3_THINKING,
            ServiceKind::Sts => STS_THINKING,
        }
    }

    /// Answers a request at a service's front end. The second value is the id of what it created.
    pub(super) fn answer(
        &mut self,
        control: &mut ControlPlane,
        now: SimTime,
        host: &HostKind,
        request: &HttpRequest,
        wanted: Option<&Wanted>,
    ) -> (HttpResponse, Option<String>) {
        let region = match host {
            HostKind::PublicService(_, region) => region.clone(),
            HostKind::InterfaceEndpointService(eni) => {
                let interface = control.model().network_interfaces.get(eni);
                interface.map_or(&*self.region, |eni| control.model().region_of(eni.vpc_id)).to_owned()
            }
            _ => self.region.clone(),
        };
        match service_behind(control.model(), host) {
            ServiceKind::Ec2 => self.ec2(control, now, &region, request, wanted),
            ServiceKind::DynamoDb => (self.dynamodb(control, now, &region, request), None),
            ServiceKind::S3 => (self.s3(control, now, &region, request), None),
            ServiceKind::Sts => (self.sts(control, now, &region, request), None),
        }
    }

    fn s3(&mut self, control: &ControlPlane, now: SimTime, region: &str, request: &HttpRequest) -> HttpResponse {
        let mut context = s3::Context {
            region,
            account_id: &self.account_id,
            calendar: control.calendar(),
            now,
            request_ids: &mut self.request_ids,
        };
        s3::answer(request, &mut self.buckets, &mut context)
    }

    fn sts(&mut self, control: &ControlPlane, now: SimTime, region: &str, request: &HttpRequest) -> HttpResponse {
        let mut context = sts::Context {
            region,
            account_id: &self.account_id,
            access_key_id: &self.access_key_id,
            calendar: control.calendar(),
            now,
            request_ids: &mut self.request_ids,
        };
        sts::answer(request, &mut context)
    }

    fn dynamodb(&mut self, control: &ControlPlane, now: SimTime, region: &str, request: &HttpRequest) -> HttpResponse {
        // The scenario's tables are in its own Region; the others begin with none.
        let tables = self.tables.entry(region.to_owned()).or_insert_with(|| {
            let mut tables = Tables::new();
            tables.settling_time = self.table_settling;
            tables
        });
        let mut context = Context {
            region,
            account_id: &self.account_id,
            calendar: control.calendar(),
            now,
            request_ids: &mut self.request_ids,
        };
        dynamodb::answer(request, tables, &mut context)
    }

    fn ec2(
        &mut self,
        control: &mut ControlPlane,
        now: SimTime,
        region: &str,
        request: &HttpRequest,
        wanted: Option<&Wanted>,
    ) -> (HttpResponse, Option<String>) {
        let date = control.calendar().http_date(now);
        let request_id = self.request_ids.uuid();
        let body = String::from_utf8_lossy(&request.body);
        let outcome = query::decode_request(&body).and_then(|(operation, parameters)| {
            let wanted = wanted.cloned().unwrap_or_default();
            let document = api::execute::execute_in(control, region, now, operation, &parameters, &wanted)?;
            let created = api::execute::created_id(operation, &document);
            let xml = xml::encode_response(operation, &document, &request_id)
                .map_err(|error| ApiError::new("InternalError", error.to_string()))?;
            Ok((xml, created))
        });
        let (status, reason, xml, created) = match outcome {
            Ok((xml, created)) => (200, "OK", xml, created),
            Err(error) => (error.status, reason_phrase(error.status), xml::encode_error(&error, &request_id), None),
        };
        let header = |name: &str, value: &str| (name.to_owned(), value.to_owned());
        let response = HttpResponse {
            status,
            reason: reason.to_owned(),
            headers: vec![
                header("x-amzn-requestid", &request_id),
                header("Content-Type", "text/xml;charset=UTF-8"),
                header("Date", &date),
                header("Server", "AmazonEC2"),
            ],
            body: xml.into_bytes(),
        };
        (response, created)
    }

    /// Runs a command for the operator: straight to the control plane, without a packet.
    pub(super) fn operate(
        &mut self,
        control: &mut ControlPlane,
        now: SimTime,
        invocation: &Invocation,
        names: &Names,
        (scenario, step): (&Scenario, &Step),
        wanted: &Wanted,
    ) -> (CommandOutput, Option<String>) {
        if invocation.service == Service::Ec2 {
            let done = operator::operate(control, now, invocation, names, wanted);
            return (done.output, done.created);
        }
        let mut command = Command::new(operator::with_ids(invocation, names));
        loop {
            let output = match self.call_for_operator(control, now, &command, scenario, step) {
                Ok(response) => command.received(response.status, &response.headers, &response.body),
                Err(output) => Some(output),
            };
            if let Some(output) = output {
                return (output, None);
            }
        }
    }

    fn call_for_operator(
        &mut self,
        control: &ControlPlane,
        now: SimTime,
        command: &Command,
        scenario: &Scenario,
        step: &Step,
    ) -> Result<HttpResponse, CommandOutput> {
        let request = command
            .request(&operator::environment(scenario, step), &mut self.request_ids)
            .map_err(|error| CommandOutput::usage(&error))?;
        let mut headers = request.headers;
        // The operator's call is not signed, since no bytes travel; the front end only looks whether a signature is there.
        headers.push(("Authorization".to_owned(), "operator".to_owned()));
        let http =
            HttpRequest { method: request.method.to_owned(), target: request.target, headers, body: request.body };
        let region = command.invocation().globals.region.clone().unwrap_or_else(|| self.region.clone());
        Ok(match command.invocation().service {
            Service::S3 => self.s3(control, now, &region, &http),
            Service::Sts => self.sts(control, now, &region, &http),
            // The EC2 API is asked by `operator`, not here.
            Service::DynamoDb | Service::Ec2 => self.dynamodb(control, now, &region, &http),
        })
    }
}

/// What a host's web server answers: who it is, and whom it sees.
pub(super) fn web_page(name: &str, request: &HttpRequest, peer: SocketAddrV4, http_date: &str) -> HttpResponse {
    let (status, reason, body) = match request.method.as_str() {
        "GET" => (200, "OK", format!("hello from {name}, you are {}\n", peer.ip())),
        "HEAD" => (200, "OK", String::new()),
        method => (405, "Method Not Allowed", format!("{name} does not answer {method}\n")),
    };
    let header = |name: &str, value: &str| (name.to_owned(), value.to_owned());
    let connection = if request.closes_connection() { "close" } else { "keep-alive" };
    HttpResponse {
        status,
        reason: reason.to_owned(),
        headers: vec![
            header("Server", "vpcsim"),
            header("Date", http_date),
            header("Content-Type", "text/plain"),
            header("Connection", connection),
        ],
        body: body.into_bytes(),
    }
}

/// The service that answers at an end system; where none is known, DynamoDB.
fn service_behind(model: &Model, host: &HostKind) -> ServiceKind {
    match host {
        HostKind::PublicService(kind, _) => *kind,
        HostKind::EndpointService(endpoint) => match model.vpc_endpoints.get(endpoint) {
            Some(endpoint) if endpoint.service_name.ends_with(".s3") => ServiceKind::S3,
            _ => ServiceKind::DynamoDb,
        },
        HostKind::InterfaceEndpointService(eni) => (model.endpoint_of_interface(*eni))
            .and_then(|endpoint| model.interface_service(endpoint.vpc_id, &endpoint.service_name).ok())
            .map_or(ServiceKind::DynamoDb, |service| service.kind),
        _ => ServiceKind::DynamoDb,
    }
}

/// The S3 buckets that a run begins with. The scenario lets only valid ones in.
fn declared_buckets(scenario: &Scenario) -> s3::Buckets {
    let mut buckets = s3::Buckets::new();
    for (name, declared) in &scenario.buckets {
        let inserted = buckets.insert(name, &declared.region);
        debug_assert!(inserted.is_ok(), "{name} was checked when it was declared");
        for (key, bytes) in &declared.objects {
            let inserted = buckets.insert_object(name, key, *bytes);
            debug_assert!(inserted.is_ok(), "{key} was checked when it was declared");
        }
    }
    buckets
}

/// The DynamoDB tables that a run begins with. The scenario lets only valid names in.
fn declared_tables(model: &Model, settling_time: SimDuration) -> Tables {
    let mut tables = Tables::new();
    tables.settling_time = settling_time;
    for name in model.dynamodb_tables.iter() {
        let inserted = tables.insert(name);
        debug_assert!(inserted.is_ok(), "{name} was checked when it was declared");
    }
    tables
}

const fn reason_phrase(status: u16) -> &'static str {
    match status {
        400 => "Bad Request",
        401 => "Unauthorized",
        403 => "Forbidden",
        412 => "Precondition Failed",
        500 => "Internal Server Error",
        503 => "Service Unavailable",
        _ => "Error",
    }
}
