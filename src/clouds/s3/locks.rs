//! Whether something in a bucket may not be deleted: retention and legal holds.

use aws_sdk_s3::types::{
    ObjectLockConfiguration, ObjectLockEnabled, ObjectLockLegalHoldStatus, ObjectLockRetentionMode,
};
use futures_util::stream::{self, StreamExt, TryStreamExt};

use crate::byob::observed::Reading;
use crate::byob::{CloudError, CloudErrorKind};
use crate::clouds::reading::reading;
use crate::clouds::retry::Work;

use super::S3;
use super::error::{no_bucket, not_set};
use super::versions::{ABREAST, Kind, PAGE, Walk, versions};

/// The call that reads a bucket's rules about locks.
const CONFIGURATION: &str = "s3:GetBucketObjectLockConfiguration";

/// The bucket's rules about locks; `None` where there are none or the server knows none.
async fn configuration(
    cloud: &S3,
    bucket: &str,
) -> Result<Option<ObjectLockConfiguration>, CloudError> {
    let get = cloud.clients.s3().get_object_lock_configuration();
    let get = get.bucket(bucket);
    let outcome = cloud
        .sdk(Work::Read, CONFIGURATION, bucket, || get.clone().send())
        .await;
    match outcome {
        Ok(answer) => Ok(answer.object_lock_configuration),
        Err(error) if no_bucket(&error) => Err(error),
        Err(error)
            if not_set(&error)
                || matches!(
                    error.kind,
                    CloudErrorKind::NotSupported | CloudErrorKind::NotFound
                ) =>
        {
            Ok(None)
        }
        Err(error) => Err(error),
    }
}

/// The retention that every new object gets, in words; empty where there is none.
pub(in crate::clouds) async fn default_retention(
    cloud: &S3,
    bucket: &str,
) -> Result<Reading<String>, CloudError> {
    reading(configuration(cloud, bucket).await.map(|found| {
        let rule = found.as_ref().and_then(|found| found.rule());
        let Some(default) = rule.and_then(|rule| rule.default_retention()) else {
            return String::new();
        };
        let mode = default.mode().map_or("", ObjectLockRetentionMode::as_str);
        match (default.days(), default.years()) {
            (Some(days), _) => format!("{mode}, {days} days"),
            (None, Some(years)) => format!("{mode}, {years} years"),
            (None, None) => mode.to_owned(),
        }
    }))
}

/// Refuses with `Conflict` when something cannot be deleted, before anything is.
pub(in crate::clouds) async fn refuse_locked(cloud: &S3, bucket: &str) -> Result<(), CloudError> {
    let locked = configuration(cloud, bucket)
        .await?
        .is_some_and(|found| found.object_lock_enabled() == Some(&ObjectLockEnabled::Enabled));
    if !locked {
        return Ok(());
    }
    let mut walk = Walk::default();
    loop {
        let page = versions(cloud, bucket, &walk.at, PAGE).await?;
        let more = page.follow(&mut walk, bucket)?;
        let found = page.entries.into_iter();
        let held: Vec<Option<String>> =
            stream::iter(found.filter(|one| one.kind != Kind::DeleteMarker))
                .map(|one| async move { lock_of(cloud, bucket, &one.key, Some(one.version)).await })
                .buffer_unordered(ABREAST)
                .try_collect()
                .await?;
        if let Some(why) = held.into_iter().flatten().next() {
            return Err(
                CloudError::new(CloudErrorKind::Conflict, "s3:DeleteObjects", bucket, why)
                    .hint("Wait until the retention ends, or release the lock, and try again."),
            );
        }
        if !more {
            return Ok(());
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
            return Ok(Some(format!("{key:?} is under {mode} retention")));
        }
    }
    let held = unless_none(hold)?
        .and_then(|answer| answer.legal_hold)
        .and_then(|hold| hold.status)
        == Some(ObjectLockLegalHoldStatus::On);
    Ok(held.then(|| format!("{key:?} is under a legal hold")))
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
