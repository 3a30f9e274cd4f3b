//! Finding the team of an import id.

use super::TeamStorage;
use crate::sdk::prelude::*;
use crate::terraform::diagnostics::Explanation;
use crate::wandb::Client;

/// Finds a team by its name or id.
pub async fn import(client: &Client, id: &str, empty: TeamStorage) -> Outcome<TeamStorage> {
    let summary = "The team was not imported";
    let found = match client.find_team(id).await {
        Ok(Some(team)) => Ok(Some(team)),
        Ok(None) => client.team(id).await,
        Err(error) => Err(error),
    };
    match found {
        Ok(Some(team)) => {
            let mut state = empty;
            state.id = Field::Known(team.id);
            state.team = Field::Known(team.name);
            state.on_destroy = "keep".into();
            Outcome::exists(state, Private::default())
        }
        Ok(None) => Outcome::gone().with([Explanation::new(
            summary,
            format!("the W&B instance has no team with the name or id {id:?}"),
        )
        .error()]),
        Err(error) => Outcome::gone().with([Explanation::wandb(summary, error).error()]),
    }
}
