//! Storage accounts: their making, their changing and their keys.

use serde_json::{Map, Value, json};

use super::account::{FIXED, KIND, checked, convertible, make, valid, view};
use super::{Call, body, groups, list};
use crate::azure::clock::{guid, long};
use crate::azure::refusal::{Outcome, Refusal};
use crate::azure::request::Answer;
use crate::azure::world::{Account, Operation, new_key};

/// The full name of a container.
pub(crate) fn container_id(account: &Account, container: &str) -> String {
    format!(
        "{}/blobServices/default/containers/{container}",
        account.id()
    )
}

/// The account that a call is about.
pub(crate) fn of<'a>(call: &'a Call<'_>) -> Result<&'a Account, Refusal> {
    let target = &call.target;
    let group = target.group.as_deref().unwrap_or_default();
    if call.world.group(&target.subscription, group).is_none() {
        return Err(groups::not_found(group));
    }
    let name = target.name(0);
    let account = call.world.accounts.get(&name.to_ascii_lowercase());
    let ours = account.filter(|one| {
        one.subscription == target.subscription && one.group.eq_ignore_ascii_case(group)
    });
    ours.ok_or_else(|| Refusal::resource_not_found(KIND, name, group))
}

/// The same, to change.
pub(crate) fn of_mut<'a>(call: &'a mut Call<'_>) -> Result<&'a mut Account, Refusal> {
    let name = of(call)?.name.clone();
    let missing = || Refusal::new(404, "ResourceNotFound", "The resource was not found.");
    call.world.accounts.get_mut(&name).ok_or_else(missing)
}

/// Whether a name is free.
pub(crate) fn availability(call: &mut Call<'_>) -> Outcome {
    let sent = call.body()?;
    let name = sent.get("name").and_then(Value::as_str).unwrap_or_default();
    if sent.get("type").and_then(Value::as_str) != Some(KIND) {
        return Err(Refusal::values("type"));
    }
    let body = match valid(name) {
        Err(refusal) => json!({"nameAvailable": false, "reason": "AccountNameInvalid",
            "message": refusal.message}),
        Ok(()) if call.world.accounts.contains_key(name) => {
            json!({"nameAvailable": false, "reason": "AlreadyExists",
                "message": format!("The storage account named {name} is already taken.")})
        }
        Ok(()) => json!({"nameAvailable": true}),
    };
    Ok(Answer::json(200, &body))
}

/// Answers for accounts.
pub(crate) fn answer(call: &mut Call<'_>) -> Outcome {
    if let Some(verb) = call.target.verb().filter(|verb| verb != "storageaccounts") {
        let sent = (verb == "regeneratekey").then(|| call.body()).transpose()?;
        return keys(call, sent.as_ref());
    }
    if !call.target.is_one() {
        let inside = |id: &str| crate::azure::access::covers(&call.target.parent, id);
        let accounts = call.world.accounts.values().filter(|one| inside(&one.id()));
        return Ok(list(
            accounts.map(|one| view(call.world, one)).collect(),
            None,
        ));
    }
    match call.method() {
        "GET" => {
            let running = of(call)?.operation.clone();
            // Time passes for those who look at the account, too.
            running.map(|id| pass(call, &id));
            Ok(Answer::json(200, &view(call.world, of(call)?)))
        }
        "PUT" => put(call),
        "PATCH" => patch(call),
        "DELETE" => delete(call),
        _ => Err(call.unsupported()),
    }
}

