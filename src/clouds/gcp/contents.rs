//! What a bucket holds, deleting it, and deleting the bucket.

use std::collections::BTreeSet;

use futures_util::stream::{self, StreamExt, TryStreamExt};

use super::error::{no_bucket, was_outrun};
use super::listing::{ABREAST, Entry, LIST, PAGE, Walk, objects, uploads};
use super::request::{Request, encoded};
use super::{Gcp, absence, resource};
use crate::byob::absence::AbsentBucket;
use crate::byob::contents::Contents;
use crate::byob::{CloudError, CloudErrorKind};
use crate::clouds::reading::missing;
use crate::clouds::retry::Work;
use crate::clouds::survey::{Listing, comes_back, survey};

const DELETE_OBJECT: &str = "storage.objects.delete";
const ABORT: &str = "storage.multipartUploads.abort";
const DELETE_BUCKET: &str = "storage.buckets.delete";
/// Enough to tell that a bucket is in use, with a number to name.
const GLANCE: u64 = 1000;

impl Listing for Gcp {
    type Object = Entry;
    type Walk = Walk;

    async fn objects(
        &self,
        bucket: &str,
        walk: &mut Walk,
        most: u64,
    ) -> Result<(Vec<Entry>, bool), CloudError> {
        let page = objects(self, bucket, walk, most).await?;
        let more = walk.follow(LIST, bucket, &page)?;
        Ok((page.entries, more))
    }

    async fn uploads(
        &self,
        bucket: &str,
        walk: &mut Walk,
        most: u64,
    ) -> Result<(Vec<(String, String)>, bool), CloudError> {
        let page = uploads(self, bucket, walk, most).await?;
        let more = walk.follow(ABORT, bucket, &page)?;
        Ok((page.entries, more))
    }

    fn name(object: &Entry) -> &str {
        &object.name
    }

    fn count(counted: &mut Contents, object: &Entry) {
        if object.is_live {
            counted.objects += 1;
        } else {
            counted.versions += 1;
        }
        counted.bytes += object.bytes;
    }
}

/// Counts up to `limit` entries.
pub(super) async fn contents(
    cloud: &Gcp,
    bucket: &str,
    limit: u64,
) -> Result<Contents, CloudError> {
    Ok(survey(cloud, bucket, limit, PAGE).await?.0)
}

/// Refuses with `Conflict` when something cannot be deleted, before anything is.
pub(super) async fn refuse_locked(cloud: &Gcp, bucket: &str) -> Result<(), CloudError> {
    let mut walk = Walk::default();
    loop {
        let page = objects(cloud, bucket, &walk, PAGE).await?;
        if let Some(why) = page.entries.iter().find_map(|one| one.lock.clone()) {
            return Err(
                CloudError::new(CloudErrorKind::Conflict, DELETE_OBJECT, bucket, why)
                    .hint("Wait until the retention ends, or release the hold, and try again."),
            );
        }
        if !walk.follow(LIST, bucket, &page)? {
            return Ok(());
        }
    }
}

/// Deletes everything, page by page, from the front: what an earlier run deleted is not
/// seen again. A bucket that is gone holds nothing, once that is proven.
pub(super) async fn empty(cloud: &Gcp, bucket: &str) -> Result<Contents, CloudError> {
    match delete_all(cloud, bucket).await {
        Err(error) if no_bucket(&error) => {
            absence::confirm(cloud, bucket).await?;
            Ok(Contents::default())
        }
        outcome => outcome,
    }
}

async fn delete_all(cloud: &Gcp, bucket: &str) -> Result<Contents, CloudError> {
    refuse_locked(cloud, bucket).await?;
    let mut gone = Contents::default();
    delete_objects(cloud, bucket, &mut gone).await?;
    abort_uploads(cloud, bucket, &mut gone).await?;
    Ok(gone)
}

async fn delete_objects(cloud: &Gcp, bucket: &str, gone: &mut Contents) -> Result<(), CloudError> {
    let mut seen: BTreeSet<(String, String)> = BTreeSet::new();
    let mut walk = Walk::default();
    loop {
        let page = objects(cloud, bucket, &walk, PAGE).await?;
        let Some(first) = page.entries.first() else {
            // A page may be empty although the list goes on.
            if walk.follow(LIST, bucket, &page)? {
                continue;
            }
            return Ok(());
        };
        if !seen.insert((first.name.clone(), first.generation.clone())) {
            return Err(comes_back(DELETE_OBJECT, bucket, &first.name));
        }
        page.entries.iter().for_each(|one| Gcp::count(gone, one));
        stream::iter(page.entries)
            .map(|one| async move { delete_object(cloud, bucket, &one).await })
            .buffer_unordered(ABREAST)
            .try_collect::<Vec<()>>()
            .await?;
        walk = Walk::default();
    }
}

