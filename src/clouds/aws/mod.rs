//! Amazon Web Services: S3 with KMS, IAM and STS.
//!
//! What the S3 protocol shares with other servers is in [`crate::clouds::s3`]; here is
//! what only Amazon has: access documents of buckets and keys, the block on public
//! access, object ownership, keys, and users.

mod advice;
mod change;
mod client;
mod credentials;
mod identity;
mod key;
mod observe;
pub mod partition;
mod permissions;
pub mod policy;
mod preflight;

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, OnceLock};

use async_trait::async_trait;
use tokio_util::sync::CancellationToken;

use crate::byob::cloud::{
    Cloud, CloudKind, Contents, KeyEnd, LookAt, OwnedBucket, Right, SecretUrl, Sighting,
};
use crate::byob::diff::Change;
use crate::byob::identity::{AccessKey, Identity};
use crate::byob::marker::{Generation, Marker};
use crate::byob::observed::Observed;
use crate::byob::probe::{ProbeRequest, WebAnswer, WebRequest};
use crate::byob::spec::KeySpec;
use crate::byob::{CloudError, CloudErrorKind};
use crate::clouds::retry::Patience;
use crate::clouds::s3::error::no_bucket;
use crate::clouds::s3::iam::{Iam, is_unknown};
use crate::clouds::s3::{Dialect, S3, contents, locks, look, sign};

use advice::names_no_principal;

pub use client::{Clients, Endpoints, Settings};
pub use credentials::{AssumeRole, Source, WebIdentity, default_region};
pub use permissions::PERMISSIONS;

/// Opens the account and region of `clients` for one operation, which ends with `stop`.
pub fn open(clients: &Arc<Clients>, stop: CancellationToken) -> Arc<dyn Cloud> {
    let patience = Patience::new(clients.settings().max_retries, stop.clone());
    Arc::new(Aws {
        s3: S3::new(clients.s3(), patience, Dialect::Amazon),
        clients: Arc::clone(clients),
        stop,
        made_here: AtomicBool::new(false),
        own_key: OnceLock::new(),
    })
}

/// One account and region, opened for one operation.
struct Aws {
    clients: Arc<Clients>,
    s3: S3,
    stop: CancellationToken,
    /// This operation has made the bucket, so that "no such bucket" means "not known
    /// everywhere yet".
    made_here: AtomicBool,
    /// The bucket's own key, which this operation has made or found.
    own_key: OnceLock<String>,
}

impl fmt::Debug for Aws {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.debug_struct("Aws")
            .field("clients", &self.clients)
            .finish_non_exhaustive()
    }
}

impl Aws {
    fn iam(&self) -> Iam<'_> {
        Iam {
            s3: &self.s3,
            client: self.clients.iam(),
        }
    }

    /// A refusal with what to do about it: the missing action and the caller's name, or
    /// what its code asks for.
    async fn told<T>(&self, outcome: Result<T, CloudError>) -> Result<T, CloudError> {
        let error = match outcome {
            // No server has refused them: they were not found, or not to be had.
            Err(error) if error.kind == CloudErrorKind::Unauthenticated && error.code.is_none() => {
                return Err(error.hint(credentials::ADVICE));
            }
            Err(error) if error.hint.is_none() => error,
            outcome => return outcome,
        };
        if let Some(advice) = advice::about(&error) {
            return Err(error.hint(advice));
        }
        if error.kind != CloudErrorKind::Denied {
            return Err(error);
        }
        let caller = match self.clients.caller(&self.s3).await {
            Ok(caller) => caller.arn.clone(),
            Err(_) => "the caller".to_owned(),
        };
        let hint = format!(
            "Allow {} to {caller}, for {:?}; an explicit deny, a permissions boundary or an \
             organization's policy may be in the way as well.",
            error.call, error.target
        );
        Err(error.hint(hint))
    }

    /// Who asks, when it is one of the accounts that the user allows.
    async fn allowed(&self) -> Result<(), CloudError> {
        let allowed = &self.clients.settings().allowed_account_ids;
        if allowed.is_empty() {
            return Ok(());
        }
        let caller = self.clients.caller(&self.s3).await?;
        if allowed.contains(&caller.account) {
            return Ok(());
        }
        Err(CloudError::new(
            CloudErrorKind::Invalid,
            "sts:GetCallerIdentity",
            &caller.arn,
            format!(
                "the credentials belong to account {}, and allowed_account_ids has {}",
                caller.account,
                allowed.iter().cloned().collect::<Vec<_>>().join(", ")
            ),
        )
        .hint("Use credentials of the right account, or add this one to allowed_account_ids."))
    }

    /// Repeats a call about a bucket until what was made a moment ago is known.
    async fn once_known<T, Calling>(
        &self,
        call: &str,
        bucket: &str,
        attempt: impl FnMut() -> Calling,
    ) -> Result<T, CloudError>
    where
        Calling: Future<Output = Result<T, CloudError>>,
    {
        let made_here = self.made_here.load(Ordering::Relaxed);
        let waiting =
            |error: &CloudError| (made_here && no_bucket(error)) || names_no_principal(error);
        self.s3.once_known(call, bucket, waiting, attempt).await
    }
}

#[async_trait]
impl Cloud for Aws {
    fn kind(&self) -> CloudKind {
        CloudKind::Aws
    }

    fn location(&self) -> String {
        self.clients.settings().region.clone()
    }

