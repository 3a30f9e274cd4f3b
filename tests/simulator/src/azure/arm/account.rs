//! What a storage account is: how a body asks for one, and how the service shows it.

use std::collections::BTreeMap;

use serde_json::{Map, Value, json};

use super::body;
use crate::azure::clock::long;
use crate::azure::refusal::Refusal;
use crate::azure::world::{Account, World, new_key};

pub(crate) const KIND: &str = "Microsoft.Storage/storageAccounts";
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
pub(crate) const KINDS: &[&str] = &[
    "Storage",
    "StorageV2",
    "BlobStorage",
    "FileStorage",
    "BlockBlobStorage",
];
/// What is given once and for all.
pub(crate) const FIXED: &[&str] = &["isHnsEnabled", "isNfsV3Enabled"];

/// Whether a name can be an account's.
pub(crate) fn valid(name: &str) -> Result<(), Refusal> {
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
pub(crate) fn checked(properties: &Map<String, Value>) -> Result<(), Refusal> {
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

/// Whether replication can be changed by the one call.
pub(crate) fn convertible(from: &str, to: &str) -> Result<(), Refusal> {
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
