//! Writes a bucket's settings, one at a time. Every write names the generation of the settings
//! that it was made for; what was changed meanwhile is read again, and written onto where the
//! bucket is still whose it was.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use super::bucket::{Document, part, raw_cors_rules, raw_lifecycle_rules};
use super::error::{NOT_FOUND, not_understood, was_outrun};
use super::request::Request;
use super::resource::refuse_taken;
use super::{Gcp, key, policy, resource};
use crate::byob::change::Change;
use crate::byob::spec::Key;
use crate::byob::{CloudError, CloudErrorKind};
use crate::clouds::retry::Work;

const CALL: &str = "storage.buckets.update";

/// Writes one setting.
pub(super) async fn change(cloud: &Gcp, bucket: &str, change: &Change) -> Result<(), CloudError> {
    match change {
        Change::Grants(wanted) => policy::write_grants(cloud, bucket, wanted).await,
        Change::Encryption(wanted) => {
            let named = match &wanted.key {
                Key::Named(name) => Some(name.as_str()),
                Key::Server => None,
                Key::ToMake => {
                    let why = "keys are given there and never made";
                    return Err(CloudError::new(CloudErrorKind::Invalid, CALL, bucket, why));
                }
            };
            key::with_use_of(cloud, named, || patch(cloud, bucket, change)).await
        }
        _ => patch(cloud, bucket, change).await,
    }
}

/// The bucket's resource as it was seen last, or as it is.
async fn current(cloud: &Gcp, bucket: &str) -> Result<Document, CloudError> {
    if let Some(seen) = cloud.recall(bucket) {
        return Ok(seen);
    }
    resource::get(cloud, bucket).await?.ok_or_else(|| {
        let mut error = CloudError::new(
            CloudErrorKind::NotFound,
            resource::GET,
            bucket,
            "The specified bucket does not exist.",
        );
        error.code = Some(NOT_FOUND.to_owned());
        error
    })
}

async fn patch(cloud: &Gcp, bucket: &str, change: &Change) -> Result<(), CloudError> {
    let mut document = current(cloud, bucket).await?;
    let before = cloud.looked_at(bucket).unwrap_or_else(|| document.clone());
    // Somebody may have read it again since it was looked at.
    refuse_taken(&before, &document, CALL, bucket)?;
    let mut attempt = 0;
    loop {
        let Some((name, value)) = body(cloud, &document, change) else {
            return Ok(());
        };
        let metageneration = document.metageneration();
        let request = Request::bucket("PATCH", bucket)
            .with("projection", "noAcl")
            .with_some("ifMetagenerationMatch", metageneration.as_deref())
            .body(json!({ name: value }));
        let written = cloud.json(Work::Write, CALL, bucket, &request).await;
        let error = match written {
            Ok(resource) => {
                let document = Document::read(resource, bucket);
                let document = document.map_err(|why| not_understood(CALL, bucket, why))?;
                if matches!(change, Change::Tags(_)) {
                    // Nobody has written labels since they were looked at, so they are these.
                    cloud.note_look(bucket, &document);
                }
                cloud.remember(bucket, &document);
                return Ok(());
            }
            Err(error) if was_outrun(&error) => error,
            Err(error) => return Err(error),
        };
        cloud.forget();
        let now = current(cloud, bucket).await?;
        if !matches!(change, Change::Tags(_)) {
            refuse_taken(&before, &now, CALL, bucket)?;
        }
        if is_there(cloud, &now, change) {
            // Ours, and the answer was lost.
            if matches!(change, Change::Tags(_)) {
                cloud.note_look(bucket, &now);
            }
            return Ok(());
        }
        if overlaps(&document, &now, change) {
            return Err(CloudError {
                message: "somebody else has changed the same setting at the same time".to_owned(),
                ..error
            }
            .hint("Run again, which looks at the bucket anew."));
        }
        if !cloud.patience.wait_again(attempt, CALL, bucket).await? {
            return Err(error);
        }
        attempt += 1;
        document = now;
    }
}

/// The part of the resource to send; `None` for a setting that is no part of it.
fn body(cloud: &Gcp, document: &Document, change: &Change) -> Option<(&'static str, Value)> {
    Some(match change {
        Change::Tags(wanted) => {
            // A patch adds; what goes has to be said.
            let gone = document.labels().into_keys();
            let gone = gone.filter(|key| !wanted.contains_key(key));
            let mut labels: BTreeMap<String, Value> = gone.map(|key| (key, Value::Null)).collect();
            labels.extend(
                wanted
                    .iter()
                    .map(|(key, value)| (key.clone(), json!(value))),
            );
            ("labels", json!(labels))
        }
        Change::Cors(rules) => ("cors", raw_cors_rules(rules, &document.cors()).into()),
        Change::Lifecycle(rules) => {
            let there = document.lifecycle();
            let rules = raw_lifecycle_rules(rules, &cloud.own_rules(), &there);
            ("lifecycle", json!({ "rule": rules }))
        }
        Change::Versioning(_)
        | Change::SoftDelete(_)
        | Change::StorageClass(_)
        | Change::PublicAccess(_)
        | Change::Ownership
        | Change::Encryption(_)
        | Change::Grants(_) => return part(change),
    })
}

/// Whether the bucket says already what is to be written, of a setting that others write
/// into as well.
fn is_there(cloud: &Gcp, document: &Document, change: &Change) -> bool {
    match change {
        Change::Tags(wanted) => document.labels() == *wanted,
        Change::Cors(rules) => raw_cors_rules(rules, &document.cors()) == document.cors(),
        Change::Lifecycle(rules) => {
            let there = document.lifecycle();
            raw_lifecycle_rules(rules, &cloud.own_rules(), &there) == there
        }
        _ => false,
    }
}

/// Whether a write that was made for `before` would undo what somebody has changed since.
fn overlaps(before: &Document, now: &Document, change: &Change) -> bool {
    match change {
        // Whose the bucket is stands among them.
        Change::Tags(_) => before.labels() != now.labels(),
        Change::Cors(_) => before.cors() != now.cors(),
        // Other people's rules are read again; our own settings are ours to write.
        _ => false,
    }
}
