//! Looking at a team.

use super::TeamStorage;
use super::binding::{is_ours, own_team, read_back};
use super::instance::check_instance;
use super::members::{added, ids_of, written};
use crate::sdk::prelude::*;
use crate::terraform::diagnostics::Explanation;
use crate::wandb::Client;

const NOT_LOOKED_AT: &str = "The team was not looked at";

/// Looks for a team that the state has only begun: an answer may have been lost.
pub async fn find(client: &Client, state: TeamStorage, private: Private) -> Outcome<TeamStorage> {
    if let Err(diagnostic) = check_instance(client, &private, NOT_LOOKED_AT) {
        return Outcome::exists(state, private).with([diagnostic]);
    }
    let name = state.team.known().cloned().unwrap_or_default();
    let found = match client.find_team(&name).await {
        Ok(Some(found)) => is_ours(client, &state, &found)
            .await
            .map(|is_ours| is_ours.then_some(found)),
        other => other,
    };
    match found {
        Ok(Some(team)) => {
            let diagnostics = Explanation::new(
                format!("Team {name:?} is there, and is taken for this resource's"),
                "it is bound to the resource's bucket; the answer to making it may have been lost",
            );
            let id = Field::Known(team.id);
            let outcome = read(client, TeamStorage { id, ..state }, private).await;
            outcome.with([diagnostics.warning()])
        }
        Ok(None) => Outcome::exists(state, private),
        Err(error) => {
            let trouble =
                Explanation::wandb(NOT_LOOKED_AT, error).left_behind("the state as it was");
            Outcome::exists(state, private).with([trouble.error()])
        }
    }
}

/// Looks at the team of a state.
pub async fn read(client: &Client, state: TeamStorage, private: Private) -> Outcome<TeamStorage> {
    let summary = NOT_LOOKED_AT;
    let team = match own_team(client, &state, &private, summary).await {
        Ok(Some(team)) => team,
        Ok(None) => return Outcome::gone(),
        Err(diagnostic) => return Outcome::exists(state, private).with([diagnostic]),
    };
    let (mut state, mut private) = (state, private);
    state.team = Field::Known(team.name.clone());
    let mut diagnostics = Diagnostics::new();
    match written(client, &state).await {
        Ok(Some(members)) => {
            let now = members.as_written(&ids_of(&team), &added(&private));
            state.members = Field::Known(SetOf::from(now));
        }
        Ok(None) => {}
        Err(error) => {
            let trouble = Explanation::wandb(summary, error).left_behind("the state as it was");
            return Outcome::exists(state, private).with([trouble.error()]);
        }
    }
    diagnostics.extend(read_back(client, &mut state, &mut private).await);
    Outcome::exists(state, private).with(diagnostics)
}
