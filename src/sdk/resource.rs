//! What a managed resource has to do, and the way from its model to Terraform's values.

use async_trait::async_trait;

use super::context::Context;
use super::diagnostic::{Diagnostic, Diagnostics, Path};
use super::model::{FromValue, Misfit, Model, ToValue};
use super::plan;
use super::private::Private;
use super::schema::Schema;
use super::validate::Moment;
use super::value::Value;

/// What exists after an operation, and what went wrong on the way.
///
/// A failure cannot be told without saying what it left behind.
#[derive(Clone, Debug)]
pub struct Outcome<M> {
    /// The object as it is now; `None` when there is none.
    pub state: Option<M>,
    /// What to keep for the next run.
    pub private: Private,
    /// What the user should know.
    pub diagnostics: Diagnostics,
}

impl<M> Outcome<M> {
    /// The object is there.
    pub fn exists(state: M, private: Private) -> Self {
        Self {
            state: Some(state),
            private,
            diagnostics: Diagnostics::new(),
        }
    }

    /// There is no object.
    pub fn gone() -> Self {
        Self {
            state: None,
            private: Private::default(),
            diagnostics: Diagnostics::new(),
        }
    }

    /// The same with more to say.
    #[must_use]
    pub fn with(mut self, diagnostics: impl IntoIterator<Item = Diagnostic>) -> Self {
        self.diagnostics.extend(diagnostics);
        self
    }
}

/// A plan in the making.
#[derive(Clone, Debug)]
pub struct Plan<M> {
    /// The object as it is; `None` when it is to be made.
    pub prior: Option<M>,
    /// What the user wrote.
    pub config: M,
    /// What will be. Computed values that may change are unknown already.
    pub planned: M,
    /// The private data, on its way from the last apply to the next.
    pub private: Private,
    /// Attributes whose change makes a new object.
    pub replace: Vec<Path>,
}

/// An object to make.
#[derive(Clone, Debug)]
pub struct Create<M> {
    /// What was planned; computed values are unknown.
    pub planned: M,
    /// What the user wrote, write-only values included.
    pub config: M,
    /// What the plan kept.
    pub private: Private,
}

/// An object to change.
#[derive(Clone, Debug)]
pub struct Update<M> {
    /// The object as it was read last.
    pub prior: M,
    /// What was planned; computed values may be unknown.
    pub planned: M,
    /// What the user wrote, write-only values included.
    pub config: M,
    /// What the plan kept.
    pub private: Private,
}

/// One type of managed object.
#[async_trait]
pub trait Resource: Send + Sync + 'static {
    /// A struct with the fields of the schema.
    type Model: Model;

    /// The full name, for example `tiny_thing`.
    fn name(&self) -> &'static str;

    /// What a configuration may say.
    fn schema(&self) -> Schema;

    /// Checks that no single attribute can make. Unknown values are to be skipped.
    fn validate(&self, config: &Self::Model) -> Diagnostics {
        let _ = config;
        Diagnostics::new()
    }

    /// Refines a plan to make or change an object. Writes nothing anywhere.
    async fn plan(&self, cx: &Context, plan: &mut Plan<Self::Model>) -> Diagnostics {
        let _ = (cx, plan);
        Diagnostics::new()
    }

    /// Looks at a plan to delete an object. An error refuses it.
    async fn plan_destroy(
        &self,
        cx: &Context,
        prior: &Self::Model,
        private: &Private,
    ) -> Diagnostics {
        let _ = (cx, prior, private);
        Diagnostics::new()
    }

    /// Makes the object. After a failure, whatever exists must be in the outcome.
    async fn create(&self, cx: &Context, create: Create<Self::Model>) -> Outcome<Self::Model>;

    /// Looks at the object. Gone is `None`; "not allowed to look" is an error with
    /// the state as it was.
    async fn read(
        &self,
        cx: &Context,
        state: Self::Model,
        private: Private,
    ) -> Outcome<Self::Model>;

    /// Changes the object.
    async fn update(&self, cx: &Context, update: Update<Self::Model>) -> Outcome<Self::Model>;

    /// Deletes the object. With an error, the outcome's state is kept.
    async fn delete(
        &self,
        cx: &Context,
        state: Self::Model,
        private: Private,
    ) -> Outcome<Self::Model>;

    /// Finds the object of this id; Terraform reads it afterwards.
    async fn import(&self, cx: &Context, id: &str) -> Outcome<Self::Model> {
        let _ = cx;
        Outcome::gone().with([Diagnostic::error(
            "Import is not supported",
            format!("{} {id:?} cannot be imported.", self.name()),
        )])
    }

    /// Rewrites a stored state of an older schema version. Attributes that are gone
    /// or new are taken care of afterwards.
    fn upgrade(&self, version: i64, state: serde_json::Value) -> Result<serde_json::Value, String> {
        let _ = version;
        Ok(state)
    }

    /// Rewrites the state of another type for a `moved` block. The error is a reason.
    fn move_from(
        &self,
        source_type: &str,
        state: serde_json::Value,
    ) -> Result<serde_json::Value, String> {
        let _ = state;
        Err(format!("{} cannot take over a {source_type}", self.name()))
    }
}

