//! Google Cloud: Cloud Storage with IAM and Cloud KMS, by their JSON interfaces.
//!
//! A bucket's settings are one resource there, which is read and written whole or in part,
//! and each write names the generation of the settings that it was made for. Who gets in is
//! a policy beside it. Uploads in parts are known to the XML interface alone.

mod absence;
mod bucket;
mod caller;
mod change;
mod client;
mod contents;
mod create;
mod credentials;
mod endpoints;
mod error;
mod identity;
mod key;
mod listing;
pub mod names;
mod observe;
mod overreach;
mod permissions;
mod policy;
mod request;
mod resource;
mod seen;
mod sign;

use std::collections::BTreeMap;
use std::fmt;
use std::future::Future;
use std::sync::Arc;

use async_trait::async_trait;
use tokio_util::sync::CancellationToken;

use crate::byob::absence::{AbsentBucket, Server};
use crate::byob::change::Change;
use crate::byob::cloud::{CallerPermission, Intent, LookAt, Sighting};
use crate::byob::contents::Contents;
use crate::byob::http::{HttpRequest, HttpResponse};
use crate::byob::identity::{AccessKey, IdentityService};
use crate::byob::key_service::KeyService;
use crate::byob::marker::OwnedBucket;
use crate::byob::probe::{ProbeReply, ProbeStep, Signed};
use crate::byob::{Cloud, CloudError, CloudKind, Observed, Reading};
use crate::clouds::reading::reading;
use crate::clouds::retry::{PROPAGATION, Patience, Work, until_known};

use endpoints::Service;
use error::no_bucket;
use policy::FELT;
use seen::Seen;

pub use client::{Clients, Connection};
pub use credentials::CredentialSource;
pub use endpoints::{Endpoints, is_private};
pub use permissions::PERMISSIONS;

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
        patience: Patience::new(clients.connection().max_retries, stop),
        clients: Arc::clone(clients),
        place,
        seen: Seen::default(),
    })
}

/// One place, opened for one operation.
struct Gcp {
    clients: Arc<Clients>,
    place: Place,
    patience: Patience,
    seen: Seen,
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
    /// Repeats something about a bucket that this operation has made until the bucket is
    /// known everywhere.
    async fn once_made<T, Calling>(
        &self,
        call: &str,
        bucket: &str,
        mut attempt: impl FnMut() -> Calling,
    ) -> Result<T, CloudError>
    where
        Calling: Future<Output = Result<T, CloudError>>,
    {
        let waiting = |outcome: &Result<T, CloudError>| {
            let is_unknown = |error: &CloudError| no_bucket(error) || observe::is_half_there(error);
            self.made_here() && outcome.as_ref().is_err_and(is_unknown)
        };
        until_known(self.patience.stop(), call, bucket, waiting, || {
            // On the heap: these are whole chains of calls.
            let calling = Box::pin(attempt());
            async move { Ok(calling.await) }
        })
        .await?
    }
}

#[async_trait]
impl Cloud for Gcp {
    fn kind(&self) -> CloudKind {
        CloudKind::Gcp
    }

    fn key_service(&self) -> Option<&dyn KeyService> {
        // Keys are given there, and never made: key rings never go away.
        None
    }

    fn identity_service(&self) -> Option<&dyn IdentityService> {
        Some(self)
    }

    async fn look(&self, bucket: &str) -> Result<Option<Sighting>, CloudError> {
        observe::look(self, bucket).await
    }

    async fn observe(
        &self,
        bucket: &str,
        look_at: &LookAt,
    ) -> Result<Option<Observed>, CloudError> {
        self.once_made(resource::GET, bucket, || async {
            match observe::observe(self, bucket, look_at).await? {
                None if self.made_here() => Err(observe::not_known_yet(bucket)),
                observed => Ok(observed),
            }
        })
        .await
    }

    async fn create(
        &self,
        bucket: &str,
        tags: &BTreeMap<String, String>,
        settings: &[Change],
    ) -> Result<(), CloudError> {
        create::create(self, bucket, tags, settings).await
    }

    fn fresh(
        &self,
        bucket: &str,
        tags: &BTreeMap<String, String>,
        settings: &[Change],
    ) -> Option<Observed> {
        Some(observe::fresh(self, bucket, tags, settings))
    }

    async fn change(&self, bucket: &str, what: &Change) -> Result<(), CloudError> {
        let call = "storage.buckets.update";
        self.once_made(call, bucket, || change::change(self, bucket, what))
            .await
    }

    async fn contents(&self, bucket: &str, limit: u64) -> Result<Contents, CloudError> {
        contents::contents(self, bucket, limit).await
    }

    async fn refuse_locked(&self, bucket: &OwnedBucket) -> Result<(), CloudError> {
        contents::refuse_locked(self, bucket.name()).await
    }

    async fn default_retention(&self, bucket: &str) -> Result<Reading<String>, CloudError> {
        let found = match self.recall(bucket) {
            Some(found) => Ok(Some(found)),
            None => resource::get(self, bucket).await,
        };
        reading(
            found.map(|found| {
                found.map_or_else(String::new, |document| document.default_retention())
            }),
        )
    }

    async fn empty(&self, bucket: &OwnedBucket) -> Result<Contents, CloudError> {
        contents::empty(self, bucket.name()).await
    }

    async fn delete(&self, bucket: &OwnedBucket) -> Result<AbsentBucket, CloudError> {
        contents::delete(self, bucket.name()).await
    }

    async fn confirm_absence(&self, bucket: &str) -> Result<AbsentBucket, CloudError> {
        absence::confirm(self, bucket).await
    }

    /// Nothing else has to have a name.
    async fn confirm_room(&self, _: &str) -> Result<(), CloudError> {
        Ok(())
    }

    async fn confirm_place(&self, bucket: &str) -> Result<(), CloudError> {
        absence::confirm_project(self, bucket).await
    }

    fn shares_names(&self) -> bool {
        true
    }

    fn server(&self) -> Server {
        Server {
            endpoint: self.clients.address(Service::Storage),
            account: Some(self.place.project.clone()),
        }
    }

    async fn sign(
        &self,
        bucket: &str,
        step: &ProbeStep,
        key: Option<&AccessKey>,
    ) -> Result<Signed, CloudError> {
        sign::request(self, bucket, step, key).await
    }

    fn read_reply(&self, _: &ProbeStep, response: &HttpResponse) -> ProbeReply {
        sign::reply(response)
    }

    async fn send(&self, bucket: &str, request: &HttpRequest) -> Result<HttpResponse, CloudError> {
        let work = match request.method {
            "GET" | "HEAD" | "OPTIONS" => Work::Read,
            "DELETE" => Work::Write,
            _ => Work::Once,
        };
        self.patience
            .call(work, request.method, bucket, || {
                let web = self.clients.web();
                web.exchange(request.method, bucket, request)
            })
            .await
    }

    async fn unseen_versions(&self, bucket: &str, object: &str) -> Result<Vec<String>, CloudError> {
        listing::generations(self, bucket, object).await
    }

    async fn wait_again(&self, attempt: u32) -> Result<bool, CloudError> {
        let limit = if self.gave_access() {
            FELT
        } else {
            PROPAGATION
        };
        self.patience
            .wait_within(limit, attempt, "wait", "the bucket")
            .await
    }

    async fn overreach(&self, bucket: &str, key: &AccessKey) -> Result<Vec<String>, CloudError> {
        overreach::overreach(self, bucket, key).await
    }

    async fn caller_permissions(&self, _: &str, intent: Intent<'_>) -> Vec<CallerPermission> {
        caller::permissions(self, intent).await
    }
}
