//! What the caller must be allowed to do on an S3-compatible server, and what W&B gets.
//!
//! In the spelling of AWS; MinIO's own spelling of a few is told beside them.

use crate::byob::CloudKind;
use crate::byob::permission::{Need, Permission, Permissions};
use crate::clouds::s3::permissions::{BUCKET_RIGHTS, DELETE_EVERYTHING, OBJECT_RIGHTS, PROBE};

/// Who needs what on an S3-compatible server.
pub const PERMISSIONS: Permissions = Permissions {
    cloud: CloudKind::S3Compatible,
    caller: &[
        Need {
            when: "Every bucket",
            permissions: EVERY_BUCKET,
        },
        Need {
            when: "`verify = \"probe\"`",
            permissions: PROBE,
        },
        Need {
            when: "`on_destroy = \"delete_everything\"`",
            permissions: DELETE_EVERYTHING,
        },
        Need {
            when: "`create_access_key` by MinIO's interface",
            permissions: USERS_OF_MINIO,
        },
        Need {
            when: "`create_access_key` by the IAM interface",
            permissions: USERS_OF_IAM,
        },
    ],
    wandb: &[
        Need {
            when: "On the bucket",
            permissions: &BUCKET_RIGHTS,
        },
        Need {
            when: "On its objects, below `path` where there is one",
            permissions: &OBJECT_RIGHTS,
        },
    ],
};

const EVERY_BUCKET: &[Permission] = &[
    Permission::new("s3:CreateBucket", "Makes the bucket."),
    Permission::new(
        "s3:GetBucketTagging",
        "Finds the bucket, its tags, and the marker that says who made it.",
    ),
    Permission::new("s3:PutBucketTagging", "Writes tags and marker."),
    Permission::new(
        "s3:ListAllMyBuckets",
        "Tells the age of a bucket without tags, and finds another bucket that W&B's key must not \
         get into.",
    ),
    Permission::new(
        "s3:ListBucket",
        "Tells whether the bucket is there on servers without tags.",
    ),
    Permission::new("s3:GetBucketVersioning", "Reads `versioning`."),
    Permission::new("s3:PutBucketVersioning", "Writes `versioning`."),
    Permission::new(
        "s3:GetBucketCORS",
        "Reads the CORS rules. MinIO spells it `s3:GetBucketCors`.",
    ),
    Permission::new(
        "s3:PutBucketCORS",
        "Writes the CORS rule, on servers where buckets have rules of their own. MinIO spells it \
         `s3:PutBucketCors`.",
    ),
    Permission::new(
        "s3:GetLifecycleConfiguration",
        "Reads `noncurrent_version_days` and `abort_multipart_days`, and finds rules that expire \
         W&B's files.",
    ),
    Permission::new(
        "s3:PutLifecycleConfiguration",
        "Writes `noncurrent_version_days` and `abort_multipart_days`.",
    ),
    Permission::new(
        "s3:GetEncryptionConfiguration",
        "Reads `sse_algorithm` and `kms_key_name`.",
    ),
    Permission::new(
        "s3:PutEncryptionConfiguration",
        "Writes `sse_algorithm` and `kms_key_name`.",
    ),
    Permission::new(
        "s3:GetBucketPolicy",
        "Finds out whether the bucket is open to everybody.",
    ),
    Permission::new(
        "s3:ListBucketVersions",
        "Counts what the bucket holds before it is deleted or replaced.",
    ),
    Permission::new(
        "s3:ListBucketMultipartUploads",
        "Counts unfinished uploads before the bucket is deleted or replaced.",
    ),
    Permission::new("s3:DeleteBucket", "Deletes the bucket."),
];

const USERS_OF_MINIO: &[Permission] = &[
    Permission::new(
        "admin:GetUser",
        "Finds W&B's user and whether it is enabled.",
    ),
    Permission::new("admin:CreateUser", "Makes W&B's user."),
    Permission::new(
        "admin:EnableUser",
        "Enables W&B's user again when somebody has disabled it.",
    ),
    Permission::new("admin:DeleteUser", "Removes W&B's user with the bucket."),
    Permission::new("admin:GetPolicy", "Reads what W&B's user may do."),
    Permission::new("admin:CreatePolicy", "Writes what W&B's user may do."),
    Permission::new("admin:DeletePolicy", "Removes that policy with the bucket."),
    Permission::new(
        "admin:AttachUserOrGroupPolicy",
        "Gives W&B's user its policy, and takes away others.",
    ),
    Permission::new("admin:ListServiceAccounts", "Finds W&B's key."),
    Permission::new("admin:CreateServiceAccount", "Makes W&B's key."),
    Permission::new(
        "admin:RemoveServiceAccount",
        "Removes the old key after a rotation, and the last one with the bucket.",
    ),
];

const USERS_OF_IAM: &[Permission] = &[
    Permission::new(
        "iam:ListAttachedUserPolicies",
        "Finds W&B's user and its policies.",
    ),
    Permission::new("iam:GetPolicy", "Finds the current version of the policy."),
    Permission::new("iam:GetPolicyVersion", "Reads what W&B's user may do."),
    Permission::new("iam:ListAccessKeys", "Finds W&B's key."),
    Permission::new(
        "iam:GetAccessKeyLastUsed",
        "Asks again about an access key that the list lacks. Optional.",
    ),
    Permission::new("iam:CreateUser", "Makes W&B's user."),
    Permission::new("iam:CreatePolicy", "Writes what W&B's user may do."),
    Permission::new("iam:AttachUserPolicy", "Gives W&B's user its policy."),
    Permission::new("iam:CreateAccessKey", "Makes W&B's key."),
    Permission::new(
        "iam:DeleteAccessKey",
        "Removes the old key after a rotation, and the last one with the bucket.",
    ),
    Permission::new(
        "iam:DetachUserPolicy",
        "Takes away policies that are not W&B's.",
    ),
    Permission::new("iam:DeletePolicy", "Removes the policy with the bucket."),
    Permission::new("iam:DeleteUser", "Removes W&B's user with the bucket."),
];

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    /// Calls of the IAM interface are named like the permissions that they need, so the
    /// source tells what has to be on the list.
    #[test]
    fn every_call_of_the_iam_interface_is_listed() {
        let sources = [
            include_str!("identity_iam.rs"),
            include_str!("../s3/iam.rs"),
        ];
        let called: BTreeSet<&str> = sources
            .iter()
            .flat_map(|source| source.split('"'))
            .filter(|text| text.starts_with("iam:") && !text.contains(' '))
            .collect();
        let listed: BTreeSet<&str> = USERS_OF_IAM.iter().map(|one| one.action).collect();
        assert_eq!(called, listed);
    }
}
