//! A bucket's resource as Cloud Storage's JSON interface tells it, and what it means in our
//! words. The resource is kept whole: what is written back of it is as it was.

use std::collections::BTreeMap;
use std::time::{Duration, SystemTime};

use serde_json::{Map, Value, json};
use time::OffsetDateTime;
use time::format_description::well_known::Rfc3339;

use super::{ENCRYPTION, names};
use crate::byob::CloudKind;
use crate::byob::change::{Change, LIFECYCLE_PREFIX};
use crate::byob::marker::{self, Marker};
use crate::byob::observed::{
    CorsRule, EncryptionState, LifecycleRule, Observed, PublicAccess, Reading, Versioning,
};
use crate::byob::spec::Key;

/// The switch that keeps a bucket from being made public.
pub(super) const PREVENTION: &str = "publicAccessPrevention";
/// What a bucket has that is without uniform access.
const LISTS: &str = "access lists of single objects";
const DAY: u64 = 24 * 3600;

/// One bucket's resource.
#[derive(Clone, Debug)]
pub(super) struct Document(pub(super) Value);

impl Document {
    /// Takes an answer for a bucket's resource, or says why it is none: writes are made for
    /// the generation of the settings that it tells.
    pub(super) fn read(answer: Value, bucket: &str) -> Result<Self, &'static str> {
        let document = Self(answer);
        if document.0["name"] != bucket {
            return Err("it is not about this bucket");
        }
        match document.metageneration() {
            Some(_) => Ok(document),
            None => Err("it has no metageneration"),
        }
    }

    /// The generation of its settings, which every write of them raises.
    pub(super) fn metageneration(&self) -> Option<String> {
        whole(&self.0["metageneration"]).map(|number| number.to_string())
    }

    /// The labels, ours included.
    pub(super) fn labels(&self) -> BTreeMap<String, String> {
        let labels = self.0["labels"].as_object().into_iter().flatten();
        labels
            .filter_map(|(key, value)| Some((key.clone(), value.as_str()?.to_owned())))
            .collect()
    }

    pub(super) fn marker(&self) -> Option<Marker> {
        Marker::parse(self.0["labels"][marker::KEY].as_str()?)
    }

    /// When it was made.
    pub(super) fn created(&self) -> Option<SystemTime> {
        let text = self.0["timeCreated"].as_str()?;
        OffsetDateTime::parse(text, &Rfc3339)
            .ok()
            .map(SystemTime::from)
    }

    /// The rules for web pages, as they are.
    pub(super) fn cors(&self) -> Vec<Value> {
        self.0["cors"].as_array().cloned().unwrap_or_default()
    }

    /// The rules about old data, as they are.
    pub(super) fn lifecycle(&self) -> Vec<Value> {
        let rules = self.0["lifecycle"]["rule"].as_array();
        rules.cloned().unwrap_or_default()
    }

    /// Why new objects cannot be deleted for a while; empty where they can.
    pub(super) fn default_retention(&self) -> String {
        let seconds = whole(&self.0["retentionPolicy"]["retentionPeriod"]).unwrap_or(0);
        let locked = self.0["retentionPolicy"]["isLocked"] == true;
        let period = match (seconds, seconds % DAY) {
            (0, _) => String::new(),
            (_, 0) => format!("{} days", seconds / DAY),
            (_, _) => format!("{seconds} seconds"),
        };
        let held = self.0["defaultEventBasedHold"] == true;
        [
            (seconds > 0).then(|| {
                let word = if locked { "locked " } else { "" };
                format!("{word}retention policy, {period}")
            }),
            held.then(|| "default event-based hold".to_owned()),
        ]
        .into_iter()
        .flatten()
        .collect::<Vec<_>>()
        .join(" and ")
    }

    fn encryption(&self) -> EncryptionState {
        let key = self.0["encryption"]["defaultKmsKeyName"].as_str();
        EncryptionState {
            algorithm: Some(ENCRYPTION.to_owned()),
            key: key.filter(|key| !key.is_empty()).map(str::to_owned),
            bucket_key: false,
        }
    }

    /// What it says in our words. `ours` are our own lifecycle rules.
    pub(super) fn observed(&self, bucket: &str, ours: &[LifecycleRule]) -> Observed {
        let mut tags = self.labels();
        tags.retain(|key, _| !marker::is_reserved(key));
        let is_on = self.0["versioning"]["enabled"] == true;
        let seconds = whole(&self.0["softDeletePolicy"]["retentionDurationSeconds"]);
        let access = &self.0["iamConfiguration"];
        let is_uniform = access["uniformBucketLevelAccess"]["enabled"] == true;
        let is_prevented = access[PREVENTION] == "enforced";
        Observed {
            location: self.0["location"].as_str().map(str::to_owned),
            marker: self.marker(),
            tags: Reading::Known(tags),
            versioning: Reading::Known(versioning(is_on)),
            soft_delete: Reading::Known(Duration::from_secs(seconds.unwrap_or(0))),
            storage_class: match self.0["storageClass"].as_str() {
                Some(class) => Reading::Known(class.to_owned()),
                None => Reading::Skipped,
            },
            default_retention: Reading::Known(self.default_retention()),
            cors: Reading::Known(self.cors().iter().map(cors_rule).collect()),
            encryption: Reading::Known(self.encryption()),
            lifecycle: Reading::Known(
                self.lifecycle()
                    .iter()
                    .enumerate()
                    .map(|(number, rule)| lifecycle_rule(number, rule, ours))
                    .collect(),
            ),
            public_access: Reading::Known(public_access(is_prevented)),
            other_owner: Reading::Known(if is_uniform {
                String::new()
            } else {
                LISTS.to_owned()
            }),
            ..Observed::unread(CloudKind::Gcp, names::bucket_full_name(bucket))
        }
    }
}

