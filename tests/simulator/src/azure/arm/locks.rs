//! Locks.

use serde_json::{Value, json};

use super::{Call, body, list};
use crate::azure::access::covers;
use crate::azure::refusal::{Outcome, Refusal};
use crate::azure::request::Answer;
use crate::azure::world::Lock;

fn view(lock: &Lock) -> Value {
    let id = format!(
        "{}/providers/Microsoft.Authorization/locks/{}",
        lock.scope, lock.name
    );
    let mut properties = json!({"level": lock.level});
    if let Some(notes) = &lock.notes {
        properties["notes"] = json!(notes);
    }
    json!({"id": id, "name": lock.name, "type": "Microsoft.Authorization/locks",
        "properties": properties})
}

/// Answers for locks.
pub(crate) fn answer(call: &mut Call<'_>) -> Outcome {
    let scope = call.target.parent.clone();
    if !call.target.is_one() {
        let above = call
            .request
            .parameter("$filter")
            .is_some_and(|one| one.contains("atScope()"));
        let wanted =
            |lock: &&Lock| covers(&lock.scope, &scope) || (!above && covers(&scope, &lock.scope));
        let locks = call.world.locks.iter().filter(wanted);
        return Ok(list(locks.map(view).collect(), None));
    }
    let name = call.target.name(0).to_owned();
    let here = |lock: &Lock| {
        lock.name.eq_ignore_ascii_case(&name) && lock.scope.eq_ignore_ascii_case(&scope)
    };
    let found = call.world.locks.iter().position(here);
    match (call.method(), found) {
        ("GET", Some(at)) => Ok(Answer::json(200, &view(&call.world.locks[at]))),
        ("GET", None) => {
            let message = format!("The lock '{name}' could not be found.");
            Err(Refusal::new(404, "LockNotFound", message))
        }
        ("PUT", found) => {
            let properties = body::properties(&call.body()?)?;
            let text = |name: &str| {
                properties
                    .get(name)
                    .and_then(Value::as_str)
                    .map(str::to_owned)
            };
            let level = text("level")
                .filter(|level| ["CanNotDelete", "ReadOnly"].contains(&level.as_str()));
            let refusal = || {
                Refusal::bad(
                    "InvalidLockLevel",
                    "The lock level is missing or not known.",
                )
            };
            let lock = Lock {
                name,
                scope,
                level: level.ok_or_else(refusal)?,
                notes: text("notes"),
            };
            let answer = Answer::json(if found.is_some() { 200 } else { 201 }, &view(&lock));
            match found {
                Some(at) => call.world.locks[at] = lock,
                None => call.world.locks.push(lock),
            }
            Ok(answer)
        }
        ("DELETE", Some(at)) => {
            call.world.locks.remove(at);
            Ok(Answer::empty(200))
        }
        ("DELETE", None) => Ok(Answer::empty(204)),
        _ => Err(call.unsupported()),
    }
}
