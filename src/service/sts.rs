//! AWS STS's front end: HTTP requests in, HTTP responses out, in the Query protocol of 2011-06-15.
//!
//! It knows GetCallerIdentity. Non-goals: sessions and roles (there is one user), verifying signatures: a request must carry one of the scenario's access
//! key; whether it is right is not looked at. Invariant: the same stream and requests give the same bytes.
//!
//! Sources: docs.aws.amazon.com/STS/latest/APIReference/API_GetCallerIdentity.html, .../CommonErrors.html. The user's name and id are invented: no scenario
//! says whose the access key is.

use crate::calendar::Calendar;
use crate::host::http::{HttpRequest, HttpResponse};
use crate::rng::Stream;
use crate::time::SimTime;
use ring::digest;

/// The API version spoken.
pub const VERSION: &str = "2011-06-15";
/// The IAM user whom the scenario's access key belongs to. Invented.
pub const USER_NAME: &str = "simulated-user";

const NAMESPACE: &str = "https://sts.amazonaws.com/doc/2011-06-15/";

/// What a call is made in.
#[derive(Debug)]
pub struct Context<'a> {
    /// The Region asked.
    pub region: &'a str,
    /// The caller's account.
    pub account_id: &'a str,
    /// The only access key that exists.
    pub access_key_id: &'a str,
    /// What date it is when.
    pub calendar: Calendar,
    /// Now.
    pub now: SimTime,
    /// Gives the next request id.
    pub request_ids: &'a mut Stream,
}

/// Answers one request to STS.
pub fn answer(request: &HttpRequest, context: &mut Context<'_>) -> HttpResponse {
    let request_id = context.request_ids.uuid();
    let body = String::from_utf8_lossy(&request.body);
    // The query string counts too: STS takes GET.
    let query = request.target.split_once('?').map_or("", |(_, query)| query);
    let form = if request.method == "GET" { query } else { &body };
    let (status, xml) = match perform(form, request, context) {
        Ok(xml) => (200, xml.replace("REQUEST_ID", &request_id)),
        Err((status, code, message)) => (
            status,
            format!(
                "<ErrorResponse xmlns=\"{NAMESPACE}\">\n  <Error>\n    <Type>Sender</Type>\n    <Code>{code}</Code>\n    \
                 <Message>{}</Message>\n  </Error>\n  <RequestId>{request_id}</RequestId>\n</ErrorResponse>\n",
                escape(&message)
            ),
        ),
    };
    let reason = match status {
        200 => "OK",
        403 => "Forbidden",
        _ => "Bad Request",
    };
    let header = |name: &str, value: &str| (name.to_owned(), value.to_owned());
    let connection = if request.closes_connection() { "close" } else { "keep-alive" };
    let headers = vec![
        header("x-amzn-RequestId", &request_id),
        header("Content-Type", "text/xml"),
        header("Content-Length", &xml.len().to_string()),
        header("Date", &context.calendar.http_date(context.now)),
        header("Connection", connection),
    ];
    HttpResponse { status, reason: reason.to_owned(), headers, body: xml.into_bytes() }
}

type Refusal = (u16, &'static str, String);

fn perform(form: &str, request: &HttpRequest, context: &Context<'_>) -> Result<String, Refusal> {
    let value = |name: &str| {
        form.split('&').find_map(|pair| pair.split_once('=').filter(|(key, _)| *key == name)).map(|(_, value)| value)
    };
    let Some(action) = value("Action") else {
        return Err((400, "MissingAction", "Missing Action".to_owned()));
    };
    let version = value("Version").unwrap_or_default();
    if action != "GetCallerIdentity" || version != VERSION {
        let message = format!("Could not find operation {action} for version {version}");
        return Err((400, "InvalidAction", message));
    }
    let key = match access_key(request) {
        None => return Err((403, "MissingAuthenticationToken", "Request is missing Authentication Token".to_owned())),
        Some(key) => key,
    };
    if key != context.access_key_id && key != OPERATOR_AUTHORIZATION {
        let message = "The security token included in the request is invalid.";
        return Err((403, "InvalidClientTokenId", message.to_owned()));
    }
    let (account, partition) = (context.account_id, partition(context.region));
    Ok(format!(
        "<GetCallerIdentityResponse xmlns=\"{NAMESPACE}\">\n  <GetCallerIdentityResult>\n    \
         <Arn>arn:{partition}:iam::{account}:user/{USER_NAME}</Arn>\n    <UserId>{}</UserId>\n    \
         <Account>{account}</Account>\n  </GetCallerIdentityResult>\n  <ResponseMetadata>\n    \
         <RequestId>REQUEST_ID</RequestId>\n  </ResponseMetadata>\n</GetCallerIdentityResponse>\n",
        user_id(account)
    ))
}

/// What stands for a signature where no bytes travel.
pub const OPERATOR_AUTHORIZATION: &str = "operator";

/// The access key of a signature, `Credential=AKIA.../20260101/...`.
fn access_key(request: &HttpRequest) -> Option<&str> {
    let authorization = request.header("authorization").map(str::trim).filter(|text| !text.is_empty())?;
    let credential = authorization.split([' ', ',']).find_map(|part| part.trim().strip_prefix("Credential="));
    Some(credential.map_or(authorization, |scope| scope.split('/').next().unwrap_or(scope)))
}

fn partition(region: &str) -> &'static str {
    match region {
        region if region.starts_with("cn-") => "aws-cn",
        region if region.starts_with("us-gov-") => "aws-us-gov",
        region if region.starts_with("eusc-") => "aws-eusc",
        _ => "aws",
    }
}

