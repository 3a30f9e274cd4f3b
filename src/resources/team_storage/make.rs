//! Making a team: what stands in its way, the test of its storage, and the one request
//! that W&B never takes back.

use std::collections::BTreeSet;

use super::TeamStorage;
use super::life::{ADDED, bound_storage, differing, read_back, written};
use super::members::{Written, ids_of};
use super::plan::{effective, exists, place_of};
use crate::resources::trouble::Trouble;
use crate::sdk::prelude::*;
use crate::wandb::{Client, NewTeam, Severity, StorageInfo, Team, WandbError, WandbErrorKind};

/// Makes the team of a plan. `is_begun` when an earlier run may have made it unheard.
pub async fn create(
    cx: &Context,
    client: &Client,
    planned: TeamStorage,
    is_begun: bool,
) -> Outcome<TeamStorage> {
    match make(cx, client, &planned, is_begun).await {
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
    is_begun: bool,
) -> Result<(Team, Diagnostics), Diagnostic> {
    if let Some(team) = check(cx, client, planned, is_begun).await? {
        return Ok((team, Diagnostics::new()));
    }
    let mut told = test(client, planned).await?;
    let new = NewTeam {
        name: planned.team.known().cloned().unwrap_or_default(),
        members: members_of(planned).into_iter().collect(),
        storage: effective(planned),
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
            let left = match look_for(client, &new.name).await {
                Ok(Some(team)) => {
                    told.push(
                        Trouble::wandb("The answer to making the team was lost", error)
                            .left_behind(format!(
                                "the team {:?}, which was found by its name",
                                new.name
                            ))
                            .warning(),
                    );
                    return Ok((team, told));
                }
                Ok(None) => "nothing new".to_owned(),
                Err(_) => format!("perhaps the team {:?}; the instance did not say", new.name),
            };
            Err(not_made(cx, error).left_behind(left).error())
        }
        Err(error) => Err(not_made(cx, error).left_behind("nothing new").error()),
    }
}

const NOT_MADE: &str = "The team was not made";

fn not_made(cx: &Context, error: WandbError) -> Trouble {
    Trouble::wandb(NOT_MADE, error).timed(cx)
}

fn members_of(planned: &TeamStorage) -> BTreeSet<String> {
    let members = planned.members.known().and_then(SetOf::known);
    members.unwrap_or_default()
}

/// Whether anything stands in the way of the team, apart from its storage. Returns the
/// team when it is there, bound to the very storage that it is to have.
pub async fn check(
    cx: &Context,
    client: &Client,
    planned: &TeamStorage,
    is_begun: bool,
) -> Result<Option<Team>, Diagnostic> {
    let failed = |error: WandbError| not_made(cx, error).left_behind("nothing new").error();
    let name = planned.team.known().cloned().unwrap_or_default();
    if let Some(found) = client.find_team(&name).await.map_err(failed)? {
        if is_begun && unheard(client, planned, &found).await.map_err(failed)? {
            return Ok(Some(found));
        }
        return Err(exists(&name, &found.id, is_begun));
    }
    let members = members_of(planned);
    let resolved = Written::resolve(client, &members).await.map_err(failed)?;
    let stranger = resolved.stranger(client, &BTreeSet::new()).await;
    match stranger.map_err(|error| failed(error).at(Path::of("members")))? {
        Some(stranger) => Err(stranger_error(NOT_MADE, stranger)),
        None => Ok(None),
    }
}

/// Whether a team that was found is the one that `planned` asks for: made by a request
/// whose answer was never heard.
pub async fn unheard(
    client: &Client,
    planned: &TeamStorage,
    found: &Team,
) -> Result<bool, WandbError> {
    let bound = bound_storage(client, &found.name).await?;
    Ok(bound.is_some_and(|bound| differing(&bound, &effective(planned)).is_empty()))
}

/// Looks for a team whatever has happened to the operation: what exists must be known.
async fn look_for(client: &Client, name: &str) -> Result<Option<Team>, WandbError> {
    let client = client.for_operation(tokio_util::sync::CancellationToken::new());
    client.find_team(name).await
}

pub fn stranger_error(summary: &str, stranger: &str) -> Diagnostic {
    Trouble::new(
        summary,
        format!("the W&B instance knows no user {stranger:?}"),
    )
    .left_behind("nothing new")
    .what_to_do("Invite the user to the organization first, or correct the address or id.")
    .at(Path::of("members"))
    .error()
}

/// Asks the instance to try the bucket: after the team is made nothing can be mended.
async fn test(client: &Client, planned: &TeamStorage) -> Result<Diagnostics, Diagnostic> {
    let storage = effective(planned);
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
    let problems = match client.test_bucket(&info).await {
        Ok(problems) => problems,
        Err(error) if error.kind == WandbErrorKind::NotSupported => return Ok(told),
        Err(error) => {
            return Err(Trouble::wandb(NOT_MADE, error)
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
                    NOT_MADE,
                    format!("the W&B instance does not reach the bucket: {}", problem.message),
                )
                .left_behind("nothing new")
                .what_to_do(
                    "Where W&B reaches the bucket by a key, add the bucket's supported_file_store to \
                     GORILLA_SUPPORTED_FILE_STORES of the instance and restart it (on a dedicated \
                     instance W&B does it), then apply again.",
                )
                .at(place_of("name", planned))
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
