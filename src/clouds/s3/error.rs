//! What a server's refusal means, told by its code.

use std::error::Error;
use std::time::{Duration, SystemTime};

use aws_credential_types::provider::error::CredentialsError;
use aws_sdk_s3::config::http::HttpResponse;
use aws_sdk_s3::error::{ProvideErrorMetadata, SdkError};
use aws_smithy_runtime_api::http::Headers;

use super::skew;
use crate::byob::{CloudError, CloudErrorKind};
use crate::clouds::absence::contradiction;
use crate::clouds::retry::Failure;
use crate::clouds::web::{causes, kind_of_status, transport};
use crate::retry_after::asked_pause;

/// Turns an SDK's error of `call` about `target` into ours.
pub(in crate::clouds) fn failure<E>(
    call: &str,
    target: &str,
    error: SdkError<E, HttpResponse>,
) -> Failure
where
    E: ProvideErrorMetadata + Error + 'static,
{
    if let Some(why) = without_credentials(&error) {
        let kind = CloudErrorKind::Unauthenticated;
        return Failure::lasting(CloudError::new(kind, call, target, why));
    }
    match &error {
        SdkError::ServiceError(context) => {
            let raw = context.raw();
            let answer = Answer {
                status: raw.status().as_u16(),
                code: code_of(context.err().code(), raw).map(str::to_owned),
                message: context
                    .err()
                    .message()
                    .map(str::to_owned)
                    .or_else(|| not_understood(&error, raw.status().is_success())),
                request_id: request_id(raw.headers()),
                bucket_region: is_misdirected(raw.status().as_u16(), context.err().code())
                    .then(|| bucket_region(raw))
                    .flatten(),
            };
            let failure = answer.failure(call, target);
            let date = raw.headers().get("date");
            Failure {
                error: skew::explained(failure.error, date, raw.body().bytes()),
                after: after(raw.headers().get("retry-after")),
                ..failure
            }
        }
        SdkError::ResponseError(context) => {
            let raw = context.raw();
            let answer = Answer {
                status: raw.status().as_u16(),
                code: None,
                message: Some(format!(
                    "an answer that is not understood: {}",
                    causes(&error)
                )),
                request_id: request_id(raw.headers()),
                bucket_region: None,
            };
            answer.failure(call, target)
        }
        SdkError::TimeoutError(_) => transport(call, target, causes(&error), false),
        SdkError::DispatchFailure(dispatch) => {
            let unsent = dispatch.is_user();
            if unsent {
                return Failure::lasting(CloudError::new(
                    CloudErrorKind::Invalid,
                    call,
                    target,
                    causes(&error),
                ));
            }
            transport(call, target, causes(&error), false)
        }
        _ => Failure::lasting(CloudError::new(
            CloudErrorKind::Invalid,
            call,
            target,
            causes(&error),
        )),
    }
}

/// How long a server asks to wait, by its header `Retry-After`.
pub(in crate::clouds) fn after(header: Option<&str>) -> Option<Duration> {
    asked_pause(header?, SystemTime::now())
}

/// Why a request was not sent for want of credentials, if that is what stopped it.
fn without_credentials(error: &(dyn Error + 'static)) -> Option<String> {
    let mut next = error.source();
    while let Some(current) = next {
        if current.is::<CredentialsError>() {
            return Some(format!(
                "there are no credentials to ask with: {}",
                causes(current)
            ));
        }
        next = current.source();
    }
    None
}

/// The server's code. Where an answer has no body, the SDK makes one of the status 404; an
/// answer to a `HEAD` never has one, and is told by the server's own headers.
fn code_of<'a>(code: Option<&'a str>, raw: &HttpResponse) -> Option<&'a str> {
    let is_empty = raw.body().bytes().is_some_and(<[u8]>::is_empty);
    code.filter(|code| *code != "NotFound" || !is_empty || request_id(raw.headers()).is_some())
}

/// What is wrong with an answer that says "done" and cannot be read.
fn not_understood(error: &dyn Error, says_done: bool) -> Option<String> {
    says_done.then(|| format!("an answer that is not understood: {}", causes(error)))
}

/// S3 and the other services have each their own name for it.
fn request_id(headers: &Headers) -> Option<String> {
    headers
        .get("x-amz-request-id")
        .or_else(|| headers.get("x-amzn-requestid"))
        .map(str::to_owned)
}

