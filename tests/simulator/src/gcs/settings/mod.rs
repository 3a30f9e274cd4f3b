//! What can be set on a bucket. It is kept as the JSON that it is given back as, and only
//! after it has been looked at as a whole: a change is merged first.

mod cors;
mod lifecycle;
mod timed;

use serde_json::{Map, Value, json};
use time::OffsetDateTime;

use super::names;
use super::policy::only;
use super::refusal::Refusal;

pub(crate) use cors::Rule;

/// What the service decides; a caller may send it back, to no effect.
const OUTPUT: &[&str] = &[
    "etag",
    "generation",
    "hardDeleteTime",
    "id",
    "kind",
    "locationType",
    "metageneration",
    "owner",
    "projectNumber",
    "satisfiesPZI",
    "satisfiesPZS",
    "selfLink",
    "softDeleteTime",
    "timeCreated",
    "updated",
    "objectRetention",
];
const SETTINGS: &[&str] = &[
    "autoclass",
    "billing",
    "cors",
    "defaultEventBasedHold",
    "encryption",
    "iamConfiguration",
    "labels",
    "lifecycle",
    "logging",
    "retentionPolicy",
    "rpo",
    "softDeletePolicy",
    "storageClass",
    "versioning",
    "website",
];
/// What the service has and this one has not.
const ABSENT: &[&str] = &[
    "acl",
    "customPlacementConfig",
    "defaultObjectAcl",
    "hierarchicalNamespace",
    "ipFilter",
];
const CLASSES: &[&str] = &[
    "STANDARD",
    "NEARLINE",
    "COLDLINE",
    "ARCHIVE",
    "MULTI_REGIONAL",
    "REGIONAL",
    "DURABLE_REDUCED_AVAILABILITY",
];

/// What a check needs to know beside the settings.
#[derive(Clone, Copy)]
pub(crate) struct Surroundings<'a> {
    /// The bucket's name.
    pub(crate) bucket: &'a str,
    pub(crate) now: OffsetDateTime,
    /// Seconds of soft delete that a bucket gets when nobody says anything.
    pub(crate) soft_delete: i64,
}

/// The settings of a bucket.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Settings(Map<String, Value>);

impl Settings {
    /// The settings of a new bucket.
    pub(crate) fn new(
        body: &Map<String, Value>,
        around: Surroundings<'_>,
    ) -> Result<Self, Refusal> {
        known(body)?;
        let mut merged = Map::new();
        merge(&mut merged, &aliased(&settable(body)));
        settle(merged, None, around)
    }

    /// The settings after a change by `PATCH`: nested objects are merged, lists replaced,
    /// and null takes away.
    pub(crate) fn patched(
        &self,
        body: &Map<String, Value>,
        around: Surroundings<'_>,
    ) -> Result<Self, Refusal> {
        known(body)?;
        let mut change = settable(body);
        // An empty object takes all labels away.
        let clears = change
            .get("labels")
            .is_some_and(|labels| *labels == json!({}));
        if clears {
            change.insert("labels".to_owned(), Value::Null);
        }
        let mut merged = self.0.clone();
        merge(&mut merged, &aliased(&change));
        settle(merged, Some(self), around)
    }

    /// The settings after a `PUT`, which says all.
    pub(crate) fn replaced(
        &self,
        body: &Map<String, Value>,
        around: Surroundings<'_>,
    ) -> Result<Self, Refusal> {
        known(body)?;
        let mut merged = Map::new();
        merge(&mut merged, &aliased(&settable(body)));
        if !merged.contains_key("storageClass") {
            merged.insert("storageClass".to_owned(), self.0["storageClass"].clone());
        }
        settle(merged, Some(self), around)
    }

    pub(crate) fn json(&self) -> &Map<String, Value> {
        &self.0
    }

    fn at(&self, path: &str) -> &Value {
        let mut parts = path.split('.');
        let first = parts.next().and_then(|name| self.0.get(name));
        parts.fold(first.unwrap_or(&Value::Null), |value, name| &value[name])
    }

    fn seconds(&self, path: &str) -> i64 {
        whole(self.at(path)).unwrap_or_default()
    }

    pub(crate) fn storage_class(&self) -> &str {
        self.at("storageClass").as_str().unwrap_or("STANDARD")
    }

    pub(crate) fn uniform_access(&self) -> bool {
        self.at("iamConfiguration.uniformBucketLevelAccess.enabled") == true
    }

    pub(crate) fn public_access_prevented(&self) -> bool {
        self.at("iamConfiguration.publicAccessPrevention") == "enforced"
    }

