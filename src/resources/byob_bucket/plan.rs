//! Everything that can be known before anything is made or changed.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::access_keys::is_rotated;
use super::findings::is_mendable;
use super::inputs::touches_cloud;
use super::plan_create::{check_name, missing_permissions};
use super::private::{
    APPLIED_KEY, CREATE, CREATE_ANEW, CREATE_AT, IMPORTED, MADE_ANEW, NOTHING_GOES, REPLACES,
    was_interrupted,
};
use super::schema::Bucket;
use super::{location, made, outputs, ownership, plan_replace, plan_rotation, spec};
use crate::byob::deployment::{self, Scope};
use crate::byob::{CloudKind, name, soft_delete};
use crate::sdk::context::Context;
use crate::sdk::diagnostic::{Diagnostic, Diagnostics, Path};
use crate::sdk::model::Field;
use crate::sdk::resource::Plan;
use crate::sdk::value::Value;
use crate::terraform::account::{IDENTITY_NAME, ResolvedBlock, makes_identity, makes_key};
use crate::terraform::configuration::{Configuration, Environment};
use crate::terraform::diagnostics::Explanation;

/// Refines a plan.
pub async fn plan(
    cx: &Context,
    environment: &Environment,
    configuration: &Configuration,
    plan: &mut Plan<Bucket>,
) -> Diagnostics {
    let mut diagnostics = Diagnostics::new();
    let Some((kind, _)) = plan.config.block() else {
        return diagnostics;
    };
    diagnostics.extend(check_instance(configuration, kind, &plan.planned));
    diagnostics.extend(check_tags(
        configuration,
        kind,
        &plan.planned,
        plan.prior.as_ref(),
    ));
    let prior = plan.prior.as_ref();
    let config = Some(&plan.config);
    let resolved = location::resolve(&plan.planned, &plan.config, config, prior, configuration);
    let block = match resolved.await {
        Ok(Some(block)) => block,
        Ok(None) => return diagnostics,
        Err(problems) => {
            diagnostics.extend(problems);
            return diagnostics;
        }
    };
    let block = with_applied_key(plan, block, configuration);
    let block = block.as_ref();
    plan.planned.set_block(kind, block.block());
    if plan.config.soft_delete_days.is_null() {
        plan.planned.soft_delete_days = soft_delete::default_days(kind).map(i64::from).into();
    }
    diagnostics.extend(anothers_tags(plan, block));
    fill(plan, configuration, block);
    replace_when_moved(plan, block);
    if let Err(problems) = confirm(cx, plan, block).await {
        diagnostics.extend(problems);
        return diagnostics;
    }
    if let Some(problem) = made_anew(plan) {
        diagnostics.push(problem);
        return diagnostics;
    }
    diagnostics.extend(mended(plan));
    diagnostics.extend(plan_rotation::planned(plan, configuration));
    if let Err(problems) = look(
        cx,
        environment,
        configuration,
        plan,
        block,
        &mut diagnostics,
    )
    .await
    {
        diagnostics.extend(problems);
    }
    diagnostics
}

/// A key that the configuration leaves out is the one that the last apply settled on, not the
/// one that somebody has put into the bucket since.
fn with_applied_key(
    plan: &Plan<Bucket>,
    block: Arc<dyn ResolvedBlock>,
    configuration: &Configuration,
) -> Arc<dyn ResolvedBlock> {
    let Some(applied) = plan
        .private
        .text(APPLIED_KEY)
        .filter(|_| plan.prior.is_some())
    else {
        return block;
    };
    let config = Some(&plan.config);
    let wanted = spec::spec(&plan.planned, config, block.as_ref(), None, configuration);
    match wanted.and_then(|spec| spec.key) {
        Some(key) if !key.given && key.name.as_deref().is_some_and(|name| name != applied) => {
            block.with_encryption_key(applied)
        }
        _ => block,
    }
}

