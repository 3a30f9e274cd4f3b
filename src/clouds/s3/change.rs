//! Writes one setting, and only one that the server has shown to know.
//!
//! Some servers take a sub-resource that they do not know for the bucket itself, so a
//! blind `PUT` may make a bucket and a blind `DELETE` may delete one. Each write here
//! comes after an answer to the matching `GET`, in this operation, by this server.

use std::collections::BTreeMap;

use aws_sdk_s3::types as sdk;

use crate::byob::diff::Change;
use crate::byob::observed::{CorsRule, LifecycleRule};
use crate::byob::spec::{Encryption, Key};
use crate::byob::{CloudError, CloudErrorKind};
use crate::clouds::retry::Work;

use super::error::not_set;
use super::{S3, look, refused, settings};

/// The sub-resources of a bucket that are read or written here.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(in crate::clouds) enum Sub {
    Tags,
    Versioning,
    Encryption,
    Cors,
    Lifecycle,
    Policy,
}

impl Sub {
    /// The call that reads it.
    pub(in crate::clouds) fn get(self) -> &'static str {
        match self {
            Self::Tags => "s3:GetBucketTagging",
            Self::Versioning => "s3:GetBucketVersioning",
            Self::Encryption => "s3:GetEncryptionConfiguration",
            Self::Cors => "s3:GetBucketCORS",
            Self::Lifecycle => "s3:GetLifecycleConfiguration",
            Self::Policy => "s3:GetBucketPolicy",
        }
    }

    /// The call that writes it.
    fn put(self) -> &'static str {
        match self {
            Self::Tags => "s3:PutBucketTagging",
            Self::Versioning => "s3:PutBucketVersioning",
            Self::Encryption => "s3:PutEncryptionConfiguration",
            Self::Cors => "s3:PutBucketCORS",
            Self::Lifecycle => "s3:PutLifecycleConfiguration",
            Self::Policy => "s3:PutBucketPolicy",
        }
    }
}

/// Whether a server knows a sub-resource.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(in crate::clouds) enum Knowledge {
    /// It answered the `GET`.
    Known,
    /// It said that it does not know it, to the `GET` or to a `PUT`.
    Unknown(String),
}

/// Writes one setting.
pub(in crate::clouds) async fn change(
    cloud: &S3,
    bucket: &str,
    change: &Change,
) -> Result<(), CloudError> {
    match change {
        Change::Tags(wanted) => tags(cloud, bucket, wanted).await,
        Change::Versioning(on) => versioning(cloud, bucket, *on).await,
        Change::Encryption(wanted) => encryption(cloud, bucket, wanted).await,
        Change::Cors(rules) => cors(cloud, bucket, rules).await,
        Change::Lifecycle(rules) => lifecycle(cloud, bucket, rules).await,
        Change::PublicAccess | Change::Ownership | Change::Grants(_) => Err(refused(
            CloudErrorKind::NotSupported,
            "change",
            bucket,
            "servers other than Amazon's differ in this setting, so it is left alone",
        )),
        Change::Key | Change::Identity => Err(refused(
            CloudErrorKind::Invalid,
            "change",
            bucket,
            "a key or an identity is no setting of a bucket",
        )),
    }
}

impl S3 {
    /// Whether the server knows `sub`; asks once in an operation.
    pub(in crate::clouds) async fn knows(
        &self,
        sub: Sub,
        bucket: &str,
    ) -> Result<bool, CloudError> {
        match self.recall(sub) {
            Some(Knowledge::Known) => return Ok(true),
            Some(Knowledge::Unknown(_)) => return Ok(false),
            None => {}
        }
        match self.touch(sub, bucket).await {
            Ok(()) => {}
            Err(error) if not_set(&error) => {}
            Err(error) if error.kind == CloudErrorKind::NotSupported => {
                self.learn(sub, Knowledge::Unknown(error.message));
                return Ok(false);
            }
            // Not allowed to read it, but the server knew what was asked for.
            Err(error) if error.kind == CloudErrorKind::Denied => {}
            Err(error) => return Err(error),
        }
        self.learn(sub, Knowledge::Known);
        Ok(true)
    }

    /// Reads `sub` for nothing but the server's reaction.
    async fn touch(&self, sub: Sub, bucket: &str) -> Result<(), CloudError> {
        let s3 = self.clients.s3();
        let call = sub.get();
        match sub {
            Sub::Tags => look::read_tags(self, bucket).await.map(drop),
            Sub::Versioning => self
                .sdk(Work::Read, call, bucket, || {
                    s3.get_bucket_versioning().bucket(bucket).send()
                })
                .await
                .map(drop),
            Sub::Encryption => self
                .sdk(Work::Read, call, bucket, || {
                    s3.get_bucket_encryption().bucket(bucket).send()
                })
                .await
                .map(drop),
            Sub::Cors => self
                .sdk(Work::Read, call, bucket, || {
                    s3.get_bucket_cors().bucket(bucket).send()
                })
                .await
                .map(drop),
            Sub::Lifecycle => read_lifecycle(self, bucket).await.map(drop),
            Sub::Policy => self
                .sdk(Work::Read, call, bucket, || {
                    s3.get_bucket_policy().bucket(bucket).send()
                })
                .await
                .map(drop),
        }
    }

