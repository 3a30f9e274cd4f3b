//! What the caller needs of Google Cloud and what W&B gets there, each with its reason.

use crate::byob::CloudKind;
use crate::byob::permission::{Need, Permission, Permissions};

/// Who needs what on Google Cloud.
pub const PERMISSIONS: Permissions = Permissions {
    cloud: CloudKind::Gcp,
    caller: &[
        Need {
            when: "Every bucket, on the project",
            permissions: EVERY_BUCKET,
        },
        Need {
            when: "`verify = \"probe\"`",
            permissions: PROBE,
        },
        Need {
            when: "`kms_key_name`, on the key",
            permissions: KEY,
        },
        Need {
            when: "`create_access_key`",
            permissions: ACCOUNT,
        },
        Need {
            when: "`impersonate_service_account`, on that account",
            permissions: IMPERSONATION,
        },
        Need {
            when: "`on_destroy = \"delete_everything\"`",
            permissions: DELETE_EVERYTHING,
        },
    ],
    wandb: &[Need {
        when: "On the bucket",
        permissions: WANDB,
    }],
};

const EVERY_BUCKET: &[Permission] = &[
    Permission::new(
        "storage.buckets.create",
        "Makes the bucket with all of its settings, in one call.",
    ),
    Permission::new(
        "storage.buckets.get",
        "Finds the bucket, its settings, and the label that says who made it.",
    ),
    Permission::new(
        "storage.buckets.update",
        "Writes settings and labels that differ.",
    ),
    Permission::new("storage.buckets.getIamPolicy", "Reads who gets in."),
    Permission::new(
        "storage.buckets.setIamPolicy",
        "Lets W&B in, and writes `public_access_prevention`.",
    ),
    Permission::new(
        "storage.buckets.list",
        "Confirms that a bucket is gone, and finds another bucket that W&B's key must not get \
         into. Optional.",
    ),
    Permission::new(
        "storage.objects.list",
        "Counts what the bucket holds before it is deleted or replaced.",
    ),
    Permission::new(
        "storage.multipartUploads.list",
        "Counts unfinished uploads before the bucket is deleted or replaced.",
    ),
    Permission::new("storage.buckets.delete", "Deletes the bucket."),
];

const PROBE: &[Permission] = &[
    Permission::new("storage.objects.create", "Uploads the probe."),
    Permission::new("storage.objects.get", "Reads the probe."),
    Permission::new("storage.objects.delete", "Removes the probe."),
    Permission::new(
        "storage.multipartUploads.create",
        "Begins the probe's upload in parts.",
    ),
    Permission::new(
        "storage.multipartUploads.abort",
        "Gives the probe's upload in parts up.",
    ),
    Permission::new(
        "iam.serviceAccounts.signBlob",
        "Signs addresses as the service account that the caller is or acts as, where no private \
         key is at hand; on that account.",
    ),
];

const KEY: &[Permission] = &[
    Permission::new(
        "cloudkms.cryptoKeys.get",
        "Finds the key and whether it is enabled.",
    ),
    Permission::new(
        "cloudkms.cryptoKeys.getIamPolicy",
        "Reads whether Cloud Storage may use the key.",
    ),
    Permission::new(
        "cloudkms.cryptoKeys.setIamPolicy",
        "Lets Cloud Storage's own service account use the key, before the bucket is made. Not \
         needed where it may already.",
    ),
    Permission::new(
        "resourcemanager.projects.get",
        "Finds Cloud Storage's own service account of the project.",
    ),
];

const ACCOUNT: &[Permission] = &[
    Permission::new("iam.serviceAccounts.create", "Makes W&B's service account."),
    Permission::new("iam.serviceAccounts.get", "Finds W&B's service account."),
    Permission::new(
        "iam.serviceAccounts.enable",
        "Enables it again when somebody has disabled it.",
    ),
    Permission::new("iam.serviceAccountKeys.create", "Makes W&B's access key."),
    Permission::new("iam.serviceAccountKeys.list", "Finds W&B's access key."),
    Permission::new(
        "iam.serviceAccountKeys.get",
        "Confirms that W&B's access key is gone where the list does not name it.",
    ),
    Permission::new(
        "iam.serviceAccountKeys.delete",
        "Removes the old key after a rotation, and the last one with the bucket.",
    ),
    Permission::new(
        "iam.serviceAccounts.delete",
        "Removes W&B's service account with the bucket.",
    ),
];

const IMPERSONATION: &[Permission] = &[Permission::new(
    "iam.serviceAccounts.getAccessToken",
    "Acts as the account. This and signing as it are the caller's own rights; everything else here is then the account's.",
)];

const DELETE_EVERYTHING: &[Permission] = &[
    Permission::new(
        "storage.objects.delete",
        "Deletes objects and their noncurrent versions.",
    ),
    Permission::new(
        "storage.multipartUploads.abort",
        "Gives unfinished uploads up.",
    ),
];

const WANDB: &[Permission] = &[Permission::new(
    "roles/storage.admin",
    "Reads and writes objects, and checks the bucket's CORS rules and settings; `wandb_roles` gives \
     other roles.",
)];
