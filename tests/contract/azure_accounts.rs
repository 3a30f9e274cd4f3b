//! The cloud under test where each bucket has a storage account of its own, as the provider
//! makes them: a place names one account, and the promises open a cloud before they name a
//! bucket.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::sync::{Arc, Mutex, PoisonError};

use async_trait::async_trait;
use tokio_util::sync::CancellationToken;
use wandb_provider::byob::absence::{AbsentBucket, Server};
use wandb_provider::byob::change::Change;
use wandb_provider::byob::cloud::{CallerPermission, Cloud, Intent, LookAt, Sighting};
use wandb_provider::byob::contents::Contents;
use wandb_provider::byob::http::{HttpRequest, HttpResponse};
use wandb_provider::byob::identity::{AccessKey, Identity, IdentityService};
use wandb_provider::byob::key_service::KeyService;
use wandb_provider::byob::marker::{KEY, OwnedBucket};
use wandb_provider::byob::probe::{ProbeReply, ProbeStep, Signed};
use wandb_provider::byob::{CloudError, CloudKind, Generation, Observed, Reading};
use wandb_provider::clouds::azure::{Clients, Place, open};

/// The marker of a bucket for which a promise names none. An account belongs to the bucket
/// whose marker it carries, so the provider writes tags with a marker always.
pub const MARKER: &str = "ready-00c0ffee";

type PlaceOf = fn(&str) -> Place;
type Tags = BTreeMap<String, String>;

/// Opens a bucket at its place once it is named, and once only: a cloud keeps in mind what it
/// has seen.
pub struct Accounts {
    clients: Arc<Clients>,
    place: PlaceOf,
    stop: CancellationToken,
    opened: Mutex<BTreeMap<String, Arc<dyn Cloud>>>,
}

impl Accounts {
    pub fn new(clients: Arc<Clients>, place: PlaceOf, stop: &CancellationToken) -> Self {
        Self {
            clients,
            place,
            stop: stop.clone(),
            opened: Mutex::default(),
        }
    }

    fn of(&self, bucket: &str) -> Arc<dyn Cloud> {
        let mut opened = self.opened.lock().unwrap_or_else(PoisonError::into_inner);
        let cloud = opened
            .entry(bucket.to_owned())
            .or_insert_with(|| open(&self.clients, (self.place)(bucket), self.stop.clone()));
        Arc::clone(cloud)
    }
}

fn marked(tags: &Tags) -> Tags {
    let mut tags = tags.clone();
    tags.entry(KEY.to_owned()).or_insert(MARKER.to_owned());
    tags
}

fn service(cloud: &Arc<dyn Cloud>) -> &dyn IdentityService {
    cloud.identity_service().expect("a service for identities")
}

impl fmt::Debug for Accounts {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let opened = self.opened.lock().unwrap_or_else(PoisonError::into_inner);
        out.debug_tuple("Accounts")
            .field(&self.clients)
            .field(&*opened)
            .finish()
    }
}

#[async_trait]
impl Cloud for Accounts {
    fn kind(&self) -> CloudKind {
        self.of("any").kind()
    }

    fn key_service(&self) -> Option<&dyn KeyService> {
        None
    }

    fn identity_service(&self) -> Option<&dyn IdentityService> {
        Some(self)
    }

    async fn look(&self, bucket: &str) -> Result<Option<Sighting>, CloudError> {
        self.of(bucket).look(bucket).await
    }

    async fn observe(&self, bucket: &str, at: &LookAt) -> Result<Option<Observed>, CloudError> {
        self.of(bucket).observe(bucket, at).await
    }

    async fn create(
        &self,
        bucket: &str,
        tags: &Tags,
        settings: &[Change],
    ) -> Result<(), CloudError> {
        let cloud = self.of(bucket);
        cloud.create(bucket, &marked(tags), settings).await
    }

    fn fresh(&self, bucket: &str, tags: &Tags, settings: &[Change]) -> Option<Observed> {
        self.of(bucket).fresh(bucket, &marked(tags), settings)
    }

    async fn change(&self, bucket: &str, change: &Change) -> Result<(), CloudError> {
        let cloud = self.of(bucket);
        match change {
            Change::Tags(tags) => cloud.change(bucket, &Change::Tags(marked(tags))).await,
            change => cloud.change(bucket, change).await,
        }
    }

    async fn contents(&self, bucket: &str, limit: u64) -> Result<Contents, CloudError> {
        self.of(bucket).contents(bucket, limit).await
    }

