//! The one door to a cloud: a trait, and what it is asked.
//!
//! A cloud translates and never decides. What a bucket must look like is decided in
//! this module's neighbours, so two clouds cannot disagree about a requirement.
//! `docs/dev/decisions/0005-cloud-trait.md` lists what each operation becomes on
//! each of the five clouds.

use std::collections::BTreeMap;
use std::fmt;
use std::time::SystemTime;

use async_trait::async_trait;

use super::absence::{AbsentBucket, Server};
use super::change::Change;
use super::contents::Contents;
use super::error::CloudError;
use super::http::{HttpRequest, HttpResponse};
use super::identity::{AccessKey, Identity, IdentityService};
use super::key_service::KeyService;
use super::kind::CloudKind;
use super::marker::{Generation, Marker, OwnedBucket};
use super::observed::{LifecycleRule, Observed, Reading};
use super::probe::{ProbeReply, ProbeStep, Signed};
use super::spec::{Encryption, Grants, KeySpec};

/// A first look at a name: one request, no settings.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Sighting {
    /// Our marker, if the bucket carries one.
    pub marker: Option<Marker>,
    /// When the bucket was made, where this look can tell.
    pub created: Option<SystemTime>,
    /// Generations of buckets of this name that were deleted and can be brought back, where the
    /// server tells of those: this one was made after them. Looked for where it has no marker.
    pub deleted: Vec<Generation>,
    /// The bucket's own tags, ours and the marker included; empty where the cloud
    /// has none.
    pub tags: BTreeMap<String, String>,
}

/// What an observation has to include. What nobody asks for costs no request.
#[derive(Clone, Debug, Default)]
pub struct LookAt {
    /// The origin of the W&B web application, for servers whose CORS rules belong to
    /// the whole server and can only be seen by asking as a browser does.
    pub origin: String,
    /// Read the encryption of the bucket, and tell its key in the spelling of this one
    /// where they are the same.
    pub encryption: Option<Encryption>,
    /// Compare the key with this.
    pub key: Option<KeySpec>,
    /// Compare the bucket's own access rules with this.
    pub grants: Option<Grants>,
    /// Our own lifecycle rules, as wanted and as the last apply has written them, for
    /// servers whose rules have no ids: what says exactly the same is ours.
    pub lifecycle: Vec<LifecycleRule>,
    /// Read this identity: does it exist, is it enabled, what may it do.
    pub identity: Option<Identity>,
    /// The identity's key, where its secret is known: a cloud may try it in place of
    /// reading a list of keys.
    pub access_key: Option<AccessKey>,
}

/// Whether the caller may make one of the calls that an apply makes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CallerPermission {
    /// The call in the cloud's own spelling.
    pub call: &'static str,
    /// `None` when nobody could tell.
    pub allowed: Option<bool>,
}

/// What an apply is going to do that takes rights of its own.
#[derive(Clone, Copy, Debug, Default)]
pub struct Intent<'a> {
    /// The key that is made, or used.
    pub key: Option<&'a KeySpec>,
    /// W&B's identity is made, with its key.
    pub makes_identity: bool,
    /// Objects are written, to try the bucket.
    pub probes: bool,
}

/// One place where a W&B bucket can live, opened for one operation of Terraform.
///
/// Reads run in parallel inside; writes are called one after another by the caller,
/// because servers lose or refuse settings of one bucket that change together. A cloud
/// whose settings belong to more than one bucket sees to it that they have one writer.
/// Every method may be called again after a failure or a crash: doing something twice has
/// the effect of doing it once. What only some clouds can do is in traits of their own.
#[async_trait]
pub trait Cloud: fmt::Debug + Send + Sync {
    /// Which kind of place this is.
    fn kind(&self) -> CloudKind;

    /// The service that makes keys to encrypt objects with, where this provider uses it.
    fn key_service(&self) -> Option<&dyn KeyService>;

    /// The service that makes identities for W&B and their access keys.
    fn identity_service(&self) -> Option<&dyn IdentityService>;

    /// Whether a bucket of this name is there, and whose marker it carries.
    ///
    /// `None` only when the server says that there is no such bucket, which is no proof:
    /// see [`Cloud::confirm_absence`]. A refusal to tell is an error of kind `Denied`,
    /// never `None`.
    async fn look(&self, bucket: &str) -> Result<Option<Sighting>, CloudError>;

    /// Reads every setting that some requirement looks at, in parallel, and writes
    /// nothing. `None` as in [`Cloud::look`].
    async fn observe(&self, bucket: &str, look_at: &LookAt)
    -> Result<Option<Observed>, CloudError>;

