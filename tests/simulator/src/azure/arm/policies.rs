//! The management policy of an account: one document, which the last writer has.

use std::collections::BTreeSet;

use serde_json::{Value, json};

use super::{Call, accounts, body, list};
use crate::azure::clock::long;
use crate::azure::refusal::{Outcome, Refusal};
use crate::azure::request::Answer;

/// Answers for `…/managementPolicies/default`.
pub(crate) fn answer(call: &mut Call<'_>) -> Outcome {
    accounts::of(call)?;
    if !call.target.is_one() {
        let found = view(call).ok();
        return Ok(list(found.into_iter().collect(), None));
    }
    if call.target.name(1) != "default" {
        return Err(Refusal::values("managementPolicyName"));
    }
    match call.method() {
        "GET" => Ok(Answer::json(200, &view(call)?)),
        "PUT" => {
            let mut sent = body::properties(&call.body()?)?;
            let policy = sent.remove("policy").unwrap_or_default();
            let rules = policy["rules"].as_array();
            let rules = rules.ok_or_else(|| Refusal::values("policy.rules"))?;
            let names: BTreeSet<&str> = rules
                .iter()
                .filter_map(|rule| rule["name"].as_str())
                .collect();
            if rules.is_empty() || rules.len() > 100 || names.len() != rules.len() {
                return Err(Refusal::values("policy.rules"));
            }
            if let Some(rule) = rules.iter().find(|rule| !is_rule(rule)) {
                return Err(Refusal::values(&format!("policy.rules[{}]", rule["name"])));
            }
            let now = call.world.now();
            accounts::of_mut(call)?.policy = Some((policy, now));
            Ok(Answer::json(200, &view(call)?))
        }
        "DELETE" => {
            let had = accounts::of_mut(call)?.policy.take();
            Ok(Answer::empty(if had.is_some() { 200 } else { 204 }))
        }
        _ => Err(call.unsupported()),
    }
}

fn view(call: &Call<'_>) -> Result<Value, Refusal> {
    let account = accounts::of(call)?;
    let (policy, modified) = account.policy.as_ref().ok_or_else(|| {
        let message = format!("No ManagementPolicy found for account {}", account.name);
        Refusal::new(404, "ManagementPolicyNotFound", message)
    })?;
    Ok(
        json!({"id": format!("{}/managementPolicies/default", account.id()), "name": "DefaultManagementPolicy",
        "type": "Microsoft.Storage/storageAccounts/managementPolicies",
        "properties": {"lastModifiedTime": long(*modified), "policy": policy}}),
    )
}

/// Whether a rule is whole: a name, a filter with kinds of blobs, and at least one action
/// with an age that is no less than nothing.
fn is_rule(rule: &Value) -> bool {
    let name = rule["name"].as_str().unwrap_or_default();
    let named = !name.is_empty()
        && name.len() <= 256
        && name
            .chars()
            .all(|sign| sign.is_ascii_alphanumeric() || sign == '-');
    let definition = &rule["definition"];
    let kinds = definition["filters"]["blobTypes"].as_array();
    let kinds = kinds.is_some_and(|all| {
        !all.is_empty()
            && all
                .iter()
                .all(|kind| kind == "blockBlob" || kind == "appendBlob")
    });
    let prefixes = definition["filters"].get("prefixMatch");
    let prefixes = prefixes
        .is_none_or(|all| all.is_null() || all.as_array().is_some_and(|all| all.len() <= 10));
    let parts = ["baseBlob", "snapshot", "version"];
    let mut actions = parts
        .iter()
        .filter_map(|part| definition["actions"][part].as_object());
    named
        && rule["type"] == "Lifecycle"
        && kinds
        && prefixes
        && actions.clone().next().is_some()
        && actions.all(|part| !part.is_empty() && part.values().all(is_action))
}

fn is_action(action: &Value) -> bool {
    if action.is_boolean() || action.is_null() {
        return true;
    }
    let ages = action.as_object().into_iter().flat_map(|all| all.iter());
    let mut ages = ages
        .filter(|(name, _)| name.starts_with("daysAfter"))
        .peekable();
    ages.peek().is_some() && ages.all(|(_, days)| days.as_f64().is_some_and(|days| days >= 0.0))
}
