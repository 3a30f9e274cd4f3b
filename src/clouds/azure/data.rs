//! Requests about what is in a container: signed by the account's key where W&B comes by one,
//! else with the caller's own token.

use super::Azure;
use super::key;
use super::request::{BLOB_VERSION, Request, encoded, encoded_path};
use super::sas::{self, Permits};
use crate::byob::CloudError;
use crate::byob::http::{HttpRequest, HttpResponse, SecretUrl};
use crate::clouds::retry::Work;

/// What is asked for in a container.
#[derive(Clone, Debug, Default)]
pub(super) struct Ask<'a> {
    pub(super) method: &'static str,
    /// The blob; `None` for the container itself.
    pub(super) object: Option<&'a str>,
    pub(super) query: Vec<(&'static str, String)>,
    pub(super) headers: Vec<(&'static str, String)>,
}

impl<'a> Ask<'a> {
    pub(super) fn new(method: &'static str, object: Option<&'a str>) -> Self {
        Self {
            method,
            object,
            ..Self::default()
        }
    }

    #[must_use]
    pub(super) fn with(mut self, name: &'static str, value: impl Into<String>) -> Self {
        self.query.push((name, value.into()));
        self
    }

    #[must_use]
    pub(super) fn header(mut self, name: &'static str, value: impl Into<String>) -> Self {
        self.headers.push((name, value.into()));
        self
    }

    /// Path and query below the account's address.
    pub(super) fn path(&self, bucket: &str) -> String {
        let mut path = format!("/{}", encoded(bucket));
        if let Some(object) = self.object {
            path.push('/');
            path.push_str(&encoded_path(object));
        }
        for (at, (name, value)) in self.query.iter().enumerate() {
            path.push(if at == 0 { '?' } else { '&' });
            path.push_str(&format!("{name}={}", encoded(value)));
        }
        path
    }
}

/// The request with a signature in its address.
pub(super) fn signed(address: &str, bucket: &str, ask: &Ask<'_>, signature: &str) -> HttpRequest {
    let path = ask.path(bucket);
    let mark = if path.contains('?') { '&' } else { '?' };
    let url = SecretUrl::new(format!("{address}{path}{mark}{signature}"));
    let mut request = HttpRequest::new(ask.method, url);
    let version = ("x-ms-version".to_owned(), BLOB_VERSION.to_owned());
    request.headers.push(version);
    for (name, value) in &ask.headers {
        request.headers.push(((*name).to_owned(), value.clone()));
    }
    request
}

/// The same with the caller's token.
pub(super) fn with_token(bucket: &str, ask: &Ask<'_>) -> Request {
    let mut request = Request::blobs(ask.method, ask.path(bucket));
    for (name, value) in &ask.headers {
        request = request.header(name, value);
    }
    request
}

/// Sends a request of the provider's own.
pub(super) async fn send(
    cloud: &Azure,
    work: Work,
    call: &str,
    bucket: &str,
    ask: &Ask<'_>,
) -> Result<HttpResponse, CloudError> {
    let Some(key) = key::own(cloud).await? else {
        let request = with_token(bucket, ask);
        return cloud.send_request(work, call, bucket, &request).await;
    };
    send_by_key(cloud, work, call, bucket, (ask, key.expose_secret())).await
}

/// Sends a request that a key of the account signs.
pub(super) async fn send_by_key(
    cloud: &Azure,
    work: Work,
    call: &str,
    bucket: &str,
    (ask, secret): (&Ask<'_>, &str),
) -> Result<HttpResponse, CloudError> {
    let account = &cloud.place.account;
    // All of the container: what is asked for is the provider's own work.
    let whole = Permits::everything(account, bucket);
    let signature = sas::by_key(&whole, secret);
    let signature = signature.map_err(|why| sas::unsignable(account, why))?;
    let request = signed(&cloud.clients.blobs(account), bucket, ask, &signature);
    cloud
        .patience
        .call(work, call, bucket, || {
            cloud.clients.exchange(call, bucket, &request)
        })
        .await
}
