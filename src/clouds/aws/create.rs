//! Makes the bucket with its tags, in one call where the server takes them there.

use std::collections::BTreeMap;
use std::time::{Duration, SystemTime};

use aws_sdk_s3::types as sdk;

use crate::byob::{CloudError, CloudErrorKind};
use crate::clouds::retry::{Work, until_known};
use crate::clouds::s3::change::{NAMELESS_REGION, mark};
use crate::clouds::s3::error::no_bucket;
use crate::clouds::s3::{look, settings};

use super::Aws;
use super::error::missing_action;

const CALL: &str = "s3:CreateBucket";
/// A bucket without tags that is younger counts as the one that was just made.
const YOUNG: Duration = Duration::from_hours(1);

/// Makes the bucket. What came of its tags is looked up where the answer cannot tell: other
/// servers than Amazon's drop them, and in us-east-1 Amazon answers a second creation by the
/// owner with success. Where they are not taken at all they are written in the next call.
pub(super) async fn create(
    cloud: &Aws,
    bucket: &str,
    tags: &BTreeMap<String, String>,
) -> Result<(), CloudError> {
    let settings = cloud.clients.settings();
    let is_silent = settings.region == NAMELESS_REGION || settings.endpoints.s3.is_some();
    match make(cloud, bucket, Some(tags)).await {
        Ok(()) if !is_silent || tags.is_empty() => Ok(()),
        Ok(()) => see_to_tags(cloud, bucket, tags, true).await,
        Err(error) if !tags.is_empty() && takes_no_tags(&error) => {
            tracing::debug!(%error, "the bucket is made without tags");
            make(cloud, bucket, None).await?;
            see_to_tags(cloud, bucket, tags, false).await
        }
        Err(error) => Err(error),
    }
}

/// Whether a creation was refused for its tags. Servers that do not know them say so, or take
/// the document for a wrong one.
fn takes_no_tags(error: &CloudError) -> bool {
    match error.code.as_deref() {
        Some("UnsupportedArgument" | "NotImplemented" | "MalformedXML") => true,
        _ => {
            error.kind == CloudErrorKind::Denied
                && missing_action(error).as_deref() == Some("s3:TagResource")
        }
    }
}

async fn make(
    cloud: &Aws,
    bucket: &str,
    tags: Option<&BTreeMap<String, String>>,
) -> Result<(), CloudError> {
    let tag_set = tags
        .map(settings::tagging)
        .transpose()
        .map_err(|why| CloudError::new(CloudErrorKind::Invalid, CALL, bucket, why))?
        .map(|tagging| tagging.tag_set);
    let region = cloud.clients.settings().region.as_str();
    let location = (region != NAMELESS_REGION).then(|| region.into());
    let is_plain = location.is_none() && tag_set.is_none();
    let configuration = sdk::CreateBucketConfiguration::builder()
        .set_location_constraint(location)
        .set_tags(tag_set)
        .build();
    let call = cloud.s3.clients.s3().create_bucket().bucket(bucket);
    let call = call.set_create_bucket_configuration((!is_plain).then_some(configuration));
    cloud
        .s3
        .sdk(Work::Once, CALL, bucket, || call.clone().send())
        .await
        .map(drop)
}

/// Looks whether the bucket carries the marker, and writes the tags where it has none at all
/// and is as young as one that was made a moment ago. The caller has looked before, but
/// somebody may have been faster since. `sent` when the tags came with the creating call, so
/// that they may take a moment to show.
async fn see_to_tags(
    cloud: &Aws,
    bucket: &str,
    tags: &BTreeMap<String, String>,
    sent: bool,
) -> Result<(), CloudError> {
    let is_amazon = cloud.clients.settings().endpoints.s3.is_none();
    let found = until_known(
        &cloud.stop,
        "s3:GetBucketTagging",
        bucket,
        |outcome: &Result<BTreeMap<String, String>, CloudError>| match outcome {
            Ok(found) => found.is_empty() && sent && is_amazon,
            Err(error) => no_bucket(error),
        },
        || async { Ok(look::read_tags(&cloud.s3, bucket).await) },
    )
    .await?;
    match found {
        Ok(found) if found.is_empty() => {
            let created = look::created(&cloud.s3, bucket).await?;
            let age = created.and_then(|date| SystemTime::now().duration_since(date).ok());
            if age.is_some_and(|age| age > YOUNG) {
                return Err(made_by_another(bucket));
            }
            write_tags(cloud, bucket, tags).await
        }
        Ok(found) if look::marker_of(&found) != look::marker_of(tags) => {
            Err(made_by_another(bucket))
        }
        // Who may not read tags has made the bucket all the same, as far as can be told.
        Err(error) if error.kind == CloudErrorKind::Denied && !sent => {
            write_tags(cloud, bucket, tags).await
        }
        Err(error) if error.kind != CloudErrorKind::Denied => Err(error),
        _ => Ok(()),
    }
}

/// A bucket without its marker is nobody's: no stop may come between.
async fn write_tags(
    cloud: &Aws,
    bucket: &str,
    tags: &BTreeMap<String, String>,
) -> Result<(), CloudError> {
    let s3 = &cloud.s3.unstopped();
    s3.once_known("s3:PutBucketTagging", bucket, no_bucket, || {
        mark(s3, bucket, tags)
    })
    .await
}

fn made_by_another(bucket: &str) -> CloudError {
    CloudError::new(
        CloudErrorKind::AlreadyExists,
        CALL,
        bucket,
        "somebody has made it in the meantime",
    )
}
