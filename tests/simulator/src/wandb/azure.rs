//! The look at a container of Azure's: as the team's managed identity, by a token of the
//! cluster that the instance runs on, or with the account's key that an entry of the file
//! stores holds. Browsers are given signed addresses, so that is how it writes and reads.

use aws_lc_rs::hmac;
use reqwest::{Method, RequestBuilder};
use serde_json::{Value, json};

use super::Shared;
use super::address::Address;
use super::check::{CONTENT, Candidate, Problem, code, object_key};
use super::faults::Severity;
use super::world::{seconds, timestamp};
use crate::gcs::{base64, encode, unbase64};

/// The version of the service that is asked for.
const VERSION: &str = "2023-11-03";

/// How the instance reaches Azure.
#[derive(Clone, Debug)]
pub struct Azure {
    /// Where it signs in, without a slash at the end.
    pub authority: String,
    /// The Blob service, without a slash at the end; the account follows.
    pub blob: String,
    /// Where the cluster gives its pods tokens: the simulated Azure's own switches.
    pub control: String,
    /// The issuer of the cluster that the instance runs on, to the letter.
    pub issuer: String,
    /// The service account that the instance runs as, such as
    /// `system:serviceaccount:default:wandb-app`.
    pub subject: String,
}

/// What signs addresses.
enum Signer {
    /// The account's key.
    Key(String),
    /// A key of the identity's delegation, with the names that go into each signature.
    Delegation {
        value: String,
        names: Vec<(&'static str, String)>,
    },
}

/// Does in the container what W&B does. An `Err` is the first thing that makes it useless;
/// what is only awkward is in the list.
pub(super) async fn look(
    shared: &Shared,
    azure: &Azure,
    candidate: &Candidate<'_>,
    entry: Option<&Address>,
) -> Result<Vec<Problem>, String> {
    let path = candidate.path.unwrap_or_default().trim_matches('/');
    let (first, rest) = path.split_once('/').unwrap_or((path, ""));
    let container = match (first, entry) {
        ("", Some(entry)) => entry.bucket.as_str(),
        ("", None) => {
            return Err(format!(
                "az://{}: the path names no container",
                candidate.name
            ));
        }
        (first, _) => first,
    };
    let account = entry.map_or(candidate.name, |entry| entry.host.as_str());
    let mut visit = Visit {
        shared,
        azure,
        place: format!("az://{account}/{container}"),
        account,
        container,
        signer: Signer::Key(String::new()),
        key: object_key(Some(rest)),
    };
    visit.signer = match entry.filter(|entry| entry.has_credentials()) {
        Some(entry) => Signer::Key(entry.secret_key.clone()),
        None => visit.delegation(candidate.identity).await?,
    };
    let mut problems = Vec::new();
    problems.extend(visit.preflight().await?);
    visit.list(rest).await?;
    visit.write().await?;
    let read = visit.read().await;
    visit.remove().await?;
    read?;
    Ok(problems)
}

/// One check of one container.
struct Visit<'a> {
    shared: &'a Shared,
    azure: &'a Azure,
    place: String,
    account: &'a str,
    container: &'a str,
    signer: Signer,
    key: String,
}

