//! What keeps the blobs of a container as they are: legal holds and immutability policies.

use serde_json::{Value, json};

use super::{Call, accounts, body, containers};
use crate::azure::blob::store::{Immutability, etag};
use crate::azure::refusal::{Outcome, Refusal};
use crate::azure::request::Answer;

/// A policy as it stands among the properties of its container.
pub(crate) fn brief(policy: &Immutability) -> Value {
    json!({"etag": format!("\"{}\"", policy.etag), "updateHistory": [],
        "properties": properties(policy)})
}

fn properties(policy: &Immutability) -> Value {
    let mut all = policy.properties.clone();
    all.insert(
        "immutabilityPeriodSinceCreationInDays".to_owned(),
        json!(policy.days),
    );
    all.insert("state".to_owned(), json!(policy.state));
    Value::Object(all)
}

/// Sets or clears tags of a legal hold.
pub(crate) fn hold(call: &mut Call<'_>, set: bool) -> Outcome {
    let name = call.target.name(2).to_owned();
    let sent = call.body()?;
    let tags = sent
        .get("tags")
        .and_then(Value::as_array)
        .cloned()
        .unwrap_or_default();
    let tags: Option<Vec<String>> = tags
        .iter()
        .map(|tag| tag.as_str().map(str::to_ascii_lowercase))
        .collect();
    let valid = |tag: &String| {
        (3..=23).contains(&tag.len()) && tag.bytes().all(|byte| byte.is_ascii_alphanumeric())
    };
    let tags = tags.filter(|all| !all.is_empty() && all.iter().all(valid));
    let tags = tags.ok_or_else(|| Refusal::values("tags"))?;
    let missing = containers::missing(call);
    let container = accounts::of_mut(call)?.live_mut(&name).ok_or(missing)?;
    container.holds.retain(|one| !tags.contains(one));
    if set {
        container.holds.extend(tags);
    }
    let held = !container.holds.is_empty();
    Ok(Answer::json(
        200,
        &json!({"hasLegalHold": held, "tags": container.holds}),
    ))
}

/// Answers for `…/immutabilityPolicies/default` and what is done with it.
pub(crate) fn answer(call: &mut Call<'_>) -> Outcome {
    let name = call.target.name(2).to_owned();
    if accounts::of(call)?.live(&name).is_none() {
        return Err(containers::missing(call));
    }
    let tag = call
        .request
        .header("if-match")
        .map(|tag| tag.trim_matches('"').to_owned());
    let id = format!(
        "{}/immutabilityPolicies/default",
        accounts::container_id(accounts::of(call)?, &name)
    );
    let current = accounts::of(call)?
        .live(&name)
        .and_then(|one| one.immutability.clone());
    let method = call.method().to_owned();
    if method != "GET" && (method != "PUT" || tag.is_some()) {
        let matches = current
            .as_ref()
            .is_some_and(|one| tag.as_ref() == Some(&one.etag));
        if !matches && tag.as_deref() != Some("*") {
            let words = "The operation is not allowed as the etag does not match.";
            return Err(Refusal::new(412, "PreconditionFailed", words));
        }
    }
    let next = next(call, current)?;
    let missing = containers::missing(call);
    let container = accounts::of_mut(call)?.live_mut(&name).ok_or(missing)?;
    container.immutability = next.clone();
    let none = Immutability {
        days: 0,
        state: if method == "DELETE" {
            "Deleted"
        } else {
            "Unlocked"
        }
        .to_owned(),
        etag: String::new(),
        properties: serde_json::Map::new(),
    };
    let shown = next.unwrap_or(none);
    let tag = format!("\"{}\"", shown.etag);
    let answer = Answer::json(
        200,
        &json!({"id": id, "name": "default", "etag": tag,
        "type": "Microsoft.Storage/storageAccounts/blobServices/containers/immutabilityPolicies",
        "properties": properties(&shown)}),
    );
    Ok(answer.with("ETag", tag))
}

/// The policy that a call leaves.
fn next(call: &Call<'_>, current: Option<Immutability>) -> Result<Option<Immutability>, Refusal> {
    let locked = current.as_ref().is_some_and(|one| one.state == "Locked");
    let forbidden = || {
        let words = "Operation not allowed on immutability policy with current state.";
        Refusal::conflict("OperationNotAllowedOnImmutabilityPolicy", words)
    };
    let (method, verb) = (call.method().to_owned(), call.target.verb());
    Ok(match (method.as_str(), verb.as_deref(), current.clone()) {
        ("GET", None, _) => current.clone(),
        ("PUT", None, _) if locked => return Err(forbidden()),
        ("PUT", None, _) => Some(sent(call, "Unlocked", None)?),
        ("POST", Some("extend"), Some(now)) if locked => {
            Some(sent(call, "Locked", Some(now.days))?)
        }
        ("POST", Some("lock"), Some(now)) => Some(Immutability {
            state: "Locked".to_owned(),
            etag: etag(),
            ..now
        }),
        ("DELETE", None, Some(_)) if !locked => None,
        ("POST" | "DELETE", _, Some(_)) => return Err(forbidden()),
        _ => return Err(call.unsupported()),
    })
}

/// The policy of a body; a locked one only becomes longer.
fn sent(call: &Call<'_>, state: &str, at_least: Option<i64>) -> Result<Immutability, Refusal> {
    let mut all = body::properties(&call.body()?)?;
    let days = all.remove("immutabilityPeriodSinceCreationInDays");
    let days = days.and_then(|days| days.as_i64()).unwrap_or(0);
    if !(1..=146_000).contains(&days) || at_least.is_some_and(|least| days < least) {
        return Err(Refusal::values("immutabilityPeriodSinceCreationInDays"));
    }
    all.remove("state");
    Ok(Immutability {
        days,
        state: state.to_owned(),
        etag: etag(),
        properties: all,
    })
}
