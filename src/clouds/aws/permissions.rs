//! What the caller must be allowed to do on AWS, and what W&B gets.

use crate::byob::CloudKind;
use crate::byob::permission::{Need, Permission, Permissions};
use crate::clouds::s3::permissions::{BUCKET_RIGHTS, DELETE_EVERYTHING, OBJECT_RIGHTS, PROBE};

/// Who needs what on AWS.
pub const PERMISSIONS: Permissions = Permissions {
    cloud: CloudKind::Aws,
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
            when: "`sse_algorithm = \"aws:kms\"` without `kms_key_arn`",
            permissions: OWN_KEY,
        },
        Need {
            when: "`kms_key_arn`",
            permissions: GIVEN_KEY,
        },
        Need {
            when: "`create_access_key`",
            permissions: USER,
        },
        Need {
            when: "`on_destroy = \"delete_everything\"`",
            permissions: DELETE_EVERYTHING,
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
        Need {
            when: "On the key",
            permissions: KEY_RIGHTS,
        },
    ],
};

const EVERY_BUCKET: &[Permission] = &[
    Permission::new("s3:CreateBucket", "Makes the bucket."),
    Permission::new("s3:ListBucket", "Tells whether the bucket is there."),
    Permission::new(
        "s3:GetBucketTagging",
        "Finds the bucket, its tags, and the marker that says who made it.",
    ),
    Permission::new(
        "s3:TagResource",
        "Writes tags and marker in the call that makes the bucket. Without it they are written \
         in the next one.",
    ),
    Permission::new("s3:PutBucketTagging", "Writes tags and marker."),
    Permission::new(
        "s3:ListAllMyBuckets",
        "Tells the age of a bucket without tags, and finds another bucket that W&B's key must not get into.",
    ),
    Permission::new(
        "s3:GetBucketPublicAccessBlock",
        "Reads whether public access is blocked.",
    ),
    Permission::new("s3:PutBucketPublicAccessBlock", "Blocks public access."),
    Permission::new("s3:GetBucketOwnershipControls", "Reads who owns objects."),
    Permission::new(
        "s3:PutBucketOwnershipControls",
        "Has the bucket's owner own every object.",
    ),
    Permission::new("s3:GetBucketVersioning", "Reads `versioning`."),
    Permission::new("s3:PutBucketVersioning", "Writes `versioning`."),
    Permission::new(
        "s3:GetEncryptionConfiguration",
        "Reads how objects are encrypted.",
    ),
    Permission::new(
        "s3:PutEncryptionConfiguration",
        "Writes how objects are encrypted.",
    ),
    Permission::new("s3:GetBucketCORS", "Reads the CORS rules."),
    Permission::new("s3:PutBucketCORS", "Writes the CORS rule."),
    Permission::new(
        "s3:GetLifecycleConfiguration",
        "Reads `noncurrent_version_days` and `abort_multipart_days`, and finds rules that expire W&B's files.",
    ),
    Permission::new(
        "s3:PutLifecycleConfiguration",
        "Writes `noncurrent_version_days` and `abort_multipart_days`.",
    ),
    Permission::new(
        "s3:GetBucketPolicy",
        "Reads who gets in by the bucket's policy.",
    ),
    Permission::new("s3:PutBucketPolicy", "Lets W&B in, and refuses plain HTTP."),
    Permission::new(
        "s3:DeleteBucketPolicy",
        "Removes the policy when nothing is left in it.",
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
    Permission::new(
        "iam:SimulatePrincipalPolicy",
        "Warns at plan time about rights that are missing. Optional.",
    ),
];

const OWN_KEY: &[Permission] = &[
    Permission::new("kms:CreateKey", "Makes the key."),
    Permission::new(
        "kms:TagResource",
        "Marks the key as this bucket's, in the call that makes it and later.",
    ),
    Permission::new("kms:UntagResource", "Removes tags that were taken out."),
    Permission::new("kms:CreateAlias", "Names the key after the bucket."),
    Permission::new(
        "kms:UpdateAlias",
        "Names it again when the alias was moved to another key.",
    ),
    Permission::new(
        "kms:DescribeKey",
        "Finds the key and whether it is enabled.",
    ),
    Permission::new(
        "kms:ListKeys",
        "Finds a key that an interrupted run made and did not name.",
    ),
    Permission::new("kms:ListResourceTags", "Tells whose key it is."),
    Permission::new("kms:GetKeyPolicy", "Reads who may use the key."),
    Permission::new("kms:PutKeyPolicy", "Writes who may use the key."),
    Permission::new("kms:GetKeyRotationStatus", "Reads `kms_key_rotation`."),
    Permission::new("kms:EnableKeyRotation", "Writes `kms_key_rotation`."),
    Permission::new("kms:DisableKeyRotation", "Writes `kms_key_rotation`."),
    Permission::new(
        "kms:EnableKey",
        "Enables the key again when somebody has disabled it.",
    ),
    Permission::new(
        "kms:CancelKeyDeletion",
        "Takes the key back when its deletion is scheduled.",
    ),
    Permission::new(
        "kms:ScheduleKeyDeletion",
        "Gives the key up after the bucket is gone.",
    ),
    Permission::new("kms:GenerateDataKey", "Encrypts the probe."),
    Permission::new("kms:Decrypt", "Decrypts the probe."),
];

const GIVEN_KEY: &[Permission] = &[
    Permission::new(
        "kms:DescribeKey",
        "Finds the key and whether it is enabled.",
    ),
    Permission::new(
        "kms:GetKeyPolicy",
        "Checks that W&B may use the key; its policy is never changed.",
    ),
    Permission::new(
        "kms:GetKeyRotationStatus",
        "Reads whether the key is rotated.",
    ),
    Permission::new(
        "kms:ListResourceTags",
        "Tells whether it is the key of another bucket of this provider.",
    ),
    Permission::new("kms:GenerateDataKey", "Encrypts the probe."),
    Permission::new("kms:Decrypt", "Decrypts the probe."),
];

const USER: &[Permission] = &[
    Permission::new("iam:CreateUser", "Makes W&B's user."),
    Permission::new("iam:TagUser", "Marks the user as this provider's."),
    Permission::new("iam:GetUser", "Finds W&B's user."),
    Permission::new("iam:PutUserPolicy", "Writes what W&B's user may do."),
    Permission::new("iam:GetUserPolicy", "Reads what W&B's user may do."),
    Permission::new(
        "iam:ListUserPolicies",
        "Finds rights that the user should not have.",
    ),
    Permission::new(
        "iam:DeleteUserPolicy",
        "Removes the user's rights with the bucket.",
    ),
    Permission::new(
        "iam:ListAttachedUserPolicies",
        "Finds rights that the user should not have.",
    ),
    Permission::new(
        "iam:DetachUserPolicy",
        "Removes rights that the user should not have.",
    ),
    Permission::new(
        "iam:PutUserPermissionsBoundary",
        "Writes `permissions_boundary_arn`.",
    ),
    Permission::new("iam:DeleteUserPermissionsBoundary", "Removes the boundary."),
    Permission::new("iam:CreateAccessKey", "Makes W&B's access key."),
    Permission::new("iam:ListAccessKeys", "Finds W&B's access key."),
    Permission::new(
        "iam:GetAccessKeyLastUsed",
        "Asks again about an access key that the list lacks. Optional.",
    ),
    Permission::new(
        "iam:DeleteAccessKey",
        "Removes the old key after a rotation, and the last one with the bucket.",
    ),
    Permission::new("iam:DeleteUser", "Removes W&B's user with the bucket."),
];

const KEY_RIGHTS: &[Permission] = &[
    Permission::new("kms:Decrypt", "Reads objects."),
    Permission::new("kms:Describe*", "Checks that the key is there and enabled."),
    Permission::new("kms:Encrypt", "Writes objects."),
    Permission::new("kms:ReEncrypt*", "Copies objects."),
    Permission::new(
        "kms:GenerateDataKey*",
        "Writes objects, each with a key of its own.",
    ),
];
