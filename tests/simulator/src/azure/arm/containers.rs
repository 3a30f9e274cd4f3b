//! Containers, as the management side has them.

use std::collections::BTreeMap;

use serde_json::{Map, Value, json};

use super::{Call, accounts, body, list, retention};
use crate::azure::blob::store::Container;
use crate::azure::clock::{guid, long};
use crate::azure::refusal::{Outcome, Refusal};
use crate::azure::request::Answer;
use crate::azure::world::Account;

const KIND: &str = "Microsoft.Storage/storageAccounts/blobServices/containers";

/// Whether a name can be a container's.
pub(crate) fn valid_name(name: &str) -> bool {
    let signs = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-';
    let special = ["$root", "$web", "$logs"].contains(&name);
    let usual = (3..=63).contains(&name.len())
        && name.bytes().all(signs)
        && !name.contains("--")
        && !name.starts_with('-')
        && !name.ends_with('-');
    special || usual
}

/// Whether a name can be that of metadata: one of C#.
pub(crate) fn is_identifier(name: &str) -> bool {
    let mut signs = name.chars();
    signs
        .next()
        .is_some_and(|first| first.is_alphabetic() || first == '_')
        && signs.all(|sign| sign.is_alphanumeric() || sign == '_')
}

/// Words with what the Blob service adds to them.
fn worded(words: &str, call: &Call<'_>) -> String {
    format!(
        "{words}\nRequestId:{}\nTime:{}",
        guid(),
        long(call.world.now())
    )
}

pub(crate) fn missing(call: &Call<'_>) -> Refusal {
    let message = worded("The specified container does not exist.", call);
    Refusal::new(404, "ContainerNotFound", message)
}

fn view(account: &Account, container: &Container, days: Option<i64>) -> Value {
    let held = !container.holds.is_empty();
    let mut properties = container.properties.clone();
    for (name, value) in [
        ("publicAccess", json!(container.public_access)),
        ("lastModifiedTime", json!(long(container.modified))),
        ("leaseStatus", json!("Unlocked")),
        ("leaseState", json!("Available")),
        (
            "hasImmutabilityPolicy",
            json!(container.immutability.is_some()),
        ),
        ("hasLegalHold", json!(held)),
        (
            "legalHold",
            json!({"hasLegalHold": held,
            "tags": container.holds.iter().map(|tag| json!({"tag": tag})).collect::<Vec<_>>()}),
        ),
        ("deleted", json!(days.is_some())),
        ("remainingRetentionDays", json!(days.unwrap_or(0))),
    ] {
        properties.insert(name.to_owned(), value);
    }
    properties
        .entry("defaultEncryptionScope")
        .or_insert(json!("$account-encryption-key"));
    properties
        .entry("denyEncryptionScopeOverride")
        .or_insert(json!(false));
    if !container.metadata.is_empty() {
        properties.insert("metadata".to_owned(), json!(container.metadata));
    }
    if let Some(policy) = &container.immutability {
        properties.insert("immutabilityPolicy".to_owned(), retention::brief(policy));
    }
    if let Some(deleted) = container.deleted {
        properties.insert("version".to_owned(), json!(container.version));
        properties.insert("deletedTime".to_owned(), json!(long(deleted.at)));
    }
    json!({"id": accounts::container_id(account, &container.name), "name": container.name,
        "type": KIND, "etag": format!("\"{}\"", container.etag), "properties": properties})
}

/// Answers for containers.
pub(crate) fn answer(call: &mut Call<'_>) -> Outcome {
    accounts::of(call)?;
    if call.target.name(1) != "default" {
        return Err(Refusal::values("serviceName"));
    }
    if let Some(verb) = call.target.verb() {
        return match verb.as_str() {
            "containers" => listed(call),
            "setlegalhold" => retention::hold(call, true),
            "clearlegalhold" => retention::hold(call, false),
            _ => Err(call.unsupported()),
        };
    }
    let name = call.target.name(2).to_owned();
    match call.method() {
        "GET" => one(call, &name, 200),
        "PUT" => put(call, &name),
        "PATCH" => {
            accounts::of(call)?
                .live(&name)
                .ok_or_else(|| missing(call))?;
            let sent = body::properties(&call.body()?)?;
            write(call, &name, sent)?;
            one(call, &name, 200)
        }
        "DELETE" => delete(call, &name),
        _ => Err(call.unsupported()),
    }
}

fn one(call: &Call<'_>, name: &str, status: u16) -> Outcome {
    let account = accounts::of(call)?;
    let container = account.live(name).ok_or_else(|| missing(call))?;
    let answer = Answer::json(status, &view(account, container, None));
    Ok(answer.with("ETag", format!("\"{}\"", container.etag)))
}

fn put(call: &mut Call<'_>, name: &str) -> Outcome {
    if !valid_name(name) {
        let message = worded(
            "The specified resource name contains invalid characters.",
            call,
        );
        return Err(Refusal::bad("ContainerOperationFailure", message));
    }
    let sent = call.request.json().unwrap_or_default();
    let sent = body::properties(&sent)?;
    let (now, takes) = (call.world.now(), call.world.config.container_deletion);
    if accounts::of(call)?.being_deleted(name, now, takes) {
        let words = "The specified container is being deleted. Try operation later.";
        return Err(Refusal::conflict(
            "ContainerOperationFailure",
            worded(words, call),
        ));
    }
    let status = if accounts::of(call)?.live(name).is_some() {
        200
    } else {
        201
    };
    checked(call, &sent)?;
    if status == 201 {
        accounts::of_mut(call)?
            .containers
            .push(Container::new(name, now));
    }
    write(call, name, sent)?;
    one(call, name, status)
}

