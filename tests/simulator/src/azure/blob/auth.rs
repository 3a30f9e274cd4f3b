//! Who a request comes from, and whether they may: the account's keys, shared access
//! signatures, and tokens of the directory.

use aws_lc_rs::hmac;

use super::need::Need;
use super::refusal::Refusal;
use super::sas;
use crate::azure::arm::container_id;
use crate::azure::clock::parse_http;
use crate::azure::request::Request;
use crate::azure::world::{Account, World};
use crate::gcs::{base64, unbase64};

/// A signature with a key that is kept in base64.
pub(crate) fn sign(key: &str, text: &str) -> String {
    let key = hmac::Key::new(hmac::HMAC_SHA256, &unbase64(key).unwrap_or_default());
    base64(hmac::sign(&key, text.as_bytes()).as_ref())
}

/// What a request is to: the account and, where it is named, what is in it.
pub(crate) struct Place<'a> {
    pub(crate) account: &'a Account,
    pub(crate) container: Option<&'a str>,
    pub(crate) blob: Option<&'a str>,
}

impl Place<'_> {
    /// The scope by which roles decide.
    fn scope(&self) -> String {
        match self.container {
            Some(container) => container_id(self.account, container),
            None => self.account.id(),
        }
    }
}

/// Lets a request in.
pub(crate) fn check(
    world: &World,
    request: &Request,
    place: &Place<'_>,
    need: &Need,
) -> Result<(), Refusal> {
    network(place.account)?;
    if let Some(header) = request.header("authorization") {
        return match header.split_once(' ') {
            Some(("Bearer", token)) => bearer(world, request, place, need, token),
            Some(("SharedKey", rest)) => shared_key(world, request, place, need, rest),
            _ => Err(Refusal::signature(
                "The authentication scheme is not supported.",
            )),
        };
    }
    if request.parameter("sig").is_some() {
        return sas::check(world, request, place, need);
    }
    anonymous(world, place, need)
}

/// Whether the account lets loopback in.
fn network(account: &Account) -> Result<(), Refusal> {
    let closed = account.properties.get("publicNetworkAccess");
    let rules = account.properties.get("networkAcls");
    let shut = closed.is_some_and(|one| one == "Disabled")
        || rules.is_some_and(|one| one["defaultAction"] == "Deny" && !lists_loopback(one));
    if shut {
        let words = "This request is not authorized to perform this operation.";
        return Err(Refusal::new(403, "AuthorizationFailure", words));
    }
    Ok(())
}

fn lists_loopback(rules: &serde_json::Value) -> bool {
    let rules = rules["ipRules"].as_array();
    rules.is_some_and(|all| all.iter().any(|rule| rule["value"] == "127.0.0.1"))
}

fn anonymous(world: &World, place: &Place<'_>, need: &Need) -> Result<(), Refusal> {
    let nobody = || Refusal::challenge(world, "NoAuthenticationInformation", "Nobody has signed.");
    let Some(level) = need.public else {
        return Err(nobody());
    };
    let allowed = place.account.properties.get("allowBlobPublicAccess");
    if allowed.is_none_or(|allowed| *allowed != true) {
        let words = "Public access is not permitted on this storage account.";
        return Err(Refusal::new(409, "PublicAccessNotPermitted", words));
    }
    let container = place.container.and_then(|name| place.account.live(name));
    let public = container.map_or("None", |one| one.public_access.as_str());
    if public == "Container" || (public == "Blob" && level == "Blob") {
        return Ok(());
    }
    Err(nobody())
}

fn bearer(
    world: &World,
    request: &Request,
    place: &Place<'_>,
    need: &Need,
    token: &str,
) -> Result<(), Refusal> {
    let refuse = |detail: &str| {
        Err(Refusal::challenge(
            world,
            "InvalidAuthenticationInfo",
            detail,
        ))
    };
    if request
        .header("x-ms-version")
        .is_none_or(|version| version < "2017-11-09")
    {
        return refuse("Authentication scheme Bearer is not supported in this version.");
    }
    let Some(caller) = world.caller(token) else {
        return refuse("Signature validation failed.");
    };
    let audience = caller.audience.trim_end_matches('/');
    let own = format!("https://{}.blob.core.windows.net", place.account.name);
    if audience != "https://storage.azure.com" && audience != own {
        return refuse("Audience validation failed. Audience did not match.");
    }
    if caller.expires <= world.now().unix_timestamp() {
        return refuse("Lifetime validation failed. The token is expired.");
    }
    let trusted = world.subscriptions.get(&place.account.subscription);
    if trusted.is_none_or(|one| one.tenant != caller.tenant) {
        return refuse("Issuer validation failed. Issuer did not match.");
    }
    let scope = place.scope();
    if permitted(world, &caller.object_id, need, &scope) {
        return Ok(());
    }
    Err(Refusal::permission())
}

