//! SCIM's `/Groups`, which are W&B's teams. A team's storage is taken when the team is
//! made and never comes back in an answer; name and storage cannot be changed, and
//! teams cannot be deleted here.

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

use axum::body::Bytes;
use axum::extract::{Path, Query, State};
use axum::http::header::IF_MATCH;
use axum::http::{HeaderMap, StatusCode};
use axum::response::Response;
use serde_json::{Value, json};

use super::check::{Candidate, PROVIDERS};
use super::faults::Fault;
use super::faults::Severity;
use super::replies::{Refusal, answer};
use super::world::{Team, World};
use super::{Shared, auth, check, filter, replies};

const GROUP_SCHEMA: &str = "urn:ietf:params:scim:schemas:core:2.0:Group";
const PATCH_SCHEMA: &str = "urn:ietf:params:scim:api:messages:2.0:PatchOp";
/// What a storage can say about itself.
const STORAGE_FIELDS: [&str; 7] = [
    "name",
    "provider",
    "path",
    "kmsKeyId",
    "awsExternalId",
    "azureTenantId",
    "azureClientId",
];

/// `GET /scim/Groups`
pub(super) async fn list(
    State(shared): State<Arc<Shared>>,
    headers: HeaderMap,
    Query(query): Query<HashMap<String, String>>,
) -> Result<Response, Refusal> {
    authorize(&shared, &headers)?;
    let listing = filter::listing(&query, &["displayname"])?;
    let mut world = shared.world();
    let ignores = world.strike(|fault| matches!(fault, Fault::IgnoreFilter));
    let found: Vec<Value> = world
        .teams
        .iter()
        .filter(|team| team.organization == world.asked())
        .filter(|team| match &listing.filter {
            Some((_, name)) if ignores.is_none() => team.name == *name,
            Some(_) | None => true,
        })
        .map(|team| resource(&world, team))
        .collect();
    Ok(replies::list(found, &listing, &world))
}

/// `GET /scim/Groups/{id}`
pub(super) async fn read(
    State(shared): State<Arc<Shared>>,
    headers: HeaderMap,
    Path(id): Path<String>,
) -> Result<Response, Refusal> {
    authorize(&shared, &headers)?;
    let world = shared.world();
    let team = world.team(&id).ok_or_else(|| unknown_team(&id))?;
    Ok(answer(StatusCode::OK, resource(&world, team)))
}

/// `POST /scim/Groups`
pub(super) async fn create(
    State(shared): State<Arc<Shared>>,
    headers: HeaderMap,
    body: Bytes,
) -> Result<Response, Refusal> {
    authorize(&shared, &headers)?;
    let body = object(&body, GROUP_SCHEMA)?;
    let name = required_text(&body, "displayName")?;
    check_team_name(name)?;
    let storage = match body.get("storageBucket") {
        None | Some(Value::Null) => BTreeMap::new(),
        Some(value) => storage(value)?,
    };
    let members = body
        .get("members")
        .ok_or_else(|| Refusal::bad("members is required"))?;
    let members = {
        let world = shared.world();
        refuse_taken(&world, name)?;
        people(&world, members)?
    };
    refuse_unusable(&shared, &storage).await?;
    let mut world = shared.world();
    // Somebody may have been faster while the bucket was checked.
    refuse_taken(&world, name)?;
    let caller = world
        .sticky_caller()
        .filter(|caller| !members.contains(caller));
    let members = members.into_iter().chain(caller).collect();
    let id = world.add_team(name, members, storage);
    let team = world.team(&id).ok_or_else(|| unknown_team(&id))?;
    Ok(answer(StatusCode::CREATED, resource(&world, team)))
}

/// `PATCH /scim/Groups/{id}`
pub(super) async fn patch(
    State(shared): State<Arc<Shared>>,
    headers: HeaderMap,
    Path(id): Path<String>,
    body: Bytes,
) -> Result<Response, Refusal> {
    authorize(&shared, &headers)?;
    let body = object(&body, PATCH_SCHEMA)?;
    let operations = body
        .get("Operations")
        .and_then(Value::as_array)
        .ok_or_else(|| Refusal::bad("Operations must be a list"))?;
    let mut world = shared.world();
    let team = world.team(&id).ok_or_else(|| unknown_team(&id))?;
    refuse_stale(team, &headers)?;
    let mut members = team.members.clone();
    for operation in operations {
        members = applied(&world, members, operation)?;
    }
    Ok(with_members(&mut world, &id, members))
}

