//! One request to one of Google's services, with the caller's token.

use std::sync::atomic::{AtomicU32, Ordering};

use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use serde_json::Value;

use super::Gcp;
use super::endpoints::Service;
use super::error::not_understood;
use crate::byob::CloudError;
use crate::byob::http::HttpResponse;
use crate::clouds::retry::{Failure, Work};

const ENCODED: &AsciiSet = &NON_ALPHANUMERIC
    .remove(b'-')
    .remove(b'.')
    .remove(b'_')
    .remove(b'~');

/// One part of an address, encoded.
pub(super) fn encoded(part: &str) -> String {
    utf8_percent_encode(part, ENCODED).to_string()
}

/// What is asked for.
pub(super) struct Request {
    service: Service,
    method: &'static str,
    /// Path and query, encoded.
    path: String,
    body: Option<Value>,
}

impl Request {
    fn new(service: Service, method: &'static str, path: String) -> Self {
        Self {
            service,
            method,
            path,
            body: None,
        }
    }

    /// A request to Cloud Storage's JSON interface; `path` begins behind the version.
    pub(super) fn storage(method: &'static str, path: &str) -> Self {
        Self::new(Service::Storage, method, format!("storage/v1/{path}"))
    }

    /// A request to Cloud Storage's XML interface.
    pub(super) fn xml(method: &'static str, path: &str) -> Self {
        Self::new(Service::Storage, method, path.to_owned())
    }

    /// A request about a bucket.
    pub(super) fn bucket(method: &'static str, bucket: &str) -> Self {
        Self::storage(method, &format!("b/{}", encoded(bucket)))
    }

    /// A request to the first version of another service's interface.
    pub(super) fn v1(service: Service, method: &'static str, path: &str) -> Self {
        Self::new(service, method, format!("v1/{path}"))
    }

    /// The same about a part of what it was about.
    #[must_use]
    pub(super) fn part(mut self, part: &str) -> Self {
        self.path.push_str(part);
        self
    }

    /// The same with a parameter.
    #[must_use]
    pub(super) fn with(mut self, name: &str, value: &str) -> Self {
        self.path
            .push(if self.path.contains('?') { '&' } else { '?' });
        self.path.push_str(name);
        self.path.push('=');
        self.path.push_str(&encoded(value));
        self
    }

    /// The same with a parameter, where there is a value.
    #[must_use]
    pub(super) fn with_some(self, name: &str, value: Option<&str>) -> Self {
        match value {
            Some(value) => self.with(name, value),
            None => self,
        }
    }

    /// The same with a body.
    #[must_use]
    pub(super) fn body(mut self, body: Value) -> Self {
        self.body = Some(body);
        self
    }
}

impl Gcp {
    /// Sends a request, again when that makes sense. A refusal is an error.
    pub(super) async fn send_request(
        &self,
        work: Work,
        call: &str,
        target: &str,
        request: &Request,
    ) -> Result<HttpResponse, CloudError> {
        let sent = AtomicU32::new(0);
        self.send_counted(&sent, work, call, target, request).await
    }

    /// The same; `sent` counts how often.
    pub(super) async fn send_counted(
        &self,
        sent: &AtomicU32,
        work: Work,
        call: &str,
        target: &str,
        request: &Request,
    ) -> Result<HttpResponse, CloudError> {
        let address = self.clients.address(request.service);
        let url = format!("{address}/{}", request.path);
        let (clients, patience) = (&self.clients, &self.patience);
        patience
            .call(work, call, target, || {
                let url = url.clone();
                async move {
                    let token = clients.token(patience).await.map_err(Failure::lasting)?;
                    let http = clients.request(request.method, url, &token, request.body.as_ref());
                    sent.fetch_add(1, Ordering::Relaxed);
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
        serde_json::from_slice(&answer.body).map_err(|error| not_understood(call, target, error))
    }
}
