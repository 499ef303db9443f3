//! Which host a call goes to.
//!
//! Source: botocore's endpoint rules (aws-facts section 10): the Region's name by default; `--endpoint-url` wins over
//! everything; a client that knows its account id asks DynamoDB by `ACCOUNT.ddb.REGION...`. That last is off unless a scenario
//! turns it on, so that the tutorial shows the classic name. S3 is asked by a name of the bucket's own where the bucket's name allows it. In
//! us-east-1, version 2 of the CLI asks S3 and STS by the Region's names; older clients, and boto3, ask for `s3.amazonaws.com`: with
//! `--endpoint-url` a scenario does too.

use super::globals::Globals;
use super::usage::{UsageError, UsageErrorKind};
use crate::api::Service;
use crate::api::rest_xml::percent_encode;

/// Does the client put its account id into DynamoDB's name? (`account_id_endpoint_mode` of the CLI's configuration.)
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum AccountIdEndpoint {
    /// Never.
    #[default]
    Disabled,
    /// If it knows the id: the default of clients since 2024.
    Preferred,
    /// It refuses to call without.
    Required,
}

/// What the client's configuration says about endpoints.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Settings {
    /// `account_id_endpoint_mode`.
    pub account_id: AccountIdEndpoint,
    /// `use_dualstack_endpoint`.
    pub dual_stack: bool,
    /// `use_fips_endpoint`.
    pub fips: bool,
}

/// Where a call goes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Endpoint {
    /// The name to look up, or an address.
    pub host: String,
    /// The TCP port.
    pub port: u16,
    /// HTTPS?
    pub tls: bool,
    /// The path of the request.
    pub path: String,
}

impl Endpoint {
    /// The URL as the CLI's messages show it.
    pub fn url(&self) -> String {
        let scheme = if self.tls { "https" } else { "http" };
        format!("{scheme}://{}{}", self.authority(), self.path)
    }

    /// The `Host` header: the port only if it is not the scheme's own.
    pub fn authority(&self) -> String {
        let usual = if self.tls { 443 } else { 80 };
        if self.port == usual { self.host.clone() } else { format!("{}:{}", self.host, self.port) }
    }
}

/// The endpoint of `service`.
///
/// # Errors
/// The endpoint URL is not one, or an account id is required and unknown.
pub fn endpoint(
    service: Service,
    region: &str,
    account_id: Option<&str>,
    settings: Settings,
    globals: &Globals,
) -> Result<Endpoint, UsageError> {
    if let Some(url) = &globals.endpoint_url {
        return parse_url(url);
    }
    let suffix = dns_suffix(region, settings.dual_stack);
    let host = match service {
        // us-gov's ordinary name is the FIPS one.
        Service::DynamoDb if settings.fips && region.starts_with("us-gov-") && !settings.dual_stack => {
            format!("dynamodb.{region}.{suffix}")
        }
        Service::S3 if settings.dual_stack => {
            let fips = if settings.fips { "-fips" } else { "" };
            format!("s3{fips}.dualstack.{region}.{}", dns_suffix(region, false))
        }
        _ if settings.fips => format!("{service}-fips.{region}.{suffix}"),
        Service::DynamoDb => match (settings.account_id, account_id) {
            (AccountIdEndpoint::Preferred | AccountIdEndpoint::Required, Some(account)) if is_commercial(region) => {
                format!("{account}.ddb.{region}.{suffix}")
            }
            (AccountIdEndpoint::Required, None) => {
                let message = "AccountIdEndpointMode is required but no AccountID was provided or able to be loaded";
                return Err(UsageError::new(UsageErrorKind::Parameter, message));
            }
            _ => format!("dynamodb.{region}.{suffix}"),
        },
        Service::Ec2 | Service::S3 | Service::Sts => format!("{service}.{region}.{suffix}"),
    };
    Ok(Endpoint { host, port: 443, tls: true, path: "/".to_owned() })
}

impl Endpoint {
    /// The endpoint of one bucket: the bucket's name before the host's if it can stand there, else (and with `--endpoint-url` always) before the
    /// path. Certificates have no names with two labels before S3's, so buckets with dots go into the path.
    pub fn with_bucket(mut self, bucket: &str, globals: &Globals) -> Endpoint {
        let inner = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-';
        let ends = bucket.starts_with('-') || bucket.ends_with('-');
        if globals.endpoint_url.is_none() && (3..=63).contains(&bucket.len()) && bucket.bytes().all(inner) && !ends {
            self.host = format!("{bucket}.{}", self.host);
        } else {
            self.path = format!("{}/{}", self.path.trim_end_matches('/'), percent_encode(bucket, false));
        }
        self
    }
}

/// Account-based names exist in the commercial partition.
fn is_commercial(region: &str) -> bool {
    !["cn-", "us-gov-", "us-iso", "eu-isoe-", "eusc-"].iter().any(|prefix| region.starts_with(prefix))
}

fn dns_suffix(region: &str, dual_stack: bool) -> &'static str {
    match (region.starts_with("cn-"), dual_stack) {
        (true, false) => "amazonaws.com.cn",
        (true, true) => "api.amazonwebservices.com.cn",
        (false, false) => "amazonaws.com",
        (false, true) => "api.aws",
    }
}

