//! Making a bucket, going on with a half-made one, or taking over one that is there.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use super::place::Site;
use super::schema::Bucket;
use super::settle::{Settled, Work};
use super::update::rotation;
use super::{place, spec};
use crate::byob::cloud::Sighting;
use crate::byob::diff::Change;
use crate::byob::marker::{self, Generation, Marker};
use crate::byob::spec::Access;
use crate::byob::{Cloud, CloudError, CloudErrorKind, Observed};
use crate::resources::environment::{Configuration, Environment};
use crate::resources::trouble::Trouble;
use crate::sdk::context::Context;
use crate::sdk::diagnostic::{Diagnostic, Path};
use crate::sdk::model::{Field, Secret};
use crate::sdk::private::Private;
use crate::sdk::resource::{Create, Outcome};

/// How young a bare bucket must be to count as half made.
const YOUNG: Duration = Duration::from_secs(3600);

/// How the bucket came to be there.
pub enum Start {
    /// Made now; with what it is like, where that is certain.
    Made(Generation, Option<Box<Observed>>),
    /// Made by an earlier run that did not finish, of this generation.
    Continued(Generation),
    /// It was there; `adopt` allows taking it over.
    Adopted(Generation),
}

/// Makes the bucket of a plan.
pub async fn create(
    cx: &Context,
    environment: &Environment,
    configuration: &Configuration,
    create: Create<Bucket>,
) -> Outcome<Bucket> {
    let Create {
        planned, config, ..
    } = create;
    let summary = "The bucket was not made";
    let (cloud, site) = match place::open(cx, &planned, configuration, summary).await {
        Ok(opened) => opened,
        Err(problems) => return Outcome::gone().with(problems),
    };
    let mut bucket = planned;
    bucket.set_block(site.account.kind(), site.block().clone());
    spec::fill_outputs(&mut bucket, &config, &site);
    let mut told = Vec::new();
    let is_absent = bucket
        .id
        .known()
        .is_some_and(|id| environment.was_absent(id));
    let start = if is_absent {
        make_new(cx, configuration, &cloud, &bucket).await
    } else {
        start(cx, configuration, &cloud, &bucket, &mut told).await
    };
    let start = match start {
        Ok(start) => start,
        Err(diagnostic) => return Outcome::gone().with(told).with([diagnostic]),
    };
    let mut began = None;
    let (generation, is_new, fresh) = match start {
        Start::Made(generation, fresh) => (generation, true, fresh),
        Start::Continued(old) if take_left(environment, &mut bucket, &old) => (old, true, None),
        Start::Continued(old) => {
            let anew = begin_anew(cx, configuration, &cloud, &site, &config, &bucket, &old).await;
            began = Some(old);
            match anew {
                Ok(generation) => (generation, true, None),
                Err(diagnostic) => return Outcome::gone().with(told).with([diagnostic]),
            }
        }
        Start::Adopted(generation) => (generation, false, None),
    };
    bucket.generation = Field::Known(generation.to_string());
    if is_new {
        cx.exists(&bucket, &Private::default());
    }
    let work = Work {
        cx,
        configuration,
        cloud,
        site,
        fresh: fresh.map(|observed| *observed),
        config: &config,
        generation,
        rotate: false,
        old_identity: None,
        is_new,
        began,
        takes_over: !is_new,
    };
    let Settled {
        bucket,
        private,
        diagnostics,
    } = work.settle(bucket, Private::default()).await;
    if diagnostics.has_errors() && !is_new {
        // An adoption that failed leaves nothing in the state: Terraform would taint
        // it, and replace somebody's bucket next time.
        let rest = work.withdraw(&bucket).await;
        return Outcome::gone().with(told).with(diagnostics).with(rest);
    }
    Outcome::exists(bucket, private)
        .with(told)
        .with(diagnostics)
}

/// Goes on as the run that has begun, where the deleting half of this replacement has left
/// its bucket: then no other state knows of it.
fn take_left(environment: &Environment, bucket: &mut Bucket, began: &Generation) -> bool {
    let id = bucket.id.known().cloned().unwrap_or_default();
    let Some(left) = environment.take_left(&id) else {
        return false;
    };
    if left.generation != *began {
        return false;
    }
    if let (Some(key), Field::Unknown) = (left.key, &bucket.access_key_id)
        && left.rotation == rotation(bucket)
    {
        bucket.secret_access_key = Field::Known(Secret::new(key.expose_secret()));
        bucket.access_key_id = Field::Known(key.id);
    }
    true
}

/// Gives a half-made bucket a generation of its own: another state, or an object that
/// Terraform deletes after this one, may hold the old generation, and must not be able to
/// delete what is made here.
async fn begin_anew(
    cx: &Context,
    configuration: &Configuration,
    cloud: &Arc<dyn Cloud>,
    site: &Site,
    config: &Bucket,
    bucket: &Bucket,
    began: &Generation,
) -> Result<Generation, Diagnostic> {
    let name = bucket.name.known().cloned().unwrap_or_default();
    let failed = |error| {
        Trouble::cloud("The bucket was not made", error)
            .left_behind("the bucket, half made; the next apply goes on with it")
            .timed(cx)
            .error()
    };
    let before = spec::spec(bucket, Some(config), site, Some(began), configuration);
    if let Some(Access::MadeKey(identity)) = before.map(|spec| spec.access) {
        cloud.remove_identity(&identity).await.map_err(failed)?;
    }
    mark(configuration, cloud, bucket, &name)
        .await
        .map_err(failed)
}