/// `PUT /scim/Groups/{id}`
pub(super) async fn put(
    State(shared): State<Arc<Shared>>,
    headers: HeaderMap,
    Path(id): Path<String>,
    body: Bytes,
) -> Result<Response, Refusal> {
    authorize(&shared, &headers)?;
    let body = object(&body, GROUP_SCHEMA)?;
    let mut world = shared.world();
    let team = world.team(&id).ok_or_else(|| unknown_team(&id))?;
    refuse_stale(team, &headers)?;
    if required_text(&body, "displayName")? != team.name {
        return Err(Refusal::bad("a team cannot be renamed"));
    }
    if body.get("storageBucket").is_some() {
        return Err(storage_is_fixed());
    }
    let members = body
        .get("members")
        .ok_or_else(|| Refusal::bad("members is required"))?;
    let members = people(&world, members)?;
    Ok(with_members(&mut world, &id, members))
}

/// `DELETE /scim/Groups/{id}`
pub(super) async fn delete(
    State(shared): State<Arc<Shared>>,
    headers: HeaderMap,
    Path(id): Path<String>,
) -> Result<Response, Refusal> {
    authorize(&shared, &headers)?;
    let known = shared.world().team(&id).is_some();
    if !known {
        return Err(unknown_team(&id));
    }
    Err(Refusal::new(
        StatusCode::NOT_IMPLEMENTED,
        "deleting teams is not supported, delete the team in the app",
    ))
}

/// Team names have letters, digits, hyphens and underscores.
pub(super) fn check_team_name(name: &str) -> Result<(), Refusal> {
    let is_fine = |one: char| one.is_ascii_alphanumeric() || one == '-' || one == '_';
    if name.is_empty() || !name.chars().all(is_fine) {
        return Err(Refusal::bad(format!(
            "{name:?} is no team name: use letters, digits, hyphens and underscores"
        )));
    }
    Ok(())
}

/// Refuses a name that is in use.
pub(super) fn refuse_taken(world: &World, name: &str) -> Result<(), Refusal> {
    if world.is_taken(name) {
        return Err(Refusal::new(
            StatusCode::CONFLICT,
            format!("the name {name} is already taken"),
        ));
    }
    Ok(())
}

/// Refuses a bucket that the instance cannot use; warnings do not matter here. No storage
/// is the instance's own.
pub(super) async fn refuse_unusable(
    shared: &Shared,
    storage: &BTreeMap<String, String>,
) -> Result<(), Refusal> {
    let field = |name: &str| storage.get(name).map(String::as_str);
    let (Some(name), Some(provider)) = (field("name"), field("provider")) else {
        return Ok(());
    };
    let candidate = Candidate {
        provider,
        name,
        path: field("path"),
        identity: field("azureTenantId").zip(field("azureClientId")),
    };
    let problems = check::run(shared, &candidate).await;
    let errors: Vec<String> = problems
        .into_iter()
        .filter(|problem| problem.severity == Severity::Error)
        .map(|problem| problem.message)
        .collect();
    if errors.is_empty() {
        return Ok(());
    }
    Err(Refusal::bad(format!(
        "the storage bucket failed validation: {}",
        errors.join("; ")
    )))
}

fn authorize(shared: &Shared, headers: &HeaderMap) -> Result<(), Refusal> {
    if auth::scim(&shared.config, headers) {
        Ok(())
    } else {
        Err(Refusal::unauthorized())
    }
}

fn unknown_team(id: &str) -> Refusal {
    Refusal::new(StatusCode::NOT_FOUND, format!("group {id} not found"))
}

fn storage_is_fixed() -> Refusal {
    Refusal::bad("storageBucket cannot be changed after the team was created")
}

fn refuse_stale(team: &Team, headers: &HeaderMap) -> Result<(), Refusal> {
    match headers.get(IF_MATCH).map(|value| value.to_str()) {
        None | Some(Ok("*")) => Ok(()),
        Some(Ok(tag)) if tag == team.tag() => Ok(()),
        Some(_) => Err(Refusal::new(
            StatusCode::PRECONDITION_FAILED,
            "the group has been changed since it was read",
        )),
    }
}

fn object(body: &[u8], schema: &str) -> Result<Value, Refusal> {
    let body: Value = serde_json::from_slice(body)
        .map_err(|error| Refusal::bad(format!("the body is not JSON: {error}")))?;
    let schemas = body.get("schemas").and_then(Value::as_array);
    if schemas.is_some_and(|list| list.iter().any(|one| one == schema)) {
        return Ok(body);
    }
    Err(Refusal::bad(format!("schemas must contain {schema}")))
}

fn required_text<'a>(body: &'a Value, key: &str) -> Result<&'a str, Refusal> {
    body.get(key)
        .and_then(Value::as_str)
        .ok_or_else(|| Refusal::bad(format!("{key} is required")))
}

