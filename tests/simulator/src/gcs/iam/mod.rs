//! IAM: service accounts and their keys, and what can be signed or asked for in their
//! name.

mod accounts;
mod credentials;
mod keys;

use axum::http::Method;

use super::access::{Caller, Principal, Resource};
use super::refusal::{Kind, Refusal};
use super::request::{Answer, Request};
use super::world::World;

pub(crate) use accounts::tested;

pub(crate) type Outcome = Result<Answer, Refusal>;

/// Who asks, for services that let nobody in without a name.
pub(crate) fn caller(world: &World, request: &Request) -> Result<Principal, Refusal> {
    let unknown = |message: &str| Refusal::new(401, Kind::BadCredentials, message);
    let caller: Caller = world.caller(request).map_err(|_| {
        unknown(
            "Request had invalid authentication credentials. Expected OAuth 2 access token, login \
             cookie or other valid authentication credential. See \
             https://developers.google.com/identity/sign-in/web/devconsole-project.",
        )
    })?;
    if caller.principal == Principal::Anonymous {
        return Err(unknown(
            "Request is missing required authentication credential. Expected OAuth 2 access token, \
             login cookie or other valid authentication credential. See \
             https://developers.google.com/identity/sign-in/web/devconsole-project.",
        ));
    }
    if !caller.has_scope(&["iam", "cloudkms"]) {
        return Err(Refusal::new(
            403,
            Kind::ScopeTooSmall,
            "Request had insufficient authentication scopes.",
        ));
    }
    if let Some(named) = request.header("x-goog-user-project") {
        let project = world.project(named).map(|one| one.id.clone());
        let project = project
            .ok_or_else(|| Refusal::invalid(format!("Project '{named}' not found or deleted.")))?;
        require(
            world,
            &caller.principal,
            "serviceusage.services.use",
            Resource::Project(&project),
        )?;
    }
    Ok(caller.principal)
}

/// Refuses in the words of these services.
pub(crate) fn require(
    world: &World,
    who: &Principal,
    permission: &str,
    what: Resource<'_>,
) -> Result<(), Refusal> {
    if world.may(who, permission, what) {
        return Ok(());
    }
    let message = match what {
        Resource::CryptoKey(key) => {
            format!("Permission '{permission}' denied on resource '{key}' (or it may not exist).")
        }
        _ => format!("Permission '{permission}' denied on resource (or it may not exist)."),
    };
    Err(Refusal::forbidden(message).lacking(permission))
}

/// What stands before and after the colon of a path's last part.
pub(crate) fn verb(part: &str) -> (&str, &str) {
    part.rsplit_once(':').unwrap_or((part, ""))
}

pub(crate) fn unknown(request: &Request) -> Outcome {
    Err(Refusal::not_found(format!(
        "Not Found: {} {}",
        request.method, request.path
    )))
}

/// Answers a request.
pub(crate) fn answer(world: &mut World, request: &Request) -> Answer {
    route(world, request).unwrap_or_else(Refusal::into_google_json)
}

fn route(world: &mut World, request: &Request) -> Outcome {
    let who = caller(world, request)?;
    let parts = request.parts();
    let Some(&project) = parts.get(2) else {
        return unknown(request);
    };
    match (&request.method, &parts[3..]) {
        (&Method::POST, ["serviceAccounts"]) => accounts::create(world, &who, project, request),
        (&Method::GET, ["serviceAccounts"]) => accounts::list(world, &who, project, request),
        (method, ["serviceAccounts", last]) => {
            let (name, verb) = verb(last);
            match (method, verb) {
                (&Method::GET, "") => accounts::get(world, &who, project, name),
                (&Method::PATCH, "") => accounts::change(world, &who, project, name, request),
                (&Method::DELETE, "") => accounts::delete(world, &who, project, name),
                (&Method::POST, "undelete") => accounts::undelete(world, &who, project, name),
                (&Method::POST, "enable" | "disable") => {
                    accounts::enable(world, &who, project, name, verb == "enable")
                }
                (&Method::POST, "getIamPolicy") => {
                    accounts::get_policy(world, &who, project, name, request)
                }
                (&Method::POST, "setIamPolicy") => {
                    accounts::set_policy(world, &who, project, name, request)
                }
                (&Method::POST, "testIamPermissions") => {
                    accounts::test(world, &who, project, name, request)
                }
                (&Method::POST, "signBlob") => credentials::sign_blob(world, &who, name, request),
                (&Method::POST, "signJwt") => credentials::sign_jwt(world, &who, name, request),
                (&Method::POST, "generateAccessToken") => {
                    credentials::access_token(world, &who, name, request)
                }
                (_, _) => unknown(request),
            }
        }
        (&Method::POST, ["serviceAccounts", name, "keys"]) => {
            keys::create(world, &who, project, name, request)
        }
        (&Method::GET, ["serviceAccounts", name, "keys"]) => {
            keys::list(world, &who, project, name, request)
        }
        (&Method::GET, ["serviceAccounts", name, "keys", key]) => {
            keys::get(world, &who, project, name, key, request)
        }
        (&Method::DELETE, ["serviceAccounts", name, "keys", key]) => {
            keys::delete(world, &who, project, name, key)
        }
        (_, _) => unknown(request),
    }
}
