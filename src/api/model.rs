//! The service models: which operations exist, what goes in, what comes out.
//!
//! Source: botocore's data, trimmed by `scripts/trim-botocore-model` (see `botocore/NOTICE`). Invariants, checked by a
//! test over the embedded files: every reference resolves, no shape of EC2 contains itself (so walks along shapes end; DynamoDB's
//! `AttributeValue` does, so its codec walks along values), no two members of a structure share a wire name.

use serde::Deserialize;
use std::collections::BTreeMap;
use std::fmt;
use std::sync::OnceLock;

/// The services whose calls vpcsim understands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Service {
    /// Amazon EC2, which VPCs belong to: the Query protocol.
    Ec2,
    /// Amazon DynamoDB: JSON 1.0.
    DynamoDb,
    /// Amazon S3: REST with XML.
    S3,
    /// AWS Security Token Service: the Query protocol in its older form.
    Sts,
}

impl Service {
    /// Every service.
    pub const ALL: [Service; 4] = [Service::Ec2, Service::DynamoDb, Service::S3, Service::Sts];

    /// The endpoint prefix and SigV4's service name.
    pub fn name(self) -> &'static str {
        match self {
            Service::Ec2 => "ec2",
            Service::DynamoDb => "dynamodb",
            Service::S3 => "s3",
            Service::Sts => "sts",
        }
    }

    /// The word after `aws` on a command line. (`aws s3` is another program, see `awscli`.)
    pub fn command(self) -> &'static str {
        match self {
            Service::S3 => "s3api",
            other => other.name(),
        }
    }

    /// The service whose API the command line calls `command`.
    pub fn from_command(command: &str) -> Option<Service> {
        Service::ALL.into_iter().find(|service| service.command() == command)
    }

    /// The service's model, parsed on first use.
    pub fn model(self) -> &'static ServiceModel {
        static EC2: OnceLock<ServiceModel> = OnceLock::new();
        static DYNAMODB: OnceLock<ServiceModel> = OnceLock::new();
        static S3: OnceLock<ServiceModel> = OnceLock::new();
        static STS: OnceLock<ServiceModel> = OnceLock::new();
        match self {
            Service::Ec2 => EC2.get_or_init(|| ServiceModel::embedded(include_str!("botocore/ec2.json"))),
            Service::DynamoDb => {
                DYNAMODB.get_or_init(|| ServiceModel::embedded(include_str!("botocore/dynamodb.json")))
            }
            Service::S3 => S3.get_or_init(|| ServiceModel::embedded(include_str!("botocore/s3.json"))),
            Service::Sts => STS.get_or_init(|| ServiceModel::embedded(include_str!("botocore/sts.json"))),
        }
    }
}

impl fmt::Display for Service {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.name())
    }
}

/// One service: operations, shapes and paginators by name.
#[derive(Debug, Deserialize)]
pub struct ServiceModel {
    /// Version, protocol and the like.
    pub metadata: Metadata,
    /// Operations by API name, `CreateVpcEndpoint`.
    pub operations: BTreeMap<String, Operation>,
    /// Shapes by name.
    pub shapes: BTreeMap<String, Shape>,
    /// How the paginated operations are paged, by API name.
    pub paginators: BTreeMap<String, Paginator>,
}

impl ServiceModel {
    fn embedded(text: &str) -> ServiceModel {
        serde_json::from_str(text).expect("the embedded model was written by scripts/trim-botocore-model")
    }

    /// A shape that an operation or another shape refers to.
    pub fn shape(&self, name: &str) -> &Shape {
        self.shapes.get(name).expect("references in an embedded model resolve: a test checks each")
    }

    /// The members an operation takes; none for an unknown operation or one without parameters.
    pub fn input(&self, operation: &str) -> &Structure {
        self.structure(self.operations.get(operation).and_then(|found| found.input.as_deref()))
    }

    /// The members an operation answers with; none if it answers with nothing but success.
    pub fn output(&self, operation: &str) -> &Structure {
        self.structure(self.operations.get(operation).and_then(|found| found.output.as_deref()))
    }

    fn structure(&self, name: Option<&str>) -> &Structure {
        static EMPTY: Structure = Structure { required: Vec::new(), payload: None, members: Vec::new() };
        match name.map(|name| self.shape(name)) {
            Some(Shape::Structure(structure)) => structure,
            _ => &EMPTY,
        }
    }
}

/// Facts about the service as a whole.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Metadata {
    /// `2016-11-15`.
    pub api_version: String,
    /// The prefix of DynamoDB's `X-Amz-Target`.
    pub target_prefix: Option<String>,
}

/// One operation: the names of its shapes.
#[derive(Debug, Deserialize)]
pub struct Operation {
    /// Method and target, where they say which operation is meant. S3 only.
    pub http: Option<HttpBinding>,
    /// The structure of its parameters.
    pub input: Option<String>,
    /// The structure of its answer.
    pub output: Option<String>,
}