fn put(call: &mut Call<'_>) -> Outcome {
    let name = call.target.name(0).to_owned();
    let group = call.target.group.clone().unwrap_or_default();
    let Some(group) = call.world.group(&call.target.subscription, &group).cloned() else {
        return Err(groups::not_found(&group));
    };
    let sent = call.body()?;
    groups::registered(call, "Microsoft.Storage")?;
    valid(&name)?;
    let location = body::location(&sent, KIND)?;
    let account = make(
        call.world,
        &call.target.subscription,
        &group.name,
        &name,
        &location,
        &sent,
    )?;
    if let Some(there) = call.world.accounts.get(&name) {
        same_place(there, &account)?;
        idle(there)?;
        return change(call, &sent, true);
    }
    let polls = call.world.config.polls;
    if polls == 0 {
        let answer = Answer::json(200, &view(call.world, &account));
        call.world.accounts.insert(name, account);
        return Ok(answer);
    }
    let id = guid();
    let operation = Operation {
        polls_left: polls,
        account: name.clone(),
    };
    call.world.operations.insert(id.clone(), operation);
    call.world.accounts.insert(
        name,
        Account {
            operation: Some(id.clone()),
            ..account
        },
    );
    Ok(accepted(call, &location, &id))
}

/// Refuses an account whose name something else has.
fn same_place(there: &Account, wanted: &Account) -> Result<(), Refusal> {
    let name = &there.name;
    if there.subscription != wanted.subscription {
        let message = format!("The storage account named {name} is already taken.");
        return Err(Refusal::conflict("StorageAccountAlreadyTaken", message).at(name));
    }
    if there.group != wanted.group {
        let message = format!(
            "The account {name} is already in another resource group in this subscription."
        );
        let code = "StorageAccountInAnotherResourceGroup";
        return Err(Refusal::conflict(code, message));
    }
    if there.location != wanted.location {
        let group = &there.group;
        let (there, wanted) = (&there.location, &wanted.location);
        return Err(body::elsewhere(name, group, there, wanted));
    }
    Ok(())
}

/// Where to ask for what is not over yet.
fn accepted(call: &Call<'_>, location: &str, id: &str) -> Answer {
    let version = call.request.parameter("api-version").unwrap_or_default();
    let at = format!(
        "{}/subscriptions/{}/providers/Microsoft.Storage/locations/{location}/asyncoperations/\
         {id}?monitor=true&api-version={version}",
        call.world.at.resource_manager, call.target.subscription
    );
    Answer::empty(202)
        .with("Location", at)
        .with("Retry-After", call.world.config.retry_after.to_string())
        .with("Content-Type", "text/plain; charset=utf-8")
}

/// One look at a long operation; how many it takes yet.
fn pass(call: &mut Call<'_>, id: &str) -> u32 {
    let Some(operation) = call.world.operations.get_mut(id) else {
        return 0;
    };
    operation.polls_left = operation.polls_left.saturating_sub(1);
    let (left, name) = (operation.polls_left, operation.account.clone());
    let account = call.world.accounts.get_mut(&name);
    if let Some(account) = account.filter(|_| left == 0) {
        account.operation = None;
    }
    left
}

/// What has become of a long operation.
pub(crate) fn operation(call: &mut Call<'_>) -> Outcome {
    let (location, id) = (
        call.target.name(0).to_owned(),
        call.target.name(1).to_owned(),
    );
    let operation = call.world.operations.get(&id).cloned();
    let missing = || {
        let message = format!("The operation '{id}' was not found.");
        Refusal::new(404, "ResourceNotFound", message)
    };
    let operation = operation.ok_or_else(missing)?;
    if pass(call, &id) > 0 {
        return Ok(accepted(call, &location, &id));
    }
    let account = call.world.accounts.get(&operation.account);
    let account = account.ok_or_else(missing)?;
    Ok(Answer::json(200, &view(call.world, account)))
}

/// Refuses what has to wait until the account is made.
fn idle(account: &Account) -> Result<(), Refusal> {
    if account.operation.is_none() {
        return Ok(());
    }
    let message = "An operation is currently performing on this storage account that requires \
        exclusive access.";
    Err(Refusal::conflict(
        "StorageAccountOperationInProgress",
        message,
    ))
}

fn patch(call: &mut Call<'_>) -> Outcome {
    of(call)?;
    let sent = call.body()?;
    change(call, &sent, false)
}

