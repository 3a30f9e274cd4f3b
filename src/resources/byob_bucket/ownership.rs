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

/// The same at every try of one adoption, so that a second try finds what the first one
/// made; another than the marker that is there, so that its owner's state cannot delete
/// the bucket any more.
pub fn adopted_generation(id: &str, before: &Marker) -> Generation {
    let text = format!("{id} {before}");
    let digest = aws_lc_rs::digest::digest(&aws_lc_rs::digest::SHA256, text.as_bytes());
    let mut bytes = [0_u8; 4];
    bytes.copy_from_slice(&digest.as_ref()[..4]);
    Generation::from_bytes(bytes)
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
        (None, Some(found)) => (found.generation.clone(), Some(found)),
        // Imported, and never changed since: it gets its marker now, so that nothing is
        // ever deleted without one.
        (None, None) => {
            let marker = Marker::ready(random_generation());
            let mut tags: BTreeMap<String, String> = sighting.tags.clone();
            tags.insert(marker::KEY.to_owned(), marker.to_string());
            cloud
                .change(name, &Change::Tags(tags))
                .await
                .map_err(|error| {
                    Explanation::cloud(format!("Bucket {name:?} was not deleted"), error).error()
                })?;
            (marker.generation.clone(), Some(marker))
        }
    };
    if let Some(owned) = OwnedBucket::confirm(name, found.as_ref(), &ours) {
        return Ok(Owner::Us(owned));
    }
    match found {
        Some(marker) => Ok(Owner::Others(
            Explanation::new(
                format!("Bucket {name:?} was left alone"),
                format!(
                    "it is another making of the bucket: its tag {} names generation {}, and this \
                     resource made {ours}",
                    marker::KEY,
                    marker.generation
                ),
            )
            .left_behind("the bucket, with all that is in it")
            .warning(),
        )),
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_adoption_has_one_generation_and_never_the_old_one() {
        let old = Marker::ready(Generation::from_bytes([1, 2, 3, 4]));
        let once = adopted_generation("s3_compatible/h/b", &old);
        assert_eq!(once, adopted_generation("s3_compatible/h/b", &old));
        assert_ne!(once, old.generation);
        let other = Marker::ready(Generation::from_bytes([1, 2, 3, 5]));
        assert_ne!(once, adopted_generation("s3_compatible/h/b", &other));
    }
}
