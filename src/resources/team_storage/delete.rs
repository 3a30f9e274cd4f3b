//! Deleting a team.

use super::binding::{bound_storage, differing, effective, own_team};
use super::{TeamStorage, instance};
use crate::sdk::prelude::*;
use crate::terraform::diagnostics::Explanation;
use crate::wandb::{Client, WandbError};

/// Whether a team that the state has only begun is there all the same. Its bucket must not
/// be deleted under it.
pub async fn is_there(
    client: &Client,
    state: &TeamStorage,
    private: &Private,
) -> Result<Option<String>, Diagnostic> {
    let name = state.team.known().cloned().unwrap_or_default();
    let summary = format!("The bucket of team {name:?} was not deleted");
    instance::check_instance(client, private, &summary)?;
    let failed = |error| Explanation::wandb(summary.clone(), error).error();
    let Some(found) = client.find_team(&name).await.map_err(failed)? else {
        instance::check_absence(client, private, &summary).await?;
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

/// What became of a team that is to be deleted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum End {
    /// It was there, and this run has seen it go.
    Deleted,
    /// It was not there any more.
    Absent,
}

/// Deletes the team for good.
pub async fn delete(
    client: &Client,
    state: &TeamStorage,
    private: &Private,
) -> Result<End, Diagnostic> {
    let summary = "The team was not deleted";
    let Some(team) = own_team(client, state, private, summary).await? else {
        return Ok(End::Absent);
    };
    let failed = |error: WandbError| {
        Explanation::wandb(summary, error)
            .left_behind("the team")
            .error()
    };
    let said = client.delete_team(&team.name).await;
    // The answer may be lost, the team gone; or a "yes" may be no more than that. The team was
    // there a moment ago for this very key, so the key is one of its organization.
    match (said, client.team(&team.id).await) {
        (_, Ok(None)) => Ok(End::Deleted),
        (Err(error), _) | (Ok(()), Err(error)) => Err(failed(error)),
        (Ok(()), Ok(Some(_))) => Err(Explanation::new(
            summary,
            "the instance says that it deleted the team, and still has it",
        )
        .left_behind("the team")
        .what_to_do("Run terraform destroy again.")
        .error()),
    }
}
