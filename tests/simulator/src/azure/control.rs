//! The switches of the tests, over HTTP and without: what is there, what somebody else has
//! done meanwhile, and what goes wrong. Asks for no key; reachable on loopback only.

use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::body::Bytes;
use axum::extract::State;
use axum::http::{Method, StatusCode, Uri};
use axum::response::{IntoResponse as _, Response};
use percent_encoding::percent_decode_str;
use serde::Deserialize;
use serde_json::{Map, Value, json};

use super::blob::store::{Blob, Container, etag};
use super::clock::guid;
use super::faults::{Armed, Fault};
use super::roles::Definition;
use super::world::{Credential, Lock, World};
use super::{Shared, arm};

type Thrown = Result<Value, (u16, String)>;

/// The paths below `/_simulator`.
pub(super) fn router() -> Router<Arc<Shared>> {
    Router::new().fallback(answer)
}

async fn answer(
    State(shared): State<Arc<Shared>>,
    method: Method,
    uri: Uri,
    body: Bytes,
) -> Response {
    let body = serde_json::from_slice(&body).unwrap_or_default();
    let path = uri.path().trim_start_matches("/_simulator");
    let thrown = throw(&mut shared.world(), method.as_str(), path, &body);
    match thrown {
        Ok(Value::Null) => StatusCode::NO_CONTENT.into_response(),
        Ok(value) => axum::Json(value).into_response(),
        Err((status, message)) => {
            let status = StatusCode::from_u16(status).unwrap_or(StatusCode::BAD_REQUEST);
            (status, message).into_response()
        }
    }
}

fn read<T: for<'a> Deserialize<'a>>(body: &Value) -> Result<T, (u16, String)> {
    serde_json::from_value(body.clone()).map_err(|error| (400, error.to_string()))
}

fn text(body: &Value, name: &str) -> Result<String, (u16, String)> {
    let value = body[name].as_str().map(str::to_owned);
    value.ok_or_else(|| (400, format!("{name} is missing")))
}

/// Throws a switch.
pub(super) fn throw(world: &mut World, method: &str, path: &str, body: &Value) -> Thrown {
    let decode = |part: &str| percent_decode_str(part).decode_utf8_lossy().into_owned();
    let parts: Vec<String> = path
        .split('/')
        .filter(|one| !one.is_empty())
        .map(decode)
        .collect();
    let parts: Vec<&str> = parts.iter().map(String::as_str).collect();
    world.expire();
    match (method, &parts[..]) {
        ("GET", ["requests"]) => Ok(json!(world.requests)),
        ("DELETE", ["requests"]) => {
            world.requests.clear();
            Ok(Value::Null)
        }
        ("GET", ["faults"]) => Ok(json!(world.faults)),
        ("DELETE", ["faults"]) => {
            world.faults.clear();
            Ok(Value::Null)
        }
        ("POST", ["faults"]) => {
            let fault: Fault = read(body)?;
            {
                world.faults.push(Armed::new(fault));
                Ok(Value::Null)
            }
        }
        ("POST", ["clock"]) => {
            let seconds = body["seconds"].as_u64().unwrap_or(0);
            {
                world.advance(Duration::from_secs(seconds));
                Ok(Value::Null)
            }
        }
        ("PATCH", ["settings"]) => settings(world, body),
        ("POST", ["subscriptions"]) => {
            let tenant = body["tenant"]
                .as_str()
                .unwrap_or(&world.config.tenant)
                .to_owned();
            {
                world.add_subscription(&text(body, "id")?, &tenant);
                Ok(Value::Null)
            }
        }
        ("PUT", ["providers", namespace]) => registration(world, namespace, body),
        ("POST", ["issuers"]) => {
            let (name, issuer) = (text(body, "name")?, text(body, "issuer")?);
            {
                drop(world.issuers.insert(name, issuer));
                Ok(Value::Null)
            }
        }
        ("POST", ["machine"]) => {
            world.machine = read(&body["principals"])?;
            Ok(Value::Null)
        }
        (
            "GET" | "POST",
            [
                "principals" | "grants" | "roles" | "tokens" | "cluster-tokens" | "assignments"
                | "credentials",
                ..,
            ],
        ) => people(world, method, parts[0], body),
        ("GET", ["locks"]) => Ok(json!(world.locks)),
        ("DELETE", ["locks"]) => {
            world.locks.clear();
            Ok(Value::Null)
        }
        ("POST", ["locks"]) => {
            let lock = Lock {
                name: text(body, "name")?,
                scope: text(body, "scope")?,
                level: body["level"].as_str().unwrap_or("CanNotDelete").to_owned(),
                notes: None,
            };
            {
                world.locks.push(lock);
                Ok(Value::Null)
            }
        }
        (_, ["identities", ..]) => identities(world, method, &parts[1..], body),
        (_, ["accounts", rest @ ..]) => accounts(world, method, rest, body),
        _ => Err((404, "there is no such switch".to_owned())),
    }
}

