//! A bucket and what is in it.

use std::collections::BTreeMap;

use bytes::Bytes;
use serde_json::{Map, Value, json};
use time::{Duration, OffsetDateTime};

use super::access::Principal;
use super::clock;
use super::names;
use super::object::{Object, State, tag};
use super::policy::Policed;
use super::refusal::Refusal;
use super::settings::Settings;

/// An upload in parts that has not ended.
#[derive(Clone, Debug)]
pub(crate) struct Upload {
    pub(crate) id: String,
    pub(crate) name: String,
    pub(crate) said: Map<String, Value>,
    pub(crate) parts: BTreeMap<u32, (Bytes, OffsetDateTime)>,
    pub(crate) started: OffsetDateTime,
    pub(crate) owner: Principal,
}

/// A bucket.
#[derive(Clone, Debug)]
pub(crate) struct Bucket {
    pub(crate) name: String,
    pub(crate) project: String,
    pub(crate) project_number: u64,
    /// In upper case.
    pub(crate) location: String,
    pub(crate) settings: Settings,
    /// Whether its objects may have retentions of their own.
    pub(crate) object_retention: bool,
    pub(crate) policy: Policed,
    pub(crate) generation: i64,
    pub(crate) metageneration: i64,
    pub(crate) created: OffsetDateTime,
    pub(crate) updated: OffsetDateTime,
    /// The longest soft delete that it ever had, which it is kept for itself.
    pub(crate) longest_soft_delete: i64,
    /// When it was deleted, and when for good.
    pub(crate) deleted: Option<(OffsetDateTime, OffsetDateTime)>,
    /// In the order of their making.
    pub(crate) objects: Vec<Object>,
    pub(crate) uploads: Vec<Upload>,
}

impl Bucket {
    pub(crate) fn etag(&self) -> String {
        tag(&[(1, self.metageneration)])
    }

    /// Notes that something of it has changed.
    pub(crate) fn touch(&mut self, now: OffsetDateTime) {
        self.metageneration += 1;
        self.updated = now;
        self.longest_soft_delete = self.longest_soft_delete.max(self.settings.soft_delete());
    }

    pub(crate) fn live(&self, name: &str) -> Option<&Object> {
        self.objects
            .iter()
            .find(|one| one.name == name && one.is_live())
    }

    /// The live object, or the version of that generation.
    pub(crate) fn find(&self, name: &str, generation: Option<i64>) -> Option<&Object> {
        let Some(generation) = generation else {
            return self.live(name);
        };
        self.objects
            .iter()
            .find(|one| one.name == name && one.generation == generation && !one.is_soft_deleted())
    }

    pub(crate) fn find_mut(&mut self, name: &str, generation: Option<i64>) -> Option<&mut Object> {
        let generation = self.find(name, generation)?.generation;
        self.objects
            .iter_mut()
            .find(|one| one.generation == generation)
    }

    pub(crate) fn soft_deleted(&self, name: &str, generation: i64) -> Option<&Object> {
        self.objects
            .iter()
            .find(|one| one.name == name && one.generation == generation && one.is_soft_deleted())
    }

    /// Whether anything in it keeps it from being deleted.
    pub(crate) fn is_empty(&self) -> bool {
        self.objects.iter().all(Object::is_soft_deleted)
    }

    /// Takes the live object out of the way of a new one, if something is there.
    pub(crate) fn replace(&mut self, name: &str, now: OffsetDateTime) -> Result<(), Refusal> {
        let Some(generation) = self.live(name).map(|one| one.generation) else {
            return Ok(());
        };
        let archives = self.settings.versioning();
        self.take_away(generation, now, archives)
    }

    /// Deletes the live object, or one generation for good.
    pub(crate) fn delete(
        &mut self,
        name: &str,
        generation: Option<i64>,
        now: OffsetDateTime,
    ) -> Result<(), Refusal> {
        let found = self.find(name, generation).map(|one| one.generation);
        let found = found.ok_or_else(|| Refusal::no_such_object(&self.name, name))?;
        let archives = generation.is_none() && self.settings.versioning();
        self.take_away(found, now, archives)
    }

    fn take_away(
        &mut self,
        generation: i64,
        now: OffsetDateTime,
        archives: bool,
    ) -> Result<(), Refusal> {
        let soft_delete = self.settings.soft_delete();
        let place = self
            .objects
            .iter()
            .position(|one| one.generation == generation);
        let Some(place) = place else { return Ok(()) };
        self.objects[place].let_go(&self.name, &self.settings, now, archives)?;
        if archives {
            self.objects[place].state = State::Noncurrent(now);
        } else if soft_delete > 0 {
            let end = now + Duration::seconds(soft_delete);
            self.objects[place].state = State::SoftDeleted(now, end);
        } else {
            self.objects.remove(place);
        }
        Ok(())
    }

    /// Forgets what has been kept long enough.
    pub(crate) fn expire(&mut self, now: OffsetDateTime) {
        self.objects.retain(|one| match one.state {
            State::SoftDeleted(_, end) => end > now,
            State::Live | State::Noncurrent(_) => true,
        });
    }

    /// The bucket in JSON.
    pub(crate) fn view(&self, url: &str) -> Value {
        let kind = names::location(&self.location).map_or("region", |(_, kind)| kind);
        let mut view = json!({
            "kind": "storage#bucket",
            "selfLink": format!("{url}/storage/v1/b/{}", self.name),
            "id": self.name,
            "name": self.name,
            "projectNumber": self.project_number.to_string(),
            "generation": self.generation.to_string(),
            "metageneration": self.metageneration.to_string(),
            "location": self.location,
            "locationType": kind,
            "etag": self.etag(),
            "timeCreated": clock::milliseconds(self.created),
            "updated": clock::milliseconds(self.updated),
        });
        if kind != "region" {
            view["rpo"] = json!("DEFAULT");
        }
        for (name, value) in self.settings.json() {
            view[name] = value.clone();
        }
        if self.object_retention {
            view["objectRetention"] = json!({"mode": "Enabled"});
        }
        if let Some((since, end)) = self.deleted {
            view["softDeleteTime"] = json!(clock::milliseconds(since));
            view["hardDeleteTime"] = json!(clock::milliseconds(end));
        }
        view
    }
}
