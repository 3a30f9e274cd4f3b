//! `wandb_byob_bucket`: a bucket that is proven to work with W&B.

// What can be said about a bucket, and what follows from it.
mod location;
mod outputs;
mod private;
mod schema;
mod spec;

// What Terraform asks for.
mod create;
mod delete;
mod import;
mod plan;
mod plan_create;
mod plan_replace;
mod plan_rotation;
mod read;
mod update;

// The work in between.
mod absence;
mod access_keys;
mod encryption_key;
mod findings;
mod half_made;
mod inputs;
mod made;
mod on_destroy;
mod outlived;
mod ownership;
mod reconcile;
mod retirement;
mod settings;
mod verify;
mod work;

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;

use crate::byob::{CloudError, change, name, soft_delete};
use crate::sdk::model::FromValue;
use crate::sdk::prelude::*;
use crate::sdk::timeouts::timeout;
use crate::terraform::account::CloudSchema;
use crate::terraform::configuration::Environment;
use crate::terraform::diagnostics::Explanation;

pub use half_made::AWAITS_TEAM;
use on_destroy::COUNT_LIMIT;
pub use private::NOTHING_GOES;
pub use schema::{Bucket, Finding, block, findings_type};

const MINUTE: Duration = Duration::from_secs(60);

/// The resource.
#[derive(Debug)]
pub struct ByobBucket {
    environment: Environment,
    clouds: Vec<Arc<dyn CloudSchema>>,
}

impl ByobBucket {
    /// The resource of one provider.
    pub fn new(environment: Environment, clouds: Vec<Arc<dyn CloudSchema>>) -> Self {
        Self {
            environment,
            clouds,
        }
    }
}

impl ByobBucket {
    /// Refuses when a deletion of this bucket would be refused; whether there is one to delete.
    pub async fn check_delete(
        &self,
        cx: &Context,
        state: &Bucket,
        private: &Private,
    ) -> Result<bool, Diagnostics> {
        match self.environment.configuration() {
            Some(configuration) => delete::check(cx, &configuration, state, private).await,
            None => Err(not_configured().into()),
        }
    }
}

impl ByobBucket {
    /// Whether the bucket of a state holds objects or old versions of some, or so much else that
    /// nobody has counted it all.
    pub async fn holds_objects(
        &self,
        cx: &Context,
        state: &Bucket,
        private: &Private,
    ) -> Result<bool, Diagnostics> {
        let configuration = self
            .environment
            .configuration()
            .ok_or_else(not_configured)?;
        let name = state.name.known().cloned().unwrap_or_default();
        let summary = format!("Bucket {name:?} was not deleted");
        let opened = location::open_state(cx, state, private, &configuration, &summary).await;
        let (cloud, _) = opened?;
        let failed = |error: CloudError| -> Diagnostic {
            Explanation::cloud(summary.clone(), error)
                .left_behind("the bucket, with all that is in it")
                .timed(cx)
                .error()
        };
        if cloud.look(&name).await.map_err(failed)?.is_none() {
            absence::prove(cx, &cloud, private, &name, &summary).await?;
            return Ok(false);
        }
        let contents = cloud.contents(&name, COUNT_LIMIT).await.map_err(failed)?;
        Ok(contents.objects + contents.versions > 0 || contents.at_least)
    }
}

fn not_configured() -> Diagnostic {
    Explanation::new(
        "The provider is not configured",
        "Terraform sent no provider block",
    )
    .error()
}

/// What can be said about a bucket without the provider's block.
pub fn validate(config: &Bucket, clouds: &[Arc<dyn CloudSchema>]) -> Diagnostics {
    let names: Vec<&str> = clouds.iter().map(|cloud| cloud.kind().block()).collect();
    let set: Vec<&&str> = names
        .iter()
        .filter(|name| matches!(config.clouds.0.get(**name), Some(Value::Map(_))))
        .collect();
    // The block of a `for_each` that is not known yet may turn out to be there.
    let maybe = names
        .iter()
        .any(|name| matches!(config.clouds.0.get(*name), Some(Value::Unknown)));
    match set[..] {
        [] if maybe => Diagnostics::new(),
        [] => Explanation::new(
            "No cloud is named",
            format!(
                "exactly one of these blocks is needed: {}",
                names.join(", ")
            ),
        )
        .error()
        .into(),
        [_] => {
            let cloud = clouds
                .iter()
                .find(|cloud| Some(cloud.kind()) == config.block().map(|(kind, _)| kind));
            cloud.map_or_else(Diagnostics::new, |cloud| {
                validate_on(config, cloud.as_ref())
            })
        }
        [_, second, ..] => Explanation::new(
            "More than one cloud is named",
            format!("a bucket is on exactly one of {}", names.join(", ")),
        )
        .what_to_do("Write one resource for each bucket.")
        .at(Path::of(second))
        .error()
        .into(),
    }
}

