//! Locks on an account or on what is around it. They guard nothing from the service for blobs
//! itself, so they are looked for before anything is deleted.

use serde_json::Value;

use super::error::no_account;
use super::request::{Api, Request};
use super::{Azure, names};
use crate::byob::{CloudError, CloudErrorKind};

const LOCKS: &str = "Microsoft.Authorization/locks/read";

/// What locks mean that the caller may not see.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Unseen {
    /// Whoever deletes by Azure Resource Manager finds out by trying.
    Tried,
    /// Blobs go whatever is locked, so nothing is tried.
    Refused,
}

/// Refuses where a lock is in the way, before anything is deleted.
pub(super) async fn refuse(cloud: &Azure, bucket: &str, unseen: Unseen) -> Result<(), CloudError> {
    let account = cloud.place.account_id();
    let id = format!("{account}/providers/Microsoft.Authorization/locks");
    let request = Request::manager(Api::Locks, "GET", &id);
    let told = match cloud.all(LOCKS, bucket, &request).await {
        Ok(told) => told,
        Err(error) if error.kind == CloudErrorKind::Denied && unseen == Unseen::Tried => {
            return Ok(());
        }
        Err(error) if no_account(&error) => return Ok(()),
        Err(error) => return Err(error),
    };
    let Some((name, id)) = told
        .iter()
        .find_map(|lock| in_the_way(lock, &account, bucket))
    else {
        return Ok(());
    };
    let why = format!("the lock {name:?} is in the way: {id}");
    Err(
        CloudError::new(CloudErrorKind::Conflict, LOCKS, bucket, why)
            .hint("Remove the lock (az lock delete --ids), then try again."),
    )
}

/// Name and id of a lock that guards the account or the container.
fn in_the_way(lock: &Value, account: &str, bucket: &str) -> Option<(String, String)> {
    let id = lock["id"].as_str()?;
    let name = lock["name"].as_str().unwrap_or(id);
    let level = lock["properties"]["level"].as_str();
    if !matches!(level, Some("CanNotDelete" | "ReadOnly")) {
        return None;
    }
    let lower = id.to_ascii_lowercase();
    let (scope, _) = lower.split_once("/providers/microsoft.authorization/locks/")?;
    let container = names::container_id(account, bucket).to_ascii_lowercase();
    // A lock on another container of the account guards that one alone.
    let below = container.strip_prefix(scope);
    let is_above = below.is_some_and(|below| below.is_empty() || below.starts_with('/'));
    is_above.then(|| (name.to_owned(), id.to_owned()))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn locks_above_the_container_are_in_the_way() {
        let account =
            "/subscriptions/s/resourceGroups/g/providers/Microsoft.Storage/storageAccounts/a";
        let lock = |scope: &str, level: &str| {
            let id = format!("{scope}/providers/Microsoft.Authorization/locks/keep");
            json!({"id": id, "name": "keep", "properties": {"level": level}})
        };
        for (scope, level, expected) in [
            ("/subscriptions/s", "CanNotDelete", true),
            ("/subscriptions/S/resourcegroups/G", "ReadOnly", true),
            (account, "CanNotDelete", true),
            (account, "NotSpecified", false),
            (
                "/subscriptions/s/resourceGroups/g/providers/Microsoft.Storage/storageAccounts/a/blobServices/default/containers/other",
                "CanNotDelete",
                false,
            ),
        ] {
            let found = in_the_way(&lock(scope, level), account, "box");
            assert_eq!(found.is_some(), expected, "{scope} {level}");
        }
    }
}
