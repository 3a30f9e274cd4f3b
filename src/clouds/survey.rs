//! Counts what a bucket holds, page by page, on every cloud that lists objects and uploads.

use crate::byob::contents::Contents;
use crate::byob::probe::is_probe_object;
use crate::byob::{CloudError, CloudErrorKind};

/// What the listing of a bucket gives.
pub trait Listing {
    /// One version of an object.
    type Object: Send;
    /// The way through all pages of a list.
    type Walk: Default + Send;

    /// The page of objects that the walk has come to, with at most `most` of them if the
    /// server keeps to that, and whether the list goes on.
    fn objects(
        &self,
        bucket: &str,
        walk: &mut Self::Walk,
        most: u64,
    ) -> impl Future<Output = Result<(Vec<Self::Object>, bool), CloudError>> + Send;

    /// The same of unfinished uploads: object and upload.
    fn uploads(
        &self,
        bucket: &str,
        walk: &mut Self::Walk,
        most: u64,
    ) -> impl Future<Output = Result<(Vec<(String, String)>, bool), CloudError>> + Send;

    /// What the object is called.
    fn name(object: &Self::Object) -> &str;

    /// Counts one object.
    fn count(counted: &mut Contents, object: &Self::Object);
}

/// What probes have left behind that were killed: versions of objects, and object with
/// upload. It is nobody's data and is not counted.
#[derive(Debug)]
pub struct Leftovers<T> {
    /// Versions of objects.
    pub objects: Vec<T>,
    /// Object and upload.
    pub uploads: Vec<(String, String)>,
}

impl<T> Default for Leftovers<T> {
    fn default() -> Self {
        Self {
            objects: Vec::new(),
            uploads: Vec::new(),
        }
    }
}

/// The error of something that comes back although the service said that it went.
pub fn comes_back(call: &str, bucket: &str, name: &str) -> CloudError {
    let why = format!("{name:?} is listed again after the service said that it was deleted");
    CloudError::new(CloudErrorKind::Unexpected, call, bucket, why)
}

/// Counts up to `limit` entries in pages of `page`, and finds what probes have left.
pub async fn survey<L: Listing>(
    cloud: &L,
    bucket: &str,
    limit: u64,
    page: u64,
) -> Result<(Contents, Leftovers<L::Object>), CloudError> {
    let mut counted = Contents::default();
    let mut leftovers = Leftovers::default();
    let mut walk = L::Walk::default();
    loop {
        // Some servers answer with more than was asked for.
        let left = limit.saturating_sub(entries(&counted));
        let (found, more) = cloud
            .objects(bucket, &mut walk, left.clamp(1, page))
            .await?;
        let (probes, data): (Vec<_>, Vec<_>) = found
            .into_iter()
            .partition(|one| is_probe_object(L::name(one)));
        if left == 0 && !data.is_empty() {
            counted.at_least = true;
            return Ok((counted, leftovers));
        }
        leftovers.objects.extend(probes);
        data.iter().for_each(|one| L::count(&mut counted, one));
        if !more {
            break;
        }
        if entries(&counted) >= limit {
            counted.at_least = true;
            return Ok((counted, leftovers));
        }
    }
    let mut walk = L::Walk::default();
    loop {
        let left = limit.saturating_sub(entries(&counted));
        let (found, more) = cloud
            .uploads(bucket, &mut walk, left.clamp(1, page))
            .await?;
        let (probes, data): (Vec<_>, Vec<_>) = found
            .into_iter()
            .partition(|(object, _)| is_probe_object(object));
        if left == 0 {
            counted.at_least = more || !data.is_empty();
            return Ok((counted, leftovers));
        }
        leftovers.uploads.extend(probes);
        counted.uploads += data.len() as u64;
        if !more {
            return Ok((counted, leftovers));
        }
        if entries(&counted) >= limit {
            counted.at_least = true;
            return Ok((counted, leftovers));
        }
    }
}

fn entries(counted: &Contents) -> u64 {
    counted.objects + counted.versions + counted.delete_markers + counted.uploads
}