/// The region that a refusal names, in a header or in its body.
fn bucket_region(raw: &HttpResponse) -> Option<String> {
    if let Some(region) = raw.headers().get("x-amz-bucket-region") {
        return Some(region.to_owned());
    }
    let body = String::from_utf8_lossy(raw.body().bytes()?);
    let (_, rest) = body.split_once("<Region>")?;
    let (region, _) = rest.split_once("</Region>")?;
    Some(region.to_owned())
}

/// Whether S3 refuses because the bucket is in another region.
fn is_misdirected(status: u16, code: Option<&str>) -> bool {
    (300..400).contains(&status)
        || matches!(
            code,
            Some(
                "AuthorizationHeaderMalformed"
                    | "PermanentRedirect"
                    | "IllegalLocationConstraintException"
            )
        )
}

/// A refusal, before it is judged.
#[derive(Debug, Default)]
pub(in crate::clouds) struct Answer {
    pub(in crate::clouds) status: u16,
    pub(in crate::clouds) code: Option<String>,
    pub(in crate::clouds) message: Option<String>,
    pub(in crate::clouds) request_id: Option<String>,
    /// The region that the bucket is in, when it is not the one that was asked.
    pub(in crate::clouds) bucket_region: Option<String>,
}

impl Answer {
    /// What the refusal means for the caller.
    pub(in crate::clouds) fn failure(self, call: &str, target: &str) -> Failure {
        let code = self.code.as_deref().unwrap_or_default();
        let kind = kind(self.status, code);
        let message = match (&self.message, code) {
            // A proxy says so of pages, and knows nothing about buckets, users and keys.
            (_, "") if self.status == 404 => NOT_ITS_FORM.to_owned(),
            (Some(words), _) if !words.trim().is_empty() => words.trim().to_owned(),
            (_, "") => format!("the server answered with status {}", self.status),
            (_, code) => code.to_owned(),
        };
        // Another change of the same thing is under way; Amazon has not begun this one.
        let undone = kind == CloudErrorKind::Throttled
            || matches!(code, "OperationAborted" | "ConcurrentModification");
        let passing = undone || (self.status >= 500 && kind == CloudErrorKind::Unexpected);
        let mut error = CloudError::new(kind, call, target, message);
        error.code = self.code.filter(|code| !code.is_empty());
        error.request_id = self.request_id;
        if let Some(region) = self.bucket_region {
            error.kind = CloudErrorKind::Invalid;
            error.message = format!("the bucket is in region {region}: {}", error.message);
            error.hint = Some(format!("Set region = {region:?} for this bucket."));
        }
        Failure {
            error,
            passing,
            undone,
            after: None,
        }
    }
}

fn kind(status: u16, code: &str) -> CloudErrorKind {
    use CloudErrorKind as Kind;
    match code {
        "BucketAlreadyExists"
        | "BucketAlreadyOwnedByYou"
        | "EntityAlreadyExists"
        | "AlreadyExistsException" => Kind::AlreadyExists,
        "AccessDenied" | "AllAccessDisabled" | "AccessDeniedException" => Kind::Denied,
        "NotFoundException" | "NoSuchEntity" => Kind::NotFound,
        "InvalidAccessKeyId"
        | "SignatureDoesNotMatch"
        | "InvalidClientTokenId"
        | "ExpiredToken"
        | "InvalidToken"
        | "RequestTimeTooSkewed"
        | "RequestExpired"
        | "AuthorizationHeaderMalformed"
        | "XMinioInvalidIAMCredentials" => Kind::Unauthenticated,
        "SlowDown"
        | "SlowDownRead"
        | "SlowDownWrite"
        | "Throttling"
        | "ThrottlingException"
        | "RequestLimitExceeded"
        | "RequestThrottled"
        | "TooManyRequestsException"
        | "TooManyRequests" => Kind::Throttled,
        "NotImplemented"
        | "NotSupported"
        | "MethodNotAllowed"
        | "XNotImplemented"
        | "XMinioAdminNotImplemented" => Kind::NotSupported,
        "BucketNotEmpty"
        | "OperationAborted"
        | "DeleteConflict"
        | "ConditionalRequestConflict"
        | "KMSInvalidStateException"
        | "LimitExceeded"
        | "LimitExceededException" => Kind::Conflict,
        "" if status == 404 => Kind::Unexpected,
        _ => kind_of_status(status),
    }
}