/// Marks a half-made bucket as one that this run makes.
async fn mark(
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

async fn start(
    cx: &Context,
    configuration: &Configuration,
    cloud: &Arc<dyn Cloud>,
    bucket: &Bucket,
    told: &mut Vec<Diagnostic>,
) -> Result<Start, Diagnostic> {
    let name = bucket.name.known().cloned().unwrap_or_default();
    let summary = "The bucket was not made";
    let failed = |error| {
        Trouble::cloud(summary, error)
            .left_behind("nothing new")
            .timed(cx)
            .error()
    };
    let id = bucket.id.known().cloned().unwrap_or_default();
    let Some(sighting) = cloud.look(&name).await.map_err(failed)? else {
        return make_new(cx, configuration, cloud, bucket).await;
    };
    match &sighting.marker {
        Some(marker) if marker.is_creating() => {
            told.push(continued(&name));
            Ok(Start::Continued(marker.generation.clone()))
        }
        _ if bucket.adopt == Field::Known(true) => Ok(Start::Adopted(
            sighting
                .marker
                .as_ref()
                .map_or_else(random_generation, |marker| adopted_generation(&id, marker)),
        )),
        None if is_bare(cloud, &name, &sighting).await.map_err(failed)? => {
            told.push(continued(&name));
            let marked = mark(configuration, cloud, bucket, &name).await;
            Ok(Start::Made(marked.map_err(failed)?, None))
        }
        _ => Err(taken(&id, &name)),
    }
}

/// Makes a bucket that was looked for and is not there.
async fn make_new(
    cx: &Context,
    configuration: &Configuration,
    cloud: &Arc<dyn Cloud>,
    bucket: &Bucket,
) -> Result<Start, Diagnostic> {
    let name = bucket.name.known().cloned().unwrap_or_default();
    let id = bucket.id.known().cloned().unwrap_or_default();
    let trouble = |error, left: &str| {
        Trouble::cloud("The bucket was not made", error)
            .left_behind(left)
            .timed(cx)
            .error()
    };
    match make(configuration, cloud, bucket, &name, &id).await {
        Ok(start) => Ok(start),
        Err(error) if error.kind == CloudErrorKind::AlreadyExists => Err(taken(&id, &name)),
        // Making it takes several calls on some servers, and an answer may be lost.
        Err(error) if matches!(cloud.look(&name).await, Ok(Some(_))) => Err(trouble(
            error,
            "the bucket, bare; the next apply goes on with it",
        )),
        Err(error) => Err(trouble(error, "nothing new")),
    }
}

async fn make(
    configuration: &Configuration,
    cloud: &Arc<dyn Cloud>,
    bucket: &Bucket,
    name: &str,
    id: &str,
) -> Result<Start, crate::byob::CloudError> {
    let generation = random_generation();
    let tags = first_tags(configuration, bucket, &generation);
    match cloud.create(name, &tags).await {
        Ok(()) => {
            tracing::info!(id, "the bucket was made");
            let fresh = cloud.fresh(name, &tags).map(Box::new);
            Ok(Start::Made(generation, fresh))
        }
        Err(error) => Err(error),
    }
}

fn first_tags(
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

/// Made a moment ago and never touched since: what a create leaves that died between
/// making the bucket and marking it, on servers that cannot do both at once.
pub async fn is_bare(
    cloud: &Arc<dyn Cloud>,
    name: &str,
    sighting: &Sighting,
) -> Result<bool, crate::byob::CloudError> {
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
    let look_at = crate::byob::cloud::LookAt::default();
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
            .is_none_or(|one| *one == crate::byob::observed::Versioning::Off);
        no_rules && no_grants && never_versioned
    }))
}

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

/// A bucket of that name is somebody's.
pub fn taken(id: &str, name: &str) -> Diagnostic {
    Trouble::new(
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
    Trouble::new(
        format!("Bucket {name:?} is half made"),
        "an earlier run began to make it and did not finish; this one goes on with it",
    )
    .warning()
}

/// The same at every try of one adoption, so that a second try finds what the first one
/// made; another than the marker that is there, so that its owner's state cannot delete
/// the bucket any more.
fn adopted_generation(id: &str, before: &Marker) -> Generation {
    let text = format!("{id} {before}");
    let digest = aws_lc_rs::digest::digest(&aws_lc_rs::digest::SHA256, text.as_bytes());
    let mut bytes = [0_u8; 4];
    bytes.copy_from_slice(&digest.as_ref()[..4]);
    Generation::from_bytes(bytes)
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
