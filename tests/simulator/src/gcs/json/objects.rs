//! Objects and their generations.

use std::collections::BTreeSet;

use serde_json::{Value, json};

use super::{Call, Outcome, page};
use crate::gcs::access::Resource;
use crate::gcs::bucket::Bucket;
use crate::gcs::crypto::base64;
use crate::gcs::object::{Conditions, Object, State, hold, retention, said};
use crate::gcs::refusal::{Kind, Refusal};
use crate::gcs::request::{Answer, Request};
use crate::gcs::world::World;

impl World {
    /// Why somebody who may read cannot: what is not there shows as such only to those who
    /// may list.
    pub(crate) fn missing(
        &self,
        who: &crate::gcs::access::Principal,
        bucket: &str,
        name: &str,
    ) -> Refusal {
        match self.require(who, "storage.objects.list", Resource::Bucket(bucket)) {
            Ok(()) => Refusal::no_such_object(bucket, name),
            Err(refusal) => refusal,
        }
    }
}

pub(super) fn list(call: &mut Call<'_>, name: &str) -> Outcome {
    let bucket = call.permitted(name, "storage.objects.list")?;
    let request = call.request;
    let (versions, soft_deleted) = (request.flag("versions"), request.flag("softDeleted"));
    if versions && soft_deleted {
        return Err(Refusal::invalid(
            "The versions and softDeleted parameters cannot both be true.",
        ));
    }
    if soft_deleted && bucket.settings.soft_delete() == 0 {
        return Err(Refusal::invalid(
            "Soft delete is not enabled for this bucket.",
        ));
    }
    if request.parameter("matchGlob").is_some() {
        return Err(Refusal::not_simulated("matchGlob"));
    }
    let wanted = |one: &&Object| match one.state {
        State::Live => !soft_deleted,
        State::Noncurrent(_) => versions,
        State::SoftDeleted(..) => soft_deleted,
    };
    let listing = Listing::of(bucket, request, wanted)?;
    let mut body = json!({"kind": "storage#objects"});
    if !listing.objects.is_empty() {
        body["items"] = listing
            .objects
            .iter()
            .map(|one| one.view(&call.world.url, name, &bucket.settings))
            .collect();
    }
    if !listing.prefixes.is_empty() {
        body["prefixes"] = json!(listing.prefixes);
    }
    if let Some(next) = listing.next {
        body["nextPageToken"] = json!(base64(next.as_bytes()));
    }
    Ok(Answer::ok(&body))
}

/// A page of a bucket.
struct Listing<'a> {
    objects: Vec<&'a Object>,
    prefixes: BTreeSet<String>,
    next: Option<String>,
}

impl<'a> Listing<'a> {
    fn of(
        bucket: &'a Bucket,
        request: &Request,
        wanted: impl Fn(&&Object) -> bool,
    ) -> Result<Self, Refusal> {
        let (from, most) = page(request)?;
        let text = |name: &str| request.parameter(name).filter(|text| !text.is_empty());
        let prefix = text("prefix").unwrap_or_default();
        let delimiter = text("delimiter");
        let (start, end) = (text("startOffset"), text("endOffset"));
        let mut all: Vec<&Object> = bucket
            .objects
            .iter()
            .filter(wanted)
            .filter(|one| one.name.starts_with(prefix))
            .filter(|one| start.is_none_or(|start| one.name.as_str() >= start))
            .filter(|one| end.is_none_or(|end| one.name.as_str() < end))
            .collect();
        all.sort_by(|one, other| (&one.name, one.generation).cmp(&(&other.name, other.generation)));
        let mut listing = Self {
            objects: Vec::new(),
            prefixes: BTreeSet::new(),
            next: None,
        };
        for one in all {
            let folder = delimiter.and_then(|delimiter| {
                let at = one.name[prefix.len()..].find(delimiter)?;
                Some(one.name[..prefix.len() + at + delimiter.len()].to_owned())
            });
            let place = match &folder {
                Some(folder) => folder.clone(),
                None => format!("{}#{:020}", one.name, one.generation),
            };
            if from.as_ref().is_some_and(|from| place <= *from)
                || folder
                    .as_ref()
                    .is_some_and(|folder| listing.prefixes.contains(folder))
            {
                continue;
            }
            if listing.objects.len() + listing.prefixes.len() == most {
                listing.next = listing.last(delimiter.is_some());
                break;
            }
            match folder {
                Some(folder) => {
                    listing.prefixes.insert(folder);
                }
                None => listing.objects.push(one),
            }
        }
        Ok(listing)
    }

