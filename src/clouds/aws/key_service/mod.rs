//! Keys in KMS: reading one, making the bucket's own, and giving it up.
//!
//! Which key is ours is told by its tag, never by its name. A key of somebody else is
//! looked at and never changed, except that a key of *another* bucket of ours gets a tag
//! that says who else uses it, so that it outlives its first bucket.

mod find;
mod read;
mod retire;
mod tags;
mod write;

use std::collections::BTreeMap;

use async_trait::async_trait;

use crate::byob::absence::AbsentBucket;
use crate::byob::key_service::{KeyEnd, KeyService};
use crate::byob::marker::{self, Generation, Marker};
use crate::byob::spec::KeySpec;
use crate::byob::{CloudError, Reading};
use crate::clouds::s3::variant::explained;

use super::Aws;
use super::error::names_no_principal;

pub(super) use read::reading;
pub(super) use tags::claim;

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

/// The tag by which another bucket says that it uses the key.
fn claim_tag(bucket: &str) -> String {
    format!("{}/{bucket}", marker::KEY)
}

/// The last part of a key's ARN. Stand-ins for KMS know a key whose deletion is begun or
/// taken back by this alone, and for keys of the own account it is as good as the ARN.
fn id(arn: &str) -> &str {
    arn.rsplit('/').next().unwrap_or(arn)
}

fn marker_of(tags: &BTreeMap<String, String>) -> Option<Marker> {
    tags.get(marker::KEY).and_then(|text| Marker::parse(text))
}

#[async_trait]
impl KeyService for Aws {
    async fn put_encryption_key(
        &self,
        bucket: &str,
        key: &KeySpec,
        marker: &Marker,
    ) -> Result<String, CloudError> {
        let outcome = self
            .s3
            .once_made("kms:PutKeyPolicy", bucket, names_no_principal, || {
                write::put(self, bucket, key, marker)
            })
            .await;
        if let Ok(name) = &outcome {
            let _ = self.own_key.set(name.clone());
        }
        explained(self, outcome).await
    }

    async fn mark_encryption_key(&self, key: &str, marker: &Marker) -> Result<(), CloudError> {
        explained(self, tags::mark(self, key, marker).await).await
    }

    async fn retire_encryption_key(
        &self,
        bucket: &AbsentBucket,
        key: Option<&str>,
        generation: &Generation,
        days: u32,
    ) -> Result<KeyEnd, CloudError> {
        let outcome = retire::retire(self, bucket.name(), key, generation, days).await;
        explained(self, outcome).await
    }

    async fn surviving_encryption_key(
        &self,
        _: &AbsentBucket,
        key: &str,
        generation: &Generation,
    ) -> Result<Reading<Option<String>>, CloudError> {
        explained(self, read::surviving(self, key, generation).await).await
    }

    async fn claim_encryption_key(&self, bucket: &str, key: &str) -> Result<(), CloudError> {
        explained(self, tags::claim(self, bucket, key).await).await
    }
}
