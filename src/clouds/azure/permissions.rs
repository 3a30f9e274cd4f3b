//! What the caller needs of Azure and what W&B gets there, each with its reason.

use crate::byob::CloudKind;
use crate::byob::permission::{Need, Permission, Permissions};

/// Who needs what on Azure.
pub const PERMISSIONS: Permissions = Permissions {
    cloud: CloudKind::Azure,
    caller: &[
        Need {
            when: "Every bucket, on the account or its group",
            permissions: EVERY_BUCKET,
        },
        Need {
            when: "Unless `create_storage_account` is `false`, on the group",
            permissions: ACCOUNT,
        },
        Need {
            when: "`access = \"access_key\"`, on the account",
            permissions: KEY,
        },
        Need {
            when: "`access = \"workload_identity\"`",
            permissions: IDENTITY,
        },
        Need {
            when: "`access = \"workload_identity\"` or `\"principal\"`, on the account",
            permissions: ROLES,
        },
        Need {
            when: "`access = \"workload_identity\"` or `\"principal\"` with `verify = \"probe\"`, and every \
                   look into the container",
            permissions: DATA,
        },
    ],
    wandb: &[
        Need {
            when: "`access = \"access_key\"`",
            permissions: WANDB_KEY,
        },
        Need {
            when: "`access = \"workload_identity\"`, on the account",
            permissions: WANDB_IDENTITY,
        },
        Need {
            when: "`access = \"principal\"`, on the account",
            permissions: WANDB_PRINCIPAL,
        },
    ],
};

const EVERY_BUCKET: &[Permission] = &[
    Permission::new(
        "Microsoft.Storage/storageAccounts/blobServices/containers/write",
        "Makes the container with the marker that says who made it.",
    ),
    Permission::new(
        "Microsoft.Storage/storageAccounts/blobServices/containers/read",
        "Finds the container and its marker, and confirms that it is gone.",
    ),
    Permission::new(
        "Microsoft.Storage/storageAccounts/read",
        "Reads the account's settings, and confirms that it is gone.",
    ),
    Permission::new(
        "Microsoft.Storage/storageAccounts/blobServices/read",
        "Reads CORS, versioning and soft delete.",
    ),
    Permission::new(
        "Microsoft.Storage/storageAccounts/blobServices/write",
        "Writes CORS, versioning and soft delete where they differ.",
    ),
    Permission::new(
        "Microsoft.Storage/storageAccounts/managementPolicies/read",
        "Reads `noncurrent_version_days`, and finds rules that expire W&B's files.",
    ),
    Permission::new(
        "Microsoft.Storage/storageAccounts/managementPolicies/write",
        "Writes `noncurrent_version_days`.",
    ),
    Permission::new(
        "Microsoft.Storage/storageAccounts/managementPolicies/delete",
        "Removes the policy with its last rule.",
    ),
    Permission::new(
        "Microsoft.Authorization/permissions/read",
        "Finds out what the caller may do. Optional.",
    ),
    Permission::new(
        "Microsoft.Authorization/locks/read",
        "Finds locks before anything is deleted. Optional.",
    ),
    Permission::new(
        "Microsoft.Storage/storageAccounts/blobServices/containers/delete",
        "Deletes the container.",
    ),
];

const ACCOUNT: &[Permission] = &[
    Permission::new(
        "Microsoft.Resources/subscriptions/resourceGroups/read",
        "Finds the group's location, where none is set.",
    ),
    Permission::new(
        "Microsoft.Storage/storageAccounts/write",
        "Makes the account with its tags, closed to everybody, and mends it.",
    ),
    Permission::new(
        "Microsoft.Storage/storageAccounts/fileServices/shares/read",
        "Finds file shares before the account is deleted.",
    ),
    Permission::new(
        "Microsoft.Storage/storageAccounts/queueServices/queues/read",
        "Finds queues before the account is deleted.",
    ),
    Permission::new(
        "Microsoft.Storage/storageAccounts/tableServices/tables/read",
        "Finds tables before the account is deleted.",
    ),
    Permission::new(
        "Microsoft.Storage/storageAccounts/delete",
        "Deletes the account, if it holds nothing but this bucket.",
    ),
];

const KEY: &[Permission] = &[Permission::new(
    "Microsoft.Storage/storageAccounts/listKeys/action",
    "Reads the account's key for W&B, and to look into the container. Not needed by a plan.",
)];

const IDENTITY: &[Permission] = &[
    Permission::new(
        "Microsoft.ManagedIdentity/userAssignedIdentities/read",
        "Finds W&B's identity.",
    ),
    Permission::new(
        "Microsoft.ManagedIdentity/userAssignedIdentities/write",
        "Makes W&B's identity.",
    ),
    Permission::new(
        "Microsoft.ManagedIdentity/userAssignedIdentities/federatedIdentityCredentials/read",
        "Reads whose tokens the identity trusts.",
    ),
    Permission::new(
        "Microsoft.ManagedIdentity/userAssignedIdentities/federatedIdentityCredentials/write",
        "Lets the identity trust the services of the instance.",
    ),
    Permission::new(
        "Microsoft.ManagedIdentity/userAssignedIdentities/federatedIdentityCredentials/delete",
        "Ends the trust in services that are not wanted any more.",
    ),
    Permission::new(
        "Microsoft.ManagedIdentity/userAssignedIdentities/delete",
        "Removes W&B's identity with the bucket.",
    ),
];

const ROLES: &[Permission] = &[
    Permission::new(
        "Microsoft.Authorization/roleAssignments/read",
        "Reads W&B's roles.",
    ),
    Permission::new(
        "Microsoft.Authorization/roleAssignments/write",
        "Gives W&B its roles.",
    ),
    Permission::new(
        "Microsoft.Authorization/roleAssignments/delete",
        "Takes them away with the bucket.",
    ),
    Permission::new(
        "Microsoft.Authorization/roleDefinitions/read",
        "Finds roles of your own in `wandb_roles`.",
    ),
];

const DATA: &[Permission] = &[Permission::new(
    "Storage Blob Data Owner",
    "Looks into the container, signs addresses in the caller's name, uploads and reads the probe, and \
     removes it with its versions, which no smaller role may.",
)];

const WANDB_KEY: &[Permission] = &[Permission::new(
    "the account's key",
    "Reads and writes blobs, as W&B's own instructions have it. It is the key to all of the account.",
)];

const WANDB_IDENTITY: &[Permission] = &[
    Permission::new(
        "Storage Account Contributor",
        "Checks the account's CORS rules and settings, and signs addresses.",
    ),
    Permission::new(
        "Storage Blob Data Owner",
        "Reads, writes and deletes blobs.",
    ),
];

const WANDB_PRINCIPAL: &[Permission] = &[
    Permission::new("Reader", "Checks the account's settings."),
    Permission::new(
        "Storage Blob Data Contributor",
        "Reads, writes and deletes blobs, and signs addresses.",
    ),
];
