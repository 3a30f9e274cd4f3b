//! Changing a bucket in place.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::access_keys::{self, is_rotated};
use super::inputs::touches_cloud;
use super::ownership::{first_tags, take_over};
use super::private::{
    GONE, IMPORTED, INTERRUPTED, MADE_ANEW, MARKER_LOST, REPLACES, TAKEN, UNFINISHED, UNSEEN,
    was_interrupted,
};
use super::reconcile::reconcile;
use super::schema::Bucket;
use super::work::{Origin, Progress, Work};
use super::{absence, location, made, outputs, ownership, spec};
use crate::byob::identity::Identity;
use crate::byob::marker::{self, Generation, Marker};
use crate::byob::{BucketSpec, Cloud, CloudError};
use crate::sdk::context::Context;
use crate::sdk::diagnostic::{Diagnostic, Diagnostics};
use crate::sdk::model::Field;
use crate::sdk::private::Private;
use crate::sdk::resource::{Outcome, Update};
use crate::sdk::value::Value;
use crate::terraform::account::{KEY_CHOICE, KEY_ROTATION, ResolvedBlock, makes_key};
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
    let before = Before {
        prior: &prior,
        private: &private,
    };
    let begun = before.begin(cx, configuration, &planned, &config, block.as_ref());
    let mut work = match begun.await {
        Ok(work) => work,
        Err(diagnostic) => return Outcome::exists(prior, private).with([diagnostic]),
    };
    if was_interrupted(&private) {
        let name = planned.name.known().cloned().unwrap_or_default();
        if let Err(error) = made::recall_key(&work.cloud, &name, &mut private).await {
            let problem = Explanation::cloud(SUMMARY, error).timed(cx).error();
            return Outcome::exists(prior, private).with([problem]);
        }
    }
    if private.get(GONE).is_some() {
        let again = make_again(&mut work, &private, &mut planned, block.as_ref());
        if let Err(diagnostic) = again.await {
            return Outcome::exists(prior, private).with([diagnostic]);
        }
        private.remove(GONE);
    }
    planned.set_block(block.kind(), block.block());
    outputs::fill(&mut planned, &config, block.as_ref());
    if !(work.is_new() && is_rotated(&prior, &planned)) {
        carry_key(&prior, &mut planned);
    }
    if let Some(before) = spec_before(&prior, &private, configuration).await {
        made::recall(&mut private, &before);
    }
    private.remove(MARKER_LOST);
    private.remove(IMPORTED);
    private.remove(UNSEEN);
    private.remove(INTERRUPTED);
    private.remove(TAKEN);
    private.remove(MADE_ANEW);
    location::note_open(&mut private, &config, configuration);
    made::note_unwanted(&mut private, work.unwanted());
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

/// What the bucket of the state was to be.
async fn spec_before(
    prior: &Bucket,
    private: &Private,
    configuration: &Configuration,
) -> Option<BucketSpec> {
    let block = location::resolve_state(prior, private, configuration)
        .await
        .ok()??;
    let generation = spec::generation(prior);
    spec::spec(
        prior,
        None,
        block.as_ref(),
        generation.as_ref(),
        configuration,
    )
}

/// The key that is there stays, unless the plan makes a new one.
fn carry_key(prior: &Bucket, planned: &mut Bucket) {
    if planned.access_key_id.is_unknown() {
        planned.access_key_id = prior.access_key_id.clone();
        planned.secret_access_key = prior.secret_access_key.clone();
    }
}

/// The bucket as the last apply has left it.
struct Before<'a> {
    prior: &'a Bucket,
    private: &'a Private,
}

