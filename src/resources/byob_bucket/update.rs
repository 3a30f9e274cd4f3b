//! Changing a bucket in place.

use super::place::Site;
use super::plan::touches_cloud;
use super::read::{MARKER_LOST, check_host};
use super::schema::Bucket;
use super::settle::{Settled, Work, identity_of};
use super::{place, spec};
use crate::byob::marker::Generation;
use crate::resources::account::{KEY_ROTATION, makes_key};
use crate::resources::environment::Configuration;
use crate::resources::trouble::Trouble;
use crate::sdk::context::Context;
use crate::sdk::diagnostic::Diagnostic;
use crate::sdk::model::Field;
use crate::sdk::private::Private;
use crate::sdk::resource::{Outcome, Update};
use crate::sdk::value::Value;

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
    let site = match place::site(&planned, &planned, Some(&prior), configuration).await {
        Ok(Some(site)) => site,
        Ok(None) => return Outcome::exists(prior, private),
        Err(problems) => return Outcome::exists(prior, private).with(problems),
    };
    if !touches_cloud(&prior, &planned, &private, site.account.as_ref()) {
        planned.findings = prior.findings;
        planned.verified = prior.verified;
        return Outcome::exists(planned, private);
    }
    match begin(cx, configuration, &prior, &planned, &config, site).await {
        Ok(work) => {
            planned.set_block(work.site.account.kind(), work.site.block().clone());
            spec::fill_outputs(&mut planned, &config, &work.site);
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
    site: Site,
) -> Result<Work<'a>, Diagnostic> {
    let summary = "The bucket was not changed";
    let cloud = site.open(cx, summary)?;
    check_host(prior, &site)?;
    let generation = match prior
        .generation
        .known()
        .and_then(|text| Generation::parse(text))
    {
        Some(generation) => generation,
        None => first_generation(&cloud, prior, summary).await?,
    };
    let now_made = makes_key(site.block()) == Field::Known(true);
    let old_identity = if now_made {
        None
    } else {
        identity_of(prior, configuration).await
    };
    Ok(Work {
        cx,
        configuration,
        cloud,
        site,
        fresh: None,
        config,
        generation,
        rotate: now_made && is_rotated(prior, planned),
        old_identity,
        is_new: false,
        began: None,
        takes_over: prior.generation.is_null(),
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

/// What W&B's key was made for; another value asks for another key.
pub fn rotation(bucket: &Bucket) -> Value {
    let block = bucket.known_block();
    block.map_or(Value::Null, |block| block.attribute(KEY_ROTATION).clone())
}

/// Whether the configuration asks for a new key although there is one.
pub fn is_rotated(prior: &Bucket, planned: &Bucket) -> bool {
    prior.access_key_id.known().is_some() && rotation(prior) != rotation(planned)
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

/// Whether anything of the private data asks for work.
pub fn is_marker_lost(private: &Private) -> bool {
    private.get(MARKER_LOST).is_some()
}
