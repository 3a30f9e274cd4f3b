//! A team that is there already.

use crate::sdk::prelude::*;
use crate::terraform::diagnostics::Explanation;

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
