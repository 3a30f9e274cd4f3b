//! Everything that can be known before anything is made or changed.

use std::sync::Arc;

use super::delete::{COUNT_LIMIT, data_in, on_destroy};
use super::place::{self, Site};
use super::preflight::{check_name, missing_rights};
use super::schema::Bucket;
use super::update::{is_marker_lost, is_rotated};
use super::{spec, verify};
use crate::byob::cloud::CloudKind;
use crate::byob::deployment::{self, Scope};
use crate::byob::marker::Marker;
use crate::byob::name;
use crate::byob::requirements::registration::CONNECTION;
use crate::byob::{Cloud, CloudError};
use crate::resources::account::{Account, makes_key};
use crate::resources::environment::{Configuration, Environment};
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

/// Private data of a plan: nothing that goes in this run makes room for the bucket.
pub const NOTHING_GOES: &str = "nothing_goes";

/// Refines a plan.
pub async fn plan(
    cx: &Context,
    environment: &Environment,
    configuration: &Configuration,
    plan: &mut Plan<Bucket>,
) -> Diagnostics {
    let mut told = Diagnostics::new();
    let Some((kind, _)) = plan.config.block() else {
        return told;
    };
    told.extend(check_instance(configuration, kind, &plan.planned));
    told.extend(check_tags(configuration, kind, &plan.planned));
    let prior = plan.prior.as_ref();
    let site = match place::site(&plan.planned, &plan.config, prior, configuration).await {
        Ok(Some(site)) => site,
        Ok(None) => return told,
        Err(problems) => {
            told.extend(problems);
            return told;
        }
    };
    plan.planned.set_block(kind, site.block().clone());
    fill(plan, configuration, &site);
    replace_when_moved(plan, &site);
    told.extend(mended(plan));
    if let Err(problems) = look(cx, environment, configuration, plan, &site, &mut told).await {
        told.extend(problems);
    }
    told
}

