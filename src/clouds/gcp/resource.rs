//! Asks for a bucket's resource, and sees to it that the bucket is still whose it was when it
//! was looked at: nothing of ours is written onto what somebody else has taken over.

use super::Gcp;
use super::bucket::Document;
use super::error::{no_bucket, not_understood};
use super::request::Request;
use crate::byob::{CloudError, CloudErrorKind, marker};
use crate::clouds::retry::Work;

pub(super) const GET: &str = "storage.buckets.get";

/// Reads a bucket's resource and keeps it in mind; `None` when the server says that there
/// is no such bucket.
pub(super) async fn get(cloud: &Gcp, bucket: &str) -> Result<Option<Document>, CloudError> {
    let request = Request::bucket("GET", bucket).with("projection", "noAcl");
    match cloud.json(Work::Read, GET, bucket, &request).await {
        Ok(resource) => {
            let document = Document::read(resource, bucket);
            let document = document.map_err(|why| not_understood(GET, bucket, why))?;
            cloud.remember(bucket, &document);
            Ok(Some(document))
        }
        Err(error) if no_bucket(&error) => Ok(None),
        Err(error) => Err(error),
    }
}

/// What was known of the bucket when it was decided to write: as it was looked at, or, where
/// this operation has made it, as it was told then.
pub(super) fn known(cloud: &Gcp, bucket: &str) -> Option<Document> {
    cloud.looked_at(bucket).or_else(|| cloud.recall(bucket))
}

/// Refuses to write onto a bucket that says another owner now than `before`.
///
/// # Errors
/// `Conflict`.
pub(super) fn refuse_taken(
    before: &Document,
    now: &Document,
    call: &str,
    bucket: &str,
) -> Result<(), CloudError> {
    let owner = |document: &Document| document.labels().remove(marker::KEY);
    if owner(before) == owner(now) {
        return Ok(());
    }
    let why = "somebody else has taken the bucket over at the same time";
    let error = CloudError::new(CloudErrorKind::Conflict, call, bucket, why);
    Err(error.hint("Run again, which looks at the bucket anew."))
}
