//! A team that is there already: somebody's, or half made by an earlier run.

use super::TeamStorage;
use super::binding::is_ours;
use crate::resources::byob_bucket::{Bucket, ByobBucket};
use crate::sdk::prelude::*;
use crate::terraform::diagnostics::Explanation;
use crate::wandb::{Client, Team, WandbError};

/// What is there under the name of a team that is to be made.
#[derive(Debug)]
pub enum Sight {
    /// Nothing.
    Free,
    /// A team that is bound to the very storage that is wanted.
    Bound(Team),
    /// Another team, or one of which the instance does not tell where it stores.
    Other(Team),
}

/// Looks for a team of the name of a plan.
pub async fn sight(client: &Client, planned: &TeamStorage) -> Result<Sight, WandbError> {
    let name = planned.team.known().cloned().unwrap_or_default();
    Ok(match client.find_team(&name).await? {
        None => Sight::Free,
        Some(found) if is_ours(client, planned, &found).await? => Sight::Bound(found),
        Some(found) => Sight::Other(found),
    })
}

/// Whether an earlier run may have made the team unheard.
#[derive(Clone, Copy, Debug)]
pub enum Begun<'a> {
    /// No: the state knows nothing of it.
    No,
    /// The state says so.
    Yes,
    /// The state knows nothing, and the bucket tells: it is half made as long as its team is.
    Marked(&'a Context, &'a ByobBucket, &'a Bucket),
}

impl Begun<'_> {
    /// Whether it may.
    pub async fn holds(&self) -> bool {
        match self {
            Self::No => false,
            Self::Yes => true,
            Self::Marked(cx, resource, bucket) => resource.is_half_made(cx, bucket).await,
        }
    }
}

/// A team that an earlier run has made and nobody heard of.
pub fn continued(team: &str) -> Diagnostic {
    Explanation::new(
        format!("Team {team:?} is there already"),
        "an earlier run made it on this very bucket and did not finish; this one goes on with it",
    )
    .warning()
}

/// A team of that name is there already. `is_begun` when the state holds the resource, so
/// that no import can bring the team under it.
pub fn exists(team: &str, id: &str, is_begun: bool) -> Diagnostic {
    let advice = if is_begun {
        format!(
            "Choose another name. If this resource has made the team and nobody heard of it: remove \
             the resource from the state (terraform state rm), set adopt = true in its block \
             byob_bucket, and bring the team under it with\n\n\
             import {{\n  to = wandb_team_storage.<name>\n  id = {team:?}\n}}"
        )
    } else {
        format!(
            "Choose another name, or bring the team under this resource with\n\n\
             import {{\n  to = wandb_team_storage.<name>\n  id = {team:?}\n}}"
        )
    };
    Explanation::new(
        format!("Team {team:?} exists already"),
        format!(
            "the W&B instance has a team of this name (id {id}), and the state does not know it"
        ),
    )
    .left_behind("the team as it was")
    .what_to_do(advice)
    .at(Path::of("team"))
    .error()
}