async fn delete_object(cloud: &Gcp, bucket: &str, one: &Entry) -> Result<(), CloudError> {
    let delete = Request::bucket("DELETE", bucket)
        .part(&format!("/o/{}", encoded(&one.name)))
        .with("generation", &one.generation);
    let outcome = cloud
        .send_request(Work::Write, DELETE_OBJECT, bucket, &delete)
        .await;
    missing(outcome).map(drop).map_err(|error| CloudError {
        message: format!("{:?} was not deleted: {}", one.name, error.message),
        ..error
    })
}

async fn abort_uploads(cloud: &Gcp, bucket: &str, gone: &mut Contents) -> Result<(), CloudError> {
    let mut seen: BTreeSet<(String, String)> = BTreeSet::new();
    loop {
        let page = uploads(cloud, bucket, &Walk::default(), PAGE).await?;
        let Some(first) = page.entries.first() else {
            return Ok(());
        };
        if !seen.insert(first.clone()) {
            return Err(comes_back(ABORT, bucket, &first.0));
        }
        gone.uploads += page.entries.len() as u64;
        stream::iter(page.entries)
            .map(|(object, upload)| async move { abort(cloud, bucket, &object, &upload).await })
            .buffer_unordered(ABREAST)
            .try_collect::<Vec<()>>()
            .await?;
    }
}

async fn abort(cloud: &Gcp, bucket: &str, object: &str, upload: &str) -> Result<(), CloudError> {
    let abort = Request::xml(
        "DELETE",
        &format!("{}/{}", encoded(bucket), encoded(object)),
    )
    .with("uploadId", upload);
    let outcome = cloud.send_request(Work::Write, ABORT, bucket, &abort).await;
    missing(outcome).map(drop)
}

/// Deletes a bucket that holds nothing but what killed probes have left.
pub(super) async fn delete(cloud: &Gcp, bucket: &str) -> Result<AbsentBucket, CloudError> {
    match delete_bare(cloud, bucket, 0).await {
        Err(error) if no_bucket(&error) => absence::confirm(cloud, bucket).await,
        outcome => outcome,
    }
}

async fn delete_bare(cloud: &Gcp, bucket: &str, attempt: u32) -> Result<AbsentBucket, CloudError> {
    // Open uploads do not keep a bucket, and go with it unseen.
    let (holds, leftovers) = survey(cloud, bucket, GLANCE, PAGE).await?;
    if !holds.is_empty() {
        let why = format!("the bucket holds {holds}");
        let kind = CloudErrorKind::Conflict;
        return Err(CloudError::new(kind, DELETE_BUCKET, bucket, why));
    }
    for one in &leftovers.objects {
        delete_object(cloud, bucket, one).await?;
    }
    for (object, upload) in &leftovers.uploads {
        abort(cloud, bucket, object, upload).await?;
    }
    // The one that was looked at: who takes a bucket over writes its labels.
    let seen = cloud.looked_at(bucket);
    let metageneration = seen.as_ref().and_then(|seen| seen.metageneration());
    let request = Request::bucket("DELETE", bucket)
        .with_some("ifMetagenerationMatch", metageneration.as_deref());
    let outcome = cloud
        .send_request(Work::Write, DELETE_BUCKET, bucket, &request)
        .await;
    match outcome {
        Ok(_) => {
            cloud.forget();
            Ok(AbsentBucket::deleted(bucket))
        }
        Err(error) if was_outrun(&error) && seen.is_some() => {
            cloud.forget();
            let now = resource::get(cloud, bucket).await?;
            let owner = |document: &super::bucket::Document| document.marker();
            let is_same = now.as_ref().map(owner) == seen.as_ref().map(owner);
            let is_harmless = error.code.as_deref() == Some("conditionNotMet") && is_same;
            let patience = &cloud.patience;
            if let (true, Some(now)) = (is_harmless, &now)
                && patience.wait_again(attempt, DELETE_BUCKET, bucket).await?
            {
                // Another setting was changed, which nobody needs any more.
                cloud.note_look(bucket, now);
                return Box::pin(delete_bare(cloud, bucket, attempt + 1)).await;
            }
            Err(error)
        }
        Err(error) => Err(error),
    }
}
