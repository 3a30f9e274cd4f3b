//! Containers, as the data side has them.

use std::collections::BTreeMap;

use super::refusal::{Outcome, Refusal};
use super::store::Container;
use super::{Names, list, not_simulated};
use crate::azure::arm::{is_identifier, valid_name};
use crate::azure::clock::http;
use crate::azure::request::{Answer, Request};
use crate::azure::world::{Account, World};

/// Metadata in the headers of a request.
pub(super) fn metadata(request: &Request) -> Result<BTreeMap<String, String>, Refusal> {
    let words = "The metadata specified is invalid. It has characters that are not permitted.";
    let mut found = BTreeMap::new();
    for (name, value) in &request.headers {
        if let Some(name) = name.as_str().strip_prefix("x-ms-meta-") {
            let value = value.to_str().ok().filter(|_| is_identifier(name));
            let value = value.ok_or_else(|| Refusal::new(400, "InvalidMetadata", words))?;
            found.insert(name.to_owned(), value.to_owned());
        }
    }
    Ok(found)
}

/// Metadata, the tag and the time of an answer.
pub(super) fn stamped(
    answer: Answer,
    etag: &str,
    modified: time::OffsetDateTime,
    metadata: &BTreeMap<String, String>,
) -> Answer {
    let answer = answer
        .with("ETag", format!("\"{etag}\""))
        .with("Last-Modified", http(modified));
    metadata.iter().fold(answer, |answer, (name, value)| {
        answer.with(&format!("x-ms-meta-{name}"), value.clone())
    })
}

/// A container that is there, or what it is told that asks for one that is not.
pub(super) fn live<'a>(account: &'a Account, name: &str) -> Result<&'a Container, Refusal> {
    account.live(name).ok_or_else(Refusal::no_container)
}

pub(super) fn live_mut<'a>(
    world: &'a mut World,
    names: &Names,
) -> Result<&'a mut Container, Refusal> {
    let account = world.accounts.get_mut(&names.account);
    let container = account.and_then(|account| account.live_mut(names.container()));
    container.ok_or_else(Refusal::no_container)
}

/// Answers a request to a container.
pub(super) fn answer(world: &mut World, request: &Request, names: &Names) -> Outcome {
    if request.parameter("restype") != Some("container") {
        return Err(not_simulated());
    }
    let now = world.now();
    let name = names.container();
    let account = world
        .accounts
        .get(&names.account)
        .ok_or_else(not_simulated)?;
    match (request.method.as_str(), request.parameter("comp")) {
        ("PUT", None) => create(world, request, names),
        ("GET", Some("list")) => list::blobs(world, request, names),
        ("GET" | "HEAD", None | Some("metadata")) => Ok(described(live(account, name)?)),
        ("PUT", Some("metadata")) => {
            let metadata = metadata(request)?;
            let found = live_mut(world, names)?;
            found.metadata = metadata;
            found.touch(now);
            Ok(stamped(
                Answer::empty(200),
                &found.etag,
                now,
                &BTreeMap::new(),
            ))
        }
        ("GET" | "HEAD", Some("acl")) => {
            let found = live(account, name)?;
            let none = "<?xml version=\"1.0\" encoding=\"utf-8\"?><SignedIdentifiers />";
            let body = if found.policies.is_empty() {
                none.into()
            } else {
                found.policies.clone()
            };
            let answer = stamped(
                Answer::empty(200),
                &found.etag,
                found.modified,
                &BTreeMap::new(),
            );
            Ok(answer.with("Content-Type", "application/xml").body(body))
        }
        ("PUT", Some("acl")) => {
            let policies = request.body.clone();
            let found = live_mut(world, names)?;
            found.policies = policies;
            found.touch(now);
            Ok(stamped(
                Answer::empty(200),
                &found.etag,
                now,
                &BTreeMap::new(),
            ))
        }
        ("PUT", Some("undelete")) => undelete(world, request, names),
        ("DELETE", None) => delete(world, names),
        _ => Err(not_simulated()),
    }
}

