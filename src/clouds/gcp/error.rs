//! What a refusal of Google's means, told by its status, its reason and its words.

use std::time::SystemTime;

use serde_json::Value;

use crate::byob::http::HttpResponse;
use crate::byob::{CloudError, CloudErrorKind};
use crate::clouds::retry::Failure;
use crate::clouds::web::kind_of_status;
use crate::clouds::xml;
use crate::retry_after::asked_pause;

/// The code of an answer that there is no such thing, in Cloud Storage's JSON.
pub(super) const NOT_FOUND: &str = "notFound";

/// The call that makes a bucket.
pub(super) const CREATE_BUCKET: &str = "storage.buckets.create";
/// The call that makes a service account.
pub(super) const CREATE_ACCOUNT: &str = "iam.serviceAccounts.create";

/// What a 404 is called that does not come from the service that was asked.
const NOT_ITS_FORM: &str = "the answer has status 404 and is not in the service's own form; a proxy \
     may have answered, or another server at this address";

/// What the words of a refusal tell, in whichever of Google's three forms they came.
#[derive(Debug, Default)]
struct Words {
    message: String,
    /// Cloud Storage's reason, the newer services' status, or XML's code.
    code: Option<String>,
    /// The permission that was missing, where the details name it.
    permission: Option<String>,
    /// The rule of an organization, where the details name it.
    constraint: Option<String>,
}

impl Words {
    fn of(body: &[u8]) -> Self {
        let text = String::from_utf8_lossy(body);
        if let Ok(value) = serde_json::from_str::<Value>(&text) {
            return Self::of_json(&value["error"]);
        }
        let Ok(root) = xml::parse(&text) else {
            return Self::default();
        };
        if root.name != "Error" {
            return Self::default();
        }
        let part = |name: &str| root.child_text(name).map(str::to_owned);
        let details = part("Details").map(|details| format!(" {details}"));
        Self {
            message: part("Message").unwrap_or_default() + &details.unwrap_or_default(),
            code: part("Code"),
            ..Self::default()
        }
    }

    fn of_json(error: &Value) -> Self {
        let text = |value: &Value| value.as_str().map(str::to_owned);
        let details = error["details"].as_array();
        let details = || details.into_iter().flatten();
        let violations = details()
            .filter_map(|detail| detail["violations"].as_array())
            .flatten();
        Self {
            message: text(&error["message"]).unwrap_or_default(),
            code: text(&error["errors"][0]["reason"]).or_else(|| text(&error["status"])),
            permission: details().find_map(|detail| text(&detail["metadata"]["permission"])),
            constraint: violations
                .filter_map(|one| text(&one["type"]))
                .find(|name| name.starts_with("constraints/")),
        }
    }

    /// The permission that was missing; Cloud Storage says so in a sentence.
    fn permission(&self) -> Option<String> {
        let named = || {
            let (_, rest) = self.message.split_once("Permission '")?;
            rest.split_once('\'').map(|(name, _)| name.to_owned())
        };
        let told = || {
            let (_, rest) = self.message.split_once("does not have ")?;
            let (name, _) = rest.split_once(" access")?;
            let is_one = name.contains('.') && !name.contains(' ');
            is_one.then(|| name.to_owned())
        };
        self.permission.clone().or_else(named).or_else(told)
    }

    /// The rule of an organization that was violated. Some refusals do not name it.
    fn constraint(&self) -> Option<String> {
        if let Some(named) = &self.constraint {
            return Some(named.clone());
        }
        if let Some((_, rest)) = self.message.split_once("constraints/") {
            let end = rest.find(|c: char| !c.is_ascii_alphanumeric() && c != '.');
            return Some(format!(
                "constraints/{}",
                &rest[..end.unwrap_or(rest.len())]
            ));
        }
        let unnamed = [
            (
                "permitted customer",
                "constraints/iam.allowedPolicyMemberDomains",
            ),
            (
                "Key creation is not allowed",
                "constraints/iam.disableServiceAccountKeyCreation",
            ),
            (
                "Service account creation is not allowed",
                "constraints/iam.disableServiceAccountCreation",
            ),
        ];
        let found = unnamed
            .iter()
            .find(|(words, _)| self.message.contains(words));
        found.map(|(_, name)| (*name).to_owned())
    }
}