    /// Fails with `NotSupported`, before anything is written, unless the server knows
    /// `sub`.
    async fn must_know(&self, sub: Sub, bucket: &str) -> Result<(), CloudError> {
        if self.knows(sub, bucket).await? {
            return Ok(());
        }
        let words = match self.recall(sub) {
            Some(Knowledge::Unknown(words)) => words,
            Some(Knowledge::Known) | None => "unknown to the server".to_owned(),
        };
        Err(refused(
            CloudErrorKind::NotSupported,
            sub.put(),
            bucket,
            words,
        ))
    }

    /// Remembers a write that the server did not know after all.
    fn heed(&self, sub: Sub, outcome: Result<(), CloudError>) -> Result<(), CloudError> {
        if let Err(error) = &outcome
            && error.kind == CloudErrorKind::NotSupported
        {
            self.learn(sub, Knowledge::Unknown(error.message.clone()));
        }
        outcome
    }
}

/// Writes all tags.
pub(in crate::clouds) async fn tags(
    cloud: &S3,
    bucket: &str,
    wanted: &BTreeMap<String, String>,
) -> Result<(), CloudError> {
    let sub = Sub::Tags;
    cloud.must_know(sub, bucket).await?;
    if wanted.is_empty() {
        let outcome = cloud
            .sdk(Work::Write, "s3:DeleteBucketTagging", bucket, || {
                cloud
                    .clients
                    .s3()
                    .delete_bucket_tagging()
                    .bucket(bucket)
                    .send()
            })
            .await
            .map(drop);
        return cloud.heed(sub, outcome);
    }
    let tagging = look::tagging(wanted)
        .map_err(|why| refused(CloudErrorKind::Invalid, sub.put(), bucket, why))?;
    let outcome = cloud
        .sdk(Work::Write, sub.put(), bucket, || {
            cloud
                .clients
                .s3()
                .put_bucket_tagging()
                .bucket(bucket)
                .tagging(tagging.clone())
                .send()
        })
        .await
        .map(drop);
    cloud.heed(sub, outcome)
}

async fn versioning(cloud: &S3, bucket: &str, on: bool) -> Result<(), CloudError> {
    let sub = Sub::Versioning;
    cloud.must_know(sub, bucket).await?;
    let status = if on {
        sdk::BucketVersioningStatus::Enabled
    } else {
        sdk::BucketVersioningStatus::Suspended
    };
    let configuration = sdk::VersioningConfiguration::builder()
        .status(status)
        .build();
    let outcome = cloud
        .sdk(Work::Write, sub.put(), bucket, || {
            cloud
                .clients
                .s3()
                .put_bucket_versioning()
                .bucket(bucket)
                .versioning_configuration(configuration.clone())
                .send()
        })
        .await
        .map(drop);
    cloud.heed(sub, outcome)
}

async fn encryption(cloud: &S3, bucket: &str, wanted: &Encryption) -> Result<(), CloudError> {
    let sub = Sub::Encryption;
    let key = match &wanted.key {
        Key::Server => None,
        Key::Named(name) => Some(name.clone()),
        Key::ToMake => {
            let why = "the key is not made yet";
            return Err(refused(CloudErrorKind::Invalid, sub.put(), bucket, why));
        }
    };
    cloud.must_know(sub, bucket).await?;
    let invalid = |why: String| refused(CloudErrorKind::Invalid, sub.put(), bucket, why);
    let default = sdk::ServerSideEncryptionByDefault::builder()
        .sse_algorithm(sdk::ServerSideEncryption::from(wanted.algorithm.as_str()))
        .set_kms_master_key_id(key)
        .build()
        .map_err(|error| invalid(error.to_string()))?;
    let rule = sdk::ServerSideEncryptionRule::builder()
        .apply_server_side_encryption_by_default(default)
        .set_bucket_key_enabled(wanted.bucket_key)
        .build();
    let configuration = sdk::ServerSideEncryptionConfiguration::builder()
        .rules(rule)
        .build()
        .map_err(|error| invalid(error.to_string()))?;
    let outcome = cloud
        .sdk(Work::Write, sub.put(), bucket, || {
            cloud
                .clients
                .s3()
                .put_bucket_encryption()
                .bucket(bucket)
                .server_side_encryption_configuration(configuration.clone())
                .send()
        })
        .await
        .map(drop);
    cloud.heed(sub, outcome)
}