    /// The place of what came last.
    fn last(&self, folders: bool) -> Option<String> {
        let object = self
            .objects
            .last()
            .map(|one| format!("{}#{:020}", one.name, one.generation));
        let folder = folders.then(|| self.prefixes.last().cloned()).flatten();
        object.max(folder)
    }
}

/// Metadata, or with `alt=media` the bytes.
pub(super) fn get(call: &mut Call<'_>, name: &str, object: &str) -> Outcome {
    let bucket = call.bucket(name)?;
    call.require("storage.objects.get", Resource::Object(name, object))?;
    let generation = call.request.number("generation")?;
    let media = call.request.parameter("alt") == Some("media");
    let found = match generation {
        Some(generation) if call.request.flag("softDeleted") && !media => {
            bucket.soft_deleted(object, generation)
        }
        _ => bucket.find(object, generation),
    };
    let found = found.ok_or_else(|| call.world.missing(&call.who, name, object))?;
    let conditions = Conditions::of_query(call.request)?;
    conditions.check(Some((found.generation, found.metageneration)))?;
    if media {
        if let Some(key) = &found.key {
            call.world.check_key_for_reading(key, &bucket.project)?;
        }
        return content(found, call.request);
    }
    let answer = Answer::ok(&found.view(&call.world.url, name, &bucket.settings));
    Ok(answer.with("ETag", found.etag()))
}

/// The bytes of an object, or a range of them.
pub(crate) fn content(object: &Object, request: &Request) -> Outcome {
    let length = object.data.len();
    let mut answer = Answer::empty(200)
        .with(
            "Content-Type",
            object.content_type().unwrap_or("application/octet-stream"),
        )
        .with("Accept-Ranges", "bytes")
        .with("X-Goog-Generation", object.generation.to_string())
        .with("X-Goog-Metageneration", object.metageneration.to_string())
        .with("X-Goog-Storage-Class", object.class())
        .with("X-Goog-Stored-Content-Encoding", "identity")
        .with("X-Goog-Stored-Content-Length", length.to_string())
        .with("X-Goog-Hash", hashes(object))
        .with("Last-Modified", crate::gcs::clock::http(object.updated))
        .with("ETag", object.xml_etag());
    let said = [
        ("cacheControl", "Cache-Control"),
        ("contentDisposition", "Content-Disposition"),
        ("contentEncoding", "Content-Encoding"),
        ("contentLanguage", "Content-Language"),
    ];
    for (field, header) in said {
        if let Some(value) = object.said.get(field).and_then(Value::as_str) {
            answer = answer.with(header, value);
        } else if header == "Cache-Control" {
            answer = answer.with(header, "private, max-age=0");
        }
    }
    if let Some(metadata) = object.said.get("metadata").and_then(Value::as_object) {
        for (name, value) in metadata {
            answer = answer.with(
                &format!("X-Goog-Meta-{name}"),
                value.as_str().unwrap_or_default(),
            );
        }
    }
    match request
        .header("range")
        .and_then(|range| range.strip_prefix("bytes="))
    {
        Some(range) => part(answer, object, range),
        None => Ok(answer.body(object.data.clone())),
    }
}

