//! Changing a bucket in place.

use super::plan::touches_cloud;
use super::read::{MARKER_LOST, check_host};
use super::schema::Bucket;
use super::settle::{Settled, Work, identity_of};
use super::{place, spec};
use crate::byob::marker::Generation;
use crate::resources::environment::Configuration;
use crate::resources::trouble::Trouble;
use crate::sdk::context::Context;
use crate::sdk::diagnostic::Diagnostic;
use crate::sdk::model::Field;
use crate::sdk::private::Private;
use crate::sdk::resource::{Outcome, Update};

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
    private.remove(super::plan::REPLACES);
    if !touches_cloud(&prior, &planned, &private) {
        planned.findings = prior.findings;
        planned.verified = prior.verified;
        return Outcome::exists(planned, private);
    }
    match begin(cx, configuration, &prior, &planned, &config).await {
        Ok(work) => {
            let place = work.place.clone();
            spec::fill_outputs(&mut planned, &config, &place.endpoint, &place.region);
            carry_key(&prior, &mut planned);
            private.remove(MARKER_LOST);
            let Settled {
                bucket,
                private,
                diagnostics,
            } = work.settle(planned, private).await;
            let bucket = if diagnostics.has_errors() {
                failed(bucket, &prior)
            } else {
                bucket
            };
            Outcome::exists(bucket, private).with(diagnostics)
        }
        Err(diagnostic) => Outcome::exists(prior, private).with([diagnostic]),
    }
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
) -> Result<Work<'a>, Diagnostic> {
    let summary = "The bucket was not changed";
    let (cloud, place) = place::open(planned, configuration, cx.stop(), summary)?;
    check_host(prior, &place)?;
    let generation = match prior
        .generation
        .known()
        .and_then(|text| Generation::parse(text))
    {
        Some(generation) => generation,
        None => first_generation(&cloud, prior, summary).await?,
    };
    let now_made = planned
        .s3_compatible
        .known()
        .is_some_and(|block| block.create_access_key == Field::Known(true));
    Ok(Work {
        cx,
        configuration,
        cloud,
        place,
        config,
        generation,
        rotate: now_made && is_rotated(prior, planned),
        old_identity: identity_of(prior).filter(|_| !now_made),
        is_new: false,
    })
}

/// An imported bucket has the generation of its marker, or gets a new one.
async fn first_generation(
    cloud: &std::sync::Arc<dyn crate::byob::Cloud>,
    prior: &Bucket,
    summary: &str,
) -> Result<Generation, Diagnostic> {
    let name = prior.name.known().cloned().unwrap_or_default();
    let seen = cloud
        .look(&name)
        .await
        .map_err(|error| Trouble::cloud(summary, error).error())?;
    let marker = seen.and_then(|sighting| sighting.marker);
    Ok(marker.map_or_else(super::create::random_generation, |marker| marker.generation))
}

/// Whether the configuration asks for a new key although there is one.
pub fn is_rotated(prior: &Bucket, planned: &Bucket) -> bool {
    let rotation = |bucket: &Bucket| {
        bucket
            .s3_compatible
            .known()
            .map(|block| block.access_key_rotation.clone())
            .unwrap_or_default()
    };
    prior.access_key_id.known().is_some() && rotation(prior) != rotation(planned)
}

/// After a failure the state says that something is left to be done: what was found
/// before stays, and a rotation that did not come to its end is seen again.
fn failed(mut bucket: Bucket, prior: &Bucket) -> Bucket {
    if bucket.findings.is_unknown() {
        bucket.findings = prior.findings.clone();
    }
    bucket.verified = Field::Known(false);
    if let (Field::Known(now), Field::Known(before)) =
        (&mut bucket.s3_compatible, &prior.s3_compatible)
        && bucket.access_key_id == prior.access_key_id
    {
        now.access_key_rotation = before.access_key_rotation.clone();
    }
    bucket
}

/// Whether anything of the private data asks for work.
pub fn is_marker_lost(private: &Private) -> bool {
    private.get(MARKER_LOST).is_some()
}
