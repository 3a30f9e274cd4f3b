//! Looking at a bucket: what is gone, what has drifted, and on which attribute.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::private::{
    GONE, IMPORTED, INTERRUPTED, MADE_ANEW, MARKER_LOST, UNFINISHED, was_interrupted,
};
use super::schema::Bucket;
use super::work::look_at;
use super::{absence, access_keys, findings, location, made, outputs, ownership, spec};
use crate::byob::absence::AbsentBucket;
use crate::byob::change::LIFECYCLE_PREFIX;
use crate::byob::observed::{LifecycleRule, Versioning};
use crate::byob::report::Report;
use crate::byob::requirement::Evidence;
use crate::byob::requirements::{self, cors, data};
use crate::byob::spec::{Access, BucketSpec};
use crate::byob::{Cloud, CloudError, Observed, Reading, soft_delete};
use crate::sdk::context::Context;
use crate::sdk::diagnostic::{Diagnostic, Diagnostics};
use crate::sdk::model::{Field, Secret, SetOf};
use crate::sdk::private::Private;
use crate::sdk::resource::Outcome;
use crate::terraform::account::ResolvedBlock;
use crate::terraform::configuration::Configuration;
use crate::terraform::diagnostics::Explanation;

const SUMMARY: &str = "The bucket was not looked at";

/// Looks at the bucket of a state.
pub async fn read(
    cx: &Context,
    configuration: &Configuration,
    state: Bucket,
    private: Private,
) -> Outcome<Bucket> {
    match observe(cx, configuration, &state, &private).await {
        Ok(Seen::Open) => Outcome::exists(state, private).with([not_refreshed()]),
        Ok(Seen::There(mut there)) => {
            let mut private = private;
            note_interruption(&mut private);
            absence::note_server(&mut private, &there.cloud);
            findings::without_unwritable(&mut there.observed, &private);
            let mut diagnostics = Vec::new();
            note_marker(&state, &there.observed, &mut private, &mut diagnostics);
            match note_made_anew(&state, &there, &mut private).await {
                Ok(made_anew) => diagnostics.extend(made_anew),
                Err(error) => {
                    let problem = Explanation::cloud(SUMMARY, error).timed(cx).error();
                    return Outcome::exists(state, private).with([problem]);
                }
            }
            let bucket = with_drift(state, configuration, &there, &private);
            Outcome::exists(bucket, private).with(diagnostics)
        }
        Ok(Seen::Gone(absent)) => {
            tracing::info!(bucket = absent.name(), "the bucket is gone");
            Outcome::gone().with(absence::stays(&absent))
        }
        Ok(Seen::Outlived(diagnostic)) => {
            let (mut state, mut private) = (state, private);
            note_interruption(&mut private);
            let generations = made::generations(&state, &private);
            made::note_gone(&mut private, &generations);
            state.verified = Field::Known(false);
            Outcome::exists(state, private).with([diagnostic])
        }
        Err(problems) => Outcome::exists(state, private).with(problems),
    }
}

/// Keeps in mind that an apply was killed, before the server of the bucket is noted again.
fn note_interruption(private: &mut Private) {
    if was_interrupted(private) {
        private.set(INTERRUPTED, true);
    }
}

fn not_refreshed() -> Diagnostic {
    Explanation::new(
        SUMMARY,
        "arguments of the provider's block are not known before something else is applied",
    )
    .what_to_do(
        "Nothing: the state is used as it is, and the bucket is looked at when they are known.",
    )
    .warning()
}

enum Seen {
    /// The provider block leaves open how the bucket is reached, or what its tags should be.
    Open,
    /// There is no such bucket, and nothing of it.
    Gone(AbsentBucket),
    /// There is no such bucket, and what was made for it is still there.
    Outlived(Diagnostic),
    There(Box<There>),
}

/// A bucket that is there.
struct There {
    cloud: Arc<dyn Cloud>,
    block: Arc<dyn ResolvedBlock>,
    wanted: BucketSpec,
    observed: Observed,
}

