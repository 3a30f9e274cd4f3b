//! Whose a bucket is: the generations that are drawn for it, the marker that carries them,
//! and what is said about a bucket that is somebody else's.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use super::private::{GONE, IMPORTED, SEEN, was_interrupted};
use super::schema::Bucket;
use super::spec;
use crate::byob::change::Change;
use crate::byob::cloud::{LookAt, Sighting};
use crate::byob::marker::{self, Generation, Marker, OwnedBucket};
use crate::byob::observed::Versioning;
use crate::byob::{Cloud, CloudError, Observed};
use crate::sdk::diagnostic::{Diagnostic, Path};
use crate::sdk::model::Field;
use crate::sdk::private::Private;
use crate::terraform::configuration::Configuration;
use crate::terraform::diagnostics::Explanation;

/// How young a bare bucket must be to count as half made.
const YOUNG: Duration = Duration::from_secs(3600);

/// Drawn anew for each bucket that is made.
pub fn random_generation() -> Generation {
    let mut bytes = [0_u8; 4];
    // Falls back to the clock where the system has no random numbers to give.
    if aws_lc_rs::rand::fill(&mut bytes).is_err() {
        let now = SystemTime::now()
            .duration_since(SystemTime::UNIX_EPOCH)
            .unwrap_or_default();
        bytes = now.subsec_nanos().to_be_bytes();
    }
    Generation::from_bytes(bytes)
}

/// The tags of a bucket that is being made: the user's, and the marker.
pub fn first_tags(
    configuration: &Configuration,
    bucket: &Bucket,
    generation: &Generation,
) -> BTreeMap<String, String> {
    let mut tags = spec::all_tags(&bucket.tags, configuration).unwrap_or_default();
    tags.insert(
        marker::KEY.to_owned(),
        Marker::creating(generation.clone()).to_string(),
    );
    tags
}

/// Marks a half-made bucket as one that this run makes. The generations of the runs before
/// stay with it: what they have made carries them.
pub async fn mark(
    configuration: &Configuration,
    cloud: &Arc<dyn Cloud>,
    bucket: &Bucket,
    name: &str,
    began: Option<&Marker>,
) -> Result<Generation, CloudError> {
    let generation = random_generation();
    let mut tags = first_tags(configuration, bucket, &generation);
    if let Some(began) = began {
        let marker = Marker::going_on(began, generation.clone());
        tags.insert(marker::KEY.to_owned(), marker.to_string());
    }
    cloud.change(name, &Change::Tags(tags)).await?;
    Ok(generation)
}

/// A bucket that is there, on its way from its owner so far to this resource.
#[derive(Debug)]
pub struct Takeover {
    /// Its tags before, with the marker of its owner so far.
    before: BTreeMap<String, String>,
    /// Drawn for this resource: the state of its owner so far cannot delete the bucket any
    /// more, and of two who take it over at once only one keeps it.
    pub generation: Generation,
}

/// Marks a bucket as taken over by the state that has it, before anything else is changed. Its
/// marker names the former owners until their users for W&B are gone, so that a run which dies
/// leaves nobody's user unknown.
pub async fn take_over(
    cloud: &Arc<dyn Cloud>,
    name: &str,
    sighting: &Sighting,
) -> Result<Takeover, CloudError> {
    let generation = random_generation();
    let marker = Marker::taking_over(sighting.marker.as_ref(), generation.clone());
    mark_taken(cloud, name, sighting, marker).await
}

/// The same for a state that has never had the bucket.
pub async fn adopt(
    cloud: &Arc<dyn Cloud>,
    name: &str,
    sighting: &Sighting,
) -> Result<Takeover, CloudError> {
    let marker = Marker::adopting(sighting.marker.as_ref(), random_generation());
    mark_taken(cloud, name, sighting, marker).await
}

