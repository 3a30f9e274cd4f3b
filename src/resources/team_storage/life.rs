//! Making, reading, changing and deleting a team.

use std::collections::{BTreeMap, BTreeSet};

use super::TeamStorage;
use super::members::{Written, ids_of};
use super::plan::{REPLACES, effective, exists};
use crate::byob::requirements::registration::CONNECTION;
use crate::resources::byob_bucket::Finding;
use crate::resources::trouble::Trouble;
use crate::sdk::prelude::*;
use crate::wandb::{Client, NewTeam, Severity, StorageInfo, Team, WandbError, WandbErrorKind};

/// Private data: what the instance said that the team is bound to.
pub const BOUND: &str = "bound";
/// Private data: members that W&B added by itself.
const ADDED: &str = "added_by_wandb";

/// Makes the team of a plan.
pub async fn create(cx: &Context, client: &Client, planned: TeamStorage) -> Outcome<TeamStorage> {
    match make(cx, client, &planned).await {
        Ok((team, mut told)) => {
            // From here on the team exists and nothing is an error any more.
            let mut private = Private::default();
            let mut state = planned;
            state.id = Field::Known(team.id.clone());
            cx.exists(&state, &private);
            match written(client, &state).await {
                Ok(Some(members)) => {
                    let ids = members.ids();
                    let added: Vec<String> = ids_of(&team, &BTreeSet::new())
                        .difference(&ids)
                        .cloned()
                        .collect();
                    if !added.is_empty() {
                        private.set(ADDED, added);
                    }
                }
                Ok(None) => {}
                Err(error) => told
                    .push(Trouble::wandb("The team's members were not compared", error).warning()),
            }
            told.extend(read_back(client, &mut state, &mut private).await);
            Outcome::exists(state, private).with(told)
        }
        Err(diagnostic) => Outcome::gone().with([diagnostic]),
    }
}

async fn make(
    cx: &Context,
    client: &Client,
    planned: &TeamStorage,
) -> Result<(Team, Diagnostics), Diagnostic> {
    let summary = "The team was not made";
    let name = planned.team.known().cloned().unwrap_or_default();
    let failed = |error: WandbError| {
        Trouble::wandb(summary, error)
            .left_behind("nothing new")
            .timed(cx)
            .error()
    };
    if let Some(found) = client.find_team(&name).await.map_err(failed)? {
        return Err(exists(&name, &found.id));
    }
    let storage = effective(planned);
    let mut told = test(client, &storage).await?;
    let members: BTreeSet<String> = planned
        .members
        .known()
        .and_then(SetOf::known)
        .unwrap_or_default();
    let resolved = Written::resolve(client, &members).await.map_err(failed)?;
    if let [stranger, ..] = resolved.strangers()[..] {
        return Err(stranger_error(summary, stranger));
    }
    let new = NewTeam {
        name: name.clone(),
        members: members.into_iter().collect(),
        storage,
    };
    match client.create_team(&new).await {
        Ok(team) => Ok((team, told)),
        // The answer is lost, the team may be there.
        Err(error)
            if matches!(
                error.kind,
                WandbErrorKind::Transport | WandbErrorKind::Stopped
            ) =>
        {
            match look_for(client, &name).await {
                Some(team) => {
                    told.push(
                        Trouble::wandb("The answer to making the team was lost", error)
                            .left_behind(format!("the team {name:?}, which was found by its name"))
                            .warning(),
                    );
                    Ok((team, told))
                }
                None => Err(failed(error)),
            }
        }
        Err(error) => Err(failed(error)),
    }
}

/// Looks for a team whatever has happened to the operation: what exists must be known.
async fn look_for(client: &Client, name: &str) -> Option<Team> {
    let client = client.for_operation(tokio_util::sync::CancellationToken::new());
    client.find_team(name).await.ok().flatten()
}

fn stranger_error(summary: &str, stranger: &str) -> Diagnostic {
    Trouble::new(
        summary,
        format!("the W&B instance knows no user {stranger:?}"),
    )
    .left_behind("nothing new")
    .what_to_do("Invite the user to the organization first, or correct the address.")
    .at(Path::of("members"))
    .error()
}

