//! The one door to a cloud: a trait, what it may answer, and how it may fail.
//!
//! A cloud translates and never decides. What a bucket must look like is decided in
//! this module's neighbours, so two clouds cannot disagree about a requirement.
//! `docs/dev/decisions/0005-cloud-trait.md` lists what each operation becomes on
//! each of the five clouds.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::time::SystemTime;

use async_trait::async_trait;
use secrecy::{ExposeSecret, SecretString};

use super::diff::Change;
use super::identity::{AccessKey, Identity};
use super::marker::Marker;
use super::observed::Observed;
use super::probe::{ProbeRequest, WebAnswer, WebRequest};
use super::spec::{Grants, KeySpec};

/// The kinds of place where a bucket can live.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum CloudKind {
    /// Amazon Web Services.
    Aws,
    /// Google Cloud.
    Gcp,
    /// Microsoft Azure.
    Azure,
    /// A server that speaks Amazon's S3 protocol: MinIO, SeaweedFS, Ceph and others.
    S3Compatible,
    /// CoreWeave AI Object Storage.
    CoreWeave,
}

impl CloudKind {
    /// Every kind, in the order of the documentation.
    pub const ALL: [Self; 5] = [
        Self::Aws,
        Self::Gcp,
        Self::Azure,
        Self::S3Compatible,
        Self::CoreWeave,
    ];

    /// The name of the block in a configuration, and the first part of an import id.
    pub fn block(self) -> &'static str {
        match self {
            Self::Aws => "aws",
            Self::Gcp => "gcp",
            Self::Azure => "azure",
            Self::S3Compatible => "s3_compatible",
            Self::CoreWeave => "coreweave",
        }
    }

    /// The name that W&B's API gives to this kind of storage.
    pub fn wandb_provider(self) -> &'static str {
        match self {
            Self::Aws => "AWS",
            Self::Gcp => "GCP",
            Self::Azure => "AZURE",
            Self::S3Compatible => "MINIO",
            Self::CoreWeave => "COREWEAVE",
        }
    }

    /// What people call it in a sentence.
    pub fn title(self) -> &'static str {
        match self {
            Self::Aws => "AWS",
            Self::Gcp => "Google Cloud",
            Self::Azure => "Azure",
            Self::S3Compatible => "S3-compatible storage",
            Self::CoreWeave => "CoreWeave",
        }
    }
}

impl fmt::Display for CloudKind {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(self.title())
    }
}

/// A bucket that this provider may delete from.
///
/// Invariant: made only by [`OwnedBucket::confirm`], which has compared the marker
/// that stands on the bucket now with the generation of the object in the state.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OwnedBucket(String);

impl OwnedBucket {
    /// The bucket, if the marker found on it belongs to `generation`.
    ///
    /// Without a marker nothing is confirmed: a bucket that lost its marker may be
    /// somebody else's by now.
    pub fn confirm(
        bucket: &str,
        found: Option<&Marker>,
        generation: &super::Generation,
    ) -> Option<Self> {
        found
            .filter(|marker| &marker.generation == generation)
            .map(|_| Self(bucket.to_owned()))
    }

    /// The bucket's name.
    pub fn name(&self) -> &str {
        &self.0
    }
}

/// A first look at a name: one request, no settings.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Sighting {
    /// Our marker, if the bucket carries one.
    pub marker: Option<Marker>,
    /// When the bucket was made, where this look can tell.
    pub created: Option<SystemTime>,
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
    /// Read the encryption of the bucket.
    pub encryption: bool,
    /// Compare the key with this.
    pub key: Option<KeySpec>,
    /// Compare the bucket's own access rules with this.
    pub grants: Option<Grants>,
    /// Read this identity: does it exist, is it enabled, what may it do.
    pub identity: Option<Identity>,
    /// The identity's key, where its secret is known: a cloud may try it in place of
    /// reading a list of keys.
    pub access_key: Option<AccessKey>,
}

