//! Builds every HTTP client that talks to a cloud. Nothing else in `clouds` does.
//!
//! Both kinds, the AWS SDK's and the plain one, use the same TLS library, trust the
//! system's certificates and the given ones, and follow `HTTPS_PROXY` and `NO_PROXY`.

use std::time::Duration;

use aws_smithy_http_client::proxy::ProxyConfig;
use aws_smithy_http_client::tls::rustls_provider::CryptoMode;
use aws_smithy_http_client::tls::{Provider, TlsContext, TrustStore};
use aws_smithy_http_client::{Builder, Connector};
use aws_smithy_runtime_api::client::http::SharedHttpClient;
use rustls::RootCertStore;
use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject;

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
pub fn plain(ca_bundle: Option<&str>) -> Result<reqwest::Client, reqwest::Error> {
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
