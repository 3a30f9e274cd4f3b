//! Reads every setting of a bucket at once. Writes nothing.

use std::collections::BTreeMap;

use crate::byob::cloud::SecretUrl;
use crate::byob::cloud::{CloudKind, LookAt};
use crate::byob::identity::Identity;
use crate::byob::marker;
use crate::byob::observed::{
    CorsRule, EncryptionState, IdentityState, LifecycleRule, Observed, Preflight, Reading,
    Versioning,
};
use crate::byob::policy::Document;
use crate::byob::probe::WebRequest;
use crate::byob::{CloudError, CloudErrorKind};
use crate::clouds::preflight;
use crate::clouds::retry::Work;

use super::change::{Knowledge, Sub, read_lifecycle};
use super::error::{no_bucket, not_set};
use super::{S3Compatible, keys_iam, keys_minio, look, settings};

/// A setting, or the news that there is no such bucket.
enum Found<T> {
    Reading(Reading<T>),
    NoBucket,
}

/// Reads the bucket; `None` when the server says that it is not there.
pub(super) async fn observe(
    cloud: &S3Compatible,
    bucket: &str,
    look_at: &LookAt,
) -> Result<Option<Observed>, CloudError> {
    let (tags, versioning, encryption, cors, lifecycle, grants, identity) = tokio::join!(
        tags(cloud, bucket),
        versioning(cloud, bucket),
        encryption(cloud, bucket, look_at.encryption),
        cors(cloud, bucket, &look_at.origin),
        lifecycle(cloud, bucket),
        grants(cloud, bucket),
        identity(cloud, look_at.identity.as_ref()),
    );
    let (cors, preflight) = cors?;
    let (
        Found::Reading(tags),
        Found::Reading(versioning),
        Found::Reading(encryption),
        Found::Reading(cors),
        Found::Reading(lifecycle),
        Found::Reading(grants),
    ) = (tags?, versioning?, encryption?, cors, lifecycle?, grants?)
    else {
        return Ok(None);
    };
    let marker = tags.known().and_then(look::marker_of);
    let region = &cloud.clients.settings().region;
    Ok(Some(Observed {
        location: (!region.is_empty()).then(|| region.clone()),
        marker,
        tags: without_marker(tags),
        versioning,
        cors,
        preflight,
        encryption,
        lifecycle,
        grants,
        identity: identity?,
        ..Observed::unread(CloudKind::S3Compatible, format!("arn:aws:s3:::{bucket}"))
    }))
}

fn without_marker(tags: Reading<BTreeMap<String, String>>) -> Reading<BTreeMap<String, String>> {
    match tags {
        Reading::Known(mut tags) => {
            tags.remove(marker::KEY);
            Reading::Known(tags)
        }
        other => other,
    }
}

impl S3Compatible {
    /// Judges the outcome of reading `sub`, and remembers whether the server knows it.
    fn found<T>(
        &self,
        sub: Sub,
        none: impl FnOnce() -> T,
        outcome: Result<T, CloudError>,
    ) -> Result<Found<T>, CloudError> {
        // A PUT has shown that the server only pretends to know it.
        if let Some(Knowledge::Unknown(words)) = self.recall(sub)
            && !outcome.as_ref().is_err_and(no_bucket)
        {
            return Ok(Found::Reading(Reading::Unsupported(words)));
        }
        match outcome {
            Ok(value) => {
                self.learn(sub, Knowledge::Known);
                Ok(Found::Reading(Reading::Known(value)))
            }
            Err(error) if no_bucket(&error) => Ok(Found::NoBucket),
            Err(error) if not_set(&error) => {
                self.learn(sub, Knowledge::Known);
                Ok(Found::Reading(Reading::Known(none())))
            }
            Err(error) if error.kind == CloudErrorKind::NotSupported => {
                self.learn(sub, Knowledge::Unknown(error.message.clone()));
                Ok(Found::Reading(Reading::Unsupported(error.message)))
            }
            Err(error) if error.kind == CloudErrorKind::Denied => Ok(Found::Reading(
                Reading::Denied(format!("{}: {}", sub.get(), error.message)),
            )),
            Err(error) => Err(error),
        }
    }
}

async fn tags(
    cloud: &S3Compatible,
    bucket: &str,
) -> Result<Found<BTreeMap<String, String>>, CloudError> {
    let outcome = look::read_tags(cloud, bucket).await;
    cloud.found(Sub::Tags, BTreeMap::new, outcome)
}

