//! What roles allow: the built-in ones by Microsoft's list, and those that tests make.

use serde::Deserialize;
use serde_json::{Value, json};

/// A role.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub(crate) struct Definition {
    pub(crate) id: String,
    pub(crate) name: String,
    /// `BuiltInRole` or `CustomRole`.
    pub(crate) kind: String,
    pub(crate) actions: Vec<String>,
    pub(crate) not_actions: Vec<String>,
    pub(crate) data_actions: Vec<String>,
    pub(crate) not_data_actions: Vec<String>,
}

impl Definition {
    /// Its permissions, as several calls list them.
    pub(crate) fn permissions(&self) -> Value {
        json!({"actions": self.actions, "notActions": self.not_actions,
            "dataActions": self.data_actions, "notDataActions": self.not_data_actions})
    }

    /// Whether it allows an action of the management side.
    pub(crate) fn allows(&self, action: &str) -> bool {
        any(&self.actions, action) && !any(&self.not_actions, action)
    }

    /// Whether it allows an action on data.
    pub(crate) fn allows_data(&self, action: &str) -> bool {
        any(&self.data_actions, action) && !any(&self.not_data_actions, action)
    }
}

fn any(patterns: &[String], action: &str) -> bool {
    patterns.iter().any(|one| matches(one, action))
}

/// Whether a pattern with asterisks covers an action; without case.
pub(crate) fn matches(pattern: &str, action: &str) -> bool {
    let (pattern, action) = (pattern.to_ascii_lowercase(), action.to_ascii_lowercase());
    let mut parts = pattern.split('*');
    let first = parts.next().unwrap_or_default();
    let Some(mut rest) = action.strip_prefix(first) else {
        return false;
    };
    let parts: Vec<&str> = parts.collect();
    let Some((last, middle)) = parts.split_last() else {
        return rest.is_empty();
    };
    for part in middle {
        let Some(at) = rest.find(part) else {
            return false;
        };
        rest = &rest[at + part.len()..];
    }
    rest.ends_with(last)
}

const BLOBS: &str = "Microsoft.Storage/storageAccounts/blobServices/containers/blobs";
const CONTAINERS: &str = "Microsoft.Storage/storageAccounts/blobServices/containers";
const DELEGATION: &str =
    "Microsoft.Storage/storageAccounts/blobServices/generateUserDelegationKey/action";
const COMMON: &[&str] = &[
    "Microsoft.Authorization/*/read",
    "Microsoft.Insights/alertRules/*",
    "Microsoft.ResourceHealth/availabilityStatuses/read",
    "Microsoft.Resources/deployments/*",
    "Microsoft.Resources/subscriptions/resourceGroups/read",
    "Microsoft.Support/*",
];

fn role(id: &str, name: &str, actions: &[&str]) -> Definition {
    Definition {
        id: id.to_owned(),
        name: name.to_owned(),
        kind: "BuiltInRole".to_owned(),
        actions: actions.iter().map(|one| (*one).to_owned()).collect(),
        ..Definition::default()
    }
}

impl Definition {
    fn but(mut self, not: &[&str]) -> Self {
        self.not_actions = not.iter().map(|one| (*one).to_owned()).collect();
        self
    }

    fn and(mut self, more: &[&str]) -> Self {
        self.actions
            .extend(more.iter().map(|one| (*one).to_owned()));
        self
    }

    fn data(mut self, verbs: &[&str]) -> Self {
        let action = |verb: &&str| format!("{BLOBS}/{verb}");
        self.data_actions = verbs.iter().map(action).collect();
        self
    }

    fn containers(mut self, verbs: &[&str]) -> Self {
        let action = |verb: &&str| format!("{CONTAINERS}/{verb}");
        self.actions.extend(verbs.iter().map(action));
        self
    }
}

/// The roles that every directory has, as far as they matter here.
pub(crate) fn built_in() -> Vec<Definition> {
    let mut all = general();
    all.extend(storage());
    all
}

