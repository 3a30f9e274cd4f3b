//! Buckets.

use serde_json::{Map, Value, json};
use time::Duration;

use super::{Call, Outcome, page};
use crate::gcs::access::{Principal, Resource};
use crate::gcs::bucket::Bucket;
use crate::gcs::crypto::base64;
use crate::gcs::names;
use crate::gcs::policy::{Policed, Policy};
use crate::gcs::refusal::{Kind, Refusal};
use crate::gcs::request::Answer;
use crate::gcs::settings::{Settings, Surroundings, touches_policy};

/// The project of a call that needs one.
fn project(call: &Call<'_>, permission: &str) -> Result<(String, u64), Refusal> {
    let named = call.request.parameter("project").unwrap_or_default();
    if named.is_empty() {
        return Err(
            Refusal::new(400, Kind::Required, "Required parameter: project")
                .at("parameter", "project"),
        );
    }
    if call.who == Principal::Anonymous {
        call.require(permission, Resource::Project(named))?;
    }
    let found = call.world.project(named);
    let found = found.ok_or_else(|| Refusal::invalid(format!("Unknown project id: {named}")))?;
    call.require(permission, Resource::Project(&found.id))?;
    Ok((found.id.clone(), found.number))
}

fn object(call: &Call<'_>) -> Result<Map<String, Value>, Refusal> {
    match call.request.json()? {
        Value::Object(body) => Ok(body),
        _ => Err(Refusal::parse_error()),
    }
}

pub(super) fn list(call: &mut Call<'_>) -> Outcome {
    let (project, _) = project(call, "storage.buckets.list")?;
    let (from, most) = page(call.request)?;
    let prefix = call.request.parameter("prefix").unwrap_or_default();
    let soft_deleted = call.request.flag("softDeleted");
    let world = &call.world;
    let all: Vec<&Bucket> = if soft_deleted {
        world.deleted_buckets.iter().collect()
    } else {
        world.buckets.values().collect()
    };
    let mut rest = all
        .into_iter()
        .filter(|one| one.project == project && one.name.starts_with(prefix))
        .filter(|one| from.as_ref().is_none_or(|from| one.name > *from));
    let items: Vec<&Bucket> = rest.by_ref().take(most).collect();
    let mut body = json!({"kind": "storage#buckets"});
    if let (Some(_), Some(last)) = (rest.next(), items.last()) {
        body["nextPageToken"] = json!(base64(last.name.as_bytes()));
    }
    if !items.is_empty() {
        body["items"] = items.iter().map(|one| one.view(&world.url)).collect();
    }
    Ok(Answer::ok(&body))
}

pub(super) fn insert(call: &mut Call<'_>) -> Outcome {
    let (project, number) = project(call, "storage.buckets.create")?;
    let body = object(call)?;
    let name = body.get("name").and_then(Value::as_str).unwrap_or_default();
    if name.is_empty() {
        return Err(Refusal::new(400, Kind::Required, "Required"));
    }
    names::check_bucket(name)?;
    let location = match body.get("location") {
        None | Some(Value::Null) => "US",
        Some(location) => location.as_str().ok_or_else(Refusal::parse_error)?,
    };
    let (location, _) = names::location(location)?;
    let now = call.world.now();
    let around = Surroundings {
        bucket: name,
        now,
        soft_delete: call.world.config.soft_delete_default,
    };
    let settings = Settings::new(&body, around)?;
    for parameter in ["predefinedAcl", "predefinedDefaultObjectAcl"] {
        check_predefined(call, parameter, &settings)?;
    }
    let object_retention = call.request.flag("enableObjectRetention");
    if object_retention {
        call.require(
            "storage.buckets.enableObjectRetention",
            Resource::Project(&project),
        )?;
    }
    check_free(call, name, &project)?;
    call.world.check_constraints(&location, &settings, None)?;
    if let Some(key) = settings.key() {
        call.world.check_key(key, &location, &project)?;
    }
    let bucket = Bucket {
        name: name.to_owned(),
        policy: Policed::new(first_policy(&project, settings.uniform_access()), now),
        project,
        project_number: number,
        location,
        longest_soft_delete: settings.soft_delete(),
        settings,
        object_retention,
        generation: call.world.next_generation(),
        metageneration: 1,
        created: now,
        updated: now,
        deleted: None,
        objects: Vec::new(),
        uploads: Vec::new(),
    };
    let view = bucket.view(&call.world.url);
    call.world.buckets.insert(name.to_owned(), bucket);
    Ok(Answer::ok(&view))
}

