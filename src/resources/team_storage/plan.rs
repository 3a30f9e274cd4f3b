//! What can be said about a team before anything is made, and what W&B will never do.

use std::collections::{BTreeMap, BTreeSet};

use super::arguments::place_of;
use super::binding::{BOUND, effective, is_deleted};
use super::existing::{Begun, Sight, continued, exists, sight};
use super::{TeamStorage, bucket, instance};
use crate::sdk::prelude::*;
use crate::terraform::diagnostics::Explanation;
use crate::wandb::{Client, WandbError};

/// Private data of a plan that may turn into a replacement.
pub const REPLACES: &str = "replaces";

/// Refines a plan. Without a client nothing is asked. `begun` is about a team that the
/// state knows nothing of.
pub async fn plan(
    client: Option<&Client>,
    plan: &mut Plan<TeamStorage>,
    begun: Begun<'_>,
) -> Diagnostics {
    if plan.prior.is_some() {
        return plan_update(plan);
    }
    let replaces = plan.private.get(REPLACES).cloned();
    let begun = if bucket::is_to_make(&plan.planned) {
        Begun::Yes
    } else {
        begun
    };
    // The deleting half of a replacement is told what this plan keeps.
    plan.private = instance::only_instance(&plan.private);
    plan.planned.id = Field::Unknown;
    plan.planned.storage_status = Field::Unknown;
    plan.planned.findings = Field::Unknown;
    let (Some(client), Some(team)) = (client, plan.planned.team.known()) else {
        return Diagnostics::new();
    };
    if let Some(replaces) = replaces
        && replaces.get("team").and_then(serde_json::Value::as_str) == Some(team)
    {
        let kept = replaces
            .get("on_destroy")
            .and_then(serde_json::Value::as_str)
            != Some("delete");
        return if kept {
            cannot_replace(team).into()
        } else {
            Diagnostics::new()
        };
    }
    match check_name(client, &plan.planned, begun).await {
        Ok(taken) => taken.into_iter().collect(),
        Err(error) => Explanation::wandb("The team cannot be planned", error)
            .error()
            .into(),
    }
}

/// What stands in the way of a team of this name.
async fn check_name(
    client: &Client,
    planned: &TeamStorage,
    begun: Begun<'_>,
) -> Result<Option<Diagnostic>, WandbError> {
    let is_begun = matches!(begun, Begun::Yes);
    Ok(match sight(client, planned).await? {
        Sight::Free => None,
        Sight::Bound(found, _) if begun.holds().await => {
            (!is_begun).then(|| continued(&found.name))
        }
        Sight::Bound(found, bound) => Some(exists(planned, &found, Some(&bound), is_begun)),
        Sight::Other(found, bound) => Some(exists(planned, &found, bound.as_ref(), is_begun)),
    })
}

fn plan_update(plan: &mut Plan<TeamStorage>) -> Diagnostics {
    let mut diagnostics = Diagnostics::new();
    let Some(prior) = plan.prior.clone() else {
        return diagnostics;
    };
    let moved = std::mem::take(&mut plan.replace);
    let problems = problems(differences(&prior, plan), &moved);
    let team = prior.team.known().cloned().unwrap_or_default();
    if is_deleted(&prior) {
        let places: BTreeSet<Path> = problems.into_keys().chain(moved).collect();
        plan.replace = places.into_iter().collect();
    } else {
        diagnostics.extend(
            problems
                .into_iter()
                .map(|(path, what)| never(&team, path, &what)),
        );
    }
    if is_open(&plan.planned) {
        diagnostics.push(
            Explanation::new(
                "The team's storage is not known yet",
                "it depends on something that is applied in the same run, so whether it stays the \
                 same is seen only then",
            )
            .what_to_do("Nothing, if it stays the same; W&B cannot change it, and the apply would refuse to.")
            .at(place_of("name", &plan.planned))
            .warning(),
        );
    }
    let changes = prior.members != plan.planned.members
        || prior.storage != plan.planned.storage
        || prior.path != plan.planned.path;
    if changes {
        plan.planned.storage_status = Field::Unknown;
        plan.planned.findings = Field::Unknown;
    }
    let replaces = serde_json::json!({"team": team, "on_destroy": prior.on_destroy.known()});
    plan.private.set(REPLACES, replaces);
    diagnostics
}