/// Whether somebody's roles are enough.
fn permitted(world: &World, principal: &str, need: &Need, scope: &str) -> bool {
    if need.data {
        world.may_with_data(principal, &need.action, scope)
    } else {
        world.may(principal, &need.action, scope)
    }
}

/// Whether somebody whose key has signed may do what the signature is for.
pub(crate) fn delegated(world: &World, principal: &str, need: &Need, place: &Place<'_>) -> bool {
    permitted(world, principal, need, &place.scope())
}

/// Whether the account takes its keys.
pub(crate) fn keys_allowed(account: &Account) -> Result<(), Refusal> {
    if account.properties.get("allowSharedKeyAccess") == Some(&serde_json::Value::Bool(false)) {
        let words = "Key based authentication is not permitted on this storage account.";
        return Err(Refusal::new(
            403,
            "KeyBasedAuthenticationNotPermitted",
            words,
        ));
    }
    Ok(())
}

fn shared_key(
    world: &World,
    request: &Request,
    place: &Place<'_>,
    need: &Need,
    rest: &str,
) -> Result<(), Refusal> {
    let account = place.account;
    keys_allowed(account)?;
    let (name, signature) = rest.split_once(':').unwrap_or_default();
    if name != account.name {
        return Err(Refusal::signature(
            "The account name is not that of the address.",
        ));
    }
    let date = request
        .header("x-ms-date")
        .or_else(|| request.header("date"));
    let Some(date) = date.and_then(parse_http) else {
        return Err(Refusal::signature(
            "The Date header in the request is incorrect.",
        ));
    };
    if (world.now() - date).whole_minutes().abs() > 15 {
        return Err(Refusal::signature("Request date header too old."));
    }
    let text = string_to_sign(request, name);
    if !account
        .keys
        .iter()
        .any(|key| sign(&key.value, &text) == signature)
    {
        let words = format!(
            "The MAC signature found in the HTTP request is not the same as any \
            computed signature. Server used following string to sign: '{text}'."
        );
        return Err(Refusal::signature(words));
    }
    if need.action.ends_with("generateUserDelegationKey/action") {
        return Err(Refusal::signature(
            "Only authentication scheme Bearer is supported",
        ));
    }
    Ok(())
}

/// What a key signs of a request.
fn string_to_sign(request: &Request, account: &str) -> String {
    let header = |name: &str| request.header(name).unwrap_or_default().to_owned();
    let length = header("content-length");
    let dated = request.header("x-ms-date").is_some();
    let mut parts = vec![
        request.method.to_string(),
        header("content-encoding"),
        header("content-language"),
        if length == "0" { String::new() } else { length },
        header("content-md5"),
        header("content-type"),
        if dated { String::new() } else { header("date") },
        header("if-modified-since"),
        header("if-match"),
        header("if-none-match"),
        header("if-unmodified-since"),
        header("range"),
    ];
    let mut own: Vec<(String, String)> = request
        .headers
        .iter()
        .filter(|(name, _)| name.as_str().starts_with("x-ms-"))
        .map(|(name, value)| {
            let value = value.to_str().unwrap_or_default().trim();
            (
                name.to_string(),
                value.split_whitespace().collect::<Vec<_>>().join(" "),
            )
        })
        .collect();
    own.sort();
    parts.extend(own.iter().map(|(name, value)| format!("{name}:{value}")));
    let mut resource = format!("/{account}{}", request.path);
    let mut query: Vec<(String, Vec<String>)> = Vec::new();
    for (name, value) in &request.query {
        let name = name.to_ascii_lowercase();
        match query.iter_mut().find(|(one, _)| *one == name) {
            Some((_, values)) => values.push(value.clone()),
            None => query.push((name, vec![value.clone()])),
        }
    }
    query.sort();
    for (name, mut values) in query {
        values.sort();
        resource += &format!("\n{name}:{}", values.join(","));
    }
    parts.push(resource);
    parts.join("\n")
}