fn check_instance(
    configuration: &Configuration,
    kind: CloudKind,
    planned: &Bucket,
) -> Vec<Diagnostic> {
    let mut diagnostics = Vec::new();
    let summary = "W&B does not take such a bucket";
    let scope = planned.scope.known().and_then(|name| Scope::parse(name));
    match (&configuration.deployment, scope) {
        (Field::Known(deployment), Some(scope)) => {
            if let Err(why) = deployment::availability(*deployment, scope, kind) {
                diagnostics.push(Explanation::new(summary, why).at(Path::of("scope")).error());
            }
        }
        (Field::Null, _) => diagnostics.push(
            Explanation::new(
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
        diagnostics.push(
            Explanation::new(
                "The bucket cannot be registered",
                "the provider has no api_key",
            )
            .what_to_do("Set api_key (WANDB_API_KEY) in the provider block, or leave register out.")
            .at(Path::of("register"))
            .error(),
        );
    }
    diagnostics
}

/// The tags that the bucket would carry, the provider's default ones included.
fn check_tags(
    configuration: &Configuration,
    kind: CloudKind,
    planned: &Bucket,
    prior: Option<&Bucket>,
) -> Option<Diagnostic> {
    let tags = spec::all_tags(&planned.tags, configuration)?;
    let own = spec::known_map(&planned.tags).unwrap_or_default();
    let place = |key: Option<&str>| match key {
        Some(key) if own.contains_key(key) => Path::of("tags").key(key),
        _ => Path::of("tags"),
    };
    let refused = tags.iter().find_map(|(key, value)| {
        let one = [(key.clone(), value.clone())].into();
        let why = name::check_tags(kind, &one).err()?;
        Some((Some(key.as_str()), why))
    });
    let refused = refused.or_else(|| Some((None, name::check_tags(kind, &tags).err()?)));
    if let Some((key, why)) = refused {
        let what = match key {
            Some(key) if !own.contains_key(key) => {
                format!("Change default_tags[{key:?}] of the provider.")
            }
            _ => "Change tags, or default_tags of the provider.".to_owned(),
        };
        return Some(
            Explanation::new("Invalid tags", why)
                .what_to_do(what)
                .at(place(key))
                .error(),
        );
    }
    let before = prior.and_then(|prior| spec::known_map(&prior.tags_all));
    if before.as_ref() == Some(&tags) {
        return None;
    }
    let (key, why) = name::doubtful_tag(kind, &tags)?;
    Some(
        Explanation::new("Some servers do not take these tags", why)
            .what_to_do(
                "Keep to letters, digits, spaces and _ . : / = + - @ of ASCII on such a server.",
            )
            .at(place(Some(key)))
            .warning(),
    )
}

/// Tags of the bucket's own where it has none: they would be somebody else's.
fn anothers_tags(plan: &Plan<Bucket>, block: &dyn ResolvedBlock) -> Option<Diagnostic> {
    let own = spec::known_map(&plan.config.tags)?;
    (!block.has_tags() && !own.is_empty()).then(|| {
        Explanation::new(
            "The bucket cannot have tags",
            "tags belong to what holds the bucket, and that is not made here",
        )
        .what_to_do("Leave tags out; default_tags of the provider are left out by themselves.")
        .at(Path::of("tags"))
        .error()
    })
}

/// Refuses to mend a bucket that is not the one of the state any more.
fn made_anew(plan: &Plan<Bucket>) -> Option<Diagnostic> {
    let prior = plan.prior.as_ref()?;
    plan.private.get(MADE_ANEW)?;
    if plan.planned.adopt == Field::Known(true) || !plan.replace.is_empty() {
        return None;
    }
    let text = |field: &Field<String>| field.known().cloned().unwrap_or_default();
    let explanation = ownership::made_anew(&text(&prior.id), &text(&prior.name));
    Some(explanation.at(Path::of("name")).error())
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
            id.is_some_and(|id| is_mendable(id, &plan.private))
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
        Explanation::new(
            "The bucket does not hold what W&B needs, and an apply will mend that",
            lines.join("\n"),
        )
        .warning()
    })
}

/// Fills in every computed value whose inputs are known, and makes unknown what an
/// apply may change.
fn fill(plan: &mut Plan<Bucket>, configuration: &Configuration, block: &dyn ResolvedBlock) {
    let planned = &mut plan.planned;
    planned.tags_all = match spec::all_tags(&planned.tags, configuration) {
        Some(_) if !block.has_tags() => spec::text_map(BTreeMap::new()),
        Some(tags) => spec::text_map(tags),
        None => Field::Unknown,
    };
    outputs::fill(planned, &plan.config, block);
    key_outputs(plan.prior.as_ref(), planned, block);
    let Some(prior) = &plan.prior else {
        return;
    };
    if touches_cloud(prior, planned, &plan.private, configuration) {
        planned.findings = Field::Unknown;
        planned.verified = Field::Unknown;
        let is_taken_over = [IMPORTED, MADE_ANEW]
            .iter()
            .any(|key| plan.private.get(key).is_some())
            || was_interrupted(&plan.private);
        if prior.generation.is_null() || is_taken_over {
            planned.generation = Field::Unknown;
        }
    } else {
        planned.findings = prior.findings.clone();
        planned.verified = prior.verified.clone();
    }
}