/// `AIDA` and 17 of the letters and digits that such ids have; they follow from the account.
fn user_id(account_id: &str) -> String {
    const ALPHABET: &[u8; 32] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZ234567";
    let digest = digest::digest(&digest::SHA256, format!("user {USER_NAME} of {account_id}").as_bytes());
    let letters = digest.as_ref().iter().take(17).map(|byte| char::from(ALPHABET[usize::from(byte % 32)]));
    "AIDA".chars().chain(letters).collect()
}

fn escape(text: &str) -> String {
    let visible = text.chars().map(|letter| if letter.is_control() { '\u{fffd}' } else { letter });
    visible.collect::<String>().replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rng::Seed;

    fn ask(body: &str, authorization: Option<&str>, region: &str) -> (u16, String) {
        let headers = authorization.map(|value| ("Authorization".to_owned(), value.to_owned()));
        let request = HttpRequest {
            method: "POST".to_owned(),
            target: "/".to_owned(),
            headers: headers.into_iter().collect(),
            body: body.as_bytes().to_vec(),
        };
        let mut context = Context {
            region,
            account_id: "111122223333",
            access_key_id: "AKIAIOSFODNN7EXAMPLE",
            calendar: Calendar::starting_at(1_767_225_600).unwrap(),
            now: SimTime::ZERO,
            request_ids: &mut Seed::new(1).derive("test"),
        };
        let response = answer(&request, &mut context);
        (response.status, String::from_utf8(response.body).unwrap())
    }

    const BODY: &str = "Action=GetCallerIdentity&Version=2011-06-15";
    const KEY: &str =
        "AWS4-HMAC-SHA256 Credential=AKIAIOSFODNN7EXAMPLE/20260101/us-east-1/sts/aws4_request, Signature=x";

    #[test]
    fn says_who_calls() {
        let (status, xml) = ask(BODY, Some(KEY), "us-east-1");
        assert_eq!(status, 200, "{xml}");
        assert!(xml.contains("<Arn>arn:aws:iam::111122223333:user/simulated-user</Arn>"), "{xml}");
        assert!(xml.contains("<UserId>AIDA") && xml.contains("<Account>111122223333</Account>"), "{xml}");
        assert!(!xml.contains("REQUEST_ID"));
        assert!(ask(BODY, Some(KEY), "cn-north-1").1.contains("arn:aws-cn:iam:"));
    }

    #[test]
    fn refuses_strangers_and_other_actions() {
        let code = |body: &str, authorization: Option<&str>| {
            let (status, xml) = ask(body, authorization, "us-east-1");
            let code = xml.split("<Code>").nth(1).unwrap().split('<').next().unwrap().to_owned();
            (status, code)
        };
        assert_eq!(code(BODY, None), (403, "MissingAuthenticationToken".to_owned()));
        let stranger = KEY.replace("AKIAIOSFODNN7EXAMPLE", "AKIAOTHER");
        assert_eq!(code(BODY, Some(&stranger)), (403, "InvalidClientTokenId".to_owned()));
        assert_eq!(code("", Some(KEY)), (400, "MissingAction".to_owned()));
        assert_eq!(code("Action=AssumeRole&Version=2011-06-15", Some(KEY)), (400, "InvalidAction".to_owned()));
        assert!(ask("Action=<a>&Version=1", Some(KEY), "us-east-1").1.contains("operation &lt;a&gt; for"));
    }
}
