//! Azure: a container of Blob Storage is the bucket, and the storage account around it has most
//! of its settings.
//!
//! Accounts, settings, identities and roles are Azure Resource Manager's; what is in a
//! container, and the probe, is the account's own service for blobs. An account that was made
//! here is this bucket's alone; in another's, settings are merged and never taken away.

mod absence;
mod account;
mod caller;
mod change;
mod client;
mod container;
mod contents;
mod create;
mod credentials;
mod data;
mod deletion;
mod endpoints;
mod error;
mod federation;
mod identity;
mod key;
mod listing;
mod locks;
pub mod names;
mod observe;
mod permissions;
mod policy;
mod request;
mod roles;
mod sas;
mod seen;
mod service;
mod sign;
mod trial;

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::sync::Arc;
use std::time::Duration;

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
use crate::clouds::retry::{Patience, Work};

use seen::Seen;

pub use client::{Clients, Connection};
pub use credentials::{Assertion, CredentialSource, Remember};
pub use endpoints::{ACCOUNT, Endpoints, Environment, blob_address};
pub use federation::MOST as MOST_CREDENTIALS;
pub use observe::argument;
pub use permissions::PERMISSIONS;

/// How long a role may take until it has an effect everywhere.
///
/// Source: Azure's page on troubleshooting role assignments, which says up to ten minutes.
const EFFECT: Duration = Duration::from_secs(600);

/// What is between the names of a list, in an observation.
pub const LIST: &str = ", ";

/// How W&B gets in.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Entry {
    /// By a key of the account, of this name.
    Key(String),
    /// As a managed identity that trusts the tokens of the instance.
    Identity(Federation),
    /// As a principal of its own.
    Principal,
}

/// Whose tokens a managed identity trusts.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Federation {
    /// The issuer of the instance's cluster, byte for byte.
    pub issuer: String,
    /// The namespace of the instance.
    pub namespace: String,
    /// The service accounts of the instance.
    pub service_accounts: BTreeSet<String>,
}

/// Where a bucket is, and what it cannot be made otherwise later.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Place {
    /// The subscription, by its id.
    pub subscription: String,
    /// The resource group.
    pub group: String,
    /// The storage account.
    pub account: String,
    /// Where an account is made; `None` for where its group is.
    pub location: Option<String>,
    /// The account is made for this bucket.
    pub makes_account: bool,
    /// How an account keeps its copies: `ZRS` and the like.
    pub replication: String,
    /// The oldest TLS that an account takes: `TLS1_2`.
    pub min_tls_version: String,
    /// Whether an account takes keys.
    pub shared_key_enabled: bool,
    /// How W&B gets in.
    pub entry: Entry,
}

impl Place {
    /// The full name of the account.
    fn account_id(&self) -> String {
        names::account_id(&self.subscription, &self.group, &self.account)
    }

    /// The full name of the resource group.
    fn group_id(&self) -> String {
        format!(
            "/subscriptions/{}/resourceGroups/{}",
            self.subscription, self.group
        )
    }

    /// The name of the key that W&B has, if it comes by one.
    fn key_name(&self) -> Option<&str> {
        match &self.entry {
            Entry::Key(name) => Some(name),
            Entry::Identity(_) | Entry::Principal => None,
        }
    }
}

/// Opens a place with `clients` for one operation, which ends with `stop`.
pub fn open(clients: &Arc<Clients>, place: Place, stop: CancellationToken) -> Arc<dyn Cloud> {
    Arc::new(Azure {
        patience: Patience::new(clients.connection().max_retries, stop),
        clients: Arc::clone(clients),
        place,
        seen: Seen::default(),
    })
}

/// One place, opened for one operation.
struct Azure {
    clients: Arc<Clients>,
    place: Place,
    patience: Patience,
    seen: Seen,
}

impl fmt::Debug for Azure {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.debug_struct("Azure")
            .field("clients", &self.clients)
            .field("place", &self.place)
            .finish_non_exhaustive()
    }
}

#[async_trait]
impl Cloud for Azure {
    fn kind(&self) -> CloudKind {
        CloudKind::Azure
    }

    fn key_service(&self) -> Option<&dyn KeyService> {
        // Azure's own keys encrypt every blob.
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
        observe::observe(self, bucket, look_at).await
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
        create::fresh(self, bucket, tags, settings)
    }

    async fn change(&self, bucket: &str, what: &Change) -> Result<(), CloudError> {
        change::change(self, bucket, what).await
    }

    async fn contents(&self, bucket: &str, limit: u64) -> Result<Contents, CloudError> {
        contents::contents(self, bucket, limit).await
    }

    async fn refuse_locked(&self, bucket: &OwnedBucket) -> Result<(), CloudError> {
        contents::refuse_locked(self, bucket).await
    }

    async fn default_retention(&self, bucket: &str) -> Result<Reading<String>, CloudError> {
        let found = match self.seen.container(bucket) {
            Some(found) => Ok(found),
            None => container::get(self, bucket).await,
        };
        reading(found.map(|container| container.retention()))
    }

    async fn empty(&self, bucket: &OwnedBucket) -> Result<Contents, CloudError> {
        contents::empty(self, bucket).await
    }

    async fn delete(&self, bucket: &OwnedBucket) -> Result<AbsentBucket, CloudError> {
        deletion::delete(self, bucket).await
    }

    async fn confirm_absence(&self, bucket: &str) -> Result<AbsentBucket, CloudError> {
        absence::confirm(self, bucket).await
    }

    /// Of an account that is to be made for the bucket.
    async fn confirm_room(&self, _: &str) -> Result<(), CloudError> {
        account::confirm_room(self).await
    }

    async fn confirm_place(&self, bucket: &str) -> Result<(), CloudError> {
        absence::confirm_place(self, bucket).await
    }

    /// A container is asked for in its account, whose name is the world's.
    fn shares_names(&self) -> bool {
        false
    }

    fn server(&self) -> Server {
        Server {
            endpoint: self.clients.manager(),
            account: Some(self.place.subscription.clone()),
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
            _ => Work::Write,
        };
        self.patience
            .call(work, request.method, bucket, || {
                let web = self.clients.web();
                web.exchange(request.method, bucket, request)
            })
            .await
    }

    async fn unseen_versions(&self, bucket: &str, object: &str) -> Result<Vec<String>, CloudError> {
        listing::versions(self, bucket, object).await
    }

    async fn wait_again(&self, attempt: u32) -> Result<bool, CloudError> {
        self.patience
            .wait_again(attempt, "wait", "the bucket")
            .await
    }

    /// A key of an account is the key to all of it, which W&B's own instructions ask for; an
    /// identity's rights are compared as they are written.
    async fn overreach(&self, _: &str, _: &AccessKey) -> Result<Vec<String>, CloudError> {
        Ok(Vec::new())
    }

    async fn caller_permissions(&self, _: &str, _: Intent<'_>) -> Vec<CallerPermission> {
        caller::permissions(self).await
    }
}
