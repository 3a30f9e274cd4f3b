//! Putting objects into buckets, alike for all interfaces.

use bytes::Bytes;
use serde_json::{Map, Value};

use super::access::{Principal, Resource};
use super::crypto::{base64, crc32c, md5};
use super::names;
use super::object::{Conditions, Object, State, hold, retention, said};
use super::refusal::Refusal;
use super::world::World;

/// An object that is to be made.
pub(crate) struct NewObject {
    pub(crate) name: String,
    /// As the JSON interface has it.
    pub(crate) metadata: Value,
    pub(crate) data: Bytes,
    pub(crate) components: Option<usize>,
    pub(crate) owner: Principal,
}

/// Whether the caller may put such an object there, and the conditions hold.
pub(crate) fn may_write(
    world: &World,
    who: &Principal,
    bucket: &str,
    name: &str,
    conditions: &Conditions,
) -> Result<(), Refusal> {
    let found = world
        .buckets
        .get(bucket)
        .ok_or_else(Refusal::no_such_bucket)?;
    let what = Resource::Object(bucket, name);
    world.require(who, "storage.objects.create", what)?;
    let live = found.live(name);
    conditions.check(live.map(|one| (one.generation, one.metageneration)))?;
    if live.is_some() {
        world.require(who, "storage.objects.delete", what)?;
    }
    Ok(())
}

/// Puts an object into a bucket, in place of what has its name.
pub(crate) fn store(world: &mut World, bucket: &str, new: NewObject) -> Result<Object, Refusal> {
    let now = world.now();
    names::check_object(&new.name)?;
    let found = world
        .buckets
        .get(bucket)
        .ok_or_else(Refusal::no_such_bucket)?;
    let mut said = said(&new.metadata)?;
    check_sums(&new.metadata, &new.data)?;
    let class = found.settings.storage_class().to_owned();
    said.entry("storageClass")
        .or_insert_with(|| Value::from(class));
    let event_hold = hold(&new.metadata, "eventBasedHold")?
        .or(found.settings.holds_new_objects().then_some(true));
    let kept = retention(&new.metadata)?;
    if kept.is_some() && !found.object_retention {
        return Err(Refusal::invalid(
            "Object Retention is not enabled for this bucket.",
        ));
    }
    let key = new.metadata["kmsKeyName"]
        .as_str()
        .or(found.settings.key())
        .map(str::to_owned);
    if let Some(key) = &key {
        world.check_key(key, &found.location, &found.project)?;
    }
    let generation = world.next_generation();
    let object = Object {
        name: new.name,
        generation,
        metageneration: 1,
        state: State::Live,
        said: tidy(said),
        data: new.data,
        components: new.components,
        created: now,
        updated: now,
        temporary_hold: hold(&new.metadata, "temporaryHold")?,
        event_hold,
        kept_from: now,
        retention: kept,
        key: key.map(|key| format!("{key}/cryptoKeyVersions/1")),
        owner: new.owner,
    };
    if let Some(bucket) = world.buckets.get_mut(bucket) {
        bucket.replace(&object.name, now)?;
        bucket.objects.push(object.clone());
    }
    Ok(object)
}

fn tidy(mut said: Map<String, Value>) -> Map<String, Value> {
    said.retain(|_, value| *value != "" && *value != serde_json::json!({}));
    said
}

/// Refuses what arrived otherwise than it was sent.
pub(crate) fn check_sums(metadata: &Value, data: &[u8]) -> Result<(), Refusal> {
    let sums = [
        ("md5Hash", "MD5 hash", base64(&md5(data))),
        ("crc32c", "CRC32C", base64(&crc32c(data))),
    ];
    for (field, name, is) in sums {
        let said = metadata[field].as_str().filter(|said| !said.is_empty());
        if said.is_some_and(|said| said != is) {
            let said = said.unwrap_or_default();
            return Err(Refusal::invalid(format!(
                "Provided {name} \"{said}\" doesn't match calculated {name} \"{is}\"."
            ))
            .coded(
                "BadDigest",
                "The Content-MD5 you specified did not match what we received.",
            ));
        }
    }
    Ok(())
}
