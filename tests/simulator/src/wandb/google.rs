//! The look at a bucket of Google Cloud Storage: as W&B's own service account, or with
//! the key that an entry of the file stores holds.

use reqwest::{Method, RequestBuilder};
use serde_json::{Value, json};

use super::Shared;
use super::address::Address;
use super::check::{CONTENT, Problem, code, object_key};
use super::faults::Severity;
use super::world::{seconds, timestamp};
use crate::gcs::{PrivateKey, encode, hex, sha256};

const SCOPE: &str = "https://www.googleapis.com/auth/cloud-platform";

/// How the instance reaches Google.
#[derive(Clone, Debug)]
pub struct Google {
    /// The address of Cloud Storage and of sign-in, without a slash at the end.
    pub endpoint: String,
    /// The key file of W&B's own service account.
    pub key_file: String,
}

/// Who the instance is to Google.
struct Identity {
    email: String,
    key: PrivateKey,
    key_id: Option<String>,
}

/// Does in the bucket what W&B does. An `Err` is the first thing that makes the bucket
/// useless; what is only awkward is in the list.
pub(super) async fn look(
    shared: &Shared,
    google: &Google,
    bucket: &str,
    entry: Option<&Address>,
    path: Option<&str>,
) -> Result<Vec<Problem>, String> {
    let place = format!("gs://{bucket}");
    let identity = match entry.filter(|entry| entry.has_credentials()) {
        Some(entry) => Identity::of_entry(entry),
        None => Identity::of_file(&google.key_file),
    };
    let identity = identity.ok_or_else(|| format!("{place}: the private key cannot be read"))?;
    let mut visit = Visit {
        shared,
        endpoint: &google.endpoint,
        place,
        bucket,
        identity,
        token: String::new(),
        key: object_key(path),
    };
    visit.token = visit.sign_in().await?;
    let settings = visit.settings().await?;
    let kept = settings["softDeletePolicy"]["retentionDurationSeconds"].as_str();
    if kept.is_none_or(|seconds| seconds == "0") {
        return Err("Bucket does not have soft deletion enabled".to_owned());
    }
    let mut problems = Vec::new();
    problems.extend(visit.preflight(&settings).await?);
    visit.list(path).await?;
    visit.write().await?;
    let read = visit.read().await;
    visit.remove().await?;
    read?;
    Ok(problems)
}

impl Identity {
    fn of_file(text: &str) -> Option<Self> {
        let file: Value = serde_json::from_str(text).ok()?;
        Some(Self {
            email: file["client_email"].as_str()?.to_owned(),
            key: PrivateKey::from_pem(file["private_key"].as_str()?)?,
            key_id: file["private_key_id"].as_str().map(str::to_owned),
        })
    }

    /// The user of the address is the account, the password its key in PEM.
    fn of_entry(entry: &Address) -> Option<Self> {
        Some(Self {
            email: entry.access_key.clone(),
            key: PrivateKey::from_pem(&entry.secret_key)?,
            key_id: None,
        })
    }
}

/// One check of one bucket.
struct Visit<'a> {
    shared: &'a Shared,
    endpoint: &'a str,
    place: String,
    bucket: &'a str,
    identity: Identity,
    token: String,
    key: String,
}

