//! The instance's own look at a bucket, before a team is bound to it: it reaches the
//! bucket with the credentials from its list of file stores and does what W&B and a
//! browser do there.
//!
//! S3's protocol is spoken here, Google's in [`super::google`] and Azure's in
//! [`super::azure`], where the instance was told how to reach them. What is not spoken
//! passes by being on the list.

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use reqwest::{Method, RequestBuilder, StatusCode};
use rusty_s3::{Bucket, Credentials, S3Action as _, UrlStyle};
use serde::Serialize;
use url::Url;

use super::address::Address;
use super::faults::{Fault, Severity};
use super::{Shared, azure, google};

/// The providers that W&B knows.
pub(super) const PROVIDERS: [&str; 5] = ["COREWEAVE", "AWS", "AZURE", "GCP", "MINIO"];
/// How long signatures are good for.
const VALIDITY: Duration = Duration::from_secs(60);
/// What is written to the bucket and taken away again.
pub(super) const CONTENT: &str = "written by W&B to test the connection";

/// Something that the check found.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub(super) struct Problem {
    pub(super) severity: Severity,
    pub(super) message: String,
}

impl Problem {
    /// The one thing that makes the bucket useless.
    fn only(message: String) -> Vec<Self> {
        vec![Self {
            severity: Severity::Error,
            message,
        }]
    }
}

/// A bucket as the caller names it.
pub(super) struct Candidate<'a> {
    pub(super) provider: &'a str,
    pub(super) name: &'a str,
    pub(super) path: Option<&'a str>,
    /// The tenant and the client of the identity that reaches it on Azure.
    pub(super) identity: Option<(&'a str, &'a str)>,
}

/// Checks a bucket; an empty list is a success.
pub(super) async fn run(shared: &Shared, candidate: &Candidate<'_>) -> Vec<Problem> {
    let fault = shared
        .world()
        .strike(|fault| matches!(fault, Fault::TestResult { .. } | Fault::TestPasses { .. }));
    match fault {
        Some(Fault::TestResult {
            severity, message, ..
        }) => return vec![Problem { severity, message }],
        Some(_) => return Vec::new(),
        None => {}
    }
    let stores: Vec<Address> = {
        let world = shared.world();
        // Entries that cannot be read are of no use to the instance, which does not
        // say so.
        let entries = world.stores.iter();
        entries.filter_map(|text| Address::parse(text)).collect()
    };
    let found = find(&stores, candidate);
    if let Some(google) = shared
        .config
        .google
        .as_ref()
        .filter(|_| candidate.provider == "GCP")
    {
        let bucket = match &found {
            Ok(entry) => Ok(entry.host.as_str()),
            // What is not on the list is reached as W&B's own account.
            Err(_) if !candidate.name.contains("://") => Ok(candidate.name),
            Err(message) => Err(message.clone()),
        };
        let problems = match bucket {
            Ok(bucket) => {
                google::look(shared, google, bucket, found.as_ref().ok(), candidate.path).await
            }
            Err(message) => Err(message),
        };
        return problems.unwrap_or_else(Problem::only);
    }
    if let Some(azure) = shared
        .config
        .azure
        .as_ref()
        .filter(|_| candidate.provider == "AZURE")
    {
        let problems = azure::look(shared, azure, candidate, found.as_ref().ok()).await;
        return problems.unwrap_or_else(Problem::only);
    }
    let problems = match found {
        Ok(target) if ["s3", "cw"].contains(&target.scheme.as_str()) => {
            look(shared, &target, candidate.path).await
        }
        Ok(_) => Ok(Vec::new()),
        Err(message) => Err(message),
    };
    problems.unwrap_or_else(Problem::only)
}

