//! Role assignments.

use serde_json::{Map, Value, json};

use super::{Call, body, list};
use crate::azure::access::covers;
use crate::azure::clock::{is_guid, long};
use crate::azure::refusal::{Outcome, Refusal};
use crate::azure::request::Answer;
use crate::azure::world::{Assignment, World};

fn view(world: &World, one: &Assignment) -> Value {
    let subscription = one.scope.split('/').nth(2).unwrap_or_default();
    let principal = world.principal(&one.principal);
    let kind = principal.map_or("Unknown", |one| one.kind.as_str());
    let mut properties = one.properties.clone();
    for (name, value) in [
        (
            "roleDefinitionId",
            json!(format!(
                "/subscriptions/{subscription}/providers/Microsoft.Authorization/roleDefinitions/{}",
                one.role
            )),
        ),
        ("principalId", json!(one.principal)),
        ("principalType", json!(kind)),
        ("scope", json!(one.scope)),
        ("createdOn", json!(long(one.created))),
        ("updatedOn", json!(long(one.created))),
    ] {
        // What was sent stays as it was sent: a principal that nobody knows yet too.
        let sent = name == "principalType" && properties.contains_key(name);
        if !sent {
            properties.insert(name.to_owned(), value);
        }
    }
    for name in ["condition", "conditionVersion", "description"] {
        properties.entry(name).or_insert(Value::Null);
    }
    let id = format!(
        "{}/providers/Microsoft.Authorization/roleAssignments/{}",
        one.scope, one.name
    );
    json!({"id": id, "name": one.name, "type": "Microsoft.Authorization/roleAssignments",
        "properties": properties})
}

/// Answers for role assignments.
pub(crate) fn answer(call: &mut Call<'_>) -> Outcome {
    if !call.target.is_one() {
        return listed(call);
    }
    let name = call.target.name(0).to_owned();
    let scope = call.target.parent.clone();
    let here = |one: &Assignment| {
        one.removed.is_none()
            && one.name.eq_ignore_ascii_case(&name)
            && one.scope.eq_ignore_ascii_case(&scope)
    };
    let found = call.world.assignments.iter().position(here);
    match (call.method(), found) {
        ("GET", Some(at)) => Ok(Answer::json(
            200,
            &view(call.world, &call.world.assignments[at]),
        )),
        ("GET", None) => {
            let message = format!("The role assignment '{name}' is not found.");
            Err(Refusal::new(404, "RoleAssignmentNotFound", message))
        }
        ("PUT", found) => put(call, &name, &scope, found),
        ("DELETE", None) => Ok(Answer::empty(204)),
        ("DELETE", Some(at)) => {
            let answer = Answer::json(200, &view(call.world, &call.world.assignments[at]));
            let now = call.world.now();
            call.world.assignments[at].removed = Some(now);
            Ok(answer)
        }
        _ => Err(call.unsupported()),
    }
}

fn put(call: &mut Call<'_>, name: &str, scope: &str, found: Option<usize>) -> Outcome {
    if !is_guid(name) {
        let message = format!(
            "The role assignment ID '{name}' is not valid. The role assignment ID must be a GUID."
        );
        return Err(Refusal::bad("InvalidRoleAssignmentId", message));
    }
    let properties = body::properties(&call.body()?)?;
    let (role, principal) = checked(call, &properties)?;
    if let Some(at) = found {
        let there = &call.world.assignments[at];
        if there.role != role || !there.principal.eq_ignore_ascii_case(&principal) {
            let message = "Tenant ID, application ID, principal ID, and scope are not allowed to \
                be updated.";
            return Err(Refusal::bad("RoleAssignmentUpdateNotPermitted", message));
        }
        return Ok(Answer::json(200, &view(call.world, there)));
    }
    exists(call, scope)?;
    let same = |one: &&Assignment| {
        one.removed.is_none()
            && one.role == role
            && one.principal.eq_ignore_ascii_case(&principal)
            && one.scope.eq_ignore_ascii_case(scope)
    };
    if let Some(there) = call.world.assignments.iter().find(same) {
        let message = format!(
            "The role assignment already exists. The ID of the existing role assignment is {}.",
            there.name.replace('-', "")
        );
        return Err(Refusal::conflict("RoleAssignmentExists", message));
    }
    let one = Assignment {
        name: name.to_owned(),
        scope: scope.to_owned(),
        role,
        principal,
        properties,
        created: call.world.now(),
        removed: None,
    };
    let answer = Answer::json(201, &view(call.world, &one));
    call.world.assignments.push(one);
    Ok(answer)
}

