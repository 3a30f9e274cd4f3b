//! Keys of service accounts.

use serde_json::{Value, json};

use super::accounts::{find, permitted};
use super::{Outcome, require};
use crate::gcs::access::{Principal, Resource};
use crate::gcs::clock;
use crate::gcs::crypto::base64;
use crate::gcs::refusal::{Kind, Refusal};
use crate::gcs::request::{Answer, Request};
use crate::gcs::world::{Account, AccountKey, Constraint, World};

/// As many keys as a user may make for an account.
const MOST: usize = 10;

fn view(account: &Account, key: &AccountKey) -> Value {
    let end = if key.system {
        key.created + time::Duration::days(16)
    } else {
        time::macros::datetime!(9999-12-31 23:59:59 UTC)
    };
    json!({
        "name": format!(
            "projects/{}/serviceAccounts/{}/keys/{}",
            account.project, account.email, key.id
        ),
        "validAfterTime": clock::seconds(key.created),
        "validBeforeTime": clock::seconds(end),
        "keyAlgorithm": "KEY_ALG_RSA_2048",
        "keyOrigin": "GOOGLE_PROVIDED",
        "keyType": if key.system { "SYSTEM_MANAGED" } else { "USER_MANAGED" },
    })
}

pub(super) fn create(
    world: &mut World,
    who: &Principal,
    project: &str,
    name: &str,
    request: &Request,
) -> Outcome {
    let email = permitted(world, who, project, name, "iam.serviceAccountKeys.create")?;
    let body = request.json()?;
    let kind = body["privateKeyType"]
        .as_str()
        .unwrap_or("TYPE_GOOGLE_CREDENTIALS_FILE");
    if !["TYPE_GOOGLE_CREDENTIALS_FILE", "TYPE_UNSPECIFIED"].contains(&kind) {
        return Err(Refusal::not_simulated(
            "a private key type other than a key file",
        ));
    }
    if world.config.constraints.contains(&Constraint::KeyCreation) {
        return Err(
            Refusal::invalid("Key creation is not allowed on this service account.")
                .canonical("FAILED_PRECONDITION")
                .constrained(
                    "constraints/iam.disableServiceAccountKeyCreation",
                    &format!("projects/{project}/serviceAccounts/{email}"),
                ),
        );
    }
    let account = find(world, "-", &email)?;
    if account.keys.iter().filter(|key| !key.system).count() >= MOST {
        return Err(Refusal::invalid("Precondition check failed.").canonical("FAILED_PRECONDITION"));
    }
    let broken = |_| Refusal::new(500, Kind::Internal, "Internal error encountered.");
    let key = world.new_key(false).map_err(broken)?;
    let account = find(world, "-", &email)?;
    let mut view = view(account, &key);
    let file = serde_json::to_string_pretty(&world.key_file(&email, &key)).unwrap_or_default();
    view["privateKeyData"] = json!(base64(file.as_bytes()));
    view["privateKeyType"] = json!("TYPE_GOOGLE_CREDENTIALS_FILE");
    if let Some(account) = world.accounts.get_mut(&email) {
        account.keys.push(key);
    }
    Ok(Answer::ok(&view))
}

pub(super) fn list(
    world: &mut World,
    who: &Principal,
    project: &str,
    name: &str,
    request: &Request,
) -> Outcome {
    let email = permitted(world, who, project, name, "iam.serviceAccountKeys.list")?;
    let broken = |_| Refusal::new(500, Kind::Internal, "Internal error encountered.");
    world.ensure_system_key(&email).map_err(broken)?;
    let kinds: Vec<&str> = request
        .query
        .iter()
        .filter(|(key, _)| key == "keyTypes")
        .map(|(_, value)| value.as_str())
        .collect();
    let account = find(world, "-", &email)?;
    let keys: Vec<Value> = account
        .keys
        .iter()
        .map(|key| view(account, key))
        .filter(|key| kinds.is_empty() || kinds.iter().any(|kind| key["keyType"] == *kind))
        .collect();
    let body = if keys.is_empty() {
        json!({})
    } else {
        json!({"keys": keys})
    };
    Ok(Answer::ok(&body))
}

pub(super) fn get(
    world: &mut World,
    who: &Principal,
    project: &str,
    name: &str,
    id: &str,
    request: &Request,
) -> Outcome {
    let email = permitted(world, who, project, name, "iam.serviceAccountKeys.get")?;
    if request
        .parameter("publicKeyType")
        .is_some_and(|kind| kind != "TYPE_NONE")
    {
        return Err(Refusal::not_simulated("publicKeyType"));
    }
    let account = find(world, "-", &email)?;
    let key = account.keys.iter().find(|key| key.id == id);
    let key = key.ok_or_else(|| no_such_key(id))?;
    Ok(Answer::ok(&view(account, key)))
}

pub(super) fn delete(
    world: &mut World,
    who: &Principal,
    project: &str,
    name: &str,
    id: &str,
) -> Outcome {
    let email = permitted(world, who, project, name, "iam.serviceAccountKeys.delete")?;
    require(
        world,
        who,
        "iam.serviceAccountKeys.delete",
        Resource::Account(&email),
    )?;
    let account = world.accounts.get_mut(&email);
    let account = account.ok_or_else(|| no_such_key(id))?;
    let before = account.keys.len();
    if account.keys.iter().any(|key| key.id == id && key.system) {
        return Err(Refusal::invalid("A system-managed key cannot be deleted."));
    }
    account.keys.retain(|key| key.id != id);
    if account.keys.len() == before {
        return Err(no_such_key(id));
    }
    Ok(Answer::ok(&json!({})))
}

fn no_such_key(id: &str) -> Refusal {
    Refusal::not_found(format!("Service account key {id} does not exist."))
}