/// Seconds of `role_delay`, `federation_delay`, `principal_delay`, `container_deletion`;
/// `polls` and `retry_after`.
fn settings(world: &mut World, body: &Value) -> Thrown {
    let seconds = |name: &str| body[name].as_f64().map(Duration::from_secs_f64);
    let config = &mut world.config;
    for (name, setting) in [
        ("role_delay", &mut config.role_delay),
        ("federation_delay", &mut config.federation_delay),
        ("principal_delay", &mut config.principal_delay),
        ("container_deletion", &mut config.container_deletion),
    ] {
        if let Some(value) = seconds(name) {
            *setting = value;
        }
    }
    if let Some(polls) = body["polls"].as_u64() {
        config.polls = u32::try_from(polls).unwrap_or(u32::MAX);
    }
    if let Some(wait) = body["retry_after"].as_u64() {
        config.retry_after = wait;
    }
    Ok(Value::Null)
}

/// Registers a namespace, or takes that back: `{"registered": false}`.
fn registration(world: &mut World, namespace: &str, body: &Value) -> Thrown {
    for subscription in world.subscriptions.values_mut() {
        if body["registered"] == true {
            subscription
                .registered
                .insert(namespace.to_ascii_lowercase());
        } else {
            subscription
                .registered
                .remove(&namespace.to_ascii_lowercase());
        }
    }
    Ok(Value::Null)
}

/// Principals, what they may do and what they sign in with.
fn people(world: &mut World, method: &str, what: &str, body: &Value) -> Thrown {
    let view = |one: &super::world::Principal| {
        json!({"object_id": one.object_id, "client_id": one.app_id, "tenant_id": one.tenant,
            "type": one.kind, "client_secret": one.secrets.first()})
    };
    match (method, what) {
        ("GET", "principals") => Ok(world.principals.iter().map(view).collect()),
        ("POST", "principals") => {
            let kind = body["type"].as_str().unwrap_or("ServicePrincipal");
            let made = world.add_principal(kind);
            if let Some(tenant) = body["tenant"].as_str()
                && let Some(last) = world.principals.last_mut()
            {
                tenant.clone_into(&mut last.tenant);
            }
            Ok(world
                .principal(&made.object_id)
                .map(view)
                .unwrap_or_default())
        }
        ("POST", "grants") => {
            let (principal, role) = (text(body, "principal")?, text(body, "role")?);
            let given = world.grant(&principal, &role, &text(body, "scope")?);
            given
                .then_some(Value::Null)
                .ok_or((404, format!("there is no role {role}")))
        }
        ("GET", "assignments") => Ok(world
            .assignments
            .iter()
            .filter(|one| one.removed.is_none())
            .map(|one| {
                json!({"name": one.name, "scope": one.scope, "role": one.role,
                "principal": one.principal})
            })
            .collect()),
        ("POST", "roles") => {
            let mut role: Definition = read(body)?;
            role.kind = "CustomRole".to_owned();
            if role.id.is_empty() {
                role.id = guid();
            }
            let id = role.id.clone();
            world.definitions.push(role);
            Ok(json!({"id": id}))
        }
        ("POST", "tokens") => {
            let principal = text(body, "principal")?;
            let principal = world
                .principal(&principal)
                .ok_or((404, "nobody".to_owned()))?;
            let audience = body["audience"]
                .as_str()
                .unwrap_or("https://management.azure.com/");
            let seconds = body["seconds"].as_i64().unwrap_or(super::tokens::VALIDITY);
            Ok(json!({"access_token": world.issue(principal, audience, seconds)}))
        }
        ("POST", "cluster-tokens") => {
            let audience = body["audience"]
                .as_str()
                .unwrap_or("api://AzureADTokenExchange");
            let token =
                world.cluster_token(&text(body, "issuer")?, &text(body, "subject")?, audience);
            Ok(json!({"token": token}))
        }
        ("POST", "credentials") => {
            let credential = Credential {
                name: body["name"].as_str().unwrap_or("federated").to_owned(),
                issuer: text(body, "issuer")?,
                subject: text(body, "subject")?,
                audiences: vec!["api://AzureADTokenExchange".to_owned()],
                written: world.now() - world.config.federation_delay,
            };
            let id = text(body, "principal")?;
            let mut all = world.principals.iter_mut();
            let principal = all.find(|one| one.object_id == id);
            let principal = principal.ok_or((404, "nobody".to_owned()))?;
            {
                principal.credentials.push(credential);
                Ok(Value::Null)
            }
        }
        _ => Err((405, "there is no such switch".to_owned())),
    }
}