async fn mark_taken(
    cloud: &Arc<dyn Cloud>,
    name: &str,
    sighting: &Sighting,
    marker: Marker,
) -> Result<Takeover, CloudError> {
    let mut tags = sighting.tags.clone();
    tags.insert(marker::KEY.to_owned(), marker.to_string());
    let takeover = Takeover {
        before: sighting.tags.clone(),
        generation: marker.generation,
    };
    if let Err(error) = cloud.change(name, &Change::Tags(tags)).await {
        // The answer may have been lost, and the tags written.
        if let Err(second) = give_back(cloud, name, &takeover).await {
            tracing::warn!(%second, "whose the bucket is was not looked at again");
        }
        return Err(error);
    }
    Ok(takeover)
}

/// Gives a bucket back whose takeover has failed, unless somebody else has it by now.
pub async fn give_back(
    cloud: &Arc<dyn Cloud>,
    name: &str,
    takeover: &Takeover,
) -> Result<(), CloudError> {
    let found = cloud.look(name).await?.and_then(|sighting| sighting.marker);
    if found.is_some_and(|marker| marker.generation == takeover.generation) {
        let tags = Change::Tags(takeover.before.clone());
        cloud.change(name, &tags).await?;
    }
    Ok(())
}

/// Made a moment ago and never touched since: what a create leaves that died between
/// making the bucket and marking it, on servers that cannot do both at once.
pub async fn is_bare(
    cloud: &Arc<dyn Cloud>,
    name: &str,
    sighting: &Sighting,
) -> Result<bool, CloudError> {
    let is_young = sighting
        .created
        .and_then(|created| SystemTime::now().duration_since(created).ok())
        .is_some_and(|age| age < YOUNG);
    if !is_young || !sighting.tags.is_empty() {
        return Ok(false);
    }
    if !cloud.contents(name, 1).await?.is_empty() {
        return Ok(false);
    }
    let look_at = LookAt::default();
    let observed = cloud.observe(name, &look_at).await?;
    Ok(observed.is_some_and(|observed| {
        let no_rules = observed.cors.known().is_none_or(Vec::is_empty)
            && observed.lifecycle.known().is_none_or(Vec::is_empty);
        let no_grants = observed
            .grants
            .known()
            .is_none_or(|grants| grants.foreign.is_empty());
        let never_versioned = observed
            .versioning
            .known()
            .is_none_or(|one| *one == Versioning::Off);
        no_rules && no_grants && never_versioned
    }))
}

/// Remembers that the bucket is there, and this state's.
pub fn note_seen(private: &mut Private) {
    if let Ok(now) = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH) {
        private.set(SEEN, u64::try_from(now.as_millis()).unwrap_or(u64::MAX));
    }
}

/// Whether a bucket without our marker is another one than the last apply has left: it never
/// kept old versions although that apply has seen to it, which nobody can undo; or it is
/// younger, and lacks what was written; or the server still knows ours, which was deleted. Its
/// date alone proves nothing, for on AWS a change of settings can change it.
pub fn is_made_anew(
    state: &Bucket,
    private: &Private,
    observed: &Observed,
    sighting: &Sighting,
) -> bool {
    let is_deleted = spec::generation(state).is_some_and(|own| sighting.deleted.contains(&own));
    let seen = private.get(SEEN).and_then(serde_json::Value::as_u64);
    let versioning = observed
        .versioning
        .known()
        .filter(|_| state.versioning == Field::Known(true));
    let never_versioned = versioning == Some(&Versioning::Off);
    let is_unversioned = versioning.is_some_and(|found| *found != Versioning::Enabled);
    let seen = seen.map(|seen| SystemTime::UNIX_EPOCH + Duration::from_millis(seen));
    // An apply that was killed has lost when the bucket was seen: then its date says nothing
    // for it either.
    let may_be_younger = match (sighting.created, seen) {
        (Some(created), Some(seen)) => latest(created) > seen,
        (None, Some(_)) => false,
        (_, None) => true,
    };
    // Where no rule of ours can be, none says that the bucket is the same.
    let is_bare = observed.cors.known().is_none_or(Vec::is_empty);
    is_deleted || never_versioned || (may_be_younger && (is_bare || is_unversioned))
}

/// Whether a run that ended while it made a bucket of the state again may have left this one,
/// on a server that cannot mark a bucket in the call that makes it.
pub async fn may_be_half_made(
    cloud: &Arc<dyn Cloud>,
    name: &str,
    sighting: &Sighting,
    private: &Private,
) -> Result<bool, CloudError> {
    let may_have = was_interrupted(private) || private.get(GONE).is_some();
    Ok(may_have && is_bare(cloud, name, sighting).await?)
}

