//! What the caller may do, as far as Azure tells without trying.

use serde_json::Value;

use super::request::{Api, Request};
use super::{Azure, Entry, account, container, identity, key, policy, roles, service};
use crate::byob::cloud::CallerPermission;

const READ: &str = "Microsoft.Authorization/permissions/read";
const DELETE_ACCOUNT: &str = "Microsoft.Storage/storageAccounts/delete";
const DELETE_CONTAINER: &str = "Microsoft.Storage/storageAccounts/blobServices/containers/delete";
const FEDERATION: &str =
    "Microsoft.ManagedIdentity/userAssignedIdentities/federatedIdentityCredentials/write";

const BLOBS: &str = "Microsoft.Storage/storageAccounts/blobServices/containers/blobs";

/// One grant, with what it leaves out.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
struct Grant {
    actions: Vec<String>,
    not_actions: Vec<String>,
    data_actions: Vec<String>,
    not_data_actions: Vec<String>,
}

impl Grant {
    fn read(told: &Value) -> Self {
        let list = |name: &str| {
            let list = told[name].as_array().into_iter().flatten();
            list.filter_map(|one| one.as_str().map(str::to_owned))
                .collect()
        };
        Self {
            actions: list("actions"),
            not_actions: list("notActions"),
            data_actions: list("dataActions"),
            not_data_actions: list("notDataActions"),
        }
    }

    fn allows(&self, action: &str) -> bool {
        any(&self.actions, action) && !any(&self.not_actions, action)
    }

    fn allows_data(&self, action: &str) -> bool {
        any(&self.data_actions, action) && !any(&self.not_data_actions, action)
    }
}

fn any(patterns: &[String], action: &str) -> bool {
    patterns.iter().any(|pattern| matches(pattern, action))
}

/// Whether an action is one that a pattern means: `*` stands for anything, in any place, and
/// case says nothing.
fn matches(pattern: &str, action: &str) -> bool {
    let (pattern, action) = (pattern.to_ascii_lowercase(), action.to_ascii_lowercase());
    let mut parts = pattern.split('*');
    let first = parts.next().unwrap_or_default();
    let Some(mut rest) = action.strip_prefix(first) else {
        return false;
    };
    let mut last = None;
    for part in parts {
        if let Some(before) = last.replace(part) {
            match rest.find(before) {
                Some(at) => rest = &rest[at + before.len()..],
                None => return false,
            }
        }
    }
    match last {
        None => rest.is_empty(),
        Some(last) => rest.ends_with(last),
    }
}

async fn grants(cloud: &Azure, scope: &str) -> Option<Vec<Grant>> {
    let id = format!("{scope}/providers/Microsoft.Authorization/permissions");
    let request = Request::manager(Api::Authorization, "GET", &id);
    let told = cloud.all(READ, scope, &request).await.ok()?;
    Some(told.iter().map(Grant::read).collect())
}

/// Which calls a bucket takes in this place.
fn calls(cloud: &Azure) -> Vec<&'static str> {
    let mut calls = vec![
        account::READ,
        service::READ,
        service::WRITE,
        container::READ,
        container::WRITE,
        DELETE_CONTAINER,
        policy::READ,
    ];
    if cloud.place.makes_account {
        calls.extend([account::WRITE, DELETE_ACCOUNT]);
    }
    match cloud.place.entry {
        Entry::Key(_) => calls.push(key::LIST),
        Entry::Identity(_) => {
            calls.extend([identity::WRITE, FEDERATION, roles::READ, roles::WRITE]);
        }
        Entry::Principal => calls.extend([roles::READ, roles::WRITE]),
    }
    calls
}

/// Whether the caller may make the bucket, as the grants on its group say; of what nobody could
/// tell nothing is said.
pub(super) async fn permissions(cloud: &Azure) -> Vec<CallerPermission> {
    let scope = if cloud.place.makes_account {
        cloud.place.group_id()
    } else {
        cloud.place.account_id()
    };
    let grants = grants(cloud, &scope).await;
    let allowed = |call: &str| {
        let grants = grants.as_ref()?;
        Some(grants.iter().any(|grant| grant.allows(call)))
    };
    calls(cloud)
        .into_iter()
        .map(|call| CallerPermission {
            call,
            allowed: allowed(call),
        })
        .collect()
}