/// How much a bucket holds, counted up to a limit.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Contents {
    /// Current objects.
    pub objects: u64,
    /// Versions that are not current.
    pub versions: u64,
    /// Delete markers.
    pub delete_markers: u64,
    /// Uploads that were begun and neither finished nor aborted.
    pub uploads: u64,
    /// Bytes of all counted objects and versions.
    pub bytes: u64,
    /// The counting stopped at the limit: there is more.
    pub at_least: bool,
}

impl Contents {
    /// Whether deleting the bucket now would lose nothing.
    pub fn is_empty(&self) -> bool {
        self.objects + self.versions + self.delete_markers + self.uploads == 0
    }
}

impl fmt::Display for Contents {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let parts: Vec<String> = [
            (self.objects, "object"),
            (self.versions, "noncurrent version"),
            (self.delete_markers, "delete marker"),
            (self.uploads, "unfinished upload"),
        ]
        .iter()
        .filter(|(count, _)| *count > 0)
        .map(|(count, noun)| format!("{count} {noun}{}", if *count == 1 { "" } else { "s" }))
        .collect();
        let prefix = if self.at_least { "at least " } else { "" };
        match parts.split_last() {
            None => out.write_str("nothing"),
            Some((only, [])) => write!(out, "{prefix}{only} ({} bytes)", self.bytes),
            Some((last, rest)) => write!(
                out,
                "{prefix}{} and {last} ({} bytes)",
                rest.join(", "),
                self.bytes
            ),
        }
    }
}

/// Whether the caller may make one of the calls that an apply makes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Right {
    /// The call in the cloud's own spelling.
    pub call: &'static str,
    /// `None` when nobody could tell.
    pub allowed: Option<bool>,
}

/// What became of a key that was given up.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum KeyEnd {
    /// There was none of ours.
    None,
    /// It will be deleted after the days that were asked for.
    Scheduled {
        /// The key's full name.
        key: String,
    },
    /// It stays, for this reason.
    Kept {
        /// The key's full name.
        key: String,
        /// Why, as the end of a sentence.
        why: String,
    },
}

/// An address that carries a signature. It cannot be printed.
#[derive(Clone)]
pub struct SecretUrl(SecretString);

impl SecretUrl {
    /// Wraps a signed address.
    pub fn new(url: impl Into<String>) -> Self {
        Self(SecretString::from(url.into()))
    }

    /// The address itself, for the request and nothing else.
    pub fn expose(&self) -> &str {
        self.0.expose_secret()
    }
}

impl fmt::Debug for SecretUrl {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str("SecretUrl(***)")
    }
}

/// What a caller can act on when a cloud refuses.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CloudErrorKind {
    /// The thing is not there.
    NotFound,
    /// A thing of that name is there already.
    AlreadyExists,
    /// The caller is known and may not do this.
    Denied,
    /// The caller's credentials are wrong, expired or missing.
    Unauthenticated,
    /// Another change is under way, or the thing still holds data.
    Conflict,
    /// Too many requests, and patience ran out.
    Throttled,
    /// The server does not know this operation.
    NotSupported,
    /// The server understood and refuses the value.
    Invalid,
    /// No answer: name, connection, TLS or timeout.
    Transport,
    /// Terraform asked to stop, or the operation's timeout passed.
    Stopped,
    /// Anything else, with the server's words.
    Unexpected,
}

/// A call to a cloud that did not succeed.
#[derive(Clone, Debug, thiserror::Error)]
#[error("{call} on \"{target}\": {message}")]
pub struct CloudError {
    /// What a caller can act on.
    pub kind: CloudErrorKind,
    /// The call in the cloud's own spelling, for example `s3:PutBucketVersioning`.
    pub call: String,
    /// The thing it was about: a bucket's or a user's name.
    pub target: String,
    /// Why, in the server's words where it had any. Holds no secret.
    pub message: String,
    /// The server's code, for example `AccessDenied`.
    pub code: Option<String>,
    /// The server's id for the request, for its operators.
    pub request_id: Option<String>,
    /// What to do about it, when the cloud knows better than the caller.
    pub hint: Option<String>,
}