impl Before<'_> {
    async fn begin<'w>(
        &self,
        cx: &'w Context,
        configuration: &'w Configuration,
        planned: &Bucket,
        config: &'w Bucket,
        block: &dyn ResolvedBlock,
    ) -> Result<Work<'w>, Diagnostic> {
        let cloud = location::connect(cx, block, SUMMARY)?;
        location::confirm(cx, self.prior, block, &cloud).await?;
        let makes_key = makes_key(&block.block()) == Field::Known(true);
        let nobody = Generation::nobodys();
        let wanted = spec::spec(planned, Some(config), block, Some(&nobody), configuration);
        let wanted = wanted.and_then(spec::made_identity);
        let unwanted = match wanted.filter(|wanted| wanted.generation().is_none()) {
            None if makes_key => Vec::new(),
            // Its name is of the user's choice, and may have changed.
            wanted => self.unwanted(configuration, wanted.as_ref()).await,
        };
        access_keys::refuse_made(&unwanted, self.prior, block)?;
        let interrupted = was_interrupted(self.private);
        let origin = Origin::Managed {
            interrupted,
            goes_on: interrupted || self.private.get(UNFINISHED).is_some(),
            rotates: makes_key && is_rotated(self.prior, planned),
            unwanted,
        };
        let is_to_take = [IMPORTED, MADE_ANEW]
            .iter()
            .any(|key| self.private.get(key).is_some());
        let generation = match spec::generation(self.prior) {
            Some(own) if !interrupted && !is_to_take => own,
            _ => self.first_generation(&cloud).await?,
        };
        Ok(Work {
            cx,
            configuration,
            cloud,
            config,
            generation,
            origin,
        })
    }

    /// The identities that were made for the bucket, but `wanted`.
    async fn unwanted(
        &self,
        configuration: &Configuration,
        wanted: Option<&Identity>,
    ) -> Vec<Identity> {
        let mut found = made::unwanted(self.prior, self.private);
        if let Some(before) = self.identity(configuration).await
            && !found.iter().any(|one| one.is_named(&before.name))
        {
            found.push(before);
        }
        found.retain(|one| !wanted.is_some_and(|wanted| one.is_named(&wanted.name)));
        found
    }

    /// The identity that the bucket has, if one was made for it.
    async fn identity(&self, configuration: &Configuration) -> Option<Identity> {
        if let Some(identity) = made::identity(self.prior) {
            return Some(identity);
        }
        let before = spec_before(self.prior, self.private, configuration).await?;
        spec::made_identity(before)
    }

    /// The first change after an import takes the bucket over, if it is still as it was found:
    /// the state that had it before must not be able to delete it. After an apply that was
    /// killed nobody knows whether that has been done, so it is done again.
    async fn first_generation(&self, cloud: &Arc<dyn Cloud>) -> Result<Generation, Diagnostic> {
        let name = self.prior.name.known().cloned().unwrap_or_default();
        let failed = |error| Explanation::cloud(SUMMARY, error).error();
        let Some(mut seen) = cloud.look(&name).await.map_err(failed)? else {
            // It is made again, as what it was.
            if let (Some(generation), Some(_)) =
                (spec::generation(self.prior), self.private.get(GONE))
            {
                return Ok(generation);
            }
            let why = "it is not there any more";
            return Err(Explanation::new(SUMMARY, why).error());
        };
        let found = seen.marker.as_ref().map(|marker| &marker.generation);
        if let Some(found) = found
            && spec::generation(self.prior).as_ref() != Some(found)
            && !ownership::began_to_take(self.prior, seen.marker.as_ref())
        {
            return Err(Explanation::new(
                "Another configuration has taken the bucket over",
                format!(
                    "its tag {} names generation {found}, and this state has {}",
                    marker::KEY,
                    self.prior.generation.known().map_or("none", String::as_str)
                ),
            )
            .left_behind("the bucket as it was")
            .what_to_do(
                "Keep the bucket in one state only; remove it from this one. Where an apply of \
                 this state was killed, import it again after that.",
            )
            .error());
        }
        if let (Some(marker), Some(_)) = (&seen.marker, self.private.get(UNSEEN)) {
            access_keys::refuse_unseen(cloud, &name, marker).await?;
        }
        if seen.marker.is_none() && was_interrupted(self.private) {
            // Should this run be killed as well, its marker says whose the bucket was.
            seen.marker = spec::generation(self.prior).map(Marker::ready);
        }
        let takeover = take_over(cloud, &name, &seen).await.map_err(failed)?;
        Ok(takeover.generation)
    }
}

