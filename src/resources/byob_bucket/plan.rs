//! Everything that can be known before anything is made or changed.

use super::delete::{COUNT_LIMIT, holds_data, on_destroy};
use super::place::{self, Whereabouts};
use super::schema::{Bucket, S3Compatible};
use super::update::{is_marker_lost, is_rotated};
use super::{create, spec, verify};
use crate::byob::CloudError;
use crate::byob::cloud::CloudKind;
use crate::byob::deployment::{self, Scope};
use crate::byob::marker::Marker;
use crate::byob::name;
use crate::byob::requirements::registration::CONNECTION;
use crate::resources::environment::{Configuration, Environment, S3Place, authority};
use crate::resources::trouble::Trouble;
use crate::sdk::context::Context;
use crate::sdk::diagnostic::{Diagnostic, Diagnostics, Path};
use crate::sdk::model::Field;
use crate::sdk::private::Private;
use crate::sdk::resource::Plan;

/// Private data of a plan that makes a bucket: its name.
pub const CREATE: &str = "create";
/// Private data of a plan that may turn into a replacement: what would be replaced.
pub const REPLACES: &str = "replaces";

/// Refines a plan.
pub async fn plan(
    cx: &Context,
    environment: &Environment,
    configuration: &Configuration,
    plan: &mut Plan<Bucket>,
) -> Diagnostics {
    let mut told = Diagnostics::new();
    let Some(block) = plan.config.s3_compatible.known().cloned() else {
        return told;
    };
    told.extend(check_instance(configuration, &plan.planned));
    told.extend(check_tags(configuration, &plan.planned));
    let found = match place::whereabouts(&block, plan.prior.as_ref(), configuration) {
        Ok(found) => found,
        Err(missing) => {
            told.push(missing.error("The bucket cannot be planned"));
            return told;
        }
    };
    fill(plan, configuration, &found);
    replace_when_moved(plan);
    if let Err(diagnostic) = look(cx, environment, configuration, plan, &found, &mut told).await {
        told.push(diagnostic);
    }
    told
}

fn check_instance(configuration: &Configuration, planned: &Bucket) -> Vec<Diagnostic> {
    let mut told = Vec::new();
    let summary = "W&B does not take such a bucket";
    let scope = planned.scope.known().and_then(|name| Scope::parse(name));
    match (&configuration.deployment, scope) {
        (Field::Known(deployment), Some(scope)) => {
            if let Err(why) = deployment::availability(*deployment, scope, CloudKind::S3Compatible)
            {
                told.push(Trouble::new(summary, why).at(Path::of("scope")).error());
            }
        }
        (Field::Null, _) => told.push(
            Trouble::new(
                "The kind of W&B instance is not known",
                "what W&B allows depends on it, and neither base_url nor deployment is set",
            )
            .what_to_do(
                "Set base_url (WANDB_BASE_URL) or deployment in the provider block; deployment is \
                 one of \"multi_tenant\", \"dedicated\" and \"self_managed\".",
            )
            .error(),
        ),
        _ => {}
    }
    if planned.register == Field::Known(true) && configuration.wandb.is_null() {
        told.push(
            Trouble::new(
                "The bucket cannot be registered",
                "the provider has no api_key",
            )
            .what_to_do("Set api_key (WANDB_API_KEY) in the provider block, or leave register out.")
            .at(Path::of("register"))
            .error(),
        );
    }
    told
}

/// The tags that the bucket would carry, the provider's default ones included.
fn check_tags(configuration: &Configuration, planned: &Bucket) -> Option<Diagnostic> {
    let tags = spec::all_tags(&planned.tags, configuration)?;
    let why = name::check_tags(CloudKind::S3Compatible, &tags).err()?;
    Some(
        Trouble::new("Invalid tags", why)
            .what_to_do("Change tags, or default_tags of the provider.")
            .at(Path::of("tags"))
            .error(),
    )
}