async fn cors(cloud: &S3, bucket: &str, rules: &[CorsRule]) -> Result<(), CloudError> {
    let sub = Sub::Cors;
    cloud.must_know(sub, bucket).await?;
    let invalid = |why: String| refused(CloudErrorKind::Invalid, sub.put(), bucket, why);
    if rules.is_empty() {
        let outcome = cloud
            .sdk(Work::Write, "s3:DeleteBucketCORS", bucket, || {
                cloud
                    .clients
                    .s3()
                    .delete_bucket_cors()
                    .bucket(bucket)
                    .send()
            })
            .await
            .map(drop);
        return cloud.heed(sub, outcome);
    }
    let rules = rules
        .iter()
        .map(settings::sdk_cors)
        .collect::<Result<Vec<_>, _>>()
        .map_err(invalid)?;
    let configuration = sdk::CorsConfiguration::builder()
        .set_cors_rules(Some(rules))
        .build()
        .map_err(|error| invalid(error.to_string()))?;
    let outcome = cloud
        .sdk(Work::Write, sub.put(), bucket, || {
            cloud
                .clients
                .s3()
                .put_bucket_cors()
                .bucket(bucket)
                .cors_configuration(configuration.clone())
                .send()
        })
        .await
        .map(drop);
    cloud.heed(sub, outcome)
}

/// All lifecycle rules of the bucket, in the SDK's words; an error of
/// [`not_set`] when there are none.
pub(in crate::clouds) async fn read_lifecycle(
    cloud: &S3,
    bucket: &str,
) -> Result<Vec<sdk::LifecycleRule>, CloudError> {
    cloud
        .sdk(Work::Read, Sub::Lifecycle.get(), bucket, || {
            cloud
                .clients
                .s3()
                .get_bucket_lifecycle_configuration()
                .bucket(bucket)
                .send()
        })
        .await
        .map(|answer| answer.rules().to_vec())
}

/// Replaces our rules; other people's are read just before and written back whole.
async fn lifecycle(cloud: &S3, bucket: &str, rules: &[LifecycleRule]) -> Result<(), CloudError> {
    let sub = Sub::Lifecycle;
    if matches!(cloud.recall(sub), Some(Knowledge::Unknown(_))) {
        return cloud.must_know(sub, bucket).await;
    }
    let current = match read_lifecycle(cloud, bucket).await {
        Ok(rules) => rules,
        Err(error) if not_set(&error) => Vec::new(),
        Err(error) => return cloud.heed(sub, Err(error)),
    };
    cloud.learn(sub, Knowledge::Known);
    let ours = rules
        .iter()
        .map(settings::sdk_lifecycle)
        .collect::<Result<Vec<_>, _>>()
        .map_err(|why| refused(CloudErrorKind::Invalid, sub.put(), bucket, why))?;
    let all: Vec<sdk::LifecycleRule> = current
        .iter()
        .filter(|rule| !settings::is_ours(rule))
        .cloned()
        .chain(ours)
        .collect();
    if all == current {
        return Ok(());
    }
    if all.is_empty() {
        let outcome = cloud
            .sdk(Work::Write, sub.put(), bucket, || {
                cloud
                    .clients
                    .s3()
                    .delete_bucket_lifecycle()
                    .bucket(bucket)
                    .send()
            })
            .await
            .map(drop);
        return cloud.heed(sub, outcome);
    }
    let outcome = put_lifecycle(cloud, bucket, all).await;
    let only_aborts = rules
        .iter()
        .any(|rule| rule.abort_upload_days.is_some() && rule.noncurrent_days.is_none());
    match outcome {
        // MinIO refuses a rule whose only action it does not have.
        Err(error) if only_aborts && error.code.as_deref() == Some("InvalidArgument") => {
            Err(CloudError {
                kind: CloudErrorKind::NotSupported,
                message: format!(
                    "this server takes no rule that aborts unfinished uploads: {}",
                    error.message
                ),
                ..error
            })
        }
        outcome => cloud.heed(sub, outcome),
    }
}

async fn put_lifecycle(
    cloud: &S3,
    bucket: &str,
    rules: Vec<sdk::LifecycleRule>,
) -> Result<(), CloudError> {
    let call = Sub::Lifecycle.put();
    let configuration = sdk::BucketLifecycleConfiguration::builder()
        .set_rules(Some(rules))
        .build()
        .map_err(|error| refused(CloudErrorKind::Invalid, call, bucket, error.to_string()))?;
    cloud
        .sdk(Work::Write, call, bucket, || {
            cloud
                .clients
                .s3()
                .put_bucket_lifecycle_configuration()
                .bucket(bucket)
                .lifecycle_configuration(configuration.clone())
                .send()
        })
        .await
        .map(drop)
}
