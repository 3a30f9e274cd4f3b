//! Signatures (version 4) on addresses, by a private key or by IAM's `signBlob`, and what
//! the answers to such addresses say.
//!
//! What W&B's pages and its SDK do is signed. What only the provider does, for its own
//! clean-up, goes with its token where each signature would be a request of its own.

use std::time::Duration;

use aws_lc_rs::digest::{SHA256, digest};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value, json};
use time::OffsetDateTime;
use url::Url;

use super::client::Signing;
use super::endpoints::Service;
use super::error::not_understood;
use super::request::encoded;
use super::{Gcp, credentials};
use crate::byob::http::{HttpRequest, HttpResponse, SecretUrl};
use crate::byob::identity::AccessKey;
use crate::byob::probe::{ProbeReply, ProbeStep, Signed, Version};
use crate::byob::{CloudError, CloudErrorKind};
use crate::clouds::retry::Work;
use crate::clouds::xml::elements;

const ALGORITHM: &str = "GOOG4-RSA-SHA256";
/// How long a signed address is good.
const LIFETIME: Duration = Duration::from_mins(15);
const SIGN_BLOB: &str = "iam.serviceAccounts.signBlob";

/// The HTTP method of a step.
fn method(step: &ProbeStep) -> &'static str {
    match step {
        ProbeStep::Put { .. } | ProbeStep::UploadPart { .. } => "PUT",
        ProbeStep::Get { .. } | ProbeStep::ListUploads { .. } => "GET",
        ProbeStep::Head { .. } => "HEAD",
        ProbeStep::BeginUpload { .. } => "POST",
        ProbeStep::AbortUpload { .. } | ProbeStep::Delete { .. } => "DELETE",
    }
}

/// Whether W&B hands such an address out; it does the rest itself.
fn is_handed_out(step: &ProbeStep) -> bool {
    match step {
        ProbeStep::Put { .. }
        | ProbeStep::Get { .. }
        | ProbeStep::Head { .. }
        | ProbeStep::UploadPart { .. } => true,
        ProbeStep::BeginUpload { .. }
        | ProbeStep::ListUploads { .. }
        | ProbeStep::AbortUpload { .. }
        | ProbeStep::Delete { .. } => false,
    }
}

/// What a request is about: the path with the bucket, encoded, and the query.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Target {
    method: &'static str,
    path: String,
    query: Vec<(&'static str, String)>,
}

impl Target {
    fn of(bucket: &str, step: &ProbeStep) -> Self {
        let (object, query) = match step {
            // A question to the bucket, and no object of it.
            ProbeStep::ListUploads { object } => (
                "",
                vec![("uploads", String::new()), ("prefix", object.clone())],
            ),
            ProbeStep::Put { object } | ProbeStep::Get { object } | ProbeStep::Head { object } => {
                (object.as_str(), Vec::new())
            }
            ProbeStep::BeginUpload { object } => {
                (object.as_str(), vec![("uploads", String::new())])
            }
            ProbeStep::UploadPart {
                object,
                upload,
                part,
            } => (
                object.as_str(),
                vec![
                    ("partNumber", part.to_string()),
                    ("uploadId", upload.clone()),
                ],
            ),
            ProbeStep::AbortUpload { object, upload } => {
                (object.as_str(), vec![("uploadId", upload.clone())])
            }
            ProbeStep::Delete { object, version } => {
                let version = version.iter().map(|one| ("generation", one.clone()));
                (object.as_str(), version.collect())
            }
        };
        let object = object.split('/').map(encoded).collect::<Vec<_>>().join("/");
        Self {
            method: method(step),
            path: format!("{}/{object}", encoded(bucket)),
            query,
        }
    }

    /// The list of a bucket's objects.
    pub(super) fn list(bucket: &str) -> Self {
        Self {
            method: "GET",
            path: encoded(bucket),
            query: vec![("max-keys", "1".to_owned())],
        }
    }

    fn url(&self, address: &str) -> String {
        let query = self.query.iter();
        let query: Vec<String> = query
            .map(|(name, value)| format!("{name}={}", encoded(value)))
            .collect();
        let mark = if query.is_empty() { "" } else { "?" };
        format!("{address}/{}{mark}{}", self.path, query.join("&"))
    }
}

/// An address that lacks its signature.
struct Unsigned {
    /// What is to be signed.
    text: String,
    /// The address with everything but the signature.
    url: String,
}