/// Turns a refusal of `call` about `target` into an error.
pub(super) fn failure(call: &str, target: &str, response: &HttpResponse) -> Failure {
    let words = Words::of(&response.body);
    let (status, code) = (response.status, words.code.clone().unwrap_or_default());
    let kind = kind(call, status, &code, &words);
    let message = match (status, code.as_str()) {
        (404, "") => NOT_ITS_FORM.to_owned(),
        _ if !words.message.trim().is_empty() => words.message.trim().to_owned(),
        (_, "") => format!("the service answered with status {status}"),
        (_, code) => code.to_owned(),
    };
    let mut error = CloudError::new(kind, call, target, message);
    error.code = words.code.clone().filter(|code| !code.is_empty());
    error.request_id = response.headers.get("x-guploader-uploadid").cloned();
    error.hint = advice(kind, call, target, &words);
    let throttled = kind == CloudErrorKind::Throttled;
    let after = response.headers.get("retry-after");
    let after = after.and_then(|text| asked_pause(text, SystemTime::now()));
    Failure {
        error,
        passing: throttled || matches!(status, 408 | 500 | 502 | 503 | 504),
        undone: throttled,
        after,
    }
}

fn kind(call: &str, status: u16, code: &str, words: &Words) -> CloudErrorKind {
    use CloudErrorKind as Kind;
    match (status, code) {
        (404, "") => Kind::Unexpected,
        (403, "rateLimitExceeded" | "userRateLimitExceeded") => Kind::Throttled,
        (403, "retentionPolicyNotMet" | "RetentionPolicyNotMet" | "ObjectUnderActiveHold") => {
            Kind::Conflict
        }
        (403, _) if words.message.contains("active hold") => Kind::Conflict,
        (409, _) if [CREATE_BUCKET, CREATE_ACCOUNT].contains(&call) => Kind::AlreadyExists,
        // An account that holds as many keys as it may: no pause helps.
        (429, _) if words.message.contains("number of keys") => Kind::Conflict,
        // Somebody above the project does not allow it.
        (400 | 412, _) if words.constraint().is_some() => Kind::Invalid,
        (412, _) if !is_precondition(code) => Kind::Invalid,
        (400, "FAILED_PRECONDITION") => Kind::Conflict,
        // XML's word for credentials that are no good.
        (_, "AuthenticationRequired") => Kind::Unauthenticated,
        _ => kind_of_status(status),
    }
}

fn is_precondition(code: &str) -> bool {
    matches!(code, "conditionNotMet" | "PreconditionFailed" | "")
}

/// What to do about it, where the refusal tells.
fn advice(kind: CloudErrorKind, call: &str, target: &str, words: &Words) -> Option<String> {
    if let Some(constraint) = words.constraint() {
        return Some(format!(
            "The organization's policy {constraint} does not allow it. Change what is asked for, or \
             have whoever administers that policy make an exception for the project."
        ));
    }
    match kind {
        CloudErrorKind::Denied => {
            let permission = words.permission().unwrap_or_else(|| call.to_owned());
            Some(format!(
                "Give the caller a role with the permission {permission} on {target:?} or on its \
                 project; a deny policy or a rule of the organization may be in the way as well."
            ))
        }
        CloudErrorKind::Unauthenticated => Some(
            "Google Cloud does not accept these credentials, or not any more. Use other ones: \
             credentials or access_token in the provider's gcp block, GOOGLE_CREDENTIALS, \
             GOOGLE_APPLICATION_CREDENTIALS, GOOGLE_OAUTH_ACCESS_TOKEN, or gcloud auth \
             application-default login."
                .to_owned(),
        ),
        CloudErrorKind::AlreadyExists if call == CREATE_BUCKET => Some(
            "The names of buckets are shared by everybody on Google Cloud. If the bucket is \
             another project's, choose another name."
                .to_owned(),
        ),
        _ => None,
    }
}

/// Whether the server said that there is no such bucket.
pub(super) fn no_bucket(error: &CloudError) -> bool {
    error.kind == CloudErrorKind::NotFound
        && matches!(error.code.as_deref(), Some(NOT_FOUND | "NoSuchBucket"))
}

/// Whether something was changed by somebody else between our look and our write.
pub(super) fn was_outrun(error: &CloudError) -> bool {
    error.kind == CloudErrorKind::Conflict
        && matches!(
            error.code.as_deref(),
            Some(
                "conditionNotMet"
                    | "PreconditionFailed"
                    | "conflict"
                    | "ABORTED"
                    | "ALREADY_EXISTS"
            )
        )
}

