//! Cloud Storage's JSON interface, version 1.

mod batch;
mod bucket_policy;
mod buckets;
pub(super) mod objects;
mod uploads;

use axum::http::Method;
use serde_json::json;

use super::access::{Caller, Principal, Resource};
use super::billing;
use super::bucket::Bucket;
use super::refusal::{Kind, Refusal};
use super::request::{Answer, Request};
use super::world::World;

type Outcome = Result<Answer, Refusal>;

/// What goes into a call.
struct Call<'a> {
    world: &'a mut World,
    request: &'a Request,
    who: Principal,
}

impl Call<'_> {
    fn bucket(&self, name: &str) -> Result<&Bucket, Refusal> {
        self.world
            .buckets
            .get(name)
            .ok_or_else(Refusal::no_such_bucket)
    }

    /// A bucket that the caller has this right on.
    fn permitted(&self, name: &str, permission: &str) -> Result<&Bucket, Refusal> {
        let bucket = self.bucket(name)?;
        self.require(permission, Resource::Bucket(name))?;
        Ok(bucket)
    }

    fn require(&self, permission: &str, what: Resource<'_>) -> Result<(), Refusal> {
        self.world.require(&self.who, permission, what)
    }
}

/// Answers a request.
pub(crate) fn answer(world: &mut World, request: &Request) -> Answer {
    let origin = request.header("origin").map(str::to_owned);
    let answer = if request.method == Method::OPTIONS {
        Answer::empty(200)
    } else {
        route(world, request).unwrap_or_else(Refusal::into_storage_json)
    };
    let Some(origin) = origin else {
        return answer;
    };
    // This interface lets pages of every origin in, whatever a bucket says.
    let answer = answer
        .with("Access-Control-Allow-Origin", origin)
        .with("Access-Control-Allow-Credentials", "true")
        .with("Vary", "Origin");
    match request.header("access-control-request-method") {
        Some(method) => answer
            .with("Access-Control-Allow-Methods", method)
            .with(
                "Access-Control-Allow-Headers",
                request
                    .header("access-control-request-headers")
                    .unwrap_or_default(),
            )
            .with("Access-Control-Max-Age", "3600"),
        None => answer,
    }
}

fn route(world: &mut World, request: &Request) -> Outcome {
    let parts = request.parts();
    if parts[0] == "batch" {
        return batch::answer(world, request);
    }
    if parts[0] == "upload" && request.parameter("upload_id").is_some() {
        return uploads::resume(world, request);
    }
    let caller = world.caller(request)?;
    check_scope(&caller, request)?;
    let bucket = parts
        .iter()
        .skip_while(|part| **part != "b")
        .nth(1)
        .copied();
    billing::check(world, &caller.principal, request, bucket)?;
    let mut call = Call {
        world,
        request,
        who: caller.principal,
    };
    let call = &mut call;
    match (&request.method, &parts[..]) {
        (method, ["storage", "v1", "b", name, "o", rest @ ..]) => match (method, rest) {
            (&Method::GET, []) => objects::list(call, name),
            (&Method::GET, [object]) => objects::get(call, name, object),
            (&Method::PATCH, [object]) => objects::change(call, name, object, false),
            (&Method::PUT, [object]) => objects::change(call, name, object, true),
            (&Method::DELETE, [object]) => objects::delete(call, name, object),
            (&Method::POST, [object, "restore"]) => objects::restore(call, name, object),
            (_, [_, "acl", ..]) => bucket_policy::access_list(call, name, "an object"),
            (_, _) => unknown(request),
        },
        (method, ["storage", "v1", "b", rest @ ..]) => match (method, rest) {
            (&Method::GET, []) => buckets::list(call),
            (&Method::POST, []) => buckets::insert(call),
            (&Method::GET, [name]) => buckets::get(call, name),
            (&Method::PATCH, [name]) => buckets::change(call, name, false),
            (&Method::PUT, [name]) => buckets::change(call, name, true),
            (&Method::DELETE, [name]) => buckets::delete(call, name),
            (&Method::POST, [name, "restore"]) => buckets::restore(call, name),
            (&Method::POST, [name, "lockRetentionPolicy"]) => buckets::lock(call, name),
            (&Method::GET, [name, "iam"]) => bucket_policy::get(call, name),
            (&Method::PUT, [name, "iam"]) => bucket_policy::set(call, name),
            (&Method::GET, [name, "iam", "testPermissions"]) => bucket_policy::test(call, name),
            (_, [name, "acl" | "defaultObjectAcl", ..]) => {
                bucket_policy::access_list(call, name, "a bucket")
            }
            (_, _) => unknown(request),
        },
        (&Method::GET, ["download", "storage", "v1", "b", name, "o", object]) => {
            objects::get(call, name, object)
        }
        (&Method::POST | &Method::PUT, ["upload", "storage", "v1", "b", name, "o"]) => {
            uploads::begin(call, name)
        }
        (&Method::GET, ["storage", "v1", "projects", project, "serviceAccount"]) => {
            service_account(call, project)
        }
        (_, ["storage", "v1", "projects", _, "hmacKeys", ..]) => {
            Err(Refusal::not_simulated("HMAC keys"))
        }
        (_, _) => unknown(request),
    }
}

fn unknown(request: &Request) -> Outcome {
    Err(Refusal::not_found(format!(
        "Not Found: {} {}",
        request.method, request.path
    )))
}

fn check_scope(caller: &Caller, request: &Request) -> Result<(), Refusal> {
    let mut wanted = vec!["devstorage.full_control"];
    let policy = request.segments.iter().any(|part| part == "iam");
    if !policy {
        wanted.push("devstorage.read_write");
        if request.method == Method::GET {
            wanted.extend(["devstorage.read_only", "cloud-platform.read-only"]);
        }
    }
    if caller.has_scope(&wanted) {
        return Ok(());
    }
    Err(Refusal::new(
        403,
        Kind::ScopeTooSmall,
        "Provided scope(s) are not authorized",
    ))
}

/// Cloud Storage's own account, which uses the project's keys.
fn service_account(call: &Call<'_>, project: &str) -> Outcome {
    let found = call.world.project(project);
    let found = found.ok_or_else(|| Refusal::invalid(format!("Unknown project id: {project}")))?;
    call.require("resourcemanager.projects.get", Resource::Project(&found.id))?;
    Ok(Answer::ok(&json!({
        "kind": "storage#serviceAccount",
        "email_address": found.service_agent(),
    })))
}

/// Where a list goes on: the place in `pageToken` and how many are wanted.
fn page(request: &Request) -> Result<(Option<String>, usize), Refusal> {
    let token = match request.parameter("pageToken") {
        None | Some("") => None,
        Some(token) => {
            let bytes = super::crypto::unbase64(token);
            let text = bytes.and_then(|bytes| String::from_utf8(bytes).ok());
            Some(text.ok_or_else(|| Refusal::invalid("Invalid page token."))?)
        }
    };
    let most = request.number("maxResults")?.unwrap_or(1000);
    if most < 0 {
        return Err(Refusal::invalid("Invalid value for maxResults."));
    }
    let most = usize::try_from(most).unwrap_or(1000);
    Ok((token, if most == 0 { 1000 } else { most.min(1000) }))
}
