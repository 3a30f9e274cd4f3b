//! A first look at a name, and making the bucket.

use std::collections::BTreeMap;
use std::time::SystemTime;

use aws_sdk_s3::types::{
    BucketLocationConstraint, CreateBucketConfiguration, Tag, Tagging as SdkTagging,
};

use crate::byob::cloud::Sighting;
use crate::byob::marker::{self, Marker};
use crate::byob::{CloudError, CloudErrorKind};
use crate::clouds::retry::Work;

use super::S3;
use super::change::{Knowledge, Sub};
use super::error::{no_bucket, not_set};

/// The region in which servers take no other one to be named.
const NAMELESS_REGION: &str = "us-east-1";

/// Whether the bucket is there, and its tags; its creation date only when it has none.
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
                .send()
        })
        .await;
    match listed {
        Ok(_) => {}
        Err(error) if no_bucket(&error) => return Ok(None),
        Err(error) => return Err(error),
    }
    match read_tags(cloud, bucket).await {
        Ok(tags) if !tags.is_empty() => Ok(Some(Sighting {
            marker: marker_of(&tags),
            created: None,
            tags,
        })),
        Ok(_) => sighting_without_tags(cloud, bucket).await.map(Some),
        Err(error) if no_bucket(&error) => Ok(None),
        Err(error) if error.kind == CloudErrorKind::NotSupported => {
            sighting_without_tags(cloud, bucket).await.map(Some)
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

async fn sighting_without_tags(cloud: &S3, bucket: &str) -> Result<Sighting, CloudError> {
    let outcome = cloud
        .sdk(Work::Read, "s3:ListAllMyBuckets", bucket, || {
            cloud.clients.s3().list_buckets().prefix(bucket).send()
        })
        .await;
    let created = match outcome {
        Ok(listed) => listed
            .buckets()
            .iter()
            .find(|one| one.name() == Some(bucket))
            .and_then(|one| one.creation_date().copied())
            .and_then(|date| SystemTime::try_from(date).ok()),
        Err(error) if error.kind == CloudErrorKind::Stopped => return Err(error),
        // Knowing the date is a convenience; the bucket was seen without it.
        Err(_) => None,
    };
    Ok(Sighting {
        created,
        ..Sighting::default()
    })
}

/// Makes the bucket, then writes its tags: these servers drop tags that come with
/// the creating call.
pub(in crate::clouds) async fn create(
    cloud: &S3,
    bucket: &str,
    tags: &BTreeMap<String, String>,
) -> Result<(), CloudError> {
    let region = cloud.clients.connection().region.as_str();
    let location = (region != NAMELESS_REGION && !region.is_empty()).then(|| {
        CreateBucketConfiguration::builder()
            .location_constraint(BucketLocationConstraint::from(region))
            .build()
    });
    cloud
        .sdk(Work::Once, "s3:CreateBucket", bucket, || {
            cloud
                .clients
                .s3()
                .create_bucket()
                .bucket(bucket)
                .set_create_bucket_configuration(location.clone())
                .send()
        })
        .await?;
    if tags.is_empty() {
        return Ok(());
    }
    // A bucket without its marker is nobody's: no stop may come between the two, nor a tag
    // that the server does not take. What is missing is written, and told, in the end.
    let cloud = cloud.unstopped();
    let mut outcome = super::change::tags(&cloud, bucket, tags).await;
    let refused = |error: &CloudError| error.kind == CloudErrorKind::Invalid;
    if outcome.as_ref().is_err_and(refused)
        && let Some(marker) = tags.get(marker::KEY)
    {
        let alone = BTreeMap::from([(marker::KEY.to_owned(), marker.clone())]);
        outcome = super::change::tags(&cloud, bucket, &alone).await;
    }
    match outcome {
        // A server without tags still has a bucket; the marker is a protection that
        // it cannot give.
        Err(error) if error.kind == CloudErrorKind::NotSupported => Ok(()),
        outcome => outcome,
    }
}

/// Tags in the SDK's words.
pub(in crate::clouds) fn tagging(tags: &BTreeMap<String, String>) -> Result<SdkTagging, String> {
    let mut builder = SdkTagging::builder().set_tag_set(Some(Vec::new()));
    for (key, value) in tags {
        let tag = Tag::builder()
            .key(key)
            .value(value)
            .build()
            .map_err(|error| error.to_string())?;
        builder = builder.tag_set(tag);
    }
    builder.build().map_err(|error| error.to_string())
}
