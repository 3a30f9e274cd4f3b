//! Calls of MinIO's admin interface, version 3.
//!
//! Source: the server's own client `madmin-go`. Newer servers have a version 4 as well;
//! the community's newest knows 3.

use secrecy::ExposeSecret;
use serde_json::Value;

use crate::byob::http::{HttpRequest, SecretUrl};
use crate::byob::{CloudError, CloudErrorKind};
use crate::clouds::s3::client::encoded;
use crate::clouds::s3::error::Answer;
use crate::clouds::s3::sign::{self, Unsigned};

use super::{S3Compatible, encrypted};

/// What goes with a call.
#[derive(Debug)]
pub(super) enum Sent {
    /// As it is.
    Plain(String),
    /// Encrypted with the caller's secret key on its way.
    Encrypted(String),
}

/// How an answer travels.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Body {
    /// As it is.
    Plain,
    /// Encrypted with the caller's secret key.
    Encrypted,
    /// Whatever it is, it is not needed.
    Unread,
}

/// One call.
pub(super) struct Call<'a> {
    pub(super) method: &'static str,
    /// After `/minio/admin/v3/`.
    pub(super) path: &'a str,
    pub(super) query: &'a [(&'a str, &'a str)],
    pub(super) body: Option<Sent>,
    /// How the answer travels.
    pub(super) answer: Body,
    /// The user or policy that it is about.
    pub(super) target: &'a str,
}

impl S3Compatible {
    /// Makes a call and reads its answer; null for an empty one.
    pub(super) async fn admin(&self, call: Call<'_>) -> Result<Value, CloudError> {
        let name = format!("minio:{}", call.path);
        let fault =
            |why: String| CloudError::new(CloudErrorKind::Unexpected, &name, call.target, why);
        let query: Vec<String> = call
            .query
            .iter()
            .map(|(key, value)| format!("{key}={}", encoded(value)))
            .collect();
        let mut url = self
            .s3
            .clients
            .server_url(&format!("minio/admin/v3/{}", call.path));
        if !query.is_empty() {
            url = format!("{url}?{}", query.join("&"));
        }
        let secret = self.clients.settings().secret_key.expose_secret();
        let body = match call.body {
            None => Vec::new(),
            Some(Sent::Plain(text)) => text.into_bytes(),
            Some(Sent::Encrypted(text)) => {
                encrypted::encrypt(secret, text.as_bytes()).map_err(fault)?
            }
        };
        let unsigned = Unsigned {
            method: call.method,
            url: &url,
            headers: &[],
            body: &body,
        };
        let mut headers = sign::headers(&self.s3.clients, &unsigned).await?;
        // Attaching policies is refused (400) without it, lest a form be taken for a body.
        headers.push((
            "content-type".to_owned(),
            "application/octet-stream".to_owned(),
        ));
        let request = HttpRequest {
            method: call.method,
            url: SecretUrl::new(url),
            headers,
            body,
        };
        let answer = self.s3.web(&name, call.target, &request).await?;
        if !(200..300).contains(&answer.status) {
            return Err(refusal(&name, call.target, answer.status, &answer.body));
        }
        if answer.body.is_empty() {
            return Ok(Value::Null);
        }
        let text = match call.answer {
            Body::Plain => answer.body,
            Body::Encrypted => encrypted::decrypt(secret, &answer.body).map_err(fault)?,
            Body::Unread => return Ok(Value::Null),
        };
        serde_json::from_slice(&text).map_err(|error| fault(error.to_string()))
    }
}

fn refusal(name: &str, target: &str, status: u16, body: &[u8]) -> CloudError {
    let told: Value = serde_json::from_slice(body).unwrap_or_default();
    let text = |key: &str| told.get(key).and_then(Value::as_str).map(str::to_owned);
    let answer = Answer {
        status,
        code: text("Code"),
        message: text("Message"),
        request_id: text("RequestId"),
        bucket_region: None,
    };
    let mut error = answer.failure(name, target).error;
    // A server of S3 that has no such interface takes it for a bucket.
    let is_s3 = told.is_null() && String::from_utf8_lossy(body).contains("<Code>");
    if status == 404 && is_s3 {
        error.kind = CloudErrorKind::NotSupported;
        error.message = "the server has no interface of MinIO's for users".to_owned();
    }
    error
}