/// The entry of the list that stands for the bucket, with the region and the transport
/// that the caller named.
fn find(stores: &[Address], candidate: &Candidate<'_>) -> Result<Address, String> {
    let provider = candidate.provider;
    let name = candidate.name;
    let scheme = match provider {
        "AZURE" => "az",
        "COREWEAVE" => "cw",
        "GCP" => "gs",
        _ => "s3",
    };
    if name.contains("://") {
        let wanted = Address::parse(name)
            .filter(|wanted| wanted.scheme == scheme)
            .ok_or_else(|| format!("the bucket's address is not a {provider} address"))?;
        if wanted.has_credentials() {
            return Err("the bucket's address must not hold credentials".to_owned());
        }
        let entry = stores.iter().find(|entry| entry.is_same_place(&wanted));
        let entry = entry.ok_or_else(|| {
            format!(
                "{} is not among the file stores of this instance",
                wanted.public()
            )
        })?;
        return Ok(Address {
            region: wanted.region.or_else(|| entry.region.clone()),
            tls: wanted.tls.or(entry.tls),
            ..entry.clone()
        });
    }
    if provider == "MINIO" {
        return Err(format!(
            "{name} is not among the file stores of this instance: give the full path, \
             s3://host/bucket?region=region"
        ));
    }
    let container = candidate.path.and_then(|path| path.split('/').next());
    let stands_for = |entry: &&Address| match scheme {
        "gs" => entry.host == name.to_ascii_lowercase(),
        "az" => {
            entry.host == name.to_ascii_lowercase()
                && container.is_none_or(|container| entry.bucket == container)
        }
        _ => entry.bucket == name,
    };
    let mut candidates = stores.iter().filter(|entry| entry.scheme == scheme);
    candidates
        .find(stands_for)
        .cloned()
        .ok_or_else(|| format!("{provider} bucket {name} is not reachable from this instance"))
}

/// Does in the bucket what W&B does. An `Err` is the first thing that makes the bucket
/// useless; what is only awkward is in the list.
async fn look(
    shared: &Shared,
    target: &Address,
    path: Option<&str>,
) -> Result<Vec<Problem>, String> {
    let scheme = if target.tls == Some(false) {
        "http"
    } else {
        "https"
    };
    let region = target
        .region
        .clone()
        .ok_or_else(|| format!("{} names no region", target.public()))?;
    let port = target.port.map(|port| format!(":{port}"));
    let endpoint = format!("{scheme}://{}{}", target.host, port.unwrap_or_default());
    let endpoint =
        Url::parse(&endpoint).map_err(|_| format!("{} has no usable host", target.public()))?;
    let bucket = Bucket::new(endpoint, UrlStyle::Path, target.bucket.clone(), region)
        .map_err(|error| format!("{}: {error}", target.public()))?;
    let visit = Visit {
        shared,
        place: target.public(),
        credentials: Credentials::new(target.access_key.clone(), target.secret_key.clone()),
        bucket,
        key: object_key(path),
    };
    let mut problems = Vec::new();
    problems.extend(visit.preflight().await?);
    visit.list(path).await?;
    visit.write().await?;
    let read = visit.read().await;
    visit.remove().await?;
    read?;
    Ok(problems)
}

/// The name of the object that is written, below the team's path. Teams that share a
/// bucket may be made at the same time, so each check has an object of its own.
pub(super) fn object_key(path: Option<&str>) -> String {
    static CHECKS: AtomicU64 = AtomicU64::new(0);
    let number = CHECKS.fetch_add(1, Ordering::Relaxed);
    let prefix = path.unwrap_or_default().trim_matches('/');
    let separator = if prefix.is_empty() { "" } else { "/" };
    format!("{prefix}{separator}.wandb-connection-test-{number}")
}

/// One check of one bucket.
struct Visit<'a> {
    shared: &'a Shared,
    place: String,
    bucket: Bucket,
    credentials: Credentials,
    key: String,
}

