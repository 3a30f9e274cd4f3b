//! Google Cloud: Cloud Storage with IAM and Cloud KMS, by their JSON interfaces.

mod client;
mod credentials;
pub mod names;

use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;

use async_trait::async_trait;
use tokio_util::sync::CancellationToken;

use crate::byob::absence::{AbsentBucket, Server};
use crate::byob::change::Change;
use crate::byob::cloud::{CallerPermission, LookAt, Sighting};
use crate::byob::contents::Contents;
use crate::byob::http::{HttpRequest, HttpResponse};
use crate::byob::identity::{AccessKey, IdentityService};
use crate::byob::key_service::KeyService;
use crate::byob::marker::OwnedBucket;
use crate::byob::permission::Permissions;
use crate::byob::probe::{ProbeReply, ProbeStep, Signed};
use crate::byob::spec::KeySpec;
use crate::byob::{Cloud, CloudError, CloudErrorKind, CloudKind, Observed, Reading};

pub use client::{Clients, Connection, Endpoints};
pub use credentials::CredentialSource;

/// What the caller needs of Google Cloud, and what W&B gets there.
pub const PERMISSIONS: Permissions = Permissions {
    cloud: CloudKind::Gcp,
    caller: &[],
    wandb: &[],
};

/// The algorithm of every bucket's encryption, in the words of a spec and of an observation:
/// Google's own key is [`crate::byob::spec::Key::Server`], a customer's `Key::Named`.
pub const ENCRYPTION: &str = "AES256";

/// Where a bucket is, and what it cannot be made otherwise later.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Place {
    /// The project that it belongs to, by its id.
    pub project: String,
    /// The location, in any case: `US`, `us-central1`.
    pub location: String,
    /// The default storage class, `STANDARD` and the like.
    pub storage_class: String,
}

/// Opens a place with `clients` for one operation, which ends with `stop`.
pub fn open(clients: &Arc<Clients>, place: Place, stop: CancellationToken) -> Arc<dyn Cloud> {
    Arc::new(Gcp {
        clients: Arc::clone(clients),
        place,
        stop,
    })
}

/// One place, opened for one operation.
struct Gcp {
    clients: Arc<Clients>,
    place: Place,
    stop: CancellationToken,
}

impl fmt::Debug for Gcp {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.debug_struct("Gcp")
            .field("clients", &self.clients)
            .field("place", &self.place)
            .finish_non_exhaustive()
    }
}

impl Gcp {
    fn unsupported(&self) -> CloudError {
        let _ = &self.stop;
        CloudError::new(
            CloudErrorKind::NotSupported,
            "storage",
            &self.place.project,
            "not built yet",
        )
    }
}

#[async_trait]
impl Cloud for Gcp {
    fn kind(&self) -> CloudKind {
        CloudKind::Gcp
    }

    fn key_service(&self) -> Option<&dyn KeyService> {
        None
    }

    fn identity_service(&self) -> Option<&dyn IdentityService> {
        None
    }

    async fn look(&self, _: &str) -> Result<Option<Sighting>, CloudError> {
        Err(self.unsupported())
    }

    async fn observe(&self, _: &str, _: &LookAt) -> Result<Option<Observed>, CloudError> {
        Err(self.unsupported())
    }

    async fn create(
        &self,
        _: &str,
        _: &BTreeMap<String, String>,
        _: &[Change],
    ) -> Result<(), CloudError> {
        Err(self.unsupported())
    }

    fn fresh(&self, _: &str, _: &BTreeMap<String, String>, _: &[Change]) -> Option<Observed> {
        None
    }

    async fn change(&self, _: &str, _: &Change) -> Result<(), CloudError> {
        Err(self.unsupported())
    }

    async fn contents(&self, _: &str, _: u64) -> Result<Contents, CloudError> {
        Err(self.unsupported())
    }

    async fn refuse_locked(&self, _: &OwnedBucket) -> Result<(), CloudError> {
        Err(self.unsupported())
    }

    async fn default_retention(&self, _: &str) -> Result<Reading<String>, CloudError> {
        Err(self.unsupported())
    }

    async fn empty(&self, _: &OwnedBucket) -> Result<Contents, CloudError> {
        Err(self.unsupported())
    }

    async fn delete(&self, _: &OwnedBucket) -> Result<AbsentBucket, CloudError> {
        Err(self.unsupported())
    }

    async fn confirm_absence(&self, _: &str) -> Result<AbsentBucket, CloudError> {
        Err(self.unsupported())
    }

    fn server(&self) -> Server {
        Server::default()
    }

    async fn sign(
        &self,
        _: &str,
        _: &ProbeStep,
        _: Option<&AccessKey>,
    ) -> Result<Signed, CloudError> {
        Err(self.unsupported())
    }

    fn read_reply(&self, _: &ProbeStep, _: &HttpResponse) -> ProbeReply {
        ProbeReply::default()
    }

    async fn send(&self, _: &str, _: &HttpRequest) -> Result<HttpResponse, CloudError> {
        Err(self.unsupported())
    }

    async fn wait_again(&self, _: u32) -> Result<bool, CloudError> {
        Err(self.unsupported())
    }

    async fn overreach(&self, _: &str, _: &AccessKey) -> Result<Vec<String>, CloudError> {
        Err(self.unsupported())
    }

    async fn caller_permissions(&self, _: &str, _: Option<&KeySpec>) -> Vec<CallerPermission> {
        Vec::new()
    }
}
