//! Reading, changing and deleting a team.

use std::collections::{BTreeMap, BTreeSet};

use super::TeamStorage;
use super::make::{stranger_error, unheard};
use super::members::{Written, ids_of};
use super::plan::{REPLACES, effective};
use crate::byob::requirements::registration::CONNECTION;
use crate::resources::byob_bucket::Finding;
use crate::resources::trouble::Trouble;
use crate::sdk::prelude::*;
use crate::wandb::{Client, StorageInfo, Team, WandbError, WandbErrorKind};

/// Private data: what the instance said that the team is bound to.
pub const BOUND: &str = "bound";
/// Private data: the address of the instance that the team is on.
const INSTANCE: &str = "instance";
/// Private data: members that W&B added by itself.
pub const ADDED: &str = "added_by_wandb";

pub async fn written(client: &Client, state: &TeamStorage) -> Result<Option<Written>, WandbError> {
    match state.members.known().and_then(SetOf::known) {
        Some(members) => Written::resolve(client, &members).await.map(Some),
        None => Ok(None),
    }
}

/// Notes which instance the team is on.
pub fn note_instance(client: &Client, private: &mut Private) {
    private.set(INSTANCE, client.address());
}

/// "Not there" counts only when it is said by the instance that the team is on.
fn check_instance(client: &Client, private: &Private, summary: &str) -> Result<(), Diagnostic> {
    match private.text(INSTANCE) {
        Some(instance) if instance != client.address() => Err(Trouble::new(
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
            return Trouble::wandb("The team's storage was not read back", error)
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
    let list = |map: &BTreeMap<String, String>| {
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

/// What the instance says that a team is bound to; `None` where it does not tell.
pub async fn bound_storage(
    client: &Client,
    team: &str,
) -> Result<Option<BTreeMap<String, String>>, WandbError> {
    match client.team_storage(team).await {
        Ok(bound) => Ok(bound.as_ref().map(as_map)),
        Err(error) if error.kind == WandbErrorKind::NotSupported => Ok(None),
        Err(error) => Err(error),
    }
}

/// What the instance tells of a storage and is wanted otherwise.
pub fn differing<'a>(
    bound: &'a BTreeMap<String, String>,
    wanted: &BTreeMap<String, String>,
) -> Vec<&'a String> {
    bound
        .iter()
        .filter(|(key, value)| wanted.get(*key).is_some_and(|wanted| wanted != *value))
        .map(|(key, _)| key)
        .collect()
}

fn as_map(info: &StorageInfo) -> BTreeMap<String, String> {
    let mut map = BTreeMap::from([
        ("name".to_owned(), info.name.clone()),
        ("provider".to_owned(), info.provider.clone()),
    ]);
    let optional = [
        ("kms_key_id", &info.kms_key_id),
        ("aws_external_id", &info.aws_external_id),
    ];
    for (key, value) in optional {
        if let Some(value) = value.as_ref().filter(|value| !value.is_empty()) {
            map.insert(key.to_owned(), value.clone());
        }
    }
    map
}

/// Looks for a team that the state has only begun: an answer may have been lost.
pub async fn find(client: &Client, state: TeamStorage, private: Private) -> Outcome<TeamStorage> {
    if let Err(diagnostic) = check_instance(client, &private, NOT_LOOKED_AT) {
        return Outcome::exists(state, private).with([diagnostic]);
    }
    let name = state.team.known().cloned().unwrap_or_default();
    let found = match client.find_team(&name).await {
        Ok(Some(found)) => unheard(client, &state, &found)
            .await
            .map(|is_ours| is_ours.then_some(found)),
        other => other,
    };
    match found {
        Ok(Some(team)) => {
            let told = Trouble::new(
                format!("Team {name:?} is there, and is taken for this resource's"),
                "it is bound to the resource's bucket; the answer to making it may have been lost",
            );
            let id = Field::Known(team.id);
            let outcome = read(client, TeamStorage { id, ..state }, private).await;
            outcome.with([told.warning()])
        }
        Ok(None) => Outcome::exists(state, private),
        Err(error) => {
            let trouble = Trouble::wandb(NOT_LOOKED_AT, error).left_behind("the state as it was");
            Outcome::exists(state, private).with([trouble.error()])
        }
    }
}

const NOT_LOOKED_AT: &str = "The team was not looked at";

/// Looks at the team of a state.
pub async fn read(client: &Client, state: TeamStorage, private: Private) -> Outcome<TeamStorage> {
    let summary = NOT_LOOKED_AT;
    let team = match own_team(client, &state).await {
        Ok(Some(team)) => team,
        Ok(None) => return absent(client, state, private, summary),
        Err(error) => {
            let told = Trouble::wandb(summary, error)
                .left_behind("the state as it was")
                .error();
            return Outcome::exists(state, private).with([told]);
        }
    };
    let (mut state, mut private) = (state, private);
    state.team = Field::Known(team.name.clone());
    let mut told = Diagnostics::new();
    match written(client, &state).await {
        Ok(Some(members)) => {
            let now = members.as_written(&ids_of(&team, &added(&private)));
            state.members = Field::Known(SetOf::from(now));
        }
        Ok(None) => {}
        Err(error) => {
            let trouble = Trouble::wandb(summary, error).left_behind("the state as it was");
            return Outcome::exists(state, private).with([trouble.error()]);
        }
    }
    told.extend(read_back(client, &mut state, &mut private).await);
    Outcome::exists(state, private).with(told)
}

/// The team of a state. On another instance another team may have its id.
async fn own_team(client: &Client, state: &TeamStorage) -> Result<Option<Team>, WandbError> {
    let id = state.id.known().cloned().unwrap_or_default();
    let known = state.team.known();
    let found = client.team(&id).await?;
    Ok(found.filter(|team| known.is_none_or(|name| *name == team.name)))
}

/// The instance has no such team: it is gone, if that is the team's instance.
fn absent(
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
    let failed = |error| Trouble::wandb(summary.clone(), error).error();
    let Some(found) = client.find_team(&name).await.map_err(failed)? else {
        return Ok(None);
    };
    let bound = bound_storage(client, &found.name).await.map_err(failed)?;
    match bound {
        Some(bound) if differing(&bound, &effective(state)).is_empty() => Ok(Some(found.id)),
        Some(_) => Ok(None),
        None => Err(Trouble::new(
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

fn added(private: &Private) -> BTreeSet<String> {
    private
        .get(ADDED)
        .and_then(|list| list.as_array())
        .map(|list| {
            list.iter()
                .filter_map(|one| one.as_str().map(str::to_owned))
                .collect()
        })
        .unwrap_or_default()
}

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
    if let Err(diagnostic) = change_members(client, &prior, &state, &private).await {
        return Outcome::exists(prior, private).with([diagnostic]);
    }
    let told = read_back(client, &mut state, &mut private).await;
    // What the plan has said stands; the next look tells what has become of it.
    if !planned_status.is_unknown() {
        state.storage_status = planned_status;
    }
    if !planned_findings.is_unknown() {
        state.findings = planned_findings;
    }
    Outcome::exists(state, private).with(told)
}

async fn change_members(
    client: &Client,
    prior: &TeamStorage,
    state: &TeamStorage,
    private: &Private,
) -> Result<(), Diagnostic> {
    let Some(wanted) = state.members.known().and_then(SetOf::known) else {
        return Ok(());
    };
    if prior.members == state.members {
        return Ok(());
    }
    let summary = "The team's members were not changed";
    let failed = |error: WandbError| {
        Trouble::wandb(summary, error)
            .left_behind("the members as they were")
            .at(Path::of("members"))
            .error()
    };
    let id = prior.id.known().cloned().unwrap_or_default();
    let team = client.team(&id).await.map_err(failed)?.ok_or_else(|| {
        Trouble::new(summary, "the team was deleted while it was worked on").error()
    })?;
    let resolved = Written::resolve(client, &wanted).await.map_err(failed)?;
    let everybody = ids_of(&team, &BTreeSet::new());
    let stranger = resolved.stranger(client, &everybody).await;
    if let Some(stranger) = stranger.map_err(failed)? {
        return Err(stranger_error(summary, stranger));
    }
    let (now, then) = (ids_of(&team, &added(private)), resolved.ids());
    let add: Vec<String> = then.difference(&now).cloned().collect();
    let remove: Vec<String> = now.difference(&then).cloned().collect();
    client
        .change_members(&id, &add, &remove)
        .await
        .map_err(failed)
}

/// Whether the state says that the team goes with the resource.
pub fn is_deleted(state: &TeamStorage) -> bool {
    state.on_destroy == Field::Known("delete".to_owned())
}

/// Deletes the team for good.
pub async fn delete(client: &Client, state: TeamStorage, private: Private) -> Outcome<TeamStorage> {
    let summary = "The team was not deleted";
    let id = state.id.known().cloned().unwrap_or_default();
    let team = match own_team(client, &state).await {
        Ok(Some(team)) => team,
        Ok(None) => return absent(client, state, private, summary),
        Err(error) => {
            let told = Trouble::wandb(summary, error)
                .left_behind("the team")
                .error();
            return Outcome::exists(state, private).with([told]);
        }
    };
    match client.delete_team(&team.name).await {
        Ok(()) => Outcome::gone(),
        // The answer may be lost, the team gone.
        Err(error) => match client.team(&id).await {
            Ok(None) => Outcome::gone(),
            Ok(Some(_)) | Err(_) => {
                let told = Trouble::wandb(summary, error)
                    .left_behind("the team")
                    .error();
                Outcome::exists(state, private).with([told])
            }
        },
    }
}

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
        Ok(None) => Outcome::gone().with([Trouble::new(
            summary,
            format!("the W&B instance has no team with the name or id {id:?}"),
        )
        .error()]),
        Err(error) => Outcome::gone().with([Trouble::wandb(summary, error).error()]),
    }
}
