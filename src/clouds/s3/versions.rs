//! Lists the versions that a bucket holds, page by page.

use aws_sdk_s3::operation::list_object_versions::ListObjectVersionsOutput;

use super::S3;
use crate::byob::CloudError;
use crate::clouds::retry::Work;

/// The most entries that servers list or delete in one call.
pub(super) const PAGE: u64 = 1000;
/// How many objects are asked about at the same time.
pub(super) const ABREAST: usize = 16;
/// Where the next page of versions begins.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Position {
    key: Option<String>,
    version: Option<String>,
}

impl Position {
    pub(super) fn after(page: &ListObjectVersionsOutput) -> Option<Self> {
        let next = Self {
            key: page.next_key_marker().map(str::to_owned),
            version: page.next_version_id_marker().map(str::to_owned),
        };
        (page.is_truncated().unwrap_or(false) && next.key.is_some()).then_some(next)
    }
}

pub(super) async fn versions(
    cloud: &S3,
    bucket: &str,
    from: &Position,
    most: u64,
) -> Result<ListObjectVersionsOutput, CloudError> {
    let most = i32::try_from(most).unwrap_or(i32::MAX);
    cloud
        .sdk(Work::Read, "s3:ListBucketVersions", bucket, || {
            cloud
                .clients
                .s3()
                .list_object_versions()
                .bucket(bucket)
                .set_key_marker(from.key.clone())
                .set_version_id_marker(from.version.clone())
                .max_keys(most)
                .send()
        })
        .await
}
