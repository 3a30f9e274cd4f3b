//! Makes the bucket's own key, or makes one that is there what it should be.

use aws_sdk_kms::types as sdk;

use super::find::{left_behind, search};
use super::read::{self, Found, describe, document};
use super::tags::{first_tags, sdk_tags, tag, untag};
use super::{DEFAULT, INVALID_STATE, alias, id, is_of, not_ours};
use crate::byob::key_service::EnsuredKey;
use crate::byob::marker::Marker;
use crate::byob::spec::KeySpec;
use crate::byob::{CloudError, CloudErrorKind};
use crate::clouds::aws::{Aws, partition, policy};
use crate::clouds::reading::is_missing;
use crate::clouds::retry::Work;
use crate::clouds::s3::policy::Document;

/// Makes sure that the bucket has its own key.
pub(super) async fn ensure(
    cloud: &Aws,
    bucket: &str,
    spec: &KeySpec,
    marker: &Marker,
) -> Result<EnsuredKey, CloudError> {
    let found = match &spec.name {
        Some(name) => named(cloud, bucket, name).await?,
        None => None,
    };
    let found = match found {
        Some(found) => Some(found),
        None => left_behind(cloud, bucket, spec).await?,
    };
    match found {
        Some(found) => Ok(EnsuredKey {
            name: found.arn,
            is_new: false,
        }),
        None => make(cloud, bucket, spec, marker)
            .await
            .map(|name| EnsuredKey { name, is_new: true }),
    }
}

/// The key of this name, which has to be the bucket's own.
async fn named(cloud: &Aws, bucket: &str, name: &str) -> Result<Option<Found>, CloudError> {
    let Some(found) = describe(cloud, name).await? else {
        return Ok(None);
    };
    let tags = read::tags(cloud, &found.arn).await?;
    if is_of(&tags, bucket) {
        return Ok(Some(found));
    }
    Err(not_ours("kms:PutKeyPolicy", name, &found.arn, &tags))
}

/// Makes a key, with its marker in the creating call.
async fn make(
    cloud: &Aws,
    bucket: &str,
    spec: &KeySpec,
    marker: &Marker,
) -> Result<String, CloudError> {
    let call = "kms:CreateKey";
    let account = &cloud.clients.caller(&cloud.s3).await?.account;
    let root = partition::root_arn(cloud.clients.partition(), account);
    let document = policy::key_document(&root, &spec.admins, &spec.users).to_json();
    let tags = sdk_tags(&first_tags(bucket, spec, marker))
        .map_err(|why| CloudError::new(CloudErrorKind::Invalid, call, bucket, why))?;
    let client = cloud.clients.kms();
    let outcome = cloud
        .s3
        .sdk(Work::Once, call, bucket, || {
            client
                .create_key()
                .description(format!("Encrypts the bucket {bucket} for Weights & Biases"))
                .key_usage(sdk::KeyUsageType::EncryptDecrypt)
                .policy(&document)
                .set_tags(Some(tags.clone()))
                .send()
        })
        .await;
    match outcome {
        Ok(answer) => answer
            .key_metadata
            .map(|metadata| metadata.arn.unwrap_or(metadata.key_id))
            .ok_or_else(|| {
                CloudError::new(
                    CloudErrorKind::Unexpected,
                    call,
                    bucket,
                    "the answer names no key",
                )
            }),
        // The answer was lost, and the key may be there.
        Err(error) if error.kind == CloudErrorKind::Transport => {
            match search(cloud, bucket, std::slice::from_ref(&marker.generation)).await? {
                Some(found) => Ok(found.arn),
                None => Err(error),
            }
        }
        Err(error) => Err(error),
    }
}

/// Makes the bucket's own key what it should be.
pub(super) async fn configure(
    cloud: &Aws,
    bucket: &str,
    ensured: &EnsuredKey,
    spec: &KeySpec,
) -> Result<(), CloudError> {
    let (arn, s3) = (ensured.name.as_str(), &cloud.s3);
    if !ensured.is_new {
        return mend(cloud, bucket, spec, arn).await;
    }
    s3.once_known("kms:CreateAlias", arn, is_missing, || {
        name(cloud, bucket, arn)
    })
    .await?;
    if spec.rotation {
        s3.once_known("kms:EnableKeyRotation", arn, is_missing, || {
            rotate(cloud, arn, true)
        })
        .await?;
    }
    Ok(())
}

