//! Shared access signatures: of an account, of a service, and of a user's delegation.

use super::auth::{Place, delegated, keys_allowed, sign};
use super::need::Need;
use super::refusal::Refusal;
use crate::azure::clock::parse;
use crate::azure::request::Request;
use crate::azure::world::{Account, World};

/// The value of a delegation key: whoever knows what it was made of can make it again, and
/// that is the service alone.
pub(crate) fn delegation_key(account: &Account, parts: [&str; 6]) -> String {
    // Both keys may change without the delegation's.
    let secret = crate::gcs::base64(account.id().as_bytes());
    sign(
        &secret,
        &format!("{:?}{}", account.created, parts.join("\n")),
    )
}

/// Lets a signed address in.
pub(crate) fn check(
    world: &World,
    request: &Request,
    place: &Place<'_>,
    need: &Need,
) -> Result<(), Refusal> {
    let value = |name: &str| request.parameter(name).unwrap_or_default();
    for name in ["sv", "sp", "se"] {
        if value(name).is_empty() {
            return Err(Refusal::signature(format!(
                "{name} is mandatory. Cannot be empty"
            )));
        }
    }
    if !value("si").is_empty() {
        return Err(Refusal::signature("si: there is no such access policy."));
    }
    let account = place.account;
    let signature = value("sig");
    let of_account = !value("ss").is_empty();
    let delegation = !value("skoid").is_empty();
    if delegation {
        let key = delegation_key(
            account,
            ["skoid", "sktid", "skt", "ske", "sks", "skv"].map(value),
        );
        lasts(world, value("skt"), value("ske"), "Key")?;
        if sign(&key, &service_text(request, place, true)) != signature {
            return Err(Refusal::signature("Signature did not match."));
        }
    } else {
        keys_allowed(account)?;
        let text = if of_account {
            account_text(request, &account.name)
        } else {
            service_text(request, place, false)
        };
        if !account
            .keys
            .iter()
            .any(|key| sign(&key.value, &text) == signature)
        {
            let words = format!("Signature did not match. String to sign used was {text}");
            return Err(Refusal::signature(words));
        }
    }
    lasts(world, value("st"), value("se"), "Signature")?;
    allowed(request, place, need, of_account)?;
    if delegation && !delegated(world, value("skoid"), need, place) {
        return Err(Refusal::permission());
    }
    Ok(())
}

/// Whether a signature is begun and not over.
fn lasts(world: &World, start: &str, end: &str, what: &str) -> Result<(), Refusal> {
    let now = world.now();
    let begun = start.is_empty() || parse(start).is_some_and(|start| start <= now);
    if !begun || parse(end).is_none_or(|end| end <= now) {
        let words = format!(
            "{what} not valid in the specified time frame: Start [{start}] - \
            Expiry [{end}]"
        );
        return Err(Refusal::signature(words));
    }
    Ok(())
}

/// Whether a signature is for what the request does.
fn allowed(
    request: &Request,
    place: &Place<'_>,
    need: &Need,
    of_account: bool,
) -> Result<(), Refusal> {
    let value = |name: &str| request.parameter(name).unwrap_or_default();
    let permission = value("sp")
        .chars()
        .any(|one| need.permissions.contains(one));
    if of_account {
        if !value("ss").contains('b') {
            let words = "This request is not authorized to perform this operation using this \
                service.";
            return Err(Refusal::new(403, "AuthorizationServiceMismatch", words));
        }
        if !value("srt").contains(need.resource) {
            let words = "This request is not authorized to perform this operation using this \
                resource type.";
            return Err(Refusal::new(
                403,
                "AuthorizationResourceTypeMismatch",
                words,
            ));
        }
    } else {
        // A signature for a container is good for its blobs and its list, and never for
        // the container itself.
        let list = need.permissions == "l";
        let fits = match value("sr") {
            "c" => place.container.is_some() && (place.blob.is_some() || list),
            "b" | "bs" | "bv" => place.blob.is_some(),
            _ => false,
        };
        if !fits {
            return Err(Refusal::permission());
        }
    }
    permission.then_some(()).ok_or_else(Refusal::permission)
}

fn account_text(request: &Request, account: &str) -> String {
    let value = |name: &str| request.parameter(name).unwrap_or_default().to_owned();
    let mut parts = vec![account.to_owned()];
    parts.extend(["sp", "ss", "srt", "st", "se", "sip", "spr", "sv"].map(value));
    if value("sv").as_str() >= "2020-12-06" {
        parts.push(value("ses"));
    }
    parts.join("\n") + "\n"
}

fn service_text(request: &Request, place: &Place<'_>, delegation: bool) -> String {
    let value = |name: &str| request.parameter(name).unwrap_or_default().to_owned();
    let version = value("sv");
    let container = place.container.unwrap_or_default();
    let mut resource = format!("/blob/{}/{container}", place.account.name);
    if value("sr") != "c" {
        resource = format!("{resource}/{}", place.blob.unwrap_or_default());
    }
    let mut parts = ["sp", "st", "se"].map(value).to_vec();
    parts.push(resource);
    if delegation {
        parts.extend(["skoid", "sktid", "skt", "ske", "sks", "skv"].map(value));
        parts.extend(["saoid", "suoid", "scid"].map(value));
        if version.as_str() >= "2025-07-05" {
            parts.extend(["skdutid", "sduoid"].map(value));
        }
    } else {
        parts.push(value("si"));
    }
    parts.extend(["sip", "spr", "sv", "sr"].map(value));
    parts.push(match value("sr").as_str() {
        "bs" => value("snapshot"),
        "bv" => value("versionid"),
        _ => String::new(),
    });
    if version.as_str() >= "2020-12-06" {
        parts.push(value("ses"));
    }
    if delegation && version.as_str() >= "2026-04-06" {
        parts.extend(["srh", "srq"].map(value));
    }
    parts.extend(["rscc", "rscd", "rsce", "rscl", "rsct"].map(value));
    parts.join("\n")
}
