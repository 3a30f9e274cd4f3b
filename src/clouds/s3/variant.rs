//! A cloud that speaks S3: what all of them do alike, and what sets one apart.

use std::collections::BTreeMap;
use std::fmt;

use async_trait::async_trait;

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

use super::error::not_known_yet;
use super::{S3, absence, contents, locks, overreach, sign};

/// What one cloud that speaks S3 does in its own way. All of it is [`Cloud`]'s; see there.
#[async_trait]
pub(in crate::clouds) trait Variant: fmt::Debug + Send + Sync {
    /// Which kind of place it is.
    const KIND: CloudKind;

    /// The protocol, as this operation speaks it.
    fn s3(&self) -> &S3;

    /// An error with what to do about it.
    async fn explain(&self, error: CloudError) -> CloudError;

    /// See [`Cloud::key_service`].
    fn key_service(&self) -> Option<&dyn KeyService>;

    /// See [`Cloud::identity_service`].
    fn identity_service(&self) -> Option<&dyn IdentityService>;

    /// See [`Cloud::look`].
    async fn look(&self, bucket: &str) -> Result<Option<Sighting>, CloudError>;

    /// See [`Cloud::observe`].
    async fn observe(&self, bucket: &str, look_at: &LookAt)
    -> Result<Option<Observed>, CloudError>;

    /// See [`Cloud::create`].
    async fn create(&self, bucket: &str, tags: &BTreeMap<String, String>)
    -> Result<(), CloudError>;

    /// See [`Cloud::fresh`].
    fn fresh(&self, bucket: &str, tags: &BTreeMap<String, String>) -> Option<Observed>;

    /// See [`Cloud::change`].
    async fn change(&self, bucket: &str, change: &Change) -> Result<(), CloudError>;

    /// Whether an error about a bucket is of something made a moment ago that this cloud does
    /// not know everywhere yet, the bucket itself apart.
    fn is_not_known_yet(&self, error: &CloudError) -> bool;

    /// The account that buckets are looked for in, where there are accounts: asked for, so
    /// that [`Variant::known_account`] knows it.
    async fn ask_account(&self);

    /// The account, where somebody has asked for it by now.
    fn known_account(&self) -> Option<String>;

    /// See [`Cloud::caller_permissions`].
    async fn caller_permissions(&self, bucket: &str, intent: Intent<'_>) -> Vec<CallerPermission>;
}

/// A bucket that this operation has made is asked for until it is known everywhere.
async fn observe_made(
    variant: &impl Variant,
    bucket: &str,
    look_at: &LookAt,
) -> Result<Option<Observed>, CloudError> {
    let (s3, call) = (variant.s3(), "s3:GetBucketTagging");
    let waiting = |error: &CloudError| variant.is_not_known_yet(error);
    s3.once_made(call, bucket, waiting, || async {
        match variant.observe(bucket, look_at).await? {
            None if s3.made_here() => Err(not_known_yet(call, bucket)),
            observed => Ok(observed),
        }
    })
    .await
}

/// The outcome, its error with what to do about it.
pub(in crate::clouds) async fn explained<T>(
    variant: &impl Variant,
    outcome: Result<T, CloudError>,
) -> Result<T, CloudError> {
    match outcome {
        Ok(value) => Ok(value),
        Err(error) => Err(variant.explain(error).await),
    }
}

#[async_trait]
impl<V: Variant> Cloud for V {
    fn kind(&self) -> CloudKind {
        V::KIND
    }

    fn key_service(&self) -> Option<&dyn KeyService> {
        Variant::key_service(self)
    }

    fn identity_service(&self) -> Option<&dyn IdentityService> {
        Variant::identity_service(self)
    }

    async fn look(&self, bucket: &str) -> Result<Option<Sighting>, CloudError> {
        explained(self, Variant::look(self, bucket).await).await
    }