/// Fills in every computed value whose inputs are known, and makes unknown what an
/// apply may change.
fn fill(plan: &mut Plan<Bucket>, configuration: &Configuration, found: &Whereabouts) {
    let planned = &mut plan.planned;
    if let Field::Known(block) = &mut planned.s3_compatible {
        block.endpoint = found.endpoint.clone();
        block.region = found.region.clone();
    }
    planned.tags_all = match spec::all_tags(&planned.tags, configuration) {
        Some(tags) => spec::text_map(tags),
        None => Field::Unknown,
    };
    let address = found
        .endpoint
        .known()
        .and_then(|endpoint| url::Url::parse(endpoint).ok())
        .zip(found.region.known());
    if let Some((endpoint, region)) = &address {
        spec::fill_outputs(planned, &plan.config, endpoint, region);
    }
    key_outputs(plan.prior.as_ref(), planned, address);
    let Some(prior) = &plan.prior else {
        return;
    };
    if touches_cloud(prior, planned, &plan.private) {
        planned.findings = Field::Unknown;
        planned.verified = Field::Unknown;
        if prior.generation.is_null() {
            planned.generation = Field::Unknown;
        }
    } else {
        planned.findings = prior.findings.clone();
        planned.verified = prior.verified.clone();
    }
}

fn key_outputs(prior: Option<&Bucket>, planned: &mut Bucket, address: Option<(url::Url, &String)>) {
    let made = planned
        .s3_compatible
        .known()
        .map_or(Field::Null, |block| block.create_access_key.clone());
    let is_kept = prior.is_some_and(|prior| {
        prior.access_key_id.known().is_some()
            && prior.name == planned.name
            && !is_rotated(prior, planned)
            && made == Field::Known(true)
    });
    if is_kept {
        return;
    }
    if made == Field::Known(false) {
        planned.access_key_id = Field::Null;
        planned.secret_access_key = Field::Null;
        planned.supported_file_store = match address {
            Some((endpoint, region)) if !has_unknown_key(planned) => {
                spec::file_store(planned, &endpoint, region)
            }
            _ => Field::Unknown,
        };
    } else {
        planned.access_key_id = Field::Unknown;
        planned.secret_access_key = Field::Unknown;
        planned.supported_file_store = Field::Unknown;
    }
}

fn has_unknown_key(planned: &Bucket) -> bool {
    planned.s3_compatible.known().is_none_or(|block| {
        block.wandb_access_key.is_unknown() || block.wandb_secret_key.is_unknown()
    }) || planned.name.is_unknown()
}

/// Whether an update has anything to do at the cloud or at W&B: an input changed, or
/// something does not hold that this configuration mends.
pub fn touches_cloud(prior: &Bucket, planned: &Bucket, private: &Private) -> bool {
    // A failed test of the connection is asked for again until it passes.
    let is_open = |id: &str| id == CONNECTION || verify::is_mendable(id, private);
    let mends = prior.verify != Field::Known("off".to_owned())
        && prior.findings.known().is_some_and(|findings| {
            findings.iter().any(|finding| {
                finding.status == Field::Known("fail".to_owned())
                    && finding.requirement.known().is_some_and(|id| is_open(id))
            })
        });
    mends || is_marker_lost(private) || inputs(prior) != inputs(planned)
}

/// The bucket without what no cloud and no instance ever hears of.
fn inputs(bucket: &Bucket) -> Bucket {
    let mut inputs = bucket.clone();
    inputs.on_destroy = Field::Null;
    inputs.adopt = Field::Null;
    inputs.timeouts = Field::Null;
    inputs.findings = Field::Null;
    inputs.verified = Field::Null;
    inputs.generation = Field::Null;
    if let Field::Known(block) = &mut inputs.s3_compatible {
        *block = S3Compatible {
            endpoint: Field::Null,
            access_key: Field::Null,
            secret_key: Field::Null,
            path_style: Field::Null,
            ca_bundle: Field::Null,
            admin_api: Field::Null,
            ..block.clone()
        };
    }
    inputs
}

