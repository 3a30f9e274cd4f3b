//! What a bucket holds, deleting it, and deleting the bucket.

use std::collections::BTreeSet;

use aws_sdk_s3::operation::list_object_versions::ListObjectVersionsOutput;
use aws_sdk_s3::types::{Delete, ObjectIdentifier};
use futures_util::stream::{self, StreamExt, TryStreamExt};

use crate::byob::absence::AbsentBucket;
use crate::byob::contents::Contents;
use crate::byob::probe::is_probe_object;
use crate::byob::{CloudError, CloudErrorKind};
use crate::clouds::retry::Work;

use super::error::no_bucket;
use super::locks::refuse_locked;
use super::versions::{ABREAST, PAGE, Position, versions};
use super::{S3, absence};

/// Enough to tell that a bucket is in use, with a number to name.
const GLANCE: u64 = 1000;

/// What probes have left behind that were killed: object with version, and object with
/// upload. It is nobody's data and is not counted.
#[derive(Debug, Default)]
struct Leftovers {
    objects: Vec<(String, String)>,
    uploads: Vec<(String, String)>,
}

/// Counts up to `limit` entries.
pub(in crate::clouds) async fn contents(
    cloud: &S3,
    bucket: &str,
    limit: u64,
) -> Result<Contents, CloudError> {
    survey(cloud, bucket, limit, &mut Leftovers::default()).await
}

async fn survey(
    cloud: &S3,
    bucket: &str,
    limit: u64,
    leftovers: &mut Leftovers,
) -> Result<Contents, CloudError> {
    let mut counted = Contents::default();
    let mut from = Position::default();
    loop {
        // Some servers answer with more than was asked for.
        let left = limit.saturating_sub(entries(&counted));
        let page = versions(cloud, bucket, &from, left.clamp(1, PAGE)).await?;
        let (probes, data): (Vec<_>, Vec<_>) = identifiers(&page)
            .into_iter()
            .partition(|(object, _)| is_probe_object(object));
        if left == 0 && !data.is_empty() {
            counted.at_least = true;
            return Ok(counted);
        }
        leftovers.objects.extend(probes);
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
        let (probes, data): (Vec<_>, Vec<_>) = page
            .found
            .into_iter()
            .partition(|(object, _)| is_probe_object(object));
        if left == 0 {
            counted.at_least = !data.is_empty();
            return Ok(counted);
        }
        leftovers.uploads.extend(probes);
        counted.uploads += data.len() as u64;
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
    let is_data = |key: Option<&str>| !key.is_some_and(is_probe_object);
    for version in page.versions().iter().filter(|one| is_data(one.key())) {
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
    let markers = page.delete_markers().iter();
    counted.delete_markers += markers.filter(|one| is_data(one.key())).count() as u64;
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
///
/// A bucket that is gone holds nothing, once that is proven.
pub(in crate::clouds) async fn empty(cloud: &S3, bucket: &str) -> Result<Contents, CloudError> {
    match delete_all(cloud, bucket).await {
        Err(error) if no_bucket(&error) => {
            absence::confirm(cloud, bucket).await?;
            Ok(Contents::default())
        }
        outcome => outcome,
    }
}

async fn delete_all(cloud: &S3, bucket: &str) -> Result<Contents, CloudError> {
    refuse_locked(cloud, bucket).await?;
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
            return Err(CloudError::new(
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
            return Err(CloudError::new(
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
    let invalid = |why: String| CloudError::new(CloudErrorKind::Invalid, call, bucket, why);
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

/// Deletes the bucket, after a look of our own: some servers delete one that holds
/// versions or unfinished uploads.
pub(in crate::clouds) async fn delete(
    cloud: &S3,
    bucket: &str,
) -> Result<AbsentBucket, CloudError> {
    let call = "s3:DeleteBucket";
    let mut leftovers = Leftovers::default();
    match survey(cloud, bucket, GLANCE, &mut leftovers).await {
        Ok(found) if !found.is_empty() => {
            return Err(CloudError::new(
                CloudErrorKind::Conflict,
                call,
                bucket,
                format!("it holds {found}"),
            ));
        }
        Ok(_) => {}
        Err(error) if no_bucket(&error) => return absence::confirm(cloud, bucket).await,
        Err(error) => return Err(error),
    }
    for batch in leftovers.objects.chunks(PAGE as usize) {
        delete_batch(cloud, bucket, batch).await?;
    }
    for (object, upload) in &leftovers.uploads {
        abort(cloud, bucket, object, upload).await?;
    }
    let outcome = cloud
        .sdk(Work::Write, call, bucket, || {
            cloud.clients.s3().delete_bucket().bucket(bucket).send()
        })
        .await;
    match outcome {
        Ok(_) => Ok(AbsentBucket::deleted(bucket)),
        // The answer to an earlier try may be lost, or somebody else was faster.
        Err(error) if no_bucket(&error) => absence::confirm(cloud, bucket).await,
        Err(error) => Err(error),
    }
}
