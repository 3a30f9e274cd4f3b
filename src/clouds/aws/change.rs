//! Writes the bucket's settings, one at a time.

use aws_sdk_s3::types as sdk;

use crate::byob::change::Change;
use crate::byob::spec::Key;
use crate::byob::{CloudError, CloudErrorKind};
use crate::clouds::retry::Work;
use crate::clouds::s3::{change, grants};

use super::{Aws, key_service};

/// Writes one setting.
pub(super) async fn change(cloud: &Aws, bucket: &str, what: &Change) -> Result<(), CloudError> {
    match what {
        Change::PublicAccess(true) => block_public_access(cloud, bucket).await,
        Change::PublicAccess(false) | Change::SoftDelete(_) | Change::StorageClass(_) => {
            Err(change::left_alone(bucket, "Amazon has no such setting"))
        }
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
