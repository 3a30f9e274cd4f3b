//! What a team is bound to: the instance that it is on, and the storage that W&B never
//! changes.

use super::TeamStorage;
use crate::byob::requirements::registration::CONNECTION;
use crate::resources::byob_bucket::Finding;
use crate::sdk::prelude::*;
use crate::terraform::diagnostics::Explanation;
use crate::terraform::registration::{self, Storage, told_by_instance};
use crate::wandb::{Client, Team, WandbError, WandbErrorKind};

/// Private data: what the instance said that the team is bound to.
pub const BOUND: &str = "bound";
/// Private data: the address of the instance that the team is on.
const INSTANCE: &str = "instance";

/// Notes which instance the team is on.
pub fn note_instance(client: &Client, private: &mut Private) {
    private.set(INSTANCE, client.address());
}

/// "Not there" counts only when it is said by the instance that the team is on.
pub fn check_instance(client: &Client, private: &Private, summary: &str) -> Result<(), Diagnostic> {
    match private.text(INSTANCE) {
        Some(instance) if instance != client.address() => Err(Explanation::new(
            summary,
            format!(
                "the team is on {instance}, and base_url of the provider leads to {}, which does \
                 not know it",
                client.address()
            ),
        )
        .left_behind("the state as it was")
        .what_to_do(
            "Set base_url (WANDB_BASE_URL) back. A team cannot move to another instance; to forget \
             this one, remove it from the state (terraform state rm).",
        )
        .error()),
        _ => Ok(()),
    }
}

/// The team of a state. On another instance another team may have its id.
pub async fn own_team(client: &Client, state: &TeamStorage) -> Result<Option<Team>, WandbError> {
    let id = state.id.known().cloned().unwrap_or_default();
    let known = state.team.known();
    let found = client.team(&id).await?;
    Ok(found.filter(|team| known.is_none_or(|name| *name == team.name)))
}

/// The instance has no such team: it is gone, if that is the team's instance.
pub fn absent(
    client: &Client,
    state: TeamStorage,
    private: Private,
    summary: &str,
) -> Outcome<TeamStorage> {
    match check_instance(client, &private, summary) {
        Ok(()) => Outcome::gone(),
        Err(diagnostic) => Outcome::exists(state, private).with([diagnostic]),
    }
}

/// The storage with the resource's own path in it; unknown parts are left out.
pub fn effective(model: &TeamStorage) -> Storage {
    let mut storage = registration::storage(&model.storage);
    if let Some(path) = model.path.known() {
        storage.insert("path".to_owned(), path.clone());
    }
    storage
}

/// What the instance says that a team is bound to; `None` where it does not tell.
pub async fn bound_storage(client: &Client, team: &str) -> Result<Option<Storage>, WandbError> {
    match client.team_storage(team).await {
        Ok(bound) => Ok(bound.as_ref().map(told_by_instance)),
        Err(error) if error.kind == WandbErrorKind::NotSupported => Ok(None),
        Err(error) => Err(error),
    }
}

/// What the instance tells of a storage and is wanted otherwise.
pub fn differing<'a>(bound: &'a Storage, wanted: &Storage) -> Vec<&'a String> {
    bound
        .iter()
        .filter(|(key, value)| wanted.get(*key).is_some_and(|wanted| wanted != *value))
        .map(|(key, _)| key)
        .collect()
}

/// Whether a team that was found is the one that `planned` asks for: made by a request
/// whose answer was never heard.
pub async fn is_ours(
    client: &Client,
    planned: &TeamStorage,
    found: &Team,
) -> Result<bool, WandbError> {
    let bound = bound_storage(client, &found.name).await?;
    Ok(bound.is_some_and(|bound| differing(&bound, &effective(planned)).is_empty()))
}

/// Reads what the team is bound to, where the instance tells.
pub async fn read_back(
    client: &Client,
    state: &mut TeamStorage,
    private: &mut Private,
) -> Diagnostics {
    let name = state.team.known().cloned().unwrap_or_default();
    note_instance(client, private);
    state.findings = Field::Known(Vec::new());
    state.storage_status = "unknown".into();
    let bound = match bound_storage(client, &name).await {
        Ok(Some(bound)) => bound,
        Ok(None) => return Diagnostics::new(),
        Err(error) => {
            return Explanation::wandb("The team's storage was not read back", error)
                .warning()
                .into();
        }
    };
    private.set(BOUND, serde_json::json!(bound));
    if state.storage.is_null() {
        return Diagnostics::new();
    }
    let wanted = effective(state);
    let other = differing(&bound, &wanted);
    if other.is_empty() {
        state.storage_status = "bound".into();
        return Diagnostics::new();
    }
    state.storage_status = "different".into();
    let list = |map: &Storage| {
        other
            .iter()
            .map(|key| format!("{key} = {}", map.get(*key).map_or("", String::as_str)))
            .collect::<Vec<_>>()
            .join(", ")
    };
    state.findings = Field::Known(vec![Finding {
        requirement: CONNECTION.into(),
        status: "fail".into(),
        expected: list(&wanted).as_str().into(),
        actual: list(&bound).as_str().into(),
        message: "the team is bound to another storage, and W&B cannot change that".into(),
    }]);
    Diagnostics::new()
}

/// Whether the state says that the team goes with the resource.
pub fn is_deleted(state: &TeamStorage) -> bool {
    state.on_destroy == Field::Known("delete".to_owned())
}
