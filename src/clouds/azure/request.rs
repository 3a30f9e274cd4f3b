//! One request to Azure Resource Manager or to an account's blobs, with the caller's token.

use std::time::{Duration, SystemTime};

use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use serde_json::Value;
use url::Url;

use super::Azure;
use super::client::{Audience, bearer};
use super::error::not_understood;
use crate::byob::http::{HttpRequest, HttpResponse, SecretUrl};
use crate::byob::{CloudError, CloudErrorKind};
use crate::clouds::retry::{Failure, Work};
use crate::retry_after::asked_pause;

/// The version of the service for blobs that is spoken, in signatures as well.
pub(super) const BLOB_VERSION: &str = "2021-12-02";
/// How long something that Azure does by itself may take.
const LONGEST_OPERATION: Duration = Duration::from_secs(600);
/// How long is waited where nobody says how long.
const PAUSE: Duration = Duration::from_secs(1);

const ENCODED: &AsciiSet = &NON_ALPHANUMERIC
    .remove(b'-')
    .remove(b'.')
    .remove(b'_')
    .remove(b'~');

/// One part of an address, encoded.
pub(super) fn encoded(part: &str) -> String {
    utf8_percent_encode(part, ENCODED).to_string()
}

/// The name of an object as it stands in an address.
pub(super) fn encoded_path(object: &str) -> String {
    object.split('/').map(encoded).collect::<Vec<_>>().join("/")
}

/// The interfaces of Azure Resource Manager that are spoken here.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Api {
    Storage,
    Identity,
    Authorization,
    Locks,
    Groups,
}

impl Api {
    fn version(self) -> &'static str {
        match self {
            Self::Storage => "2023-05-01",
            Self::Identity => "2023-01-31",
            Self::Authorization => "2022-04-01",
            Self::Locks => "2020-05-01",
            Self::Groups => "2021-04-01",
        }
    }
}

/// What is asked for.
#[derive(Clone, Debug)]
pub(super) struct Request {
    audience: Audience,
    method: &'static str,
    /// Path and query, encoded.
    path: String,
    headers: Vec<(&'static str, String)>,
    body: Vec<u8>,
}

impl Request {
    /// A request to Azure Resource Manager about a resource, by its id.
    pub(super) fn manager(api: Api, method: &'static str, id: &str) -> Self {
        Self {
            audience: Audience::Management,
            method,
            path: format!("{id}?api-version={}", api.version()),
            headers: Vec::new(),
            body: Vec::new(),
        }
    }

    /// A request to the account's blobs; `path` follows the account's address.
    pub(super) fn blobs(method: &'static str, path: String) -> Self {
        Self {
            audience: Audience::Storage,
            method,
            path,
            headers: vec![("x-ms-version", BLOB_VERSION.to_owned())],
            body: Vec::new(),
        }
    }

    /// The same with a parameter.
    #[must_use]
    pub(super) fn with(mut self, name: &str, value: &str) -> Self {
        self.path
            .push(if self.path.contains('?') { '&' } else { '?' });
        self.path.push_str(&format!("{name}={}", encoded(value)));
        self
    }

    /// The same with a header.
    #[must_use]
    pub(super) fn header(mut self, name: &'static str, value: &str) -> Self {
        self.headers.push((name, value.to_owned()));
        self
    }

    /// The same with a body in JSON.
    #[must_use]
    pub(super) fn json(self, body: &Value) -> Self {
        let mut request = self.header("content-type", "application/json");
        request.body = body.to_string().into_bytes();
        request
    }