/// Names are there once for all projects.
fn check_free(call: &Call<'_>, name: &str, project: &str) -> Result<(), Refusal> {
    let Some(taken) = call.world.buckets.get(name) else {
        return Ok(());
    };
    let words = if taken.project == project {
        "Your previous request to create the named bucket succeeded and you already own it."
    } else {
        "The requested bucket name is not available. The bucket namespace is shared by all users \
         of the system. Please select a different name and try again."
    };
    Err(Refusal::new(409, Kind::Conflict, words))
}

fn check_predefined(call: &Call<'_>, parameter: &str, settings: &Settings) -> Result<(), Refusal> {
    match call.request.parameter(parameter) {
        Some(_) if settings.uniform_access() => Err(Refusal::invalid(
            "Cannot use ACL API to update bucket policy when uniform bucket-level access is \
             enabled. Read more at \
             https://cloud.google.com/storage/docs/uniform-bucket-level-access",
        )),
        None | Some("private" | "projectPrivate") => Ok(()),
        Some(_) => Err(Refusal::not_simulated(parameter)),
    }
}

/// The policy that a bucket is made with.
fn first_policy(project: &str, uniform: bool) -> Policy {
    let owners = [
        format!("projectEditor:{project}"),
        format!("projectOwner:{project}"),
    ];
    let viewers = [format!("projectViewer:{project}")];
    let policy = Policy::default()
        .bind("roles/storage.legacyBucketOwner", &owners)
        .bind("roles/storage.legacyBucketReader", &viewers);
    if uniform {
        policy
            .bind("roles/storage.legacyObjectOwner", &owners)
            .bind("roles/storage.legacyObjectReader", &viewers)
    } else {
        policy
    }
}

/// Whether a bucket is in the state that the caller has in mind.
fn check_conditions(call: &Call<'_>, bucket: &Bucket) -> Result<(), Refusal> {
    let wanted = call.request.number("ifMetagenerationMatch")?;
    if wanted.is_some_and(|wanted| wanted != bucket.metageneration) {
        return Err(Refusal::condition_not_met());
    }
    if call.request.number("ifMetagenerationNotMatch")? == Some(bucket.metageneration) {
        return Err(Refusal::not_modified());
    }
    Ok(())
}

pub(super) fn get(call: &mut Call<'_>, name: &str) -> Outcome {
    if call.request.flag("softDeleted") {
        let generation = call.request.number("generation")?;
        let mut deleted = call.world.deleted_buckets.iter();
        let found = deleted.find(|one| one.name == name && Some(one.generation) == generation);
        let found = found.ok_or_else(Refusal::no_such_bucket)?;
        call.require("storage.buckets.get", Resource::Project(&found.project))?;
        return Ok(Answer::ok(&found.view(&call.world.url)));
    }
    let bucket = call.permitted(name, "storage.buckets.get")?;
    if call.request.parameter("projection") == Some("full") {
        call.require("storage.buckets.getIamPolicy", Resource::Bucket(name))?;
    }
    check_conditions(call, bucket)?;
    let answer = Answer::ok(&bucket.view(&call.world.url));
    Ok(answer.with("ETag", bucket.etag()))
}