/// An [`Outcome`] in Terraform's values.
#[derive(Debug)]
pub struct RawOutcome {
    /// Null when there is no object.
    pub state: Value,
    /// What to keep.
    pub private: Private,
    /// What to tell.
    pub diagnostics: Diagnostics,
}

impl RawOutcome {
    /// Nothing changed, for the reason given.
    pub fn unchanged(state: Value, private: Private, why: impl Into<Diagnostics>) -> Self {
        Self {
            state,
            private,
            diagnostics: why.into(),
        }
    }
}

/// A plan in Terraform's values.
#[derive(Debug)]
pub struct RawPlan {
    /// What will be.
    pub planned: Value,
    /// What to keep.
    pub private: Private,
    /// Attributes whose change makes a new object.
    pub replace: Vec<Path>,
    /// What to tell.
    pub diagnostics: Diagnostics,
}

/// What Terraform asks to be planned.
#[derive(Debug)]
pub struct PlanRequest {
    /// Null for a new object.
    pub prior: Value,
    /// Null for an object to be deleted.
    pub proposed: Value,
    /// What the user wrote.
    pub config: Value,
    /// What the last apply kept.
    pub private: Private,
}

/// What Terraform asks to be applied.
#[derive(Debug)]
pub struct ApplyRequest {
    /// Null for a new object.
    pub prior: Value,
    /// Null for an object to be deleted.
    pub planned: Value,
    /// What the user wrote.
    pub config: Value,
    /// What the plan kept.
    pub private: Private,
}

/// A [`Resource`] of any model.
#[async_trait]
pub trait AnyResource: Send + Sync {
    /// As in [`Resource::name`].
    fn name(&self) -> &'static str;
    /// As in [`Resource::schema`].
    fn schema(&self) -> Schema;
    /// All checks of a configuration but those of single attributes.
    fn validate(&self, config: &Value) -> Diagnostics;
    /// Plans a new object, a change or a deletion.
    async fn plan(&self, cx: &Context, request: PlanRequest) -> RawPlan;
    /// Makes, changes or deletes the object.
    async fn apply(&self, cx: &Context, request: ApplyRequest) -> RawOutcome;
    /// Looks at the object.
    async fn read(&self, cx: &Context, state: Value, private: Private) -> RawOutcome;
    /// Finds the object of this id.
    async fn import(&self, cx: &Context, id: &str) -> RawOutcome;
    /// As in [`Resource::upgrade`].
    fn upgrade(&self, version: i64, state: serde_json::Value) -> Result<serde_json::Value, String>;
    /// As in [`Resource::move_from`].
    fn move_from(
        &self,
        source_type: &str,
        state: serde_json::Value,
    ) -> Result<serde_json::Value, String>;
}

fn read_model<M: FromValue>(value: &Value) -> Result<M, Misfit> {
    M::from_value(value, &Path::root())
}

fn raw<M: ToValue>(outcome: Outcome<M>) -> RawOutcome {
    RawOutcome {
        state: outcome.state.map_or(Value::Null, |state| state.to_value()),
        private: outcome.private,
        diagnostics: outcome.diagnostics,
    }
}