    /// The same with a body in XML.
    #[must_use]
    pub(super) fn xml(self, body: String) -> Self {
        let mut request = self.header("content-type", "application/xml");
        request.body = body.into_bytes();
        request
    }
}

/// A request with the way to go on where an answer has several pages.
pub(super) struct Page {
    /// What the page holds.
    pub(super) items: Vec<Value>,
    /// Where the next one is.
    pub(super) next: Option<String>,
}

impl Azure {
    /// Sends a request, again when that makes sense. A refusal is an error.
    pub(super) async fn send_request(
        &self,
        work: Work,
        call: &str,
        target: &str,
        request: &Request,
    ) -> Result<HttpResponse, CloudError> {
        let base = match request.audience {
            Audience::Management => self.clients.manager(),
            Audience::Storage => self.clients.blobs(&self.place.account),
        };
        let url = format!("{base}{}", request.path);
        self.send_to(work, call, target, request, url).await
    }

    async fn send_to(
        &self,
        work: Work,
        call: &str,
        target: &str,
        request: &Request,
        url: String,
    ) -> Result<HttpResponse, CloudError> {
        let (clients, patience) = (&self.clients, &self.patience);
        patience
            .call(work, call, target, || {
                let url = url.clone();
                async move {
                    let token = clients.token(request.audience, patience);
                    let token = token.await.map_err(Failure::lasting)?;
                    let mut http = HttpRequest::new(request.method, SecretUrl::new(url));
                    http.headers.push(bearer(&token));
                    for (name, value) in &request.headers {
                        http.headers.push(((*name).to_owned(), value.clone()));
                    }
                    http.body.clone_from(&request.body);
                    clients.exchange(call, target, &http).await
                }
            })
            .await
    }

    /// The same for a request that is answered in JSON.
    pub(super) async fn json(
        &self,
        work: Work,
        call: &str,
        target: &str,
        request: &Request,
    ) -> Result<Value, CloudError> {
        let answer = self.send_request(work, call, target, request).await?;
        read(call, target, &answer)
    }

    /// The page of a list, and where the next one is.
    pub(super) async fn page(
        &self,
        call: &str,
        target: &str,
        request: &Request,
        next: Option<&str>,
    ) -> Result<Page, CloudError> {
        let answer = match next {
            None => self.send_request(Work::Read, call, target, request).await?,
            Some(next) => {
                self.check_own(call, target, next)?;
                let url = next.to_owned();
                self.send_to(Work::Read, call, target, request, url).await?
            }
        };
        let told: Value = read(call, target, &answer)?;
        let items = told["value"].as_array().cloned();
        let items = items.ok_or_else(|| not_understood(call, target, "it is no list"))?;
        let next = told["nextLink"].as_str().filter(|next| !next.is_empty());
        Ok(Page {
            items,
            next: next.map(str::to_owned),
        })
    }

    /// All pages of a list.
    pub(super) async fn all(
        &self,
        call: &str,
        target: &str,
        request: &Request,
    ) -> Result<Vec<Value>, CloudError> {
        let mut found = Vec::new();
        let mut been: Vec<String> = Vec::new();
        loop {
            let last = been.last().map(String::as_str);
            let page = self.page(call, target, request, last).await?;
            found.extend(page.items);
            match page.next {
                None => return Ok(found),
                Some(next) if been.contains(&next) => {
                    let why = "the list goes on where it has been before";
                    return Err(not_understood(call, target, why));
                }
                Some(next) => been.push(next),
            }
        }
    }

    /// An address that an answer names is asked with the caller's token, so it has to be the
    /// same service's.
    fn check_own(&self, call: &str, target: &str, address: &str) -> Result<(), CloudError> {
        let own = Url::parse(&self.clients.manager());
        let named = Url::parse(address);
        match (own, named) {
            (Ok(own), Ok(named)) if own.origin() == named.origin() => Ok(()),
            _ => {
                let why = "the answer leads to another server, which is not shown the token";
                Err(CloudError::new(
                    CloudErrorKind::Unexpected,
                    call,
                    target,
                    why,
                ))
            }
        }
    }

