//! A team that is there already: somebody's, or half made by an earlier run.

use super::TeamStorage;
use super::binding::{bound_storage, differing, effective};
use crate::resources::byob_bucket::{Bucket, ByobBucket};
use crate::sdk::prelude::*;
use crate::terraform::diagnostics::Explanation;
use crate::terraform::registration::Storage;
use crate::wandb::{Client, Team, WandbError};

/// What is there under the name of a team that is to be made.
#[derive(Debug)]
pub enum Sight {
    /// Nothing.
    Free,
    /// A team that is bound to the very storage that is wanted.
    Bound(Team, Storage),
    /// Another team; without its storage where the instance does not tell of it.
    Other(Team, Option<Storage>),
}

/// Looks for a team of the name of a plan.
pub async fn sight(client: &Client, planned: &TeamStorage) -> Result<Sight, WandbError> {
    let name = planned.team.known().cloned().unwrap_or_default();
    let Some(found) = client.find_team(&name).await? else {
        return Ok(Sight::Free);
    };
    Ok(match bound_storage(client, &found.name).await? {
        Some(bound) if differing(&bound, &effective(planned)).is_empty() => {
            Sight::Bound(found, bound)
        }
        bound => Sight::Other(found, bound),
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

/// A team of that name is there already, and nothing tells that it is this configuration's: a
/// run that was killed leaves what a run leaves that came to its end, for another state.
/// `is_begun` when the state holds the resource, so that no import can bring the team under
/// it; `bound` is what the instance says that the team is bound to.
pub fn exists(
    planned: &TeamStorage,
    found: &Team,
    bound: Option<&Storage>,
    is_begun: bool,
) -> Diagnostic {
    let (team, id) = (&found.name, &found.id);
    let other = bound.and_then(|bound| other_storage(bound, &effective(planned)));
    let storage = match (bound, &other) {
        (_, Some(other)) => format!(", bound to another storage ({other})"),
        (Some(_), None) => ", bound to this very storage".to_owned(),
        (None, None) => String::new(),
    };
    let first = if is_begun {
        "Choose another name. If this resource has made the team and nobody heard of it: remove the \
         resource from the state (terraform state rm), set adopt = true in its block byob_bucket, \
         and bring the team under it with"
    } else if other.is_some() {
        "Choose another name. W&B never changes what a team is bound to, so only a resource with \
         that storage can take this team, with"
    } else if planned.byob_bucket.known().is_some() {
        "Choose another name. If the team is this configuration's, for example because a run was \
         ended right after it made the team: set adopt = true in its block byob_bucket, and bring \
         the team under this resource with"
    } else {
        "Choose another name. If the team is this configuration's, for example because a run was \
         ended right after it made the team: bring it under this resource with"
    };
    Explanation::new(
        format!("Team {team:?} exists already"),
        format!(
            "the W&B instance has a team of this name (id {id}){storage}, and the state does not \
             know it"
        ),
    )
    .left_behind("the team as it was")
    .what_to_do(format!(
        "{first}\n\nimport {{\n  to = wandb_team_storage.<name>\n  id = {team:?}\n}}"
    ))
    .at(Path::of("team"))
    .error()
}

/// What a team is bound to otherwise than wanted, as a list; `None` when it is as wanted.
fn other_storage(bound: &Storage, wanted: &Storage) -> Option<String> {
    let list = differing(bound, wanted).into_iter().map(|key| {
        let value = bound.get(key).map_or("", String::as_str);
        format!("{key} = {value:?}")
    });
    let list: Vec<String> = list.collect();
    (!list.is_empty()).then(|| list.join(", "))
}
