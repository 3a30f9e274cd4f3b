//! The Blob service, at addresses that begin with the account.

mod auth;
mod blobs;
mod blocks;
mod containers;
mod cors;
mod list;
mod need;
mod refusal;
mod sas;
mod service;
pub(crate) mod store;
mod xml;

use percent_encoding::percent_decode_str;

use super::clock::{guid, http};
use super::request::{Answer, Request};
use super::world::World;
use auth::Place;
use refusal::{Outcome, Refusal};

/// What a path names.
struct Names {
    account: String,
    container: Option<String>,
    blob: Option<String>,
}

impl Names {
    fn parse(request: &Request) -> Self {
        let decode = |part: &str| percent_decode_str(part).decode_utf8_lossy().into_owned();
        // A blob's name may hold slashes anywhere.
        let mut parts = request
            .path
            .trim_start_matches('/')
            .splitn(3, '/')
            .map(decode);
        let account = parts.next().unwrap_or_default();
        let mut next = || parts.next().filter(|part| !part.is_empty());
        let container = next();
        Self {
            account,
            container,
            blob: next(),
        }
    }

    fn container(&self) -> &str {
        self.container.as_deref().unwrap_or_default()
    }

    fn blob(&self) -> &str {
        self.blob.as_deref().unwrap_or_default()
    }
}

/// Answers a request to the Blob service.
pub(crate) fn answer(world: &mut World, request: &Request) -> Answer {
    world.expire();
    let names = Names::parse(request);
    let bare = request.method == "HEAD";
    let answer = match carry_out(world, request, &names) {
        Ok(answer) => answer,
        Err(refusal) => refusal.into_answer(world, bare),
    };
    let answer = finish(world, request, answer);
    match world.accounts.get(&names.account) {
        Some(account) if request.method != "OPTIONS" => cors::add(account, request, answer),
        _ => answer,
    }
}

/// What every answer has.
fn finish(world: &World, request: &Request, answer: Answer) -> Answer {
    let version = request
        .header("x-ms-version")
        .or_else(|| request.parameter("sv"));
    let mut answer = answer
        .with("Server", "Windows-Azure-Blob/1.0 Microsoft-HTTPAPI/2.0")
        .with("x-ms-request-id", guid())
        .with("Date", http(world.now()));
    if let Some(version) = version {
        answer = answer.with("x-ms-version", version);
    }
    if let Some(id) = request.header("x-ms-client-request-id") {
        answer = answer.with("x-ms-client-request-id", id);
    }
    answer
}

/// A refusal that a fault asks for.
pub(crate) fn injected(world: &World, status: u16, message: Option<&str>) -> Answer {
    let (code, words) = match status {
        401 => (
            "NoAuthenticationInformation",
            "Server failed to authenticate the request.",
        ),
        403 => (
            "AuthorizationPermissionMismatch",
            "This request is not authorized to perform this operation using this permission.",
        ),
        404 => ("ResourceNotFound", "The specified resource does not exist."),
        409 => (
            "ContainerBeingDeleted",
            "The specified container is being deleted. Try operation later.",
        ),
        429 | 503 => ("ServerBusy", "The server is busy."),
        _ => (
            "InternalError",
            "The server encountered an internal error. Please retry the request.",
        ),
    };
    Refusal::new(status, code, message.unwrap_or(words))
        .into_answer(world, false)
        .with("x-ms-request-id", guid())
}

fn carry_out(world: &mut World, request: &Request, names: &Names) -> Outcome {
    let Some(account) = world.accounts.get(&names.account) else {
        // The real service has no such host; an answer of its own is the nearest to that.
        let words = "The specified account does not exist.";
        return Err(Refusal::new(400, "InvalidUri", words));
    };
    if request.method == "OPTIONS" {
        return cors::preflight(account, request);
    }
    let live = names
        .container
        .as_deref()
        .and_then(|name| account.live(name));
    let new = live.is_none_or(|one| one.live(names.blob()).is_none());
    let need = match (&names.container, &names.blob) {
        (_, Some(_)) => need::blob(request, new),
        (Some(_), None) => need::container(request),
        (None, _) => need::account(request),
    };
    let place = Place {
        account,
        container: names.container.as_deref(),
        blob: names.blob.as_deref(),
    };
    auth::check(world, request, &place, &need)?;
    match (&names.container, &names.blob) {
        (_, Some(_)) => blob(world, request, names),
        (Some(_), None) => containers::answer(world, request, names),
        (None, _) => service::answer(world, request, names),
    }
}

fn blob(world: &mut World, request: &Request, names: &Names) -> Outcome {
    match (request.method.as_str(), request.parameter("comp")) {
        ("PUT", Some("block")) => blocks::put(world, request, names),
        ("PUT", Some("blocklist")) => blocks::commit(world, request, names),
        ("GET", Some("blocklist")) => blocks::list(world, request, names),
        _ => blobs::answer(world, request, names),
    }
}

/// What is not simulated says so, and nothing has happened.
fn not_simulated() -> Refusal {
    Refusal::new(501, "NotImplemented", "This is not simulated.")
}
