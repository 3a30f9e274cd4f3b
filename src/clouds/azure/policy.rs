//! The management policy of an account, whose rules delete old data: ours by their names, which
//! hold the container's, and others' as they stand.

use serde_json::{Value, json};

use super::Azure;
use super::error::{has_code, not_understood};
use super::request::{Api, Request};
use super::service::only_writer;
use crate::byob::change::LIFECYCLE_PREFIX;
use crate::byob::observed::LifecycleRule;
use crate::byob::{CloudError, CloudErrorKind};
use crate::clouds::retry::Work;

pub(super) const READ: &str = "Microsoft.Storage/storageAccounts/managementPolicies/read";
pub(super) const WRITE: &str = "Microsoft.Storage/storageAccounts/managementPolicies/write";
const DELETE: &str = "Microsoft.Storage/storageAccounts/managementPolicies/delete";
const NOT_FOUND: &str = "ManagementPolicyNotFound";

/// The rules as they stand.
#[derive(Clone, Debug, Default, PartialEq)]
pub(super) struct Policy(Vec<Value>);

fn id(cloud: &Azure) -> String {
    format!("{}/managementPolicies/default", cloud.place.account_id())
}

/// The name of a rule of ours, which is the account's and so has to name the container.
fn name_of(id: &str, bucket: &str) -> String {
    format!("{id}-{bucket}")
}

fn is_own(rule: &Value, bucket: &str) -> bool {
    let name = rule["name"].as_str().unwrap_or_default();
    let id = name
        .strip_suffix(bucket)
        .and_then(|id| id.strip_suffix('-'));
    id.is_some_and(|id| id.starts_with(LIFECYCLE_PREFIX) && is_known(id))
}

/// A container's name may end in another's, so the rest has to be one of ours.
fn is_known(id: &str) -> bool {
    let rest = id.strip_prefix(LIFECYCLE_PREFIX);
    rest.is_some_and(|rest| matches!(rest, "noncurrent-versions" | "unfinished-uploads"))
}

/// The part of a prefix that is inside of the container; `None` where it is another's.
fn within(prefix: &str, bucket: &str) -> Option<String> {
    let own = format!("{bucket}/");
    if let Some(rest) = prefix.strip_prefix(&own) {
        return Some(rest.to_owned());
    }
    own.starts_with(prefix).then(String::new)
}

fn days(value: &Value) -> Option<u32> {
    // Whole numbers are written with a fraction by some tools.
    let days = value.as_f64()?;
    (days >= 0.0 && days <= f64::from(u32::MAX)).then_some(days as u32)
}

fn lifecycle_rules(rule: &Value, bucket: &str) -> Vec<LifecycleRule> {
    let name = rule["name"].as_str().unwrap_or_default();
    let id = match name
        .strip_suffix(bucket)
        .and_then(|id| id.strip_suffix('-'))
    {
        Some(id) if is_own(rule, bucket) => id,
        _ => name,
    };
    let definition = &rule["definition"];
    let filters = &definition["filters"];
    let prefixes: Vec<String> = match filters["prefixMatch"].as_array() {
        Some(list) if !list.is_empty() => list
            .iter()
            .filter_map(|prefix| within(prefix.as_str()?, bucket))
            .collect(),
        _ => vec![String::new()],
    };
    let actions = &definition["actions"];
    let expires_current = actions["baseBlob"]["delete"].is_object();
    let noncurrent = &actions["version"]["delete"]["daysAfterCreationGreaterThan"];
    let has_tags = filters["blobIndexMatch"]
        .as_array()
        .is_some_and(|list| !list.is_empty());
    prefixes
        .into_iter()
        .map(|prefix| LifecycleRule {
            id: id.to_owned(),
            enabled: rule["enabled"] != false,
            prefix,
            narrowed: has_tags,
            expires_current,
            noncurrent_days: days(noncurrent),
            abort_upload_days: None,
        })
        .collect()
}

fn raw_rule(rule: &LifecycleRule, bucket: &str) -> Value {
    json!({
        "enabled": rule.enabled,
        "name": name_of(&rule.id, bucket),
        "type": "Lifecycle",
        "definition": {
            "actions": {
                "version": { "delete": { "daysAfterCreationGreaterThan": rule.noncurrent_days } },
            },
            "filters": {
                "blobTypes": ["blockBlob"],
                "prefixMatch": [format!("{bucket}/{}", rule.prefix)],
            },
        },
    })
}

impl Policy {
    /// The rules that can meet blobs of the container.
    pub(super) fn of(&self, bucket: &str) -> Vec<LifecycleRule> {
        let rules = self.0.iter();
        rules
            .flat_map(|rule| lifecycle_rules(rule, bucket))
            .collect()
    }

    fn with(&self, wanted: &[LifecycleRule], bucket: &str) -> Vec<Value> {
        let others = self.0.iter().filter(|rule| !is_own(rule, bucket));
        let own = wanted.iter().map(|rule| raw_rule(rule, bucket));
        others.cloned().chain(own).collect()
    }
}

