//! What to do about Amazon's refusals, where their codes tell more than that they are
//! refusals.

use crate::byob::CloudError;

/// The advice for an error, if there is a particular one.
pub(super) fn advice(error: &CloudError) -> Option<&'static str> {
    Some(match error.code.as_deref()? {
        _ if names_no_principal(error) => {
            "AWS refuses principals that do not exist. Check wandb_principal_arns and \
             kms_admin_arns; a role or user that was made a moment ago may need a minute, then \
             apply again."
        }
        "OperationAborted" => {
            "Another change of this bucket is under way, or a bucket of this name was deleted a \
             short while ago: AWS keeps the name back for up to an hour then. Apply again later."
        }
        "LimitExceeded" if error.call == "iam:CreateAccessKey" => {
            "AWS allows a user two access keys. Remove one of them that nobody uses, then apply \
             again."
        }
        "LimitExceeded" | "LimitExceededException" | "TooManyBuckets" => {
            "A quota of the account is used up. Remove what nobody needs, or ask AWS for a higher \
             one, then apply again."
        }
        "KMSInvalidStateException" => {
            "Cancel the key's deletion and enable it, or name another key in kms_key_arn; then \
             apply again."
        }
        "DisabledException" => "Enable the key, or name another one in kms_key_arn.",
        "ExpiredToken" | "ExpiredTokenException" => {
            "The caller's credentials have expired: sign in again, then run again."
        }
        _ => return None,
    })
}

/// The action that a refusal names, which need not be that of the call: making a bucket with
/// tags takes two.
pub(super) fn missing_action(error: &CloudError) -> Option<String> {
    let (_, rest) = error.message.split_once("not authorized to perform: ")?;
    let end = rest.find(|c: char| !c.is_ascii_alphanumeric() && c != ':' && c != '*');
    let action = &rest[..end.unwrap_or(rest.len())];
    action.contains(':').then(|| action.to_owned())
}

/// Whether a document was refused for a principal that is not there, or not known
/// everywhere yet.
pub(super) fn names_no_principal(error: &CloudError) -> bool {
    matches!(
        error.code.as_deref(),
        Some("MalformedPolicy" | "MalformedPolicyDocumentException")
    ) && error.message.contains("principal")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::byob::CloudErrorKind;

    #[test]
    fn a_refusal_names_the_missing_action() {
        let error = |message: &str| {
            CloudError::new(CloudErrorKind::Denied, "s3:CreateBucket", "b", message)
        };
        let words = "User: arn:aws:iam::123456789012:user/jane is not authorized to perform: \
                     s3:TagResource on resource: \"arn:aws:s3:::b\" because no identity-based \
                     policy allows the s3:TagResource action";
        let action = missing_action(&error(words));
        assert_eq!(action.as_deref(), Some("s3:TagResource"));
        assert_eq!(missing_action(&error("Access Denied")), None);
    }
}
