//! Looking at a bucket: what is gone, what has drifted, and on which attribute.

use std::collections::{BTreeMap, BTreeSet};

use super::schema::{Bucket, S3Compatible};
use super::settle::{key_works, look_at};
use super::{place, spec, verify};
use crate::byob::diff::LIFECYCLE_PREFIX;
use crate::byob::marker::Generation;
use crate::byob::observed::{LifecycleRule, Versioning};
use crate::byob::report::Report;
use crate::byob::requirement::Evidence;
use crate::byob::requirements::cors;
use crate::byob::spec::BucketSpec;
use crate::byob::{Observed, Reading};
use crate::resources::environment::{Configuration, S3Place};
use crate::resources::trouble::Trouble;
use crate::sdk::context::Context;
use crate::sdk::diagnostic::Diagnostic;
use crate::sdk::model::{Field, SetOf};
use crate::sdk::private::Private;
use crate::sdk::resource::Outcome;

/// Private data: our marker is gone from the bucket's tags.
pub const MARKER_LOST: &str = "marker_lost";

/// Looks at the bucket of a state.
pub async fn read(
    cx: &Context,
    configuration: &Configuration,
    state: Bucket,
    private: Private,
) -> Outcome<Bucket> {
    if is_open(&state, configuration) {
        return Outcome::exists(state, private).with([not_refreshed()]);
    }
    match observe(cx, configuration, &state).await {
        Ok(Some((place, wanted, mut observed))) => {
            let mut private = private;
            verify::without_unwritable(&mut observed, &private);
            let mut told = Vec::new();
            note_marker(&state, &observed, &mut private, &mut told);
            let bucket = with_drift(state, configuration, &place, wanted, &observed);
            Outcome::exists(bucket, private).with(told)
        }
        Ok(None) => Outcome::gone(),
        Err(diagnostic) => Outcome::exists(state, private).with([diagnostic]),
    }
}

