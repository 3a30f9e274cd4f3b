//! The bucket that a team owns: the block `byob_bucket`, handed to the bucket resource
//! and put back into the team.
//!
//! Everything about buckets is the bucket resource's business. Here is only the way there
//! and back: the part of the model and of the private data that is the bucket's, and the
//! place of its messages.

use super::TeamStorage;
use crate::byob::requirements::registration::CONNECTION;
use crate::resources::byob_bucket::{Bucket, ByobBucket, Finding, NOTHING_GOES};
use crate::sdk::diagnostic::Severity;
use crate::sdk::model::FromValue as _;
use crate::sdk::plan::{propose, replaced};
use crate::sdk::prelude::*;
use crate::terraform::diagnostics::Explanation;

/// The block, and the name of its part of the private data.
pub const BLOCK: &str = "byob_bucket";
/// The id of a team whose bucket is there and that is still to be made.
pub const NOT_MADE: &str = "";
/// Its `storage_status`.
pub const NOT_REGISTERED: &str = "not_registered";

/// The team with its bucket's storage in the place where a storage is given.
pub fn flat(model: &TeamStorage) -> TeamStorage {
    let mut flat = model.clone();
    if let Field::Known(bucket) = &model.byob_bucket {
        flat.storage = bucket.storage.clone();
    }
    flat
}

/// The team with its bucket, after something was done with the flat one.
pub fn whole(flat: TeamStorage, bucket: Field<Bucket>) -> TeamStorage {
    let storage = if bucket.is_null() {
        flat.storage
    } else {
        Field::Null
    };
    TeamStorage {
        storage,
        byob_bucket: bucket,
        ..flat
    }
}

/// Whether the bucket is there and the team is not.
pub fn is_to_make(state: &TeamStorage) -> bool {
    state.id == Field::Known(NOT_MADE.to_owned())
}

/// The team as it is while only its bucket is there.
pub fn not_made(planned: TeamStorage, bucket: Bucket) -> TeamStorage {
    TeamStorage {
        id: NOT_MADE.into(),
        storage_status: NOT_REGISTERED.into(),
        findings: Field::Known(Vec::new()),
        ..whole(planned, Field::Known(bucket))
    }
}

/// Messages of the bucket resource, about its block.
pub fn placed(
    diagnostics: impl IntoIterator<Item = Diagnostic>,
) -> impl Iterator<Item = Diagnostic> {
    let block = Path::of(BLOCK);
    diagnostics
        .into_iter()
        .map(move |diagnostic| diagnostic.below(&block))
}

/// An operation on the bucket; what it leaves is a part of `team`.
pub fn context(cx: &Context, team: &TeamStorage, private: &Private) -> Context {
    let (team, private) = (team.clone(), private.clone());
    cx.for_part(move |bucket, part| {
        let mut all = private.clone();
        all.set_part(BLOCK, &part);
        let bucket = Bucket::from_value(&bucket, &Path::root());
        let state = match bucket {
            // A team that is made stays what it is while its bucket is worked on.
            Ok(bucket) if team.id.known().is_some() => whole(team.clone(), Field::Known(bucket)),
            Ok(bucket) => not_made(team.clone(), bucket),
            Err(_) => team.clone(),
        };
        (state.to_value(), all)
    })
}

/// Plans the bucket of a plan. Returns its part of the private data, and the places in it
/// whose change would make another bucket.
pub async fn plan(
    resource: &ByobBucket,
    cx: &Context,
    plan: &mut Plan<TeamStorage>,
) -> Result<(Private, Vec<Path>, Diagnostics), Diagnostic> {
    let (Field::Known(config), Field::Known(planned)) =
        (&plan.config.byob_bucket, &plan.planned.byob_bucket)
    else {
        return Ok((Private::default(), Vec::new(), Diagnostics::new()));
    };
    let prior = plan
        .prior
        .as_ref()
        .and_then(|prior| prior.byob_bucket.known().cloned());
    let before = prior.as_ref().map_or(Value::Null, ToValue::to_value);
    // The team may be older than its block, and then the block's own outputs are still open.
    let proposed = propose(
        &Resource::schema(resource),
        &before,
        &planned.to_value(),
        &config.to_value(),
    );
    let mut private = plan.private.part(BLOCK);
    if prior.is_none() && plan.prior.is_some() {
        private.set(NOTHING_GOES, true);
    }
    let mut bucket = Plan {
        prior,
        config: config.clone(),
        planned: Bucket::from_value(&proposed, &Path::of(BLOCK))?,
        private,
        replace: replaced(&Resource::schema(resource), &before, &proposed),
    };
    let diagnostics = Resource::plan(resource, cx, &mut bucket).await;
    plan.planned.byob_bucket = Field::Known(bucket.planned);
    let block = Path::of(BLOCK);
    let moved = bucket
        .replace
        .iter()
        .map(|path| path.below(&block))
        .collect();
    Ok((bucket.private, moved, placed(diagnostics).collect()))
}

