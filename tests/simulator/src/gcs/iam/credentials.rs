//! Signatures and tokens in a service account's name.

use serde_json::{Value, json};
use time::Duration;

use super::{Outcome, require};
use crate::gcs::access::{Principal, Resource};
use crate::gcs::clock;
use crate::gcs::crypto::{base64, unbase64};
use crate::gcs::refusal::{Kind, Refusal};
use crate::gcs::request::{Answer, Request};
use crate::gcs::world::World;

/// The account, for a caller who has this right on it. Who has it not is not told
/// whether there is one.
fn account(
    world: &mut World,
    who: &Principal,
    name: &str,
    permission: &str,
) -> Result<String, Refusal> {
    let found = world
        .accounts
        .values()
        .find(|one| one.email == name || one.unique_id == name);
    let email = found.map_or_else(|| name.to_owned(), |one| one.email.clone());
    if found.is_none() {
        return Err(Refusal::not_found(format!(
            "Not found; Gaia id not found for email {name}"
        )));
    }
    require(world, who, permission, Resource::Account(&email))?;
    if world.accounts.get(&email).is_some_and(|one| one.disabled) {
        return Err(
            Refusal::invalid("The service account is disabled.").canonical("FAILED_PRECONDITION")
        );
    }
    let broken = |_| Refusal::new(500, Kind::Internal, "Internal error encountered.");
    world.ensure_system_key(&email).map_err(broken)?;
    Ok(email)
}

pub(super) fn sign_blob(
    world: &mut World,
    who: &Principal,
    name: &str,
    request: &Request,
) -> Outcome {
    let email = account(world, who, name, "iam.serviceAccounts.signBlob")?;
    let body = request.json()?;
    let payload = body["payload"].as_str().and_then(unbase64);
    let payload = payload.filter(|payload| !payload.is_empty());
    let payload =
        payload.ok_or_else(|| Refusal::invalid("The payload is empty or not in base64."))?;
    let key = system_key(world, &email)?;
    Ok(Answer::ok(&json!({
        "keyId": key.id,
        "signedBlob": base64(&key.private.sign(&payload)),
    })))
}

pub(super) fn sign_jwt(
    world: &mut World,
    who: &Principal,
    name: &str,
    request: &Request,
) -> Outcome {
    let email = account(world, who, name, "iam.serviceAccounts.signJwt")?;
    let body = request.json()?;
    let claims: Option<Value> = body["payload"]
        .as_str()
        .and_then(|text| serde_json::from_str(text).ok());
    let claims = claims.ok_or_else(|| Refusal::invalid("The payload is not a JSON object."))?;
    let key = system_key(world, &email)?;
    let token = key.private.token(Some(&key.id), &claims);
    Ok(Answer::ok(&json!({"keyId": key.id, "signedJwt": token})))
}

fn system_key<'a>(
    world: &'a World,
    email: &str,
) -> Result<&'a crate::gcs::world::AccountKey, Refusal> {
    let mut keys = world
        .accounts
        .get(email)
        .into_iter()
        .flat_map(|one| &one.keys);
    keys.find(|key| key.system)
        .ok_or_else(|| Refusal::new(500, Kind::Internal, "Internal error encountered."))
}

pub(super) fn access_token(
    world: &mut World,
    who: &Principal,
    name: &str,
    request: &Request,
) -> Outcome {
    let email = account(world, who, name, "iam.serviceAccounts.getAccessToken")?;
    let body = request.json()?;
    let scopes: Vec<String> = body["scope"]
        .as_array()
        .into_iter()
        .flatten()
        .filter_map(Value::as_str)
        .map(str::to_owned)
        .collect();
    if scopes.is_empty() {
        return Err(Refusal::invalid("Scope required."));
    }
    let lifetime = body["lifetime"].as_str().unwrap_or("3600s");
    let seconds = lifetime
        .strip_suffix('s')
        .and_then(|text| text.parse::<i64>().ok());
    let seconds = seconds
        .filter(|seconds| (1..=3600).contains(seconds))
        .ok_or_else(|| Refusal::invalid("The token lifetime must be between 1s and 3600s."))?;
    let lifetime = Duration::seconds(seconds);
    let expires = clock::seconds(world.now() + lifetime);
    let token = world.issue_for(Principal::Account(email), scopes, lifetime);
    Ok(Answer::ok(
        &json!({"accessToken": token, "expireTime": expires}),
    ))
}
