//! What becomes of a bucket when its resource goes.

use std::collections::BTreeMap;

use super::read::check_host;
use super::schema::Bucket;
use super::settle::identity_of;
use super::{place, plan};
use crate::byob::cloud::{CloudKind, OwnedBucket, Sighting};
use crate::byob::diff::Change;
use crate::byob::marker::{self, Generation, Marker};
use crate::byob::{Cloud, CloudError};
use crate::resources::environment::Configuration;
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
    configuration: &Configuration,
    state: Bucket,
    private: Private,
) -> Outcome<Bucket> {
    match steps(cx, configuration, &state, &private).await {
        Ok(told) => Outcome::gone().with(told),
        Err(diagnostic) => Outcome::exists(state, private).with([diagnostic]),
    }
}

async fn steps(
    cx: &Context,
    configuration: &Configuration,
    state: &Bucket,
    private: &Private,
) -> Result<Diagnostics, Diagnostic> {
    let name = state.name.known().cloned().unwrap_or_default();
    if on_destroy(state) == "keep" {
        return Ok(kept(&name).into());
    }
    let summary = format!("Bucket {name:?} was not deleted");
    let (cloud, place) = place::open(state, configuration, cx.stop(), &summary)?;
    check_host(state, &place)?;
    let failed = |error: CloudError| {
        Trouble::cloud(summary.clone(), error)
            .left_behind("the bucket, with whatever was not deleted yet")
            .timed(cx)
            .error()
    };
    if let Some(sighting) = cloud.look(&name).await.map_err(failed)? {
        let marker = sighting.marker.clone();
        if marker.as_ref().is_some_and(Marker::is_creating)
            && private.text(plan::CREATE) == Some(&name)
        {
            // The other half of this replacement goes on with the half-made bucket.
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
            let contents = cloud.contents(&name, COUNT_LIMIT).await.map_err(failed)?;
            if !contents.is_empty() {
                return Err(holds_data(&summary, &contents.to_string()));
            }
        }
        remove_identity(cx, cloud.as_ref(), state).await?;
        cloud.delete(&owned).await.map_err(failed)?;
    } else {
        remove_identity(cx, cloud.as_ref(), state).await?;
    }
    Ok(Diagnostics::new())
}

/// Removes W&B's user before its bucket, which holds nothing by now: a run that ends
/// between the two still has the bucket in its state, and the next one goes on.
async fn remove_identity(
    cx: &Context,
    cloud: &dyn Cloud,
    state: &Bucket,
) -> Result<(), Diagnostic> {
    let Some(identity) = identity_of(state) else {
        return Ok(());
    };
    cloud.remove_identity(&identity).await.map_err(|error| {
        Trouble::cloud("W&B's user was not removed", error)
            .left_behind(format!("the user {:?}, and its bucket", identity.name))
            .what_to_do("Run terraform destroy again.")
            .timed(cx)
            .error()
    })
}

enum Owner {
    Us(OwnedBucket),
    Others(Diagnostic),
}

/// Finds out whose bucket it is now.
async fn confirm(
    cloud: &std::sync::Arc<dyn Cloud>,
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

/// The value in the state: a change has to be applied before it counts.
pub fn on_destroy(state: &Bucket) -> &str {
    state
        .on_destroy
        .known()
        .map_or("delete_if_empty", String::as_str)
}

/// A bucket that is not empty is not deleted.
pub fn holds_data(summary: &str, contents: &str) -> Diagnostic {
    Trouble::new(summary, format!("it holds {contents}"))
        .left_behind("the bucket, with all that is in it")
        .what_to_do(
            "Set on_destroy = \"delete_everything\" and apply that first; or delete the contents; \
             or set on_destroy = \"keep\" to leave the bucket where it is.",
        )
        .at(Path::of("on_destroy"))
        .error()
}

fn kept(name: &str) -> Diagnostic {
    Trouble::new(
        format!("Bucket {name:?} stays"),
        format!(
            "on_destroy is \"keep\"; it stays on the {} server, and the state forgets it",
            CloudKind::S3Compatible.block()
        ),
    )
    .left_behind("the bucket with all that is in it, and W&B's user and key if one was made")
    .warning()
}
