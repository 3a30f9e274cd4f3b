//! `wandb_team_storage`: a W&B team whose files live in a bucket.
//!
//! W&B binds a team to its bucket for good. So everything is checked before the team is
//! made, nothing after that is an error, and a change of what is bound is refused.

// What can be said about a team, and what follows from it.
mod arguments;
mod binding;
mod bucket;
mod existing;
mod instance;
mod members;
mod schema;
mod team;
mod with_bucket;

// What Terraform asks for.
mod create;
mod delete;
mod import;
mod plan;
mod read;
mod update;

use delete::End;
use existing::Begun;
pub use schema::TeamStorage;
use schema::block;

use std::sync::Arc;

use async_trait::async_trait;

use super::byob_bucket::{Bucket, ByobBucket};
use crate::sdk::model::FromValue;
use crate::sdk::prelude::*;
use crate::terraform::account::CloudSchema;
use crate::terraform::configuration::Environment;
use crate::terraform::diagnostics::Explanation;
use crate::wandb::Client;

/// The resource.
#[derive(Debug)]
pub struct TeamStorageResource {
    environment: Environment,
    /// For the bucket that a team owns.
    bucket: ByobBucket,
    clouds: Vec<Arc<dyn CloudSchema>>,
}

impl TeamStorageResource {
    /// The resource of one provider.
    pub fn new(environment: Environment, clouds: Vec<Arc<dyn CloudSchema>>) -> Self {
        Self {
            bucket: ByobBucket::new(environment.clone(), clouds.clone()),
            environment,
            clouds,
        }
    }

    /// A client of the instance; an error says what is missing.
    fn client(&self, cx: &Context, summary: &str) -> Result<Client, Diagnostic> {
        let configuration = self.environment.configuration();
        match configuration
            .as_deref()
            .map(|configuration| &configuration.wandb)
        {
            Some(Field::Known(client)) => Ok(client.for_operation(cx.stop().clone())),
            Some(Field::Unknown) => Err(Explanation::new(
                summary,
                "base_url or api_key of the provider is not known before something else is applied",
            )
            .what_to_do("Apply what they depend on first, for example with -target.")
            .error()),
            Some(Field::Null) | None => Err(no_key(summary)),
        }
    }
}

fn no_key(summary: &str) -> Diagnostic {
    Explanation::new(summary, "the provider has no api_key")
        .what_to_do("Set api_key (WANDB_API_KEY) in the provider block: the key of an admin.")
        .error()
}

#[async_trait]
impl Resource for TeamStorageResource {
    type Model = TeamStorage;

