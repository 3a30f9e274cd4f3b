//! Storage accounts: their making, their settings and their keys.

use std::collections::BTreeMap;

use serde_json::{Map, Value, json};

use super::{Call, body, groups, list};
use crate::azure::clock::{guid, long};
use crate::azure::refusal::{Outcome, Refusal};
use crate::azure::request::Answer;
use crate::azure::world::{Account, Operation, World, new_key};

const KIND: &str = "Microsoft.Storage/storageAccounts";
const SKUS: &[&str] = &[
    "Standard_LRS",
    "Standard_GRS",
    "Standard_RAGRS",
    "Standard_ZRS",
    "Standard_GZRS",
    "Standard_RAGZRS",
    "Premium_LRS",
    "Premium_ZRS",
];
const KINDS: &[&str] = &[
    "Storage",
    "StorageV2",
    "BlobStorage",
    "FileStorage",
    "BlockBlobStorage",
];
/// What is given once and for all.
const FIXED: &[&str] = &["isHnsEnabled", "isNfsV3Enabled"];

/// The full name of a container.
pub(crate) fn container_id(account: &Account, container: &str) -> String {
    format!(
        "{}/blobServices/default/containers/{container}",
        account.id()
    )
}

/// Whether a name can be an account's.
fn valid(name: &str) -> Result<(), Refusal> {
    let signs = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit();
    if (3..=24).contains(&name.len()) && name.bytes().all(signs) {
        return Ok(());
    }
    let message = format!(
        "{name} is not a valid storage account name. Storage account name must be between 3 and \
         24 characters in length and use numbers and lower-case letters only."
    );
    Err(Refusal::bad("AccountNameInvalid", message))
}

fn sub_name(sku: &str) -> &str {
    sku.split_once('_').map_or("Standard", |(tier, _)| tier)
}

