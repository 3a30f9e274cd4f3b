//! What the provider block says, as resources see it.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::sync::{Arc, Mutex, PoisonError};

use async_trait::async_trait;
use tokio_util::sync::CancellationToken;
use url::Url;

use crate::byob::deployment::Deployment;
use crate::byob::identity::AccessKey;
use crate::byob::probe::ProbeResult;
use crate::byob::{Cloud, CloudError};
use crate::sdk::model::{Field, Secret};
use crate::wandb::Client;

/// Which interface of an S3-compatible server makes users and keys.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum AdminApi {
    /// Found out by asking the server.
    #[default]
    Auto,
    /// MinIO's own.
    MinIo,
    /// Amazon's IAM.
    Iam,
}

impl AdminApi {
    /// The names that a configuration may use.
    pub const NAMES: [&str; 3] = ["auto", "minio", "iam"];

    /// Reads a name of [`Self::NAMES`].
    pub fn parse(text: &str) -> Option<Self> {
        match text {
            "auto" => Some(Self::Auto),
            "minio" => Some(Self::MinIo),
            "iam" => Some(Self::Iam),
            _ => None,
        }
    }
}

/// An S3-compatible server and who asks it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct S3Place {
    /// Scheme, host and port.
    pub endpoint: Url,
    /// The region that signatures name.
    pub region: String,
    /// The caller's key.
    pub access_key: String,
    /// Its secret.
    pub secret_key: Secret,
    /// The bucket stands in the path, not in the host's name.
    pub path_style: bool,
    /// Certificates to trust besides the system's, in PEM.
    pub ca_bundle: Option<String>,
    /// Which interface makes users and keys.
    pub admin_api: AdminApi,
}

impl S3Place {
    /// Host, and port where it is not the scheme's own.
    pub fn authority(&self) -> String {
        authority(&self.endpoint)
    }
}

/// Host, and port where it is not the scheme's own.
pub fn authority(endpoint: &Url) -> String {
    let host = endpoint.host_str().unwrap_or_default();
    match endpoint.port() {
        Some(port) => format!("{host}:{port}"),
        None => host.to_owned(),
    }
}

/// Opens clouds and acts as W&B's visitors do. Made by the provider, so that no
/// resource knows how a cloud is reached.
#[async_trait]
pub trait Doors: fmt::Debug + Send + Sync {
    /// An S3-compatible server, for one operation that ends with `stop`.
    fn s3_compatible(
        &self,
        place: &S3Place,
        stop: &CancellationToken,
    ) -> Result<Arc<dyn Cloud>, CloudError>;

    /// Tries a bucket as a browser and the SDK do, with W&B's `key` where it is known.
    async fn probe(
        &self,
        cloud: &dyn Cloud,
        probe: &Probe<'_>,
        stop: &CancellationToken,
    ) -> Result<ProbeResult, CloudError>;
}

/// What to probe.
#[derive(Clone, Debug)]
pub struct Probe<'a> {
    /// The bucket's name.
    pub bucket: &'a str,
    /// The part of it that is W&B's.
    pub path: Option<&'a str>,
    /// The origin of W&B's web application.
    pub origin: &'a str,
    /// W&B's key, where it is known.
    pub key: Option<&'a AccessKey>,
}

/// The provider block's defaults for S3-compatible servers.
#[derive(Clone, Debug, Default)]
pub struct S3Defaults {
    /// Scheme, host and port.
    pub endpoint: Field<String>,
    /// The region that signatures name.
    pub region: Field<String>,
    /// The caller's key.
    pub access_key: Field<String>,
    /// Its secret.
    pub secret_key: Field<Secret>,
    /// The bucket stands in the path.
    pub path_style: Field<bool>,
    /// Certificates in PEM.
    pub ca_bundle: Field<String>,
}

/// The provider block, with the environment's defaults filled in.
#[derive(Clone, Debug)]
pub struct Configuration {
    /// How the W&B instance is run; null when nothing tells.
    pub deployment: Field<Deployment>,
    /// The origin of W&B's web application.
    pub origin: Field<String>,
    /// A client of the W&B instance; null without an `api_key`.
    pub wandb: Field<Client>,
    /// Tags below a resource's own.
    pub default_tags: Field<BTreeMap<String, String>>,
    /// Keys of tags that are neither read nor written.
    pub ignore_tags: Field<BTreeSet<String>>,
    /// For S3-compatible servers.
    pub s3: S3Defaults,
    /// Opens clouds.
    pub doors: Arc<dyn Doors>,
}

/// What all resources of one provider share.
#[derive(Clone, Debug, Default)]
pub struct Environment(Arc<Mutex<Shared>>);

#[derive(Debug, Default)]
struct Shared {
    configuration: Option<Arc<Configuration>>,
    /// Ids of buckets that this run plans to make.
    claimed: BTreeSet<String>,
}

impl Environment {
    /// Takes a provider block. A process that serves several runs is told several.
    pub fn configure(&self, configuration: Configuration) {
        *self.shared() = Shared {
            configuration: Some(Arc::new(configuration)),
            claimed: BTreeSet::new(),
        };
    }

    /// The provider block; `None` before Terraform has sent it.
    pub fn configuration(&self) -> Option<Arc<Configuration>> {
        self.shared().configuration.clone()
    }

    /// Notes that a resource of this run will make the bucket `id`; false when
    /// another one will.
    pub fn claim(&self, id: &str) -> bool {
        self.shared().claimed.insert(id.to_owned())
    }

    fn shared(&self) -> std::sync::MutexGuard<'_, Shared> {
        // Nothing in there can be half written.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