/// A range of the bytes: `0-9`, `10-`, or `-5` for the last ones.
fn part(mut answer: Answer, object: &Object, range: &str) -> Outcome {
    let length = object.data.len();
    let (first, last) = range.split_once('-').unwrap_or((range, ""));
    let bounds = match (first.parse::<usize>(), last.parse::<usize>()) {
        (Ok(first), Ok(last)) => Some((first, last.min(length.saturating_sub(1)))),
        (Ok(first), Err(_)) => Some((first, length.saturating_sub(1))),
        (Err(_), Ok(count)) => Some((length.saturating_sub(count), length.saturating_sub(1))),
        (Err(_), Err(_)) => None,
    };
    match bounds {
        Some((first, last)) if first < length && first <= last => {
            answer.status = 206;
            Ok(answer
                .with("Content-Range", format!("bytes {first}-{last}/{length}"))
                .body(object.data.slice(first..=last)))
        }
        _ => {
            let words = "The requested range cannot be satisfied.";
            let refusal = Refusal::new(416, Kind::Invalid, words).coded("InvalidRange", words);
            Err(refusal.at("header", "Range"))
        }
    }
}

/// The checksums, as headers have them.
pub(crate) fn hashes(object: &Object) -> String {
    let md5 = object.md5().map(|md5| format!(",md5={md5}"));
    format!("crc32c={}{}", object.crc32c(), md5.unwrap_or_default())
}

/// `PATCH`, or `PUT` when it `replaces`.
pub(super) fn change(call: &mut Call<'_>, name: &str, object: &str, replaces: bool) -> Outcome {
    let bucket = call.bucket(name)?;
    let what = Resource::Object(name, object);
    call.require("storage.objects.update", what)?;
    let body = call.request.json()?;
    let generation = call.request.number("generation")?;
    let found = bucket.find(object, generation);
    let found = found.ok_or_else(|| call.world.missing(&call.who, name, object))?;
    let conditions = Conditions::of_query(call.request)?;
    conditions.check(Some((found.generation, found.metageneration)))?;
    let mut changed = found.clone();
    let mut merged = if replaces {
        json!({})
    } else {
        json!(changed.said)
    };
    merge(&mut merged, &body);
    changed.said = said(&merged)?;
    let class = found.class().to_owned();
    changed
        .said
        .entry("storageClass")
        .or_insert_with(|| json!(class));
    changed.said.retain(|_, value| *value != json!({}));
    let now = call.world.now();
    if let Some(held) = hold(&body, "temporaryHold")? {
        changed.temporary_hold = Some(held);
    }
    if let Some(held) = hold(&body, "eventBasedHold")? {
        if !held && changed.event_hold == Some(true) {
            changed.kept_from = now;
        }
        changed.event_hold = Some(held);
    }
    if body.get("retention").is_some() {
        call.require("storage.objects.setRetention", what)?;
        change_retention(call, &mut changed, &body, bucket)?;
    }
    changed.metageneration += 1;
    changed.updated = now;
    let url = call.world.url.clone();
    let bucket = call
        .world
        .buckets
        .get_mut(name)
        .ok_or_else(Refusal::no_such_bucket)?;
    let place = bucket.find_mut(object, Some(changed.generation));
    *place.ok_or_else(|| Refusal::no_such_object(name, object))? = changed.clone();
    Ok(Answer::ok(&changed.view(&url, name, &bucket.settings)))
}

fn change_retention(
    call: &Call<'_>,
    object: &mut Object,
    body: &Value,
    bucket: &Bucket,
) -> Result<(), Refusal> {
    if !bucket.object_retention {
        return Err(Refusal::invalid(
            "Object Retention is not enabled for this bucket.",
        ));
    }
    let wanted = retention(body)?;
    if let Some((mode, until)) = &object.retention {
        let weaker = match &wanted {
            None => true,
            Some((_, end)) => end < until,
        };
        let locks = wanted.as_ref().is_some_and(|(wanted, _)| wanted != mode);
        let overrides = call.request.flag("overrideUnlockedRetention")
            && call.world.may(
                &call.who,
                "storage.objects.overrideUnlockedRetention",
                Resource::Object(&bucket.name, &object.name),
            );
        if (weaker && mode == "Locked") || ((weaker || locks) && !overrides) {
            let message = format!(
                "Object '{}/{}' has a retention configuration that cannot be reduced or removed.",
                bucket.name, object.name
            );
            return Err(Refusal::new(403, Kind::Retained, message));
        }
    }
    object.retention = wanted;
    Ok(())
}

