//! The two managed identity endpoints: that of virtual machines and that of App Service.

use serde_json::{Value, json};

use super::authority::known_resource;
use super::request::{Answer, Request};
use super::tokens::VALIDITY;
use super::world::{Principal, World};

/// Answers a request to `/metadata/identity/oauth2/token` or `/msi/token`.
pub(crate) fn answer(world: &World, request: &Request) -> Answer {
    match request.path.trim_end_matches('/') {
        "/metadata/identity/oauth2/token" => machine(world, request),
        "/msi/token" => app_service(world, request),
        _ => Answer::json(404, &json!({"error": "not_found"})),
    }
}

fn bad(description: &str) -> Answer {
    let body = json!({"error": "invalid_request", "error_description": description});
    Answer::json(400, &body)
}

fn machine(world: &World, request: &Request) -> Answer {
    if request.header("metadata") != Some("true") {
        return bad("Required metadata header not specified");
    }
    if request.header("x-forwarded-for").is_some() {
        return bad("The request must not be forwarded");
    }
    if request.parameter("api-version").is_none() {
        return bad("Required query variable 'api-version' is missing");
    }
    let Some(resource) = request.parameter("resource") else {
        return bad("Required query variable 'resource' is missing");
    };
    let Some(resource) = known_resource(resource) else {
        let body = json!({"error": "invalid_resource", "error_description":
            format!("AADSTS500011: The resource principal named {resource} was not found")});
        return Answer::json(400, &body);
    };
    let named = ["client_id", "object_id", "msi_res_id", "mi_res_id"]
        .iter()
        .find_map(|name| request.parameter(name));
    match identity(world, named) {
        Some(principal) => Answer::json(200, &token(world, principal, &resource, true)),
        None => bad("Identity not found"),
    }
}

fn app_service(world: &World, request: &Request) -> Answer {
    let refuse = |status: u16, message: &str| {
        Answer::json(status, &json!({"statusCode": status, "message": message}))
    };
    if request.header("x-identity-header") != Some(&world.identity_header) {
        return refuse(401, "The header X-IDENTITY-HEADER is missing or wrong.");
    }
    if request.parameter("api-version") != Some("2019-08-01") {
        return refuse(400, "Unsupported api-version.");
    }
    let Some(resource) = request.parameter("resource").and_then(known_resource) else {
        return refuse(400, "The resource is missing or not known.");
    };
    let named = ["client_id", "principal_id", "mi_res_id"]
        .iter()
        .find_map(|name| request.parameter(name));
    match identity(world, named) {
        Some(principal) => Answer::json(200, &token(world, principal, &resource, false)),
        None => refuse(400, "No MSI found for specified ClientId/ResourceId."),
    }
}

/// The machine's identity of this name; its only one without a name.
fn identity<'a>(world: &'a World, named: Option<&str>) -> Option<&'a Principal> {
    let resource = named.and_then(|named| {
        let mut identities = world.identities.iter();
        identities.find(|one| one.id.eq_ignore_ascii_case(named))
    });
    let mut found = world.machine.iter().filter_map(|id| world.principal(id));
    match named {
        Some(named) => found.find(|one| {
            one.app_id.eq_ignore_ascii_case(named)
                || one.object_id.eq_ignore_ascii_case(named)
                || resource.is_some_and(|identity| identity.object_id == one.object_id)
        }),
        None => found.next().filter(|_| world.machine.len() == 1),
    }
}

fn token(world: &World, principal: &Principal, resource: &str, machine: bool) -> Value {
    let end = world.now().unix_timestamp() + VALIDITY;
    let mut body = json!({
        "access_token": world.issue(principal, resource, VALIDITY),
        "client_id": principal.app_id,
        "expires_on": end.to_string(),
        "resource": resource,
        "token_type": "Bearer",
    });
    if machine {
        body["expires_in"] = VALIDITY.to_string().into();
        body["ext_expires_in"] = VALIDITY.to_string().into();
        body["not_before"] = (end - VALIDITY).to_string().into();
    }
    body
}
