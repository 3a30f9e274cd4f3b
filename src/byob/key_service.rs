//! Keys that encrypt objects, on clouds where this provider makes them.

use std::fmt;

use async_trait::async_trait;

use super::absence::AbsentBucket;
use super::error::CloudError;
use super::marker::{Generation, Marker};
use super::observed::Reading;
use super::spec::KeySpec;

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

/// A cloud's service for keys that encrypt objects.
///
/// Every method may be called again after a failure or a crash: doing something twice has
/// the effect of doing it once.
#[async_trait]
pub trait KeyService: fmt::Debug + Send + Sync {
    /// Makes the bucket's own key what it should be, and returns its full name: goes on
    /// with one that an earlier run has begun, takes one back whose deletion is
    /// scheduled, and only then makes a new one. `marker` goes into the creating call.
    ///
    /// `AlreadyExists` when somebody else's key has its place; it is not touched.
    async fn put_encryption_key(
        &self,
        bucket: &str,
        key: &KeySpec,
        marker: &Marker,
    ) -> Result<String, CloudError>;

    /// Marks the bucket's own key as finished.
    async fn mark_encryption_key(&self, key: &str, marker: &Marker) -> Result<(), CloudError>;

    /// Gives up the own key of a bucket that is gone, `days` before it is gone for good. A
    /// key that does not carry `generation`, or that another bucket uses, stays. Gone already
    /// is success.
    async fn retire_encryption_key(
        &self,
        bucket: &AbsentBucket,
        key: Option<&str>,
        generation: &Generation,
        days: u32,
    ) -> Result<KeyEnd, CloudError>;

    /// The bucket's own key, where it outlived its bucket and nobody has given it up. For a
    /// bucket that is gone; `Denied` where nobody may look.
    async fn surviving_encryption_key(
        &self,
        bucket: &AbsentBucket,
        key: &str,
        generation: &Generation,
    ) -> Result<Reading<Option<String>>, CloudError>;

    /// Notes on the key that this bucket uses it too, where it is one of ours.
    async fn claim_encryption_key(&self, bucket: &str, key: &str) -> Result<(), CloudError>;
}
