//! Principals, identities, what they may do and what they sign in with.

use std::time::Duration;

use serde_json::{Value, json};

use super::{DONE, Thrown, read, text, unknown};
use crate::azure::clock::guid;
use crate::azure::roles::Definition;
use crate::azure::world::{Credential, Identity, World};

/// Principals, what they may do and what they sign in with.
pub(super) fn people(world: &mut World, method: &str, what: &str, body: &Value) -> Thrown {
    let view = |one: &crate::azure::world::Principal| {
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
        _ => credentials(world, method, what, body),
    }
}

/// What principals sign in with.
fn credentials(world: &mut World, method: &str, what: &str, body: &Value) -> Thrown {
    match (method, what) {
        ("POST", "tokens") => {
            let principal = text(body, "principal")?;
            let principal = world
                .principal(&principal)
                .ok_or((404, "nobody".to_owned()))?;
            let audience = body["audience"]
                .as_str()
                .unwrap_or("https://management.azure.com/");
            let seconds = body["seconds"]
                .as_i64()
                .unwrap_or(crate::azure::tokens::VALIDITY);
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
                written: world.long_ago(),
            };
            let id = text(body, "principal")?;
            let mut all = world.principals.iter_mut();
            let principal = all.find(|one| one.object_id == id);
            let principal = principal.ok_or((404, "nobody".to_owned()))?;
            principal.credentials.push(credential);
            DONE
        }
        _ => unknown(),
    }
}

/// `POST /identities/NAME/busy {"seconds": n}`: another write to its credentials is under
/// way. `DELETE /identities/NAME`: gone, and nobody was asked.
pub(super) fn identities(world: &mut World, method: &str, parts: &[&str], body: &Value) -> Thrown {
    let now = world.now();
    let seconds = Duration::from_secs(body["seconds"].as_u64().unwrap_or(0));
    let named = |name: &str| {
        let mut all = world.identities.iter();
        all.position(|one| one.name == name)
            .ok_or((404, "there is no such identity".to_owned()))
    };
    match (method, parts) {
        ("GET", []) => {
            let all = world.identities.iter();
            Ok(all.map(|one| identity(world, one)).collect())
        }
        ("POST", [name, "busy"]) => {
            let at = named(name)?;
            world.identities[at].busy_until = now + seconds;
            DONE
        }
        ("DELETE", [name]) => {
            let at = named(name)?;
            let gone = world.identities.remove(at);
            world
                .principals
                .retain(|one| one.object_id != gone.object_id);
            DONE
        }
        _ => unknown(),
    }
}

/// An identity with what it signs in with.
fn identity(world: &World, one: &Identity) -> Value {
    let principal = world.principal(&one.object_id);
    let credentials = principal.map(|one| one.credentials.as_slice());
    let brief = |one: &Credential| {
        json!({"name": one.name, "issuer": one.issuer, "subject": one.subject,
            "audiences": one.audiences})
    };
    let credentials: Vec<Value> = credentials.unwrap_or_default().iter().map(brief).collect();
    json!({"id": one.id, "name": one.name, "tags": one.tags, "object_id": one.object_id,
        "client_id": principal.map(|one| &one.app_id), "credentials": credentials})
}