/// What a 404 is called that does not come from a server of the protocol.
const NOT_ITS_FORM: &str = "the answer has status 404 and is not in the server's own form: it has \
    no error code of the server's; a proxy may have answered, or another server at this address";

/// Whether the server said that there is no such bucket.
pub(in crate::clouds) fn no_bucket(error: &CloudError) -> bool {
    error.code.as_deref() == Some("NoSuchBucket") && error.kind != CloudErrorKind::Unexpected
}

/// Whether one answer said that there is no such bucket, and another one the contrary.
pub(in crate::clouds) fn contradicts(error: &CloudError) -> bool {
    error.code.as_deref() == Some("NoSuchBucket") && error.kind == CloudErrorKind::Unexpected
}

/// The same where one of the answers is that there is no such bucket.
pub(in crate::clouds) fn bucket_contradiction(call: &str, bucket: &str, why: String) -> CloudError {
    no_such_bucket(contradiction(call, bucket, why))
}

/// The error with the code of "no such bucket".
pub(in crate::clouds) fn no_such_bucket(mut error: CloudError) -> CloudError {
    error.code = Some("NoSuchBucket".to_owned());
    error
}

/// The error of a bucket that this operation has made and that is not known everywhere yet.
pub(in crate::clouds) fn not_known_yet(call: &str, bucket: &str) -> CloudError {
    let mut error = CloudError::new(
        CloudErrorKind::NotFound,
        call,
        bucket,
        "the bucket was made a moment ago and is not known everywhere yet",
    );
    error.code = Some("NoSuchBucket".to_owned());
    error
}

/// Whether the server said that the setting is simply not there. Servers have codes of their
/// own for it, so every code counts that goes with 404 and is not about something else.
pub(in crate::clouds) fn not_set(error: &CloudError) -> bool {
    match error.code.as_deref() {
        None | Some("NoSuchBucket" | "NoSuchKey" | "NoSuchVersion" | "NoSuchUpload") => false,
        Some(
            "NoSuchTagSet"
            | "NoSuchTagSetError"
            | "NoSuchCORSConfiguration"
            | "NoSuchLifecycleConfiguration"
            | "NoSuchBucketPolicy"
            | "ServerSideEncryptionConfigurationNotFoundError"
            | "ObjectLockConfigurationNotFoundError"
            | "NoSuchPublicAccessBlockConfiguration"
            | "OwnershipControlsNotFoundError"
            | "NoSuchObjectLockConfiguration",
        ) => true,
        Some(_) => error.kind == CloudErrorKind::NotFound,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn codes_say_more_than_statuses() {
        for (status, code, expected) in [
            (
                403,
                "SignatureDoesNotMatch",
                CloudErrorKind::Unauthenticated,
            ),
            (403, "AccessDenied", CloudErrorKind::Denied),
            (403, "", CloudErrorKind::Denied),
            (
                409,
                "BucketAlreadyOwnedByYou",
                CloudErrorKind::AlreadyExists,
            ),
            (409, "BucketNotEmpty", CloudErrorKind::Conflict),
            (501, "", CloudErrorKind::NotSupported),
            (404, "NoSuchBucket", CloudErrorKind::NotFound),
            (404, "XMinioAdminNoSuchUser", CloudErrorKind::NotFound),
            (404, "", CloudErrorKind::Unexpected),
            (400, "MalformedXML", CloudErrorKind::Invalid),
            (503, "SlowDown", CloudErrorKind::Throttled),
            (500, "InternalError", CloudErrorKind::Unexpected),
        ] {
            assert_eq!(kind(status, code), expected, "{status} {code}");
        }
    }

    #[test]
    fn only_throttling_and_broken_servers_are_asked_again() {
        for (status, code, passing) in [
            (503, "SlowDown", true),
            (500, "InternalError", true),
            (501, "NotImplemented", false),
            (403, "AccessDenied", false),
            (404, "NoSuchBucket", false),
            (404, "", false),
        ] {
            let answer = Answer {
                status,
                code: Some(code.to_owned()),
                ..Answer::default()
            };
            assert_eq!(answer.failure("call", "b").passing, passing, "{code}");
        }
    }
}