/// What an answer says of a container.
fn described(found: &Container) -> Answer {
    let answer = stamped(
        Answer::empty(200),
        &found.etag,
        found.modified,
        &found.metadata,
    )
    .with("x-ms-lease-status", "unlocked")
    .with("x-ms-lease-state", "available")
    .with(
        "x-ms-has-immutability-policy",
        found.immutability.is_some().to_string(),
    )
    .with("x-ms-has-legal-hold", (!found.holds.is_empty()).to_string())
    .with("x-ms-immutable-storage-with-versioning-enabled", "false")
    .with("x-ms-default-encryption-scope", "$account-encryption-key")
    .with("x-ms-deny-encryption-scope-override", "false");
    match found.public_access.as_str() {
        "None" => answer,
        level => answer.with("x-ms-blob-public-access", level.to_ascii_lowercase()),
    }
}

fn create(world: &mut World, request: &Request, names: &Names) -> Outcome {
    let name = names.container();
    if !valid_name(name) {
        let (code, words) = if (3..=63).contains(&name.len()) {
            (
                "InvalidResourceName",
                "The specified resource name contains invalid characters.",
            )
        } else {
            (
                "OutOfRangeInput",
                "One of the request inputs is out of range.",
            )
        };
        return Err(Refusal::new(400, code, words));
    }
    let metadata = metadata(request)?;
    let public = match request.header("x-ms-blob-public-access") {
        None => "None",
        Some("container") => "Container",
        Some("blob") => "Blob",
        Some(_) => return Err(Refusal::header()),
    };
    let (now, takes) = (world.now(), world.config.container_deletion);
    let account = world
        .accounts
        .get_mut(&names.account)
        .ok_or_else(not_simulated)?;
    if public != "None" && account.properties.get("allowBlobPublicAccess") != Some(&true.into()) {
        let words = "Public access is not permitted on this storage account.";
        return Err(Refusal::new(409, "PublicAccessNotPermitted", words));
    }
    if account.live(name).is_some() {
        let words = "The specified container already exists.";
        return Err(Refusal::new(409, "ContainerAlreadyExists", words));
    }
    if account.being_deleted(name, now, takes) {
        let words = "The specified container is being deleted. Try operation later.";
        return Err(Refusal::new(409, "ContainerBeingDeleted", words));
    }
    let mut made = Container::new(name, now);
    made.metadata = metadata;
    public.clone_into(&mut made.public_access);
    let answer = stamped(Answer::empty(201), &made.etag, now, &BTreeMap::new());
    account.containers.push(made);
    Ok(answer)
}

fn delete(world: &mut World, names: &Names) -> Outcome {
    let now = world.now();
    let account = world
        .accounts
        .get_mut(&names.account)
        .ok_or_else(not_simulated)?;
    let found = live(account, names.container())?;
    if !found.holds.is_empty() {
        let words = "The requested operation is not allowed as the container has one or more legal \
            holds.";
        return Err(Refusal::new(409, "ContainerHasLegalHold", words));
    }
    if found.immutability.is_some() {
        let words = "The requested operation is not allowed as the container has a immutability \
            policy.";
        return Err(Refusal::new(
            409,
            "ContainerImmutabilityPolicyLocked",
            words,
        ));
    }
    account.delete_container(names.container(), now);
    Ok(Answer::empty(202))
}

fn undelete(world: &mut World, request: &Request, names: &Names) -> Outcome {
    let name = request.header("x-ms-deleted-container-name");
    let version = request.header("x-ms-deleted-container-version");
    let (Some(name), Some(version)) = (name, version) else {
        return Err(Refusal::missing_header());
    };
    let (now, takes) = (world.now(), world.config.container_deletion);
    let account = world
        .accounts
        .get_mut(&names.account)
        .ok_or_else(not_simulated)?;
    if account.live(names.container()).is_some() {
        let words = "The specified container already exists.";
        return Err(Refusal::new(409, "ContainerAlreadyExists", words));
    }
    if account.being_deleted(name, now, takes) {
        let words = "The specified container is being deleted. Try operation later.";
        return Err(Refusal::new(409, "ContainerBeingDeleted", words));
    }
    let mut all = account.containers.iter_mut();
    let found = all.find(|one| {
        one.name == name && one.version == version && one.deleted.is_some_and(|gone| gone.days > 0)
    });
    let found = found.ok_or_else(Refusal::no_container)?;
    found.deleted = None;
    names.container().clone_into(&mut found.name);
    Ok(Answer::empty(201))
}