/// Another host or region is another bucket.
fn replace_when_moved(plan: &mut Plan<Bucket>) {
    let Some(prior) = &plan.prior else {
        return;
    };
    let parts = |bucket: &Bucket| {
        let block = bucket.s3_compatible.known()?;
        let endpoint = url::Url::parse(block.endpoint.known()?).ok()?;
        Some((authority(&endpoint), block.region.known()?.clone()))
    };
    if let (Some(before), Some(after)) = (parts(prior), parts(&plan.planned)) {
        if before.0 != after.0 {
            plan.replace.push(place::argument("endpoint"));
        }
        if before.1 != after.1 {
            plan.replace.push(place::argument("region"));
        }
    }
}

async fn look(
    cx: &Context,
    environment: &Environment,
    configuration: &Configuration,
    plan: &mut Plan<Bucket>,
    found: &Whereabouts,
    told: &mut Diagnostics,
) -> Result<(), Diagnostic> {
    if let Some(prior) = &plan.prior {
        let guarded = !plan.replace.is_empty();
        if guarded {
            guard_replacement(cx, configuration, prior).await?;
        }
        let replaces = serde_json::json!({
            "id": prior.id.known(),
            "on_destroy": on_destroy(prior),
            "guarded": guarded,
        });
        plan.private.set(REPLACES, replaces);
        return Ok(());
    }
    let replaces = plan.private.get(REPLACES).cloned();
    plan.private = Private::default();
    if let Some(name) = plan.planned.name.known() {
        plan.private.set(CREATE, name.as_str());
    }
    let (Some(place), Some(name), Some(id)) = (
        found.place.known(),
        plan.planned.name.known(),
        plan.planned.id.known(),
    ) else {
        return Ok(());
    };
    if !environment.claim(id) {
        return Err(Trouble::new(
            format!("Bucket {name:?} is made twice"),
            "another resource of this configuration makes the same bucket on the same server",
        )
        .what_to_do("Give one of them another name, or let both teams share one bucket with path.")
        .at(Path::of("name"))
        .error());
    }
    match replaces {
        Some(replaces) => check_replacement(cx, configuration, plan, place, id, &replaces).await,
        None => check_name(cx, configuration, plan, place, name, told).await,
    }
}

/// The bucket to be replaced must not hold data that nobody said may go.
async fn guard_replacement(
    cx: &Context,
    configuration: &Configuration,
    prior: &Bucket,
) -> Result<(), Diagnostic> {
    if on_destroy(prior) != "delete_if_empty" {
        return Ok(());
    }
    let summary = "The replacement cannot be planned";
    let (_, place) = place::open(prior, configuration, cx.stop(), summary)?;
    let name = prior.name.known().cloned().unwrap_or_default();
    refuse_data(cx, configuration, &place, &name).await
}

async fn refuse_data(
    cx: &Context,
    configuration: &Configuration,
    place: &S3Place,
    name: &str,
) -> Result<(), Diagnostic> {
    let failed = |error: CloudError| {
        Trouble::cloud("The replacement cannot be planned", error)
            .timed(cx)
            .error()
    };
    let cloud = configuration
        .doors
        .s3_compatible(place, cx.stop())
        .map_err(failed)?;
    match cloud.look(name).await.map_err(failed)? {
        // A half-made bucket is gone on with and not deleted; a probe may be left in it.
        Some(found) if found.marker.as_ref().is_some_and(Marker::is_creating) => return Ok(()),
        Some(_) => {}
        None => return Ok(()),
    }
    let contents = cloud.contents(name, COUNT_LIMIT).await.map_err(failed)?;
    if contents.is_empty() {
        return Ok(());
    }
    let summary = format!("Bucket {name:?} holds data and would be replaced");
    Err(holds_data(&summary, &contents.to_string()))
}

