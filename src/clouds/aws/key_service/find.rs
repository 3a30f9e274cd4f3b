//! Finds the key that an earlier run has made for a bucket.

use super::read::{Found, describe, tags};
use super::{PAGE, alias, is_of, marker_of, not_ours};
use crate::byob::marker::Generation;
use crate::byob::spec::KeySpec;
use crate::byob::{CloudError, CloudErrorKind, Reading};
use crate::clouds::aws::Aws;
use crate::clouds::reading;
use crate::clouds::retry::Work;

/// The key that has the bucket's alias, if it was made for this bucket.
pub(super) async fn by_alias(
    cloud: &Aws,
    bucket: &str,
) -> Result<Reading<Option<String>>, CloudError> {
    let found = match reading::reading(describe(cloud, &alias(bucket)).await)? {
        // Who has given it up has done so for good, unless somebody asks for it again.
        Reading::Known(Some(found)) if found.is_pending_deletion() => {
            return Ok(Reading::Known(None));
        }
        Reading::Known(Some(found)) => found,
        other => return Ok(other.map(|_| None)),
    };
    let tags = reading::reading(tags(cloud, &found.arn).await)?;
    Ok(tags.map(|tags| is_of(&tags, bucket).then_some(found.arn)))
}

/// A key that an earlier run has made for this bucket.
pub(super) async fn left_behind(
    cloud: &Aws,
    bucket: &str,
    spec: &KeySpec,
) -> Result<Option<Found>, CloudError> {
    let alias = alias(bucket);
    if let Some(found) = describe(cloud, &alias).await? {
        let tags = tags(cloud, &found.arn).await?;
        if is_of(&tags, bucket) {
            return Ok(Some(found));
        }
        return Err(not_ours("kms:CreateAlias", &alias, &found.arn, &tags)
            .hint("Remove the alias, or point it where it belongs."));
    }
    if spec.unnamed_of.is_empty() {
        return Ok(None);
    }
    search(cloud, bucket, &spec.unnamed_of).await
}

/// Looks through all keys of the region for one of this bucket and of one of these
/// generations: its making ended before it got its alias.
pub(super) async fn search(
    cloud: &Aws,
    bucket: &str,
    generations: &[Generation],
) -> Result<Option<Found>, CloudError> {
    let client = cloud.clients.kms();
    let mut next: Option<String> = None;
    loop {
        let page = cloud
            .s3
            .sdk(Work::Read, "kms:ListKeys", "all keys", || {
                client
                    .list_keys()
                    .limit(PAGE)
                    .set_marker(next.clone())
                    .send()
            })
            .await?;
        for key in page.keys() {
            let Some(name) = key.key_arn().or(key.key_id()) else {
                continue;
            };
            // Keys of Amazon's own, and of others, do not tell.
            let tags = match tags(cloud, name).await {
                Ok(tags) => tags,
                Err(error) if error.kind == CloudErrorKind::Stopped => return Err(error),
                Err(_) => continue,
            };
            let marker = marker_of(&tags).filter(|_| is_of(&tags, bucket));
            if marker.is_some_and(|marker| generations.contains(&marker.generation)) {
                return describe(cloud, name).await;
            }
        }
        match page.next_marker() {
            Some(marker) if page.truncated => next = Some(marker.to_owned()),
            _ => return Ok(None),
        }
    }
}
