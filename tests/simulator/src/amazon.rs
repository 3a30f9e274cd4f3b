//! What Amazon's services answer and their stand-in does not: refusals, word for word,
//! in the three protocols that they speak.

use crate::proxy::Reply;

/// The request id in every answer.
pub const REQUEST_ID: &str = "4442587FB7D0A2F9";

/// A refusal of S3; `more` are further elements of its body.
#[must_use]
pub fn s3(status: u16, code: &str, message: &str, more: &str) -> Reply {
    Reply {
        status,
        headers: vec![
            ("x-amz-request-id", REQUEST_ID.to_owned()),
            ("x-amz-id-2", "vc3L1ZmJqYmI=".to_owned()),
            ("content-type", "application/xml".to_owned()),
            ("server", "AmazonS3".to_owned()),
        ],
        body: format!(
            "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<Error><Code>{code}</Code>\
             <Message>{message}</Message>{more}<RequestId>{REQUEST_ID}</RequestId>\
             <HostId>vc3L1ZmJqYmI=</HostId></Error>"
        ),
    }
}

/// A refusal of IAM or STS.
#[must_use]
pub fn query(status: u16, code: &str, message: &str) -> Reply {
    Reply {
        status,
        headers: vec![
            ("x-amzn-requestid", REQUEST_ID.to_owned()),
            ("content-type", "text/xml".to_owned()),
        ],
        body: format!(
            "<ErrorResponse xmlns=\"https://iam.amazonaws.com/doc/2010-05-08/\">\n  <Error>\n    \
             <Type>Sender</Type>\n    <Code>{code}</Code>\n    <Message>{message}</Message>\n  \
             </Error>\n  <RequestId>{REQUEST_ID}</RequestId>\n</ErrorResponse>\n"
        ),
    }
}

/// A refusal of KMS, whose status is always 400.
#[must_use]
pub fn kms(code: &str, message: &str) -> Reply {
    Reply {
        status: 400,
        headers: vec![
            ("x-amzn-requestid", REQUEST_ID.to_owned()),
            ("content-type", "application/x-amz-json-1.1".to_owned()),
        ],
        body: format!("{{\"__type\":\"{code}\",\"message\":\"{message}\"}}"),
    }
}

/// S3 was given a principal that is not there (yet).
#[must_use]
pub fn malformed_policy(principal: &str) -> Reply {
    let detail = format!("<Detail>\"AWS\" : \"{principal}\"</Detail>");
    s3(
        400,
        "MalformedPolicy",
        "Invalid principal in policy",
        &detail,
    )
}

/// KMS was given a principal that is not there (yet).
#[must_use]
pub fn malformed_key_policy() -> Reply {
    kms(
        "MalformedPolicyDocumentException",
        "Policy contains a statement with one or more invalid principals.",
    )
}

/// A call that a key does not take while its deletion is due.
#[must_use]
pub fn pending_deletion(key: &str) -> Reply {
    kms(
        "KMSInvalidStateException",
        &format!("{key} is pending deletion."),
    )
}

/// Two changes of one bucket at the same time, or a name that was given up a moment ago.
#[must_use]
pub fn operation_aborted() -> Reply {
    s3(
        409,
        "OperationAborted",
        "A conflicting conditional operation is currently in progress against this resource. \
         Please try again.",
        "",
    )
}

/// S3 asks for patience.
#[must_use]
pub fn slow_down() -> Reply {
    s3(503, "SlowDown", "Please reduce your request rate.", "")
}

/// KMS asks for patience.
#[must_use]
pub fn kms_throttling() -> Reply {
    kms(
        "ThrottlingException",
        "You have exceeded the rate at which you may call KMS. Reduce the frequency of your calls.",
    )
}

/// IAM asks for patience.
#[must_use]
pub fn iam_throttling() -> Reply {
    query(400, "Throttling", "Rate exceeded")
}

/// The bucket is in `region`, and another one was asked.
#[must_use]
pub fn permanent_redirect(bucket: &str, region: &str) -> Reply {
    let more =
        format!("<Endpoint>{bucket}.s3-{region}.amazonaws.com</Endpoint><Bucket>{bucket}</Bucket>");
    let mut reply = s3(
        301,
        "PermanentRedirect",
        "The bucket you are attempting to access must be addressed using the specified endpoint. \
         Please send all future requests to this endpoint.",
        &more,
    );
    reply
        .headers
        .push(("x-amz-bucket-region", region.to_owned()));
    reply
}

/// The request was signed for `asked`, and the bucket is in `region`.
#[must_use]
pub fn wrong_region(asked: &str, region: &str) -> Reply {
    s3(
        400,
        "AuthorizationHeaderMalformed",
        &format!(
            "The authorization header is malformed; the region '{asked}' is wrong; expecting \
             '{region}'"
        ),
        &format!("<Region>{region}</Region>"),
    )
}

/// The bucket is not there, or not known everywhere yet.
#[must_use]
pub fn no_such_bucket(bucket: &str) -> Reply {
    s3(
        404,
        "NoSuchBucket",
        "The specified bucket does not exist",
        &format!("<BucketName>{bucket}</BucketName>"),
    )
}

/// A user has the two keys that it may have.
#[must_use]
pub fn too_many_keys() -> Reply {
    query(
        409,
        "LimitExceeded",
        "Cannot exceed quota for AccessKeysPerUser: 2",
    )
}

/// S3 refuses without a word about the action.
#[must_use]
pub fn s3_denied() -> Reply {
    s3(403, "AccessDenied", "Access Denied", "")
}

/// IAM refuses, and names everything.
#[must_use]
pub fn iam_denied(caller: &str, action: &str, resource: &str) -> Reply {
    query(
        403,
        "AccessDenied",
        &format!(
            "User: {caller} is not authorized to perform: {action} on resource: {resource} because \
             no identity-based policy allows the {action} action"
        ),
    )
}

/// KMS refuses, and names everything.
#[must_use]
pub fn kms_denied(caller: &str, action: &str) -> Reply {
    kms(
        "AccessDeniedException",
        &format!(
            "User: {caller} is not authorized to perform: {action} because no identity-based \
             policy allows the {action} action"
        ),
    )
}

/// What IAM's simulator says of each call on each resource.
#[must_use]
pub fn simulated(verdicts: &[(&str, &str, bool)]) -> Reply {
    let member = |(action, resource, allowed): &(&str, &str, bool)| {
        let decision = if *allowed { "allowed" } else { "implicitDeny" };
        format!(
            "<member><EvalActionName>{action}</EvalActionName><EvalResourceName>{resource}\
             </EvalResourceName><EvalDecision>{decision}</EvalDecision><MatchedStatements/>\
             <MissingContextValues/></member>"
        )
    };
    let members: String = verdicts.iter().map(member).collect();
    Reply {
        status: 200,
        headers: vec![("content-type", "text/xml".to_owned())],
        body: format!(
            "<SimulatePrincipalPolicyResponse xmlns=\"https://iam.amazonaws.com/doc/2010-05-08/\">\
             <SimulatePrincipalPolicyResult><IsTruncated>false</IsTruncated><EvaluationResults>\
             {members}</EvaluationResults></SimulatePrincipalPolicyResult><ResponseMetadata>\
             <RequestId>{REQUEST_ID}</RequestId></ResponseMetadata></SimulatePrincipalPolicyResponse>"
        ),
    }
}
