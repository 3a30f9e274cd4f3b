//! Keys in KMS: reading one, making the bucket's own, and giving it up.
//!
//! Which key is ours is told by its tag, never by its name. A key of somebody else is
//! looked at and never changed, except that a key of *another* bucket of ours gets a tag
//! that says who else uses it, so that it outlives its first bucket.

mod look;

use std::collections::BTreeMap;

use aws_sdk_kms::types as sdk;

use crate::byob::cloud::KeyEnd;
use crate::byob::marker::{self, Generation, Marker};
use crate::byob::policy::Document;
use crate::byob::spec::KeySpec;
use crate::byob::{CloudError, CloudErrorKind};
use crate::clouds::retry::Work;
use crate::clouds::s3::iam::is_unknown;
use crate::clouds::s3::refused;

use super::{Aws, partition, policy};
use look::{Found, describe, document, marker_of, tags};

pub(super) use look::{outliving, reading};

/// The one name that a key's document can have.
const DEFAULT: &str = "default";
/// The answer to a call that a key does not take while its deletion is due.
const INVALID_STATE: &str = "KMSInvalidStateException";
/// Keys of a page.
const PAGE: i32 = 1000;

/// The alias of a bucket's own key. KMS allows no dots in it.
pub fn alias(bucket: &str) -> String {
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

/// Makes the bucket's own key what it should be; see [`crate::byob::Cloud::put_key`].
pub(super) async fn put(
    cloud: &Aws,
    bucket: &str,
    spec: &KeySpec,
    marker: &Marker,
) -> Result<String, CloudError> {
    let found = match &spec.name {
        Some(name) => describe(cloud, name).await?,
        None => None,
    };
    let found = match found {
        Some(found) => Some(found),
        None => left_behind(cloud, bucket, spec).await?,
    };
    match found {
        Some(found) => mend(cloud, bucket, spec, marker, found).await,
        None => make(cloud, bucket, spec, marker).await,
    }
}

/// A key that an earlier run has made for this bucket.
async fn left_behind(
    cloud: &Aws,
    bucket: &str,
    spec: &KeySpec,
) -> Result<Option<Found>, CloudError> {
    let alias = alias(bucket);
    if let Some(found) = describe(cloud, &alias).await? {
        return match marker_of(&tags(cloud, &found.arn).await?) {
            Some(_) => Ok(Some(found)),
            None => Err(refused(
                CloudErrorKind::AlreadyExists,
                "kms:CreateAlias",
                &alias,
                format!(
                    "the alias names the key {}, which this provider did not make",
                    found.arn
                ),
            )
            .hint("Give that key as kms_key_arn, or remove the alias.")),
        };
    }
    match &spec.unnamed_of {
        Some(generation) => search(cloud, generation).await,
        None => Ok(None),
    }
}

/// Looks through all keys of the region for the one of this generation: one that died
/// before it got its alias.
async fn search(cloud: &Aws, generation: &Generation) -> Result<Option<Found>, CloudError> {
    let client = cloud.clients.kms();
    let mut next: Option<String> = None;
    loop {
        let page = cloud
            .s3
            .sdk(Work::Read, "kms:ListKeys", "all keys", || {
                client
                    .list_keys()
                    .limit(PAGE)
                    .set_marker(next.clone())
                    .send()
            })
            .await?;
        for key in page.keys() {
            let Some(name) = key.key_arn().or(key.key_id()) else {
                continue;
            };
            // Keys of Amazon's own, and of others, do not tell.
            let marker = match tags(cloud, name).await {
                Ok(tags) => marker_of(&tags),
                Err(error) if error.kind == CloudErrorKind::Stopped => return Err(error),
                Err(_) => None,
            };
            if marker.is_some_and(|marker| &marker.generation == generation) {
                return describe(cloud, name).await;
            }
        }
        match page.next_marker() {
            Some(marker) if page.truncated => next = Some(marker.to_owned()),
            _ => return Ok(None),
        }
    }
}

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
    let tags = sdk_tags(&wanted_tags(spec, marker))
        .map_err(|why| refused(CloudErrorKind::Invalid, call, bucket, why))?;
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
    let arn = match outcome {
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
            })?,
        // The answer was lost, and the key may be there.
        Err(error) if error.kind == CloudErrorKind::Transport => {
            match search(cloud, &marker.generation).await? {
                Some(found) => found.arn,
                None => return Err(error),
            }
        }
        Err(error) => return Err(error),
    };
    let s3 = &cloud.s3;
    s3.once_known("kms:CreateAlias", &arn, is_unknown, || {
        name(cloud, bucket, &arn)
    })
    .await?;
    if spec.rotation {
        s3.once_known("kms:EnableKeyRotation", &arn, is_unknown, || {
            rotate(cloud, &arn, true)
        })
        .await?;
    }
    Ok(arn)
}

