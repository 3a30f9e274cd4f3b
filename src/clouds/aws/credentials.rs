//! Who asks: static keys, or the chain of AWS's own tools, with a role on top.
//!
//! Nothing is looked up before the first request: a region that no resource uses costs
//! nothing. What was found is kept until shortly before it expires.

use std::fmt;
use std::path::PathBuf;
use std::time::{Duration, SystemTime};

use aws_config::sts::AssumeRoleProvider;
use aws_config::web_identity_token::{StaticConfiguration, WebIdentityTokenCredentialsProvider};
use aws_config::{BehaviorVersion, Region, SdkConfig};
use aws_credential_types::Credentials;
use aws_credential_types::provider::error::CredentialsError;
use aws_credential_types::provider::{
    ProvideCredentials, Result as Found, SharedCredentialsProvider, future,
};
use aws_smithy_runtime_api::client::http::SharedHttpClient;
use secrecy::{ExposeSecret, SecretString};
use tokio::sync::{Mutex, OnceCell};

/// Credentials are fetched anew this long before they expire.
const MARGIN: Duration = Duration::from_secs(300);
/// What a role's sessions are called in AWS's logs.
const SESSION: &str = "terraform-provider-wandb";

/// A role to take.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AssumeRole {
    /// Its ARN.
    pub arn: String,
    /// What its trust policy may ask for.
    pub external_id: Option<String>,
}

/// A role that an identity token gives.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct WebIdentity {
    /// The role's ARN.
    pub role_arn: String,
    /// Where the token is.
    pub token_file: String,
    /// What the session is called.
    pub session_name: Option<String>,
}

/// Where credentials come from.
#[derive(Clone, Default)]
pub struct Source {
    /// Key, secret, and session token where there is one; else the default chain.
    pub keys: Option<(String, SecretString, Option<SecretString>)>,
    /// The profile of AWS's shared files.
    pub profile: Option<String>,
    /// A role to take with what was found.
    pub assume_role: Option<AssumeRole>,
    /// A role that a token gives, in place of the chain.
    pub web_identity: Option<WebIdentity>,
    /// The address of STS, where it is not Amazon's.
    pub sts_endpoint: Option<String>,
}

impl fmt::Debug for Source {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.debug_struct("Source")
            .field("key", &self.keys.as_ref().map(|(id, _, _)| id))
            .field("profile", &self.profile)
            .field("assume_role", &self.assume_role)
            .field("web_identity", &self.web_identity)
            .finish_non_exhaustive()
    }
}

impl PartialEq for Source {
    fn eq(&self, other: &Self) -> bool {
        let keys = |source: &Self| {
            source.keys.as_ref().map(|(id, secret, token)| {
                let token = token.as_ref().map(|token| token.expose_secret().to_owned());
                (id.clone(), secret.expose_secret().to_owned(), token)
            })
        };
        keys(self) == keys(other)
            && self.profile == other.profile
            && self.assume_role == other.assume_role
            && self.web_identity == other.web_identity
            && self.sts_endpoint == other.sts_endpoint
    }
}

impl Eq for Source {}

/// The region of the environment or of a profile.
pub async fn default_region(profile: Option<&str>) -> Option<String> {
    let mut chain = aws_config::default_provider::region::DefaultRegionChain::builder();
    if let Some(profile) = profile {
        chain = chain.profile_name(profile);
    }
    chain
        .build()
        .region()
        .await
        .map(|region| region.to_string())
}

/// The credentials of `source`, found when they are first asked for.
pub(super) fn provider(
    source: Source,
    region: &str,
    http: SharedHttpClient,
) -> SharedCredentialsProvider {
    SharedCredentialsProvider::new(Remembered {
        chain: Chain {
            source,
            region: Region::new(region.to_owned()),
            http,
            found: OnceCell::new(),
        },
        kept: Mutex::new(None),
    })
}

