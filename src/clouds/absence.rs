//! What the proof that a bucket is not there takes on every cloud.

use crate::byob::absence::{AbsentBucket, SecondAnswer};
use crate::byob::{CloudError, CloudErrorKind};

/// Whether a list of buckets is not to be had, which says nothing about the bucket.
pub fn may_not_list(error: &CloudError) -> bool {
    matches!(
        error.kind,
        CloudErrorKind::Denied
            | CloudErrorKind::NotSupported
            | CloudErrorKind::Invalid
            | CloudErrorKind::NotFound
    )
}

/// The proof, if the answer to `call`, in words `told`, agrees with the first one.
pub fn confirmed(
    call: &str,
    bucket: &str,
    second: SecondAnswer,
    told: &str,
) -> Result<AbsentBucket, CloudError> {
    AbsentBucket::confirm(bucket, second).ok_or_else(|| {
        let why = format!(
            "one answer was that there is no such bucket, and the answer to {call} {told}; \
             nothing was deleted or forgotten for it"
        );
        contradiction(call, bucket, why)
    })
}

/// The error of two answers of which one cannot be true.
pub fn contradiction(call: &str, target: &str, why: impl Into<String>) -> CloudError {
    CloudError::new(CloudErrorKind::Unexpected, call, target, why).hint(
        "Run again. If it stays so, find out who answers at this address: a proxy, a server that \
         has not come up yet, or another server.",
    )
}
