//! Gives up the key of a bucket that is gone.

use super::find::search;
use super::read::{describe, half_there, tags};
use super::{INVALID_STATE, alias, id, is_of, marker_of};
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
    generations: &[Generation],
    days: u32,
) -> Result<KeyEnd, CloudError> {
    let found = match key {
        Some(key) => match describe(cloud, key).await? {
            Some(found) => Some(found),
            None => return confirm_none(cloud, key).await,
        },
        None => match describe(cloud, &alias(bucket)).await? {
            Some(found) => Some(found),
            None => search(cloud, bucket, generations).await?,
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
    let marker = marker_of(&tags).filter(|_| is_of(&tags, bucket));
    if marker.is_none_or(|marker| !generations.contains(&marker.generation)) {
        return Ok(KeyEnd::None);
    }
    if found.is_pending_deletion() {
        return Ok(KeyEnd::Scheduled { key: arn });
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