/// An answer that says "done" and cannot be read.
pub(super) fn not_understood(call: &str, target: &str, why: impl std::fmt::Display) -> CloudError {
    let why = format!("an answer that is not understood: {why}");
    CloudError::new(CloudErrorKind::Unexpected, call, target, why)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn error(call: &str, status: u16, body: &str) -> CloudError {
        let response = HttpResponse {
            status,
            body: body.as_bytes().to_vec(),
            ..HttpResponse::default()
        };
        failure(call, "acme", &response).error
    }

    fn storage(reason: &str, message: &str) -> String {
        format!(
            r#"{{"error":{{"message":"{message}","errors":[{{"reason":"{reason}","domain":"global"}}]}}}}"#
        )
    }

    #[test]
    fn reasons_say_more_than_statuses() {
        use CloudErrorKind as Kind;
        let violated = "Request violates constraint 'constraints/storage.publicAccessPrevention'";
        for (call, status, reason, message, kind) in [
            ("storage.buckets.get", 404, "notFound", "", Kind::NotFound),
            ("storage.buckets.get", 403, "forbidden", "", Kind::Denied),
            (
                "storage.buckets.get",
                403,
                "rateLimitExceeded",
                "",
                Kind::Throttled,
            ),
            (
                "storage.buckets.get",
                429,
                "rateLimitExceeded",
                "",
                Kind::Throttled,
            ),
            (CREATE_BUCKET, 409, "conflict", "", Kind::AlreadyExists),
            (
                "storage.buckets.delete",
                409,
                "conflict",
                "",
                Kind::Conflict,
            ),
            (
                "storage.buckets.update",
                412,
                "conditionNotMet",
                "",
                Kind::Conflict,
            ),
            (
                CREATE_BUCKET,
                412,
                "conditionNotMet",
                violated,
                Kind::Invalid,
            ),
            (
                "storage.objects.delete",
                403,
                "retentionPolicyNotMet",
                "",
                Kind::Conflict,
            ),
            (
                "storage.buckets.get",
                401,
                "authError",
                "",
                Kind::Unauthenticated,
            ),
        ] {
            let error = error(call, status, &storage(reason, message));
            assert_eq!(error.kind, kind, "{call} {status} {reason}");
        }
    }

    #[test]
    fn a_404_that_is_a_page_says_nothing_about_buckets() {
        for body in ["", "<html>Not Found</html>", "404", "{}"] {
            let error = error("storage.buckets.get", 404, body);
            assert_eq!(error.kind, CloudErrorKind::Unexpected, "{body}");
        }
    }

    #[test]
    fn the_missing_permission_is_named() {
        let told = storage(
            "forbidden",
            "jane@example.com does not have storage.buckets.get access to the Google Cloud Storage bucket.",
        );
        let hint = error("x", 403, &told).hint.unwrap_or_default();
        assert!(hint.contains("permission storage.buckets.get on"), "{hint}");
        let detailed = r#"{"error":{"message":"no","status":"PERMISSION_DENIED","details":[
            {"metadata":{"permission":"iam.serviceAccounts.create"}}]}}"#;
        let hint = error("x", 403, detailed).hint.unwrap_or_default();
        assert!(hint.contains("iam.serviceAccounts.create"), "{hint}");
    }

    #[test]
    fn the_rule_of_an_organization_is_named() {
        let unnamed = storage(
            "conditionNotMet",
            "One or more users named in the policy do not belong to a permitted customer.",
        );
        let detailed = r#"{"error":{"message":"no","status":"FAILED_PRECONDITION","details":[
            {"violations":[{"type":"constraints/iam.disableServiceAccountKeyCreation"}]}]}}"#;
        for (status, body, name) in [
            (
                412,
                unnamed.as_str(),
                "constraints/iam.allowedPolicyMemberDomains",
            ),
            (
                400,
                detailed,
                "constraints/iam.disableServiceAccountKeyCreation",
            ),
        ] {
            let error = error("storage.buckets.setIamPolicy", status, body);
            assert_eq!(error.kind, CloudErrorKind::Invalid);
            let hint = error.hint.unwrap_or_default();
            assert!(hint.contains(name), "{hint}");
        }
    }

    #[test]
    fn xml_is_read_as_well() {
        let body =
            "<?xml version='1.0'?><Error><Code>NoSuchBucket</Code><Message>No.</Message></Error>";
        let error = error("storage.multipartUploads.list", 404, body);
        assert!(no_bucket(&error));
        assert_eq!(error.message, "No.");
    }
}
