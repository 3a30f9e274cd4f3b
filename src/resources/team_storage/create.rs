//! Making a team: what stands in its way, the test of its storage, and the one request
//! that W&B never takes back.

use std::collections::BTreeSet;
use std::time::Duration;

use super::TeamStorage;
use super::arguments::place_of;
use super::binding::{bound_storage, differing, effective, read_back};
use super::existing::{Begun, Sight, continued, exists, sight};
use super::members::{Written, note_added, stranger_error};
use crate::sdk::prelude::*;
use crate::terraform::diagnostics::Explanation;
use crate::terraform::effect;
use crate::terraform::registration::{Connection, test_connection};
use crate::wandb::{Client, NewTeam, Team, WandbError, WandbErrorKind};

/// Makes the team of a plan.
pub async fn create(
    cx: &Context,
    client: &Client,
    planned: TeamStorage,
    begun: Begun<'_>,
) -> Outcome<TeamStorage> {
    match make(cx, client, &planned, begun).await {
        Ok((team, mut diagnostics)) => {
            // From here on the team exists and nothing is an error any more.
            let mut private = Private::default();
            let mut state = planned;
            state.id = Field::Known(team.id.clone());
            cx.exists(&state, &private);
            match Written::resolve(client, &members_of(&state)).await {
                Ok(members) => note_added(&team, &members.ids(), &mut private),
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
    begun: Begun<'_>,
) -> Result<(Team, Diagnostics), Diagnostic> {
    if let Some(team) = check(cx, client, planned, begun).await? {
        let diagnostics = continued(&team.name).into();
        return Ok((team, diagnostics));
    }
    let diagnostics = test(cx, client, planned).await?;
    let new = NewTeam {
        name: planned.team.known().cloned().unwrap_or_default(),
        members: members_of(planned).into_iter().collect(),
        storage: effective(planned),
    };
    match create_once_let_in(client, &new).await {
        Ok(team) => Ok((team, diagnostics)),
        Err(error) if error.undone => Err(nothing_made(cx, error)),
        Err(error) => {
            let (team, warning) = look_for(cx, client, planned, error).await?;
            let mut diagnostics = diagnostics;
            diagnostics.push(warning);
            Ok((team, diagnostics))
        }
    }
}

/// How long it is waited until the instance is asked again.
const AGAIN: Duration = Duration::from_secs(2);
const LONGEST: Duration = Duration::from_secs(15);

/// Asks for the team, again and again while the instance refuses a bucket that it was let into a
/// moment ago.
async fn create_once_let_in(client: &Client, new: &NewTeam) -> Result<Team, WandbError> {
    let name = new.storage.get("name").map_or("", String::as_str);
    let mut pause = AGAIN;
    loop {
        let made = client.create_team(new).await;
        let is_refused = made
            .as_ref()
            .is_err_and(|error| error.undone && error.kind == WandbErrorKind::Invalid);
        let rest = effect::still_to_come(name).filter(|_| is_refused);
        let Some(rest) = rest else {
            return made;
        };
        tracing::info!(
            name,
            "the instance is not let in yet, and is asked again in a while"
        );
        if !client.pause(pause.min(rest)).await {
            return made;
        }
        pause = (pause * 2).min(LONGEST);
    }
}

/// Looks for a team whose making ended in doubt, whatever has happened to the operation:
/// what exists must be known.
async fn look_for(
    cx: &Context,
    client: &Client,
    planned: &TeamStorage,
    error: WandbError,
) -> Result<(Team, Diagnostic), Diagnostic> {
    let client = client.for_operation(tokio_util::sync::CancellationToken::new());
    let name = planned.team.known().cloned().unwrap_or_default();
    match client.find_team(&name).await {
        Ok(Some(team)) => {
            // Nobody had the name a moment ago, so it is ours where the instance does not tell.
            let bound = bound_storage(&client, &team.name).await.unwrap_or_default();
            let wanted = effective(planned);
            if let Some(bound) = bound.filter(|bound| !differing(bound, &wanted).is_empty()) {
                return Err(exists(planned, &team, Some(&bound), false));
            }
            let warning = Explanation::wandb("The answer to making the team was lost", error)
                .left_behind(format!("the team {name:?}, which was found by its name"))
                .warning();
            Ok((team, warning))
        }
        Ok(None) => Err(not_made(cx, error)
            .left_behind(format!(
                "nothing new: the instance was asked, and has no team {name:?}"
            ))
            .error()),
        Err(_) => Err(not_made(cx, error)
            .left_behind(format!(
                "perhaps the team {name:?}; the instance did not say"
            ))
            .what_to_do(
                "Apply again once the instance answers. If the team is there by then, the plan says \
                 so, and how to go on with it.",
            )
            .error()),
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

/// A failure before anything was made.
pub fn nothing_made(cx: &Context, error: WandbError) -> Diagnostic {
    not_made(cx, error).left_behind("nothing new").error()
}

/// Whether anything stands in the way of the team, apart from its storage. Returns the
/// team when it is there, bound to the very storage that it is to have.
pub async fn check(
    cx: &Context,
    client: &Client,
    planned: &TeamStorage,
    begun: Begun<'_>,
) -> Result<Option<Team>, Diagnostic> {
    let failed = |error: WandbError| nothing_made(cx, error);
    let is_begun = matches!(begun, Begun::Yes);
    match sight(client, planned).await.map_err(failed)? {
        Sight::Free => {}
        Sight::Bound(found, _) if begun.holds().await => return Ok(Some(found)),
        Sight::Bound(found, bound) => {
            return Err(exists(planned, &found, Some(&bound), is_begun));
        }
        Sight::Other(found, bound) => {
            return Err(exists(planned, &found, bound.as_ref(), is_begun));
        }
    }
    let members = members_of(planned);
    let resolved = Written::resolve(client, &members).await.map_err(failed)?;
    let stranger = resolved.stranger(client, &BTreeSet::new()).await;
    match stranger.map_err(|error| failed(error).at(Path::of("members")))? {
        Some(stranger) => Err(stranger_error(NOT_MADE, stranger)),
        None => Ok(None),
    }
}

/// Asks the instance to try the bucket: after the team is made nothing can be mended.
async fn test(
    cx: &Context,
    client: &Client,
    planned: &TeamStorage,
) -> Result<Diagnostics, Diagnostic> {
    let storage = effective(planned);
    let mut diagnostics = Diagnostics::new();
    let tested = test_connection(client, &storage)
        .await
        .map_err(|error| nothing_made(cx, error))?;
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
