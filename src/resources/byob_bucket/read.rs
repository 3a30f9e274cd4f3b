//! Looking at a bucket: what is gone, what has drifted, and on which attribute.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use super::place::Site;
use super::schema::Bucket;
use super::settle::{identity_of, key_works, look_at};
use super::{place, spec, verify};
use crate::byob::cloud::LookAt;
use crate::byob::diff::LIFECYCLE_PREFIX;
use crate::byob::marker::Generation;
use crate::byob::observed::{LifecycleRule, Versioning};
use crate::byob::report::Report;
use crate::byob::requirement::Evidence;
use crate::byob::requirements::cors;
use crate::byob::spec::BucketSpec;
use crate::byob::{Cloud, Observed, Reading};
use crate::resources::account::CREATE_KEY;
use crate::resources::environment::Configuration;
use crate::resources::trouble::Trouble;
use crate::sdk::context::Context;
use crate::sdk::diagnostic::{Diagnostic, Diagnostics, Path};
use crate::sdk::model::{Field, SetOf};
use crate::sdk::private::Private;
use crate::sdk::resource::Outcome;
use crate::sdk::value::Value;

/// Private data: our marker is gone from the bucket's tags.
pub const MARKER_LOST: &str = "marker_lost";

/// Looks at the bucket of a state.
pub async fn read(
    cx: &Context,
    configuration: &Configuration,
    state: Bucket,
    private: Private,
) -> Outcome<Bucket> {
    match observe(cx, configuration, &state).await {
        Ok(Seen::Open) => Outcome::exists(state, private).with([not_refreshed()]),
        Ok(Seen::There(site, wanted, mut observed)) => {
            let mut private = private;
            verify::without_unwritable(&mut observed, &private);
            let mut told = Vec::new();
            note_marker(&state, &observed, &mut private, &mut told);
            let bucket = with_drift(state, configuration, &site, *wanted, &observed);
            Outcome::exists(bucket, private).with(told)
        }
        Ok(Seen::Gone(told)) => Outcome::gone().with(told),
        Err(problems) => Outcome::exists(state, private).with(problems),
    }
}