fn key_outputs(prior: Option<&Bucket>, planned: &mut Bucket, block: &dyn ResolvedBlock) {
    let made = makes_key(&block.block());
    let is_kept = prior.is_some_and(|prior| {
        prior.access_key_id.known().is_some()
            && prior.name == planned.name
            && !is_rotated(prior, planned)
            && made == Field::Known(true)
    });
    if is_kept {
        // The key stays, and the address around it may be another.
        planned.supported_file_store = outputs::file_store(planned, block);
        return;
    }
    if made == Field::Known(false) {
        planned.access_key_owner = identity_owner(prior, &block.block());
        planned.access_key_id = Field::Null;
        planned.secret_access_key = Field::Null;
        planned.supported_file_store = outputs::file_store(planned, block);
    } else {
        let has_other = prior.is_none_or(|prior| {
            let before = prior.known_block().map(makes_identity);
            // One that was not made for a key: a change of the way in may have failed since.
            let has_chosen_name =
                made::identity(prior).is_none_or(|identity| identity.generation().is_none());
            has_chosen_name || before == Some(Field::Known(true))
        });
        if has_other {
            planned.access_key_owner = Field::Unknown;
        }
        planned.access_key_id = Field::Unknown;
        planned.secret_access_key = Field::Unknown;
        planned.supported_file_store = Field::Unknown;
    }
}

/// The identity of W&B's that has no key, as the state knows it; it is another one by another name.
fn identity_owner(prior: Option<&Bucket>, block: &Value) -> Field<String> {
    if makes_identity(block) == Field::Known(false) {
        return Field::Null;
    }
    let before = prior.filter(|prior| {
        prior.known_block().is_some_and(|before| {
            makes_identity(before) == Field::Known(true)
                && before.attribute(IDENTITY_NAME) == block.attribute(IDENTITY_NAME)
        })
    });
    match before.map(|prior| &prior.access_key_owner) {
        Some(Field::Known(owner)) => Field::Known(owner.clone()),
        _ => Field::Unknown,
    }
}

/// A bucket that stays is where its block leads to.
async fn confirm(
    cx: &Context,
    plan: &Plan<Bucket>,
    block: &dyn ResolvedBlock,
) -> Result<(), Diagnostics> {
    let Some(prior) = &plan.prior else {
        return Ok(());
    };
    let is_elsewhere = prior.id.known().is_some() && prior.id != plan.planned.id;
    if !is_elsewhere || !plan.replace.is_empty() || prior.name != plan.planned.name {
        return Ok(());
    }
    if block.connector().is_unknown() {
        return Ok(());
    }
    let cloud = location::connect(cx, block, "The bucket cannot be planned")?;
    Ok(location::confirm(cx, prior, block, &cloud).await?)
}

/// Another cloud, or another location in it, is another bucket.
fn replace_when_moved(plan: &mut Plan<Bucket>, resolved: &dyn ResolvedBlock) {
    let before = plan.prior.as_ref().and_then(Bucket::block);
    let Some((before, block)) = before else {
        return;
    };
    let kind = resolved.kind();
    if before != kind {
        plan.replace.push(Path::of(kind.block()));
        return;
    }
    plan.replace.extend(resolved.moved_from(block));
}

async fn look(
    cx: &Context,
    environment: &Environment,
    configuration: &Configuration,
    plan: &mut Plan<Bucket>,
    block: &dyn ResolvedBlock,
    diagnostics: &mut Diagnostics,
) -> Result<(), Diagnostics> {
    if let Some(prior) = &plan.prior {
        let prior = prior.clone();
        return plan_replace::note(cx, configuration, &prior, plan).await;
    }
    let replaces = plan.private.get(REPLACES).cloned();
    let nothing_goes = plan.private.get(NOTHING_GOES).is_some();
    let planned_before = plan.private.text(CREATE).map(str::to_owned);
    plan.private = made::carried(&plan.private);
    if let Some(name) = plan.planned.name.known() {
        plan.private.set(CREATE, name.as_str());
    }
    if let Some(id) = plan.planned.id.known() {
        plan.private.set(CREATE_AT, id.as_str());
    }
    if let (Some(id), Field::Known(false)) = (plan.planned.id.known(), &plan.planned.adopt) {
        plan.private.set(CREATE_ANEW, id.as_str());
    }
    let (Some(name), Some(id)) = (plan.planned.name.known(), plan.planned.id.known()) else {
        return Ok(());
    };
    // A replacement of what has no bucket is planned twice.
    let is_again = planned_before.as_ref() == Some(name);
    if !environment.claim(id) && !is_again {
        return Err(Explanation::new(
            format!("Bucket {name:?} is made twice"),
            "another resource of this configuration makes the same bucket on the same server",
        )
        .what_to_do("Give one of them another name, or let both teams share one bucket with path.")
        .at(Path::of("name"))
        .error()
        .into());
    }
    if block.connector().is_unknown() {
        return Ok(());
    }
    let cloud = location::connect(cx, block, "The bucket cannot be planned")?;
    match replaces {
        Some(replaces) => Ok(plan_replace::check(cx, plan, &cloud, id, &replaces).await?),
        None => {
            if !check_name(cx, plan, &cloud, nothing_goes, diagnostics).await? {
                environment.note_absent(id);
            }
            diagnostics.extend(missing_permissions(&cloud, plan, block, configuration).await);
            Ok(())
        }
    }
}