async fn observe(
    cx: &Context,
    configuration: &Configuration,
    state: &Bucket,
    private: &Private,
) -> Result<Seen, Diagnostics> {
    let summary = SUMMARY;
    let mut block = location::resolve_state(state, private, configuration)
        .await?
        .ok_or_else(|| Explanation::new(summary, "the state names no cloud").error())?;
    let tags_are_open =
        configuration.default_tags.is_unknown() || configuration.ignore_tags.is_unknown();
    if block.connector().is_unknown() || tags_are_open {
        return Ok(Seen::Open);
    }
    let cloud = location::connect(cx, block.as_ref(), summary)?;
    location::confirm(cx, state, block.as_ref(), &cloud).await?;
    let generation = spec::generation(state);
    let spec_of = |block: &dyn ResolvedBlock| {
        spec::spec(state, None, block, generation.as_ref(), configuration)
            .map(|spec| made::with_remembered(spec, state, private))
            .ok_or_else(|| {
                Explanation::new(summary, "the state does not hold all settings").error()
            })
    };
    let failed = |error| {
        Explanation::cloud(summary, error)
            .left_behind("the state as it was")
            .timed(cx)
            .error()
    };
    let mut wanted = spec_of(block.as_ref())?;
    let key = outputs::wandb_key(state, block.as_ref()).into_known();
    let looked = cloud
        .observe(&wanted.name, &look_at(&wanted, key.clone()))
        .await;
    let mut observed = match looked {
        Err(error) if absence::is_anothers(&cloud, &error, private) => {
            return Ok(Seen::Outlived(absence::anothers(&wanted.name, error)));
        }
        looked => looked.map_err(failed)?,
    };
    // The state of an import learns from the bucket which key there is to look at.
    if wanted.key.as_ref().is_some_and(|key| key.name.is_none())
        && let Some(seen) = &observed
    {
        block = block.drifted(seen);
        wanted = spec_of(block.as_ref())?;
        if wanted.key.as_ref().is_some_and(|key| key.name.is_some()) {
            let looked = cloud.observe(&wanted.name, &look_at(&wanted, key)).await;
            observed = looked.map_err(failed)?;
        }
    }
    let Some(observed) = observed else {
        let name = &wanted.name;
        let absent = absence::prove(cx, &cloud, private, name, summary).await?;
        let mut private = private.clone();
        if was_interrupted(&private) {
            let recalled = made::recall_key(&cloud, name, &mut private).await;
            recalled.map_err(failed)?;
        }
        let left = absence::left_behind(&cloud, &absent, state, &private, &wanted);
        return Ok(match left.await.map_err(failed)? {
            Some(left) => Seen::Outlived(absence::outlived(name, left)),
            None => Seen::Gone(absent),
        });
    };
    if !may_be_ours(state, &observed) {
        absence::refuse_elsewhere(&cloud, private, summary)?;
    }
    Ok(Seen::There(Box::new(There {
        cloud,
        block,
        wanted,
        observed,
    })))
}

/// Whether nothing says that the bucket is not the one of the state. Another place may have one
/// of its name, and nothing there is about ours: not that its key does not work either.
fn may_be_ours(state: &Bucket, observed: &Observed) -> bool {
    let (Some(ours), Reading::Known(_)) = (spec::generation(state), &observed.tags) else {
        return true;
    };
    let marker = observed.marker.as_ref();
    marker.is_some_and(|marker| marker.generations().contains(&ours))
}

fn note_marker(
    state: &Bucket,
    observed: &Observed,
    private: &mut Private,
    diagnostics: &mut Vec<Diagnostic>,
) {
    private.remove(MARKER_LOST);
    let marker = observed.marker.as_ref();
    let may_take = private.get(IMPORTED).is_some() || was_interrupted(private);
    if may_take && ownership::began_to_take(state, marker) {
        private.set(UNFINISHED, true);
        return;
    }
    let (Some(ours), Reading::Known(_)) = (state.generation.known(), &observed.tags) else {
        return;
    };
    match marker {
        None => private.set(MARKER_LOST, true),
        // Made again by an update that did not come to its end.
        Some(marker) if marker.is_creating() && marker.generation.as_str() == ours => {
            private.set(MARKER_LOST, true);
        }
        Some(marker) if marker.generation.as_str() != ours => diagnostics.push(
            Explanation::new(
                "Another configuration has taken the bucket over",
                format!(
                    "the bucket's tag {} names generation {}, and the state has {ours}",
                    crate::byob::marker::KEY,
                    marker.generation
                ),
            )
            .what_to_do(
                "Keep the bucket in one state only; remove it from this one if it is the older. \
                 Where an apply of this state was killed, remove it here and import it again.",
            )
            .warning(),
        ),
        // Taken over, and the users of the owners before are perhaps still there.
        Some(marker) if marker.is_taken_over() => private.set(UNFINISHED, true),
        Some(_) => {}
    }
}

/// Looks whether a bucket that has lost its marker is still the same. Where ours was proven to
/// be gone it is not.
async fn note_made_anew(
    state: &Bucket,
    there: &There,
    private: &mut Private,
) -> Result<Option<Diagnostic>, CloudError> {
    private.remove(MADE_ANEW);
    let marker = there.observed.marker.as_ref();
    if marker.is_some_and(|marker| Some(&marker.generation) == spec::generation(state).as_ref()) {
        private.remove(GONE);
    }
    if private.get(MARKER_LOST).is_none() || marker.is_some() {
        return Ok(None);
    }
    let name = &there.wanted.name;
    let sighting = there.cloud.look(name).await?.unwrap_or_default();
    let anew = private.get(GONE).is_some()
        || ownership::is_made_anew(state, private, &there.observed, &sighting);
    if !anew || ownership::may_be_half_made(&there.cloud, name, &sighting, private).await? {
        return Ok(None);
    }
    private.set(MADE_ANEW, true);
    let id = state.id.known().map_or("", String::as_str);
    Ok(Some(ownership::made_anew(id, name).warning()))
}

