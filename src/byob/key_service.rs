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
}

/// The bucket's own key, made or found.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct EnsuredKey {
    /// Its full name.
    pub name: String,
    /// Made by this very call: nothing of an earlier run is on it.
    pub is_new: bool,
}

/// A cloud's service for keys that encrypt objects.
///
/// A key serves the one bucket that it was made for, and carries that bucket's name and
/// generation. Every other key is somebody else's and is only looked at.
///
/// Every method may be called again after a failure or a crash: doing something twice has
/// the effect of doing it once.
#[async_trait]
pub trait KeyService: fmt::Debug + Send + Sync {
    /// Makes sure that the bucket has its own key: goes on with one that an earlier run has
    /// begun, and only when there is none makes a new one. `marker` goes into the creating
    /// call. What else the key should be is [`Self::configure_encryption_key`]'s: its name is
    /// to be kept before anything more can fail.
    ///
    /// `AlreadyExists` when somebody else's key has its place; it is not touched.
    async fn ensure_encryption_key(
        &self,
        bucket: &str,
        key: &KeySpec,
        marker: &Marker,
    ) -> Result<EnsuredKey, CloudError>;

    /// Makes the bucket's own key what it should be, its marker aside; takes it back where
    /// its deletion is scheduled.
    async fn configure_encryption_key(
        &self,
        bucket: &str,
        ensured: &EnsuredKey,
        key: &KeySpec,
    ) -> Result<(), CloudError>;

    /// Writes the marker of the bucket's own key.
    async fn mark_encryption_key(&self, key: &str, marker: &Marker) -> Result<(), CloudError>;

    /// The key that was made for the bucket, by the name that people find it by, also while
    /// another one encrypts the bucket. A key that carries another bucket's name does not
    /// count.
    async fn find_encryption_key(
        &self,
        bucket: &str,
    ) -> Result<Reading<Option<String>>, CloudError>;

    /// Gives up the own key of a bucket that is gone, `days` before it is gone for good. A
    /// key that does not carry this bucket's name and one of its `generations` stays. Gone
    /// already is success.
    async fn retire_encryption_key(
        &self,
        bucket: &AbsentBucket,
        key: Option<&str>,
        generations: &[Generation],
        days: u32,
    ) -> Result<KeyEnd, CloudError>;

    /// The bucket's own key, where it outlived its bucket and nobody has given it up. For a
    /// bucket that is gone; `Denied` where nobody may look.
    async fn surviving_encryption_key(
        &self,
        bucket: &AbsentBucket,
        key: &str,
        generations: &[Generation],
    ) -> Result<Reading<Option<String>>, CloudError>;
}
