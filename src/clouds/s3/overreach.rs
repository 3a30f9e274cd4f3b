//! What W&B's key must not be able to do, tried without changing anything.

use aws_sdk_s3::types::EncodingType;

use crate::byob::identity::AccessKey;
use crate::byob::{CloudError, CloudErrorKind};
use crate::clouds::random::alphanumeric;
use crate::clouds::retry::Work;

use super::S3;
use super::knowledge::Sub;

/// A policy that no server takes: an allowed caller changes nothing with it either.
const NO_POLICY: &str = "{";

/// What `key` could do although it must not.
pub(in crate::clouds) async fn overreach(
    cloud: &S3,
    bucket: &str,
    key: &AccessKey,
) -> Result<Vec<String>, CloudError> {
    let theirs = cloud.clients.s3_as(key);
    let mut found = Vec::new();
    if cloud.knows(Sub::Policy, bucket).await? {
        let call = "s3:PutBucketPolicy";
        let outcome = cloud
            .sdk(Work::Write, call, bucket, || {
                theirs
                    .put_bucket_policy()
                    .bucket(bucket)
                    .policy(NO_POLICY)
                    .send()
            })
            .await;
        match outcome {
            Err(error) if error.kind == CloudErrorKind::Denied => {}
            Err(error)
                if matches!(
                    error.kind,
                    CloudErrorKind::Invalid | CloudErrorKind::Conflict
                ) =>
            {
                found.push("change who has access to the bucket".to_owned());
            }
            Ok(_) => found.push("change who has access to the bucket".to_owned()),
            Err(error) if error.kind == CloudErrorKind::NotSupported => {}
            Err(error) => return Err(error),
        }
    }
    if let Some(other) = look_elsewhere(cloud, bucket, &theirs).await? {
        found.push(format!("list the objects of the bucket \"{other}\""));
    }
    Ok(found)
}

/// The name of another bucket that this client could list, if any.
///
/// A name that nobody has is asked for first: most servers refuse before they look
/// whether it is there. Where one says that it is not, a real neighbour has to do.
async fn look_elsewhere(
    cloud: &S3,
    bucket: &str,
    theirs: &aws_sdk_s3::Client,
) -> Result<Option<String>, CloudError> {
    let nobodys = format!("wandb-byob-{}", alphanumeric::<20>()?.to_lowercase());
    match may_list(cloud, theirs, &nobodys).await {
        Ok(false) => return Ok(None),
        Ok(true) => return Ok(Some(nobodys)),
        Err(error) if error.kind == CloudErrorKind::NotFound => {}
        Err(error) => return Err(error),
    }
    let listed = cloud
        .sdk(Work::Read, "s3:ListAllMyBuckets", bucket, || {
            cloud.clients.s3().list_buckets().send()
        })
        .await;
    let other = listed.ok().and_then(|listed| {
        listed
            .buckets()
            .iter()
            .filter_map(|other| other.name())
            .find(|other| *other != bucket)
            .map(str::to_owned)
    });
    match other {
        None => Ok(None),
        Some(other) => match may_list(cloud, theirs, &other).await {
            Ok(may) => Ok(may.then_some(other)),
            Err(error) if error.kind == CloudErrorKind::NotFound => Ok(None),
            Err(error) => Err(error),
        },
    }
}

/// Whether this client may list a bucket; `NotFound` when it is told that there is none.
async fn may_list(
    cloud: &S3,
    theirs: &aws_sdk_s3::Client,
    bucket: &str,
) -> Result<bool, CloudError> {
    let outcome = cloud
        .sdk(Work::Read, "s3:ListBucket", bucket, || {
            // XML cannot carry every name that an object may have.
            let list = theirs.list_objects_v2().bucket(bucket).max_keys(1);
            list.encoding_type(EncodingType::Url).send()
        })
        .await;
    match outcome {
        Ok(_) => Ok(true),
        Err(error) if error.kind == CloudErrorKind::Denied => Ok(false),
        Err(error) => Err(error),
    }
}