fn is_open(model: &TeamStorage) -> bool {
    model.path.is_unknown()
        || match &model.storage {
            Field::Unknown => true,
            Field::Known(map) => map.values().any(Field::is_unknown),
            Field::Null => false,
        }
}

/// Where, and what stands there before and after.
type Difference = (Path, String, String);

/// What the plan would have to change of what W&B binds for good. Only what is known
/// on both sides counts.
fn differences(prior: &TeamStorage, plan: &Plan<TeamStorage>) -> Vec<Difference> {
    let (planned, private) = (&plan.planned, &plan.private);
    let mut found = Vec::new();
    if let (Some(before), Some(after)) = (prior.team.known(), planned.team.known())
        && before != after
    {
        found.push((Path::of("team"), before.clone(), after.clone()));
    }
    if planned.storage.is_unknown() {
        return found;
    }
    let wanted = effective(planned);
    let before: BTreeMap<String, String> = if prior.storage.is_null() {
        // Imported: what the instance said is all that is known.
        private
            .get(BOUND)
            .and_then(|bound| serde_json::from_value(bound.clone()).ok())
            .unwrap_or_default()
    } else {
        effective(prior)
    };
    let complete = !prior.storage.is_null() && !is_open(planned);
    let keys: BTreeSet<&String> = before.keys().chain(wanted.keys()).collect();
    for key in keys {
        let (old, new) = (before.get(key), wanted.get(key));
        let differs = match (old, new) {
            (Some(old), Some(new)) => old != new,
            (None, None) => false,
            // Something that one side does not have counts only when that side is whole.
            _ => complete,
        };
        if differs {
            let text =
                |value: Option<&String>| value.cloned().unwrap_or_else(|| "nothing".to_owned());
            found.push((
                place_of(key, &plan.config),
                format!("{key} = {}", text(old)),
                format!("{key} = {}", text(new)),
            ));
        }
    }
    found
}

/// One problem for each place: what it is and would become. What differs since the bucket
/// would be another one is a single problem at the first of the places that make it so.
fn problems(differences: Vec<Difference>, moved: &[Path]) -> BTreeMap<Path, String> {
    let mut places: BTreeMap<Path, (Vec<String>, Vec<String>)> = BTreeMap::new();
    if let [first, ..] = moved {
        places.insert(first.clone(), Default::default());
    }
    let block = Path::of(bucket::BLOCK);
    let own_path = block.attribute("path");
    for (place, before, after) in differences {
        let follows = place.steps().starts_with(block.steps()) && place != own_path;
        let place = moved.first().filter(|_| follows).unwrap_or(&place);
        let (old, new) = places.entry(place.clone()).or_default();
        old.push(before);
        new.push(after);
    }
    let diagnostics = places.into_iter().map(|(place, (old, new))| {
        let what = if old.is_empty() {
            "the bucket would be another one".to_owned()
        } else {
            format!(
                "it is {:?} and would become {:?}",
                old.join(", "),
                new.join(", ")
            )
        };
        (place, what)
    });
    diagnostics.collect()
}

fn never(team: &str, path: Path, what: &str) -> Diagnostic {
    Explanation::new(
        format!("W&B cannot change the {path} of team {team:?}"),
        format!("{what}; W&B binds a team to its name and storage for good"),
    )
    .what_to_do(
        "Set it back. To have a new team, give it another resource and another name; to delete this \
         one and all it holds, apply on_destroy = \"delete\" first.",
    )
    .at(path)
    .error()
}