/// A bucket does not tell whether versioning that is off was ever on.
fn versioning(is_on: bool) -> Versioning {
    if is_on {
        Versioning::Enabled
    } else {
        Versioning::Suspended
    }
}

fn public_access(is_prevented: bool) -> PublicAccess {
    PublicAccess {
        open: if is_prevented {
            Vec::new()
        } else {
            vec![PREVENTION.to_owned()]
        },
    }
}

/// A whole number, which JSON gives as text where it may be long.
pub(super) fn whole(value: &Value) -> Option<u64> {
    let text = || value.as_str().and_then(|text| text.parse().ok());
    value.as_u64().or_else(text)
}

/// The part of a bucket's resource that a setting is; `None` for what is no part of it.
pub(super) fn part(change: &Change) -> Option<(&'static str, Value)> {
    Some(match change {
        Change::Tags(tags) => ("labels", json!(tags)),
        Change::Versioning(on) => ("versioning", json!({"enabled": on})),
        Change::SoftDelete(days) => (
            "softDeletePolicy",
            json!({"retentionDurationSeconds": (u64::from(*days) * DAY).to_string()}),
        ),
        Change::StorageClass(class) => ("storageClass", json!(class)),
        Change::PublicAccess(on) => {
            let word = if *on { "enforced" } else { "inherited" };
            ("iamConfiguration", json!({PREVENTION: word}))
        }
        Change::Ownership => (
            "iamConfiguration",
            json!({"uniformBucketLevelAccess": {"enabled": true}}),
        ),
        Change::Encryption(wanted) => {
            let key = match &wanted.key {
                Key::Named(name) => json!(name),
                Key::Server | Key::ToMake => Value::Null,
            };
            ("encryption", json!({"defaultKmsKeyName": key}))
        }
        Change::Cors(rules) => ("cors", rules.iter().map(raw_cors).collect()),
        Change::Lifecycle(rules) => (
            "lifecycle",
            json!({"rule": rules.iter().map(raw_lifecycle).collect::<Vec<_>>()}),
        ),
        Change::Grants(_) => return None,
    })
}

/// The resource of a bucket that is made with these settings, without name and place.
pub(super) fn first(tags: &BTreeMap<String, String>, settings: &[Change]) -> Map<String, Value> {
    let mut resource = Map::new();
    resource.insert("labels".to_owned(), json!(tags));
    for (name, value) in settings.iter().filter_map(part) {
        match (resource.get_mut(name), value) {
            (Some(Value::Object(there)), Value::Object(more)) => there.extend(more),
            (_, value) => {
                resource.insert(name.to_owned(), value);
            }
        }
    }
    resource
}

