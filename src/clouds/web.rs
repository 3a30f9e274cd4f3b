//! Builds every HTTP client that talks to a cloud, and sends the requests that no SDK
//! makes. Nothing else in `clouds` builds one.
//!
//! Both kinds, the AWS SDK's and the plain one, use the same TLS library, trust the
//! system's certificates and the given ones, and follow `HTTPS_PROXY` and `NO_PROXY`.

use std::collections::BTreeMap;
use std::error::Error;
use std::sync::OnceLock;
use std::time::Duration;

use aws_smithy_http_client::proxy::ProxyConfig;
use aws_smithy_http_client::tls::rustls_provider::CryptoMode;
use aws_smithy_http_client::tls::{Provider, TlsContext, TrustStore};
use aws_smithy_http_client::{Builder, Connector};
use aws_smithy_runtime_api::client::http::SharedHttpClient;
use rustls::RootCertStore;
use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject;

use url::Url;

use super::retry::Failure;
use crate::byob::http::{HttpRequest, HttpResponse};
use crate::byob::{CloudError, CloudErrorKind};

/// How long a connection may take to open.
pub const CONNECT_TIMEOUT: Duration = Duration::from_secs(10);
/// How long one whole request may take.
pub const REQUEST_TIMEOUT: Duration = Duration::from_secs(120);

/// Checks that `pem` holds at least one certificate that can be trusted, because the
/// SDK's client panics on one that cannot.
///
/// # Errors
/// What is wrong with the text.
pub fn check_certificates(pem: &str) -> Result<(), String> {
    let mut roots = RootCertStore::empty();
    for certificate in CertificateDer::pem_slice_iter(pem.as_bytes()) {
        let certificate = certificate.map_err(|error| format!("not PEM: {error}"))?;
        roots
            .add(certificate)
            .map_err(|error| format!("not a certificate: {error}"))?;
    }
    if roots.is_empty() {
        return Err("it holds no certificate".to_owned());
    }
    Ok(())
}

/// The client below the AWS SDKs. `ca_bundle` has passed [`check_certificates`].
pub fn for_sdk(ca_bundle: Option<&str>) -> SharedHttpClient {
    let mut trust = TrustStore::default();
    if let Some(pem) = ca_bundle {
        trust = trust.with_pem_certificate(pem.as_bytes());
    }
    let context = TlsContext::builder().with_trust_store(trust).build();
    Builder::new().build_with_connector_fn(move |settings, components| {
        let mut builder = Connector::builder().proxy_config(ProxyConfig::from_env());
        builder.set_connector_settings(settings.cloned());
        builder.set_sleep_impl(components.and_then(|components| components.sleep_impl()));
        let mut builder = builder.tls_provider(Provider::Rustls(CryptoMode::AwsLc));
        if let Ok(context) = &context {
            builder.set_tls_context(context.clone());
        }
        builder.build()
    })
}

/// The client for requests that no SDK makes: a browser's, and admin interfaces.
///
/// It follows no redirect: a signed address is good for one host only.
///
/// # Errors
/// When the system's certificates cannot be read, or `ca_bundle` is none.
fn plain(ca_bundle: Option<&str>) -> Result<reqwest::Client, reqwest::Error> {
    let mut builder = reqwest::Client::builder()
        .user_agent(concat!(
            "terraform-provider-wandb/",
            env!("CARGO_PKG_VERSION")
        ))
        .connect_timeout(CONNECT_TIMEOUT)
        .timeout(REQUEST_TIMEOUT)
        .redirect(reqwest::redirect::Policy::none());
    if let Some(pem) = ca_bundle {
        builder = builder.tls_certs_merge(reqwest::Certificate::from_pem_bundle(pem.as_bytes())?);
    }
    builder.build()
}

/// The client for requests that no SDK makes, built when it is first needed.
#[derive(Debug, Default)]
pub struct Web {
    ca_bundle: Option<String>,
    client: OnceLock<Result<reqwest::Client, String>>,
}