/// How an operation of a REST protocol is addressed.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct HttpBinding {
    /// `PUT`.
    pub method: String,
    /// `/{Bucket}/{Key+}`: names of members in braces; a plus lets slashes be.
    pub request_uri: String,
}

/// A type.
#[derive(Debug, Deserialize)]
#[serde(tag = "type", rename_all = "lowercase")]
pub enum Shape {
    /// Named members in order.
    Structure(Structure),
    /// A list of one type.
    List(List),
    /// Values of one type by name. DynamoDB only.
    Map(MapOf),
    /// Text.
    String(Text),
    /// A 32-bit integer.
    Integer(Range),
    /// A 64-bit integer.
    Long(Range),
    /// A number with a fraction. DynamoDB only.
    Double,
    /// True or false.
    Boolean,
    /// A date and time.
    Timestamp,
    /// Bytes, base64 on the wire and in documents.
    Blob,
}

/// Members in botocore's order, which is the order the CLI prints.
#[derive(Debug, Default, Deserialize)]
pub struct Structure {
    /// Names of the members that must be there.
    #[serde(default)]
    pub required: Vec<String>,
    /// The member that alone is the body of a message. S3 only.
    pub payload: Option<String>,
    /// The members.
    #[serde(deserialize_with = "members_in_order")]
    pub members: Vec<Member>,
}

impl Structure {
    /// The member called `name` in documents.
    pub fn member(&self, name: &str) -> Option<&Member> {
        self.members.iter().find(|member| member.name == name)
    }

    /// Must the member be there?
    pub fn requires(&self, member: &Member) -> bool {
        self.required.contains(&member.name)
    }
}

/// One member of a structure.
#[derive(Debug)]
pub struct Member {
    /// Its name in documents, `RouteTableIds`.
    pub name: String,
    /// Its name in a Query request, `RouteTableId`.
    pub query_name: String,
    /// Its name in an XML answer, `routeTableIdSet`.
    pub xml_name: String,
    /// The name of its shape.
    pub shape: String,
    /// Where it stands in a message, if not in the body. S3 only.
    pub location: Option<Location>,
    /// The XML namespace that its element declares. S3 only.
    pub xml_namespace: Option<String>,
    /// Is it read and written as it flows, so that the CLI wants a file? S3 only.
    pub streaming: bool,
    /// Does the client fill it with a fresh UUID when it is absent?
    pub idempotency_token: bool,
}

/// Where a member of a REST protocol's message stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Location {
    /// In the path.
    Uri,
    /// Behind the question mark.
    QueryString,
    /// A header.
    Header,
    /// All headers that begin with the wire name.
    Headers,
}

/// A list type.
#[derive(Debug, Deserialize)]
pub struct List {
    /// Least number of elements.
    pub min: Option<i64>,
    /// Do its elements stand without one around them? S3 only.
    #[serde(default)]
    pub flattened: bool,
    member: ListMember,
}

impl List {
    /// The name of the elements' shape.
    pub fn element(&self) -> &str {
        &self.member.shape
    }