    async fn look(&self, bucket: &str) -> Result<Option<Sighting>, CloudError> {
        self.allowed().await?;
        let outcome = look::look(&self.s3, bucket).await;
        self.told(outcome.map_err(|error| observe::not_ours(error, bucket)))
            .await
    }

    async fn observe(
        &self,
        bucket: &str,
        look_at: &LookAt,
    ) -> Result<Option<Observed>, CloudError> {
        self.allowed().await?;
        let outcome = self
            .once_known("s3:GetBucketTagging", bucket, || async {
                match observe::observe(self, bucket, look_at).await? {
                    None if self.made_here.load(Ordering::Relaxed) => Err(observe::unknown(bucket)),
                    observed => Ok(observed),
                }
            })
            .await;
        self.told(outcome).await
    }

    async fn create(
        &self,
        bucket: &str,
        tags: &BTreeMap<String, String>,
    ) -> Result<(), CloudError> {
        let outcome = change::create(self, bucket, tags).await;
        if outcome.is_ok() {
            self.made_here.store(true, Ordering::Relaxed);
        }
        self.told(outcome).await
    }

    fn fresh(&self, bucket: &str, tags: &BTreeMap<String, String>) -> Option<Observed> {
        Some(observe::fresh(self, bucket, tags))
    }

    async fn change(&self, bucket: &str, change: &Change) -> Result<(), CloudError> {
        let outcome = self
            .once_known("s3:PutBucket", bucket, || {
                change::change(self, bucket, change)
            })
            .await;
        self.told(outcome).await
    }

    async fn put_key(
        &self,
        bucket: &str,
        key: &KeySpec,
        marker: &Marker,
    ) -> Result<String, CloudError> {
        let outcome = self
            .once_known("kms:PutKeyPolicy", bucket, || {
                key::put(self, bucket, key, marker)
            })
            .await;
        if let Ok(name) = &outcome {
            let _ = self.own_key.set(name.clone());
        }
        self.told(outcome).await
    }

    async fn finish_key(&self, bucket: &str, key: &str, marker: &Marker) -> Result<(), CloudError> {
        let _ = bucket;
        let outcome = key::mark(self, key, marker).await;
        self.told(outcome).await
    }

    async fn remove_key(
        &self,
        bucket: &str,
        key: Option<&str>,
        generation: &Generation,
        days: u32,
    ) -> Result<KeyEnd, CloudError> {
        let outcome = key::remove(self, bucket, key, generation, days).await;
        self.told(outcome).await
    }

    async fn key_left_behind(
        &self,
        key: &str,
        generation: &Generation,
    ) -> Result<Option<String>, CloudError> {
        key::outliving(self, key, generation).await
    }

    async fn put_identity(&self, identity: &Identity) -> Result<(), CloudError> {
        let outcome = identity::put(&self.iam(), identity).await;
        self.told(outcome).await
    }

    async fn make_key(&self, identity: &Identity) -> Result<AccessKey, CloudError> {
        let iam = self.iam();
        let outcome = self
            .s3
            .once_known("iam:CreateAccessKey", &identity.name, is_unknown, || {
                iam.make_key(identity)
            })
            .await;
        self.told(outcome).await
    }

    async fn remove_keys(
        &self,
        identity: &Identity,
        keep: &BTreeSet<String>,
    ) -> Result<(), CloudError> {
        let outcome = self.iam().remove_keys(identity, keep).await;
        self.told(outcome).await
    }

    async fn remove_identity(&self, identity: &Identity) -> Result<(), CloudError> {
        let outcome = identity::remove(&self.iam(), identity).await;
        self.told(outcome).await
    }

    async fn contents(&self, bucket: &str, limit: u64) -> Result<Contents, CloudError> {
        let outcome = contents::contents(&self.s3, bucket, limit).await;
        self.told(outcome).await
    }

    async fn can_empty(&self, bucket: &OwnedBucket) -> Result<(), CloudError> {
        let outcome = locks::refuse_locked(&self.s3, bucket.name()).await;
        self.told(outcome).await
    }

    async fn claim_key(&self, bucket: &str, key: &str) -> Result<(), CloudError> {
        let outcome = key::claim(self, bucket, key).await;
        self.told(outcome).await
    }

    async fn empty(&self, bucket: &OwnedBucket) -> Result<Contents, CloudError> {
        let outcome = contents::empty(&self.s3, bucket.name()).await;
        self.told(outcome).await
    }

    async fn delete(&self, bucket: &OwnedBucket) -> Result<(), CloudError> {
        let outcome = contents::delete(&self.s3, bucket.name()).await;
        self.told(outcome).await
    }

    async fn sign(
        &self,
        bucket: &str,
        request: &ProbeRequest,
        key: Option<&AccessKey>,
    ) -> Result<SecretUrl, CloudError> {
        sign::address(&self.s3.clients, bucket, request, key).await
    }

    async fn ask(&self, bucket: &str, request: &WebRequest) -> Result<WebAnswer, CloudError> {
        self.s3.web(request.method, bucket, request).await
    }

    async fn overreach(&self, bucket: &str, key: &AccessKey) -> Result<Vec<String>, CloudError> {
        let outcome = sign::overreach(&self.s3, bucket, key).await;
        self.told(outcome).await
    }

    async fn rights(&self, bucket: &str, key: Option<&KeySpec>) -> Vec<Right> {
        preflight::rights(self, bucket, key).await
    }
}
