//! Where the caller's tokens come from: one way to sign in, chosen by the provider's side.

use std::fmt;
use std::path::PathBuf;
use std::sync::Arc;

use azure_core::cloud::{CloudConfiguration, CustomConfiguration};
use azure_core::credentials::TokenCredential;
use azure_core::error::ErrorKind;
use azure_core::http::{ClientMethodOptions, ClientOptions, RetryOptions, Transport};
use azure_identity::{
    AzureCliCredential, AzureCliCredentialOptions, ClientAssertion, ClientAssertionCredential,
    ClientAssertionCredentialOptions, ClientSecretCredential, ClientSecretCredentialOptions,
    ManagedIdentityCredential, ManagedIdentityCredentialOptions, UserAssignedId,
};
use secrecy::{ExposeSecret, SecretString};
use serde_json::Value;
use url::Url;

use super::endpoints::is_private;
use crate::byob::http::{HttpRequest, SecretUrl};
use crate::byob::{CloudError, CloudErrorKind};
use crate::clouds::web::Web;

/// What a failed sign-in is reported as.
pub(super) const CALL: &str = "sign in";
/// Whom a token of elsewhere is for, where a service of Microsoft's takes it.
pub const EXCHANGE: &str = "api://AzureADTokenExchange";

/// Never prints a secret from then on.
pub type Remember = fn(&str);

/// Where a token of elsewhere comes from that Microsoft Entra exchanges for one of its own.
#[derive(Clone)]
pub enum Assertion {
    /// This one.
    Token(SecretString),
    /// What is in this file now; it is written anew from time to time.
    File(PathBuf),
    /// The answer of this address to whoever shows the token, as GitHub's runners have it.
    Request {
        /// The address.
        url: Url,
        /// The token to show there.
        token: SecretString,
    },
}

impl fmt::Debug for Assertion {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(match self {
            Self::Token(_) => "Token(***)",
            Self::File(_) => "File",
            Self::Request { .. } => "Request",
        })
    }
}

/// Where the caller's tokens come from.
#[derive(Clone)]
pub enum CredentialSource {
    /// An application with its secret.
    ClientSecret {
        /// The tenant that the application signs in to.
        tenant: String,
        /// The application.
        client: String,
        /// Its secret.
        secret: SecretString,
    },
    /// An application, or an identity, that trusts tokens of elsewhere.
    Assertion {
        /// The tenant.
        tenant: String,
        /// The application or identity.
        client: String,
        /// The token of elsewhere.
        assertion: Assertion,
    },
    /// The identity of this machine; this one of them, where it has several.
    ManagedIdentity {
        /// The client id.
        client: Option<String>,
    },
    /// Whoever has signed in with `az login`.
    Cli {
        /// The tenant to ask for.
        tenant: Option<String>,
        /// The subscription whose account is meant.
        subscription: String,
    },
}

/// What is secret in a source.
fn secret_of(source: &CredentialSource) -> Option<&SecretString> {
    match source {
        CredentialSource::ClientSecret { secret, .. } => Some(secret),
        CredentialSource::Assertion { assertion, .. } => match assertion {
            Assertion::Token(token) | Assertion::Request { token, .. } => Some(token),
            Assertion::File(_) => None,
        },
        CredentialSource::ManagedIdentity { .. } | CredentialSource::Cli { .. } => None,
    }
}

/// What is not.
fn plain_of(source: &CredentialSource) -> Vec<String> {
    let text = |value: &Option<String>| value.clone().unwrap_or_default();
    match source {
        CredentialSource::ClientSecret { tenant, client, .. } => {
            vec!["client secret".to_owned(), tenant.clone(), client.clone()]
        }
        CredentialSource::Assertion {
            tenant,
            client,
            assertion,
        } => {
            let place = match assertion {
                Assertion::Token(_) => "token".to_owned(),
                Assertion::File(path) => path.display().to_string(),
                Assertion::Request { url, .. } => url.to_string(),
            };
            vec![
                "assertion".to_owned(),
                tenant.clone(),
                client.clone(),
                place,
            ]
        }
        CredentialSource::ManagedIdentity { client } => {
            vec!["managed identity".to_owned(), text(client)]
        }
        CredentialSource::Cli {
            tenant,
            subscription,
        } => vec!["cli".to_owned(), text(tenant), subscription.clone()],
    }
}