fn check_instance(
    configuration: &Configuration,
    kind: CloudKind,
    planned: &Bucket,
) -> Vec<Diagnostic> {
    let mut told = Vec::new();
    let summary = "W&B does not take such a bucket";
    let scope = planned.scope.known().and_then(|name| Scope::parse(name));
    match (&configuration.deployment, scope) {
        (Field::Known(deployment), Some(scope)) => {
            if let Err(why) = deployment::availability(*deployment, scope, kind) {
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
fn check_tags(
    configuration: &Configuration,
    kind: CloudKind,
    planned: &Bucket,
) -> Option<Diagnostic> {
    let tags = spec::all_tags(&planned.tags, configuration)?;
    let why = name::check_tags(kind, &tags).err()?;
    Some(
        Trouble::new("Invalid tags", why)
            .what_to_do("Change tags, or default_tags of the provider.")
            .at(Path::of("tags"))
            .error(),
    )
}

/// What an apply of this plan will mend, since the plan itself shows only that the
/// findings will be others.
fn mended(plan: &Plan<Bucket>) -> Option<Diagnostic> {
    let prior = plan.prior.as_ref()?;
    if !plan.planned.findings.is_unknown() || !plan.replace.is_empty() {
        return None;
    }
    let lines: Vec<String> = prior
        .findings
        .known()?
        .iter()
        .filter(|finding| finding.status == Field::Known("fail".to_owned()))
        .filter(|finding| {
            let id = finding.requirement.known();
            id.is_some_and(|id| verify::is_mendable(id, &plan.private))
        })
        .map(|finding| {
            let text = |field: &Field<String>| field.known().cloned().unwrap_or_default();
            format!(
                "{}: expected {}, found {}; {}",
                text(&finding.requirement),
                text(&finding.expected),
                text(&finding.actual),
                text(&finding.message)
            )
        })
        .collect();
    (!lines.is_empty()).then(|| {
        Trouble::new(
            "The bucket does not hold what W&B needs, and an apply will mend that",
            lines.join("\n"),
        )
        .warning()
    })
}

/// Fills in every computed value whose inputs are known, and makes unknown what an
/// apply may change.
fn fill(plan: &mut Plan<Bucket>, configuration: &Configuration, site: &Site) {
    let planned = &mut plan.planned;
    planned.tags_all = match spec::all_tags(&planned.tags, configuration) {
        Some(tags) => spec::text_map(tags),
        None => Field::Unknown,
    };
    spec::fill_outputs(planned, &plan.config, site);
    key_outputs(plan.prior.as_ref(), planned, site);
    let Some(prior) = &plan.prior else {
        return;
    };
    if touches_cloud(prior, planned, &plan.private, site.account.as_ref()) {
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

fn key_outputs(prior: Option<&Bucket>, planned: &mut Bucket, site: &Site) {
    let made = makes_key(site.block());
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
        planned.supported_file_store = spec::file_store(planned, site);
    } else {
        planned.access_key_id = Field::Unknown;
        planned.secret_access_key = Field::Unknown;
        planned.supported_file_store = Field::Unknown;
    }
}

/// Whether an update has anything to do at the cloud or at W&B: an input changed, or
/// something does not hold that this configuration mends.
pub fn touches_cloud(
    prior: &Bucket,
    planned: &Bucket,
    private: &Private,
    account: &dyn Account,
) -> bool {
    // A failed test of the connection is asked for again until it passes.
    let is_open = |id: &str| id == CONNECTION || verify::is_mendable(id, private);
    let mends = prior.verify != Field::Known("off".to_owned())
        && prior.findings.known().is_some_and(|findings| {
            findings.iter().any(|finding| {
                finding.status == Field::Known("fail".to_owned())
                    && finding.requirement.known().is_some_and(|id| is_open(id))
            })
        });
    mends || is_marker_lost(private) || inputs(prior, account) != inputs(planned, account)
}

/// The bucket without what no cloud and no instance ever hears of.
fn inputs(bucket: &Bucket, account: &dyn Account) -> Bucket {
    let mut inputs = bucket.clone();
    inputs.on_destroy = Field::Null;
    inputs.adopt = Field::Null;
    inputs.timeouts = Field::Null;
    inputs.findings = Field::Null;
    inputs.verified = Field::Null;
    inputs.generation = Field::Null;
    if let Some(block) = bucket.known_block() {
        inputs.set_block(account.kind(), account.without_credentials(block));
    }
    inputs
}

/// Another cloud, or another place of it, is another bucket.
fn replace_when_moved(plan: &mut Plan<Bucket>, site: &Site) {
    let before = plan.prior.as_ref().and_then(Bucket::block);
    let Some((before, block)) = before else {
        return;
    };
    let kind = site.account.kind();
    if before != kind {
        plan.replace.push(Path::of(kind.block()));
        return;
    }
    plan.replace.extend(site.account.moved(block, site.block()));
}

async fn look(
    cx: &Context,
    environment: &Environment,
    configuration: &Configuration,
    plan: &mut Plan<Bucket>,
    site: &Site,
    told: &mut Diagnostics,
) -> Result<(), Diagnostics> {
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
    let nothing_goes = plan.private.get(NOTHING_GOES).is_some();
    let planned_before = plan.private.text(CREATE).map(str::to_owned);
    plan.private = Private::default();
    if let Some(name) = plan.planned.name.known() {
        plan.private.set(CREATE, name.as_str());
    }
    let (Some(name), Some(id)) = (plan.planned.name.known(), plan.planned.id.known()) else {
        return Ok(());
    };
    // A replacement of what has no bucket is planned twice.
    let is_again = planned_before.as_ref() == Some(name);
    if !environment.claim(id) && !is_again {
        return Err(Trouble::new(
            format!("Bucket {name:?} is made twice"),
            "another resource of this configuration makes the same bucket on the same server",
        )
        .what_to_do("Give one of them another name, or let both teams share one bucket with path.")
        .at(Path::of("name"))
        .error()
        .into());
    }
    if site.resolved.place.is_unknown() {
        return Ok(());
    }
    let cloud = site.open(cx, "The bucket cannot be planned")?;
    match replaces {
        Some(replaces) => Ok(check_replacement(cx, plan, &cloud, id, &replaces).await?),
        None => {
            if !check_name(cx, plan, &cloud, nothing_goes, told).await? {
                environment.note_absent(id);
            }
            told.extend(missing_rights(&cloud, plan, site, configuration).await);
            Ok(())
        }
    }
}

/// The bucket to be replaced must not hold data that nobody said may go.
async fn guard_replacement(
    cx: &Context,
    configuration: &Configuration,
    prior: &Bucket,
) -> Result<(), Diagnostics> {
    if on_destroy(prior) != "delete_if_empty" {
        return Ok(());
    }
    let summary = "The replacement cannot be planned";
    let (cloud, _) = place::open(cx, prior, configuration, summary).await?;
    let name = prior.name.known().cloned().unwrap_or_default();
    Ok(refuse_data(cx, &cloud, &name).await?)
}

async fn refuse_data(cx: &Context, cloud: &Arc<dyn Cloud>, name: &str) -> Result<(), Diagnostic> {
    let failed = |error: CloudError| {
        Trouble::cloud("The replacement cannot be planned", error)
            .timed(cx)
            .error()
    };
    match cloud.look(name).await.map_err(failed)? {
        // A half-made bucket is gone on with and not deleted; a probe may be left in it.
        Some(found) if found.marker.as_ref().is_some_and(Marker::is_creating) => return Ok(()),
        Some(_) => {}
        None => return Ok(()),
    }
    let summary = format!("Bucket {name:?} holds data and would be replaced");
    match data_in(cloud, name, &summary).await.map_err(failed)? {
        Some(refusal) => Err(refusal),
        None => Ok(()),
    }
}

/// The second plan of a replacement: the bucket's name is taken by the bucket itself.
async fn check_replacement(
    cx: &Context,
    plan: &Plan<Bucket>,
    cloud: &Arc<dyn Cloud>,
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
        "delete_if_empty" if !guarded => refuse_data(cx, cloud, &name).await,
        _ => Ok(()),
    }
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
    let summary = "The destruction cannot be planned";
    let Ok((cloud, _)) = place::open(cx, prior, configuration, summary).await else {
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