fn storage(value: &Value) -> Result<BTreeMap<String, String>, Refusal> {
    let fields = value
        .as_object()
        .ok_or_else(|| Refusal::bad("storageBucket must be an object"))?;
    let mut storage = BTreeMap::new();
    for key in STORAGE_FIELDS {
        match fields.get(key) {
            None | Some(Value::Null) => {}
            Some(Value::String(text)) => {
                storage.insert(key.to_owned(), text.clone());
            }
            Some(_) => {
                return Err(Refusal::bad(format!(
                    "storageBucket.{key} must be a string"
                )));
            }
        }
    }
    if storage.get("name").is_none_or(String::is_empty) {
        return Err(Refusal::bad("storageBucket.name is required"));
    }
    let provider = storage
        .get("provider")
        .ok_or_else(|| Refusal::bad("storageBucket.provider is required"))?;
    if !PROVIDERS.contains(&provider.as_str()) {
        return Err(Refusal::bad(format!(
            "storageBucket.provider {provider:?} is not one of {}",
            PROVIDERS.join(", ")
        )));
    }
    let path = storage.get("path").map(String::as_str).unwrap_or_default();
    if path.split('/').any(|part| part == "." || part == "..") {
        return Err(Refusal::bad("storageBucket.path must not hold . or .."));
    }
    Ok(storage)
}

/// The ids of the people in a list of `{"value": id or e-mail}`, each once.
fn people(world: &World, list: &Value) -> Result<Vec<String>, Refusal> {
    let list = list
        .as_array()
        .ok_or_else(|| Refusal::bad("members must be a list"))?;
    let mut ids = Vec::new();
    for entry in list {
        let id = person(world, required_text(entry, "value")?)?;
        if !ids.contains(&id) {
            ids.push(id);
        }
    }
    Ok(ids)
}

fn person(world: &World, wanted: &str) -> Result<String, Refusal> {
    world
        .person(wanted)
        .map(|user| user.id.clone())
        .ok_or_else(|| Refusal::bad(format!("user {wanted} not found")))
}

/// The members after one operation of a `PATCH`.
fn applied(
    world: &World,
    mut members: Vec<String>,
    operation: &Value,
) -> Result<Vec<String>, Refusal> {
    let kind = required_text(operation, "op")?.to_ascii_lowercase();
    let path = operation.get("path").and_then(Value::as_str);
    let value = operation.get("value");
    let mentions = |key: &str| {
        path == Some(key) || (path.is_none() && value.is_some_and(|value| value.get(key).is_some()))
    };
    if mentions("storageBucket") {
        return Err(storage_is_fixed());
    }
    if mentions("displayName") {
        return Err(Refusal::bad("a team cannot be renamed"));
    }
    let list = match path {
        Some("members") => value,
        None => value.and_then(|value| value.get("members")),
        Some(_) => None,
    };
    match (kind.as_str(), path.and_then(filter::member_of_path), list) {
        ("add", None, Some(list)) => {
            for id in people(world, list)? {
                if !members.contains(&id) {
                    members.push(id);
                }
            }
        }
        ("replace", None, Some(list)) => members = people(world, list)?,
        ("remove", Some(wanted), _) => {
            let id = person(world, &wanted)?;
            members.retain(|member| *member != id);
        }
        ("remove", None, Some(list)) => {
            let gone = people(world, list)?;
            members.retain(|member| !gone.contains(member));
        }
        ("remove", None, None) if path == Some("members") => members.clear(),
        _ => return Err(Refusal::bad(format!("unsupported operation: {operation}"))),
    }
    Ok(members)
}

fn with_members(world: &mut World, id: &str, members: Vec<String>) -> Response {
    let stays = world.sticky_caller().filter(|caller| {
        let team = world.team(id);
        team.is_some_and(|team| team.members.contains(caller)) && !members.contains(caller)
    });
    let members = members.into_iter().chain(stays).collect();
    if let Some(team) = world.team_mut(id) {
        team.set_members(members);
    }
    let body = world.team(id).map(|team| resource(world, team));
    answer(StatusCode::OK, body.unwrap_or_default())
}

fn resource(world: &World, team: &Team) -> Value {
    let members: Vec<Value> = team
        .members
        .iter()
        .map(|id| {
            let name = world.user(id).map(|user| user.user_name.as_str());
            json!({"Value": id, "Ref": "", "Type": "", "Display": name.unwrap_or_default()})
        })
        .collect();
    json!({
        "displayName": team.name,
        "id": team.id,
        "members": if members.is_empty() { Value::Null } else { Value::Array(members) },
        "meta": {
            "resourceType": "Group",
            "created": team.created,
            "lastModified": team.modified,
            "location": format!("Groups/{}", team.id),
            "version": team.tag(),
        },
        "schemas": [GROUP_SCHEMA],
    })
}
