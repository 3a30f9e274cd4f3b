//! Turns a spec and an observation into the changes between them.
//!
//! Pure: no clock, no network, no randomness. Plan and apply both call [`changes`],
//! so what Terraform shows is what will happen.

use std::collections::{BTreeMap, BTreeSet};

use super::change::{Change, Changes, LIFECYCLE_PREFIX, lifecycle_rules};
use super::marker::{self, Marker};
use super::observed::{CorsRule, LifecycleRule, Observed, Reading, Rule, Versioning};
use super::requirement::{Evidence, Status, Tried};
use super::requirements::{access, cors, data, kms, trust};
use super::spec::{Access, BucketSpec, Key, Setting};

/// What has to be written to make `observed` what `spec` wants, in the order in which
/// it has to be written. Tags are apart: see [`tags`].
///
/// Protection comes first (the bucket is closed and versions are kept before anybody can
/// write), access last (nobody gets in before all settings stand).
pub fn changes(spec: &BucketSpec, observed: &Observed) -> Changes {
    Changes {
        key: is_key_due(spec, observed),
        settings: [
            public_access(spec, observed),
            ownership(spec, observed),
            versioning(spec, observed),
            soft_delete(spec, observed),
            storage_class(spec, observed),
            encryption_change(spec, observed),
            cors_change(spec, observed),
            lifecycle(spec, observed),
            grants(spec, observed),
        ]
        .into_iter()
        .flatten()
        .collect(),
        identity: is_identity_due(spec, observed),
    }
}

/// The tags to write so that the bucket carries `spec`'s tags and `marker`; `None`
/// when it does. Ignored tags stay as they are.
pub fn tags(spec: &BucketSpec, observed: &Observed, marker: Option<&Marker>) -> Option<Change> {
    let current = observed.tags.known()?;
    let mut wanted: BTreeMap<String, String> = current
        .iter()
        .filter(|(key, _)| spec.ignored_tags.contains(*key))
        .map(|(key, value)| (key.clone(), value.clone()))
        .collect();
    wanted.extend(spec.tags.clone());
    if wanted == *current && observed.marker.as_ref() == marker {
        return None;
    }
    if let Some(marker) = marker {
        wanted.insert(marker::KEY.to_owned(), marker.to_string());
    }
    wanted.extend(observed.system_tags.clone());
    Some(Change::Tags(wanted))
}

fn versioning(spec: &BucketSpec, observed: &Observed) -> Option<Change> {
    let actual = match &observed.versioning {
        Reading::Known(actual) => *actual,
        // A default that the server does not know is a finding, not a change.
        Reading::Unsupported(_) => {
            return (spec.versioning && spec.chosen.contains(&Setting::Versioning))
                .then_some(Change::Versioning(true));
        }
        Reading::Denied(_) | Reading::Skipped => return None,
    };
    // Others' buckets rely on it as well.
    let is_others = spec.shares_settings && !spec.versioning;
    ((actual == Versioning::Enabled) != spec.versioning && !is_others)
        .then_some(Change::Versioning(spec.versioning))
}

/// A duration that no number of days says is another one as well.
fn soft_delete(spec: &BucketSpec, observed: &Observed) -> Option<Change> {
    let days = spec.soft_delete_days?;
    let holds = match &observed.soft_delete {
        Reading::Known(actual) => data::keeps(spec, *actual, days),
        Reading::Unsupported(_) => !spec.chosen.contains(&Setting::SoftDelete),
        Reading::Denied(_) | Reading::Skipped => true,
    };
    let of_containers = observed.soft_delete_containers.known();
    let containers_hold = of_containers.is_none_or(|actual| data::keeps(spec, *actual, days));
    (!(holds && containers_hold)).then_some(Change::SoftDelete(days))
}

fn storage_class(spec: &BucketSpec, observed: &Observed) -> Option<Change> {
    let wanted = spec.storage_class.as_ref()?;
    let actual = observed.storage_class.known()?;
    (wanted != actual).then(|| Change::StorageClass(wanted.clone()))
}

/// What a bucket of ours does not do with a key that is somebody else's is change it.
fn is_key_due(spec: &BucketSpec, observed: &Observed) -> bool {
    if !spec.owns_key(observed) {
        return false;
    }
    let nothing = Tried::nothing();
    let evidence = Evidence {
        spec,
        observed,
        tried: &nothing,
    };
    let is_at_fault = [
        &kms::ACCOUNT_ADMIN,
        &kms::WANDB_USE,
        &kms::ROTATION,
        &kms::ENABLED,
    ]
    .iter()
    .any(|requirement| requirement.verdict(evidence).status == Status::Fail);
    let is_to_make = spec.key.as_ref().is_some_and(|key| key.name.is_none());
    is_to_make || is_at_fault || has_other_tags(spec, observed)
}

/// Whether the key's tags are not those of its bucket.
fn has_other_tags(spec: &BucketSpec, observed: &Observed) -> bool {
    let (Some(wanted), Reading::Known(Some(state))) = (&spec.key, &observed.key) else {
        return false;
    };
    let mut found = state.tags.clone();
    found.retain(|key, _| !wanted.ignored_tags.contains(key));
    found != wanted.tags
}

