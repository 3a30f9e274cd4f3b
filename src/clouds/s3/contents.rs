//! What a bucket holds, deleting it, and deleting the bucket.

use std::collections::BTreeSet;

use futures_util::stream::{self, StreamExt, TryStreamExt};

use crate::byob::absence::AbsentBucket;
use crate::byob::contents::Contents;
use crate::byob::{CloudError, CloudErrorKind};
use crate::clouds::retry::Work;
use crate::clouds::survey::{Listing, survey};

use super::deletion::delete_versions;
use super::error::no_bucket;
use super::locks::refuse_locked;
use super::versions::{ABREAST, Entry, Kind, PAGE, Walk, uploads, versions};
use super::{S3, absence};

/// Enough to tell that a bucket is in use, with a number to name.
const GLANCE: u64 = 1000;

impl Listing for S3 {
    type Object = Entry;
    type Walk = Walk;

    async fn objects(
        &self,
        bucket: &str,
        walk: &mut Walk,
        most: u64,
    ) -> Result<(Vec<Entry>, bool), CloudError> {
        let page = versions(self, bucket, &walk.at, most).await?;
        let more = page.follow(walk, bucket)?;
        Ok((page.entries, more))
    }

    async fn uploads(
        &self,
        bucket: &str,
        walk: &mut Walk,
        most: u64,
    ) -> Result<(Vec<(String, String)>, bool), CloudError> {
        let page = uploads(self, bucket, &walk.at, most).await?;
        let more = page.follow(walk, bucket)?;
        Ok((page.found, more))
    }

    fn name(object: &Entry) -> &str {
        &object.key
    }

    fn count(counted: &mut Contents, object: &Entry) {
        match object.kind {
            Kind::Current => counted.objects += 1,
            Kind::Noncurrent => counted.versions += 1,
            Kind::DeleteMarker => counted.delete_markers += 1,
        }
        counted.bytes += object.bytes;
    }
}

/// Counts up to `limit` entries.
pub(in crate::clouds) async fn contents(
    cloud: &S3,
    bucket: &str,
    limit: u64,
) -> Result<Contents, CloudError> {
    Ok(survey(cloud, bucket, limit, PAGE).await?.0)
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
    delete_all_versions(cloud, bucket, &mut gone).await?;
    abort_all(cloud, bucket, &mut gone).await?;
    Ok(gone)
}

async fn delete_all_versions(
    cloud: &S3,
    bucket: &str,
    gone: &mut Contents,
) -> Result<(), CloudError> {
    let mut seen: BTreeSet<(String, String)> = BTreeSet::new();
    let mut walk = Walk::default();
    loop {
        let page = versions(cloud, bucket, &walk.at, PAGE).await?;
        let Some(first) = page.entries.first() else {
            // A page may be empty although the list goes on.
            if page.follow(&mut walk, bucket)? {
                continue;
            }
            return Ok(());
        };
        if !seen.insert((first.key.clone(), first.version.clone())) {
            return Err(CloudError::new(
                CloudErrorKind::Unexpected,
                "s3:DeleteObjects",
                bucket,
                format!("{:?} is still there after it was deleted", first.key),
            ));
        }
        delete_versions(cloud, bucket, &page.entries).await?;
        page.entries.iter().for_each(|one| S3::count(gone, one));
        walk = Walk::default();
    }
}

async fn abort_all(cloud: &S3, bucket: &str, gone: &mut Contents) -> Result<(), CloudError> {
    let mut seen: BTreeSet<(String, String)> = BTreeSet::new();
    let mut walk = Walk::default();
    loop {
        let page = uploads(cloud, bucket, &walk.at, PAGE).await?;
        let Some(first) = page.found.first() else {
            if page.follow(&mut walk, bucket)? {
                continue;
            }
            return Ok(());
        };
        if !seen.insert(first.clone()) {
            return Err(CloudError::new(
                CloudErrorKind::Unexpected,
                "s3:AbortMultipartUpload",
                bucket,
                format!(
                    "an upload of {:?} is still there after it was aborted",
                    first.0
                ),
            ));
        }
        gone.uploads += page.found.len() as u64;
        // An upload has an id of its own, so that a name too many aborts nobody else's.
        stream::iter(page.found.into_iter().chain(page.as_listed))
            .map(|(object, upload)| async move { abort(cloud, bucket, &object, &upload).await })
            .buffer_unordered(ABREAST)
            .try_collect::<Vec<()>>()
            .await?;
        walk = Walk::default();
    }
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
    let leftovers = match survey(cloud, bucket, GLANCE, PAGE).await {
        Ok((found, _)) if !found.is_empty() => {
            return Err(CloudError::new(
                CloudErrorKind::Conflict,
                call,
                bucket,
                format!("it holds {found}"),
            ));
        }
        Ok((_, leftovers)) => leftovers,
        Err(error) if no_bucket(&error) => return absence::confirm(cloud, bucket).await,
        Err(error) => return Err(error),
    };
    for batch in leftovers.objects.chunks(PAGE as usize) {
        delete_versions(cloud, bucket, batch).await?;
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
