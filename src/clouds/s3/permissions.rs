//! What the caller needs on every server of the S3 protocol, and what W&B gets there.

use crate::byob::permission::Permission;

/// For trying a bucket.
pub(in crate::clouds) const PROBE: &[Permission] = &[
    Permission::new(
        "s3:GetBucketObjectLockConfiguration",
        "Finds out whether the probe could be removed again, before it is written to a bucket \
         that was there before.",
    ),
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

/// What W&B may do to the bucket itself.
pub const BUCKET_RIGHTS: [Permission; 7] = [
    Permission::new(
        "s3:GetBucketCORS",
        "The instance checks that browsers are let in.",
    ),
    Permission::new(
        "s3:GetBucketLocation",
        "Finds the region that addresses are signed for.",
    ),
    Permission::new(
        "s3:GetBucketVersioning",
        "The instance checks that deleted artifacts leave a version behind.",
    ),
    Permission::new(
        "s3:GetEncryptionConfiguration",
        "The instance checks how objects are encrypted.",
    ),
    Permission::new("s3:ListBucket", "Finds the files of runs and artifacts."),
    Permission::new(
        "s3:ListBucketMultipartUploads",
        "Finds uploads in parts that were begun and not finished.",
    ),
    Permission::new(
        "s3:ListBucketVersions",
        "Finds old versions of files when artifacts are collected.",
    ),
];

/// What W&B may do to objects.
pub const OBJECT_RIGHTS: [Permission; 4] = [
    Permission::new(
        "s3:AbortMultipartUpload",
        "Gives up an upload in parts that is not going to be finished.",
    ),
    Permission::new(
        "s3:DeleteObject",
        "Removes the files of deleted runs and artifacts.",
    ),
    Permission::new(
        "s3:GetObject*",
        "Signs the addresses by which the SDK and browsers read files.",
    ),
    Permission::new(
        "s3:PutObject",
        "Signs the addresses by which the SDK and browsers write files.",
    ),
];

/// The actions of [`BUCKET_RIGHTS`].
pub const BUCKET_ACTIONS: [&str; 7] = actions(&BUCKET_RIGHTS);

/// The actions of [`OBJECT_RIGHTS`].
pub const OBJECT_ACTIONS: [&str; 4] = actions(&OBJECT_RIGHTS);

const fn actions<const N: usize>(rights: &[Permission; N]) -> [&'static str; N] {
    let mut actions = [""; N];
    let mut index = 0;
    while index < N {
        actions[index] = rights[index].action;
        index += 1;
    }
    actions
}