/// Whether the provider block leaves open how the bucket is reached.
fn is_open(state: &Bucket, configuration: &Configuration) -> bool {
    state.s3_compatible.known().is_some_and(|block| {
        place::whereabouts(block, None, configuration).is_ok_and(|found| found.place.is_unknown())
    })
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

type Seen = (S3Place, BucketSpec, Observed);

async fn observe(
    cx: &Context,
    configuration: &Configuration,
    state: &Bucket,
) -> Result<Option<Seen>, Diagnostic> {
    let summary = "The bucket was not looked at";
    let (cloud, place) = place::open(state, configuration, cx.stop(), summary)?;
    check_host(state, &place)?;
    let generation = state
        .generation
        .known()
        .and_then(|text| Generation::parse(text));
    let wanted = spec::spec(state, generation.as_ref(), BTreeSet::new(), configuration)
        .ok_or_else(|| Trouble::new(summary, "the state does not hold all settings").error())?;
    let observed = cloud
        .observe(&wanted.name, &look_at(&wanted))
        .await
        .map_err(|error| {
            Trouble::cloud(summary, error)
                .left_behind("the state as it was")
                .timed(cx)
                .error()
        })?;
    Ok(observed.map(|observed| (place, wanted, observed)))
}

/// "Not there" counts only when it is said by the host that the bucket is on.
pub fn check_host(state: &Bucket, place: &S3Place) -> Result<(), Diagnostic> {
    let Some((host, _)) = state.id.known().and_then(|id| place::parse_id(id)) else {
        return Ok(());
    };
    if host == place.authority() {
        return Ok(());
    }
    Err(Trouble::new(
        "The endpoint is not the one that the bucket is on",
        format!(
            "the bucket is on {host}, and the endpoint is {}",
            place.authority()
        ),
    )
    .left_behind("the state as it was")
    .what_to_do("Set the endpoint back; a bucket cannot move.")
    .at(place::argument("endpoint"))
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
    place: &S3Place,
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
    spec::fill_outputs(&mut bucket, &state, &place.endpoint, &place.region);
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
    if let Field::Known(block) = &mut bucket.s3_compatible {
        encryption(block, observed);
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
    let own: BTreeMap<String, String> = seen
        .iter()
        .filter(|(key, value)| {
            let from_provider = defaults.and_then(|tags| tags.get(*key)) == Some(*value);
            !from_provider || before.contains_key(*key)
        })
        .map(|(key, value)| (key.clone(), value.clone()))
        .collect();
    if !(own.is_empty() && bucket.tags.is_null()) {
        bucket.tags = spec::text_map(own);
    }
    bucket.tags_all = spec::text_map(seen);
}

fn encryption(block: &mut S3Compatible, observed: &Observed) {
    let Reading::Known(state) = &observed.encryption else {
        return;
    };
    if block.sse_algorithm.known().is_some() {
        block.sse_algorithm = state.algorithm.clone().into();
    }
    if let Some(wanted) = block.kms_key_name.known() {
        let same = state
            .key
            .as_ref()
            .is_some_and(|actual| crate::byob::requirements::encryption::same_key(wanted, actual));
        if !same {
            block.kms_key_name = state.key.clone().into();
        }
    }
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
        Err(diagnostic) => Outcome::gone().with([diagnostic]),
    }
}

async fn imported(
    cx: &Context,
    configuration: &Configuration,
    id: &str,
    mut bucket: Bucket,
) -> Result<Bucket, Diagnostic> {
    let summary = "The bucket was not imported";
    let Some((host, name)) = place::parse_id(id) else {
        return Err(Trouble::new(summary, format!("{id:?} is no import id"))
            .what_to_do("Use s3_compatible/<host[:port]>/<name>, for example s3_compatible/127.0.0.1:9000/acme.")
            .error());
    };
    bucket.name = name.into();
    import_defaults(&mut bucket);
    let unknown = |argument: &str| {
        Trouble::new(
            summary,
            format!("{argument} of the provider's s3_compatible block is not known yet"),
        )
        .what_to_do("Give it a value that is known while planning, then import again.")
        .error()
    };
    let block = bucket.s3_compatible.known().cloned();
    let found = block
        .as_ref()
        .map(|block| place::whereabouts(block, None, configuration))
        .transpose()
        .map_err(|missing| missing.error(summary))?;
    let place = found
        .and_then(|found| found.place.into_known())
        .ok_or_else(|| unknown("an argument"))?;
    if place.authority() != host {
        return Err(Trouble::new(
            summary,
            format!(
                "the id names host {host}, and the provider's endpoint is {}",
                place.authority()
            ),
        )
        .what_to_do(
            "Set endpoint in the provider's s3_compatible block to the server of the bucket.",
        )
        .error());
    }
    if let Field::Known(block) = &mut bucket.s3_compatible {
        block.endpoint = Field::Known(place.endpoint.as_str().trim_end_matches('/').to_owned());
        block.region = Field::Known(place.region.clone());
    }
    let cloud = configuration
        .doors
        .s3_compatible(&place, cx.stop())
        .map_err(|error| Trouble::cloud(summary, error).error())?;
    let sighting = cloud
        .look(name)
        .await
        .map_err(|error| Trouble::cloud(summary, error).error())?;
    let Some(sighting) = sighting else {
        return Err(
            Trouble::new(summary, format!("there is no bucket {name:?} on {host}")).error(),
        );
    };
    bucket.id = id.into();
    if let Some(marker) = &sighting.marker {
        bucket.generation = Field::Known(marker.generation.to_string());
        own_key(&cloud, &mut bucket, marker.generation.clone()).await;
    }
    Ok(bucket)
}

/// Finds the identity that was made with the bucket. A server that does not tell
/// leaves the bucket without one.
async fn own_key(
    cloud: &std::sync::Arc<dyn crate::byob::Cloud>,
    bucket: &mut Bucket,
    generation: Generation,
) {
    let Some(name) = bucket.name.known() else {
        return;
    };
    let look_at = crate::byob::cloud::LookAt {
        identity: Some(crate::byob::identity::Identity::for_bucket(
            name,
            None,
            &generation,
        )),
        ..Default::default()
    };
    let Ok(Some(observed)) = cloud.observe(name, &look_at).await else {
        return;
    };
    if let Reading::Known(Some(state)) = &observed.identity
        && let Field::Known(block) = &mut bucket.s3_compatible
    {
        block.create_access_key = Field::Known(true);
        let mut enabled = state.keys.iter().filter(|(_, enabled)| **enabled);
        if let (Some((id, _)), None) = (enabled.next(), enabled.next()) {
            bucket.access_key_id = Field::Known(id.clone());
        }
    }
}