/// Takes a key back that is pending deletion, or was disabled: nothing else can be done to
/// it before.
async fn take_back(cloud: &Aws, found: &Found) -> Result<(), CloudError> {
    let (arn, client) = (found.arn.as_str(), cloud.clients.kms());
    if found.is_pending_deletion() {
        cloud
            .s3
            .sdk(Work::Write, "kms:CancelKeyDeletion", arn, || {
                client.cancel_key_deletion().key_id(id(arn)).send()
            })
            .await?;
    }
    if found.state != Some(sdk::KeyState::Enabled) {
        let call = "kms:EnableKey";
        // Not every part of KMS knows at once that the deletion was taken back.
        let still_pending = |error: &CloudError| error.code.as_deref() == Some(INVALID_STATE);
        cloud
            .s3
            .once_known(call, arn, still_pending, || {
                cloud.s3.sdk(Work::Write, call, arn, || {
                    client.enable_key().key_id(id(arn)).send()
                })
            })
            .await?;
    }
    Ok(())
}

/// Makes a key that is there what it should be.
async fn mend(cloud: &Aws, bucket: &str, spec: &KeySpec, arn: &str) -> Result<(), CloudError> {
    let Some(found) = describe(cloud, arn).await? else {
        let why = "the key was deleted while it was worked on";
        let kind = CloudErrorKind::NotFound;
        return Err(CloudError::new(kind, "kms:DescribeKey", arn, why));
    };
    take_back(cloud, &found).await?;
    let alias = alias(bucket);
    let (tags, document, rotation, named) = tokio::join!(
        read::tags(cloud, arn),
        document(cloud, arn),
        read::rotation(cloud, arn),
        describe(cloud, &alias),
    );
    let root = partition::root_arn(cloud.clients.partition(), &found.account);
    let wanted = policy::key_document(&root, &spec.admins, &spec.users);
    if !document?.means_the_same(&wanted) {
        put_document(cloud, arn, &wanted).await?;
    }
    if rotation? != spec.rotation {
        rotate(cloud, arn, spec.rotation).await?;
    }
    if named?.is_none_or(|named| named.arn != found.arn) {
        name(cloud, bucket, arn).await?;
    }
    let tags = tags?;
    let mut wanted = spec.tags.clone();
    wanted.retain(|key, value| tags.get(key) != Some(value));
    if !wanted.is_empty() {
        tag(cloud, arn, &wanted).await?;
    }
    let extra: Vec<&str> = tags
        .keys()
        .map(String::as_str)
        .filter(|key| read::is_users(key))
        .filter(|key| !spec.tags.contains_key(*key) && !spec.ignored_tags.contains(*key))
        .collect();
    untag(cloud, arn, &extra).await
}

async fn put_document(cloud: &Aws, key: &str, document: &Document) -> Result<(), CloudError> {
    let text = document.to_json();
    let client = cloud.clients.kms();
    cloud
        .s3
        .sdk(Work::Write, "kms:PutKeyPolicy", key, || {
            client
                .put_key_policy()
                .key_id(key)
                .policy_name(DEFAULT)
                .policy(&text)
                .send()
        })
        .await
        .map(drop)
}

async fn rotate(cloud: &Aws, key: &str, on: bool) -> Result<(), CloudError> {
    let client = cloud.clients.kms();
    if on {
        let call = "kms:EnableKeyRotation";
        return cloud
            .s3
            .sdk(Work::Write, call, key, || {
                client.enable_key_rotation().key_id(key).send()
            })
            .await
            .map(drop);
    }
    cloud
        .s3
        .sdk(Work::Write, "kms:DisableKeyRotation", key, || {
            client.disable_key_rotation().key_id(key).send()
        })
        .await
        .map(drop)
}

/// Gives the key the bucket's alias, also when the alias names another key so far.
async fn name(cloud: &Aws, bucket: &str, key: &str) -> Result<(), CloudError> {
    let alias = alias(bucket);
    let client = cloud.clients.kms();
    let outcome = cloud
        .s3
        .sdk(Work::Write, "kms:CreateAlias", &alias, || {
            client
                .create_alias()
                .alias_name(&alias)
                .target_key_id(key)
                .send()
        })
        .await
        .map(drop);
    match outcome {
        Err(error) if error.kind == CloudErrorKind::AlreadyExists => cloud
            .s3
            .sdk(Work::Write, "kms:UpdateAlias", &alias, || {
                client
                    .update_alias()
                    .alias_name(&alias)
                    .target_key_id(key)
                    .send()
            })
            .await
            .map(drop),
        outcome => outcome,
    }
}