fn texts(value: &Value) -> Vec<String> {
    let list = value.as_array().into_iter().flatten();
    list.filter_map(Value::as_str).map(str::to_owned).collect()
}

/// A rule for web pages in our words. There is one list of headers for both directions.
pub(super) fn cors_rule(rule: &Value) -> CorsRule {
    CorsRule {
        id: None,
        origins: texts(&rule["origin"]),
        methods: texts(&rule["method"]),
        headers: texts(&rule["responseHeader"]),
        exposed: texts(&rule["responseHeader"]),
        max_age_seconds: whole(&rule["maxAgeSeconds"]).and_then(|age| i64::try_from(age).ok()),
    }
}

fn raw_cors(rule: &CorsRule) -> Value {
    let mut raw = json!({
        "origin": rule.origins,
        "method": rule.methods,
        "responseHeader": rule.exposed,
    });
    if let Some(age) = rule.max_age_seconds {
        raw["maxAgeSeconds"] = json!(age);
    }
    raw
}

/// These rules, the ones among them that are there as they stand there: a rule may say what
/// our words do not.
pub(super) fn raw_cors_rules(rules: &[CorsRule], there: &[Value]) -> Vec<Value> {
    let mut left: Vec<&Value> = there.iter().collect();
    rules
        .iter()
        .map(|rule| {
            let same = |raw: &&Value| {
                let found = cors_rule(raw);
                CorsRule {
                    id: rule.id.clone(),
                    ..found
                } == *rule
            };
            match left.iter().position(same) {
                Some(at) => left.remove(at).clone(),
                None => raw_cors(rule),
            }
        })
        .collect()
}

fn raw_lifecycle(rule: &LifecycleRule) -> Value {
    let mut condition = Map::new();
    let action = match (rule.noncurrent_days, rule.abort_upload_days) {
        (Some(days), _) => {
            condition.insert("daysSinceNoncurrentTime".to_owned(), json!(days));
            "Delete"
        }
        (None, days) => {
            condition.insert("age".to_owned(), json!(days.unwrap_or(0)));
            "AbortIncompleteMultipartUpload"
        }
    };
    if !rule.prefix.is_empty() {
        condition.insert("matchesPrefix".to_owned(), json!([rule.prefix]));
    }
    json!({"action": {"type": action}, "condition": condition})
}

/// Whether a rule as it stands says exactly what one of ours says.
fn says(raw: &Value, rule: &LifecycleRule) -> bool {
    let wanted = raw_lifecycle(rule);
    let mut condition = raw["condition"].clone();
    if let Some(parts) = condition.as_object_mut() {
        // What a service may spell out, and what it may leave out.
        parts.retain(|name, value| match name.as_str() {
            "isLive" => *value != false || rule.noncurrent_days.is_none(),
            "matchesPrefix" => value.as_array().is_none_or(|list| !list.is_empty()),
            _ => true,
        });
        for value in parts.values_mut() {
            if let Some(number) = whole(value) {
                *value = json!(number);
            }
        }
    }
    raw["action"] == wanted["action"] && condition == wanted["condition"]
}

/// A rule about old data in our words. Rules have no ids there, so ours get theirs by what
/// they say.
fn lifecycle_rule(number: usize, raw: &Value, ours: &[LifecycleRule]) -> LifecycleRule {
    if let Some(own) = ours.iter().find(|own| says(raw, own)) {
        return own.clone();
    }
    let (action, condition) = (&raw["action"]["type"], &raw["condition"]);
    let is_deletion = action == "Delete";
    let days = |name: &str| whole(&condition[name]).and_then(|days| u32::try_from(days).ok());
    let prefixes = texts(&condition["matchesPrefix"]);
    // Some conditions only old versions meet.
    let is_about_old = condition["isLive"] == false
        || [
            "daysSinceNoncurrentTime",
            "noncurrentTimeBefore",
            "numNewerVersions",
        ]
        .iter()
        .any(|name| condition.get(name).is_some());
    LifecycleRule {
        id: format!("rule {}", number + 1),
        enabled: true,
        prefix: common_start(&prefixes),
        narrowed: condition.as_object().is_some_and(|parts| parts.len() > 1) || prefixes.len() > 1,
        expires_current: is_deletion && !is_about_old,
        noncurrent_days: is_deletion
            .then(|| days("daysSinceNoncurrentTime"))
            .flatten(),
        abort_upload_days: (action == "AbortIncompleteMultipartUpload")
            .then(|| days("age"))
            .flatten(),
    }
}

