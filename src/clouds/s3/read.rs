//! Reads settings of a bucket, one request each. Writes nothing.

use std::collections::BTreeMap;

use crate::byob::http::{HttpRequest, SecretUrl};
use crate::byob::marker;
use crate::byob::observed::{CorsRule, EncryptionState, LifecycleRule, Preflight, Reading};
use crate::byob::preflight;
use crate::byob::spec::Encryption;
use crate::byob::{CloudError, CloudErrorKind, CloudKind};
use crate::clouds::reading::reading;
use crate::clouds::retry::Work;

use super::error::{no_bucket, not_set};
use super::knowledge::{Knowledge, Sub};
use super::policy::Document;
use super::{S3, look, settings};

/// A setting, or the news that there is no such bucket.
pub(in crate::clouds) enum Found<T> {
    Reading(Reading<T>),
    NoBucket,
}

impl<T> Found<T> {
    /// Judges the outcome of reading a setting; `none` is what it is where nobody set it.
    pub(in crate::clouds) fn of(
        none: impl FnOnce() -> T,
        outcome: Result<T, CloudError>,
    ) -> Result<Self, CloudError> {
        match outcome {
            Err(error) if no_bucket(&error) => Ok(Self::NoBucket),
            Err(error) if not_set(&error) => Ok(Self::Reading(Reading::Known(none()))),
            outcome => reading(outcome).map(Self::Reading),
        }
    }

    /// The setting, and whether the server said that there is such a bucket.
    pub(in crate::clouds) fn into_reading(self) -> (Reading<T>, bool) {
        match self {
            Self::Reading(reading) => (reading, true),
            Self::NoBucket => (Reading::Skipped, false),
        }
    }
}

/// Tags that the server itself writes begin so; nobody else may write or remove them.
const SYSTEM: &str = "aws:";

/// The tags that people have written: without the marker and those of the server itself.
pub(in crate::clouds) fn of_people(
    tags: Reading<BTreeMap<String, String>>,
) -> Reading<BTreeMap<String, String>> {
    tags.map(|mut tags| {
        tags.retain(|key, _| key != marker::KEY && !key.starts_with(SYSTEM));
        tags
    })
}

/// The tags that are the server's own, for example those of a stack of CloudFormation.
pub(in crate::clouds) fn of_the_system(
    tags: &BTreeMap<String, String>,
) -> BTreeMap<String, String> {
    let own = tags.iter().filter(|(key, _)| key.starts_with(SYSTEM));
    own.map(|(key, value)| (key.clone(), value.clone()))
        .collect()
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
        let found = Found::of(none, outcome)?;
        match &found {
            Found::Reading(Reading::Known(_)) => self.learn(sub, Knowledge::Known),
            Found::Reading(Reading::Unsupported(words)) => {
                self.learn(sub, Knowledge::Unknown(words.clone()));
            }
            Found::Reading(Reading::Denied(_) | Reading::Skipped) | Found::NoBucket => {}
        }
        Ok(found)
    }
}

pub(in crate::clouds) async fn tags(
    cloud: &S3,
    bucket: &str,
) -> Result<Found<BTreeMap<String, String>>, CloudError> {
    let outcome = look::read_tags(cloud, bucket).await;
    cloud.found(Sub::Tags, BTreeMap::new, outcome)
}

pub(in crate::clouds) async fn encryption(
    cloud: &S3,
    bucket: &str,
    wanted: Option<&Encryption>,
) -> Result<Found<EncryptionState>, CloudError> {
    let Some(wanted) = wanted else {
        return Ok(Found::Reading(Reading::Skipped));
    };
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
        .map(|answer| {
            let mut state = settings::encryption(answer.server_side_encryption_configuration());
            if let (Some(wanted), Some(actual)) = (wanted.key_name(), state.key.as_deref())
                && settings::same_key(wanted, actual)
            {
                state.key = Some(wanted.to_owned());
            }
            state
        });
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
    let url = SecretUrl::new(cloud.clients.object_url(bucket, "wandb-byob-preflight"));
    let request = HttpRequest {
        headers: preflight::question(CloudKind::S3Compatible, origin),
        ..HttpRequest::new("OPTIONS", url)
    };
    let answer = cloud.web("OPTIONS", bucket, &request).await?;
    let preflight = preflight::read(
        CloudKind::S3Compatible,
        origin,
        answer.status,
        &answer.headers,
    );
    Ok((found, Some(preflight)))
}

pub(in crate::clouds) async fn lifecycle(
    cloud: &S3,
    bucket: &str,
) -> Result<Found<Vec<LifecycleRule>>, CloudError> {
    let sub = Sub::Lifecycle;
    let read = cloud.clients.s3().get_bucket_lifecycle_configuration();
    let outcome = cloud
        .sdk(Work::Read, sub.get(), bucket, || {
            read.clone().bucket(bucket).send()
        })
        .await
        .map(|answer| answer.rules().iter().map(settings::lifecycle).collect());
    cloud.found(sub, Vec::new, outcome)
}

pub(in crate::clouds) async fn policy(
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
