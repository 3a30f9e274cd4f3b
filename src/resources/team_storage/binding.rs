//! The team of a state, and what it is bound to: the storage that W&B never changes.

use super::{TeamStorage, instance};
use crate::byob::address;
use crate::byob::requirements::registration::CONNECTION;
use crate::resources::byob_bucket::Finding;
use crate::sdk::prelude::*;
use crate::terraform::diagnostics::Explanation;
use crate::terraform::registration::{self, Storage, told_by_instance};
use crate::wandb::{Client, Team, TeamEntity, WandbError, WandbErrorKind};

/// Private data: what the instance said that the team is bound to.
pub const BOUND: &str = "bound";
/// The team of a state; `None` when its own instance and organization say that it is not
/// there.
pub async fn own_team(
    client: &Client,
    state: &TeamStorage,
    private: &Private,
    summary: &str,
) -> Result<Option<Team>, Diagnostic> {
    let id = state.id.known().cloned().unwrap_or_default();
    let failed = |error: WandbError| {
        Explanation::wandb(summary, error)
            .left_behind("the state as it was")
            .error()
    };
    let Some(found) = client.team(&id).await.map_err(failed)? else {
        instance::check_absence(client, private, summary).await?;
        return Ok(None);
    };
    match state.team.known() {
        Some(name) if *name != found.name => {
            instance::check_instance(client, private, summary)?;
            Err(Explanation::new(
                summary,
                format!(
                    "the instance says that the team with the id {id} is called {:?}, and the state \
                     says {name:?}; W&B never renames a team",
                    found.name
                ),
            )
            .left_behind("the state as it was")
            .what_to_do("Remove the team from the state (terraform state rm) and import it again.")
            .error())
        }
        // Another instance may have a team of this id and name, and another address may lead
        // to the same instance.
        _ if instance::is_elsewhere(client, private) => {
            let is_ours = is_ours(client, state, &found).await.map_err(failed)?;
            if !is_ours {
                instance::check_instance(client, private, summary)?;
            }
            Ok(Some(found))
        }
        _ => Ok(Some(found)),
    }
}

/// The storage with the resource's own path in it; unknown parts are left out.
pub fn effective(model: &TeamStorage) -> Storage {
    let mut storage = registration::storage(&model.storage);
    if let Some(path) = model.path.known() {
        let provider = storage.get("provider").map_or("", String::as_str);
        let own = storage.get("path").map(String::as_str);
        let path = address::with_path(provider, own, path);
        storage.insert("path".to_owned(), path);
    }
    storage
}

/// What the instance says that a team is bound to; `None` where it does not tell.
pub async fn bound_storage(client: &Client, team: &str) -> Result<Option<Storage>, WandbError> {
    let entity = entity(client, team).await?;
    let storage = entity.and_then(|entity| entity.storage);
    Ok(storage.as_ref().map(told_by_instance))
}

/// What GraphQL knows of a team. Older instances do not tell its storage.
async fn entity(client: &Client, team: &str) -> Result<Option<TeamEntity>, WandbError> {
    match client.team_entity(team).await {
        Err(error) if error.kind == WandbErrorKind::NotSupported => {
            match client.organization_of(team).await {
                Ok(organization) => Ok(Some(TeamEntity {
                    storage: None,
                    organization,
                })),
                Err(error) if error.kind == WandbErrorKind::NotSupported => Ok(None),
                Err(error) => Err(error),
            }
        }
        other => other,
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
    state.findings = Field::Known(Vec::new());
    state.storage_status = "unknown".into();
    let entity = match entity(client, &name).await {
        Ok(entity) => entity,
        Err(error) => return not_read_back(error),
    };
    if let Err(error) = instance::note(client, entity.as_ref(), private).await {
        return not_read_back(error);
    }
    let Some(bound) = entity.and_then(|entity| entity.storage) else {
        return Diagnostics::new();
    };
    let bound = told_by_instance(&bound);
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

fn not_read_back(error: WandbError) -> Diagnostics {
    Explanation::wandb("The team's storage was not read back", error)
        .warning()
        .into()
}

/// Whether the state says that the team goes with the resource.
pub fn is_deleted(state: &TeamStorage) -> bool {
    state.on_destroy == Field::Known("delete".to_owned())
}
