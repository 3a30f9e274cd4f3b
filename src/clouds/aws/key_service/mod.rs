//! Keys in KMS: reading one, making the bucket's own, and giving it up.
//!
//! Which key is ours is told by its tags, never by its name: they carry the generation and
//! the bucket that it was made for. Every other key is looked at and never changed.

mod find;
mod read;
mod retire;
mod tags;
mod write;

use std::collections::BTreeMap;

use async_trait::async_trait;

use crate::byob::absence::AbsentBucket;
use crate::byob::key_service::{EnsuredKey, KeyEnd, KeyService};
use crate::byob::marker::{self, Generation, Marker};
use crate::byob::spec::KeySpec;
use crate::byob::{CloudError, CloudErrorKind, Reading};
use crate::clouds::s3::variant::explained;

use super::Aws;
use super::error::names_no_principal;

pub(super) use read::reading;
pub(super) use tags::refuse_anothers;

/// The one name that a key's document can have.
const DEFAULT: &str = "default";
/// The answer to a call that a key does not take while its deletion is due.
const INVALID_STATE: &str = "KMSInvalidStateException";
/// Keys of a page.
const PAGE: i32 = 1000;

/// The alias of a bucket's own key. KMS allows no dots in it.
fn alias(bucket: &str) -> String {
    format!("alias/wandb-byob/{}", bucket.replace('.', "_"))
}

/// The last part of a key's ARN. Stand-ins for KMS know a key whose deletion is begun or
/// taken back by this alone, and for keys of the own account it is as good as the ARN.
fn id(arn: &str) -> &str {
    arn.rsplit('/').next().unwrap_or(arn)
}

fn marker_of(tags: &BTreeMap<String, String>) -> Option<Marker> {
    tags.get(marker::KEY).and_then(|text| Marker::parse(text))
}

/// Whether this provider made the key that has these tags, for this bucket.
fn is_of(tags: &BTreeMap<String, String>, bucket: &str) -> bool {
    marker_of(tags).is_some()
        && tags
            .get(marker::BUCKET)
            .is_some_and(|owner| owner == bucket)
}

/// Whose key it is that is not this bucket's, as a refusal.
fn not_ours(call: &str, target: &str, key: &str, tags: &BTreeMap<String, String>) -> CloudError {
    let why = match (marker_of(tags), tags.get(marker::BUCKET)) {
        (Some(_), Some(owner)) => {
            format!("the key {key} was made for the bucket {owner:?} and goes with it")
        }
        (Some(_), None) => format!("the key {key} was made for another bucket and goes with it"),
        (None, _) => format!("it is the key {key}, which this provider did not make"),
    };
    CloudError::new(CloudErrorKind::AlreadyExists, call, target, why)
}

#[async_trait]
impl KeyService for Aws {
    async fn ensure_encryption_key(
        &self,
        bucket: &str,
        key: &KeySpec,
        marker: &Marker,
    ) -> Result<EnsuredKey, CloudError> {
        let outcome = self
            .s3
            .once_made("kms:CreateKey", bucket, names_no_principal, || {
                write::ensure(self, bucket, key, marker)
            })
            .await;
        if let Ok(key) = &outcome {
            let _ = self.own_key.set(key.name.clone());
        }
        explained(self, outcome).await
    }

    async fn configure_encryption_key(
        &self,
        bucket: &str,
        ensured: &EnsuredKey,
        key: &KeySpec,
    ) -> Result<(), CloudError> {
        let outcome = self
            .s3
            .once_made("kms:PutKeyPolicy", bucket, names_no_principal, || {
                write::configure(self, bucket, ensured, key)
            })
            .await;
        explained(self, outcome).await
    }

    async fn mark_encryption_key(&self, key: &str, marker: &Marker) -> Result<(), CloudError> {
        explained(self, tags::mark(self, key, marker).await).await
    }

    async fn find_encryption_key(
        &self,
        bucket: &str,
    ) -> Result<Reading<Option<String>>, CloudError> {
        explained(self, find::by_alias(self, bucket).await).await
    }

    async fn retire_encryption_key(
        &self,
        bucket: &AbsentBucket,
        key: Option<&str>,
        generations: &[Generation],
        days: u32,
    ) -> Result<KeyEnd, CloudError> {
        let outcome = retire::retire(self, bucket.name(), key, generations, days).await;
        explained(self, outcome).await
    }

    async fn surviving_encryption_key(
        &self,
        _: &AbsentBucket,
        key: &str,
        generations: &[Generation],
    ) -> Result<Reading<Option<String>>, CloudError> {
        explained(self, read::surviving(self, key, generations).await).await
    }
}
