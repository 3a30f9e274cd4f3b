//! Reads settings of a bucket, one request each. Writes nothing.

use std::collections::BTreeMap;

use crate::byob::cloud::SecretUrl;
use crate::byob::marker;
use crate::byob::observed::{
    CorsRule, EncryptionState, LifecycleRule, Preflight, Reading, Versioning,
};
use crate::byob::policy::Document;
use crate::byob::probe::WebRequest;
use crate::byob::{CloudError, CloudErrorKind};
use crate::clouds::preflight;
use crate::clouds::retry::Work;

use super::change::{Knowledge, Sub, read_lifecycle};
use super::error::{no_bucket, not_set};
use super::{S3, look, settings};

/// A setting, or the news that there is no such bucket.
pub(in crate::clouds) enum Found<T> {
    Reading(Reading<T>),
    NoBucket,
}

pub(in crate::clouds) fn without_marker(
    tags: Reading<BTreeMap<String, String>>,
) -> Reading<BTreeMap<String, String>> {
    match tags {
        Reading::Known(mut tags) => {
            tags.remove(marker::KEY);
            Reading::Known(tags)
        }
        other => other,
    }
}

impl S3 {
    /// Judges the outcome of reading `sub`, and remembers whether the server knows it.
    pub(in crate::clouds) fn found<T>(
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

pub(in crate::clouds) async fn tags(
    cloud: &S3,
    bucket: &str,
) -> Result<Found<BTreeMap<String, String>>, CloudError> {
    let outcome = look::read_tags(cloud, bucket).await;
    cloud.found(Sub::Tags, BTreeMap::new, outcome)
}

pub(in crate::clouds) async fn versioning(
    cloud: &S3,
    bucket: &str,
) -> Result<Found<Versioning>, CloudError> {
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

pub(in crate::clouds) async fn encryption(
    cloud: &S3,
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
pub(in crate::clouds) async fn cors(
    cloud: &S3,
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

pub(in crate::clouds) async fn lifecycle(
    cloud: &S3,
    bucket: &str,
) -> Result<Found<Vec<LifecycleRule>>, CloudError> {
    let outcome = read_lifecycle(cloud, bucket)
        .await
        .map(|rules| rules.iter().map(settings::lifecycle).collect());
    cloud.found(Sub::Lifecycle, Vec::new, outcome)
}

pub(in crate::clouds) async fn grants(
    cloud: &S3,
    bucket: &str,
) -> Result<Found<Document>, CloudError> {
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