/// What all of these begin with.
fn common_start(texts: &[String]) -> String {
    let Some((first, rest)) = texts.split_first() else {
        return String::new();
    };
    let shared = |other: &String| {
        let same = first.chars().zip(other.chars());
        same.take_while(|(one, other)| one == other).count()
    };
    let length = rest.iter().map(shared).min();
    let length = length.unwrap_or_else(|| first.chars().count());
    first.chars().take(length).collect()
}

/// Other people's rules about old data as they stand, and ours behind them. `ours` are all
/// that an apply of ours may have written.
pub(super) fn raw_lifecycle_rules(
    wanted: &[LifecycleRule],
    ours: &[LifecycleRule],
    there: &[Value],
) -> Vec<Value> {
    let is_ours = |raw: &&Value| {
        let mut all = ours.iter().chain(wanted);
        all.any(|own| own.id.starts_with(LIFECYCLE_PREFIX) && says(raw, own))
    };
    let theirs = there.iter().filter(|raw| !is_ours(raw)).cloned();
    theirs.chain(wanted.iter().map(raw_lifecycle)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::byob::change::lifecycle_rules;

    #[test]
    fn our_rules_are_told_by_what_they_say() {
        let ours = lifecycle_rules(Some("teams/a"), Some(30), Some(7));
        let noncurrent = json!({"action": {"type": "Delete"},
            "condition": {"daysSinceNoncurrentTime": 30, "matchesPrefix": ["teams/a/"]}});
        let spelled = json!({"action": {"type": "Delete"}, "condition":
            {"daysSinceNoncurrentTime": 30, "isLive": false, "matchesPrefix": ["teams/a/"]}});
        let theirs = json!({"action": {"type": "Delete"},
            "condition": {"daysSinceNoncurrentTime": 30}, "later": {"x": 1}});
        for (raw, id) in [
            (&noncurrent, "wandb-byob-noncurrent-versions"),
            (&spelled, "wandb-byob-noncurrent-versions"),
            (&theirs, "rule 1"),
        ] {
            assert_eq!(lifecycle_rule(0, raw, &ours).id, id, "{raw}");
        }
        let there = [theirs.clone(), noncurrent];
        let written = raw_lifecycle_rules(&[], &ours, &there);
        assert_eq!(written, [theirs]);
    }

    #[test]
    fn rules_that_expire_files_are_seen() {
        for (condition, expires) in [
            (json!({"age": 30}), true),
            (json!({"age": 30, "isLive": true}), true),
            (json!({"age": 30, "isLive": false}), false),
            (json!({"numNewerVersions": 3}), false),
        ] {
            let raw = json!({"action": {"type": "Delete"}, "condition": condition});
            assert_eq!(
                lifecycle_rule(0, &raw, &[]).expires_current,
                expires,
                "{raw}"
            );
        }
        let raw = json!({"action": {"type": "Delete"},
            "condition": {"age": 1, "matchesPrefix": ["teams/a/", "teams/b/"]}});
        assert_eq!(lifecycle_rule(0, &raw, &[]).prefix, "teams/");
    }

    #[test]
    fn foreign_rules_for_web_pages_stay_as_they_stand() {
        let theirs = json!({"origin": ["https://a.example"], "method": ["GET"], "later": true});
        let there = [theirs.clone()];
        let rules: Vec<CorsRule> = there.iter().map(cors_rule).collect();
        assert_eq!(raw_cors_rules(&rules, &there), [theirs]);
    }

    #[test]
    fn what_keeps_objects_is_told() {
        for (resource, expected) in [
            (json!({}), ""),
            (
                json!({"retentionPolicy": {"retentionPeriod": "86400"}}),
                "retention policy, 1 days",
            ),
            (
                json!({"retentionPolicy": {"retentionPeriod": "60", "isLocked": true},
                    "defaultEventBasedHold": true}),
                "locked retention policy, 60 seconds and default event-based hold",
            ),
        ] {
            assert_eq!(Document(resource).default_retention(), expected);
        }
    }
}