/// The latest moment that a date can stand for: some servers tell whole seconds only.
fn latest(date: SystemTime) -> SystemTime {
    let since = date.duration_since(SystemTime::UNIX_EPOCH);
    match since {
        Ok(since) if since.subsec_nanos() == 0 => date + Duration::from_millis(999),
        _ => date,
    }
}

/// The bucket of a state is another one now.
pub fn made_anew(id: &str, name: &str) -> Explanation {
    Explanation::new(
        format!("Bucket {name:?} was made anew by somebody else"),
        format!(
            "it does not carry the tag {}, and it is not the bucket that the last apply has left",
            marker::KEY
        ),
    )
    .left_behind("the bucket as it is")
    .what_to_do(format!(
        "Find out whose it is. To have it here, set adopt = true; or remove it from the state \
         (terraform state rm) and import it with\n\n\
         import {{\n  to = wandb_byob_bucket.<name>\n  id = {id:?}\n}}"
    ))
}

/// A bucket of that name is somebody's.
pub fn taken(id: &str, name: &str) -> Diagnostic {
    Explanation::new(
        format!("Bucket {name:?} exists already"),
        "a bucket of this name is on the server, and the state does not know it",
    )
    .left_behind("the bucket as it was")
    .what_to_do(format!(
        "Choose another name; or take the bucket over with adopt = true; or import it into a \
         resource of its own with\n\n\
         import {{\n  to = wandb_byob_bucket.<name>\n  id = {id:?}\n}}"
    ))
    .at(Path::of("name"))
    .error()
}

/// A half-made bucket is gone on with.
pub fn continued(name: &str) -> Diagnostic {
    Explanation::new(
        format!("Bucket {name:?} is half made"),
        "an earlier run began to make it and did not finish; this one goes on with it",
    )
    .warning()
}

/// Whether whoever has the bucket now has begun to take it over as this state, and not come to
/// an end: this state's own run, where that may have been. An adoption is another state's.
pub fn began_to_take(state: &Bucket, marker: Option<&Marker>) -> bool {
    let ours = spec::generation(state).unwrap_or_else(Generation::nobodys);
    marker.is_some_and(|marker| marker.former.contains(&ours))
}

/// Whose bucket a state's is now.
pub enum Owner {
    /// This state's.
    Us(Owned),
    /// This state's, once its marker says so: it was imported and never changed since, or an
    /// apply was killed on the way to that. With the bucket as its marker has it, if there is
    /// one.
    Nearly(Option<Owned>),
    /// Somebody else's; with what to say about it.
    Others(Diagnostic),
}

/// A bucket of this state.
pub struct Owned {
    /// The bucket.
    pub bucket: OwnedBucket,
    /// What was made for it carries one of these; the first one is the bucket's own.
    pub generations: Vec<Generation>,
}

impl Owned {
    fn confirm(name: &str, found: &Marker, ours: &Generation) -> Option<Self> {
        Some(Self {
            bucket: OwnedBucket::confirm(name, Some(found), ours)?,
            generations: found
                .generations()
                .into_iter()
                .filter(|one| *one != Generation::nobodys())
                .collect(),
        })
    }
}

/// Finds out whose bucket it is that is to be deleted: one without a marker is somebody else's
/// where ours was proven to be gone.
pub async fn owner(
    cloud: &Arc<dyn Cloud>,
    state: &Bucket,
    private: &Private,
    name: &str,
    sighting: &Sighting,
) -> Result<Owner, Diagnostic> {
    if sighting.marker.is_none() && private.get(GONE).is_some() {
        let half_made = may_be_half_made(cloud, name, sighting, private).await;
        let failed = |error| Explanation::cloud(not_deleted(name), error).error();
        if !half_made.map_err(failed)? {
            return Ok(Owner::Others(another_unmarked(name)));
        }
    }
    owner_by(state, private, name, sighting.marker.as_ref())
}

