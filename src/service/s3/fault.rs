//! Why a call is refused, and how that looks on the wire: `<Error>` in XML, or only a status where HEAD was asked.
//!
//! Source: docs.aws.amazon.com/AmazonS3/latest/API/ErrorResponses.html; fields besides Code and Message as public transcripts show them.

use super::{Reply, XML_HEAD, escape};
use crate::host::http::HttpRequest;

/// A refusal.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Fault {
    /// No signature, where one is needed.
    AccessDenied,
    /// The Authorization header cannot be read.
    AuthorizationMalformed,
    /// The signature is for another Region.
    WrongSigningRegion {
        /// The Region signed for.
        signed: String,
        /// The Region asked.
        expected: String,
    },
    /// The bucket lies in another Region.
    PermanentRedirect {
        /// Its name.
        bucket: String,
        /// The Region.
        region: String,
    },
    /// The path or the query is not well escaped.
    InvalidUri,
    /// What cannot be done to a bucket, an object or the service.
    MethodNotAllowed {
        /// The method.
        method: String,
    },
    /// Anything else.
    Other {
        /// The HTTP status.
        status: u16,
        /// `NoSuchKey`.
        code: &'static str,
        /// The sentence.
        message: String,
        /// More elements, in order.
        details: Vec<(&'static str, String)>,
    },
}

impl Fault {
    /// A refusal without more elements.
    pub fn new(status: u16, code: &'static str, message: impl Into<String>) -> Fault {
        Fault::Other { status, code, message: message.into(), details: Vec::new() }
    }

    pub(super) fn detail(mut self, name: &'static str, value: impl Into<String>) -> Fault {
        if let Fault::Other { details, .. } = &mut self {
            details.push((name, value.into()));
        }
        self
    }

    /// What AWS can and this version cannot; never silently ignored.
    pub fn unsupported(what: &str) -> Fault {
        Fault::new(501, "NotImplemented", format!("vpcsim does not simulate {what} of S3."))
    }

    pub(super) fn no_such_bucket(bucket: &str) -> Fault {
        Fault::new(404, "NoSuchBucket", "The specified bucket does not exist").detail("BucketName", bucket)
    }

    pub(super) fn invalid_argument(name: &str, value: &str, message: impl Into<String>) -> Fault {
        Fault::new(400, "InvalidArgument", message).detail("ArgumentName", name).detail("ArgumentValue", value)
    }

    /// Status, code, sentence, more elements.
    fn parts(&self) -> (u16, &'static str, String, Vec<(&'static str, String)>) {
        match self {
            Fault::AccessDenied => (403, "AccessDenied", "Access Denied".to_owned(), Vec::new()),
            Fault::AuthorizationMalformed => (
                400,
                "AuthorizationHeaderMalformed",
                "The authorization header that you provided is not valid.".to_owned(),
                Vec::new(),
            ),
            Fault::WrongSigningRegion { signed, expected } => (
                400,
                "AuthorizationHeaderMalformed",
                format!(
                    "The authorization header is malformed; the region '{signed}' is wrong; expecting '{expected}'"
                ),
                vec![("Region", expected.clone())],
            ),
            Fault::PermanentRedirect { bucket, region } => {
                let suffix = if region.starts_with("cn-") { "amazonaws.com.cn" } else { "amazonaws.com" };
                (
                    301,
                    "PermanentRedirect",
                    "The bucket you are attempting to access must be addressed using the specified endpoint. Please send all \
                     future requests to this endpoint."
                        .to_owned(),
                    vec![("Endpoint", format!("{bucket}.s3.{region}.{suffix}")), ("Bucket", bucket.clone())],
                )
            }
            Fault::InvalidUri => (400, "InvalidURI", "Couldn't parse the specified URI.".to_owned(), Vec::new()),
            Fault::MethodNotAllowed { method } => (
                405,
                "MethodNotAllowed",
                "The specified method is not allowed against this resource.".to_owned(),
                vec![("Method", method.clone())],
            ),
            Fault::Other { status, code, message, details } => (*status, code, message.clone(), details.clone()),
        }
    }

    pub(super) fn reply(self, request: &HttpRequest, request_id: &str, host_id: &str) -> Reply {
        let (status, code, message, details) = self.parts();
        let element = |name: &str, text: &str| format!("<{name}>{}</{name}>", escape(text));
        let details: String = details.iter().map(|(name, text)| element(name, text)).collect();
        let body = format!(
            "{XML_HEAD}<Error>{}{}{details}{}{}</Error>",
            element("Code", code),
            element("Message", &message),
            element("RequestId", request_id),
            element("HostId", host_id)
        );
        let mut reply = Reply { status, body: body.into_bytes(), ..Reply::default() };
        if let Fault::PermanentRedirect { region, .. } | Fault::WrongSigningRegion { expected: region, .. } = &self {
            reply = reply.with("x-amz-bucket-region", region);
        }
        if request.method == "HEAD" {
            // Nobody reads it: it would look like the start of the next response.
            reply.body.clear();
        }
        reply.with("Content-Type", "application/xml")
    }
}
