//! What a bucket holds, deleting it, and deleting the bucket.

use std::collections::BTreeSet;

use aws_sdk_s3::operation::list_object_versions::ListObjectVersionsOutput;
use aws_sdk_s3::types::{
    Delete, ObjectIdentifier, ObjectLockEnabled, ObjectLockLegalHoldStatus, ObjectLockRetentionMode,
};
use futures_util::stream::{self, StreamExt, TryStreamExt};

use crate::byob::cloud::Contents;
use crate::byob::{CloudError, CloudErrorKind};
use crate::clouds::retry::Work;

use super::error::{no_bucket, not_set};
use super::{S3, refused};

/// The most entries that servers list or delete in one call.
const PAGE: u64 = 1000;
/// How many objects are asked about at the same time.
const ABREAST: usize = 16;
/// Enough to tell that a bucket is in use, with a number to name.
const GLANCE: u64 = 1000;

/// Counts up to `limit` entries.
pub(in crate::clouds) async fn contents(
    cloud: &S3,
    bucket: &str,
    limit: u64,
) -> Result<Contents, CloudError> {
    let mut counted = Contents::default();
    let mut from = Position::default();
    loop {
        let left = limit - entries(&counted);
        if left == 0 {
            break;
        }
        let page = versions(cloud, bucket, &from, left.min(PAGE)).await?;
        count(&mut counted, &page);
        match Position::after(&page) {
            Some(next) => from = next,
            None => break,
        }
        if entries(&counted) >= limit {
            counted.at_least = true;
            return Ok(counted);
        }
    }
    let mut marks = (None, None);
    loop {
        let left = limit.saturating_sub(entries(&counted));
        let page = uploads(cloud, bucket, &marks, left.clamp(1, PAGE)).await?;
        if left == 0 {
            counted.at_least = !page.found.is_empty();
            return Ok(counted);
        }
        counted.uploads += page.found.len() as u64;
        match page.next {
            Some(next) => marks = next,
            None => return Ok(counted),
        }
        if entries(&counted) >= limit {
            counted.at_least = true;
            return Ok(counted);
        }
    }
}

fn entries(counted: &Contents) -> u64 {
    counted.objects + counted.versions + counted.delete_markers + counted.uploads
}

fn count(counted: &mut Contents, page: &ListObjectVersionsOutput) {
    for version in page.versions() {
        if version.is_latest().unwrap_or(true) {
            counted.objects += 1;
        } else {
            counted.versions += 1;
        }
        counted.bytes += version
            .size()
            .and_then(|size| u64::try_from(size).ok())
            .unwrap_or(0);
    }
    counted.delete_markers += page.delete_markers().len() as u64;
}

/// Where the next page of versions begins.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
struct Position {
    key: Option<String>,
    version: Option<String>,
}

impl Position {
    fn after(page: &ListObjectVersionsOutput) -> Option<Self> {
        let next = Self {
            key: page.next_key_marker().map(str::to_owned),
            version: page.next_version_id_marker().map(str::to_owned),
        };
        (page.is_truncated().unwrap_or(false) && next.key.is_some()).then_some(next)
    }
}

async fn versions(
    cloud: &S3,
    bucket: &str,
    from: &Position,
    most: u64,
) -> Result<ListObjectVersionsOutput, CloudError> {
    let most = i32::try_from(most).unwrap_or(i32::MAX);
    cloud
        .sdk(Work::Read, "s3:ListBucketVersions", bucket, || {
            cloud
                .clients
                .s3()
                .list_object_versions()
                .bucket(bucket)
                .set_key_marker(from.key.clone())
                .set_version_id_marker(from.version.clone())
                .max_keys(most)
                .send()
        })
        .await
}

/// The key and the upload id after which the next page begins.
type Marks = (Option<String>, Option<String>);

/// One page of unfinished uploads: object and upload id.
struct Uploads {
    found: Vec<(String, String)>,
    next: Option<Marks>,
}

async fn uploads(
    cloud: &S3,
    bucket: &str,
    marks: &Marks,
    most: u64,
) -> Result<Uploads, CloudError> {
    let most = i32::try_from(most).unwrap_or(i32::MAX);
    let outcome = cloud
        .sdk(Work::Read, "s3:ListBucketMultipartUploads", bucket, || {
            cloud
                .clients
                .s3()
                .list_multipart_uploads()
                .bucket(bucket)
                .set_key_marker(marks.0.clone())
                .set_upload_id_marker(marks.1.clone())
                .max_uploads(most)
                .send()
        })
        .await;
    let answer = match outcome {
        Ok(answer) => answer,
        // A server without uploads in parts has none that are unfinished.
        Err(error) if error.kind == CloudErrorKind::NotSupported => {
            return Ok(Uploads {
                found: Vec::new(),
                next: None,
            });
        }
        Err(error) => return Err(error),
    };
    let next = answer.next_key_marker().map(|key| {
        (
            Some(key.to_owned()),
            answer.next_upload_id_marker().map(str::to_owned),
        )
    });
    Ok(Uploads {
        found: answer
            .uploads()
            .iter()
            .filter_map(|upload| Some((upload.key()?.to_owned(), upload.upload_id()?.to_owned())))
            .collect(),
        next: next.filter(|_| answer.is_truncated().unwrap_or(false)),
    })
}