fn validate_on(config: &Bucket, cloud: &dyn CloudSchema) -> Diagnostics {
    let mut diagnostics = config
        .known_block()
        .map_or_else(Diagnostics::new, |block| cloud.validate(block));
    // A name that is no line of text is told as such.
    if let Some(name) = config.name.known()
        && Text::Line.check(name).is_ok()
        && let Err(why) = name::check_bucket(cloud.kind(), name)
    {
        diagnostics.push(
            Diagnostic::error("Invalid name", format!("name is not valid: {why}."))
                .at(Path::of("name")),
        );
    }
    if let Some(days) = config.soft_delete_days.known()
        && let Err(why) = soft_delete::check_days(cloud.kind(), *days)
    {
        diagnostics.push(
            Diagnostic::error(
                "Invalid soft_delete_days",
                format!("soft_delete_days is not valid: {why}."),
            )
            .at(Path::of("soft_delete_days")),
        );
    }
    if config.abort_multipart_days.known().is_some()
        && let Err(why) = change::check_abort_days(cloud.kind())
    {
        diagnostics.push(
            Diagnostic::error(
                "Invalid abort_multipart_days",
                format!("abort_multipart_days cannot be set: {why}."),
            )
            .at(Path::of("abort_multipart_days")),
        );
    }
    diagnostics
}

#[async_trait]
impl Resource for ByobBucket {
    type Model = Bucket;

    fn name(&self) -> &'static str {
        "wandb_byob_bucket"
    }

    fn schema(&self) -> Schema {
        Schema::new(block(
            "A bucket with everything that W&B needs of it, proven to work. The block of exactly \
             one cloud says where it is. Data is never deleted without \
             `on_destroy = \"delete_everything\"`.",
            &self.clouds,
        ))
    }

    fn validate(&self, config: &Bucket) -> Diagnostics {
        validate(config, &self.clouds)
    }

    async fn plan(&self, cx: &Context, plan: &mut Plan<Bucket>) -> Diagnostics {
        match self.environment.configuration() {
            Some(configuration) => plan::plan(cx, &self.environment, &configuration, plan).await,
            None => not_configured().into(),
        }
    }

    async fn plan_destroy(&self, cx: &Context, prior: &Bucket, private: &Private) -> Diagnostics {
        match self.environment.configuration() {
            Some(configuration) => {
                plan_replace::plan_destroy(cx, &configuration, prior, private).await
            }
            None => Diagnostics::new(),
        }
    }

    async fn create(&self, cx: &Context, create: Create<Bucket>) -> Outcome<Bucket> {
        let Some(configuration) = self.environment.configuration() else {
            return Outcome::gone().with([not_configured()]);
        };
        let cx = cx.limited(timeout(&create.planned.timeouts, "create", 20 * MINUTE));
        create::create(&cx, &self.environment, &configuration, create).await
    }

    async fn read(&self, cx: &Context, state: Bucket, private: Private) -> Outcome<Bucket> {
        let Some(configuration) = self.environment.configuration() else {
            return Outcome::exists(state, private).with([not_configured()]);
        };
        let cx = cx.limited(timeout(&state.timeouts, "read", 5 * MINUTE));
        read::read(&cx, &configuration, state, private).await
    }

    async fn update(&self, cx: &Context, update: Update<Bucket>) -> Outcome<Bucket> {
        let Some(configuration) = self.environment.configuration() else {
            return Outcome::exists(update.prior, update.private).with([not_configured()]);
        };
        let cx = cx.limited(timeout(&update.planned.timeouts, "update", 20 * MINUTE));
        update::update(&cx, &configuration, update).await
    }

    async fn delete(&self, cx: &Context, state: Bucket, private: Private) -> Outcome<Bucket> {
        let Some(configuration) = self.environment.configuration() else {
            return Outcome::exists(state, private).with([not_configured()]);
        };
        let cx = cx.limited(timeout(&state.timeouts, "delete", 60 * MINUTE));
        delete::delete(&cx, &self.environment, &configuration, state, private).await
    }

    async fn import(&self, cx: &Context, id: &str) -> Outcome<Bucket> {
        let Some(configuration) = self.environment.configuration() else {
            return Outcome::gone().with([not_configured()]);
        };
        match empty() {
            Ok(bucket) => import::import(cx, &configuration, id, bucket).await,
            Err(diagnostic) => Outcome::gone().with([diagnostic]),
        }
    }
}

/// A bucket of which nothing is set.
fn empty() -> Result<Bucket, Diagnostic> {
    Ok(Bucket::from_value(
        &Value::Map(Default::default()),
        &Path::root(),
    )?)
}
