//! The clients of one region, shared by all operations; connections are kept.

use std::collections::BTreeSet;
use std::fmt;
use std::sync::{Arc, OnceLock};

use aws_sdk_iam::config::{
    BehaviorVersion, Region, StalledStreamProtectionConfig, retry::RetryConfig,
};
use tokio::sync::OnceCell;
use url::Url;

use crate::byob::{CloudError, CloudErrorKind};
use crate::clouds::retry::Work;
use crate::clouds::s3::S3;
use crate::clouds::s3::client::{self as s3, Connection};
use crate::clouds::web;

use super::credentials::{self, Source};
use super::partition;

/// Addresses of services, where they are not Amazon's own.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Endpoints {
    /// S3.
    pub s3: Option<Url>,
    /// KMS.
    pub kms: Option<Url>,
    /// IAM.
    pub iam: Option<Url>,
    /// STS.
    pub sts: Option<Url>,
}

/// Who asks AWS, where, and how.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Settings {
    /// The region of buckets and keys.
    pub region: String,
    /// Where credentials come from.
    pub source: Source,
    /// Accounts that may be worked in; empty for all.
    pub allowed_account_ids: BTreeSet<String>,
    /// Other addresses than Amazon's.
    pub endpoints: Endpoints,
    /// Buckets stand in the path of addresses rather than in the host.
    pub path_style: bool,
    /// Certificates to trust besides the system's, in PEM.
    pub ca_bundle: Option<String>,
    /// How often a failed request is sent again.
    pub max_retries: u32,
}

/// Whose credentials they are.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Caller {
    /// The account, twelve digits.
    pub(super) account: String,
    /// The user or the role's session.
    pub(super) arn: String,
}

/// The clients for one set of [`Settings`].
pub struct Clients {
    settings: Settings,
    s3: Arc<s3::Clients>,
    kms: OnceLock<aws_sdk_kms::Client>,
    iam: OnceLock<aws_sdk_iam::Client>,
    sts: OnceLock<aws_sdk_sts::Client>,
    caller: OnceCell<Caller>,
}

impl fmt::Debug for Clients {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.debug_struct("Clients")
            .field("settings", &self.settings)
            .finish_non_exhaustive()
    }
}

/// Builds a client of one of Amazon's services; every SDK has types of its own for this.
macro_rules! service {
    ($sdk:ident, $clients:expr, $endpoint:expr) => {{
        let clients = $clients;
        let mut config = $sdk::Config::builder()
            .behavior_version(BehaviorVersion::latest())
            .http_client(clients.s3.sdk())
            .region(Region::new(clients.settings.region.clone()))
            .credentials_provider(clients.s3.connection().credentials.clone())
            .retry_config(RetryConfig::disabled())
            .timeout_config(s3::timeouts())
            .stalled_stream_protection(StalledStreamProtectionConfig::disabled());
        if let Some(endpoint) = $endpoint {
            config = config.endpoint_url(endpoint.as_str().trim_end_matches('/'));
        }
        $sdk::Client::from_conf(config.build())
    }};
}

impl Clients {
    /// The clients for `settings`. Sends nothing, looks nothing up, and opens nothing yet.
    ///
    /// # Errors
    /// `Invalid` when an endpoint is no address of a server, or the certificates are none.
    pub fn new(settings: Settings) -> Result<Self, CloudError> {
        let own = format!("https://{}", partition::s3_host(&settings.region));
        let endpoint = match &settings.endpoints.s3 {
            Some(endpoint) => endpoint.clone(),
            None => Url::parse(&own).map_err(|error| {
                let why = format!("it gives no address: {error}");
                CloudError::new(CloudErrorKind::Invalid, "region", &settings.region, why)
            })?,
        };
        if let Some(why) = settings
            .ca_bundle
            .as_deref()
            .and_then(|pem| web::check_certificates(pem).err())
        {
            let kind = CloudErrorKind::Invalid;
            return Err(CloudError::new(
                kind,
                "AWS_CA_BUNDLE",
                &settings.region,
                why,
            ));
        }
        let for_credentials = web::for_sdk(settings.ca_bundle.as_deref());
        let s3 = s3::Clients::new(Connection {
            endpoint,
            region: settings.region.clone(),
            path_style: settings.path_style,
            ca_bundle: settings.ca_bundle.clone(),
            credentials: credentials::provider(
                settings.source.clone(),
                &settings.region,
                for_credentials,
            ),
        })?;
        Ok(Self {
            settings,
            s3: Arc::new(s3),
            kms: OnceLock::new(),
            iam: OnceLock::new(),
            sts: OnceLock::new(),
            caller: OnceCell::new(),
        })
    }

    /// Who asks AWS, where, and how.
    pub fn settings(&self) -> &Settings {
        &self.settings
    }

    /// The partition that the region is in.
    pub(super) fn partition(&self) -> &'static str {
        partition::of_region(&self.settings.region).name
    }

    pub(super) fn s3(&self) -> Arc<s3::Clients> {
        Arc::clone(&self.s3)
    }

    pub(super) fn kms(&self) -> &aws_sdk_kms::Client {
        self.kms
            .get_or_init(|| service!(aws_sdk_kms, self, &self.settings.endpoints.kms))
    }

    pub(super) fn iam(&self) -> &aws_sdk_iam::Client {
        self.iam
            .get_or_init(|| service!(aws_sdk_iam, self, &self.settings.endpoints.iam))
    }

    fn sts(&self) -> &aws_sdk_sts::Client {
        self.sts
            .get_or_init(|| service!(aws_sdk_sts, self, &self.settings.endpoints.sts))
    }

    /// The account, where it was asked for by now.
    pub(super) fn known_account(&self) -> Option<String> {
        self.caller.get().map(|caller| caller.account.clone())
    }

    /// Whose credentials they are; asked once.
    pub(super) async fn caller(&self, s3: &S3) -> Result<&Caller, CloudError> {
        self.caller
            .get_or_try_init(|| async {
                let call = "sts:GetCallerIdentity";
                let told = s3
                    .sdk(Work::Read, call, "the caller", || {
                        self.sts().get_caller_identity().send()
                    })
                    .await?;
                match (told.account, told.arn) {
                    (Some(account), Some(arn)) => Ok(Caller { account, arn }),
                    _ => Err(CloudError::new(
                        CloudErrorKind::Unexpected,
                        call,
                        "the caller",
                        "the answer names no account",
                    )),
                }
            })
            .await
    }
}
