//! The properties of an account's services, and the lists of shares, queues and tables.

use std::collections::BTreeMap;

use serde_json::{Map, Value, json};

use super::{Call, accounts, body, list};
use crate::azure::refusal::{Outcome, Refusal};
use crate::azure::request::Answer;

const METHODS: &[&str] = &[
    "DELETE", "GET", "HEAD", "MERGE", "POST", "OPTIONS", "PUT", "PATCH", "CONNECT", "TRACE",
];

/// How the services of a new account are.
pub(crate) fn defaults() -> BTreeMap<String, Map<String, Value>> {
    let cors = json!({"cors": {"corsRules": []}});
    let mut blobs = cors.clone();
    blobs["deleteRetentionPolicy"] = json!({"allowPermanentDelete": false, "enabled": false});
    let mut files = cors.clone();
    files["shareDeleteRetentionPolicy"] = json!({"enabled": true, "days": 7});
    [
        ("blobservices", blobs),
        ("fileservices", files),
        ("queueservices", cors.clone()),
        ("tableservices", cors),
    ]
    .into_iter()
    .map(|(kind, value)| {
        (
            kind.to_owned(),
            value.as_object().cloned().unwrap_or_default(),
        )
    })
    .collect()
}

/// Answers for `…/blobServices/default` and its like.
pub(crate) fn answer(call: &mut Call<'_>) -> Outcome {
    let kind = call.target.types.get(1).map(|one| one.to_ascii_lowercase());
    let kind = kind.unwrap_or_default();
    accounts::of(call)?;
    if !call.target.is_one() {
        return Ok(list(vec![view(call, &kind)?], None));
    }
    if call.target.name(1) != "default" {
        return Err(Refusal::values("serviceName"));
    }
    if call.method() == "PUT" {
        let sent = body::properties(&call.body()?)?;
        let sent = if kind == "blobservices" {
            checked(call, sent)?
        } else {
            sent
        };
        let service = accounts::of_mut(call)?
            .services
            .entry(kind.clone())
            .or_default();
        for (name, value) in sent {
            // What is left out stays.
            if !value.is_null() {
                service.insert(name, value);
            }
        }
    } else if call.method() != "GET" {
        return Err(call.unsupported());
    }
    Ok(Answer::json(200, &view(call, &kind)?))
}

fn view(call: &Call<'_>, kind: &str) -> Result<Value, Refusal> {
    let account = accounts::of(call)?;
    let spelled = match kind {
        "blobservices" => "blobServices",
        "fileservices" => "fileServices",
        "queueservices" => "queueServices",
        _ => "tableServices",
    };
    Ok(json!({
        "id": format!("{}/{spelled}/default", account.id()), "name": "default",
        "type": format!("Microsoft.Storage/storageAccounts/{spelled}"),
        "sku": {"name": account.sku, "tier": account.sku.split('_').next()},
        "properties": account.services.get(kind),
    }))
}

/// The properties of a blob service, as they are kept.
fn checked(call: &Call<'_>, mut sent: Map<String, Value>) -> Result<Map<String, Value>, Refusal> {
    for name in ["isVersioningEnabled", "automaticSnapshotPolicyEnabled"] {
        body::truth(&sent, name)?;
    }
    let account = accounts::of(call)?;
    let folders = account.properties.get("isHnsEnabled") == Some(&Value::Bool(true));
    if folders && sent.get("isVersioningEnabled") == Some(&Value::Bool(true)) {
        let message = "Versioning is not supported for storage accounts with hierarchical \
            namespace enabled.";
        return Err(Refusal::bad("FeatureNotSupportedForAccount", message));
    }
    for name in ["deleteRetentionPolicy", "containerDeleteRetentionPolicy"] {
        if let Some(policy) = sent.get_mut(name).filter(|one| !one.is_null()) {
            retention(name, policy)?;
        }
    }
    if let Some(cors) = sent.get_mut("cors").filter(|one| !one.is_null()) {
        let rules = match cors.get("corsRules") {
            None | Some(Value::Null) => Vec::new(),
            Some(Value::Array(rules)) => rules.clone(),
            Some(_) => return Err(Refusal::content("corsRules must be an array")),
        };
        if rules.len() > 5 || !rules.iter().all(is_rule) {
            return Err(Refusal::values("cors.corsRules"));
        }
        *cors = json!({"corsRules": rules});
    }
    Ok(sent)
}

fn retention(name: &str, policy: &mut Value) -> Result<(), Refusal> {
    let Some(enabled) = policy["enabled"].as_bool() else {
        return Err(Refusal::values(&format!("{name}.enabled")));
    };
    let days = policy.get("days").filter(|days| !days.is_null());
    let valid = days.map(|days| days.as_i64().is_some_and(|days| (1..=365).contains(&days)));
    if valid == Some(false) || (enabled && valid.is_none()) {
        return Err(Refusal::values(&format!("{name}.days")));
    }
    if !enabled && let Some(policy) = policy.as_object_mut() {
        policy.remove("days");
    }
    Ok(())
}

/// Whether a rule of CORS is whole and within its limits.
fn is_rule(rule: &Value) -> bool {
    let texts = |name: &str| -> Option<Vec<&str>> {
        rule[name].as_array()?.iter().map(Value::as_str).collect()
    };
    let headers = |name: &str| {
        texts(name).is_some_and(|all| {
            let prefixes = all
                .iter()
                .filter(|one| one.ends_with('*') && **one != "*")
                .count();
            all.len() - prefixes <= 64 && prefixes <= 2 && all.iter().all(|one| one.len() <= 256)
        })
    };
    let origins = texts("allowedOrigins");
    let methods = texts("allowedMethods");
    origins.is_some_and(|all| {
        (1..=64).contains(&all.len()) && all.iter().all(|one| (1..=256).contains(&one.len()))
    }) && methods.is_some_and(|all| !all.is_empty() && all.iter().all(|one| METHODS.contains(one)))
        && headers("allowedHeaders")
        && headers("exposedHeaders")
        && rule["maxAgeInSeconds"]
            .as_i64()
            .is_some_and(|age| (0..=2_000_000_000).contains(&age))
}

/// The shares, queues or tables of an account; tests put them there.
pub(crate) fn children(call: &mut Call<'_>) -> Outcome {
    let account = accounts::of(call)?;
    if call.method() != "GET" {
        return Err(call.unsupported());
    }
    let parent = call
        .target
        .types
        .get(1)
        .map(String::as_str)
        .unwrap_or_default();
    let kind = call
        .target
        .types
        .get(2)
        .map(String::as_str)
        .unwrap_or_default();
    let view = |name: &String| {
        json!({"id": format!("{}/{parent}/default/{kind}/{name}", account.id()), "name": name,
            "type": format!("Microsoft.Storage/storageAccounts/{parent}/{kind}"),
            "properties": {}})
    };
    let all = account.others.get(&kind.to_ascii_lowercase());
    let all = all.into_iter().flatten();
    if call.target.is_one() {
        let wanted = call.target.name(2);
        let mut found = all.filter(|name| name.as_str() == wanted);
        let missing = || {
            Refusal::new(
                404,
                "ResourceNotFound",
                "The specified resource does not exist.",
            )
        };
        return Ok(Answer::json(
            200,
            &found.next().map(view).ok_or_else(missing)?,
        ));
    }
    Ok(list(all.map(view).collect(), None))
}
