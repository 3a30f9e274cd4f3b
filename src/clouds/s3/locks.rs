//! Whether something in a bucket may not be deleted: retention and legal holds.

use aws_sdk_s3::types::{ObjectLockEnabled, ObjectLockLegalHoldStatus, ObjectLockRetentionMode};
use futures_util::stream::{self, StreamExt, TryStreamExt};

use crate::byob::{CloudError, CloudErrorKind};
use crate::clouds::retry::Work;

use super::S3;
use super::error::{no_bucket, not_set};
use super::versions::{ABREAST, PAGE, Position, versions};

/// Refuses with `Conflict` when something cannot be deleted, before anything is.
pub(in crate::clouds) async fn refuse_locked(cloud: &S3, bucket: &str) -> Result<(), CloudError> {
    let outcome = cloud
        .sdk(
            Work::Read,
            "s3:GetBucketObjectLockConfiguration",
            bucket,
            || {
                cloud
                    .clients
                    .s3()
                    .get_object_lock_configuration()
                    .bucket(bucket)
                    .send()
            },
        )
        .await;
    let locked = match outcome {
        Ok(answer) => {
            answer
                .object_lock_configuration()
                .and_then(|configuration| configuration.object_lock_enabled())
                == Some(&ObjectLockEnabled::Enabled)
        }
        Err(error) if no_bucket(&error) => return Err(error),
        Err(error)
            if not_set(&error)
                || matches!(
                    error.kind,
                    CloudErrorKind::NotSupported | CloudErrorKind::NotFound
                ) =>
        {
            false
        }
        Err(error) => return Err(error),
    };
    if !locked {
        return Ok(());
    }
    let mut from = Position::default();
    loop {
        let page = versions(cloud, bucket, &from, PAGE).await?;
        let found: Vec<(String, Option<String>)> = page
            .versions()
            .iter()
            .filter_map(|one| Some((one.key()?.to_owned(), one.version_id().map(str::to_owned))))
            .collect();
        let held: Vec<Option<String>> = stream::iter(found)
            .map(|(key, version)| async move { lock_of(cloud, bucket, &key, version).await })
            .buffer_unordered(ABREAST)
            .try_collect()
            .await?;
        if let Some(why) = held.into_iter().flatten().next() {
            return Err(
                CloudError::new(CloudErrorKind::Conflict, "s3:DeleteObjects", bucket, why)
                    .hint("Wait until the retention ends, or release the lock, and try again."),
            );
        }
        match Position::after(&page) {
            Some(next) => from = next,
            None => return Ok(()),
        }
    }
}

/// Why this version cannot be deleted, if it cannot.
async fn lock_of(
    cloud: &S3,
    bucket: &str,
    key: &str,
    version: Option<String>,
) -> Result<Option<String>, CloudError> {
    let s3 = cloud.clients.s3();
    let retention = cloud.sdk(Work::Read, "s3:GetObjectRetention", bucket, || {
        s3.get_object_retention()
            .bucket(bucket)
            .key(key)
            .set_version_id(version.clone())
            .send()
    });
    let hold = cloud.sdk(Work::Read, "s3:GetObjectLegalHold", bucket, || {
        s3.get_object_legal_hold()
            .bucket(bucket)
            .key(key)
            .set_version_id(version.clone())
            .send()
    });
    let (retention, hold) = tokio::join!(retention, hold);
    if let Some(retention) = unless_none(retention)?.and_then(|answer| answer.retention) {
        let passed = retention.retain_until_date().is_some_and(|until| {
            std::time::SystemTime::try_from(*until)
                .is_ok_and(|until| until <= std::time::SystemTime::now())
        });
        let mode = retention.mode().map(ObjectLockRetentionMode::as_str);
        if let Some(mode) = mode.filter(|_| !passed) {
            return Ok(Some(format!("\"{key}\" is under {mode} retention")));
        }
    }
    let held = unless_none(hold)?
        .and_then(|answer| answer.legal_hold)
        .and_then(|hold| hold.status)
        == Some(ObjectLockLegalHoldStatus::On);
    Ok(held.then(|| format!("\"{key}\" is under a legal hold")))
}

/// No answer where the object has no such lock.
fn unless_none<T>(outcome: Result<T, CloudError>) -> Result<Option<T>, CloudError> {
    match outcome {
        Ok(answer) => Ok(Some(answer)),
        Err(error)
            if not_set(&error)
                || matches!(
                    error.kind,
                    CloudErrorKind::NotFound | CloudErrorKind::NotSupported
                ) =>
        {
            Ok(None)
        }
        Err(error) => Err(error),
    }
}
