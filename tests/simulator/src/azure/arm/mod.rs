//! Resource Manager: which call a request is, whether the caller may make it, and the
//! resource provider that carries it out.

mod account;
mod accounts;
mod assignments;
mod body;
mod containers;
mod credentials;
mod definitions;
mod groups;
mod identities;
mod kinds;
mod locks;
mod policies;
mod retention;
mod services;
mod target;

use serde_json::json;

use super::clock::guid;
use super::refusal::{Outcome, Refusal};
use super::request::{Answer, Request};
use super::tokens::Caller;
use super::world::World;
use kinds::{Kind, find};
use target::Target;

pub(crate) use account::make as make_account;
pub(crate) use accounts::container_id;
pub(crate) use containers::{is_identifier, valid_name};

/// One call that is let in.
pub(crate) struct Call<'a> {
    pub(crate) world: &'a mut World,
    pub(crate) request: &'a Request,
    pub(crate) target: Target,
    pub(crate) caller: Caller,
}

impl Call<'_> {
    fn method(&self) -> &str {
        self.request.method.as_str()
    }

    /// The body, which has to be an object.
    fn body(&self) -> Result<serde_json::Map<String, serde_json::Value>, Refusal> {
        let refusal = || Refusal::content("the body is not a JSON object");
        self.request.json().ok_or_else(refusal)
    }

    fn unsupported(&self) -> Refusal {
        let message = format!(
            "The requested resource does not support http method '{}'.",
            self.method()
        );
        Refusal::new(405, "MethodNotAllowed", message)
    }
}

/// Answers a request to Resource Manager.
pub(crate) fn answer(world: &mut World, request: &Request) -> Answer {
    world.expire();
    let outcome = call(world, request);
    let answer = finish(outcome.unwrap_or_else(Refusal::into_answer));
    match request.header("x-ms-client-request-id") {
        Some(id) => answer.with("x-ms-client-request-id", id),
        None => answer,
    }
}

/// What every answer has.
pub(crate) fn finish(answer: Answer) -> Answer {
    let correlation = guid();
    answer
        .with("x-ms-request-id", guid())
        .with("x-ms-correlation-request-id", correlation.clone())
        .with(
            "x-ms-routing-request-id",
            format!("SIMULATED:{correlation}"),
        )
        .with(
            "Strict-Transport-Security",
            "max-age=31536000; includeSubDomains",
        )
        .with("X-Content-Type-Options", "nosniff")
}

fn call(world: &mut World, request: &Request) -> Outcome {
    let target = Target::parse(request)?;
    let caller = signed_in(world, request, &target)?;
    let kind = find(&target)?;
    kind.check_version(request)?;
    subscription(world, &target, &caller)?;
    let action = kind.action(&target, request)?;
    if let Some(action) = &action {
        authorized(world, &caller, action, &target)?;
    }
    unlocked(world, request, &target, action.as_deref())?;
    let mut call = Call {
        world,
        request,
        target,
        caller,
    };
    dispatch(&mut call, kind)
}

fn dispatch(call: &mut Call<'_>, kind: &Kind) -> Outcome {
    match kind.path {
        "subscriptions" => groups::subscription(call),
        "resourcegroups" => groups::answer(call),
        "resources" => groups::resources(call),
        "providers" => groups::provider(call),
        "microsoft.storage/checknameavailability" => accounts::availability(call),
        "microsoft.storage/operations" => accounts::operation(call),
        "microsoft.storage/storageaccounts" => accounts::answer(call),
        "microsoft.storage/storageaccounts/managementpolicies" => policies::answer(call),
        "microsoft.storage/storageaccounts/blobservices"
        | "microsoft.storage/storageaccounts/fileservices"
        | "microsoft.storage/storageaccounts/queueservices"
        | "microsoft.storage/storageaccounts/tableservices" => services::answer(call),
        "microsoft.storage/storageaccounts/blobservices/containers" => containers::answer(call),
        "microsoft.storage/storageaccounts/blobservices/containers/immutabilitypolicies" => {
            retention::answer(call)
        }
        "microsoft.storage/storageaccounts/fileservices/shares"
        | "microsoft.storage/storageaccounts/queueservices/queues"
        | "microsoft.storage/storageaccounts/tableservices/tables" => services::children(call),
        "microsoft.managedidentity/userassignedidentities" => identities::answer(call),
        "microsoft.managedidentity/userassignedidentities/federatedidentitycredentials" => {
            credentials::answer(call)
        }
        "microsoft.authorization/roleassignments" => assignments::answer(call),
        "microsoft.authorization/roledefinitions" => definitions::answer(call),
        "microsoft.authorization/permissions" => definitions::permissions(call),
        "microsoft.authorization/locks" => locks::answer(call),
        _ => Err(call.unsupported()),
    }
}