impl Visit<'_> {
    /// Asks, as a browser would, whether a page of the instance may upload.
    async fn preflight(&self) -> Result<Option<Problem>, String> {
        let origin = &self.shared.config.origin;
        let url = self.bucket.object_url(&self.key);
        let request = self
            .request(Method::OPTIONS, url)
            .header("Origin", origin)
            .header("Access-Control-Request-Method", "PUT");
        let response = request.send().await.map_err(|error| self.lost(error))?;
        let allowed = response
            .headers()
            .get("access-control-allow-origin")
            .and_then(|value| value.to_str().ok());
        if allowed == Some("*") || allowed == Some(origin) {
            return Ok(None);
        }
        Ok(Some(Problem {
            severity: Severity::Warn,
            message: format!("{}: CORS does not allow uploads from {origin}", self.place),
        }))
    }

    async fn list(&self, path: Option<&str>) -> Result<(), String> {
        // Without a key this is the bucket's own address, which is what a listing asks.
        let mut action = self.bucket.get_object(Some(&self.credentials), "");
        let query = action.query_mut();
        query.insert("list-type", "2");
        query.insert("max-keys", "1");
        if let Some(path) = path {
            query.insert("prefix", path.trim_matches('/').to_owned());
        }
        let request = self.request(Method::GET, action.sign(VALIDITY));
        self.send("ListObjectsV2", request).await.map(|_| ())
    }

    async fn write(&self) -> Result<(), String> {
        let action = self.bucket.put_object(Some(&self.credentials), &self.key);
        let request = self
            .request(Method::PUT, action.sign(VALIDITY))
            .body(CONTENT);
        self.send("PutObject", request).await.map(|_| ())
    }

    async fn read(&self) -> Result<(), String> {
        let action = self.bucket.get_object(Some(&self.credentials), &self.key);
        let request = self.request(Method::GET, action.sign(VALIDITY));
        if self.send("GetObject", request).await? != CONTENT {
            return Err(format!(
                "{}: GetObject gave something else than was written",
                self.place
            ));
        }
        let action = self.bucket.head_object(Some(&self.credentials), &self.key);
        let request = self.request(Method::HEAD, action.sign(VALIDITY));
        self.send("HeadObject", request).await.map(|_| ())
    }

    async fn remove(&self) -> Result<(), String> {
        let action = self
            .bucket
            .delete_object(Some(&self.credentials), &self.key);
        let request = self.request(Method::DELETE, action.sign(VALIDITY));
        self.send("DeleteObject", request).await.map(|_| ())
    }

    fn request(&self, method: Method, url: Url) -> RequestBuilder {
        self.shared.http.request(method, url)
    }

    async fn send(&self, call: &str, request: RequestBuilder) -> Result<String, String> {
        let response = request.send().await.map_err(|error| self.lost(error))?;
        let status = response.status();
        let body = response.text().await.map_err(|error| self.lost(error))?;
        if status.is_success() {
            return Ok(body);
        }
        Err(format!(
            "{}: {call} failed: {}",
            self.place,
            code(status, &body)
        ))
    }

    /// A failed connection; the address is left out, it holds a signature.
    fn lost(&self, error: reqwest::Error) -> String {
        let error = anyhow::Error::new(error.without_url());
        format!("{} cannot be reached: {error:#}", self.place)
    }
}

/// The server's own code and words where it gives any, else the status.
pub(super) fn code(status: StatusCode, body: &str) -> String {
    let element = |name: &str| {
        let (_, rest) = body.split_once(&format!("<{name}>"))?;
        let (value, _) = rest.split_once(&format!("</{name}>"))?;
        let value = [
            ("&#39;", "'"),
            ("&#34;", "\""),
            ("&lt;", "<"),
            ("&gt;", ">"),
            ("&amp;", "&"),
        ]
        .iter()
        .fold(value.to_owned(), |text, (escape, sign)| {
            text.replace(escape, sign)
        });
        Some(value)
    };
    match (element("Code"), element("Message")) {
        (Some(code), Some(message)) => format!("{code}: {message} ({})", status.as_u16()),
        (Some(code), None) => format!("{code} ({})", status.as_u16()),
        (None, _) => status.to_string(),
    }
}
