//! What a server has shown to know: which sub-resources of a bucket it has.
//!
//! Some servers take a sub-resource that they do not know for the bucket itself, so a
//! blind `PUT` may make a bucket and a blind `DELETE` may delete one. Each write comes
//! after an answer to the matching `GET`, in this operation, by this server.

use std::future::Future;

use aws_sdk_s3::config::http::HttpResponse;
use aws_sdk_s3::error::{ProvideErrorMetadata, SdkError};

use super::S3;
use super::error::not_set;
use crate::byob::{CloudError, CloudErrorKind};
use crate::clouds::retry::Work;

/// The sub-resources of a bucket that are read or written here.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(in crate::clouds) enum Sub {
    Tags,
    Versioning,
    Encryption,
    Cors,
    Lifecycle,
    Policy,
}

impl Sub {
    /// The call that reads it.
    pub(in crate::clouds) fn get(self) -> &'static str {
        match self {
            Self::Tags => "s3:GetBucketTagging",
            Self::Versioning => "s3:GetBucketVersioning",
            Self::Encryption => "s3:GetEncryptionConfiguration",
            Self::Cors => "s3:GetBucketCORS",
            Self::Lifecycle => "s3:GetLifecycleConfiguration",
            Self::Policy => "s3:GetBucketPolicy",
        }
    }

    /// The call that writes it.
    pub(super) fn put(self) -> &'static str {
        match self {
            Self::Tags => "s3:PutBucketTagging",
            Self::Versioning => "s3:PutBucketVersioning",
            Self::Encryption => "s3:PutEncryptionConfiguration",
            Self::Cors => "s3:PutBucketCORS",
            Self::Lifecycle => "s3:PutLifecycleConfiguration",
            Self::Policy => "s3:PutBucketPolicy",
        }
    }
}

/// Whether a server knows a sub-resource.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(in crate::clouds) enum Knowledge {
    /// It answered the `GET`.
    Known,
    /// It said that it does not know it, to the `GET` or to a `PUT`.
    Unknown(String),
}

impl S3 {
    /// Whether the server knows `sub`; asks once in an operation.
    pub(in crate::clouds) async fn knows(
        &self,
        sub: Sub,
        bucket: &str,
    ) -> Result<bool, CloudError> {
        match self.recall(sub) {
            Some(Knowledge::Known) => return Ok(true),
            Some(Knowledge::Unknown(_)) => return Ok(false),
            None => {}
        }
        match self.touch(sub, bucket).await {
            Ok(()) => {}
            Err(error) if not_set(&error) => {}
            Err(error) if error.kind == CloudErrorKind::NotSupported => {
                self.learn(sub, Knowledge::Unknown(error.message));
                return Ok(false);
            }
            // Not allowed to read it, but the server knew what was asked for.
            Err(error) if error.kind == CloudErrorKind::Denied => {}
            Err(error) => return Err(error),
        }
        self.learn(sub, Knowledge::Known);
        Ok(true)
    }

    /// Reads `sub` for nothing but the server's reaction.
    async fn touch(&self, sub: Sub, bucket: &str) -> Result<(), CloudError> {
        let (s3, call) = (self.clients.s3(), sub.get());
        macro_rules! read {
            ($operation:ident) => {
                self.sdk(Work::Read, call, bucket, || {
                    s3.$operation().bucket(bucket).send()
                })
                .await
                .map(drop)
            };
        }
        match sub {
            Sub::Tags => read!(get_bucket_tagging),
            Sub::Versioning => read!(get_bucket_versioning),
            Sub::Encryption => read!(get_bucket_encryption),
            Sub::Cors => read!(get_bucket_cors),
            Sub::Lifecycle => read!(get_bucket_lifecycle_configuration),
            Sub::Policy => read!(get_bucket_policy),
        }
    }

    /// Fails with `NotSupported`, before anything is written, unless the server knows
    /// `sub`.
    pub(super) async fn must_know(&self, sub: Sub, bucket: &str) -> Result<(), CloudError> {
        if self.knows(sub, bucket).await? {
            return Ok(());
        }
        let words = match self.recall(sub) {
            Some(Knowledge::Unknown(words)) => words,
            Some(Knowledge::Known) | None => "unknown to the server".to_owned(),
        };
        let kind = CloudErrorKind::NotSupported;
        Err(CloudError::new(kind, sub.put(), bucket, words))
    }

    /// Writes `sub` by `call`, if the server knows it, and remembers if it does not after
    /// all.
    pub(in crate::clouds) async fn write<T, E, Calling>(
        &self,
        sub: Sub,
        call: &str,
        bucket: &str,
        attempt: impl FnMut() -> Calling,
    ) -> Result<(), CloudError>
    where
        E: ProvideErrorMetadata + std::error::Error + 'static,
        Calling: Future<Output = Result<T, SdkError<E, HttpResponse>>>,
    {
        self.must_know(sub, bucket).await?;
        let outcome = self.sdk(Work::Write, call, bucket, attempt).await;
        self.heed(sub, outcome.map(drop))
    }

    /// Remembers a write that the server did not know after all.
    pub(super) fn heed(&self, sub: Sub, outcome: Result<(), CloudError>) -> Result<(), CloudError> {
        if let Err(error) = &outcome
            && error.kind == CloudErrorKind::NotSupported
        {
            self.learn(sub, Knowledge::Unknown(error.message.clone()));
        }
        outcome
    }
}