    async fn refuse_locked(&self, bucket: &OwnedBucket) -> Result<(), CloudError> {
        self.of(bucket.name()).refuse_locked(bucket).await
    }

    async fn default_retention(&self, bucket: &str) -> Result<Reading<String>, CloudError> {
        self.of(bucket).default_retention(bucket).await
    }

    async fn empty(&self, bucket: &OwnedBucket) -> Result<Contents, CloudError> {
        self.of(bucket.name()).empty(bucket).await
    }

    async fn delete(&self, bucket: &OwnedBucket) -> Result<AbsentBucket, CloudError> {
        self.of(bucket.name()).delete(bucket).await
    }

    async fn confirm_absence(&self, bucket: &str) -> Result<AbsentBucket, CloudError> {
        self.of(bucket).confirm_absence(bucket).await
    }

    async fn confirm_room(&self, bucket: &str) -> Result<(), CloudError> {
        self.of(bucket).confirm_room(bucket).await
    }

    async fn confirm_place(&self, bucket: &str) -> Result<(), CloudError> {
        self.of(bucket).confirm_place(bucket).await
    }

    fn shares_names(&self) -> bool {
        self.of("any").shares_names()
    }

    fn server(&self) -> Server {
        self.of("any").server()
    }

    async fn sign(
        &self,
        bucket: &str,
        step: &ProbeStep,
        key: Option<&AccessKey>,
    ) -> Result<Signed, CloudError> {
        self.of(bucket).sign(bucket, step, key).await
    }

    fn read_reply(&self, step: &ProbeStep, response: &HttpResponse) -> ProbeReply {
        self.of("any").read_reply(step, response)
    }

    async fn send(&self, bucket: &str, request: &HttpRequest) -> Result<HttpResponse, CloudError> {
        self.of(bucket).send(bucket, request).await
    }

    async fn unseen_versions(&self, bucket: &str, object: &str) -> Result<Vec<String>, CloudError> {
        self.of(bucket).unseen_versions(bucket, object).await
    }

    async fn wait_again(&self, attempt: u32) -> Result<bool, CloudError> {
        self.of("any").wait_again(attempt).await
    }

    async fn overreach(&self, bucket: &str, key: &AccessKey) -> Result<Vec<String>, CloudError> {
        self.of(bucket).overreach(bucket, key).await
    }

    async fn caller_permissions(&self, bucket: &str, intent: Intent<'_>) -> Vec<CallerPermission> {
        self.of(bucket).caller_permissions(bucket, intent).await
    }
}

#[async_trait]
impl IdentityService for Accounts {
    fn identity_of(&self, bucket: &str, path: Option<&str>, generation: &Generation) -> Identity {
        service(&self.of(bucket)).identity_of(bucket, path, generation)
    }

    async fn put_identity(&self, identity: &Identity, is_new: bool) -> Result<(), CloudError> {
        let cloud = self.of(&identity.rights.bucket);
        service(&cloud).put_identity(identity, is_new).await
    }

    fn chooses_access_key_ids(&self) -> bool {
        false
    }

    fn makes_access_keys(&self) -> bool {
        false
    }

    async fn create_access_key(&self, identity: &Identity) -> Result<AccessKey, CloudError> {
        let cloud = self.of(&identity.rights.bucket);
        service(&cloud).create_access_key(identity).await
    }

    async fn delete_access_keys(
        &self,
        identity: &Identity,
        keep: &BTreeSet<String>,
    ) -> Result<(), CloudError> {
        let cloud = self.of(&identity.rights.bucket);
        service(&cloud).delete_access_keys(identity, keep).await
    }

    async fn survives(&self, identity: &Identity) -> Result<bool, CloudError> {
        let cloud = self.of(&identity.rights.bucket);
        service(&cloud).survives(identity).await
    }

    async fn mark_identity(&self, identity: &Identity) -> Result<(), CloudError> {
        let cloud = self.of(&identity.rights.bucket);
        service(&cloud).mark_identity(identity).await
    }

    async fn withdraw_identity(&self, identity: &Identity) -> Result<(), CloudError> {
        let cloud = self.of(&identity.rights.bucket);
        service(&cloud).withdraw_identity(identity).await
    }

    async fn delete_identity(&self, identity: &Identity) -> Result<(), CloudError> {
        let cloud = self.of(&identity.rights.bucket);
        service(&cloud).delete_identity(identity).await
    }
}
