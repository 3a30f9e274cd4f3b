//! Makes the bucket and writes its settings, one at a time.

use std::collections::BTreeMap;

use aws_sdk_s3::types as sdk;

use crate::byob::change::Change;
use crate::byob::spec::Key;
use crate::byob::{CloudError, CloudErrorKind};
use crate::clouds::retry::{Work, until_known};
use crate::clouds::s3::change::{self, NAMELESS_REGION};
use crate::clouds::s3::error::no_bucket;
use crate::clouds::s3::{grants, look, settings};

use super::{Aws, key_service};

/// Makes the bucket with its tags in one call.
pub(super) async fn create(
    cloud: &Aws,
    bucket: &str,
    tags: &BTreeMap<String, String>,
) -> Result<(), CloudError> {
    let call = "s3:CreateBucket";
    let tag_set = settings::tagging(tags)
        .map_err(|why| CloudError::new(CloudErrorKind::Invalid, call, bucket, why))?
        .tag_set;
    let region = cloud.clients.settings().region.as_str();
    let location = (region != NAMELESS_REGION).then(|| region.into());
    let configuration = sdk::CreateBucketConfiguration::builder()
        .set_location_constraint(location)
        .set_tags(Some(tag_set))
        .build();
    let client = cloud.s3.clients.s3();
    cloud
        .s3
        .sdk(Work::Once, call, bucket, || {
            client
                .create_bucket()
                .bucket(bucket)
                .create_bucket_configuration(configuration.clone())
                .send()
        })
        .await?;
    if region == NAMELESS_REGION {
        return is_made_here(cloud, bucket, tags).await;
    }
    Ok(())
}

/// In us-east-1 Amazon answers a second creation by the owner with success and drops its
/// tags. The caller has looked before, but somebody may have been faster since.
async fn is_made_here(
    cloud: &Aws,
    bucket: &str,
    tags: &BTreeMap<String, String>,
) -> Result<(), CloudError> {
    let found = until_known(
        &cloud.stop,
        "s3:GetBucketTagging",
        bucket,
        |outcome: &Result<BTreeMap<String, String>, CloudError>| match outcome {
            Ok(found) => found.is_empty(),
            Err(error) => no_bucket(error),
        },
        || async { Ok(look::read_tags(&cloud.s3, bucket).await) },
    )
    .await?;
    match found {
        Ok(found) if look::marker_of(&found) != look::marker_of(tags) => Err(CloudError::new(
            CloudErrorKind::AlreadyExists,
            "s3:CreateBucket",
            bucket,
            "somebody has made it in the meantime",
        )),
        // Who may not read tags has made the bucket all the same, as far as can be told.
        Err(error) if error.kind != CloudErrorKind::Denied => Err(error),
        _ => Ok(()),
    }
}

/// Writes one setting.
pub(super) async fn change(cloud: &Aws, bucket: &str, what: &Change) -> Result<(), CloudError> {
    match what {
        Change::PublicAccess => block_public_access(cloud, bucket).await,
        Change::Ownership => own_objects(cloud, bucket).await,
        Change::Grants(wanted) => grants::write(&cloud.s3, cloud.language(), wanted).await,
        Change::Encryption(encryption) => {
            if let Key::Named(name) = &encryption.key
                && cloud.own_key.get() != Some(name)
            {
                key_service::refuse_anothers(cloud, bucket, name).await?;
            }
            change::change(&cloud.s3, bucket, what).await
        }
        Change::Tags(_) | Change::Versioning(_) | Change::Cors(_) | Change::Lifecycle(_) => {
            change::change(&cloud.s3, bucket, what).await
        }
    }
}

async fn block_public_access(cloud: &Aws, bucket: &str) -> Result<(), CloudError> {
    let configuration = sdk::PublicAccessBlockConfiguration::builder()
        .block_public_acls(true)
        .ignore_public_acls(true)
        .block_public_policy(true)
        .restrict_public_buckets(true)
        .build();
    let client = cloud.s3.clients.s3();
    cloud
        .s3
        .sdk(Work::Write, "s3:PutBucketPublicAccessBlock", bucket, || {
            client
                .put_public_access_block()
                .bucket(bucket)
                .public_access_block_configuration(configuration.clone())
                .send()
        })
        .await
        .map(drop)
}

async fn own_objects(cloud: &Aws, bucket: &str) -> Result<(), CloudError> {
    let call = "s3:PutBucketOwnershipControls";
    let invalid = |why: aws_sdk_s3::error::BuildError| {
        CloudError::new(CloudErrorKind::Invalid, call, bucket, why.to_string())
    };
    let rule = sdk::OwnershipControlsRule::builder()
        .object_ownership(sdk::ObjectOwnership::BucketOwnerEnforced)
        .build()
        .map_err(invalid)?;
    let controls = sdk::OwnershipControls::builder()
        .rules(rule)
        .build()
        .map_err(invalid)?;
    let client = cloud.s3.clients.s3();
    cloud
        .s3
        .sdk(Work::Write, call, bucket, || {
            client
                .put_bucket_ownership_controls()
                .bucket(bucket)
                .ownership_controls(controls.clone())
                .send()
        })
        .await
        .map(drop)
}
