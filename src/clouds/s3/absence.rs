//! Whether a bucket is not there: the second question, once something has said so.

use crate::byob::absence::{AbsentBucket, SecondAnswer};
use crate::byob::{CloudError, CloudErrorKind};
use crate::clouds::absence::{confirmed, may_not_list};
use crate::clouds::retry::Work;

use super::S3;
use super::error::{no_such_bucket, not_known_yet};

/// Confirms what an answer has said: the list of the caller's buckets, where it is to be had,
/// must not name the bucket, and a `HEAD` must not find it.
pub(in crate::clouds) async fn confirm(
    cloud: &S3,
    bucket: &str,
) -> Result<AbsentBucket, CloudError> {
    // It was made by this very operation, and somebody does not know it yet.
    if cloud.made_here() {
        return Err(not_known_yet("s3:ListBucket", bucket));
    }
    let call = "s3:ListAllMyBuckets";
    let (call, second, told) = match listed(cloud, call, bucket).await {
        Ok(true) => (call, SecondAnswer::Present, "names it".to_owned()),
        // A list holds the caller's own buckets, and this may be another account's.
        Ok(false) => {
            let (second, told) = head(cloud, bucket).await?;
            ("s3:HeadBucket", second, told)
        }
        Err(error) if may_not_list(&error) => {
            let (second, told) = head(cloud, bucket).await?;
            ("s3:HeadBucket", second, told)
        }
        Err(error) => return Err(error),
    };
    // Whoever made the bucket a moment ago asks again, as after "no such bucket" itself.
    confirmed(call, bucket, second, &told).map_err(no_such_bucket)
}

/// Whether the caller's buckets, all pages of them, have this one.
async fn listed(cloud: &S3, call: &str, bucket: &str) -> Result<bool, CloudError> {
    let mut next: Option<String> = None;
    loop {
        let page = cloud
            .sdk(Work::Read, call, bucket, || {
                let list = cloud.clients.s3().list_buckets().prefix(bucket);
                list.set_continuation_token(next.clone()).send()
            })
            .await?;
        if page.buckets().iter().any(|one| one.name() == Some(bucket)) {
            return Ok(true);
        }
        match page.continuation_token() {
            Some(token) if !token.is_empty() && next.as_deref() != Some(token) => {
                next = Some(token.to_owned());
            }
            _ => return Ok(false),
        }
    }
}

/// A 404 in the server's own form is an answer; a refusal or a success is the contrary.
async fn head(cloud: &S3, bucket: &str) -> Result<(SecondAnswer, String), CloudError> {
    let outcome = cloud
        .sdk(Work::Read, "s3:HeadBucket", bucket, || {
            cloud.clients.s3().head_bucket().bucket(bucket).send()
        })
        .await;
    match outcome {
        Ok(_) => Ok((SecondAnswer::Present, "is that it is there".to_owned())),
        Err(error) if error.kind == CloudErrorKind::NotFound => {
            Ok((SecondAnswer::Absent, String::new()))
        }
        Err(error) if error.kind == CloudErrorKind::Denied => Ok((
            SecondAnswer::Present,
            format!("is a refusal: {}", error.message),
        )),
        Err(error) => Err(error),
    }
}
