//! Gives up the key of a bucket that is gone.

use std::collections::BTreeMap;

use super::find::search;
use super::read::{describe, half_there, tags};
use super::tags::untag;
use super::{INVALID_STATE, alias, claim_tag, id, marker_of};
use crate::byob::key_service::KeyEnd;
use crate::byob::marker::Generation;
use crate::byob::{CloudError, CloudErrorKind};
use crate::clouds::aws::Aws;
use crate::clouds::reading::missing;
use crate::clouds::retry::Work;

/// Gives up the bucket's own key.
pub(super) async fn retire(
    cloud: &Aws,
    bucket: &str,
    key: Option<&str>,
    generation: &Generation,
    days: u32,
) -> Result<KeyEnd, CloudError> {
    let found = match key {
        Some(key) => match describe(cloud, key).await? {
            Some(found) => Some(found),
            None => return confirm_none(cloud, key).await,
        },
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

/// No such key, by two answers: nobody would ever ask for it again.
async fn confirm_none(cloud: &Aws, key: &str) -> Result<KeyEnd, CloudError> {
    match missing(tags(cloud, key).await) {
        Ok(None) => Ok(KeyEnd::None),
        Ok(Some(_)) => Err(half_there(key)),
        // Somebody else's, who does not let us look.
        Err(error) if error.kind == CloudErrorKind::Denied => Ok(KeyEnd::None),
        Err(error) => Err(error),
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
