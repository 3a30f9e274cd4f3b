//! Who asks: static keys, or the chain of AWS's own tools, with a role on top.
//!
//! Nothing is looked up before the first request: a region that no resource uses costs
//! nothing. What was found is kept until shortly before it expires.

use std::fmt;
use std::time::{Duration, SystemTime};

use aws_config::{BehaviorVersion, Region, SdkConfig};
use aws_credential_types::Credentials;
use aws_credential_types::provider::error::CredentialsError;
use aws_credential_types::provider::{
    ProvideCredentials, Result as Found, SharedCredentialsProvider, future,
};
use aws_sdk_sts::types::Credentials as Given;
use aws_smithy_runtime_api::client::http::SharedHttpClient;
use secrecy::{ExposeSecret, SecretString};
use tokio::sync::{Mutex, OnceCell};

/// Credentials are fetched anew this long before they expire.
const MARGIN: Duration = Duration::from_secs(300);
/// What to do where none are found.
pub(super) const ADVICE: &str = "Set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, AWS_PROFILE or profile, or access_key and \
     secret_key in the provider's aws block. With single sign-on, run aws sso login first; with a \
     role, see whether its trust policy lets the caller in.";
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
            Some(identity) => self.of_role(&config, By::Token(identity.clone())),
            None => config
                .credentials_provider()
                .unwrap_or_else(|| SharedCredentialsProvider::new(Missing)),
        };
        match &self.source.assume_role {
            None => base,
            Some(role) => {
                let config = config.into_builder().credentials_provider(base).build();
                self.of_role(&config, By::Caller(role.clone()))
            }
        }
    }

    fn of_role(&self, config: &SdkConfig, by: By) -> SharedCredentialsProvider {
        let mut sts = aws_sdk_sts::config::Builder::from(config);
        if let Some(endpoint) = &self.source.sts_endpoint {
            sts = sts.endpoint_url(endpoint);
        }
        SharedCredentialsProvider::new(OfRole {
            by,
            sts: aws_sdk_sts::Client::from_conf(sts.build()),
        })
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
        loader.load().await
    }
}

/// By what a role is taken.
#[derive(Debug)]
enum By {
    Token(WebIdentity),
    Caller(AssumeRole),
}

/// The credentials of a role. AWS's own crate has providers for this, which ask where the
/// environment says, whatever the provider's block does.
#[derive(Debug)]
struct OfRole {
    by: By,
    sts: aws_sdk_sts::Client,
}

impl OfRole {
    async fn credentials(&self) -> Found {
        let answer = match &self.by {
            By::Token(identity) => self.by_token(identity).await?,
            By::Caller(role) => self.by_caller(role).await?,
        };
        let given = answer
            .ok_or_else(|| CredentialsError::unhandled("the answer of STS holds no credentials"))?;
        let expiry = SystemTime::try_from(given.expiration)
            .map_err(|_| CredentialsError::unhandled("the answer of STS holds no time"))?;
        Ok(Credentials::new(
            given.access_key_id,
            given.secret_access_key,
            Some(given.session_token),
            Some(expiry),
            "STS",
        ))
    }

    async fn by_token(&self, identity: &WebIdentity) -> Result<Option<Given>, CredentialsError> {
        let file = &identity.token_file;
        let token = tokio::fs::read_to_string(file).await.map_err(|error| {
            CredentialsError::invalid_configuration(format!(
                "web_identity_token_file {file:?} cannot be read: {error}"
            ))
        })?;
        let session = identity.session_name.as_deref().unwrap_or(SESSION);
        self.sts
            .assume_role_with_web_identity()
            .role_arn(&identity.role_arn)
            .role_session_name(session)
            .web_identity_token(token.trim())
            .send()
            .await
            .map(|answer| answer.credentials)
            .map_err(CredentialsError::provider_error)
    }

    async fn by_caller(&self, role: &AssumeRole) -> Result<Option<Given>, CredentialsError> {
        self.sts
            .assume_role()
            .role_arn(&role.arn)
            .role_session_name(SESSION)
            .set_external_id(role.external_id.clone())
            .send()
            .await
            .map(|answer| answer.credentials)
            .map_err(CredentialsError::provider_error)
    }
}

impl ProvideCredentials for OfRole {
    fn provide_credentials<'a>(&'a self) -> future::ProvideCredentials<'a>
    where
        Self: 'a,
    {
        future::ProvideCredentials::new(self.credentials())
    }
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