/// Deletes everything, batch by batch, from the front: what an earlier run deleted is
/// not seen again.
pub(in crate::clouds) async fn empty(cloud: &S3, bucket: &str) -> Result<Contents, CloudError> {
    match refuse_locked(cloud, bucket).await {
        Ok(()) => {}
        Err(error) if no_bucket(&error) => return Ok(Contents::default()),
        Err(error) => return Err(error),
    }
    let mut gone = Contents::default();
    let mut seen: BTreeSet<(String, String)> = BTreeSet::new();
    loop {
        let page = versions(cloud, bucket, &Position::default(), PAGE).await?;
        let batch = identifiers(&page);
        if batch.is_empty() {
            break;
        }
        let first = batch.first().cloned().unwrap_or_default();
        if !seen.insert(first.clone()) {
            return Err(refused(
                CloudErrorKind::Unexpected,
                "s3:DeleteObjects",
                bucket,
                format!("\"{}\" is still there after it was deleted", first.0),
            ));
        }
        delete_batch(cloud, bucket, &batch).await?;
        count(&mut gone, &page);
    }
    loop {
        let page = uploads(cloud, bucket, &(None, None), PAGE).await?;
        if page.found.is_empty() {
            return Ok(gone);
        }
        if !seen.insert(page.found.first().cloned().unwrap_or_default()) {
            return Err(refused(
                CloudErrorKind::Unexpected,
                "s3:AbortMultipartUpload",
                bucket,
                "an upload is still there after it was aborted",
            ));
        }
        gone.uploads += page.found.len() as u64;
        stream::iter(page.found)
            .map(|(object, upload)| async move { abort(cloud, bucket, &object, &upload).await })
            .buffer_unordered(ABREAST)
            .try_collect::<Vec<()>>()
            .await?;
    }
}

/// Object and version id of everything on a page.
fn identifiers(page: &ListObjectVersionsOutput) -> Vec<(String, String)> {
    let versions = page
        .versions()
        .iter()
        .map(|version| (version.key(), version.version_id()));
    let markers = page
        .delete_markers()
        .iter()
        .map(|marker| (marker.key(), marker.version_id()));
    versions
        .chain(markers)
        .filter_map(|(key, version)| Some((key?.to_owned(), version.unwrap_or("null").to_owned())))
        .collect()
}

async fn delete_batch(
    cloud: &S3,
    bucket: &str,
    batch: &[(String, String)],
) -> Result<(), CloudError> {
    let call = "s3:DeleteObjects";
    let invalid = |why: String| refused(CloudErrorKind::Invalid, call, bucket, why);
    let objects = batch
        .iter()
        .map(|(key, version)| {
            ObjectIdentifier::builder()
                .key(key)
                .version_id(version)
                .build()
                .map_err(|error| invalid(error.to_string()))
        })
        .collect::<Result<Vec<_>, _>>()?;
    let delete = Delete::builder()
        .set_objects(Some(objects))
        .quiet(true)
        .build()
        .map_err(|error| invalid(error.to_string()))?;
    let answer = cloud
        .sdk(Work::Write, call, bucket, || {
            cloud
                .clients
                .s3()
                .delete_objects()
                .bucket(bucket)
                .delete(delete.clone())
                .send()
        })
        .await?;
    let Some(first) = answer.errors().first() else {
        return Ok(());
    };
    let answer = super::error::Answer {
        status: 400,
        code: first.code().map(str::to_owned),
        message: Some(format!(
            "{} of {} were not deleted; the first is \"{}\": {}",
            answer.errors().len(),
            batch.len(),
            first.key().unwrap_or_default(),
            first.message().unwrap_or_default(),
        )),
        request_id: None,
        bucket_region: None,
    };
    Err(answer.failure(call, bucket).error)
}

async fn abort(cloud: &S3, bucket: &str, object: &str, upload: &str) -> Result<(), CloudError> {
    let outcome = cloud
        .sdk(Work::Write, "s3:AbortMultipartUpload", bucket, || {
            cloud
                .clients
                .s3()
                .abort_multipart_upload()
                .bucket(bucket)
                .key(object)
                .upload_id(upload)
                .send()
        })
        .await;
    match outcome {
        Ok(_) => Ok(()),
        Err(error) if error.code.as_deref() == Some("NoSuchUpload") => Ok(()),
        Err(error) => Err(error),
    }
}

/// Refuses with `Conflict` when something cannot be deleted, before anything is.
async fn refuse_locked(cloud: &S3, bucket: &str) -> Result<(), CloudError> {
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
                refused(CloudErrorKind::Conflict, "s3:DeleteObjects", bucket, why)
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
            if matches!(
                error.kind,
                CloudErrorKind::NotFound | CloudErrorKind::NotSupported
            ) =>
        {
            Ok(None)
        }
        Err(error) => Err(error),
    }
}

/// Deletes the bucket, after a look of our own: some servers delete one that holds
/// versions or unfinished uploads.
pub(in crate::clouds) async fn delete(cloud: &S3, bucket: &str) -> Result<(), CloudError> {
    let call = "s3:DeleteBucket";
    match contents(cloud, bucket, GLANCE).await {
        Ok(found) if !found.is_empty() => {
            return Err(refused(
                CloudErrorKind::Conflict,
                call,
                bucket,
                format!("it holds {found}"),
            ));
        }
        Ok(_) => {}
        Err(error) if no_bucket(&error) => return Ok(()),
        Err(error) => return Err(error),
    }
    let outcome = cloud
        .sdk(Work::Write, call, bucket, || {
            cloud.clients.s3().delete_bucket().bucket(bucket).send()
        })
        .await;
    match outcome {
        Ok(_) => Ok(()),
        Err(error) if no_bucket(&error) => Ok(()),
        Err(error) => Err(error),
    }
}