/// Builds the providers of AWS's own crate, once.
struct Chain {
    source: Source,
    region: Region,
    http: SharedHttpClient,
    found: OnceCell<SharedCredentialsProvider>,
}

impl Chain {
    async fn provider(&self) -> &SharedCredentialsProvider {
        self.found.get_or_init(|| self.build()).await
    }

    async fn build(&self) -> SharedCredentialsProvider {
        let config = self.config().await;
        let base = match &self.source.web_identity {
            Some(identity) => web_identity(identity, &config),
            None => config
                .credentials_provider()
                .unwrap_or_else(|| SharedCredentialsProvider::new(Missing)),
        };
        match &self.source.assume_role {
            None => base,
            Some(role) => {
                let mut builder = AssumeRoleProvider::builder(&role.arn)
                    .session_name(SESSION)
                    .region(self.region.clone())
                    .configure(&config);
                if let Some(id) = &role.external_id {
                    builder = builder.external_id(id);
                }
                SharedCredentialsProvider::new(builder.build_from_provider(base).await)
            }
        }
    }

    async fn config(&self) -> SdkConfig {
        let mut loader = aws_config::defaults(BehaviorVersion::latest())
            .region(self.region.clone())
            .http_client(self.http.clone());
        if let Some(profile) = &self.source.profile {
            loader = loader.profile_name(profile);
        }
        if let Some((id, secret, token)) = &self.source.keys {
            loader = loader.credentials_provider(Credentials::from_keys(
                id,
                secret.expose_secret(),
                token.as_ref().map(|token| token.expose_secret().to_owned()),
            ));
        }
        let config = loader.load().await;
        match &self.source.sts_endpoint {
            Some(endpoint) => config.into_builder().endpoint_url(endpoint).build(),
            None => config,
        }
    }
}

fn web_identity(identity: &WebIdentity, config: &SdkConfig) -> SharedCredentialsProvider {
    let mut providers = aws_config::provider_config::ProviderConfig::without_region()
        .with_region(config.region().cloned());
    if let Some(http) = config.http_client() {
        providers = providers.with_http_client(http);
    }
    SharedCredentialsProvider::new(
        WebIdentityTokenCredentialsProvider::builder()
            .configure(&providers)
            .static_configuration(StaticConfiguration {
                web_identity_token_file: PathBuf::from(&identity.token_file),
                role_arn: identity.role_arn.clone(),
                session_name: identity
                    .session_name
                    .clone()
                    .unwrap_or_else(|| SESSION.to_owned()),
            })
            .build(),
    )
}

#[derive(Debug)]
struct Missing;

impl ProvideCredentials for Missing {
    fn provide_credentials<'a>(&'a self) -> future::ProvideCredentials<'a>
    where
        Self: 'a,
    {
        future::ProvideCredentials::ready(Err(CredentialsError::not_loaded(
            "no credentials are configured",
        )))
    }
}

/// Keeps credentials until shortly before they expire.
struct Remembered {
    chain: Chain,
    kept: Mutex<Option<Credentials>>,
}

impl fmt::Debug for Remembered {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.debug_struct("Remembered").finish_non_exhaustive()
    }
}

impl Remembered {
    async fn credentials(&self) -> Found {
        // Held while they are fetched, so that parallel requests fetch them once.
        let mut kept = self.kept.lock().await;
        let is_fresh = |credentials: &Credentials| {
            credentials
                .expiry()
                .is_none_or(|end| SystemTime::now() + MARGIN < end)
        };
        if let Some(credentials) = kept.as_ref().filter(|one| is_fresh(one)) {
            return Ok(credentials.clone());
        }
        let found = self.chain.provider().await.provide_credentials().await?;
        *kept = Some(found.clone());
        Ok(found)
    }
}

impl ProvideCredentials for Remembered {
    fn provide_credentials<'a>(&'a self) -> future::ProvideCredentials<'a>
    where
        Self: 'a,
    {
        future::ProvideCredentials::new(self.credentials())
    }
}
