//! What becomes of a bucket when its resource goes.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::read::check_host;
use super::schema::Bucket;
use super::update::rotation;
use super::{place, plan, spec};
use crate::byob::cloud::{KeyEnd, OwnedBucket, Sighting};
use crate::byob::diff::Change;
use crate::byob::identity::{AccessKey, Identity};
use crate::byob::marker::{self, Generation, Marker};
use crate::byob::spec::{Access, BucketSpec};
use crate::byob::{Cloud, CloudError};
use crate::resources::environment::{Configuration, Environment, Left};
use crate::resources::trouble::Trouble;
use crate::sdk::context::Context;
use crate::sdk::diagnostic::{Diagnostic, Diagnostics, Path};
use crate::sdk::private::Private;
use crate::sdk::resource::Outcome;

/// Counting what is in a bucket stops here.
pub const COUNT_LIMIT: u64 = 10_000;

/// Deletes, keeps or leaves the bucket of a state.
pub async fn delete(
    cx: &Context,
    environment: &Environment,
    configuration: &Configuration,
    state: Bucket,
    private: Private,
) -> Outcome<Bucket> {
    match steps(cx, environment, configuration, &state, &private).await {
        Ok(told) => Outcome::gone().with(told),
        Err(problems) => Outcome::exists(state, private).with(problems),
    }
}

async fn steps(
    cx: &Context,
    environment: &Environment,
    configuration: &Configuration,
    state: &Bucket,
    private: &Private,
) -> Result<Diagnostics, Diagnostics> {
    let name = state.name.known().cloned().unwrap_or_default();
    if on_destroy(state) == "keep" {
        return Ok(kept(state, &name).into());
    }
    let summary = format!("Bucket {name:?} was not deleted");
    let (cloud, site) = place::open(cx, state, configuration, &summary).await?;
    check_host(state, &site)?;
    let failed = |error: CloudError| {
        Trouble::cloud(summary.clone(), error)
            .left_behind("the bucket, with whatever was not deleted yet")
            .timed(cx)
            .error()
    };
    let generation = state
        .generation
        .known()
        .and_then(|text| Generation::parse(text));
    let spec = spec::spec(state, None, &site, generation.as_ref(), configuration);
    let identity = spec.as_ref().and_then(made_identity);
    if let Some(sighting) = cloud.look(&name).await.map_err(failed)? {
        let marker = sighting.marker.clone();
        if let Some(marker) = marker.filter(Marker::is_creating)
            && private.text(plan::CREATE) == Some(&name)
        {
            // The other half of this replacement goes on with the half-made bucket.
            leave(environment, state, &marker.generation);
            return Ok(Diagnostics::new());
        }
        let owned = match confirm(&cloud, state, &name, &sighting).await? {
            Owner::Us(owned) => owned,
            Owner::Others(told) => return Ok(told.into()),
        };
        if on_destroy(state) == "delete_everything" {
            let gone = cloud.empty(&owned).await.map_err(failed)?;
            tracing::info!(bucket = %name, emptied = %gone, "the bucket was emptied");
        } else {
            let refusal = data_in(&cloud, &name, &summary).await;
            if let Some(refusal) = refusal.map_err(failed)? {
                return Err(refusal.into());
            }
        }
        remove_identity(cx, &cloud, identity).await?;
        cloud.delete(&owned).await.map_err(failed)?;
    } else {
        remove_identity(cx, &cloud, identity).await?;
    }
    match (&spec, &generation) {
        (Some(spec), Some(generation)) => Ok(remove_key(cx, &cloud, spec, generation).await?),
        _ => Ok(Diagnostics::new()),
    }
}

/// Hands a half-made bucket on, if it is the one of this state.
fn leave(environment: &Environment, state: &Bucket, found: &Generation) {
    let text = state.generation.known().map(String::as_str);
    let (true, Some(id)) = (text == Some(found.as_str()), state.id.known()) else {
        return;
    };
    let key = match (state.access_key_id.known(), state.secret_access_key.known()) {
        (Some(key), Some(secret)) => Some(AccessKey::new(key.as_str(), secret.expose())),
        _ => None,
    };
    let left = Left {
        generation: found.clone(),
        key,
        rotation: rotation(state),
    };
    environment.leave(id, left);
}

fn made_identity(spec: &BucketSpec) -> Option<&Identity> {
    match &spec.access {
        Access::MadeKey(identity) => Some(identity),
        Access::GivenKey | Access::Unmanaged => None,
    }
}

/// Removes W&B's user before its bucket, which holds nothing by now: a run that ends
/// between the two still has the bucket in its state, and the next one goes on.
async fn remove_identity(
    cx: &Context,
    cloud: &Arc<dyn Cloud>,
    identity: Option<&Identity>,
) -> Result<(), Diagnostic> {
    let Some(identity) = identity else {
        return Ok(());
    };
    cloud.remove_identity(identity).await.map_err(|error| {
        Trouble::cloud("W&B's user was not removed", error)
            .left_behind(format!("the user {:?}, and its bucket", identity.name))
            .what_to_do("Run terraform destroy again.")
            .timed(cx)
            .error()
    })
}