impl Visit<'_> {
    /// Signs in as the identity and gets a key for its signatures.
    async fn delegation(&self, identity: Option<(&str, &str)>) -> Result<Signer, String> {
        let (tenant, client) = identity.ok_or_else(|| {
            let place = &self.place;
            format!(
                "{place}: the tenant id and the client id of a managed identity are needed where \
                 the account is not among the file stores of this instance"
            )
        })?;
        let asked = json!({"issuer": self.azure.issuer, "subject": self.azure.subject});
        let url = format!("{}/_simulator/cluster-tokens", self.azure.control);
        let request = self.shared.http.post(url).json(&asked);
        let token = self.json("the cluster's token", request).await?;
        let assertion = token["token"].as_str().unwrap_or_default();
        let form = [
            ("grant_type", "client_credentials"),
            ("client_id", client),
            ("scope", "https://storage.azure.com/.default"),
            (
                "client_assertion_type",
                "urn:ietf:params:oauth:client-assertion-type:jwt-bearer",
            ),
            ("client_assertion", assertion),
        ];
        let pairs = form.map(|(name, value)| format!("{name}={}", encode(value)));
        let url = format!("{}/{tenant}/oauth2/v2.0/token", self.azure.authority);
        let request = self.shared.http.post(url).body(pairs.join("&"));
        let request = request.header("content-type", "application/x-www-form-urlencoded");
        let answer = self.json("sign-in", request).await?;
        let token = answer["access_token"].as_str().unwrap_or_default();
        let now = seconds();
        let (start, end) = (timestamp(now - 300), timestamp(now + 3600));
        let url = format!(
            "{}/{}?restype=service&comp=userdelegationkey",
            self.azure.blob, self.account
        );
        let body = format!("<KeyInfo><Start>{start}</Start><Expiry>{end}</Expiry></KeyInfo>");
        let request = self.shared.http.post(url).bearer_auth(token).body(body);
        let request = request.header("x-ms-version", VERSION);
        let key = self.send("GetUserDelegationKey", request).await?;
        let part = |name: &str| {
            let (_, rest) = key.split_once(&format!("<{name}>")).unwrap_or_default();
            rest.split('<').next().unwrap_or_default().to_owned()
        };
        Ok(Signer::Delegation {
            value: part("Value"),
            names: vec![
                ("skoid", part("SignedOid")),
                ("sktid", part("SignedTid")),
                ("skt", part("SignedStart")),
                ("ske", part("SignedExpiry")),
                ("sks", part("SignedService")),
                ("skv", part("SignedVersion")),
            ],
        })
    }

    /// A signed address of the container, or of the object that is written.
    fn signed(&self, permissions: &str, object: bool) -> String {
        let end = timestamp(seconds() + 60);
        let kind = if object { "b" } else { "c" };
        let resource = format!("/blob/{}/{}", self.account, self.container);
        let resource = if object {
            format!("{resource}/{}", self.key)
        } else {
            resource
        };
        let mut text = vec![permissions.to_owned(), String::new(), end.clone(), resource];
        let mut query = vec![
            ("sv", VERSION.to_owned()),
            ("sp", permissions.to_owned()),
            ("se", end),
            ("sr", kind.to_owned()),
        ];
        let secret = match &self.signer {
            Signer::Key(key) => {
                text.push(String::new());
                key
            }
            Signer::Delegation { value, names } => {
                // Nobody else is meant, and the request can be found again by its id.
                let id = "00000000-0000-4000-a000-000000000001".to_owned();
                text.extend(names.iter().map(|(_, value)| value.clone()));
                text.extend([String::new(), String::new(), id.clone()]);
                query.extend(names.iter().cloned());
                query.push(("scid", id));
                value
            }
        };
        text.extend([
            String::new(),
            String::new(),
            VERSION.to_owned(),
            kind.to_owned(),
        ]);
        text.extend(vec![String::new(); 7]);
        let key = hmac::Key::new(hmac::HMAC_SHA256, &unbase64(secret).unwrap_or_default());
        let signature = hmac::sign(&key, text.join("\n").as_bytes());
        query.push(("sig", base64(signature.as_ref())));
        let pairs = query
            .iter()
            .map(|(name, value)| format!("{name}={}", encode(value)));
        let query = pairs.collect::<Vec<_>>().join("&");
        let path = if object {
            format!("{}?", self.object())
        } else {
            format!("{}?restype=container&comp=list&", self.address())
        };
        format!("{path}{query}")
    }

    fn address(&self) -> String {
        format!("{}/{}/{}", self.azure.blob, self.account, self.container)
    }

    fn object(&self) -> String {
        let parts: Vec<String> = self.key.split('/').map(encode).collect();
        format!("{}/{}", self.address(), parts.join("/"))
    }

    /// Asks, as a browser would, whether a page of the instance may upload.
    async fn preflight(&self) -> Result<Option<Problem>, String> {
        let origin = &self.shared.config.origin;
        let request = self
            .request(Method::OPTIONS, self.object())
            .header("origin", origin)
            .header("access-control-request-method", "PUT")
            .header(
                "access-control-request-headers",
                "content-type,x-ms-blob-type",
            );
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

    async fn list(&self, prefix: &str) -> Result<(), String> {
        let url = format!(
            "{}&maxresults=1&prefix={}",
            self.signed("l", false),
            encode(prefix)
        );
        let request = self.request(Method::GET, url);
        self.send("ListBlobs", request).await.map(|_| ())
    }

    async fn write(&self) -> Result<(), String> {
        let request = self.request(Method::PUT, self.signed("cw", true));
        let request = request.header("x-ms-blob-type", "BlockBlob").body(CONTENT);
        self.send("PutBlob", request).await.map(|_| ())
    }

    async fn read(&self) -> Result<(), String> {
        let request = self.request(Method::GET, self.signed("r", true));
        if self.send("GetBlob", request).await? != CONTENT {
            let place = &self.place;
            return Err(format!(
                "{place}: GetBlob gave something else than was written"
            ));
        }
        Ok(())
    }

    async fn remove(&self) -> Result<(), String> {
        let request = self.request(Method::DELETE, self.signed("d", true));
        self.send("DeleteBlob", request).await.map(|_| ())
    }

    fn request(&self, method: Method, url: String) -> RequestBuilder {
        self.shared.http.request(method, url)
    }

    async fn json(&self, call: &str, request: RequestBuilder) -> Result<Value, String> {
        let text = self.send(call, request).await?;
        serde_json::from_str(&text).map_err(|_| format!("{}: {call} gave no JSON", self.place))
    }

    async fn send(&self, call: &str, request: RequestBuilder) -> Result<String, String> {
        let response = request.send().await.map_err(|error| self.lost(error))?;
        let status = response.status();
        let body = response.text().await.map_err(|error| self.lost(error))?;
        if status.is_success() {
            return Ok(body);
        }
        let parsed: Value = serde_json::from_str(&body).unwrap_or_default();
        let words = parsed["error_description"].as_str();
        let said = words.map_or_else(
            || code(status, &body),
            |words| format!("{words} ({})", status.as_u16()),
        );
        // Numbers of requests are different each time.
        let said = said.split("\nRequestId").next().unwrap_or_default();
        let said = said.split(" Trace ID:").next().unwrap_or_default();
        Err(format!("{}: {call} failed: {said}", self.place))
    }

    /// A failed connection; the address is left out, it may hold a signature.
    fn lost(&self, error: reqwest::Error) -> String {
        let error = anyhow::Error::new(error.without_url());
        format!("{} cannot be reached: {error:#}", self.place)
    }
}
