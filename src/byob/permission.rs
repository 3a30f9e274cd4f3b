//! Who must be allowed to do what, and why: least privilege as a list.
//!
//! What the caller needs of a cloud, and what W&B gets there, stands in that cloud's
//! `permissions.rs`. The documentation shows both.

use super::kind::CloudKind;

/// One thing that somebody must be allowed to do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Permission {
    /// In the spelling of whoever grants it, for example `s3:PutBucketVersioning`.
    pub action: &'static str,
    /// What it is for, as a sentence.
    pub reason: &'static str,
}

impl Permission {
    /// A permission and its reason.
    pub const fn new(action: &'static str, reason: &'static str) -> Self {
        Self { action, reason }
    }
}

/// Permissions that are needed under one condition.
#[derive(Clone, Copy, Debug)]
pub struct Need {
    /// When they are needed, as the heading of their list.
    pub when: &'static str,
    /// In the order of their use.
    pub permissions: &'static [Permission],
}

/// Who needs what on one cloud.
#[derive(Clone, Copy, Debug)]
pub struct Permissions {
    /// The cloud.
    pub cloud: CloudKind,
    /// What the provider's own credentials need.
    pub caller: &'static [Need],
    /// What W&B gets, and nothing else.
    pub wandb: &'static [Need],
}

/// What the provider's `api_key` is used for at the W&B instance. W&B grants all of it
/// at once, to admins and to service accounts of the organization.
pub const INSTANCE: &[Need] = &[
    Need {
        when: "Buckets, unless `register` is `false`",
        permissions: &[Permission::new(
            "GraphQL `testBucketStoreConnection`",
            "Has the instance try its connection to the bucket.",
        )],
    },
    Need {
        when: "Teams",
        permissions: &[
            Permission::new(
                "SCIM `GET /scim/Groups`",
                "Finds a team by its name: before it is made, and on import.",
            ),
            Permission::new(
                "GraphQL `testBucketStoreConnection`",
                "Has the instance try the bucket before the team is bound to it for good.",
            ),
            Permission::new("SCIM `POST /scim/Groups`", "Makes the team on its bucket."),
            Permission::new(
                "SCIM `GET /scim/Groups/{id}`",
                "Looks whether the team is still there, and who its members are.",
            ),
            Permission::new(
                "GraphQL `entity`",
                "Reads back which storage the team is bound to.",
            ),
        ],
    },
    Need {
        when: "Teams with `members`",
        permissions: &[
            Permission::new(
                "SCIM `GET /scim/Users`",
                "Finds the users behind e-mail addresses.",
            ),
            Permission::new("SCIM `GET /scim/Users/{id}`", "Checks user ids."),
            Permission::new(
                "SCIM `PATCH /scim/Groups/{id}`",
                "Adds and removes members.",
            ),
        ],
    },
    Need {
        when: "Teams with `on_destroy = \"delete\"`",
        permissions: &[Permission::new(
            "GraphQL `deleteTeam`",
            "Deletes the team and everything in it.",
        )],
    },
    Need {
        when: "With `organization` in the provider block",
        permissions: &[Permission::new(
            "GraphQL `viewer`",
            "Finds the organization's id by its name.",
        )],
    },
];