impl PartialEq for CredentialSource {
    fn eq(&self, other: &Self) -> bool {
        let secret = |source| secret_of(source).map(|one| one.expose_secret().to_owned());
        plain_of(self) == plain_of(other) && secret(self) == secret(other)
    }
}

impl Eq for CredentialSource {}

impl fmt::Debug for CredentialSource {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.debug_tuple("CredentialSource")
            .field(&plain_of(self))
            .finish()
    }
}

impl CredentialSource {
    /// What to do when this way of signing in has failed.
    pub(super) fn advice(&self) -> &'static str {
        match self {
            Self::ClientSecret { .. } => {
                "Check tenant_id, client_id and client_secret of the provider's azure block \
                 (ARM_TENANT_ID, ARM_CLIENT_ID, ARM_CLIENT_SECRET): a secret ends, and belongs to \
                 one application of one tenant."
            }
            Self::Assertion { .. } => {
                "Check tenant_id and client_id, and that the application or identity has a \
                 federated credential with exactly the issuer, subject and audience of the token."
            }
            Self::ManagedIdentity { .. } => {
                "Check that this machine has a managed identity, and client_id where it has \
                 several; or leave use_msi out."
            }
            Self::Cli { .. } => {
                "Run az login, with --tenant where you have several; or set client_id and \
                 client_secret (ARM_CLIENT_ID, ARM_CLIENT_SECRET), use_oidc or use_msi."
            }
        }
    }
}

/// The error of a sign-in that did not succeed.
pub(super) fn wrong(source: &CredentialSource, why: impl Into<String>) -> CloudError {
    let kind = CloudErrorKind::Unauthenticated;
    CloudError::new(kind, CALL, "Microsoft Entra", why).hint(source.advice())
}

/// The client below: ours, with the trust and the proxies of everything else.
fn options(authority: &str, client: &reqwest::Client) -> ClientOptions {
    let mut custom = CustomConfiguration::default();
    custom.authority_host = authority.to_owned();
    ClientOptions {
        // Whoever asks for a token asks again.
        retry: RetryOptions::none(),
        transport: Some(Transport::new(Arc::new(client.clone()))),
        cloud: Some(Arc::new(CloudConfiguration::Custom(custom))),
        ..ClientOptions::default()
    }
}

/// Gives the tokens of elsewhere.
struct Exchanged {
    assertion: Assertion,
    web: Arc<Web>,
    remember: Remember,
}

impl fmt::Debug for Exchanged {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.debug_struct("Exchanged").finish_non_exhaustive()
    }
}

fn no_token(why: String) -> azure_core::Error {
    azure_core::Error::with_message(ErrorKind::Credential, why)
}

#[async_trait::async_trait]
impl ClientAssertion for Exchanged {
    async fn secret(&self, _: Option<ClientMethodOptions<'_>>) -> azure_core::Result<String> {
        let token = match &self.assertion {
            Assertion::Token(token) => token.expose_secret().to_owned(),
            Assertion::File(path) => tokio::fs::read_to_string(path)
                .await
                .map_err(|error| no_token(format!("{} cannot be read: {error}", path.display())))?,
            Assertion::Request { url, token } => self.requested(url, token).await?,
        };
        let token = token.trim().to_owned();
        if token.is_empty() {
            return Err(no_token("the token of elsewhere is empty".to_owned()));
        }
        (self.remember)(&token);
        Ok(token)
    }
}

