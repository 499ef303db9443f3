//! The options of one operation: derived from the model, then customised as the CLI customises them.

use super::customisations::{self, Custom};
use crate::api::Service;
use crate::api::model::{Member, ServiceModel, Shape};

/// How many values an option takes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Arity {
    None,
    /// One, or none at all.
    AtMostOne,
    One,
    /// Any number, none included, up to the next option.
    Many,
}

/// What an option does.
#[derive(Clone, Copy, Debug)]
pub(super) enum Role {
    /// Sets a parameter.
    Member(&'static Member),
    /// Sets a boolean parameter.
    Flag(&'static Member, bool),
    /// Sets a parameter of the form `{"Value": true}`: `--x`, `--x Value=true`, `--no-x`.
    Attribute(&'static Member, bool),
    /// One of the CLI's own.
    Custom(Custom),
    /// `--starting-token`, `--page-size`, `--max-items`.
    StartingToken,
    PageSize,
    MaxItems,
    /// `--cli-input-json`.
    InputJson,
    /// The real CLI's, not ours.
    Unsupported(&'static str),
}

/// One option.
#[derive(Clone, Debug)]
pub(super) struct OptionSpec {
    /// With the hyphens, `--vpc-id`.
    pub(super) name: String,
    pub(super) arity: Arity,
    pub(super) role: Role,
    pub(super) required: bool,
}

impl OptionSpec {
    pub(super) fn new(name: impl Into<String>, arity: Arity, role: Role) -> Self {
        OptionSpec { name: name.into(), arity, role, required: false }
    }
}

/// The options of an operation, in the order in which the CLI turns them into parameters.
pub(super) fn options(service: Service, operation: &str) -> Vec<OptionSpec> {
    let model = service.model();
    let input = model.input(operation);
    let mut options = Vec::new();
    // The CLI adds the opposites of attributes when it has all of the model's options.
    let mut opposites = Vec::new();
    for member in &input.members {
        let name = format!("--{}", cli_name(&member.name));
        // A token the client fills itself is never asked for.
        let required = input.requires(member) && !member.idempotency_token;
        let option = |name, arity, role| OptionSpec { name, arity, role, required };
        if member.streaming {
            let no_files = "hosts here have no files; leave it out for an empty object, or give --cli-input-json a \"Body\" in base64";
            options.push(OptionSpec::new(name, Arity::One, Role::Unsupported(no_files)));
            continue;
        }
        match model.shape(&member.shape) {
            Shape::Boolean => {
                // Neither of the two is required by the parser; a missing value is found when all are checked.
                options.push(OptionSpec::new(name.clone(), Arity::None, Role::Flag(member, true)));
                options.push(OptionSpec::new(negative(&name), Arity::None, Role::Flag(member, false)));
            }
            shape if service == Service::Ec2 && is_boolean_attribute(model, shape) => {
                options.push(option(name.clone(), Arity::AtMostOne, Role::Attribute(member, true)));
                opposites.push(OptionSpec::new(negative(&name), Arity::None, Role::Attribute(member, false)));
            }
            Shape::List(_) => options.push(option(name, Arity::Many, Role::Member(member))),
            _ => options.push(option(name, Arity::One, Role::Member(member))),
        }
    }
    options.append(&mut opposites);
    customisations::apply(service, operation, &mut options);
    if let Some(paginator) = model.paginators.get(operation) {
        options.push(OptionSpec::new("--starting-token", Arity::One, Role::StartingToken));
        options.push(OptionSpec::new("--max-items", Arity::One, Role::MaxItems));
        if paginator.limit_key.is_some() {
            options.push(OptionSpec::new("--page-size", Arity::One, Role::PageSize));
        }
    }
    options.push(OptionSpec::new("--cli-input-json", Arity::One, Role::InputJson));
    let reads_files = "a scenario line reads no files";
    options.push(OptionSpec::new("--cli-input-yaml", Arity::One, Role::Unsupported(reads_files)));
    let prints_no_templates = "it prints a template instead of calling anything";
    options.push(OptionSpec::new("--generate-cli-skeleton", Arity::AtMostOne, Role::Unsupported(prints_no_templates)));
    options
}

/// Whether the CLI wants a file's name for what the operation answers: `get-object ... FILE`.
pub(super) fn writes_file(service: Service, operation: &str) -> bool {
    service.model().output(operation).members.iter().any(|member| member.streaming)
}

fn negative(name: &str) -> String {
    format!("--no-{}", name.trim_start_matches("--"))
}

/// A structure whose only member is a boolean called `Value`.
fn is_boolean_attribute(model: &ServiceModel, shape: &Shape) -> bool {
    matches!(shape, Shape::Structure(structure) if matches!(&structure.members[..], [only]
        if only.name == "Value" && matches!(model.shape(&only.shape), Shape::Boolean)))
}

/// A name of the API in the CLI's notation: `VpcEndpointIds` becomes `vpc-endpoint-ids`.
///
/// Two passes, as botocore's `xform_name` has them: a hyphen before a capital that small letters follow, then one between
/// a small letter or digit and a capital; a plural of capitals at the end (`ARNs`) stays together.
pub(super) fn cli_name(name: &str) -> String {
    let mut letters: Vec<char> = name.chars().collect();
    let plural = plural_of_capitals(&letters);
    if plural > 0 {
        let start = letters.len() - plural;
        letters[start..].iter_mut().for_each(|letter| *letter = letter.to_ascii_lowercase());
        letters.insert(start, '-');
    }
    let mut first = Vec::new();
    let mut at = 0;
    while at < letters.len() {
        first.push(letters[at]);
        let capital = letters.get(at + 1).is_some_and(char::is_ascii_uppercase);
        at += 1;
        if capital && letters.get(at + 1).is_some_and(char::is_ascii_lowercase) {
            first.extend(['-', letters[at]]);
            at += 1;
            while let Some(letter) = letters.get(at).filter(|letter| letter.is_ascii_lowercase()) {
                first.push(*letter);
                at += 1;
            }
        }
    }
    let mut second = String::new();
    for (index, letter) in first.iter().enumerate() {
        let before = index.checked_sub(1).map(|before| first[before]);
        if letter.is_ascii_uppercase() && before.is_some_and(|b| b.is_ascii_lowercase() || b.is_ascii_digit()) {
            second.push('-');
        }
        second.push(letter.to_ascii_lowercase());
    }
    second
}

/// How many letters at the end are two or more capitals and an `s`; 0 if they are not.
fn plural_of_capitals(letters: &[char]) -> usize {
    let Some(('s', rest)) = letters.split_last().map(|(last, rest)| (*last, rest)) else { return 0 };
    match rest.iter().rev().take_while(|letter| letter.is_ascii_uppercase()).count() {
        0 | 1 => 0,
        capitals => capitals + 1,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_in_the_clis_notation() {
        let cases = [
            ("VpcEndpointIds", "vpc-endpoint-ids"),
            ("DescribeVpcs", "describe-vpcs"),
            ("Ipv6CidrBlock", "ipv6-cidr-block"),
            ("EnableDns64", "enable-dns64"),
            ("LoadBalancerARNs", "load-balancer-arns"),
            ("DryRun", "dry-run"),
            ("IPAddress", "ip-address"),
        ];
        for (name, expected) in cases {
            assert_eq!(cli_name(name), expected);
        }
    }

    #[test]
    fn options_come_from_the_model() {
        let all = options(Service::Ec2, "ModifyVpcEndpoint");
        let find = |name: &str| all.iter().find(|option| option.name == name).unwrap();
        assert!(find("--vpc-endpoint-id").required);
        assert_eq!(find("--add-route-table-ids").arity, Arity::Many);
        assert_eq!(find("--no-private-dns-enabled").arity, Arity::None);
        assert!(matches!(find("--reset-policy").role, Role::Flag(_, true)));
        let all = options(Service::Ec2, "ModifyInstanceAttribute");
        let check = all.iter().find(|option| option.name == "--no-source-dest-check").unwrap();
        assert!(matches!(check.role, Role::Attribute(_, false)));
    }

    #[test]
    fn no_operation_has_two_options_of_one_name() {
        for service in Service::ALL {
            for operation in service.model().operations.keys() {
                let mut names: Vec<_> = options(service, operation).into_iter().map(|option| option.name).collect();
                let count = names.len();
                names.sort_unstable();
                names.dedup();
                assert_eq!(names.len(), count, "{operation}");
            }
        }
    }
}
