//! Making a team: what stands in its way, the test of its storage, and the one request
//! that W&B never takes back.

use std::collections::BTreeSet;

use super::TeamStorage;
use super::arguments::place_of;
use super::binding::{effective, is_ours, read_back};
use super::existing::exists;
use super::members::{ADDED, Written, ids_of, stranger_error, written};
use crate::sdk::prelude::*;
use crate::terraform::diagnostics::Explanation;
use crate::terraform::registration::{Connection, test_connection};
use crate::wandb::{Client, NewTeam, Team, WandbError, WandbErrorKind};

/// Makes the team of a plan. `is_begun` when an earlier run may have made it unheard.
pub async fn create(
    cx: &Context,
    client: &Client,
    planned: TeamStorage,
    is_begun: bool,
) -> Outcome<TeamStorage> {
    match make(cx, client, &planned, is_begun).await {
        Ok((team, mut diagnostics)) => {
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
                Err(error) => diagnostics.push(
                    Explanation::wandb("The team's members were not compared", error).warning(),
                ),
            }
            diagnostics.extend(read_back(client, &mut state, &mut private).await);
            Outcome::exists(state, private).with(diagnostics)
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
    let mut diagnostics = test(client, planned).await?;
    let new = NewTeam {
        name: planned.team.known().cloned().unwrap_or_default(),
        members: members_of(planned).into_iter().collect(),
        storage: effective(planned),
    };
    match client.create_team(&new).await {
        Ok(team) => Ok((team, diagnostics)),
        // The answer is lost, the team may be there.
        Err(error)
            if matches!(
                error.kind,
                WandbErrorKind::Transport | WandbErrorKind::Stopped
            ) =>
        {
            let left = match look_for(client, &new.name).await {
                Ok(Some(team)) => {
                    diagnostics.push(
                        Explanation::wandb("The answer to making the team was lost", error)
                            .left_behind(format!(
                                "the team {:?}, which was found by its name",
                                new.name
                            ))
                            .warning(),
                    );
                    return Ok((team, diagnostics));
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

fn not_made(cx: &Context, error: WandbError) -> Explanation {
    Explanation::wandb(NOT_MADE, error).timed(cx)
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
        if is_begun && is_ours(client, planned, &found).await.map_err(failed)? {
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

/// Looks for a team whatever has happened to the operation: what exists must be known.
async fn look_for(client: &Client, name: &str) -> Result<Option<Team>, WandbError> {
    let client = client.for_operation(tokio_util::sync::CancellationToken::new());
    client.find_team(name).await
}

/// Asks the instance to try the bucket: after the team is made nothing can be mended.
async fn test(client: &Client, planned: &TeamStorage) -> Result<Diagnostics, Diagnostic> {
    let storage = effective(planned);
    let mut diagnostics = Diagnostics::new();
    let tested = test_connection(client, &storage).await.map_err(|error| {
        Explanation::wandb(NOT_MADE, error)
            .left_behind("nothing new")
            .error()
    })?;
    // A server that cannot test says so, and then nothing is known.
    let Connection::Tested { errors, warnings } = tested else {
        return Ok(diagnostics);
    };
    for message in errors {
        // The test knows no paths, and a key may reach this one only. The instance looks
        // at the path itself before it makes the team.
        if !storage.contains_key("path") {
            return Err(not_reached(planned, &message));
        }
        diagnostics.push(
            Explanation::new("The W&B instance does not reach the whole bucket", message)
                .what_to_do(
                    "Nothing, if W&B's key is meant for the team's path only; the instance tries \
                     that path before it makes the team.",
                )
                .warning(),
        );
    }
    diagnostics.extend(warnings.into_iter().map(|message| {
        Explanation::new("The W&B instance warns about the bucket", message).warning()
    }));
    Ok(diagnostics)
}

fn not_reached(planned: &TeamStorage, message: &str) -> Diagnostic {
    Explanation::new(
        NOT_MADE,
        format!("the W&B instance does not reach the bucket: {message}"),
    )
    .left_behind("nothing new")
    .what_to_do(
        "Where W&B reaches the bucket by a key, add the bucket's supported_file_store to \
         GORILLA_SUPPORTED_FILE_STORES of the instance and restart it (on a dedicated \
         instance W&B does it), then apply again.",
    )
    .at(place_of("name", planned))
    .error()
}