/// A team cannot lose its bucket. `path` is what the configuration has in its place.
pub fn dropped(team: &str, path: Path) -> Diagnostic {
    Explanation::new(
        format!("The bucket of team {team:?} cannot be taken out of its resource"),
        "the team's files are in it, and nobody would look after it any more",
    )
    .what_to_do(
        "Leave the block in. To manage the bucket by a resource of its own, remove this resource \
         from the state (terraform state rm), then import team and bucket.",
    )
    .at(path)
    .error()
}

/// The team as it is once somebody has deleted it elsewhere. Its files are in the bucket.
pub fn without_team(state: TeamStorage, bucket: Bucket) -> TeamStorage {
    let finding = Finding {
        requirement: CONNECTION.into(),
        status: "warn".into(),
        expected: "the team".into(),
        actual: "no such team".into(),
        message: "the team was deleted in W&B, and its files are in the bucket, which stays with \
                  them when this resource goes; an apply makes the team anew"
            .into(),
    };
    TeamStorage {
        findings: Field::Known(vec![finding]),
        ..not_made(state, bucket)
    }
}

/// Whether a team that is to be made was there before, and somebody has deleted it.
pub fn has_lost_team(state: &TeamStorage) -> bool {
    is_to_make(state) && state.findings.known().is_some_and(|list| !list.is_empty())
}

/// The team was deleted, and not by this run: nobody has said that its files may go.
pub fn spared(team: &str) -> Diagnostic {
    Explanation::new(
        format!("The bucket of team {team:?} stays"),
        "the team was deleted elsewhere, not by this run, and its files are still in the bucket",
    )
    .left_behind("the bucket with all that is in it, and whatever was made for it")
    .what_to_do("Delete the bucket by hand once nobody needs the files.")
    .warning()
}

/// The bucket's work has failed, and an earlier run has made the team: Terraform would replace
/// what an error stands beside, and W&B never gives a team back.
pub fn goes_on(reason: Diagnostic) -> Diagnostic {
    if !reason.is_error() {
        return reason;
    }
    Diagnostic {
        severity: Severity::Warning,
        detail: format!(
            "{}\nThe team is there already, so this is no error: Terraform would replace team and \
             bucket. The next apply goes on with the bucket.",
            reason.detail
        ),
        ..reason
    }
}

/// Its marker still says "half made".
pub fn not_closed(reason: Diagnostic) -> Diagnostic {
    Diagnostic::warning(
        "The bucket is finished, and its marker says that it is half made",
        format!("{}\nThe next apply mends it.", reason.detail),
    )
}

/// The team's POST was refused or not sent, and the bucket stands.
pub fn waits(reason: &Diagnostic) -> Diagnostic {
    Diagnostic::warning(
        "The bucket is made and proven, and the team is not made yet",
        format!(
            "{}\n{}\nThe next apply makes the team on this bucket. An error here would make \
             Terraform replace the bucket, and its key with it.",
            reason.summary, reason.detail
        ),
    )
}

/// The team stays, so its bucket does too.
pub fn stays(team: &str) -> Diagnostic {
    Explanation::new(
        format!("The bucket of team {team:?} stays"),
        "the team stays in W&B (on_destroy is \"keep\"), and its files are in the bucket",
    )
    .left_behind("the bucket with all that is in it, and whatever was made for it")
    .warning()
}

/// The bucket has vanished, and the team has not.
pub fn vanished(team: &str) -> Diagnostic {
    Explanation::new(
        format!("The bucket of team {team:?} is gone"),
        "the server says that there is no such bucket, and W&B still binds the team to it",
    )
    .what_to_do("Apply: the bucket is made anew under the same name. The files in it are lost.")
    .warning()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn empty<M: Model>() -> M {
        M::from_value(&Value::Map(Default::default()), &Path::root()).expect("empty")
    }

    /// What Terraform would store if the bucket's work ended in a panic right now.
    fn stored(id: Field<String>) -> (TeamStorage, Private) {
        let cx = Context::new(Default::default(), false);
        let mut team: TeamStorage = empty();
        team.team = "omega".into();
        team.id = id;
        team.storage_status = "bound".into();
        let mut private = Private::default();
        private.set("bound", "to a bucket");
        let mut made: Bucket = empty();
        made.generation = "01020304".into();
        let mut part = Private::default();
        part.set("create", "b");
        context(&cx, &team, &private).exists(&made, &part);
        let (state, private) = cx.best_known().expect("a state");
        let team = TeamStorage::from_value(&state, &Path::root()).expect("a team");
        (team, private)
    }

    #[test]
    fn what_the_bucket_reached_is_stored_inside_its_team() {
        let (team, private) = stored("VGVhbTox".into());
        let bucket = team.byob_bucket.known().expect("a bucket");
        assert_eq!(bucket.generation, "01020304".into());
        assert_eq!(team.id, "VGVhbTox".into());
        assert_eq!(team.storage_status, "bound".into());
        assert_eq!(private.text("bound"), Some("to a bucket"));
        assert_eq!(private.part(BLOCK).text("create"), Some("b"));
    }

    #[test]
    fn a_team_that_is_not_made_yet_is_stored_as_such() {
        for id in [Field::Unknown, Field::Null] {
            let (team, _) = stored(id);
            assert_eq!(team.id, "".into());
            assert_eq!(team.storage_status, "not_registered".into());
            assert!(team.byob_bucket.known().is_some());
        }
    }
}