    pub(crate) fn versioning(&self) -> bool {
        self.at("versioning.enabled") == true
    }

    pub(crate) fn soft_delete(&self) -> i64 {
        self.seconds("softDeletePolicy.retentionDurationSeconds")
    }

    /// Seconds that every object is kept.
    pub(crate) fn retention(&self) -> i64 {
        self.seconds("retentionPolicy.retentionPeriod")
    }

    pub(crate) fn retention_is_locked(&self) -> bool {
        self.at("retentionPolicy.isLocked") == true
    }

    pub(crate) fn lock_retention(&mut self) {
        self.0["retentionPolicy"]["isLocked"] = json!(true);
    }

    pub(crate) fn holds_new_objects(&self) -> bool {
        self.at("defaultEventBasedHold") == true
    }

    pub(crate) fn requester_pays(&self) -> bool {
        self.at("billing.requesterPays") == true
    }

    pub(crate) fn key(&self) -> Option<&str> {
        self.at("encryption.defaultKmsKeyName").as_str()
    }

    pub(crate) fn cors(&self) -> Vec<Rule> {
        let rules = self.at("cors").as_array();
        rules.into_iter().flatten().map(Rule::of).collect()
    }
}

/// Whether a change touches what also needs the right to set the policy.
pub(crate) fn touches_policy(body: &Map<String, Value>) -> bool {
    body.get("iamConfiguration")
        .is_some_and(|value| value.get("publicAccessPrevention").is_some())
}

fn known(body: &Map<String, Value>) -> Result<(), Refusal> {
    if let Some(name) = ABSENT
        .iter()
        .find(|name| body.get(**name).is_some_and(|value| !is_empty(value)))
    {
        return Err(Refusal::not_simulated(&format!("a bucket's {name}")));
    }
    let all = [OUTPUT, SETTINGS, ABSENT, &["name", "location"]].concat();
    only(body, &all, "bucket")
}

fn is_empty(value: &Value) -> bool {
    match value {
        Value::Null | Value::Bool(false) => true,
        Value::Array(list) => list.is_empty(),
        Value::Object(map) => map.is_empty(),
        Value::Bool(true) | Value::Number(_) | Value::String(_) => false,
    }
}

fn settable(body: &Map<String, Value>) -> Map<String, Value> {
    let settings = body
        .iter()
        .filter(|(name, _)| SETTINGS.contains(&name.as_str()));
    settings
        .map(|(name, value)| (name.clone(), value.clone()))
        .collect()
}

/// Uniform access has an older name; a change by either is a change of both.
fn aliased(body: &Map<String, Value>) -> Map<String, Value> {
    let mut body = body.clone();
    if let Some(Value::Object(access)) = body.get_mut("iamConfiguration") {
        let (new, old) = ("uniformBucketLevelAccess", "bucketPolicyOnly");
        if let Some(value) = access.get(new).cloned() {
            access.insert(old.to_owned(), value);
        } else if let Some(value) = access.get(old).cloned() {
            access.insert(new.to_owned(), value);
        }
    }
    body
}

/// Merges as a patch does.
fn merge(target: &mut Map<String, Value>, change: &Map<String, Value>) {
    for (name, value) in change {
        match (target.get_mut(name), value) {
            (_, Value::Null) => {
                target.remove(name);
            }
            (Some(Value::Object(old)), Value::Object(new)) => merge(old, new),
            (_, Value::Object(new)) => {
                let mut clean = Map::new();
                merge(&mut clean, new);
                target.insert(name.clone(), Value::Object(clean));
            }
            _ => {
                target.insert(name.clone(), value.clone());
            }
        }
    }
}

/// A whole number, as a number or as text.
pub(crate) fn whole(value: &Value) -> Option<i64> {
    value
        .as_i64()
        .or_else(|| value.as_str().and_then(|text| text.parse().ok()))
}

/// A nested object with nothing in it that is not known.
fn nested<'a>(
    value: &'a Value,
    known: &[&str],
    place: &str,
) -> Result<&'a Map<String, Value>, Refusal> {
    let object = value.as_object().ok_or_else(Refusal::parse_error)?;
    only(object, known, place)?;
    Ok(object)
}

fn boolean(object: &Map<String, Value>, name: &str) -> Result<bool, Refusal> {
    match object.get(name) {
        None => Ok(false),
        Some(Value::Bool(value)) => Ok(*value),
        Some(_) => Err(Refusal::parse_error()),
    }
}