/// Whether what the role is to be given on is there.
fn exists(call: &Call<'_>, scope: &str) -> Result<(), Refusal> {
    let Some((_, rest)) = scope.split_once("/providers/") else {
        let target = &call.target;
        return match &target.group {
            Some(group) if call.world.group(&target.subscription, group).is_none() => {
                Err(super::groups::not_found(group))
            }
            _ => Ok(()),
        };
    };
    let accounts = call
        .world
        .accounts
        .values()
        .map(crate::azure::world::Account::id);
    let identities = call.world.identities.iter().map(|one| one.id.clone());
    if accounts.chain(identities).any(|id| covers(&id, scope)) {
        return Ok(());
    }
    let mut parts = rest.split('/');
    let kind: Vec<&str> = parts.by_ref().take(2).collect();
    let name = parts.next().unwrap_or_default();
    let group = call.target.group.as_deref().unwrap_or_default();
    Err(Refusal::resource_not_found(&kind.join("/"), name, group))
}

/// The role and the principal of a body.
fn checked(call: &Call<'_>, sent: &Map<String, Value>) -> Result<(String, String), Refusal> {
    let text = |name: &str| sent.get(name).and_then(Value::as_str).unwrap_or_default();
    let (role, principal) = (text("roleDefinitionId"), text("principalId"));
    if role.is_empty() || principal.is_empty() {
        let message = "The request body must hold roleDefinitionId and principalId.";
        return Err(Refusal::bad("InvalidCreateRoleAssignmentRequest", message));
    }
    let role = role
        .rsplit('/')
        .next()
        .unwrap_or_default()
        .to_ascii_lowercase();
    if !call.world.definitions.iter().any(|one| one.id == role) {
        let message = format!("The specified role definition with ID '{role}' does not exist.");
        return Err(Refusal::bad("RoleDefinitionDoesNotExist", message));
    }
    if !is_guid(principal) {
        let message =
            format!("The principal ID '{principal}' is not valid. Principal ID must be a GUID.");
        return Err(Refusal::bad("InvalidPrincipalId", message));
    }
    let kind = text("principalType");
    let now = call.world.now();
    let known = call.world.principal(principal);
    // Somebody new is known to the one who names the kind, and to nobody else.
    let delay = call.world.config.principal_delay;
    let known = known.filter(|one| !kind.is_empty() || one.created + delay <= now);
    match known {
        Some(one) if !kind.is_empty() && one.kind != kind => {
            let message = format!(
                "The PrincipalId '{principal}' has type '{}' , which is different from specified \
                 PrinciaplType '{kind}'.",
                one.kind
            );
            Err(Refusal::bad("UnmatchedPrincipalType", message))
        }
        Some(one) => Ok((role, one.object_id.clone())),
        None => {
            let message = format!(
                "Principal {} does not exist in the directory {}. Check that you have the correct \
                 principal ID. If you are creating this principal and then immediately assigning a \
                 role, this error might be related to a replication delay. In this case, set the \
                 role assignment principalType property to a value, such as ServicePrincipal, \
                 User, or Group.  See https://aka.ms/docs-principaltype",
                principal.replace('-', ""),
                call.world.config.tenant
            );
            Err(Refusal::bad("PrincipalNotFound", message))
        }
    }
}

/// The assignments at a scope, above it and below it; `$filter` narrows that.
fn listed(call: &Call<'_>) -> Outcome {
    let scope = &call.target.parent;
    let filter = call.request.parameter("$filter").unwrap_or_default().trim();
    let quoted = |rest: &str| rest.trim().trim_matches(['\'', '(', ')', ' ']).to_owned();
    let mut at_scope = false;
    let mut principal = None;
    for part in filter
        .split(" and ")
        .map(str::trim)
        .filter(|part| !part.is_empty())
    {
        let lower = part.to_ascii_lowercase();
        if lower == "atscope()" {
            at_scope = true;
        } else if lower.starts_with("principalid eq ") {
            principal = Some(quoted(&part["principalid eq ".len()..]));
        } else if lower.starts_with("assignedto(") {
            principal = Some(quoted(&part["assignedto".len()..]));
        } else {
            let message = format!("The filter '{filter}' is not supported.");
            return Err(Refusal::bad("UnsupportedFilter", message));
        }
    }
    let wanted = |one: &&Assignment| {
        one.removed.is_none()
            && (covers(&one.scope, scope) || (!at_scope && covers(scope, &one.scope)))
            && principal
                .as_ref()
                .is_none_or(|id| one.principal.eq_ignore_ascii_case(id))
    };
    let all = call.world.assignments.iter().filter(wanted);
    Ok(list(all.map(|one| view(call.world, one)).collect(), None))
}