impl Web {
    /// A client that trusts `ca_bundle` besides the system's certificates.
    pub fn new(ca_bundle: Option<String>) -> Self {
        Self {
            ca_bundle,
            client: OnceLock::new(),
        }
    }

    /// The client itself, for an SDK to send its requests by.
    ///
    /// # Errors
    /// When there can be none.
    pub fn client(&self, call: &str, target: &str) -> Result<reqwest::Client, Failure> {
        self.client
            .get_or_init(|| plain(self.ca_bundle.as_deref()).map_err(|error| causes(&error)))
            .clone()
            .map_err(|why| {
                let kind = CloudErrorKind::Transport;
                Failure::lasting(CloudError::new(kind, call, target, why))
            })
    }

    /// Sends one request and reads the whole answer.
    ///
    /// # Errors
    /// When there was no answer. Its address is left out of the message, it may be signed.
    pub async fn exchange(
        &self,
        call: &str,
        target: &str,
        request: &HttpRequest,
    ) -> Result<HttpResponse, Failure> {
        let broken = |error: reqwest::Error| {
            let undone = error.is_connect();
            transport(call, target, causes(&error.without_url()), undone)
        };
        let method = reqwest::Method::from_bytes(request.method.as_bytes()).map_err(|error| {
            let kind = CloudErrorKind::Invalid;
            Failure::lasting(CloudError::new(kind, call, target, error.to_string()))
        })?;
        let mut builder = self
            .client(call, target)?
            .request(method, request.url.expose())
            .body(request.body.clone());
        for (name, value) in &request.headers {
            builder = builder.header(name, value);
        }
        let response = builder.send().await.map_err(broken)?;
        let status = response.status().as_u16();
        let mut headers: BTreeMap<String, String> = BTreeMap::new();
        for (name, value) in response.headers() {
            let value = String::from_utf8_lossy(value.as_bytes()).into_owned();
            headers
                .entry(name.as_str().to_owned())
                .and_modify(|one| *one = format!("{one}, {value}"))
                .or_insert(value);
        }
        let body = response.bytes().await.map_err(broken)?.to_vec();
        Ok(HttpResponse {
            status,
            headers,
            body,
        })
    }
}

/// The failure of a request that got no answer. `undone` when it was certainly not sent.
pub fn transport(call: &str, target: &str, why: String, undone: bool) -> Failure {
    Failure {
        error: CloudError::new(CloudErrorKind::Transport, call, target, why),
        passing: true,
        undone,
        after: None,
    }
}

/// A failure with the server that gave no answer, whose address holds no secret.
pub fn at_its_address(mut failure: Failure, request: &HttpRequest) -> Failure {
    if let Ok(url) = Url::parse(request.url.expose()) {
        let server = url.origin().ascii_serialization();
        failure.error.message = format!("{server}: {}", failure.error.message);
    }
    failure
}

/// What a status means where no code says more.
pub fn kind_of_status(status: u16) -> CloudErrorKind {
    use CloudErrorKind as Kind;
    match status {
        401 => Kind::Unauthenticated,
        403 => Kind::Denied,
        404 => Kind::NotFound,
        405 | 501 => Kind::NotSupported,
        409 | 412 => Kind::Conflict,
        429 => Kind::Throttled,
        400..=499 => Kind::Invalid,
        _ => Kind::Unexpected,
    }
}

/// The words of an error and of everything that caused it.
pub fn causes(error: &dyn Error) -> String {
    let mut words: Vec<String> = Vec::new();
    let mut next: Option<&dyn Error> = Some(error);
    while let Some(current) = next {
        let text = current.to_string();
        if words.last() != Some(&text) {
            words.push(text);
        }
        next = current.source();
    }
    words.join(": ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_certificates_pass_for_certificates() {
        let made = rcgen::generate_simple_self_signed(vec!["localhost".to_owned()])
            .map(|made| made.cert.pem())
            .unwrap_or_default();
        assert_eq!(check_certificates(&made), Ok(()));
        for text in [
            "",
            "hello",
            "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n",
        ] {
            assert!(check_certificates(text).is_err(), "{text}");
        }
    }
}
