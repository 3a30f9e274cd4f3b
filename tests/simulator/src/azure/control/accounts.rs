//! Accounts and what is in them, as somebody else makes and changes them.

use serde_json::{Map, Value, json};

use super::{DONE, Thrown, read, unknown};
use crate::azure::arm;
use crate::azure::blob::store::{Blob, Container, etag};
use crate::azure::world::{Account, World};

/// Accounts and what is in them.
pub(super) fn accounts(world: &mut World, method: &str, parts: &[&str], body: &Value) -> Thrown {
    let now = world.now();
    if let ("GET", []) = (method, parts) {
        return Ok(world.accounts.keys().cloned().collect());
    }
    let [name, rest @ ..] = parts else {
        return unknown();
    };
    if method == "POST" && rest.is_empty() {
        return add_account(world, name, body);
    }
    let missing = || (404, format!("there is no account {name}"));
    if method == "DELETE" && rest.is_empty() {
        return world
            .accounts
            .remove(*name)
            .map(|_| Value::Null)
            .ok_or_else(missing);
    }
    let account = world.accounts.get_mut(*name).ok_or_else(missing)?;
    match (method, rest) {
        ("GET", []) => Ok(
            json!({"id": account.id(), "kind": account.kind, "sku": account.sku,
            "location": account.location, "tags": account.tags, "properties": account.properties,
            "services": account.services, "policy": account.policy.as_ref().map(|one| &one.0),
            "keys": [account.keys[0].value, account.keys[1].value], "others": account.others}),
        ),
        ("PATCH", []) => {
            let object = |name: &str| body[name].as_object().cloned().unwrap_or_default();
            account.properties.extend(object("properties"));
            if let Some(tags) = body.get("tags") {
                account.tags = tags.clone();
            }
            let blobs = account
                .services
                .entry("blobservices".to_owned())
                .or_default();
            blobs.extend(object("blob_service"));
            DONE
        }
        ("POST", [kind @ ("shares" | "queues" | "tables"), child]) => {
            let children = account.others.entry((*kind).to_owned()).or_default();
            children.insert((*child).to_owned());
            DONE
        }
        ("DELETE", [kind @ ("shares" | "queues" | "tables"), child]) => {
            let children = account.others.entry((*kind).to_owned()).or_default();
            children.remove(*child);
            DONE
        }
        ("GET", ["containers"]) => Ok(account.containers.iter().map(container).collect()),
        (_, ["containers", rest @ ..]) => containers(account, method, rest, body, now),
        _ => unknown(),
    }
}

fn container(one: &Container) -> Value {
    json!({"name": one.name, "metadata": one.metadata, "public_access": one.public_access,
        "version": one.version, "deleted": one.deleted.is_some(), "holds": one.holds,
        "immutable_days": one.immutability.as_ref().map(|policy| policy.days),
        "uncommitted": one.uncommitted.keys().collect::<Vec<_>>(),
        "blobs": one.blobs.iter().map(Blob::view).collect::<Vec<_>>()})
}

/// `POST /accounts/NAME`: made by somebody else; the body may name `subscription`, `group`,
/// `location`, `tags`, `properties`.
fn add_account(world: &mut World, name: &str, body: &Value) -> Thrown {
    let or = |key: &str, other: &str| body[key].as_str().unwrap_or(other).to_owned();
    let config = world.config.clone();
    let mut wanted = body.as_object().cloned().unwrap_or_default();
    wanted.entry("kind").or_insert(json!("StorageV2"));
    wanted
        .entry("sku")
        .or_insert(json!({"name": "Standard_ZRS"}));
    let subscription = or("subscription", &config.subscription);
    let (group, location) = (or("group", &config.group), or("location", &config.location));
    let account = arm::make_account(world, &subscription, &group, name, &location, &wanted)
        .map_err(|refusal| (refusal.status, refusal.message))?;
    world.accounts.insert(name.to_owned(), account);
    DONE
}

fn containers(
    account: &mut Account,
    method: &str,
    parts: &[&str],
    body: &Value,
    now: time::OffsetDateTime,
) -> Thrown {
    let keeping = account.keeping();
    let [name, rest @ ..] = parts else {
        return unknown();
    };
    if method == "POST" && rest.is_empty() {
        let mut made = Container::new(name, now);
        made.metadata = read(&body["metadata"]).unwrap_or_default();
        account.containers.push(made);
        return DONE;
    }
    let missing = || (404, format!("there is no container {name}"));
    if method == "DELETE" && rest.is_empty() {
        let deleted = account.delete_container(name, now);
        return deleted.then_some(Value::Null).ok_or_else(missing);
    }
    let found = account.live_mut(name).ok_or_else(missing)?;
    match (method, rest) {
        ("GET", []) => Ok(container(found)),
        ("PATCH", []) => {
            let metadata: Map<String, Value> = read(&body["metadata"])?;
            for (key, value) in metadata {
                match value.as_str() {
                    Some(value) => drop(found.metadata.insert(key, value.to_owned())),
                    None => drop(found.metadata.remove(&key)),
                }
            }
            DONE
        }
        ("POST", ["blobs", rest @ ..]) => {
            let blob = blob(rest.join("/"), body, now);
            drop(found.store(blob, keeping, now));
            DONE
        }
        ("DELETE", ["blobs", rest @ ..]) => {
            let name = rest.join("/");
            if body["with_versions"] == true {
                // What soft delete keeps stays.
                found
                    .blobs
                    .retain(|one| one.name != name || one.deleted.is_some());
            } else {
                found.delete(&name, keeping, true, true, now);
            }
            DONE
        }
        _ => unknown(),
    }
}

fn blob(name: String, body: &Value, now: time::OffsetDateTime) -> Blob {
    Blob {
        name,
        version: None,
        snapshot: None,
        current: true,
        deleted: None,
        etag: etag(),
        created: now,
        modified: now,
        headers: [(
            "content-type".to_owned(),
            "application/octet-stream".to_owned(),
        )]
        .into(),
        metadata: read(&body["metadata"]).unwrap_or_default(),
        blocks: Vec::new(),
        data: body["text"].as_str().unwrap_or_default().to_owned().into(),
    }
}
