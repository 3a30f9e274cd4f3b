//! Rules by which objects grow old.

use serde_json::{Map, Value, json};

use crate::gcs::clock;
use crate::gcs::refusal::Refusal;

use super::{class, nested, whole};

const NUMBERS: &[&str] = &[
    "age",
    "daysSinceCustomTime",
    "daysSinceNoncurrentTime",
    "numNewerVersions",
    "sizeAboveBytes",
    "sizeBelowBytes",
];
const DAYS: &[&str] = &["createdBefore", "customTimeBefore", "noncurrentTimeBefore"];
const LISTS: &[&str] = &["matchesPrefix", "matchesStorageClass", "matchesSuffix"];

pub(super) fn check(value: &Value) -> Result<Value, Refusal> {
    let lifecycle = nested(value, &["rule"], "lifecycle")?;
    let Some(rules) = lifecycle.get("rule") else {
        return Ok(json!({}));
    };
    let rules = rules.as_array().ok_or_else(Refusal::parse_error)?;
    let checked: Vec<Value> = rules.iter().map(rule).collect::<Result<_, _>>()?;
    let affixes: usize = checked
        .iter()
        .flat_map(|rule| ["matchesPrefix", "matchesSuffix"].map(|name| &rule["condition"][name]))
        .filter_map(Value::as_array)
        .map(Vec::len)
        .sum();
    if affixes > 1000 {
        return Err(Refusal::invalid(
            "The lifecycle rules name more than 1000 prefixes and suffixes.",
        ));
    }
    if checked.is_empty() {
        return Ok(json!({}));
    }
    Ok(json!({"rule": checked}))
}

fn rule(value: &Value) -> Result<Value, Refusal> {
    let rule = nested(value, &["action", "condition"], "lifecycle.rule")?;
    let none = json!({});
    let action = nested(
        rule.get("action").unwrap_or(&none),
        &["type", "storageClass"],
        "lifecycle.rule.action",
    )?;
    let kind = action
        .get("type")
        .and_then(Value::as_str)
        .unwrap_or_default();
    let mut shown = json!({"type": kind});
    match kind {
        "Delete" | "AbortIncompleteMultipartUpload" => {
            if action.contains_key("storageClass") {
                return Err(Refusal::invalid(format!(
                    "A {kind} action has no storage class."
                )));
            }
        }
        "SetStorageClass" => {
            let to = action.get("storageClass").ok_or_else(|| {
                Refusal::invalid("A SetStorageClass action must have a storage class.")
            })?;
            shown["storageClass"] = class(to)?;
        }
        _ => {
            return Err(Refusal::invalid(format!(
                "Invalid lifecycle action type: '{kind}'"
            )));
        }
    }
    let condition = condition(rule.get("condition").unwrap_or(&none))?;
    let allowed = ["age", "matchesPrefix", "matchesSuffix"];
    if kind == "AbortIncompleteMultipartUpload"
        && condition
            .keys()
            .any(|name| !allowed.contains(&name.as_str()))
    {
        return Err(Refusal::invalid(
            "An AbortIncompleteMultipartUpload rule can have the conditions age, matchesPrefix and \
             matchesSuffix only.",
        ));
    }
    if condition.is_empty() {
        return Err(Refusal::invalid(
            "A lifecycle rule must have at least one condition.",
        ));
    }
    Ok(json!({"action": shown, "condition": condition}))
}

fn condition(value: &Value) -> Result<Map<String, Value>, Refusal> {
    let known = [NUMBERS, DAYS, LISTS, &["isLive"]].concat();
    let condition = nested(value, &known, "lifecycle.rule.condition")?;
    let mut checked = Map::new();
    for (name, value) in condition {
        let wrong = || Refusal::invalid(format!("Invalid lifecycle condition {name}: {value}"));
        let value = if NUMBERS.contains(&name.as_str()) {
            let number = whole(value)
                .filter(|number| *number >= 0)
                .ok_or_else(wrong)?;
            if name.starts_with("size") {
                json!(number.to_string())
            } else if number > i64::from(i32::MAX) {
                return Err(wrong());
            } else {
                json!(number)
            }
        } else if DAYS.contains(&name.as_str()) {
            let day = value.as_str().and_then(clock::day);
            json!(day.ok_or_else(wrong)?)
        } else if name == "isLive" {
            json!(value.as_bool().ok_or_else(wrong)?)
        } else {
            let list = value.as_array().ok_or_else(wrong)?;
            if list.is_empty() {
                continue;
            }
            let one = |one: &Value| match one.as_str() {
                None | Some("") => Err(wrong()),
                Some(_) if name == "matchesStorageClass" => class(one),
                Some(_) => Ok(one.clone()),
            };
            list.iter().map(one).collect::<Result<Value, _>>()?
        };
        checked.insert(name.clone(), value);
    }
    Ok(checked)
}