impl Visit<'_> {
    async fn sign_in(&self) -> Result<String, String> {
        let now = seconds();
        let audience = format!("{}/token", self.endpoint);
        let claims = json!({"iss": self.identity.email, "scope": SCOPE, "aud": audience,
            "iat": now, "exp": now + 3600});
        let assertion = self
            .identity
            .key
            .token(self.identity.key_id.as_deref(), &claims);
        let body = format!(
            "grant_type=urn%3Aietf%3Aparams%3Aoauth%3Agrant-type%3Ajwt-bearer&assertion={assertion}"
        );
        let request = self.request(Method::POST, "/token").body(body);
        let request = request.header("content-type", "application/x-www-form-urlencoded");
        let answer = self.send("sign-in", request).await?;
        let answer: Value = serde_json::from_str(&answer).unwrap_or_default();
        let token = answer["access_token"].as_str();
        token
            .map(str::to_owned)
            .ok_or_else(|| format!("{}: sign-in gave no token", self.place))
    }

    async fn settings(&self) -> Result<Value, String> {
        let path = format!("/storage/v1/b/{}", encode(self.bucket));
        let request = self.request(Method::GET, &path).bearer_auth(&self.token);
        let text = self.send("storage.buckets.get", request).await?;
        serde_json::from_str(&text).map_err(|_| format!("{}: the answer is no JSON", self.place))
    }

    /// Asks, as a browser would, whether a page of the instance may upload.
    async fn preflight(&self, settings: &Value) -> Result<Option<Problem>, String> {
        let origin = &self.shared.config.origin;
        let path = format!("/{}/{}", self.bucket, self.key);
        let request = self
            .request(Method::OPTIONS, &path)
            .header("origin", origin)
            .header("access-control-request-method", "PUT")
            .header("access-control-request-headers", "content-type");
        let response = request.send().await.map_err(|error| self.lost(error))?;
        let allowed = response
            .headers()
            .get("access-control-allow-origin")
            .and_then(|value| value.to_str().ok());
        if allowed == Some("*") || allowed == Some(origin) {
            return Ok(None);
        }
        let why = if settings.get("cors").is_some() {
            format!("CORS does not allow uploads from {origin}")
        } else {
            "CORS is not configured".to_owned()
        };
        Ok(Some(Problem {
            severity: Severity::Warn,
            message: format!("{}: {why}", self.place),
        }))
    }

    async fn list(&self, path: Option<&str>) -> Result<(), String> {
        let prefix = path.unwrap_or_default().trim_matches('/');
        let url = format!(
            "/storage/v1/b/{}/o?maxResults=1&prefix={}",
            encode(self.bucket),
            encode(prefix)
        );
        let request = self.request(Method::GET, &url).bearer_auth(&self.token);
        self.send("storage.objects.list", request).await.map(|_| ())
    }

    async fn write(&self) -> Result<(), String> {
        let request = self.request(Method::PUT, &self.signed("PUT")).body(CONTENT);
        self.send("PUT", request).await.map(|_| ())
    }

    async fn read(&self) -> Result<(), String> {
        let request = self.request(Method::GET, &self.signed("GET"));
        if self.send("GET", request).await? != CONTENT {
            return Err(format!(
                "{}: GET gave something else than was written",
                self.place
            ));
        }
        Ok(())
    }

    async fn remove(&self) -> Result<(), String> {
        let path = format!(
            "/storage/v1/b/{}/o/{}",
            encode(self.bucket),
            encode(&self.key)
        );
        let request = self.request(Method::DELETE, &path).bearer_auth(&self.token);
        self.send("storage.objects.delete", request)
            .await
            .map(|_| ())
    }

    /// A signed address, as those that W&B gives to browsers and to its SDK.
    fn signed(&self, method: &str) -> String {
        let date = compact(seconds());
        let scope = format!("{}/auto/storage/goog4_request", &date[..8]);
        let parts: Vec<String> = self.key.split('/').map(encode).collect();
        let path = format!("/{}/{}", encode(self.bucket), parts.join("/"));
        let credential = encode(&format!("{}/{scope}", self.identity.email));
        let query = format!(
            "X-Goog-Algorithm=GOOG4-RSA-SHA256&X-Goog-Credential={credential}&X-Goog-Date={date}\
             &X-Goog-Expires=60&X-Goog-SignedHeaders=host"
        );
        let host = self
            .endpoint
            .split_once("://")
            .map_or(self.endpoint, |(_, host)| host);
        let canonical = format!("{method}\n{path}\n{query}\nhost:{host}\n\nhost\nUNSIGNED-PAYLOAD");
        let hash = hex(&sha256(canonical.as_bytes()));
        let text = format!("GOOG4-RSA-SHA256\n{date}\n{scope}\n{hash}");
        let signature = hex(&self.identity.key.sign(text.as_bytes()));
        format!("{path}?{query}&X-Goog-Signature={signature}")
    }

    fn request(&self, method: Method, path: &str) -> RequestBuilder {
        self.shared
            .http
            .request(method, format!("{}{path}", self.endpoint))
    }

    async fn send(&self, call: &str, request: RequestBuilder) -> Result<String, String> {
        let response = request.send().await.map_err(|error| self.lost(error))?;
        let status = response.status();
        let body = response.text().await.map_err(|error| self.lost(error))?;
        if status.is_success() {
            return Ok(body);
        }
        let parsed: Value = serde_json::from_str(&body).unwrap_or_default();
        let words = [&parsed["error"]["message"], &parsed["error_description"]];
        let said = words.iter().find_map(|words| words.as_str()).map_or_else(
            || code(status, &body),
            |words| format!("{words} ({})", status.as_u16()),
        );
        Err(format!("{}: {call} failed: {said}", self.place))
    }

    /// A failed connection; the address is left out, it may hold a signature.
    fn lost(&self, error: reqwest::Error) -> String {
        let error = anyhow::Error::new(error.without_url());
        format!("{} cannot be reached: {error:#}", self.place)
    }
}

/// The time as `20260131T120000Z`.
fn compact(seconds: u64) -> String {
    timestamp(seconds).replace(['-', ':'], "")
}
