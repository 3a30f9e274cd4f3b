//! Reads a key: what it is like, and how far it is what is wanted. Writes nothing.

use std::collections::BTreeMap;

use aws_sdk_kms::types as sdk;

use super::{DEFAULT, alias, is_of, marker_of};
use crate::byob::marker::{self, Generation};
use crate::byob::observed::{KeyState, Reading, Rule};
use crate::byob::spec::KeySpec;
use crate::byob::{CloudError, CloudErrorKind};
use crate::clouds::absence::contradiction;
use crate::clouds::aws::{Aws, partition, policy};
use crate::clouds::reading::{self, missing};
use crate::clouds::retry::Work;
use crate::clouds::s3::policy::Document;

/// Seconds of a day.
const DAY: i64 = 86_400;

/// A key as KMS describes it, without its rules.
pub(super) struct Found {
    pub(super) arn: String,
    pub(super) account: String,
    pub(super) usage: String,
    pub(super) state: Option<sdk::KeyState>,
    pub(super) deletion: Option<i64>,
}

impl Found {
    pub(super) fn is_pending_deletion(&self) -> bool {
        self.state == Some(sdk::KeyState::PendingDeletion)
    }
}

pub(super) async fn describe(cloud: &Aws, name: &str) -> Result<Option<Found>, CloudError> {
    let client = cloud.clients.kms();
    let outcome = cloud
        .s3
        .sdk(Work::Read, "kms:DescribeKey", name, || {
            client.describe_key().key_id(name).send()
        })
        .await;
    let metadata = missing(outcome)?.and_then(|answer| answer.key_metadata);
    Ok(metadata.map(|metadata| Found {
        arn: metadata
            .arn
            .clone()
            .unwrap_or_else(|| metadata.key_id.clone()),
        account: metadata.aws_account_id.clone().unwrap_or_default(),
        usage: metadata
            .key_usage
            .as_ref()
            .map(|usage| usage.as_str().to_owned())
            .unwrap_or_default(),
        deletion: metadata.deletion_date().map(|date| date.secs()),
        state: metadata.key_state,
    }))
}

pub(super) async fn tags(cloud: &Aws, name: &str) -> Result<BTreeMap<String, String>, CloudError> {
    let client = cloud.clients.kms();
    let answer = cloud
        .s3
        .sdk(Work::Read, "kms:ListResourceTags", name, || {
            client.list_resource_tags().key_id(name).send()
        })
        .await?;
    Ok(answer
        .tags()
        .iter()
        .map(|tag| (tag.tag_key.clone(), tag.tag_value.clone()))
        .collect())
}

/// Whether a tag is neither one of ours nor one of Amazon's.
pub(super) fn is_users(key: &str) -> bool {
    !marker::is_reserved(key) && !key.starts_with("aws:")
}

pub(super) async fn document(cloud: &Aws, name: &str) -> Result<Document, CloudError> {
    let call = "kms:GetKeyPolicy";
    let client = cloud.clients.kms();
    let answer = cloud
        .s3
        .sdk(Work::Read, call, name, || {
            client
                .get_key_policy()
                .key_id(name)
                .policy_name(DEFAULT)
                .send()
        })
        .await?;
    Document::parse(answer.policy().unwrap_or("{}"))
        .map_err(|error| CloudError::new(CloudErrorKind::Unexpected, call, name, error.to_string()))
}

pub(super) async fn rotation(cloud: &Aws, name: &str) -> Result<bool, CloudError> {
    let client = cloud.clients.kms();
    cloud
        .s3
        .sdk(Work::Read, "kms:GetKeyRotationStatus", name, || {
            client.get_key_rotation_status().key_id(name).send()
        })
        .await
        .map(|answer| answer.key_rotation_enabled)
}

/// What a read of the key means. A key that is pending deletion does not tell everything.
fn read<T>(outcome: Result<T, CloudError>) -> Result<Reading<T>, CloudError> {
    match outcome {
        Err(error) if error.kind == CloudErrorKind::Conflict => {
            Ok(Reading::Unsupported(error.message))
        }
        outcome => reading::reading(outcome),
    }
}