    /// Makes the bucket with `tags` (the marker among them), in the very call that
    /// makes it where the cloud can, else in the next one. `AlreadyExists` when it
    /// is there, also when it is the caller's own.
    ///
    /// `settings` are what the caller writes next. A cloud whose creating call takes some
    /// of them writes those there, and [`Cloud::fresh`] tells which.
    async fn create(
        &self,
        bucket: &str,
        tags: &BTreeMap<String, String>,
        settings: &[Change],
    ) -> Result<(), CloudError>;

    /// What a bucket of this cloud is like the moment that [`Cloud::create`] has made it
    /// with these; `None` where only the server can tell.
    fn fresh(
        &self,
        bucket: &str,
        tags: &BTreeMap<String, String>,
        settings: &[Change],
    ) -> Option<Observed>;

    /// Writes one setting. `NotSupported` when the server has shown that it does not
    /// know it; then nothing was written.
    async fn change(&self, bucket: &str, change: &Change) -> Result<(), CloudError>;

    /// Counts what the bucket holds and stops counting at `limit` entries.
    async fn contents(&self, bucket: &str, limit: u64) -> Result<Contents, CloudError>;

    /// Refuses with `Conflict` when something in the bucket is locked or under retention, as
    /// [`Cloud::empty`] would. Deletes nothing.
    async fn refuse_locked(&self, bucket: &OwnedBucket) -> Result<(), CloudError>;

    /// The retention that the bucket gives to every new object, in words; empty where it gives
    /// none, and `Unsupported` where the cloud knows no such thing. What is written there
    /// cannot be removed again.
    async fn default_retention(&self, bucket: &str) -> Result<Reading<String>, CloudError>;

    /// Deletes everything that the bucket holds, in batches, going on where an
    /// earlier run stopped. Refuses before the first deletion when something is
    /// locked or under retention. Returns how much went.
    async fn empty(&self, bucket: &OwnedBucket) -> Result<Contents, CloudError>;

    /// Deletes the bucket. Gone already is success, once that is proven; `Conflict` while it
    /// holds data.
    async fn delete(&self, bucket: &OwnedBucket) -> Result<AbsentBucket, CloudError>;

    /// Asked when something said that the bucket is not there: asks again in another way,
    /// and refuses with `Unexpected` when the answers contradict each other, or when nobody
    /// may ask.
    async fn confirm_absence(&self, bucket: &str) -> Result<AbsentBucket, CloudError>;

    /// Refuses with `Invalid` when a bucket that is there belongs to another place than the one
    /// that was opened, as far as the caller may ask. On a cloud whose buckets are asked for
    /// at their place there is none.
    async fn confirm_place(&self, bucket: &str) -> Result<(), CloudError>;

    /// Refuses, for a plan, where no bucket could be made of whose name [`Cloud::look`] has
    /// just said that nobody has it: what holds buckets may have a name as well.
    async fn confirm_room(&self, bucket: &str) -> Result<(), CloudError>;

    /// Whether a refusal to look at a bucket may be about somebody else's of that name: names are
    /// the whole server's, or the whole world's, and not the account's alone.
    fn shares_names(&self) -> bool;

    /// Where this looks for buckets, as far as it is known by now. Sends nothing.
    fn server(&self) -> Server;

    /// The request that does one step of a probe with W&B's `key`, or with the caller's
    /// own credentials where there is none.
    async fn sign(
        &self,
        bucket: &str,
        step: &ProbeStep,
        key: Option<&AccessKey>,
    ) -> Result<Signed, CloudError>;

    /// What an answer to a step of a probe says in this cloud's language.
    fn read_reply(&self, step: &ProbeStep, response: &HttpResponse) -> ProbeReply;

    /// Sends a request as a browser would, with the cloud's own trust and proxies and
    /// without its credentials. Every answer is a success, a refusal too.
    async fn send(&self, bucket: &str, request: &HttpRequest) -> Result<HttpResponse, CloudError>;

    /// The versions of one object that are still there once nobody sees the object any more.
    /// Empty on a cloud that shows the version before when the newest one is deleted.
    async fn unseen_versions(&self, bucket: &str, object: &str) -> Result<Vec<String>, CloudError>;

    /// Waits before something is asked again that was made a moment ago and may not be known
    /// everywhere yet. `attempt` counts from 0; false when that has gone on for too long.
    async fn wait_again(&self, attempt: u32) -> Result<bool, CloudError>;

    /// Tries what `key` must *not* be able to do: change who has access to the
    /// bucket, and look into another bucket. Nothing is changed even when the
    /// attempt is let through. Returns what it could do, empty when all is well.
    async fn overreach(&self, bucket: &str, key: &AccessKey) -> Result<Vec<String>, CloudError>;

    /// Whether the caller may make a bucket of this name and do what is intended, as far as
    /// the cloud tells without trying. Empty where nothing can be said. Writes nothing.
    async fn caller_permissions(&self, bucket: &str, intent: Intent<'_>) -> Vec<CallerPermission>;
}
