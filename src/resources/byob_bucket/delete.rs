//! What becomes of a bucket when its resource goes.

use std::sync::Arc;

use super::access_keys::rotation;
use super::on_destroy::{data_in, on_destroy};
use super::ownership::{Owner, confirm};
use super::private::{CREATE, GONE};
use super::schema::Bucket;
use super::{absence, location, spec};
use crate::byob::absence::AbsentBucket;
use crate::byob::identity::{AccessKey, Identity};
use crate::byob::key_service::KeyEnd;
use crate::byob::marker::{Generation, Marker, OwnedBucket};
use crate::byob::spec::BucketSpec;
use crate::byob::{Cloud, CloudError};
use crate::sdk::context::Context;
use crate::sdk::diagnostic::{Diagnostic, Diagnostics};
use crate::sdk::private::Private;
use crate::sdk::resource::Outcome;
use crate::terraform::configuration::{Configuration, Environment, Handover};
use crate::terraform::diagnostics::Explanation;

/// Deletes, keeps or leaves the bucket of a state.
pub async fn delete(
    cx: &Context,
    environment: &Environment,
    configuration: &Configuration,
    state: Bucket,
    mut private: Private,
) -> Outcome<Bucket> {
    match steps(cx, environment, configuration, &state, &mut private).await {
        Ok(diagnostics) => Outcome::gone().with(diagnostics),
        Err(problems) => Outcome::exists(state, private).with(problems),
    }
}

async fn steps(
    cx: &Context,
    environment: &Environment,
    configuration: &Configuration,
    state: &Bucket,
    private: &mut Private,
) -> Result<Diagnostics, Diagnostics> {
    let name = state.name.known().cloned().unwrap_or_default();
    if on_destroy(state) == "keep" {
        return Ok(kept(state, &name).into());
    }
    let summary = format!("Bucket {name:?} was not deleted");
    let (cloud, block) = location::open(cx, state, None, configuration, &summary).await?;
    location::check(state, block.as_ref())?;
    let failed = |error: CloudError| {
        Explanation::cloud(summary.clone(), error)
            .left_behind("the bucket, with whatever was not deleted yet")
            .timed(cx)
            .error()
    };
    let generation = spec::generation(state);
    let spec = spec::spec(
        state,
        None,
        block.as_ref(),
        generation.as_ref(),
        configuration,
    );
    let absent = match cloud.look(&name).await.map_err(failed)? {
        None => absence::prove(cx, &cloud, private, &name, &summary).await?,
        Some(sighting) => {
            let marker = sighting.marker.clone();
            if let Some(marker) = marker.filter(Marker::is_creating)
                && private.text(CREATE) == Some(&name)
            {
                // The other half of this replacement goes on with the half-made bucket.
                hand_over(environment, state, &marker.generation);
                return Ok(Diagnostics::new());
            }
            let owned = match confirm(&cloud, state, &name, &sighting).await? {
                Owner::Us(owned) => owned,
                Owner::Others(diagnostics) => return Ok(diagnostics.into()),
            };
            let emptied = empty(&cloud, state, &owned, &summary).await;
            if let Some(refusal) = emptied.map_err(failed)? {
                return Err(refusal.into());
            }
            cloud.delete(&owned).await.map_err(failed)?
        }
    };
    // From here on the bucket is gone, and the next run goes on with the rest.
    private.set(GONE, true);
    let rest = Rest {
        cx,
        cloud: &cloud,
        absent,
    };
    rest.give_up(spec, generation.as_ref()).await
}

/// Deletes what is in the bucket, where that was asked for; else the refusal while there is
/// anything.
async fn empty(
    cloud: &Arc<dyn Cloud>,
    state: &Bucket,
    owned: &OwnedBucket,
    summary: &str,
) -> Result<Option<Diagnostic>, CloudError> {
    if on_destroy(state) != "delete_everything" {
        return data_in(cloud, owned.name(), summary).await;
    }
    let gone = cloud.empty(owned).await?;
    tracing::info!(bucket = owned.name(), emptied = %gone, "the bucket was emptied");
    Ok(None)
}

/// Hands a half-made bucket on, if it is the one of this state.
fn hand_over(environment: &Environment, state: &Bucket, found: &Generation) {
    let text = state.generation.known().map(String::as_str);
    let (true, Some(id)) = (text == Some(found.as_str()), state.id.known()) else {
        return;
    };
    let key = match (state.access_key_id.known(), state.secret_access_key.known()) {
        (Some(key), Some(secret)) => Some(AccessKey::new(key.as_str(), secret.expose())),
        _ => None,
    };
    let handover = Handover {
        generation: found.clone(),
        key,
        rotation: rotation(state),
    };
    environment.hand_over(id, handover);
}

