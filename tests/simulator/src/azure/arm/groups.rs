//! Subscriptions, resource groups, what is in them, and resource providers.

use serde_json::{Value, json};

use super::{Call, account, body, identities, list};
use crate::azure::refusal::{Outcome, Refusal};
use crate::azure::request::Answer;
use crate::azure::world::Group;

/// Answers for subscriptions.
pub(crate) fn subscription(call: &mut Call<'_>) -> Outcome {
    if call.method() != "GET" {
        return Err(call.unsupported());
    }
    let view = |id: &str, tenant: &str| {
        json!({"id": format!("/subscriptions/{id}"), "subscriptionId": id, "tenantId": tenant,
            "displayName": "simulated", "state": "Enabled", "authorizationSource": "RoleBased",
            "subscriptionPolicies": {"locationPlacementId": "Public_2014-09-01",
                "quotaId": "PayAsYouGo_2014-09-01", "spendingLimit": "Off"}})
    };
    let read = "Microsoft.Resources/subscriptions/read";
    let (world, caller) = (&*call.world, &call.caller);
    let mut ours = world.subscriptions.iter().filter(|(id, one)| {
        let scope = format!("/subscriptions/{id}");
        one.tenant == caller.tenant && world.may(&caller.object_id, read, &scope)
    });
    if call.target.is_one() {
        let found = ours.find(|(id, _)| **id == call.target.subscription);
        let found = found.map(|(id, one)| view(id, &one.tenant));
        return Ok(Answer::json(200, &found.unwrap_or_default()));
    }
    Ok(list(
        ours.map(|(id, one)| view(id, &one.tenant)).collect(),
        None,
    ))
}

fn view(group: &Group) -> Value {
    let id = format!(
        "/subscriptions/{}/resourceGroups/{}",
        group.subscription, group.name
    );
    let mut view = json!({"id": id, "name": group.name, "location": group.location,
        "type": "Microsoft.Resources/resourceGroups",
        "properties": {"provisioningState": "Succeeded"}});
    if !group.tags.is_null() {
        view["tags"] = group.tags.clone();
    }
    if !group.managed_by.is_null() {
        view["managedBy"] = group.managed_by.clone();
    }
    view
}

pub(crate) fn not_found(name: &str) -> Refusal {
    let message = format!("Resource group '{name}' could not be found.");
    Refusal::new(404, "ResourceGroupNotFound", message)
}

/// Answers for resource groups.
pub(crate) fn answer(call: &mut Call<'_>) -> Outcome {
    let subscription = call.target.subscription.clone();
    if !call.target.is_one() {
        let groups = call.world.groups.iter();
        let ours = groups.filter(|one| one.subscription == subscription);
        return Ok(list(ours.map(view).collect(), None));
    }
    let name = call.target.name(0).to_owned();
    let found = call.world.group(&subscription, &name).cloned();
    match (call.method(), found) {
        ("GET", Some(group)) => Ok(Answer::json(200, &view(&group))),
        ("HEAD", Some(_)) => Ok(Answer::empty(204)),
        ("HEAD", None) => Ok(Answer::empty(404)),
        ("PUT", found) => put(call, &name, found),
        ("DELETE", Some(group)) => {
            let (world, name) = (&mut *call.world, &group.name);
            let id = format!("/subscriptions/{subscription}/resourceGroups/{name}");
            let inside = |scope: &str| crate::azure::access::covers(&id, scope);
            world.accounts.retain(|_, one| !inside(&one.id()));
            world.identities.retain(|one| !inside(&one.id));
            world.assignments.retain(|one| !inside(&one.scope));
            world
                .groups
                .retain(|one| one.subscription != subscription || one.name != *name);
            Ok(Answer::empty(200))
        }
        (_, None) => Err(not_found(&name)),
        (_, Some(_)) => Err(call.unsupported()),
    }
}