    /// Sends a write that Azure may finish by itself later, and waits for its end. What comes is
    /// the last answer.
    pub(super) async fn finished(
        &self,
        call: &str,
        target: &str,
        request: &Request,
    ) -> Result<HttpResponse, CloudError> {
        let mut answer = self
            .send_request(Work::Write, call, target, request)
            .await?;
        let mut waited = Duration::ZERO;
        let mut watched: Option<(String, bool)> = None;
        loop {
            // The address stays the same where an answer does not name another one.
            let header = |name: &str| answer.headers.get(name).cloned();
            if let Some(operation) = header("azure-asyncoperation") {
                watched = Some((operation, true));
            } else if let Some(location) = header("location")
                && answer.status == 202
            {
                watched = Some((location, false));
            }
            let Some((address, by_status)) = &watched else {
                return Ok(answer);
            };
            if !is_under_way(call, target, &answer, *by_status)? {
                return Ok(answer);
            }
            let asked = header("retry-after");
            let asked = asked.and_then(|text| asked_pause(&text, SystemTime::now()));
            let pause = asked.unwrap_or(PAUSE).min(LONGEST_OPERATION);
            waited += pause.max(Duration::from_millis(100));
            if waited > LONGEST_OPERATION {
                let why = "Azure has not come to its end within ten minutes";
                return Err(CloudError::new(
                    CloudErrorKind::Unexpected,
                    call,
                    target,
                    why,
                ));
            }
            self.patience.pause(pause, call, target).await?;
            self.check_own(call, target, address)?;
            let look = Request {
                method: "GET",
                headers: Vec::new(),
                body: Vec::new(),
                ..request.clone()
            };
            let url = address.clone();
            answer = self.send_to(Work::Read, call, target, &look, url).await?;
        }
    }
}

/// Whether the end of what was begun is still to come.
fn is_under_way(
    call: &str,
    target: &str,
    answer: &HttpResponse,
    by_status: bool,
) -> Result<bool, CloudError> {
    if !by_status {
        return Ok(answer.status == 202);
    }
    let told: Value = serde_json::from_slice(&answer.body).unwrap_or_default();
    match told["status"].as_str() {
        Some("Succeeded") => Ok(false),
        Some("Failed" | "Canceled") => {
            let words = told["error"]["message"].as_str();
            let why = words.unwrap_or("it failed, and Azure does not say why");
            let kind = CloudErrorKind::Unexpected;
            let mut error = CloudError::new(kind, call, target, why);
            error.code = told["error"]["code"].as_str().map(str::to_owned);
            Err(error)
        }
        _ => Ok(true),
    }
}

/// An answer in JSON.
pub(super) fn read(call: &str, target: &str, answer: &HttpResponse) -> Result<Value, CloudError> {
    serde_json::from_slice(&answer.body).map_err(|error| not_understood(call, target, error))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_request_names_the_version_of_its_interface() {
        let id = "/subscriptions/s/resourceGroups/g/providers/Microsoft.Storage/storageAccounts/a";
        let request = Request::manager(Api::Storage, "GET", id).with("$filter", "a eq 'b'");
        assert_eq!(
            request.path,
            format!("{id}?api-version=2023-05-01&$filter=a%20eq%20%27b%27")
        );
    }

    #[test]
    fn an_operation_is_over_when_it_says_so() {
        let answer = |status: u16, body: &str| HttpResponse {
            status,
            body: body.as_bytes().to_vec(),
            ..HttpResponse::default()
        };
        let under_way = |answer: &HttpResponse, by_status| {
            is_under_way("call", "acme", answer, by_status).map_err(|error| error.message)
        };
        assert_eq!(under_way(&answer(202, ""), false), Ok(true));
        assert_eq!(under_way(&answer(200, "{}"), false), Ok(false));
        let running = answer(200, r#"{"status":"InProgress"}"#);
        assert_eq!(under_way(&running, true), Ok(true));
        let done = answer(200, r#"{"status":"Succeeded"}"#);
        assert_eq!(under_way(&done, true), Ok(false));
        let failed = answer(200, r#"{"status":"Failed","error":{"message":"no room"}}"#);
        assert_eq!(under_way(&failed, true), Err("no room".to_owned()));
    }
}