/// Changes an account that is there. A PUT takes the tags away that it does not name.
fn change(call: &mut Call<'_>, sent: &Map<String, Value>, whole: bool) -> Outcome {
    let properties = body::properties(sent)?;
    checked(&properties)?;
    let tags = body::tags(sent)?;
    let account = of(call)?;
    if let Some(sku) = sent.get("sku").and_then(|sku| sku["name"].as_str()) {
        convertible(&account.sku, sku)?;
    }
    if let Some(kind) = sent.get("kind").and_then(Value::as_str)
        && kind != account.kind
        && (account.kind.as_str(), kind) != ("Storage", "StorageV2")
    {
        return Err(Refusal::value("kind", &json!(kind)));
    }
    for name in FIXED {
        let now = account.properties.get(*name).unwrap_or(&Value::Bool(false));
        if properties
            .get(*name)
            .is_some_and(|wanted| !wanted.is_null() && wanted != now)
        {
            let message = format!(
                "The property '{name}' was specified in the input, but it cannot be updated."
            );
            return Err(Refusal::conflict("AccountPropertyCannotBeUpdated", message));
        }
    }
    let account = of_mut(call)?;
    if let Some(sku) = sent.get("sku").and_then(|sku| sku["name"].as_str()) {
        sku.clone_into(&mut account.sku);
    }
    if let Some(kind) = sent.get("kind").and_then(Value::as_str) {
        kind.clone_into(&mut account.kind);
    }
    match tags {
        Some(tags) => account.tags = tags,
        None if whole => account.tags = Value::Null,
        None => {}
    }
    if let Some(identity) = sent.get("identity") {
        account.identity = identity.clone();
    }
    for (name, value) in properties {
        if !value.is_null() {
            account.properties.insert(name, value);
        }
    }
    Ok(Answer::json(200, &view(call.world, of(call)?)))
}

fn delete(call: &mut Call<'_>) -> Outcome {
    let found = match of(call) {
        Ok(account) => account,
        Err(refusal) if refusal.code == "ResourceNotFound" => return Ok(Answer::empty(204)),
        Err(refusal) => return Err(refusal),
    };
    idle(found)?;
    let kept: Vec<&str> = found
        .containers
        .iter()
        .filter(|one| {
            let locked = one
                .immutability
                .as_ref()
                .is_some_and(|policy| policy.state == "Locked");
            !one.holds.is_empty() || (locked && !one.blobs.is_empty())
        })
        .map(|one| one.name.as_str())
        .collect();
    if !kept.is_empty() {
        let message = format!(
            "{} is protected from deletion. The container(s) {} have a locked immutability policy \
             or a legal hold.",
            found.name,
            kept.join(", ")
        );
        return Err(Refusal::conflict("AccountProtectedFromDeletion", message));
    }
    let (name, id) = (found.name.clone(), found.id());
    call.world.accounts.remove(&name);
    let below = |scope: &str| crate::azure::access::covers(&id, scope);
    call.world.assignments.retain(|one| !below(&one.scope));
    Ok(Answer::empty(200))
}

/// The keys, one of them new where a body names it.
fn keys(call: &mut Call<'_>, renewed: Option<&Map<String, Value>>) -> Outcome {
    let now = call.world.now();
    let account = of_mut(call)?;
    if let Some(sent) = renewed {
        match sent.get("keyName").and_then(Value::as_str) {
            Some("key1") => account.keys[0] = new_key(now),
            Some("key2") => account.keys[1] = new_key(now),
            _ => return Err(Refusal::values("keyName")),
        }
    }
    let view = |(name, at): (&str, usize)| {
        let key = &account.keys[at];
        json!({"keyName": name, "value": key.value, "permissions": "FULL",
            "creationTime": long(key.created)})
    };
    let keys: Vec<Value> = [("key1", 0), ("key2", 1)].map(view).into();
    Ok(Answer::json(200, &json!({"keys": keys})))
}