fn general() -> Vec<Definition> {
    vec![
        role("8e3af657-a8ff-443c-a75c-2fe8c4bcb635", "Owner", &["*"]),
        role(
            "b24988ac-6180-42a0-ab88-20f7382dd24c",
            "Contributor",
            &["*"],
        )
        .but(&[
            "Microsoft.Authorization/*/Delete",
            "Microsoft.Authorization/*/Write",
            "Microsoft.Authorization/elevateAccess/Action",
            "Microsoft.Blueprint/blueprintAssignments/write",
            "Microsoft.Blueprint/blueprintAssignments/delete",
        ]),
        role(
            "acdd72a7-3385-48ef-bd42-f606fba81ae7",
            "Reader",
            &["*/read"],
        ),
        role(
            "18d7d88d-d35e-4fb5-a5c3-7773c20a72d9",
            "User Access Administrator",
            &["*/read", "Microsoft.Authorization/*", "Microsoft.Support/*"],
        ),
        role(
            "f58310d9-a9f6-439a-9e8d-f62e7b41a168",
            "Role Based Access Control Administrator",
            &[
                "Microsoft.Authorization/roleAssignments/write",
                "Microsoft.Authorization/roleAssignments/delete",
                "*/read",
                "Microsoft.Support/*",
            ],
        ),
    ]
}

fn storage() -> Vec<Definition> {
    vec![
        role(
            "17d1049b-9a84-46fb-8f53-869881c3d3ab",
            "Storage Account Contributor",
            COMMON,
        )
        .and(&[
            "Microsoft.Insights/diagnosticSettings/*",
            "Microsoft.Network/virtualNetworks/subnets/joinViaServiceEndpoint/action",
            "Microsoft.Storage/storageAccounts/*",
        ]),
        role(
            "81a9662b-bebf-436f-a333-f67b29880f12",
            "Storage Account Key Operator Service Role",
            &[
                "Microsoft.Storage/storageAccounts/listkeys/action",
                "Microsoft.Storage/storageAccounts/regeneratekey/action",
            ],
        ),
        role(
            "b7e6dc6d-f1e8-4753-8033-0f276bb0955b",
            "Storage Blob Data Owner",
            &[DELEGATION],
        )
        .containers(&["*"])
        .data(&["*"]),
        role(
            "ba92f5b4-2d11-453d-a403-e96b0029c9fe",
            "Storage Blob Data Contributor",
            &[DELEGATION],
        )
        .containers(&["delete", "read", "write"])
        .data(&["delete", "read", "write", "move/action", "add/action"]),
        role(
            "2a2b9908-6ea1-4ae2-8e65-a410df84e7d1",
            "Storage Blob Data Reader",
            &[DELEGATION],
        )
        .containers(&["read"])
        .data(&["read"]),
        role(
            "db58b8e5-c6ad-4a2a-8342-4190687cbf4a",
            "Storage Blob Delegator",
            &[DELEGATION],
        ),
        role(
            "e40ec5ca-96e0-45a2-b4ff-59039f2c2b59",
            "Managed Identity Contributor",
            COMMON,
        )
        .and(&[
            "Microsoft.ManagedIdentity/userAssignedIdentities/read",
            "Microsoft.ManagedIdentity/userAssignedIdentities/write",
            "Microsoft.ManagedIdentity/userAssignedIdentities/delete",
            "Microsoft.ManagedIdentity/userAssignedIdentities/*/read",
            "Microsoft.ManagedIdentity/userAssignedIdentities/federatedIdentityCredentials/*",
        ]),
    ]
}

#[cfg(test)]
mod tests {
    use super::{built_in, matches};

    #[test]
    fn patterns_cover_actions() {
        assert!(matches("*", "a/b/read"));
        assert!(matches("*/read", "A/b/READ"));
        assert!(matches("M.A/*/write", "m.a/locks/write"));
        assert!(!matches("M.A/*/write", "m.a/write"));
        assert!(!matches("*/read", "a/b/write"));
        assert!(!matches("a/b", "a/b/c"));
    }

    #[test]
    fn only_a_data_owner_deletes_versions() {
        let roles = built_in();
        let action = format!("{}/deleteBlobVersion/action", super::BLOBS);
        let may: Vec<_> = roles
            .iter()
            .filter(|role| role.allows_data(&action))
            .map(|role| role.name.as_str())
            .collect();
        assert_eq!(may, ["Storage Blob Data Owner"]);
    }
}