impl Exchanged {
    async fn requested(&self, url: &Url, token: &SecretString) -> azure_core::Result<String> {
        let mut url = url.clone();
        if !url.query_pairs().any(|(name, _)| name == "audience") {
            url.query_pairs_mut().append_pair("audience", EXCHANGE);
        }
        let mut request = HttpRequest::new("GET", SecretUrl::new(url.as_str()));
        for (name, value) in [
            ("authorization", format!("Bearer {}", token.expose_secret())),
            ("accept", "application/json".to_owned()),
        ] {
            request.headers.push((name.to_owned(), value));
        }
        let answer = self.web.exchange("GET", "the OIDC provider", &request);
        let answer = answer
            .await
            .map_err(|failure| no_token(failure.error.message))?;
        let told: Value = serde_json::from_slice(&answer.body).unwrap_or_default();
        match told["value"].as_str() {
            Some(token) if answer.is_success() => Ok(token.to_owned()),
            _ => Err(no_token(format!(
                "the OIDC provider gave no token (status {})",
                answer.status
            ))),
        }
    }
}

/// Whether a secret of the source would be sent somewhere in the clear, and where.
pub(super) fn sent_in_the_clear(source: &CredentialSource) -> Option<&Url> {
    match source {
        CredentialSource::Assertion {
            assertion: Assertion::Request { url, .. },
            ..
        } if !is_private(url) => Some(url),
        _ => None,
    }
}

/// What gives tokens.
///
/// # Errors
/// When the source cannot be used as it is.
pub(super) fn open(
    source: &CredentialSource,
    authority: &str,
    client: &reqwest::Client,
    web: &Arc<Web>,
    remember: Remember,
) -> Result<Arc<dyn TokenCredential>, CloudError> {
    let client_options = options(authority, client);
    let opened: azure_core::Result<Arc<dyn TokenCredential>> = match source {
        CredentialSource::ClientSecret {
            tenant,
            client,
            secret,
        } => ClientSecretCredential::new(
            tenant,
            client.clone(),
            secret.expose_secret().to_owned().into(),
            Some(ClientSecretCredentialOptions { client_options }),
        )
        .map(|one| one as Arc<dyn TokenCredential>),
        CredentialSource::Assertion {
            tenant,
            client,
            assertion,
        } => {
            let exchanged = Exchanged {
                assertion: assertion.clone(),
                web: Arc::clone(web),
                remember,
            };
            let options = ClientAssertionCredentialOptions { client_options };
            ClientAssertionCredential::new(tenant.clone(), client.clone(), exchanged, Some(options))
                .map(|one| one as Arc<dyn TokenCredential>)
        }
        CredentialSource::ManagedIdentity { client } => {
            let options = ManagedIdentityCredentialOptions {
                user_assigned_id: client.clone().map(UserAssignedId::ClientId),
                client_options,
            };
            ManagedIdentityCredential::new(Some(options)).map(|one| one as Arc<dyn TokenCredential>)
        }
        CredentialSource::Cli {
            tenant,
            subscription,
        } => {
            let options = AzureCliCredentialOptions {
                // With a tenant the command takes no subscription.
                subscription: tenant.is_none().then(|| subscription.clone()),
                tenant_id: tenant.clone(),
                ..AzureCliCredentialOptions::default()
            };
            AzureCliCredential::new(Some(options)).map(|one| one as Arc<dyn TokenCredential>)
        }
    };
    opened.map_err(|error| wrong(source, error.to_string()))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn application(secret: &str) -> CredentialSource {
        CredentialSource::ClientSecret {
            tenant: "t".to_owned(),
            client: "c".to_owned(),
            secret: SecretString::from(secret),
        }
    }

    #[test]
    fn another_secret_is_another_caller_and_none_is_printed() {
        assert_eq!(application("hunter2"), application("hunter2"));
        assert_ne!(application("hunter2"), application("hunter3"));
        assert!(!format!("{:?}", application("hunter2")).contains("hunter2"));
    }

    #[test]
    fn the_token_for_a_token_goes_by_tls() {
        let source = |url: &str| CredentialSource::Assertion {
            tenant: "t".to_owned(),
            client: "c".to_owned(),
            assertion: Assertion::Request {
                url: Url::parse(url).expect(url),
                token: SecretString::from("hunter2"),
            },
        };
        assert!(sent_in_the_clear(&source("http://runner.example.com/t")).is_some());
        assert!(sent_in_the_clear(&source("http://127.0.0.1:1/t")).is_none());
        assert!(sent_in_the_clear(&source("https://runner.example.com/t")).is_none());
    }
}