/// `POST /identities/NAME/busy {"seconds": n}`: another write to its credentials is under
/// way. `DELETE /identities/NAME`: gone, and nobody was asked.
fn identities(world: &mut World, method: &str, parts: &[&str], body: &Value) -> Thrown {
    let now = world.now();
    let seconds = Duration::from_secs(body["seconds"].as_u64().unwrap_or(0));
    let named = |name: &str| {
        let mut all = world.identities.iter();
        all.position(|one| one.name == name)
            .ok_or((404, "there is no such identity".to_owned()))
    };
    match (method, parts) {
        ("GET", []) => Ok(world
            .identities
            .iter()
            .map(|one| {
                let principal = world.principal(&one.object_id);
                let credentials = principal.map(|one| one.credentials.as_slice());
                let brief = |one: &Credential| json!({"name": one.name, "issuer": one.issuer,
                    "subject": one.subject, "audiences": one.audiences});
                json!({"id": one.id, "name": one.name, "tags": one.tags,
                    "object_id": one.object_id, "client_id": principal.map(|one| &one.app_id),
                    "credentials": credentials.unwrap_or_default().iter().map(brief).collect::<Vec<_>>()})
            })
            .collect()),
        ("POST", [name, "busy"]) => {
            let at = named(name)?;
            { world.identities[at].busy_until = now + seconds; Ok(Value::Null) }
        }
        ("DELETE", [name]) => {
            let at = named(name)?;
            let gone = world.identities.remove(at);
            { world.principals.retain(|one| one.object_id != gone.object_id); Ok(Value::Null) }
        }
        _ => Err((404, "there is no such switch".to_owned())),
    }
}

/// Accounts and what is in them.
fn accounts(world: &mut World, method: &str, parts: &[&str], body: &Value) -> Thrown {
    let now = world.now();
    if let ("GET", []) = (method, parts) {
        return Ok(world.accounts.keys().cloned().collect());
    }
    let [name, rest @ ..] = parts else {
        return Err((404, "there is no such switch".to_owned()));
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
            {
                blobs.extend(object("blob_service"));
                Ok(Value::Null)
            }
        }
        ("POST", [kind @ ("shares" | "queues" | "tables"), child]) => {
            let children = account.others.entry((*kind).to_owned()).or_default();
            children.insert((*child).to_owned());
            Ok(Value::Null)
        }
        ("DELETE", [kind @ ("shares" | "queues" | "tables"), child]) => {
            let children = account.others.entry((*kind).to_owned()).or_default();
            children.remove(*child);
            Ok(Value::Null)
        }
        ("GET", ["containers"]) => Ok(account.containers.iter().map(container).collect()),
        (_, ["containers", rest @ ..]) => containers(account, method, rest, body, now),
        _ => Err((404, "there is no such switch".to_owned())),
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
    Ok(Value::Null)
}

fn containers(
    account: &mut super::world::Account,
    method: &str,
    parts: &[&str],
    body: &Value,
    now: time::OffsetDateTime,
) -> Thrown {
    let keeping = account.keeping();
    let [name, rest @ ..] = parts else {
        return Err((404, "there is no such switch".to_owned()));
    };
    if method == "POST" && rest.is_empty() {
        let mut made = Container::new(name, now);
        made.metadata = read(&body["metadata"]).unwrap_or_default();
        {
            account.containers.push(made);
            return Ok(Value::Null);
        }
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
            Ok(Value::Null)
        }
        ("POST", ["blobs", rest @ ..]) => {
            let data = body["text"].as_str().unwrap_or_default().to_owned();
            let blob = Blob {
                name: rest.join("/"),
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
                data: data.into(),
            };
            {
                drop(found.store(blob, keeping, now));
                Ok(Value::Null)
            }
        }
        ("DELETE", ["blobs", rest @ ..]) => {
            let name = rest.join("/");
            {
                found.delete(&name, keeping, true, true, now);
                Ok(Value::Null)
            }
        }
        _ => Err((404, "there is no such switch".to_owned())),
    }
}