/// Who calls.
fn signed_in(world: &World, request: &Request, target: &Target) -> Result<Caller, Refusal> {
    let challenge = format!(
        "Bearer authorization_uri=\"{}/{}\", error=\"invalid_token\", error_description=\"The \
         access token is missing or invalid.\"",
        world.at.authority, world.config.tenant
    );
    let refuse = |code: &str, message: String| {
        Err(Refusal::new(401, code, message).with("WWW-Authenticate", challenge.clone()))
    };
    let Some(header) = request.header("authorization") else {
        let message = "Authentication failed. The 'Authorization' header is missing.";
        return refuse("AuthenticationFailed", message.to_owned());
    };
    let token = header.strip_prefix("Bearer ");
    let Some(caller) = token.and_then(|token| world.caller(token)) else {
        return refuse(
            "InvalidAuthenticationToken",
            "The access token is invalid.".to_owned(),
        );
    };
    let audience = caller.audience.trim_end_matches('/');
    if ![
        "https://management.azure.com",
        "https://management.core.windows.net",
    ]
    .contains(&audience)
    {
        let message = format!(
            "The access token has been obtained for wrong audience or resource '{}'. It should \
             exactly match with one of the allowed audiences \
             'https://management.core.windows.net/','https://management.core.windows.net',\
             'https://management.azure.com/','https://management.azure.com'.",
            caller.audience
        );
        return refuse("InvalidAuthenticationTokenAudience", message);
    }
    let now = world.now();
    if caller.expires <= now.unix_timestamp() {
        let message = format!(
            "The access token expiry UTC time '{}' is earlier than current UTC time '{}'.",
            caller.expires,
            super::clock::spaced(now)
        );
        return refuse("ExpiredAuthenticationToken", message);
    }
    match foreign(world, target, &caller) {
        Some(message) => refuse("InvalidAuthenticationTokenTenant", message),
        None => Ok(caller),
    }
}

/// What a token of another directory is told.
fn foreign(world: &World, target: &Target, caller: &Caller) -> Option<String> {
    let wanted = world.subscriptions.get(&target.subscription);
    let wanted = wanted.filter(|one| one.tenant != caller.tenant)?;
    Some(format!(
        "The access token is from the wrong issuer 'https://sts.windows.net/{}/'. It must \
             match the tenant 'https://sts.windows.net/{1}/' associated with this subscription. \
             Please use the authority (URL) 'https://login.windows.net/{1}' to get the token. \
             Note, if the subscription is transferred to another tenant there is no impact to the \
             services, but information about new tenant could take time to propagate (up to an \
             hour). If you just transferred your subscription and see this error message, please \
             try back later.",
        caller.tenant, wanted.tenant
    ))
}

fn subscription(world: &World, target: &Target, caller: &Caller) -> Result<(), Refusal> {
    let id = &target.subscription;
    if id.is_empty() {
        return Ok(());
    }
    if !super::clock::is_guid(id) {
        let message =
            format!("The provided subscription identifier '{id}' is malformed or invalid.");
        return Err(Refusal::bad("InvalidSubscriptionId", message));
    }
    let known = world.subscriptions.get(id);
    if known.is_none_or(|one| one.tenant != caller.tenant) {
        let message = format!("The subscription '{id}' could not be found.");
        return Err(Refusal::new(404, "SubscriptionNotFound", message));
    }
    Ok(())
}

fn authorized(
    world: &World,
    caller: &Caller,
    action: &str,
    target: &Target,
) -> Result<(), Refusal> {
    let scope = target.scope();
    if world.may(&caller.object_id, action, &scope) {
        return Ok(());
    }
    let message = format!(
        "The client '{}' with object id '{}' does not have authorization to perform action \
         '{action}' over scope '{scope}' or the scope is invalid. If access was recently granted, \
         please refresh your credentials.",
        caller.app_id, caller.object_id
    );
    Err(Refusal::new(403, "AuthorizationFailed", message).with("x-ms-failure-cause", "gateway"))
}

fn unlocked(
    world: &World,
    request: &Request,
    target: &Target,
    action: Option<&str>,
) -> Result<(), Refusal> {
    let reads = ["GET", "HEAD"].contains(&request.method.as_str());
    let delete = request.method == "DELETE";
    // A lock can be taken away, or nothing ever could.
    if reads || action.is_none() || target.path() == "microsoft.authorization/locks" {
        return Ok(());
    }
    let scope = target.scope();
    let scopes = world.locked(&target.id(), delete);
    if scopes.is_empty() {
        return Ok(());
    }
    let verb = if delete { "delete" } else { "write" };
    let message = format!(
        "The scope '{scope}' cannot perform {verb} operation because following scope(s) are \
         locked: '{}'. Please remove the lock and try again.",
        scopes.join(",")
    );
    Err(Refusal::conflict("ScopeLocked", message))
}

/// A list, with the address of the next page where there is one.
fn list(values: Vec<serde_json::Value>, next: Option<String>) -> Answer {
    let mut body = json!({"value": values});
    if let Some(next) = next {
        body["nextLink"] = next.into();
    }
    Answer::json(200, &body)
}