impl CloudError {
    /// An error of `kind` in `call` about `target`, for the reason given.
    pub fn new(
        kind: CloudErrorKind,
        call: impl Into<String>,
        target: impl Into<String>,
        message: impl Into<String>,
    ) -> Self {
        Self {
            kind,
            call: call.into(),
            target: target.into(),
            message: message.into(),
            code: None,
            request_id: None,
            hint: None,
        }
    }

    /// The same error with advice.
    #[must_use]
    pub fn hint(mut self, hint: impl Into<String>) -> Self {
        self.hint = Some(hint.into());
        self
    }
}

/// One place where a W&B bucket can live, opened for one operation of Terraform.
///
/// Reads run in parallel inside; writes are called one after another by the caller,
/// because servers lose or refuse settings of one bucket that change together. Every
/// method may be called again after a failure or a crash: doing something twice has
/// the effect of doing it once.
#[async_trait]
pub trait Cloud: fmt::Debug + Send + Sync {
    /// Which kind of place this is.
    fn kind(&self) -> CloudKind;

    /// The host, region or account that names are unique in; part of ids and messages.
    fn location(&self) -> String;

    /// Whether a bucket of this name is there, and whose marker it carries.
    ///
    /// `None` only when the server says that there is no such bucket. A refusal to
    /// tell is an error of kind `Denied`, never `None`.
    async fn look(&self, bucket: &str) -> Result<Option<Sighting>, CloudError>;

    /// Reads every setting that some requirement looks at, in parallel, and writes
    /// nothing. `None` as in [`Cloud::look`].
    async fn observe(&self, bucket: &str, look_at: &LookAt)
    -> Result<Option<Observed>, CloudError>;

    /// Makes the bucket with `tags` (the marker among them), in the very call that
    /// makes it where the cloud can, else in the next one. `AlreadyExists` when it
    /// is there, also when it is the caller's own.
    async fn create(&self, bucket: &str, tags: &BTreeMap<String, String>)
    -> Result<(), CloudError>;

    /// What a bucket of this cloud is like the moment that [`Cloud::create`] has made it
    /// with these tags; `None` where only the server can tell.
    fn fresh(&self, bucket: &str, tags: &BTreeMap<String, String>) -> Option<Observed> {
        let _ = (bucket, tags);
        None
    }

    /// Writes one setting. `NotSupported` when the server has shown that it does not
    /// know it; then nothing was written.
    async fn change(&self, bucket: &str, change: &Change) -> Result<(), CloudError>;

    /// Makes the bucket's own key what it should be, and returns its full name: goes on
    /// with one that an earlier run has begun, takes one back whose deletion is
    /// scheduled, and only then makes a new one. `marker` goes into the creating call.
    ///
    /// `AlreadyExists` when somebody else's key has its place; it is not touched.
    async fn put_key(
        &self,
        bucket: &str,
        key: &KeySpec,
        marker: &Marker,
    ) -> Result<String, CloudError> {
        let _ = (key, marker);
        Err(CloudError::new(
            CloudErrorKind::NotSupported,
            "put_key",
            bucket,
            "this cloud makes no keys",
        ))
    }

    /// Marks the bucket's own key as finished. Only for keys of [`Cloud::put_key`].
    async fn finish_key(&self, bucket: &str, key: &str, marker: &Marker) -> Result<(), CloudError> {
        let _ = (bucket, key, marker);
        Ok(())
    }

    /// Gives up the bucket's own key, `days` before it is gone for good. Called only after
    /// the bucket is gone. A key that does not carry `generation`, or that another bucket
    /// uses, stays. Gone already is success.
    async fn remove_key(
        &self,
        bucket: &str,
        key: Option<&str>,
        generation: &super::Generation,
        days: u32,
    ) -> Result<KeyEnd, CloudError> {
        let _ = (bucket, key, generation, days);
        Ok(KeyEnd::None)
    }