fn merge(target: &mut Value, change: &Value) {
    let (Some(target), Some(change)) = (target.as_object_mut(), change.as_object()) else {
        return;
    };
    for (name, value) in change {
        match value {
            Value::Null => {
                target.remove(name);
            }
            Value::Object(_) => merge(target.entry(name).or_insert_with(|| json!({})), value),
            Value::Bool(_) | Value::Number(_) | Value::String(_) | Value::Array(_) => {
                target.insert(name.clone(), value.clone());
            }
        }
    }
}

pub(super) fn delete(call: &mut Call<'_>, name: &str, object: &str) -> Outcome {
    let conditions = Conditions::of_query(call.request)?;
    let generation = call.request.number("generation")?;
    call.bucket(name)?;
    remove(call.world, &call.who, name, object, generation, &conditions)?;
    Ok(Answer::empty(204))
}

/// Deletes for the caller, alike for all interfaces.
pub(crate) fn remove(
    world: &mut World,
    who: &crate::gcs::access::Principal,
    bucket: &str,
    name: &str,
    generation: Option<i64>,
    conditions: &Conditions,
) -> Result<(), Refusal> {
    world.require(
        who,
        "storage.objects.delete",
        Resource::Object(bucket, name),
    )?;
    let now = world.now();
    let found = world
        .buckets
        .get(bucket)
        .ok_or_else(Refusal::no_such_bucket)?;
    let object = found.find(name, generation);
    let object = object.ok_or_else(|| world.missing(who, bucket, name))?;
    conditions.check(Some((object.generation, object.metageneration)))?;
    let found = world
        .buckets
        .get_mut(bucket)
        .ok_or_else(Refusal::no_such_bucket)?;
    found.delete(name, generation, now)
}

/// Makes a new live generation of a deleted one, which stays where it is.
pub(super) fn restore(call: &mut Call<'_>, name: &str, object: &str) -> Outcome {
    let bucket = call.bucket(name)?;
    let what = Resource::Object(name, object);
    call.require("storage.objects.create", what)?;
    call.require("storage.objects.restore", what)?;
    let generation = call.request.number("generation")?.ok_or_else(|| {
        Refusal::new(400, Kind::Required, "Required parameter: generation")
            .at("parameter", "generation")
    })?;
    if bucket.settings.soft_delete() == 0 {
        return Err(Refusal::invalid(
            "Soft delete is not enabled for this bucket.",
        ));
    }
    let live = bucket
        .live(object)
        .map(|one| (one.generation, one.metageneration));
    Conditions::of_query(call.request)?.check(live)?;
    if live.is_some() {
        call.require("storage.objects.delete", what)?;
    }
    let old = bucket.soft_deleted(object, generation);
    let mut new = old
        .ok_or_else(|| Refusal::no_such_object(name, object))?
        .clone();
    let now = call.world.now();
    new.generation = call.world.next_generation();
    new.metageneration = 1;
    new.state = State::Live;
    (new.created, new.updated, new.kept_from) = (now, now, now);
    let url = call.world.url.clone();
    let bucket = call
        .world
        .buckets
        .get_mut(name)
        .ok_or_else(Refusal::no_such_bucket)?;
    bucket.replace(object, now)?;
    bucket.objects.push(new.clone());
    Ok(Answer::ok(&new.view(&url, name, &bucket.settings)))
}