fn cannot_replace(team: &str) -> Diagnostic {
    Explanation::new(
        format!("Team {team:?} cannot be replaced"),
        "on_destroy is \"keep\", so the old team stays and the new one cannot have its name",
    )
    .what_to_do("Apply on_destroy = \"delete\" first if the team and all it holds may go.")
    .at(Path::of("on_destroy"))
    .error()
}

/// What a destroy plan says.
pub fn plan_destroy(prior: &TeamStorage) -> Diagnostics {
    let team = prior.team.known().cloned().unwrap_or_default();
    let trouble = if prior.on_destroy == Field::Known("delete".to_owned()) {
        Explanation::new(
            format!("Team {team:?} will be deleted for good"),
            "on_destroy is \"delete\": its projects, runs and artifacts go with it",
        )
    } else {
        Explanation::new(
            format!("Team {team:?} stays in W&B"),
            "on_destroy is \"keep\"; only the state forgets it",
        )
    };
    trouble.warning().into()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sdk::model::FromValue as _;

    fn team(name: &str, storage: &[(&str, Option<&str>)], path: Field<String>) -> TeamStorage {
        let empty = Value::Map(BTreeMap::new());
        let mut model = TeamStorage::from_value(&empty, &Path::root()).expect("empty");
        model.team = name.into();
        model.path = path;
        let map = storage
            .iter()
            .map(|(key, value)| ((*key).to_owned(), value.map_or(Field::Unknown, Field::from)));
        model.storage = Field::Known(map.collect());
        model
    }

    fn planning(planned: &TeamStorage) -> Plan<TeamStorage> {
        Plan {
            prior: None,
            config: planned.clone(),
            planned: planned.clone(),
            private: Private::default(),
            replace: Vec::new(),
        }
    }

    fn paths(prior: &TeamStorage, planned: &TeamStorage) -> Vec<String> {
        differences(prior, &planning(planned))
            .into_iter()
            .map(|(path, _, _)| path.to_string())
            .collect()
    }

    const BASE: [(&str, Option<&str>); 3] = [
        ("name", Some("b")),
        ("provider", Some("AWS")),
        ("path", Some("p")),
    ];

    #[test]
    fn only_what_is_known_to_differ_counts() {
        let prior = team("t", &BASE, Field::Null);
        assert_eq!(paths(&prior, &prior), [""; 0]);
        assert_eq!(paths(&prior, &team("u", &BASE, Field::Null)), ["team"]);
        let other = [
            ("name", Some("c")),
            ("provider", Some("AWS")),
            ("path", Some("p")),
        ];
        assert_eq!(paths(&prior, &team("t", &other, Field::Null)), ["storage"]);
        let open = [("name", None), ("provider", Some("AWS"))];
        assert_eq!(paths(&prior, &team("t", &open, Field::Null)), [""; 0]);
        let gone = [("name", Some("b")), ("provider", Some("AWS"))];
        assert_eq!(paths(&prior, &team("t", &gone, Field::Null)), ["storage"]);
    }

    #[test]
    fn the_resources_own_path_wins() {
        let prior = team("t", &BASE, Field::Null);
        assert_eq!(paths(&prior, &team("t", &BASE, "p".into())), [""; 0]);
        assert_eq!(paths(&prior, &team("t", &BASE, "q".into())), ["path"]);
    }

    #[test]
    fn an_imported_team_takes_what_the_configuration_says() {
        let mut prior = team("t", &[], Field::Null);
        prior.storage = Field::Null;
        let planned = team("t", &BASE, Field::Null);
        assert_eq!(paths(&prior, &planned), [""; 0]);
        let mut plan = planning(&planned);
        plan.private.set(
            BOUND,
            serde_json::json!({"name": "other", "provider": "AWS"}),
        );
        assert_eq!(differences(&prior, &plan).len(), 1);
    }
}