/// What the caller may do with blobs, by its token.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Blobs {
    read: bool,
    write: bool,
    delete: bool,
    delete_versions: bool,
}

impl Blobs {
    fn of(grants: &[Grant]) -> Self {
        let may = |what: &str| {
            let action = format!("{BLOBS}/{what}");
            grants.iter().any(|grant| grant.allows_data(&action))
        };
        Self {
            read: may("read"),
            write: may("write"),
            delete: may("delete"),
            delete_versions: may("deleteBlobVersion/action"),
        }
    }

    /// Why a probe cannot be made with these rights.
    pub(super) fn lack(&self) -> Option<String> {
        let lacking: Vec<&str> = [
            (self.read, "read"),
            (self.write, "write"),
            (self.delete, "delete"),
            (self.delete_versions, "deleteBlobVersion/action"),
        ]
        .into_iter()
        .filter(|(may, _)| !may)
        .map(|(_, what)| what)
        .collect();
        (!lacking.is_empty()).then(|| {
            format!(
                "the caller lacks rights on blobs ({BLOBS}/{}), so nothing was tried as W&B would: \
                 give it Storage Blob Data Owner on the account, which can remove versions as well",
                lacking.join(", ")
            )
        })
    }
}

/// The caller's rights on the account's blobs; `None` when nobody could tell.
pub(super) async fn on_blobs(cloud: &Azure) -> Option<Blobs> {
    let grants = grants(cloud, &cloud.place.account_id()).await?;
    Some(Blobs::of(&grants))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn patterns_mean_actions() {
        let read = "Microsoft.Storage/storageAccounts/read";
        for (pattern, action, expected) in [
            ("*", read, true),
            ("*/read", read, true),
            ("*/write", read, false),
            (read, read, true),
            ("microsoft.storage/STORAGEACCOUNTS/READ", read, true),
            ("Microsoft.Storage/*", read, true),
            ("Microsoft.Storage/storageAccounts/*", read, true),
            ("Microsoft.Storage/*/read", read, true),
            ("Microsoft.*/storageAccounts/*", read, true),
            ("Microsoft.Storage/*/write", read, false),
            ("Microsoft.Compute/*", read, false),
            ("Microsoft.Storage/storageAccounts", read, false),
            ("Microsoft.Storage/storageAccounts/rea", read, false),
            ("a*a", "a", false),
            ("a**b", "axb", true),
        ] {
            assert_eq!(matches(pattern, action), expected, "{pattern}");
        }
    }

    #[test]
    fn what_is_left_out_is_not_given() {
        let contributor = Grant::read(&json!({
            "actions": ["*"],
            "notActions": ["Microsoft.Authorization/*/Delete", "Microsoft.Authorization/*/Write"],
        }));
        assert!(contributor.allows("Microsoft.Storage/storageAccounts/write"));
        assert!(!contributor.allows(roles::WRITE));
        assert!(contributor.allows(roles::READ));
    }

    #[test]
    fn a_contributor_of_data_may_not_delete_versions() {
        let blobs = Blobs::of(&[Grant::read(&json!({"dataActions": [
            "Microsoft.Storage/storageAccounts/blobServices/containers/blobs/delete",
            "Microsoft.Storage/storageAccounts/blobServices/containers/blobs/read",
            "Microsoft.Storage/storageAccounts/blobServices/containers/blobs/write",
        ]}))]);
        let why = blobs.lack().expect("a right is missing");
        assert!(why.contains("deleteBlobVersion/action"), "{why}");
        assert!(why.contains("Storage Blob Data Owner"), "{why}");
        let owner = Blobs::of(&[Grant::read(&json!({"dataActions": [
            "Microsoft.Storage/storageAccounts/blobServices/containers/blobs/*"]}))]);
        assert_eq!(owner.lack(), None);
    }
}
