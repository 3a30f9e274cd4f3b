//! Changing a team's members.

use std::collections::BTreeSet;

use super::TeamStorage;
use super::binding::read_back;
use super::members::{Written, added, ids_of, note_added, stranger_error};
use super::plan::REPLACES;
use crate::sdk::prelude::*;
use crate::terraform::diagnostics::Explanation;
use crate::wandb::{Client, WandbError};

/// Changes members; everything else that a plan lets through is the state's own.
pub async fn update(client: &Client, update: Update<TeamStorage>) -> Outcome<TeamStorage> {
    let Update {
        prior,
        planned,
        mut private,
        ..
    } = update;
    private.remove(REPLACES);
    let (planned_status, planned_findings) =
        (planned.storage_status.clone(), planned.findings.clone());
    let mut state = planned;
    state.id = prior.id.clone();
    if let Err(diagnostic) = change_members(client, &prior, &state, &mut private).await {
        return Outcome::exists(prior, private).with([diagnostic]);
    }
    let diagnostics = read_back(client, &mut state, &mut private).await;
    // What the plan has said stands; the next look tells what has become of it.
    if !planned_status.is_unknown() {
        state.storage_status = planned_status;
    }
    if !planned_findings.is_unknown() {
        state.findings = planned_findings;
    }
    Outcome::exists(state, private).with(diagnostics)
}

async fn change_members(
    client: &Client,
    prior: &TeamStorage,
    state: &TeamStorage,
    private: &mut Private,
) -> Result<(), Diagnostic> {
    let Some(wanted) = state.members.known().and_then(SetOf::known) else {
        return Ok(());
    };
    if prior.members == state.members {
        return Ok(());
    }
    let summary = "The team's members were not changed";
    let failed = |error: WandbError| {
        Explanation::wandb(summary, error)
            .left_behind("the members as they were")
            .at(Path::of("members"))
            .error()
    };
    let id = prior.id.known().cloned().unwrap_or_default();
    let team = client.team(&id).await.map_err(failed)?.ok_or_else(|| {
        Explanation::new(summary, "the team was deleted while it was worked on").error()
    })?;
    let resolved = Written::resolve(client, &wanted).await.map_err(failed)?;
    let now = ids_of(&team);
    let stranger = resolved.stranger(client, &now).await;
    if let Some(stranger) = stranger.map_err(failed)? {
        return Err(stranger_error(summary, stranger));
    }
    let then = resolved.ids();
    let kept: BTreeSet<String> = then.union(&added(private)).cloned().collect();
    let add: Vec<String> = then.difference(&now).cloned().collect();
    let remove: Vec<String> = now.difference(&kept).cloned().collect();
    client
        .change_members(&id, &add, &remove)
        .await
        .map_err(failed)?;
    if remove.is_empty() {
        return Ok(());
    }
    // Whoever stays although they were to go is somebody that the instance insists on.
    if let Ok(Some(team)) = client.team(&id).await {
        let mut others = ids_of(&team);
        others.retain(|id| !remove.contains(id));
        note_added(&team, &others, private);
    }
    Ok(())
}
