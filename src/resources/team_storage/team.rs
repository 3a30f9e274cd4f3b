//! The team alone: each operation with a client of the instance, in the time that it may
//! take.

use std::time::Duration;

use super::existing::Begun;
use super::{
    TeamStorage, TeamStorageResource, bucket, create, delete, instance, no_key, plan, read, update,
};
use crate::sdk::prelude::*;
use crate::sdk::timeouts::timeout;
use crate::terraform::configuration::Configuration;

const TEN_MINUTES: Duration = Duration::from_secs(600);

impl TeamStorageResource {
    pub(super) async fn plan_team(
        &self,
        cx: &Context,
        plan: &mut Plan<TeamStorage>,
        begun: Begun<'_>,
    ) -> Diagnostics {
        let configuration = self.environment.configuration();
        let wandb = configuration
            .as_deref()
            .map_or(Field::Null, |one: &Configuration| one.wandb.clone());
        match wandb {
            Field::Null => no_key("The team cannot be planned").into(),
            Field::Unknown => plan::plan(None, plan, begun).await,
            Field::Known(client) => {
                let client = client.for_operation(cx.stop().clone());
                plan::plan(Some(&client), plan, begun).await
            }
        }
    }

    pub(super) async fn create_team(
        &self,
        cx: &Context,
        planned: TeamStorage,
        begun: Begun<'_>,
    ) -> Outcome<TeamStorage> {
        let cx = cx.limited(timeout(&planned.timeouts, "create", TEN_MINUTES));
        match self.client(&cx, "The team was not made") {
            Ok(client) => create::create(&cx, &client, planned, begun).await,
            Err(diagnostic) => Outcome::gone().with([diagnostic]),
        }
    }

    /// Finds out what would stop the team before its bucket is made.
    /// Returns the private data of a team that is to be made, and whether an earlier run has
    /// made it already.
    pub(super) async fn check_team(
        &self,
        cx: &Context,
        planned: &TeamStorage,
        begun: Begun<'_>,
    ) -> Result<(Private, bool), Diagnostic> {
        let cx = cx.limited(timeout(&planned.timeouts, "create", TEN_MINUTES));
        let client = self.client(&cx, "The team was not made")?;
        let found = create::check(&cx, &client, planned, begun).await?;
        let mut private = Private::default();
        instance::note_to_make(&client, &mut private)
            .await
            .map_err(|error| create::nothing_made(&cx, error))?;
        Ok((private, found.is_some()))
    }

    pub(super) async fn read_team(
        &self,
        cx: &Context,
        state: TeamStorage,
        private: Private,
    ) -> Outcome<TeamStorage> {
        let unknown = self
            .environment
            .configuration()
            .is_some_and(|configuration| configuration.wandb.is_unknown());
        match self.client(cx, "The team was not looked at") {
            Ok(client) if bucket::is_to_make(&state) => read::find(&client, state, private).await,
            Ok(client) => read::read(&client, state, private).await,
            Err(diagnostic) if unknown => {
                let diagnostics = Diagnostic::warning(diagnostic.summary, diagnostic.detail);
                Outcome::exists(state, private).with([diagnostics])
            }
            Err(diagnostic) => Outcome::exists(state, private).with([diagnostic]),
        }
    }

    /// The id of a team that the state has only begun and that is there all the same.
    pub(super) async fn find_begun(
        &self,
        cx: &Context,
        state: &TeamStorage,
        private: &Private,
    ) -> Result<Option<String>, Diagnostic> {
        let client = self.client(cx, "The team's bucket was not deleted")?;
        delete::is_there(&client, state, private).await
    }

    pub(super) async fn update_team(
        &self,
        cx: &Context,
        update: Update<TeamStorage>,
    ) -> Outcome<TeamStorage> {
        match self.client(cx, "The team was not changed") {
            Ok(client) => update::update(&client, update).await,
            Err(diagnostic) => Outcome::exists(update.prior, update.private).with([diagnostic]),
        }
    }

    pub(super) async fn delete_team(
        &self,
        cx: &Context,
        state: &TeamStorage,
        private: &Private,
    ) -> Result<delete::End, Diagnostic> {
        let client = self.client(cx, "The team was not deleted")?;
        delete::delete(&client, state, private).await
    }
}