/// Whether the properties of a container are ones that it can have.
fn checked(call: &Call<'_>, sent: &Map<String, Value>) -> Result<(), Refusal> {
    body::one_of(sent, "publicAccess", &["None", "Container", "Blob"])?;
    let account = accounts::of(call)?;
    let public = sent
        .get("publicAccess")
        .and_then(Value::as_str)
        .unwrap_or("None");
    let allowed = account.properties.get("allowBlobPublicAccess");
    if public != "None" && allowed != Some(&Value::Bool(true)) {
        let words = "Public access is not permitted on this storage account.";
        return Err(Refusal::conflict(
            "PublicAccessNotPermitted",
            worded(words, call),
        ));
    }
    match sent.get("metadata") {
        None | Some(Value::Null) => Ok(()),
        Some(Value::Object(metadata)) => {
            let good = metadata
                .iter()
                .all(|(name, value)| is_identifier(name) && value.is_string());
            let words = "The metadata specified is invalid. It has characters that are not \
                permitted.";
            good.then_some(())
                .ok_or_else(|| Refusal::bad("InvalidMetadata", worded(words, call)))
        }
        Some(_) => Err(Refusal::content("metadata must be an object")),
    }
}

fn write(call: &mut Call<'_>, name: &str, sent: Map<String, Value>) -> Result<(), Refusal> {
    checked(call, &sent)?;
    let now = call.world.now();
    let missing = missing(call);
    let container = accounts::of_mut(call)?.live_mut(name).ok_or(missing)?;
    for (key, value) in sent {
        match (key.as_str(), value) {
            (_, Value::Null) => {}
            ("publicAccess", Value::String(value)) => container.public_access = value,
            ("metadata", Value::Object(metadata)) => {
                let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
                let pairs = metadata
                    .iter()
                    .map(|(name, value)| (name.clone(), text(value)));
                container.metadata = pairs.collect::<BTreeMap<_, _>>();
            }
            (_, value) => {
                container.properties.insert(key, value);
            }
        }
    }
    container.touch(now);
    Ok(())
}

fn delete(call: &mut Call<'_>, name: &str) -> Outcome {
    let Some(container) = accounts::of(call)?.live(name) else {
        return Ok(Answer::empty(204));
    };
    if !container.holds.is_empty() {
        let words = "The requested operation is not allowed as the container has one or more legal \
            holds.";
        return Err(Refusal::conflict(
            "ContainerHasLegalHold",
            worded(words, call),
        ));
    }
    let policy = container.immutability.as_ref();
    let keeps =
        policy.is_some_and(|policy| policy.state == "Locked" || !container.blobs.is_empty());
    if keeps && !container.blobs.is_empty() {
        let words = "The requested operation is not allowed as the container has a locked \
            immutability policy.";
        return Err(Refusal::conflict(
            "ContainerImmutabilityPolicyLocked",
            worded(words, call),
        ));
    }
    let now = call.world.now();
    accounts::of_mut(call)?.delete_container(name, now);
    Ok(Answer::empty(200))
}

/// A page of the list: `$maxpagesize`, `$filter` (a beginning of names), `$skipToken`, and
/// `$include=deleted`.
fn listed(call: &Call<'_>) -> Outcome {
    let account = accounts::of(call)?;
    let now = call.world.now();
    let deleted = call
        .request
        .parameter("$include")
        .is_some_and(|one| one.contains("deleted"));
    let filter = call.request.parameter("$filter").unwrap_or_default();
    let prefix = filter
        .strip_prefix("startswith(name, ")
        .map_or(filter, |rest| rest.trim_end_matches(')'));
    let size = match call.request.parameter("$maxpagesize") {
        None => 5000,
        Some(text) => match text.parse::<usize>() {
            Ok(size) if (1..=5000).contains(&size) => size,
            Ok(_) | Err(_) => return Err(Refusal::values("maxpagesize")),
        },
    };
    let mut all: Vec<&Container> = account
        .containers
        .iter()
        .filter(|one| one.name.starts_with(prefix.trim_matches('\'')))
        .filter(|one| match one.deleted {
            None => true,
            Some(gone) => deleted && gone.days > 0,
        })
        .collect();
    all.sort_by(|one, other| (&one.name, &one.version).cmp(&(&other.name, &other.version)));
    let token = call.request.parameter("$skipToken").unwrap_or_default();
    let start = token.parse::<usize>().unwrap_or(0);
    let page = all.iter().skip(start).take(size);
    let values = page
        .map(|one| view(account, one, one.deleted.map(|gone| gone.left(now))))
        .collect();
    let next = (all.len() > start + size).then(|| {
        let query = call.request.raw_query.split('&');
        let query: Vec<&str> = query
            .filter(|pair| !pair.to_ascii_lowercase().contains("skiptoken"))
            .collect();
        format!(
            "{}{}?{}&$skipToken={}",
            call.world.at.resource_manager,
            call.request.path,
            query.join("&"),
            start + size
        )
    });
    Ok(list(values, next))
}
