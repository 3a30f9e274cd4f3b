//! A first look at a name: is the bucket there, and whose is it.

use std::collections::BTreeMap;
use std::time::SystemTime;

use aws_sdk_s3::types::EncodingType;

use crate::byob::cloud::Sighting;
use crate::byob::marker::{self, Marker};
use crate::byob::{CloudError, CloudErrorKind};
use crate::clouds::retry::Work;

use super::S3;
use super::error::{no_bucket, not_set};
use super::knowledge::{Knowledge, Sub};

/// Whether the bucket is there, and its tags; its creation date only when it does not carry
/// our marker.
///
/// Objects are asked for first because that is what every server answers with a code:
/// MinIO says "no tags" of a bucket that is not there, the answer to a `HEAD` has no body
/// (any server's 404 would pass for "no such bucket"), and SeaweedFS has a spelling of
/// its own for the location.
pub(in crate::clouds) async fn look(
    cloud: &S3,
    bucket: &str,
) -> Result<Option<Sighting>, CloudError> {
    let listed = cloud
        .sdk(Work::Read, "s3:ListBucket", bucket, || {
            cloud
                .clients
                .s3()
                .list_objects_v2()
                .bucket(bucket)
                .max_keys(1)
                // XML cannot carry every name that an object may have.
                .encoding_type(EncodingType::Url)
                .send()
        })
        .await;
    match listed {
        Ok(_) => {}
        Err(error) if no_bucket(&error) => return Ok(None),
        Err(error) => return Err(error),
    }
    match read_tags(cloud, bucket).await {
        Ok(tags) => sighting(cloud, bucket, tags).await.map(Some),
        Err(error) if no_bucket(&error) => Ok(None),
        Err(error) if error.kind == CloudErrorKind::NotSupported => {
            sighting(cloud, bucket, BTreeMap::new()).await.map(Some)
        }
        Err(error) => Err(error),
    }
}

/// All tags of the bucket, the marker among them.
pub(in crate::clouds) async fn read_tags(
    cloud: &S3,
    bucket: &str,
) -> Result<BTreeMap<String, String>, CloudError> {
    let outcome = cloud
        .sdk(Work::Read, "s3:GetBucketTagging", bucket, || {
            cloud
                .clients
                .s3()
                .get_bucket_tagging()
                .bucket(bucket)
                .send()
        })
        .await;
    match outcome {
        Ok(answer) => {
            cloud.learn(Sub::Tags, Knowledge::Known);
            Ok(answer
                .tag_set()
                .iter()
                .map(|tag| (tag.key().to_owned(), tag.value().to_owned()))
                .collect())
        }
        Err(error) if not_set(&error) => {
            cloud.learn(Sub::Tags, Knowledge::Known);
            Ok(BTreeMap::new())
        }
        Err(error) => {
            if error.kind == CloudErrorKind::NotSupported {
                cloud.learn(Sub::Tags, Knowledge::Unknown(error.message.clone()));
            }
            Err(error)
        }
    }
}

/// The marker among the tags.
pub(in crate::clouds) fn marker_of(tags: &BTreeMap<String, String>) -> Option<Marker> {
    tags.get(marker::KEY).and_then(|value| Marker::parse(value))
}

async fn sighting(
    cloud: &S3,
    bucket: &str,
    tags: BTreeMap<String, String>,
) -> Result<Sighting, CloudError> {
    let marker = marker_of(&tags);
    let created = match &marker {
        Some(_) => None,
        None => created(cloud, bucket).await?,
    };
    Ok(Sighting {
        marker,
        created,
        date_holds: false,
        tags,
    })
}

/// When the caller's bucket was made, where the server tells.
pub(in crate::clouds) async fn created(
    cloud: &S3,
    bucket: &str,
) -> Result<Option<SystemTime>, CloudError> {
    let outcome = cloud
        .sdk(Work::Read, "s3:ListAllMyBuckets", bucket, || {
            cloud.clients.s3().list_buckets().prefix(bucket).send()
        })
        .await;
    match outcome {
        Ok(listed) => Ok(listed
            .buckets()
            .iter()
            .find(|one| one.name() == Some(bucket))
            .and_then(|one| one.creation_date().copied())
            .and_then(|date| SystemTime::try_from(date).ok())),
        Err(error) if error.kind == CloudErrorKind::Stopped => Err(error),
        // Knowing the date is a convenience; the bucket was seen without it.
        Err(_) => Ok(None),
    }
}