/// Asks the instance to try the bucket: after the team is made nothing can be mended.
async fn test(
    client: &Client,
    storage: &BTreeMap<String, String>,
) -> Result<Diagnostics, Diagnostic> {
    let mut told = Diagnostics::new();
    // The test takes no path and no Azure identity; a server that cannot test says so.
    if storage.contains_key("azure_client_id") {
        return Ok(told);
    }
    let info = StorageInfo {
        name: storage.get("name").cloned().unwrap_or_default(),
        provider: storage.get("provider").cloned().unwrap_or_default(),
        kms_key_id: storage.get("kms_key_id").cloned(),
        aws_external_id: storage.get("aws_external_id").cloned(),
    };
    let summary = "The team was not made";
    let problems = match client.test_bucket(&info).await {
        Ok(problems) => problems,
        Err(error) if error.kind == WandbErrorKind::NotSupported => return Ok(told),
        Err(error) => {
            return Err(Trouble::wandb(summary, error)
                .left_behind("nothing new")
                .error());
        }
    };
    for problem in problems {
        match problem.severity {
            // The test knows no paths, and a key may reach this one only. The instance looks
            // at the path itself before it makes the team.
            Severity::Error if storage.contains_key("path") => told.push(
                Trouble::new(
                    "The W&B instance does not reach the whole bucket",
                    problem.message,
                )
                .what_to_do(
                    "Nothing, if W&B's key is meant for the team's path only; the instance tries \
                     that path before it makes the team.",
                )
                .warning(),
            ),
            Severity::Error => {
                return Err(Trouble::new(
                    summary,
                    format!("the W&B instance does not reach the bucket: {}", problem.message),
                )
                .left_behind("nothing new")
                .what_to_do(
                    "Where W&B reaches the bucket by a key, add the bucket's supported_file_store to \
                     GORILLA_SUPPORTED_FILE_STORES of the instance and restart it (on a dedicated \
                     instance W&B does it), then apply again.",
                )
                .at(Path::of("storage"))
                .error());
            }
            Severity::Warning => {
                told.push(
                    Trouble::new("The W&B instance warns about the bucket", problem.message)
                        .warning(),
                );
            }
        }
    }
    Ok(told)
}

async fn written(client: &Client, state: &TeamStorage) -> Result<Option<Written>, WandbError> {
    match state.members.known().and_then(SetOf::known) {
        Some(members) => Written::resolve(client, &members).await.map(Some),
        None => Ok(None),
    }
}

/// Reads what the team is bound to, where the instance tells.
async fn read_back(client: &Client, state: &mut TeamStorage, private: &mut Private) -> Diagnostics {
    let name = state.team.known().cloned().unwrap_or_default();
    state.findings = Field::Known(Vec::new());
    state.storage_status = "unknown".into();
    let bound = match client.team_storage(&name).await {
        Ok(Some(bound)) => bound,
        Ok(None) => return Diagnostics::new(),
        Err(error) if error.kind == WandbErrorKind::NotSupported => return Diagnostics::new(),
        Err(error) => {
            return Trouble::wandb("The team's storage was not read back", error)
                .warning()
                .into();
        }
    };
    let bound = as_map(&bound);
    private.set(BOUND, serde_json::json!(bound));
    if state.storage.is_null() {
        return Diagnostics::new();
    }
    let wanted = effective(state);
    let other: Vec<&String> = bound
        .iter()
        .filter(|(key, value)| wanted.get(*key).is_some_and(|wanted| wanted != *value))
        .map(|(key, _)| key)
        .collect();
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

/// Looks at the team of a state.
pub async fn read(client: &Client, state: TeamStorage, private: Private) -> Outcome<TeamStorage> {
    let summary = "The team was not looked at";
    let id = state.id.known().cloned().unwrap_or_default();
    let team = match client.team(&id).await {
        Ok(Some(team)) => team,
        Ok(None) => return Outcome::gone(),
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
    let mut state = planned;
    state.id = prior.id.clone();
    if let Err(diagnostic) = change_members(client, &prior, &state, &private).await {
        return Outcome::exists(prior, private).with([diagnostic]);
    }
    let told = read_back(client, &mut state, &mut private).await;
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
    if let [stranger, ..] = resolved.strangers()[..] {
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
    let team = match client.team(&id).await {
        Ok(Some(team)) => team,
        Ok(None) => return Outcome::gone(),
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