fn public_access(spec: &BucketSpec, observed: &Observed) -> Option<Change> {
    let is_open = !observed.public_access.known()?.open.is_empty();
    let blocks = spec.blocks_public?;
    (blocks == is_open).then_some(Change::PublicAccess(blocks))
}

fn ownership(spec: &BucketSpec, observed: &Observed) -> Option<Change> {
    let other = observed.other_owner.known()?;
    (spec.owns_objects && !other.is_empty()).then_some(Change::Ownership)
}

fn grants(spec: &BucketSpec, observed: &Observed) -> Option<Change> {
    let wanted = spec.grants.as_ref()?;
    let state = observed.grants.known()?;
    let holds = state.wandb == Rule::AsWanted
        && state.https_only == Rule::AsWanted
        && (!wanted.exclusive || state.foreign.is_empty());
    (!holds).then(|| Change::Grants(wanted.clone()))
}

fn encryption_change(spec: &BucketSpec, observed: &Observed) -> Option<Change> {
    let wanted = spec.encryption.as_ref()?;
    let is_let_in = !spec.lets_in_to_key()
        || observed.key.known().is_none_or(|key| {
            let users = key.as_ref().and_then(|key| key.users.known());
            users.is_none_or(|users| *users == Rule::AsWanted)
        });
    let holds = is_let_in
        && observed.encryption.known().is_some_and(|state| {
            state.algorithm.as_ref() == Some(&wanted.algorithm)
                && wanted
                    .bucket_key
                    .is_none_or(|bucket_key| bucket_key == state.bucket_key)
                && match (&wanted.key, state.key.as_deref()) {
                    (Key::Server, actual) => actual.is_none(),
                    (Key::Named(wanted), Some(actual)) => wanted == actual,
                    (Key::Named(_), None) | (Key::ToMake, _) => false,
                }
        });
    (!holds).then(|| Change::Encryption(wanted.clone()))
}

fn cors_change(spec: &BucketSpec, observed: &Observed) -> Option<Change> {
    let nothing = Tried::nothing();
    let evidence = Evidence {
        spec,
        observed,
        tried: &nothing,
    };
    if cors::holds(evidence) {
        return None;
    }
    let foreign: Vec<CorsRule> = observed
        .cors
        .known()
        .map(|rules| {
            rules
                .iter()
                .filter(|rule| !is_ours(rule, spec))
                .cloned()
                .collect()
        })
        .unwrap_or_default();
    Some(Change::Cors(
        std::iter::once(spec.cors.clone()).chain(foreign).collect(),
    ))
}

/// Ours by id; on servers that keep no ids, by saying exactly the same. Another rule for the
/// same origins is somebody else's.
fn is_ours(rule: &CorsRule, spec: &BucketSpec) -> bool {
    match &rule.id {
        Some(id) if !id.is_empty() => Some(id) == spec.cors.id.as_ref(),
        Some(_) | None => {
            let mut copy = rule.clone();
            copy.id = spec.cors.id.clone();
            let written = spec.written_cors.as_ref();
            same(&copy, &spec.cors) || written.is_some_and(|written| same(&copy, written))
        }
    }
}

/// Whether two rules mean the same, in whatever order their lists are.
fn same(one: &CorsRule, other: &CorsRule) -> bool {
    let set = |list: &[String]| list.iter().cloned().collect::<BTreeSet<String>>();
    let parts = |rule: &CorsRule| {
        [&rule.origins, &rule.methods, &rule.headers, &rule.exposed].map(|list| set(list))
    };
    parts(one) == parts(other) && one.max_age_seconds == other.max_age_seconds
}

fn lifecycle(spec: &BucketSpec, observed: &Observed) -> Option<Change> {
    let wanted = lifecycle_rules(
        spec.path.as_deref(),
        spec.noncurrent_version_days,
        spec.abort_upload_days,
    );
    match &observed.lifecycle {
        Reading::Known(rules) => {
            let mut ours: Vec<LifecycleRule> = rules
                .iter()
                .filter(|rule| rule.id.starts_with(LIFECYCLE_PREFIX))
                .cloned()
                .collect();
            ours.sort_by(|one, other| one.id.cmp(&other.id));
            let mut sorted = wanted.clone();
            sorted.sort_by(|one, other| one.id.cmp(&other.id));
            (ours != sorted).then_some(Change::Lifecycle(wanted))
        }
        Reading::Unsupported(_) => (!wanted.is_empty()).then_some(Change::Lifecycle(wanted)),
        Reading::Denied(_) | Reading::Skipped => None,
    }
}

fn is_identity_due(spec: &BucketSpec, observed: &Observed) -> bool {
    if spec.access.identity().is_none() {
        return false;
    }
    let is_at_fault = access::identity_fault(spec, observed)
        .into_iter()
        .chain(trust::trust_fault(spec, observed))
        .any(|verdict| verdict.status == Status::Fail);
    let has_no_key = matches!(spec.access, Access::MadeKey(_)) && spec.access_key_id.is_none();
    is_at_fault || has_no_key
}

#[cfg(test)]
#[path = "diff_tests.rs"]
pub(super) mod tests;

#[cfg(test)]
#[path = "diff_grants_tests.rs"]
mod grants_tests;
