//! `wandb_byob_bucket`: a bucket that is proven to work with W&B.

mod create;
mod delete;
mod place;
mod plan;
mod read;
mod schema;
mod settle;
mod spec;
mod update;
mod verify;

use std::time::Duration;

use async_trait::async_trait;

use super::environment::Environment;
use super::trouble::Trouble;
use crate::sdk::model::FromValue;
use crate::sdk::prelude::*;
use crate::sdk::timeouts::timeout;

pub use schema::{Bucket, Finding, block, check_endpoint, findings_type};

const MINUTE: Duration = Duration::from_secs(60);

/// The resource.
#[derive(Debug)]
pub struct ByobBucket {
    environment: Environment,
}

impl ByobBucket {
    /// The resource of one provider.
    pub fn new(environment: Environment) -> Self {
        Self { environment }
    }
}

fn not_configured() -> Diagnostic {
    Trouble::new(
        "The provider is not configured",
        "Terraform sent no provider block",
    )
    .error()
}

/// What can be said about a block without the provider's.
pub fn validate(config: &Bucket) -> Diagnostics {
    let mut told = Diagnostics::new();
    let Some(block) = config.s3_compatible.known() else {
        if config.s3_compatible.is_null() {
            told.push(
                Trouble::new(
                    "No cloud is named",
                    "exactly one of these blocks is needed: s3_compatible",
                )
                .error(),
            );
        }
        return told;
    };
    let mut wrong = |argument: &str, why: &str| {
        told.push(
            Trouble::new(format!("{argument} does not fit the other arguments"), why)
                .at(place::argument(argument))
                .error(),
        );
    };
    let made = block.create_access_key == Field::Known(true);
    let secrets = !block.wandb_secret_key.is_null() || !block.wandb_secret_key_wo.is_null();
    if made && !block.wandb_access_key.is_null() {
        wrong(
            "wandb_access_key",
            "create_access_key makes a key for W&B, so none can be given",
        );
    }
    if block.wandb_access_key.is_null() && secrets {
        wrong("wandb_access_key", "it is missing, and its secret is set");
    }
    if !block.wandb_access_key.is_null() && !secrets {
        wrong(
            "wandb_secret_key",
            "it is missing, and wandb_access_key is set",
        );
    }
    if !block.wandb_secret_key.is_null() && !block.wandb_secret_key_wo.is_null() {
        wrong(
            "wandb_secret_key_wo",
            "wandb_secret_key is set as well; use one of the two",
        );
    }
    if !block.wandb_secret_key_wo.is_null() && block.wandb_secret_key_wo_version.is_null() {
        wrong(
            "wandb_secret_key_wo_version",
            "it is needed with wandb_secret_key_wo, to tell when that has changed",
        );
    }
    if block.access_key.is_null() != block.secret_key.is_null() {
        wrong("secret_key", "access_key and secret_key go together");
    }
    if block.create_access_key == Field::Known(false) && !block.access_key_rotation.is_null() {
        wrong(
            "access_key_rotation",
            "it changes a key that create_access_key makes, and that is off",
        );
    }
    match (
        block.sse_algorithm.known().map(String::as_str),
        block.kms_key_name.is_null(),
    ) {
        (Some("AES256"), false) => wrong(
            "kms_key_name",
            "AES256 uses the server's own key; a named key needs \"aws:kms\"",
        ),
        (Some("aws:kms"), true) => wrong(
            "kms_key_name",
            "it is missing, and sse_algorithm is \"aws:kms\"",
        ),
        _ => {}
    }
    told
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
        ))
    }

    fn validate(&self, config: &Bucket) -> Diagnostics {
        validate(config)
    }

    async fn plan(&self, cx: &Context, plan: &mut Plan<Bucket>) -> Diagnostics {
        match self.environment.configuration() {
            Some(configuration) => plan::plan(cx, &self.environment, &configuration, plan).await,
            None => not_configured().into(),
        }
    }

    async fn plan_destroy(&self, cx: &Context, prior: &Bucket) -> Diagnostics {
        match self.environment.configuration() {
            Some(configuration) => plan::plan_destroy(cx, &configuration, prior).await,
            None => Diagnostics::new(),
        }
    }

    async fn create(&self, cx: &Context, create: Create<Bucket>) -> Outcome<Bucket> {
        let Some(configuration) = self.environment.configuration() else {
            return Outcome::gone().with([not_configured()]);
        };
        let cx = cx.limited(timeout(&create.planned.timeouts, "create", 20 * MINUTE));
        create::create(&cx, &configuration, create).await
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
        delete::delete(&cx, &configuration, state, private).await
    }

    async fn import(&self, cx: &Context, id: &str) -> Outcome<Bucket> {
        let Some(configuration) = self.environment.configuration() else {
            return Outcome::gone().with([not_configured()]);
        };
        match empty() {
            Ok(bucket) => read::import(cx, &configuration, id, bucket).await,
            Err(diagnostic) => Outcome::gone().with([diagnostic]),
        }
    }
}

/// A bucket of which nothing is set but the cloud.
fn empty() -> Result<Bucket, Diagnostic> {
    let nothing = Value::Map(Default::default());
    let block = schema::S3Compatible::from_value(&nothing, &Path::root())?;
    let mut bucket = Bucket::from_value(&nothing, &Path::root())?;
    bucket.s3_compatible = Field::Known(schema::S3Compatible {
        create_access_key: Field::Known(false),
        admin_api: "auto".into(),
        ..block
    });
    Ok(bucket)
}