async fn versioning(cloud: &S3Compatible, bucket: &str) -> Result<Found<Versioning>, CloudError> {
    let sub = Sub::Versioning;
    let outcome = cloud
        .sdk(Work::Read, sub.get(), bucket, || {
            cloud
                .clients
                .s3()
                .get_bucket_versioning()
                .bucket(bucket)
                .send()
        })
        .await
        .map(|answer| settings::versioning(answer.status()));
    cloud.found(sub, || Versioning::Off, outcome)
}

async fn encryption(
    cloud: &S3Compatible,
    bucket: &str,
    wanted: bool,
) -> Result<Found<EncryptionState>, CloudError> {
    if !wanted {
        return Ok(Found::Reading(Reading::Skipped));
    }
    let sub = Sub::Encryption;
    let outcome = cloud
        .sdk(Work::Read, sub.get(), bucket, || {
            cloud
                .clients
                .s3()
                .get_bucket_encryption()
                .bucket(bucket)
                .send()
        })
        .await
        .map(|answer| settings::encryption(answer.server_side_encryption_configuration()));
    cloud.found(sub, EncryptionState::default, outcome)
}

/// The bucket's rules; where it has none, also what the server tells a browser.
async fn cors(
    cloud: &S3Compatible,
    bucket: &str,
    origin: &str,
) -> Result<(Found<Vec<CorsRule>>, Option<Preflight>), CloudError> {
    let sub = Sub::Cors;
    let outcome = cloud
        .sdk(Work::Read, sub.get(), bucket, || {
            cloud.clients.s3().get_bucket_cors().bucket(bucket).send()
        })
        .await
        .map(|answer| answer.cors_rules().iter().map(settings::cors).collect());
    let found = cloud.found(sub, Vec::new, outcome)?;
    let without_rules = match &found {
        Found::Reading(Reading::Known(rules)) => rules.is_empty(),
        Found::Reading(Reading::Unsupported(_) | Reading::Denied(_)) => true,
        Found::Reading(Reading::Skipped) | Found::NoBucket => false,
    };
    if !without_rules || origin.is_empty() {
        return Ok((found, None));
    }
    let request = WebRequest {
        method: "OPTIONS",
        url: SecretUrl::new(cloud.clients.object_url(bucket, "wandb-byob-preflight")),
        headers: preflight::question(origin),
        body: Vec::new(),
    };
    let answer = cloud.web("OPTIONS", bucket, &request).await?;
    let told = preflight::read(origin, answer.status, &answer.headers);
    Ok((found, Some(told)))
}

async fn lifecycle(
    cloud: &S3Compatible,
    bucket: &str,
) -> Result<Found<Vec<LifecycleRule>>, CloudError> {
    let outcome = read_lifecycle(cloud, bucket)
        .await
        .map(|rules| rules.iter().map(settings::lifecycle).collect());
    cloud.found(Sub::Lifecycle, Vec::new, outcome)
}

async fn grants(cloud: &S3Compatible, bucket: &str) -> Result<Found<Document>, CloudError> {
    let sub = Sub::Policy;
    let outcome = cloud
        .sdk(Work::Read, sub.get(), bucket, || {
            cloud.clients.s3().get_bucket_policy().bucket(bucket).send()
        })
        .await
        .and_then(|answer| {
            let text = answer.policy().unwrap_or_default();
            if text.trim().is_empty() {
                return Ok(Document::default());
            }
            Document::parse(text).map_err(|error| {
                CloudError::new(
                    CloudErrorKind::Unexpected,
                    sub.get(),
                    bucket,
                    error.to_string(),
                )
            })
        });
    cloud.found(sub, Document::default, outcome)
}

async fn identity(
    cloud: &S3Compatible,
    identity: Option<&Identity>,
) -> Result<Reading<Option<IdentityState>>, CloudError> {
    let Some(identity) = identity else {
        return Ok(Reading::Skipped);
    };
    let outcome = if cloud.is_minio().await? {
        keys_minio::observe(cloud, identity).await
    } else {
        keys_iam::observe(cloud, identity).await
    };
    match outcome {
        Ok(state) => Ok(Reading::Known(state)),
        Err(error) if error.kind == CloudErrorKind::Denied => Ok(Reading::Denied(format!(
            "{}: {}",
            error.call, error.message
        ))),
        Err(error) if error.kind == CloudErrorKind::NotSupported => {
            Ok(Reading::Unsupported(error.message))
        }
        Err(error) => Err(error),
    }
}