#[async_trait]
impl<R: Resource> AnyResource for R {
    fn name(&self) -> &'static str {
        Resource::name(self)
    }

    fn schema(&self) -> Schema {
        Resource::schema(self)
    }

    fn validate(&self, config: &Value) -> Diagnostics {
        match read_model(config) {
            Ok(config) => Resource::validate(self, &config),
            Err(misfit) => Diagnostic::from(misfit).into(),
        }
    }

    async fn plan(&self, cx: &Context, request: PlanRequest) -> RawPlan {
        let mut result = RawPlan {
            planned: Value::Null,
            private: request.private.clone(),
            replace: Vec::new(),
            diagnostics: Diagnostics::new(),
        };
        let outcome = if request.proposed.is_null() {
            plan_destroy(self, cx, &request).await
        } else {
            plan_change(self, cx, request).await.map(|planned| {
                let diagnostics = planned.diagnostics.clone();
                result = planned;
                diagnostics
            })
        };
        match outcome {
            Ok(diagnostics) => result.diagnostics = diagnostics,
            Err(misfit) => result.diagnostics.push(misfit.into()),
        }
        result
    }

    async fn apply(&self, cx: &Context, request: ApplyRequest) -> RawOutcome {
        let (before, private) = (request.prior.clone(), request.private.clone());
        match apply(self, cx, request).await {
            Ok(outcome) => raw(outcome),
            Err(misfit) => RawOutcome::unchanged(before, private, Diagnostic::from(misfit)),
        }
    }

    async fn read(&self, cx: &Context, state: Value, private: Private) -> RawOutcome {
        match read_model(&state) {
            Ok(model) => raw(Resource::read(self, cx, model, private).await),
            Err(misfit) => RawOutcome::unchanged(state, private, Diagnostic::from(misfit)),
        }
    }

    async fn import(&self, cx: &Context, id: &str) -> RawOutcome {
        raw(Resource::import(self, cx, id).await)
    }

    fn upgrade(&self, version: i64, state: serde_json::Value) -> Result<serde_json::Value, String> {
        Resource::upgrade(self, version, state)
    }

    fn move_from(
        &self,
        source_type: &str,
        state: serde_json::Value,
    ) -> Result<serde_json::Value, String> {
        Resource::move_from(self, source_type, state)
    }
}

async fn plan_destroy<R: Resource>(
    resource: &R,
    cx: &Context,
    request: &PlanRequest,
) -> Result<Diagnostics, Misfit> {
    let prior = read_model(&request.prior)?;
    let private = &request.private;
    Ok(resource.plan_destroy(cx, &prior, private).await)
}

async fn plan_change<R: Resource>(
    resource: &R,
    cx: &Context,
    request: PlanRequest,
) -> Result<RawPlan, Misfit> {
    let schema = Resource::schema(resource);
    let planned = plan::propose(&schema, &request.prior, &request.proposed, &request.config);
    let problems = problems(resource, &schema, &request.config)?;
    if !problems.is_empty() {
        return Ok(RawPlan {
            planned,
            private: request.private,
            replace: Vec::new(),
            diagnostics: problems.into_iter().collect(),
        });
    }
    let mut typed = Plan {
        prior: match &request.prior {
            Value::Null => None,
            prior => Some(read_model(prior)?),
        },
        config: read_model(&request.config)?,
        planned: read_model(&planned)?,
        private: request.private,
        replace: plan::replaced(&schema, &request.prior, &planned),
    };
    let diagnostics = Resource::plan(resource, cx, &mut typed).await;
    Ok(RawPlan {
        planned: typed.planned.to_value(),
        private: typed.private,
        replace: typed.replace,
        diagnostics,
    })
}

/// What the validation would have refused if the values had been known, or certain to be the
/// user's own.
fn problems<R: Resource>(
    resource: &R,
    schema: &Schema,
    config: &Value,
) -> Result<Vec<Diagnostic>, Misfit> {
    let of_schema = schema.block.validate(config, &Path::root(), Moment::Use);
    let of_resource = Resource::validate(resource, &read_model(config)?);
    let all = of_schema.into_iter().chain(of_resource);
    Ok(all.filter(Diagnostic::is_error).collect())
}

async fn apply<R: Resource>(
    resource: &R,
    cx: &Context,
    request: ApplyRequest,
) -> Result<Outcome<R::Model>, Misfit> {
    let private = request.private;
    if request.planned.is_null() {
        return Ok(resource
            .delete(cx, read_model(&request.prior)?, private)
            .await);
    }
    let planned = read_model(&request.planned)?;
    let config = read_model(&request.config)?;
    if request.prior.is_null() {
        let create = Create {
            planned,
            config,
            private,
        };
        return Ok(resource.create(cx, create).await);
    }
    let update = Update {
        prior: read_model(&request.prior)?,
        planned,
        config,
        private,
    };
    Ok(Resource::update(resource, cx, update).await)
}