    /// The bucket's own key, where it outlived its bucket and nobody has given it up. For a
    /// bucket that is gone.
    async fn key_left_behind(
        &self,
        key: &str,
        generation: &super::Generation,
    ) -> Result<Option<String>, CloudError> {
        let _ = (key, generation);
        Ok(None)
    }

    /// Makes sure that the identity exists with exactly its rights.
    ///
    /// `AlreadyExists` when somebody else's identity has the name; it is not touched.
    async fn put_identity(&self, identity: &Identity) -> Result<(), CloudError>;

    /// The same for an identity that cannot be there yet, because the generation in its
    /// name was drawn in this run.
    async fn put_new_identity(&self, identity: &Identity) -> Result<(), CloudError> {
        self.put_identity(identity).await
    }

    /// Whether [`Cloud::make_key`] chooses the key's id itself: then a lost answer leaves no
    /// second key behind.
    fn names_keys(&self) -> bool {
        false
    }

    /// A new key for the identity. Its secret is given this one time.
    ///
    /// `Conflict` when the identity holds as many keys as it may.
    async fn make_key(&self, identity: &Identity) -> Result<AccessKey, CloudError>;

    /// Removes every key of the identity except the ones in `keep`.
    async fn remove_keys(
        &self,
        identity: &Identity,
        keep: &BTreeSet<String>,
    ) -> Result<(), CloudError>;

    /// Removes the identity, its keys and its rights. Gone already is success; an
    /// identity of that name that is not ours stays.
    async fn remove_identity(&self, identity: &Identity) -> Result<(), CloudError>;

    /// Counts what the bucket holds and stops counting at `limit` entries.
    async fn contents(&self, bucket: &str, limit: u64) -> Result<Contents, CloudError>;

    /// Refuses with `Conflict` when something in the bucket is locked or under retention, as
    /// [`Cloud::empty`] would. Deletes nothing.
    async fn can_empty(&self, bucket: &OwnedBucket) -> Result<(), CloudError>;

    /// Notes on the key that this bucket uses it too, where it is one of ours.
    async fn claim_key(&self, bucket: &str, key: &str) -> Result<(), CloudError> {
        let _ = (bucket, key);
        Ok(())
    }

    /// Deletes everything that the bucket holds, in batches, going on where an
    /// earlier run stopped. Refuses before the first deletion when something is
    /// locked or under retention. Returns how much went.
    async fn empty(&self, bucket: &OwnedBucket) -> Result<Contents, CloudError>;

    /// Deletes the bucket. Gone already is success; `Conflict` while it holds data.
    async fn delete(&self, bucket: &OwnedBucket) -> Result<(), CloudError>;

    /// An address that does `request` with W&B's `key`, or with the caller's own
    /// credentials where there is none.
    async fn sign(
        &self,
        bucket: &str,
        request: &ProbeRequest,
        key: Option<&AccessKey>,
    ) -> Result<SecretUrl, CloudError>;

    /// Sends a request as a browser would, with the cloud's own trust and proxies and
    /// without its credentials. Every answer is a success, a refusal too.
    async fn ask(&self, bucket: &str, request: &WebRequest) -> Result<WebAnswer, CloudError> {
        Err(CloudError::new(
            CloudErrorKind::NotSupported,
            request.method,
            bucket,
            "this cloud cannot be asked as a browser does",
        ))
    }

    /// Whether the caller may make a bucket of this name, and its key, as far as the cloud
    /// tells without trying. Empty where nothing can be said. Writes nothing.
    async fn rights(&self, bucket: &str, key: Option<&KeySpec>) -> Vec<Right> {
        let _ = (bucket, key);
        Vec::new()
    }

    /// Tries what `key` must *not* be able to do: change who has access to the
    /// bucket, and look into another bucket. Nothing is changed even when the
    /// attempt is let through. Returns what it could do, empty when all is well.
    async fn overreach(&self, bucket: &str, key: &AccessKey) -> Result<Vec<String>, CloudError>;
}
