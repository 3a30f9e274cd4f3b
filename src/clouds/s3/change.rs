//! Makes a bucket and writes its settings, one at a time, and only those that the server
//! has shown to know.

use std::collections::BTreeMap;

use aws_sdk_s3::types as sdk;

use crate::byob::change::Change;
use crate::byob::marker;
use crate::byob::observed::CorsRule;
use crate::byob::spec::{Encryption, Key};
use crate::byob::{CloudError, CloudErrorKind};
use crate::clouds::retry::Work;

use super::knowledge::Sub;
use super::{S3, lifecycle, settings, versioning};

/// The region in which no location may be named.
pub(in crate::clouds) const NAMELESS_REGION: &str = "us-east-1";

/// Refuses what cannot be written, before anything is sent.
fn invalid(sub: Sub, bucket: &str, why: impl ToString) -> CloudError {
    CloudError::new(CloudErrorKind::Invalid, sub.put(), bucket, why.to_string())
}

/// Makes the bucket, then writes its tags: these servers drop tags that come with
/// the creating call.
pub(in crate::clouds) async fn create(
    cloud: &S3,
    bucket: &str,
    wanted: &BTreeMap<String, String>,
) -> Result<(), CloudError> {
    let region = cloud.clients.connection().region.as_str();
    let location = (region != NAMELESS_REGION && !region.is_empty()).then(|| {
        sdk::CreateBucketConfiguration::builder()
            .location_constraint(sdk::BucketLocationConstraint::from(region))
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
    cloud.note_made();
    mark(cloud, bucket, wanted).await
}

/// Writes the tags of a bucket that was made a moment ago.
pub(in crate::clouds) async fn mark(
    cloud: &S3,
    bucket: &str,
    wanted: &BTreeMap<String, String>,
) -> Result<(), CloudError> {
    if wanted.is_empty() {
        return Ok(());
    }
    // A bucket without its marker is nobody's: no stop may come between the two, nor a tag
    // that the server does not take. What is missing is written, and told, in the end.
    let cloud = cloud.unstopped();
    let mut outcome = first_tags(&cloud, bucket, wanted).await;
    let refused = |error: &CloudError| error.kind == CloudErrorKind::Invalid;
    if outcome.as_ref().is_err_and(refused)
        && let Some(marker) = wanted.get(marker::KEY)
    {
        let alone = BTreeMap::from([(marker::KEY.to_owned(), marker.clone())]);
        outcome = first_tags(&cloud, bucket, &alone).await;
    }
    match outcome {
        // A server without tags still has a bucket; the marker is a protection that
        // it cannot give.
        Err(error) if error.kind == CloudErrorKind::NotSupported => Ok(()),
        outcome => outcome,
    }
}

/// The tags of a bucket that was made a moment ago, and may not be known everywhere yet.
async fn first_tags(
    cloud: &S3,
    bucket: &str,
    wanted: &BTreeMap<String, String>,
) -> Result<(), CloudError> {
    let call = Sub::Tags.put();
    let attempt = || tags(cloud, bucket, wanted);
    cloud.once_made(call, bucket, |_| false, attempt).await
}

/// Writes one setting.
pub(in crate::clouds) async fn change(
    cloud: &S3,
    bucket: &str,
    change: &Change,
) -> Result<(), CloudError> {
    match change {
        Change::Tags(wanted) => tags(cloud, bucket, wanted).await,
        Change::Versioning(on) => versioning::write(cloud, bucket, *on).await,
        Change::Encryption(wanted) => encryption(cloud, bucket, wanted).await,
        Change::Cors(rules) => cors(cloud, bucket, rules).await,
        Change::Lifecycle(rules) => lifecycle::write(cloud, bucket, rules).await,
        Change::PublicAccess(_)
        | Change::SoftDelete(_)
        | Change::StorageClass(_)
        | Change::Ownership
        | Change::Grants(_) => Err(left_alone(
            bucket,
            "servers other than Amazon's differ in this setting, so it is left alone",
        )),
    }
}

/// The error of a setting that nothing was written for.
pub(in crate::clouds) fn left_alone(bucket: &str, why: &str) -> CloudError {
    CloudError::new(CloudErrorKind::NotSupported, "change", bucket, why)
}

/// Writes all tags.
pub(in crate::clouds) async fn tags(
    cloud: &S3,
    bucket: &str,
    wanted: &BTreeMap<String, String>,
) -> Result<(), CloudError> {
    let (sub, s3) = (Sub::Tags, cloud.clients.s3());
    if wanted.is_empty() {
        let delete = || s3.delete_bucket_tagging().bucket(bucket).send();
        return cloud
            .write(sub, "s3:DeleteBucketTagging", bucket, delete)
            .await;
    }
    let tagging = settings::tagging(wanted).map_err(|why| invalid(sub, bucket, why))?;
    cloud
        .write(sub, sub.put(), bucket, || {
            let put = s3.put_bucket_tagging().bucket(bucket);
            put.tagging(tagging.clone()).send()
        })
        .await
}

async fn encryption(cloud: &S3, bucket: &str, wanted: &Encryption) -> Result<(), CloudError> {
    let (sub, s3) = (Sub::Encryption, cloud.clients.s3());
    let key = match &wanted.key {
        Key::Server => None,
        Key::Named(name) => Some(name.clone()),
        Key::ToMake => return Err(invalid(sub, bucket, "the key is not made yet")),
    };
    let default = sdk::ServerSideEncryptionByDefault::builder()
        .sse_algorithm(sdk::ServerSideEncryption::from(wanted.algorithm.as_str()))
        .set_kms_master_key_id(key)
        .build()
        .map_err(|error| invalid(sub, bucket, error))?;
    let rule = sdk::ServerSideEncryptionRule::builder()
        .apply_server_side_encryption_by_default(default)
        .set_bucket_key_enabled(wanted.bucket_key)
        .build();
    let configuration = sdk::ServerSideEncryptionConfiguration::builder()
        .rules(rule)
        .build()
        .map_err(|error| invalid(sub, bucket, error))?;
    cloud
        .write(sub, sub.put(), bucket, || {
            let put = s3.put_bucket_encryption().bucket(bucket);
            put.server_side_encryption_configuration(configuration.clone())
                .send()
        })
        .await
}

async fn cors(cloud: &S3, bucket: &str, rules: &[CorsRule]) -> Result<(), CloudError> {
    let (sub, s3) = (Sub::Cors, cloud.clients.s3());
    if rules.is_empty() {
        let delete = || s3.delete_bucket_cors().bucket(bucket).send();
        return cloud
            .write(sub, "s3:DeleteBucketCORS", bucket, delete)
            .await;
    }
    let rules = rules
        .iter()
        .map(settings::sdk_cors)
        .collect::<Result<Vec<_>, _>>()
        .map_err(|why| invalid(sub, bucket, why))?;
    let configuration = sdk::CorsConfiguration::builder()
        .set_cors_rules(Some(rules))
        .build()
        .map_err(|error| invalid(sub, bucket, error))?;
    cloud
        .write(sub, sub.put(), bucket, || {
            let put = s3.put_bucket_cors().bucket(bucket);
            put.cors_configuration(configuration.clone()).send()
        })
        .await
}
