//! Role definitions, and what the caller may do at a scope.

use serde_json::{Value, json};

use super::{Call, list};
use crate::azure::refusal::{Outcome, Refusal};
use crate::azure::request::Answer;
use crate::azure::roles::Definition;

fn view(call: &Call<'_>, one: &Definition) -> Value {
    let subscription = &call.target.subscription;
    json!({
        "id": format!("/subscriptions/{subscription}/providers/Microsoft.Authorization/roleDefinitions/{}", one.id),
        "name": one.id, "type": "Microsoft.Authorization/roleDefinitions",
        "properties": {"roleName": one.name, "type": one.kind, "description": "",
            "assignableScopes": ["/"], "permissions": [one.permissions()]}})
}

/// Answers for role definitions.
pub(crate) fn answer(call: &mut Call<'_>) -> Outcome {
    if call.method() != "GET" {
        return Err(call.unsupported());
    }
    if call.target.is_one() {
        let id = call.target.name(0);
        let mut all = call.world.definitions.iter();
        let found = all.find(|one| one.id.eq_ignore_ascii_case(id));
        let missing = || {
            let message = format!("The specified role definition with ID '{id}' does not exist.");
            Refusal::new(404, "RoleDefinitionDoesNotExist", message)
        };
        return Ok(Answer::json(200, &view(call, found.ok_or_else(missing)?)));
    }
    let filter = call.request.parameter("$filter").unwrap_or_default();
    let mut name = None;
    let mut kind = None;
    for part in filter
        .split(" and ")
        .map(str::trim)
        .filter(|part| !part.is_empty())
    {
        match part.split_once(" eq ") {
            Some(("roleName", value)) => name = Some(value.trim().trim_matches('\'')),
            Some(("type", value)) => kind = Some(value.trim().trim_matches('\'')),
            _ if part == "atScopeAndBelow()" => {}
            _ => {
                let message = format!("The filter '{filter}' is not supported.");
                return Err(Refusal::bad("UnsupportedFilter", message));
            }
        }
    }
    let wanted = |one: &&Definition| {
        name.is_none_or(|name| one.name == name) && kind.is_none_or(|kind| one.kind == kind)
    };
    let all = call.world.definitions.iter().filter(wanted);
    Ok(list(all.map(|one| view(call, one)).collect(), None))
}

/// What the caller may do at a scope, one entry for each role.
pub(crate) fn permissions(call: &mut Call<'_>) -> Outcome {
    let roles = call
        .world
        .roles_at(&call.caller.object_id, &call.target.parent);
    Ok(list(
        roles.iter().map(|one| one.permissions()).collect(),
        None,
    ))
}