/// What is left of a bucket that is gone: nothing can refuse its deletion any more, so W&B's
/// user goes, and then the key, which nothing is left to be encrypted by.
struct Rest<'a> {
    cx: &'a Context,
    cloud: &'a Arc<dyn Cloud>,
    absent: AbsentBucket,
}

impl Rest<'_> {
    async fn give_up(
        &self,
        spec: Option<BucketSpec>,
        generation: Option<&Generation>,
    ) -> Result<Diagnostics, Diagnostics> {
        let (Some(spec), Some(generation)) = (spec, generation) else {
            return Ok(Diagnostics::new());
        };
        if let Some(identity) = spec::made_identity(spec.clone()) {
            self.remove_identity(&identity, &spec).await?;
        }
        Ok(self.retire_key(&spec, generation).await?)
    }

    async fn remove_identity(
        &self,
        identity: &Identity,
        spec: &BucketSpec,
    ) -> Result<(), Diagnostic> {
        let Some(service) = self.cloud.identity_service() else {
            return Ok(());
        };
        service.delete_identity(identity).await.map_err(|error| {
            let key = spec.key.as_ref().and_then(|key| key.name.as_deref());
            let key = key.map_or(String::new(), |key| format!("; the key {key}"));
            let left = format!(
                "the user {:?}, with its key{key}; the bucket is gone",
                identity.name
            );
            Explanation::cloud("W&B's user was not removed", error)
                .left_behind(left)
                .what_to_do("Run terraform destroy again.")
                .timed(self.cx)
                .error()
        })
    }

    async fn retire_key(
        &self,
        spec: &BucketSpec,
        generation: &Generation,
    ) -> Result<Diagnostics, Diagnostic> {
        let (Some(key), Some(service)) = (&spec.key, self.cloud.key_service()) else {
            return Ok(Diagnostics::new());
        };
        let name = key.name.as_deref();
        let end = service
            .retire_encryption_key(&self.absent, name, generation, key.deletion_days)
            .await
            .map_err(|error| {
                let left = name.map_or("the key".to_owned(), |name| format!("the key {name}"));
                Explanation::cloud("The bucket's key was not given up", error)
                    .left_behind(format!("{left}; the bucket is gone"))
                    .what_to_do("Run terraform destroy again.")
                    .timed(self.cx)
                    .error()
            })?;
        Ok(match end {
            KeyEnd::None => Diagnostics::new(),
            KeyEnd::Scheduled { key } => {
                tracing::info!(%key, "the key's deletion is scheduled");
                Diagnostics::new()
            }
            KeyEnd::Kept { key, why } => Explanation::new("The bucket's key stays", why)
                .left_behind(format!("the key {key}; the bucket is gone"))
                .warning()
                .into(),
        })
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
        Explanation::cloud(summary.clone(), error)
            .left_behind("the bucket, with all that is in it")
            .timed(cx)
            .error()
    };
    let (cloud, block) = location::open(cx, state, None, configuration, &summary).await?;
    location::check(state, block.as_ref())?;
    let Some(sighting) = cloud.look(&name).await.map_err(failed)? else {
        absence::prove(cx, &cloud, &Private::default(), &name, &summary).await?;
        return Ok(());
    };
    let Owner::Us(owned) = confirm(&cloud, state, &name, &sighting).await? else {
        return Ok(());
    };
    if on_destroy(state) == "delete_everything" {
        return Ok(cloud.refuse_locked(&owned).await.map_err(failed)?);
    }
    match data_in(&cloud, &name, &summary).await.map_err(failed)? {
        Some(refusal) => Err(refusal.into()),
        None => Ok(()),
    }
}

fn kept(state: &Bucket, name: &str) -> Diagnostic {
    let cloud = state.block().map_or("its cloud", |(kind, _)| kind.title());
    Explanation::new(
        format!("Bucket {name:?} stays"),
        format!(
            "on_destroy is \"keep\"; it stays on {cloud}, and the state forgets it"
        ),
    )
    .left_behind("the bucket with all that is in it, and whatever was made for it: W&B's user and access key, the key that encrypts it")
    .warning()
}