    async fn observe(
        &self,
        bucket: &str,
        look_at: &LookAt,
    ) -> Result<Option<Observed>, CloudError> {
        explained(self, observe_made(self, bucket, look_at).await).await
    }

    async fn create(
        &self,
        bucket: &str,
        tags: &BTreeMap<String, String>,
        _: &[Change],
    ) -> Result<(), CloudError> {
        // The creating call takes tags at most.
        explained(self, Variant::create(self, bucket, tags).await).await
    }

    fn fresh(
        &self,
        bucket: &str,
        tags: &BTreeMap<String, String>,
        _: &[Change],
    ) -> Option<Observed> {
        Variant::fresh(self, bucket, tags)
    }

    async fn change(&self, bucket: &str, change: &Change) -> Result<(), CloudError> {
        let waiting = |error: &CloudError| self.is_not_known_yet(error);
        let changed = self
            .s3()
            .once_made("s3:PutBucket", bucket, waiting, || {
                Variant::change(self, bucket, change)
            })
            .await;
        explained(self, changed).await
    }

    async fn contents(&self, bucket: &str, limit: u64) -> Result<Contents, CloudError> {
        explained(self, contents::contents(self.s3(), bucket, limit).await).await
    }

    async fn refuse_locked(&self, bucket: &OwnedBucket) -> Result<(), CloudError> {
        explained(self, locks::refuse_locked(self.s3(), bucket.name()).await).await
    }

    async fn default_retention(&self, bucket: &str) -> Result<Reading<String>, CloudError> {
        explained(self, locks::default_retention(self.s3(), bucket).await).await
    }

    async fn empty(&self, bucket: &OwnedBucket) -> Result<Contents, CloudError> {
        explained(self, contents::empty(self.s3(), bucket.name()).await).await
    }

    async fn delete(&self, bucket: &OwnedBucket) -> Result<AbsentBucket, CloudError> {
        explained(self, contents::delete(self.s3(), bucket.name()).await).await
    }

    async fn confirm_absence(&self, bucket: &str) -> Result<AbsentBucket, CloudError> {
        self.ask_account().await;
        explained(self, absence::confirm(self.s3(), bucket).await).await
    }

    /// Nothing else has to have a name.
    async fn confirm_room(&self, _: &str) -> Result<(), CloudError> {
        Ok(())
    }

    /// A bucket is asked for at its endpoint and in its region.
    async fn confirm_place(&self, _: &str) -> Result<(), CloudError> {
        Ok(())
    }

    fn shares_names(&self) -> bool {
        true
    }

    fn server(&self) -> Server {
        Server {
            endpoint: self.s3().clients.address(),
            account: self.known_account(),
        }
    }

    async fn sign(
        &self,
        bucket: &str,
        step: &ProbeStep,
        key: Option<&AccessKey>,
    ) -> Result<Signed, CloudError> {
        let request = sign::request(&self.s3().clients, bucket, step, key).await;
        explained(self, request.map(Signed::Request)).await
    }

    fn read_reply(&self, _: &ProbeStep, response: &HttpResponse) -> ProbeReply {
        sign::reply(response)
    }

    async fn send(&self, bucket: &str, request: &HttpRequest) -> Result<HttpResponse, CloudError> {
        self.s3().web(request.method, bucket, request).await
    }

    /// The version before the newest one shows when that is deleted.
    async fn unseen_versions(&self, _: &str, _: &str) -> Result<Vec<String>, CloudError> {
        Ok(Vec::new())
    }

    async fn wait_again(&self, attempt: u32) -> Result<bool, CloudError> {
        self.s3().wait_again(attempt, "the bucket").await
    }

    async fn overreach(&self, bucket: &str, key: &AccessKey) -> Result<Vec<String>, CloudError> {
        explained(self, overreach::overreach(self.s3(), bucket, key).await).await
    }

    async fn caller_permissions(&self, bucket: &str, intent: Intent<'_>) -> Vec<CallerPermission> {
        Variant::caller_permissions(self, bucket, intent).await
    }
}