    /// The XML element around each of them.
    pub fn xml_name(&self) -> &str {
        self.member.location_name.as_deref().unwrap_or("member")
    }
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
struct ListMember {
    shape: String,
    location_name: Option<String>,
}

/// A text type.
#[derive(Debug, Deserialize)]
pub struct Text {
    /// The values AWS knew when the model was published; clients do not enforce them.
    #[serde(default, rename = "enum")]
    pub values: Vec<String>,
    /// Least length in characters.
    pub min: Option<i64>,
}

/// An integer type.
#[derive(Debug, Deserialize)]
pub struct Range {
    /// Least value. (The models have greatest values too; botocore does not enforce them, the service does.)
    pub min: Option<i64>,
    /// Greatest value.
    pub max: Option<i64>,
}

/// How an operation is paged.
#[derive(Debug, Deserialize)]
pub struct Paginator {
    /// The parameter that says where the next page starts.
    pub input_token: String,
    /// The member of an answer that becomes the next `input_token`.
    pub output_token: String,
    /// The parameter that limits a page.
    pub limit_key: Option<String>,
    /// The members of an answer that are joined: lists put together, numbers added; the first is the one that is counted.
    #[serde(rename = "result_key", deserialize_with = "one_or_many")]
    pub result_keys: Vec<String>,
    /// Members that are not joined: those of the first page are shown.
    #[serde(default)]
    pub non_aggregate_keys: Vec<String>,
}

/// A map type. Its keys are texts.
#[derive(Debug, Deserialize)]
pub struct MapOf {
    value: ListMember,
}

impl MapOf {
    /// The name of the values' shape.
    pub fn element(&self) -> &str {
        &self.value.shape
    }
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Reference {
    shape: String,
    location_name: Option<String>,
    query_name: Option<String>,
    location: Option<Location>,
    xml_namespace: Option<Namespace>,
    #[serde(default)]
    streaming: bool,
    #[serde(default)]
    idempotency_token: bool,
}

#[derive(Deserialize)]
struct Namespace {
    uri: String,
}

fn members_in_order<'de, D: serde::Deserializer<'de>>(deserializer: D) -> Result<Vec<Member>, D::Error> {
    // serde_json's map keeps the file's order (feature preserve_order).
    let map = serde_json::Map::deserialize(deserializer)?;
    map.into_iter()
        .map(|(name, value)| {
            let reference: Reference = serde_json::from_value(value).map_err(serde::de::Error::custom)?;
            // EC2's rule: the query name if there is one, else the location name with a capital, else the name.
            let query_name = reference
                .query_name
                .or_else(|| reference.location_name.as_deref().map(capitalised))
                .unwrap_or_else(|| name.clone());
            let xml_name = reference.location_name.unwrap_or_else(|| name.clone());
            Ok(Member {
                name,
                query_name,
                xml_name,
                shape: reference.shape,
                location: reference.location,
                xml_namespace: reference.xml_namespace.map(|namespace| namespace.uri),
                streaming: reference.streaming,
                idempotency_token: reference.idempotency_token,
            })
        })
        .collect()
}

fn capitalised(name: &str) -> String {
    let mut letters = name.chars();
    letters.next().map(|first| first.to_ascii_uppercase()).into_iter().chain(letters).collect()
}

fn one_or_many<'de, D: serde::Deserializer<'de>>(deserializer: D) -> Result<Vec<String>, D::Error> {
    #[derive(Deserialize)]
    #[serde(untagged)]
    enum OneOrMany {
        One(String),
        Many(Vec<String>),
    }
    Ok(match OneOrMany::deserialize(deserializer)? {
        OneOrMany::One(key) => vec![key],
        OneOrMany::Many(keys) => keys,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeSet;

    #[test]
    fn embedded_models_are_closed_and_without_cycles() {
        fn walk(model: &ServiceModel, name: &str, above: &mut Vec<String>) {
            if name == "AttributeValue" && above.iter().any(|shape| shape == name) {
                return;
            }
            assert!(!above.iter().any(|shape| shape == name), "{name} contains itself: {above:?}");
            above.push(name.to_owned());
            match model.shapes.get(name).unwrap_or_else(|| panic!("{name} is missing")) {
                Shape::Structure(structure) => {
                    structure.members.iter().for_each(|member| walk(model, &member.shape, above));
                    assert!(structure.required.iter().all(|name| structure.member(name).is_some()), "{name}");
                }
                Shape::List(list) => walk(model, list.element(), above),
                Shape::Map(map) => walk(model, map.element(), above),
                _ => {}
            }
            above.pop();
        }
        for service in Service::ALL {
            let model = service.model();
            for operation in model.operations.values() {
                for shape in [&operation.input, &operation.output].into_iter().flatten() {
                    walk(model, shape, &mut Vec::new());
                    assert!(matches!(model.shape(shape), Shape::Structure(_)));
                }
            }
        }
    }

    #[test]
    fn wire_names_are_unambiguous() {
        for service in Service::ALL {
            for (name, shape) in &service.model().shapes {
                if let Shape::Structure(structure) = shape {
                    let query: BTreeSet<_> = structure.members.iter().map(|member| &member.query_name).collect();
                    let xml: BTreeSet<_> = structure.members.iter().map(|member| &member.xml_name).collect();
                    assert_eq!(xml.len(), structure.members.len(), "{name}");
                    // S3 has no query names.
                    assert!(service == Service::S3 || query.len() == structure.members.len(), "{name}");
                }
            }
        }
    }

    #[test]
    fn wire_names_follow_ec2s_rule() {
        let model = Service::Ec2.model();
        let create = model.input("CreateVpcEndpoint");
        assert_eq!(create.member("RouteTableIds").unwrap().query_name, "RouteTableId");
        assert_eq!(create.member("TagSpecifications").unwrap().query_name, "TagSpecification");
        assert!(create.requires(create.member("VpcId").unwrap()));
        let Shape::Structure(endpoint) = model.shape("VpcEndpoint") else { panic!() };
        assert_eq!(endpoint.member("RouteTableIds").unwrap().xml_name, "routeTableIdSet");
        assert_eq!(endpoint.members[0].name, "VpcEndpointId");
    }

    #[test]
    fn paginators_name_members_that_exist() {
        for service in Service::ALL {
            let model = service.model();
            for (operation, paginator) in &model.paginators {
                let (input, output) = (model.input(operation), model.output(operation));
                assert!(input.member(&paginator.input_token).is_some(), "{operation}");
                assert!(paginator.limit_key.iter().all(|key| input.member(key).is_some()), "{operation}");
                assert!(output.member(&paginator.output_token).is_some(), "{operation}");
                assert!(!paginator.result_keys.is_empty(), "{operation}");
                assert!(paginator.result_keys.iter().all(|key| output.member(key).is_some()), "{operation}");
            }
        }
        let services = &Service::Ec2.model().paginators["DescribeVpcEndpointServices"];
        assert_eq!(services.result_keys, ["ServiceDetails", "ServiceNames"]);
    }
}