/// Looks at the whole and brings it into the form that it is given back in.
fn settle(
    merged: Map<String, Value>,
    before: Option<&Settings>,
    around: Surroundings<'_>,
) -> Result<Settings, Refusal> {
    let mut settled = Map::new();
    for (name, value) in &merged {
        let value = match name.as_str() {
            "storageClass" => class(value)?,
            "labels" => labels(value)?,
            "versioning" => {
                json!({"enabled": boolean(nested(value, &["enabled"], name)?, "enabled")?})
            }
            "cors" => cors::check(value)?,
            "lifecycle" => lifecycle::check(value)?,
            "encryption" => encryption(value)?,
            "billing" => {
                let billing = nested(value, &["requesterPays"], name)?;
                json!({"requesterPays": boolean(billing, "requesterPays")?})
            }
            "defaultEventBasedHold" => json!(value.as_bool().ok_or_else(Refusal::parse_error)?),
            "rpo" => match value.as_str() {
                Some("DEFAULT" | "ASYNC_TURBO") => value.clone(),
                _ => return Err(Refusal::invalid(format!("Invalid rpo: {value}"))),
            },
            "website" => json!(nested(value, &["mainPageSuffix", "notFoundPage"], name)?),
            "logging" => json!(nested(value, &["logBucket", "logObjectPrefix"], name)?),
            "autoclass" => {
                let known = [
                    "enabled",
                    "toggleTime",
                    "terminalStorageClass",
                    "terminalStorageClassUpdateTime",
                ];
                json!(nested(value, &known, name)?)
            }
            // With times of their own, below.
            _ => continue,
        };
        if !is_empty(&value) || value == false {
            settled.insert(name.clone(), value);
        }
    }
    settled
        .entry("storageClass")
        .or_insert_with(|| json!("STANDARD"));
    let soft_delete = timed::soft_delete(merged.get("softDeletePolicy"), before, around)?;
    settled.insert("softDeletePolicy".to_owned(), soft_delete);
    let access = timed::access(merged.get("iamConfiguration"), before, around.now)?;
    settled.insert("iamConfiguration".to_owned(), access);
    if let Some(retention) = timed::retention(merged.get("retentionPolicy"), before, around)? {
        settled.insert("retentionPolicy".to_owned(), retention);
    }
    Ok(Settings(settled))
}

fn class(value: &Value) -> Result<Value, Refusal> {
    let class = value
        .as_str()
        .ok_or_else(Refusal::parse_error)?
        .to_ascii_uppercase();
    if CLASSES.contains(&class.as_str()) {
        Ok(json!(class))
    } else {
        Err(Refusal::invalid(format!("Invalid storage class: {class}")))
    }
}

/// Whether objects can have this class.
pub(crate) fn check_class(value: &Value) -> Result<Value, Refusal> {
    class(value)
}

fn labels(value: &Value) -> Result<Value, Refusal> {
    let labels = value.as_object().ok_or_else(Refusal::parse_error)?;
    if labels.len() > 64 {
        return Err(Refusal::invalid(format!(
            "A bucket can have at most 64 labels, and these are {}.",
            labels.len()
        )));
    }
    let sound = |text: &str| {
        text.chars().count() <= 63
            && text.len() <= 128
            && text.chars().all(|sign| {
                (sign.is_alphanumeric() && !sign.is_uppercase()) || sign == '-' || sign == '_'
            })
    };
    for (key, value) in labels {
        let Some(value) = value.as_str() else {
            return Err(Refusal::parse_error());
        };
        let starts = key
            .chars()
            .next()
            .is_some_and(|first| first.is_alphabetic() && !first.is_uppercase());
        if !starts || !sound(key) || !sound(value) {
            return Err(Refusal::invalid(format!(
                "Invalid label: '{key}': '{value}'"
            )));
        }
    }
    Ok(value.clone())
}

fn encryption(value: &Value) -> Result<Value, Refusal> {
    let encryption = nested(value, &["defaultKmsKeyName"], "encryption")?;
    let Some(key) = encryption.get("defaultKmsKeyName") else {
        return Ok(json!({}));
    };
    let name = key.as_str().ok_or_else(Refusal::parse_error)?;
    if name.is_empty() {
        return Ok(json!({}));
    }
    if names::key_location(name).is_none() {
        return Err(Refusal::invalid(format!(
            "Invalid Cloud KMS key name: '{name}'. It must have the form \
             projects/*/locations/*/keyRings/*/cryptoKeys/*."
        )));
    }
    Ok(json!({"defaultKmsKeyName": name}))
}