/// An account as the service gives it back.
pub(crate) fn view(world: &World, account: &Account) -> Value {
    let mut properties = account.properties.clone();
    let running = account.operation.as_ref();
    let running = running.is_some_and(|id| world.operations.contains_key(id));
    let state = if running { "ResolvingDNS" } else { "Succeeded" };
    let created = long(account.created);
    let endpoint = format!("{}/{}/", world.at.blob, account.name);
    let service = json!({"enabled": true, "keyType": "Account", "lastEnabledTime": created});
    for (name, value) in [
        ("provisioningState", json!(state)),
        ("creationTime", json!(created)),
        (
            "keyCreationTime",
            json!({"key1": long(account.keys[0].created),
            "key2": long(account.keys[1].created)}),
        ),
        ("primaryEndpoints", json!({"blob": endpoint})),
        ("primaryLocation", json!(account.location)),
        ("statusOfPrimary", json!("available")),
        ("privateEndpointConnections", json!([])),
    ] {
        properties.insert(name.to_owned(), value);
    }
    for (name, value) in [
        ("accessTier", json!("Hot")),
        ("allowCrossTenantReplication", json!(false)),
        ("minimumTlsVersion", json!("TLS1_0")),
        ("supportsHttpsTrafficOnly", json!(true)),
        (
            "networkAcls",
            json!({"bypass": "AzureServices", "virtualNetworkRules": [],
            "ipRules": [], "defaultAction": "Allow"}),
        ),
        (
            "encryption",
            json!({"services": {"file": service, "blob": service},
            "keySource": "Microsoft.Storage"}),
        ),
    ] {
        let entry = properties.entry(name).or_insert(Value::Null);
        if entry.is_null() {
            *entry = value;
        }
    }
    let mut view = json!({"id": account.id(), "name": account.name, "type": KIND,
        "kind": account.kind, "location": account.location,
        "sku": {"name": account.sku, "tier": sub_name(&account.sku)},
        "tags": if account.tags.is_null() { json!({}) } else { account.tags.clone() },
        "properties": properties});
    if !account.identity.is_null() {
        view["identity"] = account.identity.clone();
    }
    view
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
        "GET" => Ok(Answer::json(200, &view(call.world, of(call)?))),
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
        if there.subscription != call.target.subscription {
            let message = format!("The storage account named {name} is already taken.");
            return Err(Refusal::conflict("StorageAccountAlreadyTaken", message).at(&name));
        }
        if there.group != group.name {
            let message = format!(
                "The account {name} is already in another resource group in this subscription."
            );
            return Err(Refusal::conflict(
                "StorageAccountInAnotherResourceGroup",
                message,
            ));
        }
        if there.location != location {
            return Err(body::elsewhere(
                &name,
                &group.name,
                &there.location,
                &location,
            ));
        }
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

/// What has become of a long operation.
pub(crate) fn operation(call: &mut Call<'_>) -> Outcome {
    let (location, id) = (
        call.target.name(0).to_owned(),
        call.target.name(1).to_owned(),
    );
    let Some(operation) = call.world.operations.get_mut(&id) else {
        let message = format!("The operation '{id}' was not found.");
        return Err(Refusal::new(404, "ResourceNotFound", message));
    };
    operation.polls_left = operation.polls_left.saturating_sub(1);
    let (left, name) = (operation.polls_left, operation.account.clone());
    if left > 0 {
        return Ok(accepted(call, &location, &id));
    }
    let account = call.world.accounts.get(&name);
    let of_it = account.filter(|one| one.operation.as_ref() == Some(&id));
    if of_it.is_none() {
        return Err(Refusal::conflict(
            "StorageAccountOperationInProgress",
            "The account is gone.",
        ));
    }
    if let Some(account) = call.world.accounts.get_mut(&name) {
        account.operation = None;
    }
    let account = call.world.accounts.get(&name);
    Ok(Answer::json(
        200,
        &account.map(|one| view(call.world, one)).unwrap_or_default(),
    ))
}

/// An account as a body wants it.
pub(crate) fn make(
    world: &World,
    subscription: &str,
    group: &str,
    name: &str,
    location: &str,
    sent: &Map<String, Value>,
) -> Result<Account, Refusal> {
    let sku = sent.get("sku").and_then(|sku| sku["name"].as_str());
    let sku = sku.ok_or_else(|| Refusal::values("sku"))?;
    let kind = sent.get("kind").and_then(Value::as_str);
    let kind = kind.ok_or_else(|| Refusal::values("kind"))?;
    if !SKUS.contains(&sku) {
        return Err(Refusal::values("sku"));
    }
    if !KINDS.contains(&kind) {
        return Err(Refusal::values("kind"));
    }
    let premium = ["FileStorage", "BlockBlobStorage"].contains(&kind);
    if premium != sku.starts_with("Premium") && kind != "StorageV2" {
        return Err(Refusal::values("sku, kind"));
    }
    let properties = body::properties(sent)?;
    checked(&properties)?;
    let now = world.now();
    let mut account = Account {
        subscription: subscription.to_owned(),
        group: group.to_owned(),
        name: name.to_owned(),
        location: location.to_owned(),
        kind: kind.to_owned(),
        sku: sku.to_owned(),
        tags: body::tags(sent)?.unwrap_or_default(),
        identity: sent.get("identity").cloned().unwrap_or_default(),
        properties,
        created: now,
        operation: None,
        keys: [new_key(now), new_key(now)],
        services: BTreeMap::new(),
        others: BTreeMap::new(),
        policy: None,
        containers: Vec::new(),
    };
    // What nobody asks for is as the service has it by now.
    for (name, value) in [
        ("allowBlobPublicAccess", false),
        ("supportsHttpsTrafficOnly", true),
    ] {
        account.properties.entry(name).or_insert(json!(value));
    }
    account.services = super::services::defaults();
    Ok(account)
}

/// Whether the properties of an account are ones that it can have.
fn checked(properties: &Map<String, Value>) -> Result<(), Refusal> {
    body::one_of(
        properties,
        "minimumTlsVersion",
        &["TLS1_0", "TLS1_1", "TLS1_2", "TLS1_3"],
    )?;
    body::one_of(
        properties,
        "accessTier",
        &["Hot", "Cool", "Cold", "Premium"],
    )?;
    let access = &["Enabled", "Disabled", "SecuredByPerimeter"];
    body::one_of(properties, "publicNetworkAccess", access)?;
    body::one_of(properties, "allowedCopyScope", &["PrivateLink", "AAD"])?;
    body::one_of(properties, "dnsEndpointType", &["Standard", "AzureDnsZone"])?;
    for name in [
        "allowBlobPublicAccess",
        "allowSharedKeyAccess",
        "supportsHttpsTrafficOnly",
        "isHnsEnabled",
        "isNfsV3Enabled",
        "allowCrossTenantReplication",
        "isLocalUserEnabled",
        "isSftpEnabled",
        "defaultToOAuthAuthentication",
    ] {
        body::truth(properties, name)?;
    }
    if let Some(Value::Object(acls)) = properties.get("networkAcls") {
        body::one_of(acls, "defaultAction", &["Allow", "Deny"])?;
        if !acls.contains_key("defaultAction") {
            return Err(Refusal::values("networkAcls.defaultAction"));
        }
    }
    Ok(())
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

/// Whether replication can be changed by the one call.
fn convertible(from: &str, to: &str) -> Result<(), Refusal> {
    if !SKUS.contains(&to) {
        return Err(Refusal::values("sku"));
    }
    let zones = |sku: &str| sku.ends_with("ZRS");
    if zones(from) != zones(to) || sub_name(from) != sub_name(to) {
        let message = format!("Storage account type cannot be changed to {to}.");
        return Err(Refusal::bad(
            "StorageAccountTypeConversionNotAllowed",
            message,
        ));
    }
    if from == "Standard_ZRS" && to != from {
        return Err(Refusal::values("sku"));
    }
    Ok(())
}

fn delete(call: &mut Call<'_>) -> Outcome {
    let found = match of(call) {
        Ok(account) => account,
        Err(refusal) if refusal.code == "ResourceNotFound" => return Ok(Answer::empty(204)),
        Err(refusal) => return Err(refusal),
    };
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
