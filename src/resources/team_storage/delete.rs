//! Deleting a team.

use super::TeamStorage;
use super::binding::{absent, bound_storage, check_instance, differing, effective, own_team};
use crate::sdk::prelude::*;
use crate::terraform::diagnostics::Explanation;
use crate::wandb::Client;

/// Whether a team that the state has only begun is there all the same. Its bucket must not
/// be deleted under it.
pub async fn is_there(
    client: &Client,
    state: &TeamStorage,
    private: &Private,
) -> Result<Option<String>, Diagnostic> {
    let name = state.team.known().cloned().unwrap_or_default();
    let summary = format!("The bucket of team {name:?} was not deleted");
    check_instance(client, private, &summary)?;
    let failed = |error| Explanation::wandb(summary.clone(), error).error();
    let Some(found) = client.find_team(&name).await.map_err(failed)? else {
        return Ok(None);
    };
    let bound = bound_storage(client, &found.name).await.map_err(failed)?;
    match bound {
        Some(bound) if differing(&bound, &effective(state)).is_empty() => Ok(Some(found.id)),
        Some(_) => Ok(None),
        None => Err(Explanation::new(
            summary,
            "the instance has a team of this name and does not tell where it stores",
        )
        .left_behind("the bucket, with all that is in it")
        .what_to_do(
            "Delete the team in W&B first; or keep both, by removing this resource from the state \
             (terraform state rm).",
        )
        .error()),
    }
}

/// Deletes the team for good.
pub async fn delete(client: &Client, state: TeamStorage, private: Private) -> Outcome<TeamStorage> {
    let summary = "The team was not deleted";
    let id = state.id.known().cloned().unwrap_or_default();
    let team = match own_team(client, &state).await {
        Ok(Some(team)) => team,
        Ok(None) => return absent(client, state, private, summary),
        Err(error) => {
            let diagnostics = Explanation::wandb(summary, error)
                .left_behind("the team")
                .error();
            return Outcome::exists(state, private).with([diagnostics]);
        }
    };
    match client.delete_team(&team.name).await {
        Ok(()) => Outcome::gone(),
        // The answer may be lost, the team gone.
        Err(error) => match client.team(&id).await {
            Ok(None) => Outcome::gone(),
            Ok(Some(_)) | Err(_) => {
                let diagnostics = Explanation::wandb(summary, error)
                    .left_behind("the team")
                    .error();
                Outcome::exists(state, private).with([diagnostics])
            }
        },
    }
}
