//! Whose a bucket is: the generations that are drawn for it, the marker that carries them,
//! and what is said about a bucket that is somebody else's.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use super::schema::Bucket;
use super::spec;
use crate::byob::change::Change;
use crate::byob::cloud::{LookAt, Sighting};
use crate::byob::marker::{self, Generation, Marker, OwnedBucket};
use crate::byob::observed::Versioning;
use crate::byob::{Cloud, CloudError};
use crate::sdk::diagnostic::{Diagnostic, Path};
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

/// Marks a half-made bucket as one that this run makes.
pub async fn mark(
    configuration: &Configuration,
    cloud: &Arc<dyn Cloud>,
    bucket: &Bucket,
    name: &str,
) -> Result<Generation, CloudError> {
    let generation = random_generation();
    let tags = first_tags(configuration, bucket, &generation);
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

/// Marks a bucket as taken over, before anything else is changed. Its marker names the former
/// owners until their users for W&B are gone, so that a run which dies leaves nobody's user
/// unknown.
pub async fn take_over(
    cloud: &Arc<dyn Cloud>,
    name: &str,
    sighting: &Sighting,
) -> Result<Takeover, CloudError> {
    let generation = random_generation();
    let marker = match &sighting.marker {
        Some(former) => former.taken_over(generation.clone()),
        None => Marker::ready(generation.clone()),
    };
    let mut tags = sighting.tags.clone();
    tags.insert(marker::KEY.to_owned(), marker.to_string());
    let takeover = Takeover {
        before: sighting.tags.clone(),
        generation,
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

/// Whose bucket a state's is now.
pub enum Owner {
    /// This state's.
    Us(OwnedBucket),
    /// Somebody else's; with what to say about it.
    Others(Diagnostic),
}

/// Finds out whose bucket it is now.
pub async fn confirm(
    cloud: &Arc<dyn Cloud>,
    state: &Bucket,
    name: &str,
    sighting: &Sighting,
) -> Result<Owner, Diagnostic> {
    let (ours, found) = match (spec::generation(state), sighting.marker.clone()) {
        (Some(ours), found) => (ours, found),
        (None, Some(found)) => return Ok(Owner::Others(left_alone(name, &found, None))),
        // Imported, and never changed since: it gets its marker now, so that nothing is
        // ever deleted without one.
        (None, None) => {
            let summary = format!("Bucket {name:?} was not deleted");
            let failed = |error| Explanation::cloud(summary.clone(), error).error();
            let takeover = take_over(cloud, name, sighting).await.map_err(failed)?;
            let seen = cloud.look(name).await.map_err(failed)?;
            (takeover.generation, seen.and_then(|seen| seen.marker))
        }
    };
    if let Some(owned) = OwnedBucket::confirm(name, found.as_ref(), &ours) {
        return Ok(Owner::Us(owned));
    }
    match found {
        Some(marker) => Ok(Owner::Others(left_alone(name, &marker, Some(&ours)))),
        None => Err(Explanation::new(
            format!("Bucket {name:?} was not deleted"),
            format!(
                "it has lost its tag {}, so it may be somebody else's by now",
                marker::KEY
            ),
        )
        .left_behind("the bucket, with all that is in it")
        .what_to_do(
            "If it is yours, run terraform apply, which restores the tag, then destroy; or set \
             on_destroy = \"keep\".",
        )
        .error()),
    }
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
