//! A replacement of a bucket: refused while the bucket holds data that nobody said may go.

use std::sync::Arc;

use super::location;
use super::on_destroy::{COUNT_LIMIT, data_in, on_destroy};
use super::private::REPLACES;
use super::schema::Bucket;
use crate::byob::marker::Marker;
use crate::byob::{Cloud, CloudError};
use crate::sdk::context::Context;
use crate::sdk::diagnostic::{Diagnostic, Diagnostics, Path};
use crate::sdk::model::Field;
use crate::sdk::private::Private;
use crate::sdk::resource::Plan;
use crate::terraform::configuration::Configuration;
use crate::terraform::diagnostics::Explanation;

/// Notes in an update's plan what would be replaced if it turns into a replacement, and
/// refuses one that is planned already.
pub async fn note(
    cx: &Context,
    configuration: &Configuration,
    prior: &Bucket,
    plan: &mut Plan<Bucket>,
) -> Result<(), Diagnostics> {
    let guarded = !plan.replace.is_empty();
    if guarded {
        guard_replacement(cx, configuration, prior, &plan.private).await?;
    }
    let replaces = serde_json::json!({
        "id": prior.id.known(),
        "on_destroy": on_destroy(prior),
        "guarded": guarded,
    });
    plan.private.set(REPLACES, replaces);
    Ok(())
}

/// The bucket to be replaced must not hold data that nobody said may go.
async fn guard_replacement(
    cx: &Context,
    configuration: &Configuration,
    prior: &Bucket,
    private: &Private,
) -> Result<(), Diagnostics> {
    if on_destroy(prior) != "delete_if_empty" {
        return Ok(());
    }
    let summary = "The replacement cannot be planned";
    let (cloud, _) = location::open_state(cx, prior, private, configuration, summary).await?;
    let name = prior.name.known().cloned().unwrap_or_default();
    Ok(refuse_data(cx, &cloud, &name).await?)
}

async fn refuse_data(cx: &Context, cloud: &Arc<dyn Cloud>, name: &str) -> Result<(), Diagnostic> {
    let failed = |error: CloudError| {
        Explanation::cloud("The replacement cannot be planned", error)
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
pub async fn check(
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
        "keep" if plan.planned.adopt != Field::Known(true) => Err(Explanation::new(
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
    private: &Private,
) -> Diagnostics {
    let name = prior.name.known().cloned().unwrap_or_default();
    if on_destroy(prior) != "delete_if_empty" {
        return Diagnostics::new();
    }
    let summary = "The destruction cannot be planned";
    let opened = location::open_state(cx, prior, private, configuration, summary).await;
    let Ok((cloud, _)) = opened else {
        return Diagnostics::new();
    };
    match cloud.contents(&name, COUNT_LIMIT).await {
        Ok(contents) if !contents.is_empty() => Explanation::new(
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
