//! Containers and blobs, and what becomes of them when they are written over or deleted.

use std::collections::BTreeMap;

use bytes::Bytes;
use serde_json::{Map, Value};
use time::{Duration, OffsetDateTime};

use crate::azure::clock::long;
use crate::azure::instance::BlobView;
use crate::azure::world::{Account, World};

/// What keeps a container's blobs as they are.
#[derive(Clone, Debug)]
pub(crate) struct Immutability {
    pub(crate) days: i64,
    /// `Unlocked` or `Locked`.
    pub(crate) state: String,
    pub(crate) etag: String,
    pub(crate) properties: Map<String, Value>,
}

/// A container, live or deleted.
#[derive(Clone, Debug)]
pub(crate) struct Container {
    pub(crate) name: String,
    pub(crate) etag: String,
    pub(crate) modified: OffsetDateTime,
    /// `None`, `Container` or `Blob`.
    pub(crate) public_access: String,
    pub(crate) metadata: BTreeMap<String, String>,
    /// What else the management side was told.
    pub(crate) properties: Map<String, Value>,
    pub(crate) holds: Vec<String>,
    pub(crate) immutability: Option<Immutability>,
    /// The stored policies, as they were sent.
    pub(crate) policies: Bytes,
    pub(crate) version: String,
    pub(crate) deleted: Option<Deleted>,
    pub(crate) blobs: Vec<Blob>,
    /// Blocks that are not part of a blob yet, by its name.
    pub(crate) uncommitted: BTreeMap<String, Vec<Block>>,
}

/// When something was deleted and how long it is kept.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Deleted {
    pub(crate) at: OffsetDateTime,
    /// Zero where there is no soft delete.
    pub(crate) days: i64,
}

impl Deleted {
    /// Whole days that are left.
    pub(crate) fn left(self, now: OffsetDateTime) -> i64 {
        let end = self.at + Duration::days(self.days);
        let left = (end - now).as_seconds_f64() / 86_400.0;
        #[expect(clippy::cast_possible_truncation, reason = "days are few")]
        let left = left.ceil() as i64;
        left
    }

    fn over(self, now: OffsetDateTime) -> bool {
        now >= self.at + Duration::days(self.days)
    }
}

/// A block with its name as it was sent.
#[derive(Clone, Debug)]
pub(crate) struct Block {
    pub(crate) id: String,
    pub(crate) data: Bytes,
}

/// A blob, a version of one, or a snapshot.
#[derive(Clone, Debug)]
pub(crate) struct Blob {
    pub(crate) name: String,
    pub(crate) version: Option<String>,
    pub(crate) snapshot: Option<String>,
    /// Whether it is what its name alone stands for.
    pub(crate) current: bool,
    pub(crate) deleted: Option<Deleted>,
    pub(crate) etag: String,
    pub(crate) created: OffsetDateTime,
    pub(crate) modified: OffsetDateTime,
    /// In lower case: `content-type`, `content-md5`, ….
    pub(crate) headers: BTreeMap<String, String>,
    pub(crate) metadata: BTreeMap<String, String>,
    pub(crate) blocks: Vec<Block>,
    pub(crate) data: Bytes,
}

impl Blob {
    /// Whether it is the live blob.
    pub(crate) fn is_live(&self) -> bool {
        self.current && self.snapshot.is_none() && self.deleted.is_none()
    }

    /// As tests see it.
    pub(crate) fn view(&self) -> BlobView {
        let state = match self {
            one if one.deleted.is_some() => "deleted",
            one if one.snapshot.is_some() => "snapshot",
            one if one.current => "live",
            _ => "version",
        };
        BlobView {
            name: self.name.clone(),
            state,
            version: self.version.clone(),
            size: self.data.len(),
        }
    }
}

/// A new tag.
pub(crate) fn etag() -> String {
    format!("0x8D{}", crate::gcs::random_hex(13).to_uppercase())
}

