//! Resource Manager: projects and their policies.

use axum::http::Method;
use serde_json::{Value, json};

use super::access::{Principal, Resource};
use super::clock;
use super::iam::{Outcome, caller, tested, unknown, verb};
use super::policies::{asked_version, check_etag};
use super::policy::Sent;
use super::refusal::Refusal;
use super::request::{Answer, Request};
use super::roles::Home;
use super::world::World;

/// Answers a request.
pub(crate) fn answer(world: &mut World, request: &Request) -> Answer {
    route(world, request).unwrap_or_else(Refusal::into_google_json)
}

fn route(world: &mut World, request: &Request) -> Outcome {
    let who = caller(world, request)?;
    let parts = request.parts();
    let &[version, "projects", last] = &parts[..] else {
        return unknown(request);
    };
    let (named, verb) = verb(last);
    let id = world
        .project(named)
        .map_or_else(|| named.to_owned(), |one| one.id.clone());
    match (&request.method, verb) {
        (&Method::GET, "") => get(world, &who, &id, version),
        (&Method::POST, "getIamPolicy") => get_policy(world, &who, &id, request),
        (&Method::POST, "setIamPolicy") => set_policy(world, &who, &id, request),
        // Who may do nothing at all is told so even where nothing is there.
        (&Method::POST, "testIamPermissions") => {
            tested(world, &who, Resource::Project(&id), request)
        }
        (_, _) => unknown(request),
    }
}

/// These say no permission's name.
fn require(world: &World, who: &Principal, permission: &str, id: &str) -> Result<(), Refusal> {
    if world.may(who, permission, Resource::Project(id)) {
        return Ok(());
    }
    Err(Refusal::forbidden("The caller does not have permission"))
}

fn get(world: &World, who: &Principal, id: &str, version: &str) -> Outcome {
    require(world, who, "resourcemanager.projects.get", id)?;
    let project = world.project(id);
    let project =
        project.ok_or_else(|| Refusal::forbidden("The caller does not have permission"))?;
    let created = clock::milliseconds(project.created);
    Ok(Answer::ok(&if version == "v3" {
        json!({
            "name": format!("projects/{}", project.number),
            "projectId": project.id,
            "state": "ACTIVE",
            "displayName": project.id,
            "createTime": created,
        })
    } else {
        json!({
            "projectNumber": project.number.to_string(),
            "projectId": project.id,
            "lifecycleState": "ACTIVE",
            "name": project.id,
            "createTime": created,
        })
    }))
}

fn get_policy(world: &World, who: &Principal, id: &str, request: &Request) -> Outcome {
    require(world, who, "resourcemanager.projects.getIamPolicy", id)?;
    let asked = match &request.json()?["options"]["requestedPolicyVersion"] {
        Value::Null => None,
        other => Some(other.to_string()),
    };
    let version = asked_version(asked.as_deref())?;
    let project = world.project(id);
    let project =
        project.ok_or_else(|| Refusal::forbidden("The caller does not have permission"))?;
    Ok(Answer::ok(
        &project.policy.latest().view(version, &project.policy.etag),
    ))
}

fn set_policy(world: &mut World, who: &Principal, id: &str, request: &Request) -> Outcome {
    require(world, who, "resourcemanager.projects.setIamPolicy", id)?;
    let sent = Sent::parse(&request.json()?["policy"])?;
    let project = world.project(id);
    let project =
        project.ok_or_else(|| Refusal::forbidden("The caller does not have permission"))?;
    check_etag(&sent, &project.policy)?;
    world.check_policy(&sent, project.policy.latest(), Home::Project)?;
    world.check_domains(&sent.policy, project.policy.latest(), Home::Project)?;
    let (now, felt) = (world.now(), world.felt());
    let project = world.projects.get_mut(id);
    let project =
        project.ok_or_else(|| Refusal::forbidden("The caller does not have permission"))?;
    project.policy.set(sent.policy, now, felt);
    Ok(Answer::ok(
        &project.policy.latest().view(3, &project.policy.etag),
    ))
}