fn not_refreshed() -> Diagnostic {
    Trouble::new(
        "The bucket was not looked at",
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
    /// The server says that there is no such bucket; with what it left behind.
    Gone(Option<Diagnostic>),
    There(Box<Site>, Box<BucketSpec>, Box<Observed>),
}

async fn observe(
    cx: &Context,
    configuration: &Configuration,
    state: &Bucket,
) -> Result<Seen, Diagnostics> {
    let summary = "The bucket was not looked at";
    let site = place::site(state, state, None, configuration)
        .await?
        .ok_or_else(|| Trouble::new(summary, "the state names no cloud").error())?;
    let tags_are_open =
        configuration.default_tags.is_unknown() || configuration.ignore_tags.is_unknown();
    if site.resolved.place.is_unknown() || tags_are_open {
        return Ok(Seen::Open);
    }
    check_host(state, &site)?;
    let cloud = site.open(cx, summary)?;
    let generation = state
        .generation
        .known()
        .and_then(|text| Generation::parse(text));
    let spec_of = |site: &Site| {
        spec::spec(state, None, site, generation.as_ref(), configuration)
            .ok_or_else(|| Trouble::new(summary, "the state does not hold all settings").error())
    };
    let failed = |error| {
        Trouble::cloud(summary, error)
            .left_behind("the state as it was")
            .timed(cx)
            .error()
    };
    let mut site = site;
    let mut wanted = spec_of(&site)?;
    let key = spec::wandb_key(state, None, &site).into_known();
    let looked = cloud
        .observe(&wanted.name, &look_at(&wanted, key.clone()))
        .await;
    let mut observed = looked.map_err(failed)?;
    // The state of an import learns from the bucket which key there is to look at.
    if wanted.key.as_ref().is_some_and(|key| key.name.is_none())
        && let Some(seen) = &observed
    {
        site.resolved.block = site.account.drifted(site.block(), seen);
        wanted = spec_of(&site)?;
        if wanted.key.as_ref().is_some_and(|key| key.name.is_some()) {
            let looked = cloud.observe(&wanted.name, &look_at(&wanted, key)).await;
            observed = looked.map_err(failed)?;
        }
    }
    if let Some(observed) = observed {
        return Ok(Seen::There(
            Box::new(site),
            Box::new(wanted),
            Box::new(observed),
        ));
    }
    let key = wanted.key.as_ref().and_then(|key| key.name.as_deref());
    let left = match (key, &generation) {
        (Some(key), Some(generation)) => cloud.key_left_behind(key, generation).await,
        _ => Ok(None),
    };
    Ok(Seen::Gone(
        left.map_err(failed)?
            .map(|key| outlived(&wanted.name, &key)),
    ))
}

/// Nothing that Terraform asks for after this can reach the key: the state forgets it.
fn outlived(bucket: &str, key: &str) -> Diagnostic {
    Trouble::new(
        format!("Bucket {bucket:?} is gone, and its key is not"),
        "the bucket was deleted by somebody else, or by a run that ended before it came to the key",
    )
    .left_behind(format!("the key {key}"))
    .what_to_do(
        "Apply again, and the bucket is made again with this key; or schedule the key's deletion \
         by hand, once nothing is left that it encrypts.",
    )
    .warning()
}

/// "Not there" counts only when it is said by the host that the bucket is on.
pub fn check_host(state: &Bucket, site: &Site) -> Result<(), Diagnostic> {
    let Some((kind, host, _)) = state.id.known().and_then(|id| place::parse_id(id)) else {
        return Ok(());
    };
    let Some(now) = site.resolved.location.known().filter(|now| *now != host) else {
        return Ok(());
    };
    Err(Trouble::new(
        "The provider looks at another place than the one that the bucket is in",
        format!(
            "the bucket is at {host}, and the {} block leads to {now}",
            kind.block()
        ),
    )
    .left_behind("the state as it was")
    .what_to_do("Set the block back; a bucket cannot move.")
    .at(Path::of(kind.block()))
    .error())
}

fn note_marker(
    state: &Bucket,
    observed: &Observed,
    private: &mut Private,
    told: &mut Vec<Diagnostic>,
) {
    private.remove(MARKER_LOST);
    let (Some(ours), Reading::Known(_)) = (state.generation.known(), &observed.tags) else {
        return;
    };
    match &observed.marker {
        None => private.set(MARKER_LOST, true),
        Some(marker) if marker.generation.as_str() != ours => told.push(
            Trouble::new(
                "Another configuration has taken the bucket over",
                format!(
                    "the bucket's tag {} names generation {}, and the state has {ours}",
                    crate::byob::marker::KEY,
                    marker.generation
                ),
            )
            .what_to_do(
                "Keep the bucket in one state only; remove it from this one if it is the older.",
            )
            .warning(),
        ),
        Some(_) => {}
    }
}

/// The state with everything that has changed behind Terraform's back.
pub fn with_drift(
    state: Bucket,
    configuration: &Configuration,
    site: &Site,
    wanted: BucketSpec,
    observed: &Observed,
) -> Bucket {
    let tried = verify::remembered(&state);
    let evidence = Evidence {
        spec: &wanted,
        observed,
        tried: &tried,
    };
    let mut bucket = state.clone();
    let mut site = site.clone();
    site.resolved.block = site.account.drifted(site.block(), observed);
    let block = site.block().clone();
    bucket.set_block(site.account.kind(), block);
    spec::fill_outputs(&mut bucket, &state, &site);
    bucket.registration_name = match &state.registration_name {
        Field::Null => bucket.registration_name.clone(),
        kept => kept.clone(),
    };
    if let Reading::Known(versioning) = &observed.versioning {
        bucket.versioning = Field::Known(*versioning == Versioning::Enabled);
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
    if let Some(id) = state.access_key_id.known()
        && key_works(observed, id) == Some(false)
    {
        // Shown as drift, and made anew by the next apply.
        bucket.access_key_id = Field::Null;
        bucket.secret_access_key = Field::Null;
        bucket.supported_file_store = Field::Null;
    }
    if state.verify != Field::Known("off".to_owned()) {
        let report = Report::new(evidence);
        bucket.findings = verify::findings(&report);
        bucket.verified = verify::verified(&bucket, &report);
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

/// The provider-side settings of an imported bucket.
pub fn import_defaults(bucket: &mut Bucket) {
    bucket.scope = "team".into();
    bucket.versioning = Field::Known(true);
    bucket.cors_allowed_origins = Field::Known(SetOf::from(BTreeSet::from(["*".to_owned()])));
    bucket.cors_max_age_seconds = Field::Known(3600);
    bucket.on_destroy = "delete_if_empty".into();
    bucket.adopt = Field::Known(false);
    bucket.verify = "probe".into();
}

/// Finds the bucket of an import id.
pub async fn import(
    cx: &Context,
    configuration: &Configuration,
    id: &str,
    empty: Bucket,
) -> Outcome<Bucket> {
    match imported(cx, configuration, id, empty).await {
        Ok(bucket) => Outcome::exists(bucket, Private::default()),
        Err(problems) => Outcome::gone().with(problems),
    }
}

async fn imported(
    cx: &Context,
    configuration: &Configuration,
    id: &str,
    mut bucket: Bucket,
) -> Result<Bucket, Diagnostics> {
    let summary = "The bucket was not imported";
    let Some((kind, location, name)) = place::parse_id(id) else {
        return Err(Trouble::new(summary, format!("{id:?} is no import id"))
            .what_to_do(
                "Use <cloud>/<location>/<name>, for example s3_compatible/127.0.0.1:9000/acme.",
            )
            .error()
            .into());
    };
    bucket.name = name.into();
    import_defaults(&mut bucket);
    let account = configuration.account(kind).ok_or_else(|| {
        Trouble::new(summary, format!("{} is not known here", kind.title())).error()
    })?;
    bucket.set_block(kind, account.imported(location).await?);
    let (cloud, _) = place::open(cx, &bucket, configuration, summary).await?;
    let sighting = cloud
        .look(name)
        .await
        .map_err(|error| Trouble::cloud(summary, error).error())?;
    let Some(sighting) = sighting else {
        return Err(Trouble::new(
            summary,
            format!("there is no bucket {name:?} at {location}"),
        )
        .error()
        .into());
    };
    bucket.id = id.into();
    if let Some(marker) = &sighting.marker {
        bucket.generation = Field::Known(marker.generation.to_string());
        own_key(&cloud, &mut bucket, &marker.generation, configuration).await;
    }
    Ok(bucket)
}

/// Finds the identity that was made with the bucket. A server that does not tell
/// leaves the bucket without one.
async fn own_key(
    cloud: &Arc<dyn Cloud>,
    bucket: &mut Bucket,
    generation: &Generation,
    configuration: &Configuration,
) {
    let Some((kind, Value::Map(block))) = bucket.block() else {
        return;
    };
    let mut with_key = block.clone();
    with_key.insert(CREATE_KEY.to_owned(), Value::Bool(true));
    let mut assumed = bucket.clone();
    assumed.set_block(kind, Value::Map(with_key));
    assumed.generation = Field::Known(generation.to_string());
    let Some(identity) = identity_of(&assumed, configuration).await else {
        return;
    };
    let look_at = LookAt {
        identity: Some(identity),
        ..LookAt::default()
    };
    let name = assumed.name.known().cloned().unwrap_or_default();
    let Ok(Some(observed)) = cloud.observe(&name, &look_at).await else {
        return;
    };
    if let Reading::Known(Some(state)) = &observed.identity {
        let mut enabled = state.keys.iter().filter(|(_, enabled)| **enabled);
        if let (Some((id, _)), None) = (enabled.next(), enabled.next()) {
            assumed.access_key_id = Field::Known(id.clone());
        }
        *bucket = assumed;
    }
}
