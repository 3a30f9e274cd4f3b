//! Deletes versions of objects, many in a call where that can say which.

use std::sync::{Mutex, PoisonError};

use aws_sdk_s3::types::{Delete, Error, ObjectIdentifier};
use futures_util::stream::{self, StreamExt, TryStreamExt};

use super::S3;
use super::error::{self, Answer};
use super::versions::{ABREAST, Entry};
use crate::byob::{CloudError, CloudErrorKind};
use crate::clouds::retry::{Failure, Work};
use crate::clouds::xml;

const CALL: &str = "s3:DeleteObjects";

/// Deletes these versions, at most [`super::versions::PAGE`] of them.
pub(super) async fn delete_versions(
    cloud: &S3,
    bucket: &str,
    entries: &[Entry],
) -> Result<(), CloudError> {
    let (batch, odd): (Vec<Entry>, Vec<Entry>) = entries
        .iter()
        .cloned()
        .partition(|one| xml::carries(&one.key));
    delete_batch(cloud, bucket, &batch).await?;
    stream::iter(odd)
        .map(|one| async move { delete_alone(cloud, bucket, &one).await })
        .buffer_unordered(ABREAST)
        .try_collect::<Vec<()>>()
        .await
        .map(drop)
}

/// Deletes an object whose name stands in no document, by its address.
async fn delete_alone(cloud: &S3, bucket: &str, one: &Entry) -> Result<(), CloudError> {
    let delete = cloud.clients.s3().delete_object().bucket(bucket);
    let delete = delete.key(&one.key).version_id(&one.version);
    cloud
        .sdk(Work::Write, "s3:DeleteObject", bucket, || {
            delete.clone().send()
        })
        .await
        .map(drop)
        .map_err(|error| CloudError {
            message: format!("{:?} was not deleted: {}", one.key, error.message),
            ..error
        })
}

/// Deletes in one call, and in further ones what the server was too busy for.
async fn delete_batch(cloud: &S3, bucket: &str, batch: &[Entry]) -> Result<(), CloudError> {
    if batch.is_empty() {
        return Ok(());
    }
    let objects: Result<Vec<ObjectIdentifier>, _> = batch
        .iter()
        .map(|one| {
            let object = ObjectIdentifier::builder();
            object.key(&one.key).version_id(&one.version).build()
        })
        .collect();
    let left = Mutex::new(objects.map_err(|error| invalid(bucket, &error))?);
    let left = &left;
    cloud
        .patience
        .call(Work::Write, CALL, bucket, || async move {
            let objects = left.lock().unwrap_or_else(PoisonError::into_inner).clone();
            let count = objects.len();
            let delete = Delete::builder().set_objects(Some(objects)).quiet(true);
            let delete = delete
                .build()
                .map_err(|error| Failure::lasting(invalid(bucket, &error)))?;
            let s3 = cloud.clients.s3();
            let sent = s3.delete_objects().bucket(bucket).delete(delete).send();
            let answer = sent
                .await
                .map_err(|error| error::failure(CALL, bucket, error))?;
            let Some(failure) = judge(bucket, count, answer.errors()) else {
                return Ok(());
            };
            if failure.passing {
                let mut left = left.lock().unwrap_or_else(PoisonError::into_inner);
                left.retain(|object| answer.errors().iter().any(|error| is_about(error, object)));
            }
            Err(failure)
        })
        .await
}

fn invalid(bucket: &str, error: &aws_sdk_s3::error::BuildError) -> CloudError {
    CloudError::new(CloudErrorKind::Invalid, CALL, bucket, error.to_string())
}

fn is_about(error: &Error, object: &ObjectIdentifier) -> bool {
    // Servers leave the version out where there is only one.
    let version = error.version_id().filter(|version| !version.is_empty());
    error.key() == Some(object.key()) && (version.is_none() || version == object.version_id())
}

/// What the errors of single objects come to; it passes when each of them may.
fn judge(bucket: &str, count: usize, errors: &[Error]) -> Option<Failure> {
    let is_busy = |error: &&Error| {
        matches!(
            error.code(),
            Some("SlowDown" | "InternalError" | "ServiceUnavailable")
        )
    };
    // The one that will not pass by itself tells more.
    let worst = errors.iter().find(|error| !is_busy(error));
    let told = worst.or(errors.first())?;
    let answer = Answer {
        status: if worst.is_some() { 400 } else { 503 },
        code: told.code().map(str::to_owned),
        message: Some(format!(
            "{} of {count} were not deleted; the first is {:?}: {}",
            errors.len(),
            told.key().unwrap_or_default(),
            told.message().unwrap_or_default(),
        )),
        ..Answer::default()
    };
    let failure = answer.failure(CALL, bucket);
    Some(Failure {
        passing: worst.is_none(),
        ..failure
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn refused(key: &str, code: &str) -> Error {
        Error::builder().key(key).code(code).message("m").build()
    }

    #[test]
    fn only_what_may_pass_is_tried_again() {
        for code in ["SlowDown", "InternalError", "ServiceUnavailable"] {
            let failure = judge("b", 2, &[refused("a", code)]).expect("a failure");
            assert!(failure.passing, "{code}");
        }
        let both = [refused("a", "SlowDown"), refused("c", "AccessDenied")];
        let failure = judge("b", 2, &both).expect("a failure");
        assert!(!failure.passing);
        assert_eq!(failure.error.kind, CloudErrorKind::Denied);
        assert!(failure.error.message.contains("\"c\""));
        assert!(judge("b", 2, &[]).is_none());
    }
}