/// Everything about the key of a bucket, compared with what is wanted of it.
pub(in crate::clouds::aws) async fn reading(
    cloud: &Aws,
    bucket: &str,
    wanted: Option<&KeySpec>,
) -> Result<Reading<Option<KeyState>>, CloudError> {
    let Some((wanted, name)) =
        wanted.and_then(|spec| spec.name.as_deref().map(|name| (spec, name)))
    else {
        return Ok(Reading::Skipped);
    };
    // This operation has seen to its alias a moment ago.
    let is_named = cloud.own_key.get().is_some_and(|own| own == name);
    let alias = alias(bucket);
    let named = async {
        if is_named {
            return Ok(None);
        }
        describe(cloud, &alias).await
    };
    let (found, tags, document, rotation, named) = tokio::join!(
        describe(cloud, name),
        tags(cloud, name),
        document(cloud, name),
        rotation(cloud, name),
        named,
    );
    let found = match read(found)? {
        Reading::Known(Some(found)) => found,
        Reading::Known(None) => {
            let is_there = tags.is_ok() || document.is_ok() || rotation.is_ok();
            return if is_there {
                Err(half_there(name))
            } else {
                Ok(Reading::Known(None))
            };
        }
        reading => return Ok(reading.map(|_| None)),
    };
    let tags = read(tags)?.known().cloned().unwrap_or_default();
    let marker = marker_of(&tags);
    let is_ours = is_of(&tags, bucket);
    let document = read(document)?;
    let root = partition::root_arn(cloud.clients.partition(), &found.account);
    let named_admins = document
        .known()
        .map_or_else(Vec::new, |document| policy::named_admins(&root, document));
    let rules = document.map(|document| rules(cloud, wanted, &found, &document, is_ours));
    let named = read(named)?;
    Ok(Reading::Known(Some(KeyState {
        alias: is_named
            || named
                .known()
                .is_none_or(|named| named.as_ref().is_some_and(|named| named.arn == found.arn)),
        enabled: found.state == Some(sdk::KeyState::Enabled),
        days_to_deletion: found
            .deletion
            .filter(|_| found.is_pending_deletion())
            .map(days_from_now),
        other_usage: if found.usage == "ENCRYPT_DECRYPT" {
            String::new()
        } else {
            found.usage.clone()
        },
        rotation: read(rotation)?,
        admins: rules.clone().map(|(admins, _)| admins),
        users: rules.map(|(_, users)| users),
        named_admins,
        remedy: policy::external_text(&wanted.users),
        marker,
        bucket: tags.get(marker::BUCKET).cloned(),
        tags: tags.into_iter().filter(|(key, _)| is_users(key)).collect(),
        name: found.arn,
    })))
}

/// The error of a key that one answer knows and another one does not.
pub(super) fn half_there(key: &str) -> CloudError {
    let why = "one answer is that there is no such key, and another one tells about it; nothing \
               was forgotten for it";
    contradiction("kms:DescribeKey", key, why.to_owned())
}

/// The key of one of these generations, where its deletion is not due.
pub(super) async fn surviving(
    cloud: &Aws,
    key: &str,
    generations: &[Generation],
) -> Result<Reading<Option<String>>, CloudError> {
    let (found, tags) = tokio::join!(describe(cloud, key), tags(cloud, key));
    let (found, tags) = match (read(found)?, read(missing(tags))?) {
        (Reading::Known(found), Reading::Known(tags)) => (found, tags),
        (Reading::Known(_), other) => return Ok(other.map(|_| None)),
        (other, _) => return Ok(other.map(|_| None)),
    };
    let (Some(found), Some(tags)) = (&found, &tags) else {
        return match (found, tags) {
            (None, None) => Ok(Reading::Known(None)),
            _ => Err(half_there(key)),
        };
    };
    let is_ours = marker_of(tags).is_some_and(|marker| generations.contains(&marker.generation));
    let survives = is_ours && !found.is_pending_deletion();
    Ok(Reading::Known(survives.then(|| found.arn.clone())))
}

fn rules(
    cloud: &Aws,
    wanted: &KeySpec,
    found: &Found,
    document: &Document,
    is_ours: bool,
) -> (Rule, Rule) {
    if is_ours {
        let root = partition::root_arn(cloud.clients.partition(), &found.account);
        policy::own_key_rules(&root, &wanted.admins, &wanted.users, document)
    } else {
        let users = policy::given_key_rule(&wanted.users, document);
        (Rule::AsWanted, users)
    }
}

fn days_from_now(seconds: i64) -> i64 {
    let now = std::time::SystemTime::now()
        .duration_since(std::time::SystemTime::UNIX_EPOCH)
        .map_or(0, |since| since.as_secs() as i64);
    ((seconds - now).max(0) + DAY - 1) / DAY
}
