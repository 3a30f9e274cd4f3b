//! Changing a bucket in place.

use std::sync::Arc;

use super::access_keys::is_rotated;
use super::inputs::touches_cloud;
use super::ownership::{first_tags, random_generation};
use super::private::{GONE, MARKER_LOST, REPLACES};
use super::reconcile::reconcile;
use super::schema::Bucket;
use super::work::{Origin, Progress, Work};
use super::{absence, location, outputs, spec};
use crate::byob::Cloud;
use crate::byob::identity::Identity;
use crate::byob::marker::Generation;
use crate::sdk::context::Context;
use crate::sdk::diagnostic::{Diagnostic, Diagnostics};
use crate::sdk::model::Field;
use crate::sdk::private::Private;
use crate::sdk::resource::{Outcome, Update};
use crate::sdk::value::Value;
use crate::terraform::account::{KEY_ROTATION, ResolvedBlock, makes_key};
use crate::terraform::configuration::Configuration;
use crate::terraform::diagnostics::Explanation;

const SUMMARY: &str = "The bucket was not changed";

/// Changes the bucket of a plan.
pub async fn update(
    cx: &Context,
    configuration: &Configuration,
    update: Update<Bucket>,
) -> Outcome<Bucket> {
    let Update {
        prior,
        mut planned,
        config,
        mut private,
    } = update;
    private.remove(REPLACES);
    let resolved = location::resolve(
        &planned,
        &planned,
        Some(&config),
        Some(&prior),
        configuration,
    );
    let block = match resolved.await {
        Ok(Some(block)) => block,
        Ok(None) => return Outcome::exists(prior, private),
        Err(problems) => return Outcome::exists(prior, private).with(problems),
    };
    if !touches_cloud(&prior, &planned, &private, configuration) {
        planned.findings = prior.findings;
        planned.verified = prior.verified;
        return Outcome::exists(planned, private);
    }
    let begun = begin(cx, configuration, &prior, &planned, &config, block.as_ref());
    let mut work = match begun.await {
        Ok(work) => work,
        Err(diagnostic) => return Outcome::exists(prior, private).with([diagnostic]),
    };
    if private.get(GONE).is_some() {
        if let Err(diagnostic) = make_again(&mut work, &private, &mut planned).await {
            return Outcome::exists(prior, private).with([diagnostic]);
        }
        private.remove(GONE);
    }
    planned.set_block(block.kind(), block.block());
    outputs::fill(&mut planned, &config, block.as_ref());
    if !(work.is_new() && is_rotated(&prior, &planned)) {
        carry_key(&prior, &mut planned);
    }
    private.remove(MARKER_LOST);
    let mut progress = Progress {
        bucket: planned,
        block,
        private,
        diagnostics: Diagnostics::new(),
    };
    reconcile(&work, &mut progress).await;
    let Progress {
        mut bucket,
        private,
        diagnostics,
        ..
    } = progress;
    if diagnostics.has_errors() {
        bucket = failed(bucket, &prior);
    }
    Outcome::exists(bucket, private).with(diagnostics)
}

/// The key that is there stays, unless the plan makes a new one.
fn carry_key(prior: &Bucket, planned: &mut Bucket) {
    if planned.access_key_id.is_unknown() {
        planned.access_key_id = prior.access_key_id.clone();
        planned.secret_access_key = prior.secret_access_key.clone();
    }
}

async fn begin<'a>(
    cx: &'a Context,
    configuration: &'a Configuration,
    prior: &Bucket,
    planned: &Bucket,
    config: &'a Bucket,
    block: &dyn ResolvedBlock,
) -> Result<Work<'a>, Diagnostic> {
    let cloud = location::connect(cx, block, SUMMARY)?;
    location::check(prior, block)?;
    let generation = match spec::generation(prior) {
        Some(generation) => generation,
        None => first_generation(&cloud, prior).await?,
    };
    let makes_key = makes_key(&block.block()) == Field::Known(true);
    let unwanted = if makes_key {
        None
    } else {
        identity_of(prior, configuration).await
    };
    Ok(Work {
        cx,
        configuration,
        cloud,
        config,
        generation,
        origin: Origin::Managed {
            is_first_change: prior.generation.is_null(),
            rotates: makes_key && is_rotated(prior, planned),
            unwanted,
        },
    })
}

/// Makes a bucket again that is gone while its user or its key is still there, with the
/// generation that they carry.
async fn make_again(
    work: &mut Work<'_>,
    private: &Private,
    planned: &mut Bucket,
) -> Result<(), Diagnostic> {
    let summary = "The bucket was not made again";
    let failed = |error| {
        Explanation::cloud(summary, error)
            .left_behind("what outlived the bucket: W&B's user, or the bucket's key")
            .timed(work.cx)
            .error()
    };
    let name = planned.name.known().cloned().unwrap_or_default();
    if work.cloud.look(&name).await.map_err(failed)?.is_some() {
        return Ok(());
    }
    absence::prove(work.cx, &work.cloud, private, &name, summary).await?;
    if let (
        Origin::Managed {
            unwanted: Some(identity),
            ..
        },
        Some(service),
    ) = (&work.origin, work.cloud.identity_service())
    {
        service.delete_identity(identity).await.map_err(failed)?;
    }
    let tags = first_tags(work.configuration, planned, &work.generation);
    work.cloud.create(&name, &tags).await.map_err(failed)?;
    // What the user and the key are like is not certain, so it is looked at.
    work.origin = Origin::Made(None);
    Ok(())
}

/// The identity that a bucket of the state has, if one was made for it.
async fn identity_of(bucket: &Bucket, configuration: &Configuration) -> Option<Identity> {
    let generation = spec::generation(bucket)?;
    let block = location::resolve(bucket, bucket, None, None, configuration)
        .await
        .ok()??;
    let generation = Some(&generation);
    spec::made_identity(spec::spec(
        bucket,
        None,
        block.as_ref(),
        generation,
        configuration,
    )?)
}

/// An imported bucket has the generation of its marker, or gets a new one.
async fn first_generation(
    cloud: &Arc<dyn Cloud>,
    prior: &Bucket,
) -> Result<Generation, Diagnostic> {
    let name = prior.name.known().cloned().unwrap_or_default();
    let seen = cloud
        .look(&name)
        .await
        .map_err(|error| Explanation::cloud(SUMMARY, error).error())?;
    let marker = seen.and_then(|sighting| sighting.marker);
    Ok(marker.map_or_else(random_generation, |marker| marker.generation))
}

/// After a failure the state says that something is left to be done: what was found
/// before stays, and a rotation that did not come to its end is seen again.
fn failed(mut bucket: Bucket, prior: &Bucket) -> Bucket {
    if bucket.findings.is_unknown() {
        bucket.findings = prior.findings.clone();
    }
    bucket.verified = Field::Known(false);
    if bucket.access_key_id == prior.access_key_id
        && let (Some((kind, Value::Map(now))), Some(before)) = (bucket.block(), prior.known_block())
    {
        let mut now = now.clone();
        now.insert(
            KEY_ROTATION.to_owned(),
            before.attribute(KEY_ROTATION).clone(),
        );
        bucket.set_block(kind, Value::Map(now));
    }
    bucket
}