/// Gives up the bucket's own key, now that nothing is left that it encrypts.
async fn remove_key(
    cx: &Context,
    cloud: &Arc<dyn Cloud>,
    spec: &BucketSpec,
    generation: &Generation,
) -> Result<Diagnostics, Diagnostic> {
    let Some(key) = &spec.key else {
        return Ok(Diagnostics::new());
    };
    let end = cloud
        .remove_key(
            &spec.name,
            key.name.as_deref(),
            generation,
            key.deletion_days,
        )
        .await
        .map_err(|error| {
            Trouble::cloud("The bucket's key was not given up", error)
                .left_behind("the key; the bucket is gone")
                .what_to_do("Run terraform destroy again.")
                .timed(cx)
                .error()
        })?;
    Ok(match end {
        KeyEnd::None => Diagnostics::new(),
        KeyEnd::Scheduled { key } => {
            tracing::info!(%key, "the key's deletion is scheduled");
            Diagnostics::new()
        }
        KeyEnd::Kept { key, why } => Trouble::new("The bucket's key stays", why)
            .left_behind(format!("the key {key}; the bucket is gone"))
            .warning()
            .into(),
    })
}

enum Owner {
    Us(OwnedBucket),
    Others(Diagnostic),
}

/// Finds out whose bucket it is now.
async fn confirm(
    cloud: &Arc<dyn Cloud>,
    state: &Bucket,
    name: &str,
    sighting: &Sighting,
) -> Result<Owner, Diagnostic> {
    let ours = state
        .generation
        .known()
        .and_then(|text| Generation::parse(text));
    let (ours, found) = match (ours, sighting.marker.clone()) {
        (Some(ours), found) => (ours, found),
        (None, Some(found)) => (found.generation.clone(), Some(found)),
        // Imported, and never changed since: it gets its marker now, so that nothing is
        // ever deleted without one.
        (None, None) => {
            let marker = Marker::ready(super::create::random_generation());
            let mut tags: BTreeMap<String, String> = sighting.tags.clone();
            tags.insert(marker::KEY.to_owned(), marker.to_string());
            cloud
                .change(name, &Change::Tags(tags))
                .await
                .map_err(|error| {
                    Trouble::cloud(format!("Bucket {name:?} was not deleted"), error).error()
                })?;
            (marker.generation.clone(), Some(marker))
        }
    };
    if let Some(owned) = OwnedBucket::confirm(name, found.as_ref(), &ours) {
        return Ok(Owner::Us(owned));
    }
    match found {
        Some(marker) => Ok(Owner::Others(
            Trouble::new(
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
        None => Err(Trouble::new(
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

/// Refuses when a deletion of this bucket would be refused: for what it holds, for what is
/// locked in it, or because it may be somebody else's. For resources that delete something
/// else first.
pub async fn check(
    cx: &Context,
    configuration: &Configuration,
    state: &Bucket,
) -> Result<(), Diagnostics> {
    if on_destroy(state) == "keep" {
        return Ok(());
    }
    let name = state.name.known().cloned().unwrap_or_default();
    let summary = format!("Bucket {name:?} was not deleted");
    let failed = |error: CloudError| {
        Trouble::cloud(summary.clone(), error)
            .left_behind("the bucket, with all that is in it")
            .timed(cx)
            .error()
    };
    let (cloud, site) = place::open(cx, state, configuration, &summary).await?;
    check_host(state, &site)?;
    let Some(sighting) = cloud.look(&name).await.map_err(failed)? else {
        return Ok(());
    };
    let Owner::Us(owned) = confirm(&cloud, state, &name, &sighting).await? else {
        return Ok(());
    };
    if on_destroy(state) == "delete_everything" {
        return Ok(cloud.can_empty(&owned).await.map_err(failed)?);
    }
    match data_in(&cloud, &name, &summary).await.map_err(failed)? {
        Some(refusal) => Err(refusal.into()),
        None => Ok(()),
    }
}

/// The refusal while there is anything in the bucket.
pub async fn data_in(
    cloud: &Arc<dyn Cloud>,
    name: &str,
    summary: &str,
) -> Result<Option<Diagnostic>, CloudError> {
    let contents = cloud.contents(name, COUNT_LIMIT).await?;
    Ok((!contents.is_empty()).then(|| holds_data(summary, &contents.to_string())))
}

/// The value in the state: a change has to be applied before it counts.
pub fn on_destroy(state: &Bucket) -> &str {
    state
        .on_destroy
        .known()
        .map_or("delete_if_empty", String::as_str)
}

/// A bucket that is not empty is not deleted.
fn holds_data(summary: &str, contents: &str) -> Diagnostic {
    Trouble::new(summary, format!("it holds {contents}"))
        .left_behind("the bucket, with all that is in it")
        .what_to_do(
            "Set on_destroy = \"delete_everything\" and apply that first; or delete the contents; \
             or set on_destroy = \"keep\" to leave the bucket where it is.",
        )
        .at(Path::of("on_destroy"))
        .error()
}

fn kept(state: &Bucket, name: &str) -> Diagnostic {
    let cloud = state.block().map_or("its cloud", |(kind, _)| kind.title());
    Trouble::new(
        format!("Bucket {name:?} stays"),
        format!(
            "on_destroy is \"keep\"; it stays on {cloud}, and the state forgets it"
        ),
    )
    .left_behind("the bucket with all that is in it, and whatever was made for it: W&B's user and access key, the key that encrypts it")
    .warning()
}