/// `address` is the service's; `now` is written into the address.
fn unsigned(
    address: &str,
    target: &Target,
    email: &str,
    now: OffsetDateTime,
) -> Result<Unsigned, String> {
    let url = Url::parse(address).map_err(|error| error.to_string())?;
    let host = url.host_str().ok_or("the address has no host")?;
    let host = match url.port() {
        Some(port) => format!("{host}:{port}"),
        None => host.to_owned(),
    };
    let day = format!(
        "{:04}{:02}{:02}",
        now.year(),
        u8::from(now.month()),
        now.day()
    );
    let time = format!(
        "{day}T{:02}{:02}{:02}Z",
        now.hour(),
        now.minute(),
        now.second()
    );
    let scope = format!("{day}/auto/storage/goog4_request");
    let mut query: Vec<(String, String)> = target
        .query
        .iter()
        .map(|(name, value)| ((*name).to_owned(), encoded(value)))
        .collect();
    for (name, value) in [
        ("X-Goog-Algorithm", ALGORITHM.to_owned()),
        ("X-Goog-Credential", format!("{email}/{scope}")),
        ("X-Goog-Date", time.clone()),
        ("X-Goog-Expires", LIFETIME.as_secs().to_string()),
        ("X-Goog-SignedHeaders", "host".to_owned()),
    ] {
        query.push((name.to_owned(), encoded(&value)));
    }
    query.sort();
    let query: Vec<String> = query
        .into_iter()
        .map(|(name, value)| format!("{name}={value}"))
        .collect();
    let query = query.join("&");
    let base = url.path().trim_end_matches('/');
    let path = format!("{base}/{}", target.path);
    let canonical = format!(
        "{}\n{path}\n{query}\nhost:{host}\n\nhost\nUNSIGNED-PAYLOAD",
        target.method
    );
    let hash = hex(digest(&SHA256, canonical.as_bytes()).as_ref());
    Ok(Unsigned {
        text: format!("{ALGORITHM}\n{time}\n{scope}\n{hash}"),
        url: format!("{}://{host}{path}?{query}", url.scheme()),
    })
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

/// The request of a step, in the name of W&B's key or of the caller.
pub(super) async fn request(
    cloud: &Gcp,
    bucket: &str,
    step: &ProbeStep,
    key: Option<&AccessKey>,
) -> Result<Signed, CloudError> {
    let target = Target::of(bucket, step);
    if let Some(key) = key {
        return signed_by_key(cloud, &target, key)
            .await
            .map(Signed::Request);
    }
    match cloud.clients.signing(&cloud.patience).await? {
        Signing::Key(email, signer) => {
            let unsigned = to_sign(cloud, &target, &email)?;
            let signature = signer.sign(&unsigned.text).await;
            let signature = signature.map_err(|error| unsignable(&email, error))?;
            Ok(Signed::Request(finished(&target, &unsigned, &signature)))
        }
        Signing::Remote(email) if is_handed_out(step) => remote(cloud, &target, &email).await,
        // It is the provider's own work, and no signature is needed for it.
        Signing::Remote(_) => with_token(cloud, &target).await,
        Signing::Unable(_) if !is_handed_out(step) => with_token(cloud, &target).await,
        Signing::Unable(why) => Ok(Signed::Unable(why)),
    }
}

async fn with_token(cloud: &Gcp, target: &Target) -> Result<Signed, CloudError> {
    let token = cloud.clients.token(&cloud.patience).await?;
    let url = target.url(&cloud.clients.address(Service::Storage));
    let request = cloud.clients.request(target.method, url, &token, None);
    Ok(Signed::Request(request))
}

/// The request in the name of a key of W&B's.
pub(super) async fn signed_by_key(
    cloud: &Gcp,
    target: &Target,
    key: &AccessKey,
) -> Result<HttpRequest, CloudError> {
    let email = key.holder.as_deref().ok_or_else(|| {
        let why = "the service account that this key belongs to is not known";
        CloudError::new(CloudErrorKind::Invalid, "sign", &key.id, why)
    })?;
    let signer = credentials::signer_of_key(email, key)?;
    let unsigned = to_sign(cloud, target, email)?;
    let signature = signer.sign(&unsigned.text).await;
    let signature = signature.map_err(|error| unsignable(email, error))?;
    Ok(finished(target, &unsigned, &signature))
}

fn unsignable(email: &str, error: impl std::fmt::Display) -> CloudError {
    CloudError::new(CloudErrorKind::Invalid, "sign", email, error.to_string())
}

fn to_sign(cloud: &Gcp, target: &Target, email: &str) -> Result<Unsigned, CloudError> {
    let address = cloud.clients.address(Service::Storage);
    unsigned(&address, target, email, OffsetDateTime::now_utc())
        .map_err(|why| unsignable(email, why))
}

fn finished(target: &Target, unsigned: &Unsigned, signature: &[u8]) -> HttpRequest {
    let url = format!("{}&X-Goog-Signature={}", unsigned.url, hex(signature));
    HttpRequest::new(target.method, SecretUrl::new(url))
}

/// The request with a signature that Google makes. One that was made in this operation for
/// the same request is used again.
async fn remote(cloud: &Gcp, target: &Target, email: &str) -> Result<Signed, CloudError> {
    // What is signed for a download is good for its headers too.
    let asked = Target {
        method: if target.method == "HEAD" {
            "GET"
        } else {
            target.method
        },
        ..target.clone()
    };
    let url = match cloud.recall_signed(&asked) {
        Some(url) => url,
        None => {
            let unsigned = to_sign(cloud, &asked, email)?;
            let signature = match sign_blob(cloud, email, &unsigned.text).await {
                Ok(signature) => signature,
                Err(error)
                    if matches!(
                        error.kind,
                        CloudErrorKind::Denied | CloudErrorKind::NotFound
                    ) =>
                {
                    return Ok(Signed::Unable(format!(
                        "the caller may not sign as {email}, so nothing was tried as W&B would: give \
                         it iam.serviceAccounts.signBlob on that service account, which \
                         roles/iam.serviceAccountTokenCreator has ({})",
                        error.message
                    )));
                }
                Err(error) => return Err(error),
            };
            let url = format!("{}&X-Goog-Signature={}", unsigned.url, hex(&signature));
            let url = SecretUrl::new(url);
            cloud.remember_signed(asked, url.clone());
            url
        }
    };
    Ok(Signed::Request(HttpRequest::new(target.method, url)))
}

async fn sign_blob(cloud: &Gcp, email: &str, text: &str) -> Result<Vec<u8>, CloudError> {
    let clients = &cloud.clients;
    let token = clients.own_token(&cloud.patience).await?;
    let address = clients.address(Service::IamCredentials);
    let url = format!("{address}/v1/projects/-/serviceAccounts/{email}:signBlob");
    let body = json!({"payload": STANDARD.encode(text)});
    let request = clients.request("POST", url, &token, Some(&body));
    let answer = cloud
        .patience
        .call(Work::Read, SIGN_BLOB, email, || {
            clients.exchange(SIGN_BLOB, email, &request)
        })
        .await?;
    let told: Value = serde_json::from_slice(&answer.body)
        .map_err(|error| not_understood(SIGN_BLOB, email, error))?;
    let signature = told["signedBlob"].as_str();
    signature
        .and_then(|signature| STANDARD.decode(signature).ok())
        .ok_or_else(|| not_understood(SIGN_BLOB, email, "it holds no signature"))
}

/// What an answer to a step says: the code of a refusal, the generation of the object, and
/// the ids of uploads in parts.
pub(super) fn reply(response: &HttpResponse) -> ProbeReply {
    let text = String::from_utf8_lossy(&response.body);
    let generation = response.headers.get("x-goog-generation");
    ProbeReply {
        code: elements(&text, "Code").into_iter().next(),
        version: generation.map(|id| Version {
            id: id.clone(),
            is_only: false,
        }),
        uploads: elements(&text, "UploadId"),
    }
}

#[cfg(test)]
mod tests {
    use time::macros::datetime;

    use super::*;

    /// The text is built by the steps of Google's page on signing addresses.
    #[test]
    fn an_address_is_signed_as_google_says() {
        let step = ProbeStep::Put {
            object: "teams/ä b.txt".to_owned(),
        };
        let made = unsigned(
            "https://storage.googleapis.com",
            &Target::of("acme", &step),
            "a@p.iam.gserviceaccount.com",
            datetime!(2026-01-02 03:04:05 UTC),
        )
        .expect("an address");
        let query = "X-Goog-Algorithm=GOOG4-RSA-SHA256&X-Goog-Credential=a%40p.iam.gserviceaccount.com\
            %2F20260102%2Fauto%2Fstorage%2Fgoog4_request&X-Goog-Date=20260102T030405Z\
            &X-Goog-Expires=900&X-Goog-SignedHeaders=host";
        let path = "/acme/teams/%C3%A4%20b.txt";
        assert_eq!(
            made.url,
            format!("https://storage.googleapis.com{path}?{query}")
        );
        let canonical =
            format!("PUT\n{path}\n{query}\nhost:storage.googleapis.com\n\nhost\nUNSIGNED-PAYLOAD");
        let hash = hex(digest(&SHA256, canonical.as_bytes()).as_ref());
        assert_eq!(
            made.text,
            format!(
                "GOOG4-RSA-SHA256\n20260102T030405Z\n20260102/auto/storage/goog4_request\n{hash}"
            )
        );
    }

    #[test]
    fn an_answer_is_read() {
        let mut response = HttpResponse {
            body: b"<Error><Code>AccessDenied</Code></Error>".to_vec(),
            ..HttpResponse::default()
        };
        assert_eq!(reply(&response).code.as_deref(), Some("AccessDenied"));
        assert_eq!(reply(&response).version, None);
        response
            .headers
            .insert("x-goog-generation".to_owned(), "7".to_owned());
        response.body = b"<R><UploadId>a</UploadId><UploadId>b</UploadId></R>".to_vec();
        let reply = reply(&response);
        assert_eq!(reply.uploads, ["a", "b"]);
        assert_eq!(
            reply.version.map(|version| version.id).as_deref(),
            Some("7")
        );
    }
}
