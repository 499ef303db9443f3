//! `MaxResults` and `NextToken`: long answers in pages.
//!
//! A token is opaque to callers. It names the operation and the other parameters it belongs to, so that it cannot be used
//! with another call, and a position: what is created or deleted between two pages may shift them by one, as on AWS.

use super::execute::parameters::Parameters;
use super::model::{Service, Shape};
use super::{ApiError, base64};
use serde_json::{Map, Value};

/// The most that a page holds, whatever is asked for.
const ITEMS_PER_PAGE: usize = 1000;

/// One page.
#[derive(Clone, Debug, PartialEq)]
pub struct Page {
    /// What is on it.
    pub items: Vec<Value>,
    /// Where the next one starts; `None` on the last.
    pub next_token: Option<String>,
}

/// Cuts the page that the parameters ask for out of `items`.
///
/// # Errors
/// `InvalidParameterValue` (`MaxResults` out of the operation's range), `InvalidNextToken`.
pub fn page(parameters: &Parameters<'_>, items: Vec<Value>) -> Result<Page, ApiError> {
    let limit = limit(parameters)?;
    let start = match parameters.text("NextToken")? {
        Some(token) => position(parameters, &token)?,
        None => 0,
    };
    let end = start.saturating_add(limit);
    let next_token = (end < items.len()).then(|| token(parameters, end));
    Ok(Page { items: items.into_iter().skip(start).take(limit).collect(), next_token })
}

fn limit(parameters: &Parameters<'_>) -> Result<usize, ApiError> {
    let Some(wanted) = parameters.integer("MaxResults")? else { return Ok(ITEMS_PER_PAGE) };
    let (least, most) = range(parameters.operation());
    match usize::try_from(wanted) {
        Ok(count) if wanted >= least && most.is_none_or(|most| wanted <= most) => Ok(count.min(ITEMS_PER_PAGE)),
        _ => Err(ApiError::new(
            "InvalidParameterValue",
            format!(
                "Value ( {wanted} ) for parameter maxResults is invalid. Expecting a value of at least {least}{}.",
                most.map_or_else(String::new, |most| format!(" and at most {most}"))
            ),
        )),
    }
}

/// The model's range; for DescribeInstances and DescribeTags, which have none there, the documented 5 to 1000.
fn range(operation: &str) -> (i64, Option<i64>) {
    let model = Service::Ec2.model();
    let member = model.input(operation).member("MaxResults");
    match member.map(|member| model.shape(&member.shape)) {
        Some(Shape::Integer(range)) if range.min.is_some() => (range.min.unwrap_or(1), range.max),
        _ if matches!(operation, "DescribeInstances" | "DescribeTags") => (5, Some(1000)),
        _ => (1, None),
    }
}

fn token(parameters: &Parameters<'_>, position: usize) -> String {
    base64::encode(format!("{} {position} {:08x}", parameters.operation(), fingerprint(parameters)).as_bytes())
}

fn position(parameters: &Parameters<'_>, token: &str) -> Result<usize, ApiError> {
    let read = || {
        let text = String::from_utf8(base64::decode(token)?).ok()?;
        let mut words = text.split(' ');
        let (operation, position, fingerprint_text) = (words.next()?, words.next()?, words.next()?);
        let ours = operation == parameters.operation()
            && fingerprint_text == format!("{:08x}", fingerprint(parameters))
            && words.next().is_none();
        position.parse().ok().filter(|_| ours)
    };
    read().ok_or_else(|| ApiError::new("InvalidNextToken", "The specified NextToken is not valid."))
}

/// A checksum of everything else that was asked for.
fn fingerprint(parameters: &Parameters<'_>) -> u32 {
    let others: Map<String, Value> = (parameters.members())
        .filter(|(name, _)| !matches!(name.as_str(), "NextToken" | "MaxResults" | "DryRun"))
        .map(|(name, value)| (name.clone(), value.clone()))
        .collect();
    crc32fast::hash(Value::Object(others).to_string().as_bytes())
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn ask(operation: &str, document: &Value) -> Result<Page, ApiError> {
        let items = (0..12).map(Value::from).collect();
        page(&Parameters::of(operation, document).unwrap(), items)
    }

    #[test]
    fn pages_join_to_the_whole() {
        let mut seen = Vec::new();
        let mut request = json!({"MaxResults": 5});
        let mut sizes = Vec::new();
        loop {
            let page = ask("DescribeVpcs", &request).unwrap();
            sizes.push(page.items.len());
            seen.extend(page.items);
            let Some(token) = page.next_token else { break };
            request["NextToken"] = json!(token);
        }
        assert_eq!(sizes, [5, 5, 2]);
        assert_eq!(seen, (0..12).map(Value::from).collect::<Vec<_>>());
        assert_eq!(ask("DescribeVpcs", &json!({})).unwrap().next_token, None);
    }

    #[test]
    fn limits_are_the_operations_own() {
        let code = |operation, count: i64| ask(operation, &json!({"MaxResults": count})).map_err(|error| error.code);
        let refused = Err("InvalidParameterValue".to_owned());
        assert_eq!(code("DescribeVpcs", 4), refused);
        assert_eq!(code("DescribeVpcs", 1001), refused);
        assert_eq!(code("DescribeRouteTables", 101), refused);
        assert_eq!(code("DescribeInstances", 4), refused);
        assert_eq!(code("DescribeVpcEndpoints", -1), refused);
        assert!(code("DescribeVpcEndpoints", 1).is_ok());
        assert!(code("DescribeVpcEndpoints", 5000).is_ok());
    }

    #[test]
    fn tokens_belong_to_their_call() {
        let token = ask("DescribeVpcs", &json!({"MaxResults": 5})).unwrap().next_token.unwrap();
        let code = |operation, document: Value| ask(operation, &document).unwrap_err().code;
        assert_eq!(code("DescribeSubnets", json!({"NextToken": token})), "InvalidNextToken");
        let filters = json!([{"Name": "vpc-id", "Values": ["x"]}]);
        assert_eq!(code("DescribeVpcs", json!({"NextToken": token, "Filters": filters})), "InvalidNextToken");
        for bad in ["", "x", "AAAA", "////"] {
            assert_eq!(code("DescribeVpcs", json!({"NextToken": bad})), "InvalidNextToken");
        }
    }
}