fn put(call: &mut Call<'_>, name: &str, found: Option<Group>) -> Outcome {
    let sent = call.body()?;
    let allowed = |sign: char| sign.is_alphanumeric() || "-_.()".contains(sign);
    if name.len() > 90 || name.ends_with('.') || !name.chars().all(allowed) {
        let message = format!(
            "The provided resource group name '{name}' has these invalid characters: or ends with \
             a period. The name can only be a letter, digit, '-', '.', '(', ')' or '_'."
        );
        return Err(Refusal::bad("InvalidResourceGroupName", message));
    }
    let location = body::location(&sent, "Microsoft.Resources/resourceGroups")?;
    let tags = body::tags(&sent)?.unwrap_or_default();
    if let Some(group) = &found
        && group.location != location
    {
        let message = format!(
            "Invalid resource group location '{location}'. The Resource group already exists in \
             location '{}'.",
            group.location
        );
        return Err(Refusal::conflict("InvalidResourceGroupLocation", message));
    }
    let group = Group {
        subscription: call.target.subscription.clone(),
        name: found
            .as_ref()
            .map_or_else(|| name.to_owned(), |one| one.name.clone()),
        location,
        tags,
        managed_by: sent.get("managedBy").cloned().unwrap_or_default(),
    };
    let status = if found.is_some() { 200 } else { 201 };
    let same = |one: &Group| one.subscription == group.subscription && one.name == group.name;
    call.world.groups.retain(|one| !same(one));
    let answer = Answer::json(status, &view(&group));
    call.world.groups.push(group);
    Ok(answer)
}

/// What is in a group, or in the whole subscription.
pub(crate) fn resources(call: &mut Call<'_>) -> Outcome {
    let target = &call.target;
    if let Some(group) = &target.group
        && call.world.group(&target.subscription, group).is_none()
    {
        return Err(not_found(group));
    }
    let inside = |id: &str| crate::azure::access::covers(&target.parent, id);
    let brief = |full: Value| {
        let mut brief = json!({});
        for part in ["id", "name", "type", "kind", "sku", "location", "tags"] {
            if let Some(value) = full.get(part) {
                brief[part] = value.clone();
            }
        }
        brief
    };
    let accounts = call.world.accounts.values().filter(|one| inside(&one.id()));
    let mut all: Vec<Value> = accounts
        .map(|one| brief(account::view(call.world, one)))
        .collect();
    let identities = call.world.identities.iter().filter(|one| inside(&one.id));
    all.extend(identities.map(|one| brief(identities::view(call.world, one))));
    Ok(list(all, None))
}

/// Whether a namespace is registered.
pub(crate) fn provider(call: &mut Call<'_>) -> Outcome {
    let namespace = call.target.name(0).to_owned();
    let subscription = call.world.subscriptions.get(&call.target.subscription);
    let registered =
        subscription.is_some_and(|one| one.registered.contains(&namespace.to_ascii_lowercase()));
    let state = if registered {
        "Registered"
    } else {
        "NotRegistered"
    };
    Ok(Answer::json(
        200,
        &json!({
            "id": format!("{}/providers/{namespace}", call.target.parent),
            "namespace": namespace, "registrationState": state,
            "registrationPolicy": "RegistrationRequired", "resourceTypes": [],
        }),
    ))
}

/// Refuses to make something of a namespace that is not registered.
pub(crate) fn registered(call: &Call<'_>, namespace: &str) -> Result<(), Refusal> {
    let id = &call.target.subscription;
    let subscription = call.world.subscriptions.get(id);
    if subscription.is_some_and(|one| one.registered.contains(&namespace.to_ascii_lowercase())) {
        return Ok(());
    }
    let message = format!(
        "The subscription is not registered to use namespace '{namespace}'. See \
         https://aka.ms/rps-not-found for how to register subscriptions."
    );
    Err(Refusal::conflict(
        "MissingSubscriptionRegistration",
        message,
    ))
}