/// Makes a bucket again that is gone while its user or its key is still there, with the
/// generation that they carry.
async fn make_again(
    work: &mut Work<'_>,
    private: &Private,
    planned: &mut Bucket,
    block: &dyn ResolvedBlock,
) -> Result<(), Diagnostic> {
    let summary = "The bucket was not made again";
    let failed = |error| {
        Explanation::cloud(summary, error)
            .left_behind("what outlived the bucket: W&B's user, or the bucket's key")
            .timed(work.cx)
            .error()
    };
    let name = planned.name.known().cloned().unwrap_or_default();
    if let Some(sighting) = work.cloud.look(&name).await.map_err(failed)? {
        // Ours was proven to be gone: one without a marker is somebody's, with what is in it.
        let half_made = ownership::may_be_half_made(&work.cloud, &name, &sighting, private);
        let is_theirs = sighting.marker.is_none()
            && private.get(MADE_ANEW).is_none()
            && !half_made.await.map_err(failed)?;
        if is_theirs {
            let id = planned.id.known().map_or("", String::as_str);
            return Err(ownership::made_anew(id, &name).error());
        }
        let checked = work.check_owner(sighting.marker.as_ref());
        return checked.map_err(|_| another_by_now().error());
    }
    absence::prove(work.cx, &work.cloud, private, &name, summary).await?;
    let surplus = surplus(work, private, planned, block)
        .await
        .map_err(failed)?;
    let tags = tags_again(work, private, planned);
    if block.given_key().known().is_some()
        && !surplus.is_empty()
        && let Origin::Managed { unwanted, .. } = &mut work.origin
    {
        // Whether it is the key of one of them shows once the bucket is there.
        *unwanted = surplus;
        return work.cloud.create(&name, &tags, &[]).await.map_err(failed);
    }
    if let Some(service) = work.cloud.identity_service() {
        for identity in &surplus {
            service.delete_identity(identity).await.map_err(failed)?;
        }
    }
    work.cloud.create(&name, &tags, &[]).await.map_err(failed)?;
    // What the user and the key are like is not certain, so it is looked at.
    work.origin = Origin::Made(None);
    Ok(())
}

/// The first tags of a bucket that is made again: what outlived it may still carry a generation
/// of before the bucket was taken over.
fn tags_again(work: &Work<'_>, private: &Private, planned: &Bucket) -> BTreeMap<String, String> {
    let mut tags = first_tags(work.configuration, planned, &work.generation);
    let mut former = made::generations(planned, private);
    former.retain(|one| *one != work.generation);
    if let Some((last, before)) = former.split_first() {
        let began = Marker {
            former: before.to_vec(),
            ..Marker::ready(last.clone())
        };
        let marker = Marker::going_on(&began, work.generation.clone());
        tags.insert(marker::KEY.to_owned(), marker.to_string());
    }
    tags
}

/// What was made for a bucket that is gone and nobody wants any more, also by a run that was
/// killed.
async fn surplus(
    work: &Work<'_>,
    private: &Private,
    planned: &Bucket,
    block: &dyn ResolvedBlock,
) -> Result<Vec<Identity>, CloudError> {
    let mut surplus = work.unwanted().to_vec();
    if !absence::has_unknown_user(private) {
        return Ok(surplus);
    }
    let (config, generation) = (Some(work.config), Some(&work.generation));
    let wanted = spec::spec(planned, config, block, generation, work.configuration);
    let wanted = wanted.and_then(spec::made_identity);
    let name = planned.name.known().map_or("", String::as_str);
    let own = std::slice::from_ref(&work.generation);
    let unknown = access_keys::unknown(&work.cloud, name, own).await?;
    let is_known = |unknown: &Identity| {
        let mut known = surplus.iter().chain(&wanted);
        known.any(|one| one.is_named(&unknown.name))
    };
    surplus.extend(unknown.filter(|unknown| !is_known(unknown)));
    Ok(surplus)
}

/// Ours is gone, and its name is another bucket's.
fn another_by_now() -> Explanation {
    Explanation::new(
        "Another configuration has taken the bucket over",
        "the bucket of this state is gone, and one of its name is there that is another's",
    )
    .left_behind(
        "the other bucket as it is; and what outlived ours: W&B's user, or the bucket's key",
    )
    .what_to_do(
        "Choose another name, or run terraform destroy: either gives up what outlived ours, and \
         leaves the other bucket alone.",
    )
}

/// After a failure the state says that something is left to be done: what was found
/// before stays, a user that perhaps did not go is still known, and a rotation that did not
/// come to its end is seen again.
fn failed(mut bucket: Bucket, prior: &Bucket) -> Bucket {
    if bucket.access_key_owner.known().is_none() {
        bucket.access_key_owner = prior.access_key_owner.clone();
    }
    if bucket.findings.is_unknown() {
        bucket.findings = prior.findings.clone();
    }
    bucket.verified = Field::Known(false);
    if bucket.access_key_id == prior.access_key_id
        && let (Some((kind, Value::Map(now))), Some(before)) = (bucket.block(), prior.known_block())
    {
        let mut now = now.clone();
        for argument in [KEY_ROTATION, KEY_CHOICE] {
            if let Some(value) = now.get_mut(argument) {
                *value = before.attribute(argument).clone();
            }
        }
        bucket.set_block(kind, Value::Map(now));
    }
    bucket
}
