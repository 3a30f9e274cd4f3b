//! What a plan asks of the cloud before a bucket is made: is its name free, and may the
//! caller do what is needed.

use std::sync::Arc;

use super::ownership::{continued, is_bare, taken};
use super::schema::Bucket;
use super::{findings, spec};
use crate::byob::cloud::Intent;
use crate::byob::marker::Generation;
use crate::byob::{Cloud, CloudError};
use crate::sdk::context::Context;
use crate::sdk::diagnostic::{Diagnostic, Diagnostics, Path};
use crate::sdk::model::Field;
use crate::sdk::resource::Plan;
use crate::terraform::account::{ResolvedBlock, makes_key};
use crate::terraform::configuration::Configuration;
use crate::terraform::diagnostics::Explanation;

/// Whether a bucket of that name is there, and if so whether it may be made all the same.
pub async fn check_name(
    cx: &Context,
    plan: &Plan<Bucket>,
    cloud: &Arc<dyn Cloud>,
    nothing_goes: bool,
    diagnostics: &mut Diagnostics,
) -> Result<bool, Diagnostic> {
    let name = plan.planned.name.known().map_or("", String::as_str);
    let failed = |error: CloudError| {
        Explanation::cloud("The bucket cannot be planned", error)
            .left_behind("nothing new")
            .timed(cx)
            .error()
    };
    let Some(sighting) = cloud.look(name).await.map_err(failed)? else {
        cloud.confirm_room(name).await.map_err(failed)?;
        return Ok(false);
    };
    let id = plan.planned.id.known().cloned().unwrap_or_default();
    match &sighting.marker {
        Some(marker) if marker.is_creating() => diagnostics.push(continued(name)),
        _ if plan.planned.adopt != Field::Known(false) => {
            if let Some(diagnostic) = cannot_register(plan) {
                return Err(diagnostic);
            }
        }
        Some(_) if !nothing_goes => diagnostics.push(
            Explanation::new(
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
        None if is_bare(cloud, name, &sighting).await.map_err(failed)? => {
            diagnostics.push(continued(name));
        }
        _ => return Err(taken(&id, name)),
    }
    Ok(true)
}

/// An adoption that fails leaves nothing in the state, so the key that it has made would be
/// lost before anybody could tell the instance of it.
fn cannot_register(plan: &Plan<Bucket>) -> Option<Diagnostic> {
    let makes = plan.planned.known_block().map(makes_key);
    if plan.planned.register != Field::Known(true) || makes != Some(Field::Known(true)) {
        return None;
    }
    Some(
        Explanation::new(
            "The bucket cannot be taken over and registered at once",
            "the W&B instance cannot know the key yet that is made in this run",
        )
        .what_to_do(
            "Leave register out and apply; give the value of supported_file_store to the instance; \
             then set register = true.",
        )
        .at(Path::of("register"))
        .error(),
    )
}

/// What the caller may not do, as far as the cloud tells before it is tried.
pub async fn missing_permissions(
    cloud: &Arc<dyn Cloud>,
    plan: &Plan<Bucket>,
    block: &dyn ResolvedBlock,
    configuration: &Configuration,
) -> Option<Diagnostic> {
    let name = plan.planned.name.known()?;
    let config = Some(&plan.config);
    let nobodys = Generation::nobodys();
    let wanted = spec::spec(&plan.planned, config, block, Some(&nobodys), configuration);
    let intent = Intent {
        key: wanted.as_ref().and_then(|wanted| wanted.key.as_ref()),
        makes_identity: wanted
            .as_ref()
            .is_some_and(|wanted| wanted.access.identity().is_some()),
        probes: findings::is_probed(&plan.planned),
    };
    let permissions = cloud.caller_permissions(name, intent).await;
    let denied: Vec<&str> = permissions
        .iter()
        .filter(|one| one.allowed == Some(false))
        .map(|one| one.call)
        .collect();
    (!denied.is_empty()).then(|| {
        Explanation::new(
            "The caller may lack rights that the apply needs",
            format!(
                "the cloud says that these calls would be denied: {}. It weighs only what the caller \
                 itself is given, so it can be wrong in both directions",
                denied.join(", ")
            ),
        )
        .what_to_do("Allow these calls to the caller, or apply and see.")
        .warning()
    })
}