/// The state with everything that has changed behind Terraform's back.
fn with_drift(
    state: Bucket,
    configuration: &Configuration,
    there: &There,
    private: &Private,
) -> Bucket {
    let observed = &there.observed;
    let is_unfinished = private.get(UNFINISHED).is_some() || was_interrupted(private);
    let tried = if is_unfinished {
        requirements::untried("the last apply did not come to its end")
    } else {
        findings::remembered(&state)
    };
    let evidence = Evidence {
        spec: &there.wanted,
        observed,
        tried: &tried,
    };
    let mut bucket = state.clone();
    let block = there.block.drifted(observed);
    bucket.set_block(block.kind(), block.block());
    outputs::fill(&mut bucket, &state, block.as_ref());
    bucket.registration_name = match &state.registration_name {
        Field::Null => bucket.registration_name.clone(),
        kept => kept.clone(),
    };
    if let Reading::Known(versioning) = &observed.versioning
        && !(there.wanted.shares_settings && *versioning == Versioning::Enabled)
    {
        bucket.versioning = Field::Known(*versioning == Versioning::Enabled);
    }
    let days = there.wanted.soft_delete_days;
    if let Reading::Known(kept) = &observed.soft_delete
        && !days.is_some_and(|days| data::keeps(&there.wanted, *kept, days))
    {
        bucket.soft_delete_days = soft_delete::whole_days(*kept).map(i64::from).into();
    }
    if let Some((origins, max_age)) = cors::effective(evidence) {
        bucket.cors_allowed_origins = Field::Known(SetOf::from(origins));
        bucket.cors_max_age_seconds = Field::Known(max_age.unwrap_or_default());
    }
    if let Reading::Known(rules) = &observed.lifecycle {
        lifecycle(&mut bucket, rules);
    }
    if let Reading::Known(tags) = &observed.tags {
        tags_of(&mut bucket, tags, configuration);
    }
    if let Reading::Known(Some(state)) = &observed.identity
        && let Some(key) = &state.current_key
    {
        // It is read and not made here: an import has left it out, or somebody has made it anew.
        bucket.access_key_id = Field::Known(key.id.clone());
        bucket.secret_access_key = Field::Known(Secret::new(key.expose_secret()));
        bucket.supported_file_store = outputs::file_store(&bucket, block.as_ref());
    }
    if let (Access::MadeKey(identity), Field::Null) =
        (&there.wanted.access, &state.access_key_owner)
        && bucket.access_key_id.known().is_some()
    {
        bucket.access_key_owner = Field::Known(identity.name.clone());
    }
    if let Some(id) = state.access_key_id.known()
        && access_keys::works(observed, id) == Some(false)
    {
        // Shown as drift, and made anew by the next apply.
        bucket.access_key_id = Field::Null;
        bucket.secret_access_key = Field::Null;
        bucket.supported_file_store = Field::Null;
    }
    if findings::is_looked_at(&state) {
        let report = Report::new(evidence);
        bucket.findings = findings::findings(&report);
        bucket.verified = if is_unfinished {
            Field::Known(false)
        } else {
            findings::verified(&bucket, &report)
        };
    }
    bucket
}

fn lifecycle(bucket: &mut Bucket, rules: &[LifecycleRule]) {
    let ours = |days: fn(&LifecycleRule) -> Option<u32>| {
        rules
            .iter()
            .filter(|rule| rule.enabled && rule.id.starts_with(LIFECYCLE_PREFIX))
            .find_map(days)
            .map(i64::from)
            .into()
    };
    bucket.noncurrent_version_days = ours(|rule| rule.noncurrent_days);
    bucket.abort_multipart_days = ours(|rule| rule.abort_upload_days);
}

fn tags_of(bucket: &mut Bucket, tags: &BTreeMap<String, String>, configuration: &Configuration) {
    let ignored = configuration.ignore_tags.known();
    let seen: BTreeMap<String, String> = tags
        .iter()
        .filter(|(key, _)| ignored.is_none_or(|ignored| !ignored.contains(*key)))
        .map(|(key, value)| (key.clone(), value.clone()))
        .collect();
    let before = spec::known_map(&bucket.tags).unwrap_or_default();
    let defaults = configuration.default_tags.known();
    let mut own: BTreeMap<String, Field<String>> = seen
        .iter()
        .filter(|(key, value)| {
            let from_provider = defaults.and_then(|tags| tags.get(*key)) == Some(*value);
            !from_provider || before.contains_key(*key)
        })
        .map(|(key, value)| (key.clone(), Field::Known(value.clone())))
        .collect();
    // What is written and never reaches the bucket stays as it was written.
    for (key, value) in bucket.tags.known().into_iter().flatten() {
        if value.is_null() || ignored.is_some_and(|ignored| ignored.contains(key)) {
            own.entry(key.clone()).or_insert_with(|| value.clone());
        }
    }
    if !(own.is_empty() && bucket.tags.is_null()) {
        bucket.tags = Field::Known(own);
    }
    bucket.tags_all = spec::text_map(seen);
}