/// Makes a key that is there what it should be. One that is pending deletion is taken
/// back first: nothing else can be done to it.
async fn mend(
    cloud: &Aws,
    bucket: &str,
    spec: &KeySpec,
    marker: &Marker,
    found: Found,
) -> Result<String, CloudError> {
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
    let alias = alias(bucket);
    let (tags, document, rotation, named) = tokio::join!(
        tags(cloud, arn),
        document(cloud, arn),
        look::rotation(cloud, arn),
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
    let is_marked = marker_of(&tags).is_some_and(|old| old.generation == marker.generation);
    let mut wanted = wanted_tags(spec, marker);
    if is_marked {
        wanted.remove(marker::KEY);
    }
    wanted.retain(|key, value| tags.get(key) != Some(value));
    if !wanted.is_empty() {
        tag(cloud, arn, &wanted).await?;
    }
    let extra: Vec<&str> = tags
        .keys()
        .map(String::as_str)
        .filter(|key| look::is_users(key))
        .filter(|key| !spec.tags.contains_key(*key) && !spec.ignored_tags.contains(*key))
        .collect();
    untag(cloud, arn, &extra).await?;
    Ok(found.arn)
}

fn wanted_tags(spec: &KeySpec, marker: &Marker) -> BTreeMap<String, String> {
    let mut tags = spec.tags.clone();
    tags.insert(marker::KEY.to_owned(), marker.to_string());
    tags
}

fn sdk_tags(tags: &BTreeMap<String, String>) -> Result<Vec<sdk::Tag>, String> {
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

async fn tag(cloud: &Aws, key: &str, tags: &BTreeMap<String, String>) -> Result<(), CloudError> {
    let call = "kms:TagResource";
    let tags = sdk_tags(tags).map_err(|why| refused(CloudErrorKind::Invalid, call, key, why))?;
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

async fn untag(cloud: &Aws, key: &str, tags: &[&str]) -> Result<(), CloudError> {
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

/// Notes on a key of *another* bucket of ours that this bucket uses it too. Keys that
/// this provider did not make are not touched.
pub(super) async fn claim(cloud: &Aws, bucket: &str, key: &str) -> Result<(), CloudError> {
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
    let own = describe(cloud, &alias(bucket)).await?;
    let is_own = own.is_some_and(|own| own.arn == key);
    if marker_of(&tags).is_none() || is_own || tags.contains_key(&claim_tag(bucket)) {
        return Ok(());
    }
    tag(
        cloud,
        key,
        &BTreeMap::from([(claim_tag(bucket), "in use".to_owned())]),
    )
    .await
}

/// Gives up the bucket's own key; see [`crate::byob::Cloud::remove_key`].
pub(super) async fn remove(
    cloud: &Aws,
    bucket: &str,
    key: Option<&str>,
    generation: &Generation,
    days: u32,
) -> Result<KeyEnd, CloudError> {
    let found = match key {
        Some(key) => describe(cloud, key).await?,
        None => match describe(cloud, &alias(bucket)).await? {
            Some(found) => Some(found),
            None => search(cloud, generation).await?,
        },
    };
    let Some(found) = found else {
        return Ok(KeyEnd::None);
    };
    let arn = found.arn.clone();
    let tags = match tags(cloud, &arn).await {
        Ok(tags) => tags,
        // A given key of somebody else's, which nobody wants to remove.
        Err(error) if error.kind == CloudErrorKind::Denied => return Ok(KeyEnd::None),
        Err(error) => return Err(error),
    };
    if marker_of(&tags).is_none_or(|marker| &marker.generation != generation) {
        release(cloud, bucket, &arn, &tags).await?;
        return Ok(KeyEnd::None);
    }
    if found.is_pending_deletion() {
        return Ok(KeyEnd::Scheduled { key: arn });
    }
    let prefix = claim_tag("");
    let users: Vec<&str> = tags
        .keys()
        .filter_map(|tag| tag.strip_prefix(&prefix))
        .collect();
    if !users.is_empty() {
        return Ok(KeyEnd::Kept {
            key: arn,
            why: format!("it also encrypts the bucket {}", users.join(", ")),
        });
    }
    let days = i32::try_from(days).unwrap_or(30);
    let client = cloud.clients.kms();
    let outcome = cloud
        .s3
        .sdk(Work::Write, "kms:ScheduleKeyDeletion", &arn, || {
            client
                .schedule_key_deletion()
                .key_id(id(&arn))
                .pending_window_in_days(days)
                .send()
        })
        .await;
    match outcome {
        // The first answer was lost, and the second says that it is pending deletion.
        Err(error) if error.code.as_deref() != Some(INVALID_STATE) => Err(error),
        _ => Ok(KeyEnd::Scheduled { key: arn }),
    }
}

/// Takes this bucket's claim from a key that is another's.
async fn release(
    cloud: &Aws,
    bucket: &str,
    key: &str,
    tags: &BTreeMap<String, String>,
) -> Result<(), CloudError> {
    let claim = claim_tag(bucket);
    if !tags.contains_key(&claim) {
        return Ok(());
    }
    untag(cloud, key, &[&claim]).await
}
