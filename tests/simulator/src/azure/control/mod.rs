//! The switches of the tests, over HTTP and without: what is there, what somebody else has
//! done meanwhile, and what goes wrong. Asks for no key; reachable on loopback only.

mod accounts;
mod people;

use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::body::Bytes;
use axum::extract::State;
use axum::http::{Method, StatusCode, Uri};
use axum::response::{IntoResponse as _, Response};
use percent_encoding::percent_decode_str;
use serde::Deserialize;
use serde_json::{Value, json};

use super::Shared;
use super::faults::{Armed, Fault};
use super::world::{Lock, World};

type Thrown = Result<Value, (u16, String)>;

/// What has been done, and there is nothing to say.
const DONE: Thrown = Ok(Value::Null);

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
    let parts = path.split('/').filter(|one| !one.is_empty());
    let parts: Vec<String> = parts.map(decode).collect();
    let parts: Vec<&str> = parts.iter().map(String::as_str).collect();
    world.expire();
    match &parts[..] {
        ["requests" | "faults" | "clock" | "locks"] => course(world, method, parts[0], body),
        ["settings" | "subscriptions" | "issuers" | "machine"] | ["providers", _] => {
            surroundings(world, method, &parts, body)
        }
        ["identities", rest @ ..] => people::identities(world, method, rest, body),
        ["accounts", rest @ ..] => accounts::accounts(world, method, rest, body),
        [what] => people::people(world, method, what, body),
        _ => unknown(),
    }
}

fn unknown() -> Thrown {
    Err((404, "there is no such switch".to_owned()))
}

/// What happens from one request to the next.
fn course(world: &mut World, method: &str, what: &str, body: &Value) -> Thrown {
    match (method, what) {
        ("GET", "requests") => return Ok(json!(world.requests)),
        ("GET", "faults") => return Ok(json!(world.faults)),
        ("GET", "locks") => return Ok(json!(world.locks)),
        ("DELETE", "requests") => world.requests.clear(),
        ("DELETE", "faults") => world.faults.clear(),
        ("DELETE", "locks") => world.locks.clear(),
        ("POST", "faults") => {
            let fault: Fault = read(body)?;
            world.faults.push(Armed::new(fault));
        }
        ("POST", "clock") => {
            world.advance(Duration::from_secs(body["seconds"].as_u64().unwrap_or(0)));
        }
        ("POST", "locks") => world.locks.push(Lock {
            name: text(body, "name")?,
            scope: text(body, "scope")?,
            level: body["level"].as_str().unwrap_or("CanNotDelete").to_owned(),
            notes: None,
        }),
        _ => return unknown(),
    }
    DONE
}

/// What is around all accounts.
fn surroundings(world: &mut World, method: &str, parts: &[&str], body: &Value) -> Thrown {
    match (method, parts) {
        ("PATCH", ["settings"]) => settings(world, body),
        ("PUT", ["providers", namespace]) => registration(world, namespace, body),
        ("POST", ["subscriptions"]) => {
            let tenant = body["tenant"].as_str().unwrap_or(&world.config.tenant);
            let tenant = tenant.to_owned();
            world.add_subscription(&text(body, "id")?, &tenant);
            DONE
        }
        ("POST", ["issuers"]) => {
            let (name, issuer) = (text(body, "name")?, text(body, "issuer")?);
            world.issuers.insert(name, issuer);
            DONE
        }
        ("POST", ["machine"]) => {
            world.machine = read(&body["principals"])?;
            DONE
        }
        _ => unknown(),
    }
}

/// Seconds of `role_delay`, `federation_delay`, `principal_delay`, `credential_write` and
/// `container_deletion`; `polls` and `retry_after`.
fn settings(world: &mut World, body: &Value) -> Thrown {
    let seconds = |name: &str| Duration::try_from_secs_f64(body[name].as_f64()?).ok();
    let config = &mut world.config;
    for (name, setting) in [
        ("role_delay", &mut config.role_delay),
        ("federation_delay", &mut config.federation_delay),
        ("principal_delay", &mut config.principal_delay),
        ("container_deletion", &mut config.container_deletion),
        ("credential_write", &mut config.credential_write),
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
    DONE
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
    DONE
}