/// `PATCH`, or `PUT` when it `replaces`.
pub(super) fn change(call: &mut Call<'_>, name: &str, replaces: bool) -> Outcome {
    let bucket = call.permitted(name, "storage.buckets.update")?;
    let body = object(call)?;
    if touches_policy(&body) {
        call.require("storage.buckets.setIamPolicy", Resource::Bucket(name))?;
    }
    check_conditions(call, bucket)?;
    if body.get("name").is_some_and(|other| other != name) {
        return Err(Refusal::invalid("The name of a bucket cannot be changed."));
    }
    let location = body.get("location").filter(|location| !location.is_null());
    let moves = |location: &Value| {
        !location
            .as_str()
            .is_some_and(|location| location.eq_ignore_ascii_case(&bucket.location))
    };
    if location.is_some_and(moves) {
        return Err(Refusal::invalid(
            "The location of a bucket cannot be changed.",
        ));
    }
    let now = call.world.now();
    let around = Surroundings {
        bucket: name,
        now,
        soft_delete: call.world.config.soft_delete_default,
    };
    let settings = if replaces {
        bucket.settings.replaced(&body, around)?
    } else {
        bucket.settings.patched(&body, around)?
    };
    call.world
        .check_constraints(&bucket.location, &settings, Some(&bucket.settings))?;
    if let Some(key) = settings
        .key()
        .filter(|key| bucket.settings.key() != Some(key))
    {
        call.world
            .check_key(key, &bucket.location, &bucket.project)?;
    }
    let url = call.world.url.clone();
    let bucket = call.world.buckets.get_mut(name);
    let bucket = bucket.ok_or_else(Refusal::no_such_bucket)?;
    bucket.settings = settings;
    bucket.touch(now);
    Ok(Answer::ok(&bucket.view(&url)))
}

pub(super) fn delete(call: &mut Call<'_>, name: &str) -> Outcome {
    let bucket = call.permitted(name, "storage.buckets.delete")?;
    check_conditions(call, bucket)?;
    if !bucket.is_empty() {
        return Err(Refusal::new(
            409,
            Kind::Conflict,
            if bucket.settings.versioning() || bucket.objects.iter().any(|one| !one.is_live()) {
                "The bucket you tried to delete is not empty. You must delete all object versions \
                 in the bucket first."
            } else {
                "The bucket you tried to delete is not empty."
            },
        ));
    }
    let now = call.world.now();
    if let Some(mut bucket) = call.world.buckets.remove(name)
        && bucket.longest_soft_delete > 0
    {
        let end = now + Duration::seconds(bucket.longest_soft_delete);
        bucket.deleted = Some((now, end));
        call.world.deleted_buckets.push(bucket);
    }
    Ok(Answer::empty(204))
}

/// A bucket comes back with its settings, its objects stay deleted.
pub(super) fn restore(call: &mut Call<'_>, name: &str) -> Outcome {
    let generation = call.request.number("generation")?.ok_or_else(|| {
        Refusal::new(400, Kind::Required, "Required parameter: generation")
            .at("parameter", "generation")
    })?;
    let world = &call.world;
    let place = world
        .deleted_buckets
        .iter()
        .position(|one| one.name == name && one.generation == generation)
        .ok_or_else(Refusal::no_such_bucket)?;
    let project = world.deleted_buckets[place].project.clone();
    call.require("storage.buckets.create", Resource::Project(&project))?;
    if call.world.buckets.contains_key(name) {
        return Err(Refusal::new(
            409,
            Kind::Conflict,
            "The requested bucket name is not available.",
        ));
    }
    let now = call.world.now();
    let mut bucket = call.world.deleted_buckets.remove(place);
    bucket.deleted = None;
    bucket.touch(now);
    let view = bucket.view(&call.world.url);
    call.world.buckets.insert(name.to_owned(), bucket);
    Ok(Answer::ok(&view))
}

/// Makes the retention of a bucket irrevocable.
pub(super) fn lock(call: &mut Call<'_>, name: &str) -> Outcome {
    let bucket = call.permitted(name, "storage.buckets.update")?;
    if call.request.parameter("ifMetagenerationMatch").is_none() {
        return Err(Refusal::new(
            400,
            Kind::Required,
            "Required parameter: ifMetagenerationMatch",
        )
        .at("parameter", "ifMetagenerationMatch"));
    }
    check_conditions(call, bucket)?;
    if bucket.settings.retention() == 0 || bucket.settings.retention_is_locked() {
        return Err(Refusal::invalid(
            "The bucket has no unlocked Retention Policy that could be locked.",
        ));
    }
    let now = call.world.now();
    let url = call.world.url.clone();
    let bucket = call.world.buckets.get_mut(name);
    let bucket = bucket.ok_or_else(Refusal::no_such_bucket)?;
    bucket.settings.lock_retention();
    bucket.touch(now);
    Ok(Answer::ok(&bucket.view(&url)))
}