/// Reads `http[s]://host[:port][/path]`; anything else the CLI cannot call either.
fn parse_url(url: &str) -> Result<Endpoint, UsageError> {
    let invalid = || UsageError::new(UsageErrorKind::Parameter, format!("Invalid endpoint: {url}"));
    let (scheme, rest) = url.split_once("://").ok_or_else(invalid)?;
    let tls = match scheme.to_ascii_lowercase().as_str() {
        "https" => true,
        "http" => false,
        _ => return Err(invalid()),
    };
    let (authority, path) = rest.split_at(rest.find('/').unwrap_or(rest.len()));
    let (host, port) = match authority.split_once(':') {
        Some((host, port)) => (host, port.parse().ok().filter(|port| *port != 0).ok_or_else(invalid)?),
        None => (authority, if tls { 443 } else { 80 }),
    };
    let is_host = !host.is_empty() && host.bytes().all(|byte| byte.is_ascii_alphanumeric() || b".-_".contains(&byte));
    let is_path = path.bytes().all(|byte| byte.is_ascii_graphic());
    if !is_host || !is_path {
        return Err(invalid());
    }
    let path = if path.is_empty() { "/".to_owned() } else { path.to_owned() };
    Ok(Endpoint { host: host.to_owned(), port, tls, path })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn host(service: Service, region: &str, account: Option<&str>, settings: Settings) -> String {
        endpoint(service, region, account, settings, &Globals::default()).unwrap().host
    }

    #[test]
    fn names_by_the_rules() {
        let plain = Settings::default();
        let account = Settings { account_id: AccountIdEndpoint::Preferred, ..plain };
        let dual = Settings { dual_stack: true, ..plain };
        let fips = Settings { fips: true, ..plain };
        let id = Some("123456789012");
        let ddb = Service::DynamoDb;
        assert_eq!(host(Service::Ec2, "us-east-1", id, account), "ec2.us-east-1.amazonaws.com");
        assert_eq!(host(ddb, "us-east-1", id, plain), "dynamodb.us-east-1.amazonaws.com");
        assert_eq!(host(ddb, "us-east-1", id, account), "123456789012.ddb.us-east-1.amazonaws.com");
        assert_eq!(host(ddb, "us-east-1", None, account), "dynamodb.us-east-1.amazonaws.com");
        assert_eq!(host(ddb, "us-east-1", None, dual), "dynamodb.us-east-1.api.aws");
        assert_eq!(host(ddb, "us-east-1", None, fips), "dynamodb-fips.us-east-1.amazonaws.com");
        assert_eq!(host(ddb, "us-gov-west-1", None, fips), "dynamodb.us-gov-west-1.amazonaws.com");
        assert_eq!(host(ddb, "cn-north-1", id, account), "dynamodb.cn-north-1.amazonaws.com.cn");
        let required = Settings { account_id: AccountIdEndpoint::Required, ..plain };
        let error = endpoint(ddb, "us-east-1", None, required, &Globals::default()).unwrap_err();
        assert!(error.to_string().starts_with("AccountIdEndpointMode is required"));
    }

    #[test]
    fn buckets_have_names_of_their_own() {
        let globals = |url: Option<&str>| Globals { endpoint_url: url.map(str::to_owned), ..Globals::default() };
        let url = |bucket: &str, custom: Option<&str>| {
            let globals = globals(custom);
            let base = endpoint(Service::S3, "eu-west-1", None, Settings::default(), &globals).unwrap();
            base.with_bucket(bucket, &globals).url()
        };
        assert_eq!(url("pics", None), "https://pics.s3.eu-west-1.amazonaws.com/");
        assert_eq!(url("dotted.name", None), "https://s3.eu-west-1.amazonaws.com/dotted.name");
        assert_eq!(url("PICS", None), "https://s3.eu-west-1.amazonaws.com/PICS");
        assert_eq!(url("pics", Some("https://x.example/base/")), "https://x.example/base/pics");
        assert_eq!(host(Service::Sts, "eu-west-1", None, Settings::default()), "sts.eu-west-1.amazonaws.com");
        let dual = Settings { dual_stack: true, ..Settings::default() };
        assert_eq!(host(Service::S3, "eu-west-1", None, dual), "s3.dualstack.eu-west-1.amazonaws.com");
        assert_eq!(host(Service::Sts, "eu-west-1", None, dual), "sts.eu-west-1.api.aws");
    }

    #[test]
    fn an_endpoint_url_wins() {
        let read = |url: &str| {
            let globals = Globals { endpoint_url: Some(url.to_owned()), ..Globals::default() };
            endpoint(Service::Ec2, "us-east-1", None, Settings::default(), &globals)
        };
        let local = read("http://127.0.0.1:8000").unwrap();
        assert_eq!((local.host.as_str(), local.port, local.tls), ("127.0.0.1", 8000, false));
        assert_eq!(local.url(), "http://127.0.0.1:8000/");
        let private = read("https://vpce-1.ec2.us-east-1.vpce.amazonaws.com/x").unwrap();
        assert_eq!(private.authority(), "vpce-1.ec2.us-east-1.vpce.amazonaws.com");
        assert_eq!(private.path, "/x");
        for url in
            ["", "127.0.0.1", "ftp://x", "http://", "http://a:0", "http://a:99999", "http://a b", "http://a/ b\r\n"]
        {
            assert_eq!(read(url).unwrap_err().message, format!("Invalid endpoint: {url}"));
        }
    }
}
