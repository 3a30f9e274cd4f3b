//! Permissions that the caller needs on every server of the S3 protocol.

use crate::byob::permission::Permission;

/// For trying a bucket.
pub(in crate::clouds) const PROBE: &[Permission] = &[
    Permission::new(
        "s3:PutObject",
        "Uploads the probe, where no key of W&B is known to do it with.",
    ),
    Permission::new(
        "s3:GetObject",
        "Downloads the probe, and finds its version to delete.",
    ),
    Permission::new(
        "s3:AbortMultipartUpload",
        "Gives up the probe's upload in parts.",
    ),
    Permission::new("s3:DeleteObject", "Removes the probe."),
    Permission::new(
        "s3:DeleteObjectVersion",
        "Removes the probe's versions, which W&B's key may not.",
    ),
];

/// For emptying a bucket.
pub(in crate::clouds) const DELETE_EVERYTHING: &[Permission] = &[
    Permission::new(
        "s3:GetBucketObjectLockConfiguration",
        "Finds out whether objects may be locked.",
    ),
    Permission::new(
        "s3:GetObjectRetention",
        "Finds objects under retention, before anything is deleted.",
    ),
    Permission::new(
        "s3:GetObjectLegalHold",
        "Finds objects under a legal hold, before anything is deleted.",
    ),
    Permission::new("s3:DeleteObject", "Deletes objects."),
    Permission::new(
        "s3:DeleteObjectVersion",
        "Deletes old versions and delete markers.",
    ),
    Permission::new("s3:AbortMultipartUpload", "Gives up unfinished uploads."),
];