impl Container {
    pub(crate) fn new(name: &str, now: OffsetDateTime) -> Self {
        Self {
            name: name.to_owned(),
            etag: etag(),
            modified: now,
            public_access: "None".to_owned(),
            metadata: BTreeMap::new(),
            properties: Map::new(),
            holds: Vec::new(),
            immutability: None,
            policies: Bytes::new(),
            version: format!("01D{}", crate::gcs::random_hex(13).to_uppercase()),
            deleted: None,
            blobs: Vec::new(),
            uncommitted: BTreeMap::new(),
        }
    }

    pub(crate) fn touch(&mut self, now: OffsetDateTime) {
        self.etag = etag();
        self.modified = now;
    }

    pub(crate) fn live(&self, name: &str) -> Option<&Blob> {
        self.blobs
            .iter()
            .find(|one| one.name == name && one.is_live())
    }

    pub(crate) fn live_mut(&mut self, name: &str) -> Option<&mut Blob> {
        let mut blobs = self.blobs.iter_mut();
        blobs.find(|one| one.name == name && one.is_live())
    }

    /// The code and the words of what keeps a blob from being written over or deleted.
    pub(crate) fn held(
        &self,
        blob: &Blob,
        now: OffsetDateTime,
    ) -> Option<(&'static str, &'static str)> {
        if !self.holds.is_empty() {
            return Some((
                "BlobImmutableDueToLegalHold",
                "This operation is not permitted as the blob is immutable due to one or more \
                 legal holds.",
            ));
        }
        let days = self.immutability.as_ref()?.days;
        (now < blob.created + Duration::days(days)).then_some((
            "BlobImmutableDueToPolicy",
            "This operation is not permitted as the blob is immutable due to a policy.",
        ))
    }

    /// Makes a blob what its name stands for; what was there stays as the account says.
    pub(crate) fn store(
        &mut self,
        mut blob: Blob,
        keep: Keeping,
        now: OffsetDateTime,
    ) -> Option<String> {
        self.uncommitted.remove(&blob.name);
        let older = self
            .blobs
            .iter()
            .position(|one| one.name == blob.name && one.is_live());
        if let Some(at) = older {
            if keep.versions {
                // One from before there were versions becomes one now.
                let version = self.next_version(self.blobs[at].modified);
                let older = &mut self.blobs[at];
                older.current = false;
                older.version.get_or_insert(version);
            } else {
                let mut older = self.blobs.remove(at);
                if older.version.is_some() {
                    older.current = false;
                    self.blobs.push(older);
                } else if let Some(days) = keep.days {
                    older.snapshot = Some(long(now));
                    older.deleted = Some(Deleted { at: now, days });
                    self.blobs.push(older);
                }
            }
        }
        // What soft delete keeps of a blob of that name becomes a snapshot of the new one.
        for one in &mut self.blobs {
            if one.name == blob.name
                && one.current
                && one.snapshot.is_none()
                && one.version.is_none()
            {
                one.snapshot = Some(long(now));
                one.current = false;
            }
        }
        blob.version = keep.versions.then(|| self.next_version(now));
        let version = blob.version.clone();
        self.blobs.push(blob);
        version
    }

    /// Two versions never have the same moment.
    fn next_version(&self, now: OffsetDateTime) -> String {
        let mut moment = now;
        loop {
            let version = long(moment);
            if self
                .blobs
                .iter()
                .all(|one| one.version.as_ref() != Some(&version))
            {
                return version;
            }
            moment += Duration::nanoseconds(100);
        }
    }

    /// Deletes the live blob of this name, with its snapshots or without.
    pub(crate) fn delete(
        &mut self,
        name: &str,
        keep: Keeping,
        snapshots: bool,
        base: bool,
        now: OffsetDateTime,
    ) {
        let mut kept = Vec::new();
        for mut one in std::mem::take(&mut self.blobs) {
            let hit = one.name == name
                && one.deleted.is_none()
                && ((base && one.is_live()) || (snapshots && one.snapshot.is_some()));
            if !hit {
                kept.push(one);
            } else if keep.versions && one.snapshot.is_none() {
                one.current = false;
                one.version.get_or_insert_with(|| long(one.modified));
                kept.push(one);
            } else if let Some(days) = keep.days {
                one.deleted = Some(Deleted { at: now, days });
                kept.push(one);
            }
        }
        self.blobs = kept;
        if base {
            self.uncommitted.remove(name);
        }
    }