/// Reads the rules; an account without a policy has none.
pub(super) async fn get(cloud: &Azure) -> Result<Policy, CloudError> {
    let target = &cloud.place.account;
    let request = Request::manager(Api::Storage, "GET", &id(cloud));
    match cloud.json(Work::Read, READ, target, &request).await {
        Ok(told) => match told["properties"]["policy"]["rules"].as_array() {
            Some(rules) => Ok(Policy(rules.clone())),
            None => Err(not_understood(READ, target, "it holds no rules")),
        },
        Err(error) if has_code(&error, NOT_FOUND) => Ok(Policy::default()),
        Err(error) => Err(error),
    }
}

/// Writes our rules for the container, all of them.
pub(super) async fn write(
    cloud: &Azure,
    bucket: &str,
    wanted: &[LifecycleRule],
) -> Result<(), CloudError> {
    let _writer = only_writer(cloud).await;
    let before = get(cloud).await?;
    put(cloud, bucket, &before, wanted).await
}

async fn put(
    cloud: &Azure,
    bucket: &str,
    before: &Policy,
    wanted: &[LifecycleRule],
) -> Result<(), CloudError> {
    if wanted.iter().any(|rule| rule.abort_upload_days.is_some()) {
        let why = "Azure gives unfinished uploads up by itself, after a week";
        let kind = CloudErrorKind::NotSupported;
        return Err(CloudError::new(kind, WRITE, bucket, why));
    }
    let rules = before.with(wanted, bucket);
    if rules == before.0 {
        return Ok(());
    }
    let target = &cloud.place.account;
    if rules.is_empty() {
        let request = Request::manager(Api::Storage, "DELETE", &id(cloud));
        let gone = cloud.send_request(Work::Write, DELETE, target, &request);
        return gone.await.map(drop);
    }
    let body = json!({"properties": {"policy": {"rules": rules}}});
    let request = Request::manager(Api::Storage, "PUT", &id(cloud)).json(&body);
    let written = cloud.send_request(Work::Write, WRITE, target, &request);
    written.await.map(drop)
}

/// Writes our rules for the first time; where the account is not new, beside others'. Whoever
/// calls is the account's writer.
pub(super) async fn write_first(
    cloud: &Azure,
    bucket: &str,
    wanted: &[LifecycleRule],
    is_new: bool,
) -> Result<(), CloudError> {
    let before = if is_new {
        Policy::default()
    } else {
        get(cloud).await?
    };
    put(cloud, bucket, &before, wanted).await
}

/// Takes our rules for the container out of an account that stays: they would be those of the
/// next container of that name. Whoever calls is the account's writer.
pub(super) async fn remove(cloud: &Azure, bucket: &str) -> Result<(), CloudError> {
    match get(cloud).await {
        // Whoever may not look has written nothing.
        Err(error) if error.kind == CloudErrorKind::Denied => Ok(()),
        before => put(cloud, bucket, &before?, &[]).await,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::byob::change::lifecycle_rules as wanted_rules;

    fn foreign(prefix: &str) -> Value {
        json!({"enabled": true, "name": "theirs", "type": "Lifecycle", "later": 1, "definition": {
            "actions": {"baseBlob": {"delete": {"daysAfterModificationGreaterThan": 30.0}}},
            "filters": {"blobTypes": ["blockBlob"], "prefixMatch": [prefix]}}})
    }

    #[test]
    fn our_rules_are_the_containers_and_read_back_as_they_were() {
        let wanted = wanted_rules(Some("teams/a"), Some(30), None);
        let policy = Policy(vec![foreign("logs/")]);
        let after = Policy(policy.with(&wanted, "box"));
        assert_eq!(after.0[0], foreign("logs/"));
        assert_eq!(after.0[1]["name"], "wandb-byob-noncurrent-versions-box");
        assert_eq!(
            after.0[1]["definition"]["filters"]["prefixMatch"],
            json!(["box/teams/a/"])
        );
        assert_eq!(after.of("box"), wanted);
        // Another container's rule is nobody's here, and stays.
        assert_eq!(after.of("other"), []);
        let both = Policy(after.with(&wanted, "my-box"));
        assert_eq!(both.0.len(), 3);
        assert_eq!(both.with(&[], "box").len(), 2);
    }

    #[test]
    fn others_rules_are_seen_where_they_meet_the_container() {
        for (prefix, expected) in [
            ("box/", Some("")),
            ("box/teams/", Some("teams/")),
            ("bo", Some("")),
            ("boxes/", None),
            ("logs/", None),
        ] {
            let found = Policy(vec![foreign(prefix)]).of("box");
            let prefixes: Vec<&str> = found.iter().map(|rule| rule.prefix.as_str()).collect();
            assert_eq!(prefixes.first().copied(), expected, "{prefix}");
            assert!(found.iter().all(|rule| rule.expires_current));
        }
    }
}
