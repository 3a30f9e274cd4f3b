//! Refusals of the Blob service, in its XML.

use crate::azure::clock::{guid, long};
use crate::azure::request::Answer;
use crate::azure::world::World;

use super::xml::escaped;

/// A refusal.
#[derive(Clone, Debug)]
pub(crate) struct Refusal {
    pub(crate) status: u16,
    pub(crate) code: &'static str,
    pub(crate) message: String,
    detail: Option<String>,
    headers: Vec<(String, String)>,
}

pub(crate) type Outcome = Result<Answer, Refusal>;

impl Refusal {
    pub(crate) fn new(status: u16, code: &'static str, message: &str) -> Self {
        Self {
            status,
            code,
            message: message.to_owned(),
            detail: None,
            headers: Vec::new(),
        }
    }

    /// A signature or a token that is no good.
    pub(crate) fn signature(detail: impl Into<String>) -> Self {
        let words = "Server failed to authenticate the request. Make sure the value of \
            Authorization header is formed correctly including the signature.";
        Self {
            detail: Some(detail.into()),
            ..Self::new(403, "AuthenticationFailed", words)
        }
    }

    /// Nobody who is known, or a token that is no good.
    pub(crate) fn challenge(world: &World, code: &'static str, detail: &str) -> Self {
        let words = "Server failed to authenticate the request. Please refer to the information \
            in the www-authenticate header.";
        let challenge = format!(
            "Bearer authorization_uri={}/{}/oauth2/authorize resource_id=https://storage.azure.com",
            world.at.authority, world.config.tenant
        );
        Self {
            detail: Some(detail.to_owned()),
            headers: vec![("WWW-Authenticate".to_owned(), challenge)],
            ..Self::new(401, code, words)
        }
    }

    /// Somebody who may not.
    pub(crate) fn permission() -> Self {
        let words = "This request is not authorized to perform this operation using this \
            permission.";
        Self::new(403, "AuthorizationPermissionMismatch", words)
    }

    pub(crate) fn no_container() -> Self {
        Self::new(
            404,
            "ContainerNotFound",
            "The specified container does not exist.",
        )
    }

    pub(crate) fn no_blob() -> Self {
        Self::new(404, "BlobNotFound", "The specified blob does not exist.")
    }

    pub(crate) fn header() -> Self {
        let words = "The value for one of the HTTP headers is not in the correct format.";
        Self::new(400, "InvalidHeaderValue", words)
    }

    pub(crate) fn missing_header() -> Self {
        let words = "An HTTP header that's mandatory for this request is not specified.";
        Self::new(400, "MissingRequiredHeader", words)
    }

    pub(crate) fn query() -> Self {
        let words = "Value for one of the query parameters specified in the request URI is \
            invalid.";
        Self::new(400, "InvalidQueryParameterValue", words)
    }

    pub(crate) fn document() -> Self {
        let words = "XML specified is not syntactically valid.";
        Self::new(400, "InvalidXmlDocument", words)
    }

    pub(crate) fn with(mut self, name: &str, value: &str) -> Self {
        self.headers.push((name.to_owned(), value.to_owned()));
        self
    }

    /// `bare` where there is no body, as for HEAD.
    pub(crate) fn into_answer(self, world: &World, bare: bool) -> Answer {
        let mut answer = Answer::empty(self.status).with("x-ms-error-code", self.code);
        answer.headers.extend(self.headers);
        if bare || self.status == 304 {
            return answer;
        }
        let words = format!(
            "{}\nRequestId:{}\nTime:{}",
            self.message,
            guid(),
            long(world.now())
        );
        let detail = self.detail.map(|detail| {
            let detail = escaped(&detail);
            format!("<AuthenticationErrorDetail>{detail}</AuthenticationErrorDetail>")
        });
        let body = format!(
            "<?xml version=\"1.0\" encoding=\"utf-8\"?><Error><Code>{}</Code><Message>{}</Message>{}\
             </Error>",
            self.code,
            escaped(&words),
            detail.unwrap_or_default()
        );
        answer.with("Content-Type", "application/xml").body(body)
    }
}