/// The second plan of a replacement: the bucket's name is taken by the bucket itself.
async fn check_replacement(
    cx: &Context,
    configuration: &Configuration,
    plan: &Plan<Bucket>,
    place: &S3Place,
    id: &str,
    replaces: &serde_json::Value,
) -> Result<(), Diagnostic> {
    let text = |name: &str| {
        replaces
            .get(name)
            .and_then(serde_json::Value::as_str)
            .unwrap_or_default()
    };
    let guarded = replaces
        .get("guarded")
        .and_then(serde_json::Value::as_bool)
        .unwrap_or_default();
    if text("id") != id {
        return Ok(());
    }
    let name = plan.planned.name.known().cloned().unwrap_or_default();
    match text("on_destroy") {
        "keep" if plan.planned.adopt != Field::Known(true) => Err(Trouble::new(
            format!("Bucket {name:?} cannot be replaced"),
            "on_destroy is \"keep\", so the old bucket stays and the new one cannot have its name",
        )
        .what_to_do(
            "Set adopt = true to take the old bucket over again, or change on_destroy first.",
        )
        .at(Path::of("on_destroy"))
        .error()),
        "delete_if_empty" if !guarded => refuse_data(cx, configuration, place, &name).await,
        _ => Ok(()),
    }
}

/// Whether somebody has the name.
async fn check_name(
    cx: &Context,
    configuration: &Configuration,
    plan: &Plan<Bucket>,
    place: &S3Place,
    name: &str,
    told: &mut Diagnostics,
) -> Result<(), Diagnostic> {
    let failed = |error: CloudError| {
        Trouble::cloud("The bucket cannot be planned", error)
            .left_behind("nothing new")
            .timed(cx)
            .error()
    };
    let cloud = configuration
        .doors
        .s3_compatible(place, cx.stop())
        .map_err(failed)?;
    let Some(sighting) = cloud.look(name).await.map_err(failed)? else {
        return Ok(());
    };
    let id = plan.planned.id.known().cloned().unwrap_or_default();
    match &sighting.marker {
        Some(marker) if marker.is_creating() => told.push(create::continued(name)),
        _ if plan.planned.adopt != Field::Known(false) => {}
        Some(_) => told.push(
            Trouble::new(
                format!("Bucket {name:?} exists and was made by this provider"),
                "if it is being replaced in this run, all is well; if it is in another state, the \
                 apply will refuse to make it",
            )
            .what_to_do(format!(
                "Import it with id {id:?} if it should be managed here."
            ))
            .at(Path::of("name"))
            .warning(),
        ),
        None if create::is_bare(&cloud, name, &sighting)
            .await
            .map_err(failed)? =>
        {
            told.push(create::continued(name));
        }
        None => return Err(create::taken(&id, name)),
    }
    Ok(())
}

/// What a destroy plan says about a bucket that holds data: only a warning, since
/// something else of the same run may empty it.
pub async fn plan_destroy(
    cx: &Context,
    configuration: &Configuration,
    prior: &Bucket,
) -> Diagnostics {
    let name = prior.name.known().cloned().unwrap_or_default();
    if on_destroy(prior) != "delete_if_empty" {
        return Diagnostics::new();
    }
    let Ok((cloud, _)) = place::open(
        prior,
        configuration,
        cx.stop(),
        "The destruction cannot be planned",
    ) else {
        return Diagnostics::new();
    };
    match cloud.contents(&name, COUNT_LIMIT).await {
        Ok(contents) if !contents.is_empty() => Trouble::new(
            format!("Bucket {name:?} is not empty and will not be deleted"),
            format!("it holds {contents}"),
        )
        .what_to_do(
            "Set on_destroy = \"delete_everything\" and apply that first; or empty the bucket before \
             it is destroyed.",
        )
        .at(Path::of("on_destroy"))
        .warning()
        .into(),
        // Gone, or not to be counted: the delete itself will look again.
        Ok(_) | Err(_) => Diagnostics::new(),
    }
}
