//! Writes the tags of a key: whose it is, and the user's own.

use std::collections::BTreeMap;

use aws_sdk_kms::types as sdk;

use super::read::tags;
use super::{is_of, marker_of, not_ours};
use crate::byob::marker::{self, Marker};
use crate::byob::spec::KeySpec;
use crate::byob::{CloudError, CloudErrorKind};
use crate::clouds::aws::Aws;
use crate::clouds::retry::Work;

/// The tags of a new key.
pub(super) fn first_tags(
    bucket: &str,
    spec: &KeySpec,
    marker: &Marker,
) -> BTreeMap<String, String> {
    let mut tags = spec.tags.clone();
    tags.insert(marker::KEY.to_owned(), marker.to_string());
    tags.insert(marker::BUCKET.to_owned(), bucket.to_owned());
    tags
}

pub(super) fn sdk_tags(tags: &BTreeMap<String, String>) -> Result<Vec<sdk::Tag>, String> {
    tags.iter()
        .map(|(key, value)| {
            sdk::Tag::builder()
                .tag_key(key)
                .tag_value(value)
                .build()
                .map_err(|error| error.to_string())
        })
        .collect()
}

pub(super) async fn tag(
    cloud: &Aws,
    key: &str,
    tags: &BTreeMap<String, String>,
) -> Result<(), CloudError> {
    let call = "kms:TagResource";
    let tags =
        sdk_tags(tags).map_err(|why| CloudError::new(CloudErrorKind::Invalid, call, key, why))?;
    let client = cloud.clients.kms();
    cloud
        .s3
        .sdk(Work::Write, call, key, || {
            client
                .tag_resource()
                .key_id(key)
                .set_tags(Some(tags.clone()))
                .send()
        })
        .await
        .map(drop)
}

pub(super) async fn untag(cloud: &Aws, key: &str, tags: &[&str]) -> Result<(), CloudError> {
    if tags.is_empty() {
        return Ok(());
    }
    let tags: Vec<String> = tags.iter().map(|tag| (*tag).to_owned()).collect();
    let client = cloud.clients.kms();
    cloud
        .s3
        .sdk(Work::Write, "kms:UntagResource", key, || {
            client
                .untag_resource()
                .key_id(key)
                .set_tag_keys(Some(tags.clone()))
                .send()
        })
        .await
        .map(drop)
}

/// Writes the marker alone.
pub(super) async fn mark(cloud: &Aws, key: &str, marker: &Marker) -> Result<(), CloudError> {
    let tags = BTreeMap::from([(marker::KEY.to_owned(), marker.to_string())]);
    tag(cloud, key, &tags).await
}

/// Refuses a key that was made for another bucket of ours: it goes when that one goes.
pub(in crate::clouds::aws) async fn refuse_anothers(
    cloud: &Aws,
    bucket: &str,
    key: &str,
) -> Result<(), CloudError> {
    let tags = match tags(cloud, key).await {
        Ok(tags) => tags,
        // Of another account, or not to be looked at: then it is not one of ours either.
        Err(error)
            if matches!(
                error.kind,
                CloudErrorKind::Denied | CloudErrorKind::NotFound
            ) =>
        {
            return Ok(());
        }
        Err(error) => return Err(error),
    };
    if marker_of(&tags).is_none() || is_of(&tags, bucket) {
        return Ok(());
    }
    let hint = "Give a key that no bucket of this provider has made, or leave kms_key_arn out.";
    Err(not_ours("s3:PutEncryptionConfiguration", bucket, key, &tags).hint(hint))
}