fn not_deleted(name: &str) -> String {
    format!("Bucket {name:?} was not deleted")
}

/// The same by the marker that was found on it.
fn owner_by(
    state: &Bucket,
    private: &Private,
    name: &str,
    found: Option<&Marker>,
) -> Result<Owner, Diagnostic> {
    let ours = spec::generation(state);
    let interrupted = was_interrupted(private);
    let may_take = ours.is_none() || interrupted || private.get(IMPORTED).is_some();
    if (ours.is_none() && found.is_none()) || (may_take && began_to_take(state, found)) {
        let as_marked = found.and_then(|found| Owned::confirm(name, found, &found.generation));
        return Ok(Owner::Nearly(as_marked));
    }
    let Some(found) = found else {
        return Err(unmarked(name));
    };
    match ours
        .as_ref()
        .and_then(|ours| Owned::confirm(name, found, ours))
    {
        Some(owned) => Ok(Owner::Us(owned)),
        // Ours was proven to be gone after that apply was killed.
        None if interrupted && private.get(GONE).is_none() => Err(perhaps_ours(name, found)),
        None => Ok(Owner::Others(left_alone(name, found, ours.as_ref()))),
    }
}

/// Takes over a bucket that is about to be deleted: nothing is ever deleted without a marker
/// of its owner's.
pub async fn take_to_delete(
    cloud: &Arc<dyn Cloud>,
    name: &str,
    sighting: &Sighting,
) -> Result<Owned, Diagnostic> {
    let summary = not_deleted(name);
    let failed = |error| Explanation::cloud(summary.clone(), error).error();
    let takeover = take_over(cloud, name, sighting).await.map_err(failed)?;
    let found = cloud.look(name).await.map_err(failed)?;
    let Some(found) = found.and_then(|seen| seen.marker) else {
        return Err(unmarked(name));
    };
    Owned::confirm(name, &found, &takeover.generation).ok_or_else(|| perhaps_ours(name, &found))
}

/// The bucket of a state whose marker is gone.
fn unmarked(name: &str) -> Diagnostic {
    Explanation::new(
        format!("Bucket {name:?} was not deleted"),
        format!(
            "it has lost its tag {}, so it may be somebody else's by now",
            marker::KEY
        ),
    )
    .left_behind("the bucket, with all that is in it")
    .what_to_do(
        "If it is yours, run terraform apply, which restores the tag, then destroy; or set \
         on_destroy = \"keep\". If not, remove it from the state (terraform state rm).",
    )
    .error()
}

/// A bucket that carries another generation, perhaps from a run of this state that was killed
/// at its very end.
fn perhaps_ours(name: &str, found: &Marker) -> Diagnostic {
    Explanation::new(
        format!("Bucket {name:?} was not deleted"),
        format!(
            "its tag {} names generation {}, and this state has another one: another \
             configuration has taken it over, or an apply of this state that was killed has done \
             so itself",
            marker::KEY,
            found.generation
        ),
    )
    .left_behind("the bucket, with all that is in it")
    .what_to_do(
        "If it is yours, remove it from this state (terraform state rm), import it again and \
         destroy it then; if not, remove it from this state.",
    )
    .error()
}

/// The warning about a bucket that came after this state's was proven to be gone.
fn another_unmarked(name: &str) -> Diagnostic {
    Explanation::new(
        format!("Bucket {name:?} was left alone"),
        format!(
            "this resource's bucket is gone, and this one does not carry the tag {}",
            marker::KEY
        ),
    )
    .left_behind("the bucket, with all that is in it")
    .warning()
}

/// The warning about a bucket that is somebody else's by now.
fn left_alone(name: &str, found: &Marker, ours: Option<&Generation>) -> Diagnostic {
    let known = match ours {
        Some(ours) => format!("this resource made {ours}"),
        None => "this resource has imported it before it had one".to_owned(),
    };
    Explanation::new(
        format!("Bucket {name:?} was left alone"),
        format!(
            "it is another making of the bucket: its tag {} names generation {}, and {known}",
            marker::KEY,
            found.generation
        ),
    )
    .left_behind("the bucket, with all that is in it")
    .warning()
}
