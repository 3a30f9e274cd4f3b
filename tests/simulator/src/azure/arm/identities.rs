//! User-assigned identities.

use serde_json::{Value, json};

use super::{Call, body, groups, list};
use crate::azure::clock::guid;
use crate::azure::refusal::{Outcome, Refusal};
use crate::azure::request::Answer;
use crate::azure::world::{Identity, Principal, World};

const KIND: &str = "Microsoft.ManagedIdentity/userAssignedIdentities";

pub(crate) fn view(world: &World, identity: &Identity) -> Value {
    let principal = world.principal(&identity.object_id);
    let client = principal.map(|one| &one.app_id);
    json!({"id": identity.id, "name": identity.name, "type": KIND, "location": identity.location,
        "tags": if identity.tags.is_null() { json!({}) } else { identity.tags.clone() },
        "properties": {"tenantId": principal.map(|one| &one.tenant),
            "principalId": identity.object_id, "clientId": client, "isolationScope": "None"}})
}

/// The place of the identity that a call is about.
pub(crate) fn at(call: &Call<'_>) -> Result<usize, Refusal> {
    let target = &call.target;
    let group = target.group.as_deref().unwrap_or_default();
    if call.world.group(&target.subscription, group).is_none() {
        return Err(groups::not_found(group));
    }
    let name = target.name(0);
    let id = format!("{}/providers/{KIND}/{name}", target.parent);
    let mut all = call.world.identities.iter();
    let at = all.position(|one| one.id.eq_ignore_ascii_case(&id));
    at.ok_or_else(|| Refusal::resource_not_found(KIND, name, group))
}

/// Answers for identities.
pub(crate) fn answer(call: &mut Call<'_>) -> Outcome {
    if !call.target.is_one() {
        let inside = |id: &str| crate::azure::access::covers(&call.target.parent, id);
        let all = call.world.identities.iter().filter(|one| inside(&one.id));
        return Ok(list(all.map(|one| view(call.world, one)).collect(), None));
    }
    match call.method() {
        "GET" => {
            let at = at(call)?;
            Ok(Answer::json(
                200,
                &view(call.world, &call.world.identities[at]),
            ))
        }
        "PUT" => put(call),
        "PATCH" => {
            let at = at(call)?;
            let tags = body::tags(&call.body()?)?;
            if let Some(tags) = tags {
                call.world.identities[at].tags = tags;
            }
            Ok(Answer::json(
                200,
                &view(call.world, &call.world.identities[at]),
            ))
        }
        "DELETE" => match at(call) {
            Err(refusal) if refusal.code == "ResourceNotFound" => Ok(Answer::empty(204)),
            Err(refusal) => Err(refusal),
            Ok(at) => {
                let identity = call.world.identities.remove(at);
                // What the principal was given stays, for nobody.
                let gone = &identity.object_id;
                call.world.principals.retain(|one| one.object_id != *gone);
                Ok(Answer::empty(200))
            }
        },
        _ => Err(call.unsupported()),
    }
}

/// Whether a name can be an identity's.
fn valid(name: &str) -> Result<(), Refusal> {
    let signs = |sign: char| sign.is_ascii_alphanumeric() || "-_".contains(sign);
    let first = name
        .chars()
        .next()
        .is_some_and(|sign| sign.is_ascii_alphanumeric());
    if !(3..=128).contains(&name.len()) || !first || !name.chars().all(signs) {
        let message = format!(
            "The resource name '{name}' is invalid: 3 to 128 letters, digits, '-' and '_', \
             beginning with a letter or a digit."
        );
        return Err(Refusal::bad("InvalidResourceName", message));
    }
    Ok(())
}

fn put(call: &mut Call<'_>) -> Outcome {
    let target = call.target.clone();
    let group = target.group.as_deref().unwrap_or_default();
    let Some(group) = call.world.group(&target.subscription, group).cloned() else {
        return Err(groups::not_found(group));
    };
    groups::registered(call, "Microsoft.ManagedIdentity")?;
    let sent = call.body()?;
    let location = body::location(&sent, KIND)?;
    let tags = body::tags(&sent)?.unwrap_or_default();
    let name = target.name(0);
    valid(name)?;
    if let Ok(at) = at(call) {
        let there = &mut call.world.identities[at];
        if there.location != location {
            return Err(body::elsewhere(
                name,
                &group.name,
                &there.location,
                &location,
            ));
        }
        there.tags = tags;
        return Ok(Answer::json(
            200,
            &view(call.world, &call.world.identities[at]),
        ));
    }
    let now = call.world.now();
    let principal = Principal {
        object_id: guid(),
        app_id: guid(),
        tenant: call.caller.tenant.clone(),
        kind: "ServicePrincipal".to_owned(),
        created: now,
        secrets: Vec::new(),
        credentials: Vec::new(),
    };
    let identity = Identity {
        // The id is as the service spells it, whatever the request did.
        id: format!(
            "/subscriptions/{}/resourcegroups/{}/providers/{KIND}/{name}",
            target.subscription, group.name
        ),
        name: name.to_owned(),
        location,
        tags,
        object_id: principal.object_id.clone(),
        busy_until: now,
    };
    call.world.principals.push(principal);
    let answer = Answer::json(201, &view(call.world, &identity));
    call.world.identities.push(identity);
    Ok(answer)
}