    /// Deletes one version or one snapshot; whether there was one.
    pub(crate) fn delete_one(
        &mut self,
        name: &str,
        wanted: &Wanted,
        keep: Keeping,
        now: OffsetDateTime,
    ) -> bool {
        let found = self
            .blobs
            .iter()
            .position(|one| one.name == name && one.deleted.is_none() && wanted.is(one));
        let Some(at) = found else { return false };
        match keep.days {
            Some(days) => self.blobs[at].deleted = Some(Deleted { at: now, days }),
            None => drop(self.blobs.remove(at)),
        }
        true
    }

    /// Forgets what soft delete need not keep any more.
    fn expire(&mut self, now: OffsetDateTime) {
        self.blobs
            .retain(|one| one.deleted.is_none_or(|deleted| !deleted.over(now)));
    }
}

/// What an account keeps of what is written over or deleted.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Keeping {
    pub(crate) versions: bool,
    /// Days of soft delete.
    pub(crate) days: Option<i64>,
}

/// One version or one snapshot.
#[derive(Clone, Debug)]
pub(crate) enum Wanted {
    Version(String),
    Snapshot(String),
}

impl Wanted {
    pub(crate) fn is(&self, blob: &Blob) -> bool {
        match self {
            Self::Version(id) => blob.snapshot.is_none() && blob.version.as_ref() == Some(id),
            Self::Snapshot(id) => blob.snapshot.as_ref() == Some(id),
        }
    }
}

impl Account {
    /// A container that is there.
    pub(crate) fn live(&self, name: &str) -> Option<&Container> {
        let mut all = self.containers.iter();
        all.find(|one| one.name == name && one.deleted.is_none())
    }

    pub(crate) fn live_mut(&mut self, name: &str) -> Option<&mut Container> {
        let mut all = self.containers.iter_mut();
        all.find(|one| one.name == name && one.deleted.is_none())
    }

    /// What it keeps of blobs.
    pub(crate) fn keeping(&self) -> Keeping {
        Keeping {
            versions: self.blob_service("isVersioningEnabled") == true,
            days: self.retention("deleteRetentionPolicy"),
        }
    }

    /// Whether the name of a container is still taken by one that was deleted.
    pub(crate) fn being_deleted(
        &self,
        name: &str,
        now: OffsetDateTime,
        takes: std::time::Duration,
    ) -> bool {
        self.containers.iter().any(|one| {
            one.name == name && one.deleted.is_some_and(|deleted| now < deleted.at + takes)
        })
    }

    /// Deletes a container; whether there was one.
    pub(crate) fn delete_container(&mut self, name: &str, now: OffsetDateTime) -> bool {
        let days = self
            .retention("containerDeleteRetentionPolicy")
            .unwrap_or(0);
        let Some(container) = self.live_mut(name) else {
            return false;
        };
        container.deleted = Some(Deleted { at: now, days });
        container.modified = now;
        true
    }
}

impl World {
    /// Forgets what time has taken.
    pub(crate) fn expire(&mut self) {
        let now = self.now();
        let takes = self.config.container_deletion;
        for account in self.accounts.values_mut() {
            account.containers.retain(|one| {
                one.deleted
                    .is_none_or(|deleted| !deleted.over(now) || now < deleted.at + takes)
            });
            for container in &mut account.containers {
                container.expire(now);
            }
        }
        let delay = self.config.role_delay;
        self.assignments
            .retain(|one| one.removed.is_none_or(|removed| now < removed + delay));
    }
}