    fn name(&self) -> &'static str {
        "wandb_team_storage"
    }

    fn schema(&self) -> Schema {
        Schema::new(block(&self.clouds))
    }

    fn validate(&self, config: &TeamStorage) -> Diagnostics {
        let mut diagnostics = Diagnostics::new();
        match (&config.storage, &config.byob_bucket) {
            (Field::Null, Field::Null) => diagnostics.push(
                Explanation::new(
                    "The team has no storage",
                    "exactly one of storage and byob_bucket is needed",
                )
                .at(Path::of("storage"))
                .error(),
            ),
            (Field::Known(_), Field::Known(_)) => diagnostics.push(
                Explanation::new(
                    "The team has two storages",
                    "storage and byob_bucket are both set, and exactly one is needed",
                )
                .at(Path::of("storage"))
                .error(),
            ),
            _ => {}
        }
        diagnostics.extend(arguments::outside(config));
        if let Field::Known(storage) = &config.storage {
            diagnostics.extend(schema::problems_of_storage(storage));
        }
        if let Field::Known(config) = &config.byob_bucket {
            diagnostics.extend(bucket::placed(Resource::validate(&self.bucket, config)));
        }
        diagnostics
    }

    async fn plan(&self, cx: &Context, plan: &mut Plan<TeamStorage>) -> Diagnostics {
        if plan.planned.byob_bucket.is_null() {
            let had = plan
                .prior
                .as_ref()
                .filter(|prior| !prior.byob_bucket.is_null());
            let team = had.map(|prior| prior.team.known().cloned().unwrap_or_default());
            if let Some(team) = team {
                return bucket::dropped(&team, arguments::place_of("name", &plan.planned)).into();
            }
            return self.plan_team(cx, plan, Begun::No).await;
        }
        let (part, moved, mut diagnostics) = match bucket::plan(&self.bucket, cx, plan).await {
            Ok(planned) => planned,
            Err(diagnostic) => return diagnostic.into(),
        };
        let mut flat = Plan {
            // A team that is still to be made is planned like a new one.
            prior: plan
                .prior
                .as_ref()
                .filter(|prior| !bucket::is_to_make(prior))
                .map(bucket::flat),
            config: bucket::flat(&plan.config),
            planned: bucket::flat(&plan.planned),
            private: plan.private.clone(),
            replace: moved,
        };
        let prior = flat.prior.as_ref();
        let is_kept = prior.is_some_and(|one| !binding::is_deleted(one));
        if is_kept && !flat.replace.is_empty() {
            // W&B's refusal is all there is to say about another bucket.
            diagnostics = Diagnostics::new();
        }
        let own = plan.planned.byob_bucket.clone();
        let begun = match &own {
            Field::Known(own) => Begun::Marked(cx, &self.bucket, own),
            Field::Null | Field::Unknown => Begun::No,
        };
        diagnostics.extend(self.plan_team(cx, &mut flat, begun).await);
        plan.planned = bucket::whole(flat.planned, own);
        plan.replace = flat.replace;
        plan.private = flat.private;
        plan.private.set_part(bucket::BLOCK, &part);
        diagnostics
    }

    async fn plan_destroy(
        &self,
        cx: &Context,
        prior: &TeamStorage,
        private: &Private,
    ) -> Diagnostics {
        let mut diagnostics = if bucket::is_to_make(prior) {
            Diagnostics::new()
        } else {
            plan::plan_destroy(prior)
        };
        if let Field::Known(own) = &prior.byob_bucket
            && (binding::is_deleted(prior) || bucket::is_to_make(prior))
        {
            let part = private.part(bucket::BLOCK);
            diagnostics.extend(bucket::placed(
                Resource::plan_destroy(&self.bucket, cx, own, &part).await,
            ));
        }
        diagnostics
    }

    async fn create(&self, cx: &Context, create: Create<TeamStorage>) -> Outcome<TeamStorage> {
        match create.planned.byob_bucket.clone() {
            Field::Known(own) => self.create_with_bucket(cx, create, own).await,
            Field::Null | Field::Unknown => self.create_team(cx, create.planned, Begun::No).await,
        }
    }

    async fn read(
        &self,
        cx: &Context,
        state: TeamStorage,
        private: Private,
    ) -> Outcome<TeamStorage> {
        let Field::Known(own) = state.byob_bucket.clone() else {
            return self.read_team(cx, state, private).await;
        };
        let seen = Resource::read(&self.bucket, cx, own, private.part(bucket::BLOCK)).await;
        let mut private = private;
        private.set_part(bucket::BLOCK, &seen.private);
        let mut diagnostics: Diagnostics = bucket::placed(seen.diagnostics).collect();
        if diagnostics.has_errors() {
            return Outcome::exists(state, private).with(diagnostics);
        }
        let own: Field<Bucket> = seen.state.into();
        if bucket::is_to_make(&state) && own.is_null() {
            return Outcome::gone().with(diagnostics);
        }
        let before = private.clone();
        let mut team = self.read_team(cx, bucket::flat(&state), private).await;
        diagnostics.extend(std::mem::take(&mut team.diagnostics));
        match (team.state, own) {
            (Some(flat), own) => {
                if own.is_null() {
                    // The storage stays in the state: the team is still bound to it.
                    let name = flat.team.known().cloned().unwrap_or_default();
                    diagnostics.push(bucket::vanished(&name));
                }
                Outcome::exists(bucket::whole(flat, own), team.private).with(diagnostics)
            }
            // The team was deleted elsewhere; its bucket is still looked after.
            (None, Field::Known(own)) => {
                let mut private = instance::only_instance(&before);
                private.set_part(bucket::BLOCK, &seen.private);
                Outcome::exists(bucket::without_team(state, own), private).with(diagnostics)
            }
            (None, Field::Null | Field::Unknown) => Outcome::gone().with(diagnostics),
        }
    }

    async fn update(&self, cx: &Context, update: Update<TeamStorage>) -> Outcome<TeamStorage> {
        let Field::Known(own) = update.planned.byob_bucket.clone() else {
            return self.update_team(cx, update).await;
        };
        let done = self.change_bucket(cx, &update, own).await;
        let mut private = update.private.clone();
        private.set_part(bucket::BLOCK, &done.private);
        let mut diagnostics: Diagnostics = bucket::placed(done.diagnostics).collect();
        let own: Field<Bucket> = done.state.into();
        if diagnostics.has_errors() || own.is_null() {
            let before = update.prior.byob_bucket.clone();
            let own = if own.is_null() { before } else { own };
            return Outcome::exists(bucket::whole(update.prior, own), private).with(diagnostics);
        }
        let planned = bucket::flat(&bucket::whole(update.planned, own.clone()));
        let team = if bucket::is_to_make(&update.prior) {
            self.create_team(cx, planned, Begun::Yes).await
        } else {
            let update = Update {
                prior: bucket::flat(&update.prior),
                planned,
                config: update.config,
                private: private.clone(),
            };
            self.update_team(cx, update).await
        };
        diagnostics.extend(team.diagnostics);
        let part = private.part(bucket::BLOCK);
        match team.state {
            Some(flat) => {
                let mut private = team.private;
                private.set_part(bucket::BLOCK, &part);
                Outcome::exists(bucket::whole(flat, own), private).with(diagnostics)
            }
            None => Outcome::exists(bucket::whole(update.prior, own), private).with(diagnostics),
        }
    }

    async fn delete(
        &self,
        cx: &Context,
        state: TeamStorage,
        private: Private,
    ) -> Outcome<TeamStorage> {
        let mut state = state;
        if bucket::is_to_make(&state) {
            match self.find_begun(cx, &bucket::flat(&state), &private).await {
                Ok(Some(id)) => state.id = Field::Known(id),
                Ok(None) => {}
                Err(diagnostic) => return Outcome::exists(state, private).with([diagnostic]),
            }
        }
        let is_there = !bucket::is_to_make(&state);
        let mut lost_team = bucket::has_lost_team(&state);
        if is_there && binding::is_deleted(&state) {
            // A team cannot be brought back, so its bucket must not refuse afterwards.
            if let Field::Known(own) = &state.byob_bucket
                && let Err(refused) = self
                    .bucket
                    .check_delete(cx, own, &private.part(bucket::BLOCK))
                    .await
            {
                return Outcome::exists(state, private).with(bucket::placed(refused));
            }
            match self.delete_team(cx, &bucket::flat(&state), &private).await {
                Ok(End::Deleted) => {}
                Ok(End::Absent) => lost_team = true,
                Err(diagnostic) => return Outcome::exists(state, private).with([diagnostic]),
            }
        }
        let Field::Known(own) = state.byob_bucket.clone() else {
            return Outcome::gone();
        };
        if is_there && !binding::is_deleted(&state) {
            let name = state.team.known().cloned().unwrap_or_default();
            return Outcome::gone().with([bucket::stays(&name)]);
        }
        self.delete_bucket(cx, state, own, private, lost_team).await
    }

    async fn import(&self, cx: &Context, id: &str) -> Outcome<TeamStorage> {
        let empty = TeamStorage::from_value(&Value::Map(Default::default()), &Path::root());
        match (self.client(cx, "The team was not imported"), empty) {
            (Ok(client), Ok(empty)) => import::import(&client, id, empty).await,
            (Err(diagnostic), _) => Outcome::gone().with([diagnostic]),
            (_, Err(misfit)) => Outcome::gone().with([misfit.into()]),
        }
    }
}
