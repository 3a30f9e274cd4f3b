//! What a refusal of Azure's means, told by its status, its code and its words.

use std::time::SystemTime;

use serde_json::Value;

use crate::byob::http::HttpResponse;
use crate::byob::{CloudError, CloudErrorKind};
use crate::clouds::retry::Failure;
use crate::clouds::web::kind_of_status;
use crate::clouds::xml;
use crate::retry_after::asked_pause;

/// A container is not there, and its account is.
pub(super) const CONTAINER_NOT_FOUND: &str = "ContainerNotFound";
/// A resource of Azure Resource Manager is not there: an account, or an identity.
pub(super) const RESOURCE_NOT_FOUND: &str = "ResourceNotFound";
/// A resource group is not there.
pub(super) const GROUP_NOT_FOUND: &str = "ResourceGroupNotFound";
/// The principal of an assignment is not known everywhere yet, or nowhere.
pub(super) const PRINCIPAL_NOT_FOUND: &str = "PrincipalNotFound";
/// A right that shows no effect on blobs (yet).
pub(super) const MISMATCH: &str = "AuthorizationPermissionMismatch";
/// A signature that is no good, or not any more.
pub(super) const AUTHENTICATION_FAILED: &str = "AuthenticationFailed";

/// What a 404 is called that does not come from the service that was asked.
const NOT_ITS_FORM: &str = "the answer has status 404 and is not in the service's own form; a proxy \
     may have answered, or another server at this address";

/// What passes by itself, although the status does not say so.
const PASSING: [&str; 9] = [
    "AnotherOperationInProgress",
    "ConcurrentFederatedIdentityCredentialsWritesForSingleManagedIdentity",
    "InternalServerError",
    "OperationNotAllowed.ConcurrentUpdate",
    "OperationTimedOut",
    "RetryableError",
    "ServerBusy",
    "StorageAccountIsNotProvisioned",
    "StorageAccountOperationInProgress",
];

/// What keeps data from being deleted.
const LOCKED: [&str; 11] = [
    "AccountProtectedFromDeletion",
    "BlobImmutableDueToLegalHold",
    "BlobImmutableDueToPolicy",
    "ContainerHasLegalHold",
    "ContainerImmutabilityPolicyFailedToDelete",
    "ContainerImmutabilityPolicyLocked",
    "ContainerProtectedFromDeletion",
    "LeaseIdMissing",
    "OperationNotAllowedOnAutomaticSnapshot",
    "ScopeLocked",
    "SnapshotsPresent",
];

/// What the words of a refusal tell.
#[derive(Debug, Default)]
struct Words {
    message: String,
    code: String,
}

impl Words {
    fn of(response: &HttpResponse) -> Self {
        let text = String::from_utf8_lossy(&response.body);
        let mut words = Self::of_body(text.trim_start_matches('\u{feff}'));
        if words.code.is_empty()
            && let Some(code) = response.headers.get("x-ms-error-code")
        {
            // The answer to a HEAD has no body.
            words.code.clone_from(code);
        }
        words
    }

    fn of_body(text: &str) -> Self {
        if let Ok(value) = serde_json::from_str::<Value>(text) {
            let error = match &value["error"] {
                Value::Object(_) => &value["error"],
                _ => &value,
            };
            let part = |name: &str| error[name].as_str().unwrap_or_default().to_owned();
            return Self {
                message: part("message"),
                code: part("code"),
            };
        }
        let Ok(root) = xml::parse(text) else {
            return Self::default();
        };
        if root.name != "Error" {
            return Self::default();
        }
        let part = |name: &str| root.child_text(name).unwrap_or_default().to_owned();
        // Ids and dates follow in lines of their own.
        let message = part("Message");
        let message = message.lines().next().unwrap_or_default();
        // What was signed follows, which says nothing to people.
        let detail = part("AuthenticationErrorDetail");
        let detail = detail.split(" String to sign").next().unwrap_or_default();
        Self {
            message: format!("{message} {detail}").trim().to_owned(),
            code: part("Code"),
        }
    }

    /// The action that was denied, and where.
    fn action(&self) -> Option<(&str, &str)> {
        let (_, rest) = self.message.split_once("perform action '")?;
        let (action, rest) = rest.split_once('\'')?;
        let scope = rest.split_once("over scope '");
        let scope = scope.and_then(|(_, rest)| rest.split_once('\''));
        Some((action, scope.map_or("", |(scope, _)| scope)))
    }
}

/// Turns a refusal of `call` about `target` into an error.
pub(super) fn failure(call: &str, target: &str, response: &HttpResponse) -> Failure {
    let words = Words::of(response);
    let (status, code) = (response.status, words.code.as_str());
    let kind = kind(status, code);
    let message = match (status, code) {
        (404, "") => NOT_ITS_FORM.to_owned(),
        _ if !words.message.trim().is_empty() => words.message.trim().to_owned(),
        (_, "") => format!("the service answered with status {status}"),
        (_, code) => code.to_owned(),
    };
    let mut error = CloudError::new(kind, call, target, message);
    error.code = (!code.is_empty()).then(|| code.to_owned());
    error.request_id = response.headers.get("x-ms-request-id").cloned();
    error.hint = advice(kind, call, target, &words);
    let throttled = kind == CloudErrorKind::Throttled;
    let passes = PASSING.contains(&code);
    let after = response.headers.get("retry-after");
    let after = after.and_then(|text| asked_pause(text, SystemTime::now()));
    Failure {
        error,
        passing: throttled || passes || matches!(status, 408 | 500 | 502 | 503 | 504),
        undone: throttled || (passes && status == 409),
        after,
    }
}

fn kind(status: u16, code: &str) -> CloudErrorKind {
    use CloudErrorKind as Kind;
    match code {
        "" if status == 404 => Kind::Unexpected,
        "StorageAccountAlreadyTaken"
        | "StorageAccountAlreadyExists"
        | "StorageAccountInAnotherResourceGroup"
        | "ContainerAlreadyExists"
        | "RoleAssignmentExists" => Kind::AlreadyExists,
        "MissingSubscriptionRegistration"
        | "RequestDisallowedByPolicy"
        | "SubscriptionNotFound"
        | "InvalidSubscriptionId"
        | "AccountIsDisabled"
        | "ReadOnlyDisabledSubscription" => Kind::Invalid,
        AUTHENTICATION_FAILED
        | "InvalidAuthenticationInfo"
        | "InvalidAuthenticationToken"
        | "ExpiredAuthenticationToken"
        | "InvalidAuthenticationTokenTenant"
        | "NoAuthenticationInformation" => Kind::Unauthenticated,
        "TooManyRequests" | "SubscriptionRequestsThrottled" | "ServerBusy" => Kind::Throttled,
        "FeatureVersioningNotSupportedForHnsAccounts"
        | "FeatureNotSupportedForAccount"
        | "VersioningNotSupportedForHnsAccounts" => Kind::NotSupported,
        code if LOCKED.contains(&code) => Kind::Conflict,
        _ => kind_of_status(status),
    }
}

/// What to do about it, where the refusal tells.
fn advice(kind: CloudErrorKind, call: &str, target: &str, words: &Words) -> Option<String> {
    let text = match words.code.as_str() {
        "MissingSubscriptionRegistration" => {
            let namespace = if call.contains("ManagedIdentity") {
                "Microsoft.ManagedIdentity"
            } else {
                "Microsoft.Storage"
            };
            format!(
                "Register the subscription for it, which takes a minute or two: az provider register \
                 --namespace {namespace}"
            )
        }
        "RequestDisallowedByPolicy" => {
            "A policy of Azure does not allow it. Change what is asked for, or have whoever \
             administers that policy make an exception."
                .to_owned()
        }
        "ScopeLocked" => {
            "A lock is in the way. Remove it (az lock delete), then try again.".to_owned()
        }
        "StorageAccountAlreadyTaken" | "StorageAccountAlreadyExists" => {
            "The names of storage accounts are shared by everybody on Azure. Choose another \
             storage_account_name."
                .to_owned()
        }
        "StorageAccountInAnotherResourceGroup" => {
            "The account is in another resource group of this subscription. Set \
             resource_group_name to it, and create_storage_account = false; or choose another name."
                .to_owned()
        }
        "KeyBasedAuthenticationNotPermitted" => {
            "The account takes no keys. Set shared_key_enabled = true, or access to another value \
             than \"access_key\"."
                .to_owned()
        }
        GROUP_NOT_FOUND => {
            "Create the resource group first (az group create), or name another one in \
             resource_group_name."
                .to_owned()
        }
        "SubscriptionNotFound" | "InvalidSubscriptionId" => {
            "Check subscription_id of the provider's azure block (ARM_SUBSCRIPTION_ID), and that \
             the caller has a role in that subscription."
                .to_owned()
        }
        _ => return general_advice(kind, call, target, words),
    };
    Some(text)
}

fn general_advice(kind: CloudErrorKind, call: &str, target: &str, words: &Words) -> Option<String> {
    match kind {
        CloudErrorKind::Denied => {
            let (action, scope) = words.action().unwrap_or((call, target));
            Some(format!(
                "Give the caller a role with the action {action} on {scope:?} or above it; a role \
                 that was given a moment ago takes minutes to have an effect."
            ))
        }
        CloudErrorKind::Unauthenticated => Some(
            "Azure does not accept these credentials, or not any more. Use other ones: client_id \
             with client_secret in the provider's azure block, use_oidc, use_msi, or az login."
                .to_owned(),
        ),
        _ => None,
    }
}

/// Whether the server said that there is no such container, for whatever reason.
pub(super) fn no_container(error: &CloudError) -> bool {
    error.kind == CloudErrorKind::NotFound
        && matches!(
            error.code.as_deref(),
            Some(CONTAINER_NOT_FOUND | RESOURCE_NOT_FOUND | GROUP_NOT_FOUND)
        )
}

/// Whether the server said that there is no such account.
pub(super) fn no_account(error: &CloudError) -> bool {
    error.kind == CloudErrorKind::NotFound
        && matches!(
            error.code.as_deref(),
            Some(RESOURCE_NOT_FOUND | GROUP_NOT_FOUND)
        )
}

/// Whether a container of that name is on its way out. Azure Resource Manager says it in words.
pub(super) fn is_being_deleted(error: &CloudError) -> bool {
    let by_words =
        has_code(error, "ContainerOperationFailure") && error.message.contains("being deleted");
    has_code(error, "ContainerBeingDeleted") || by_words
}

/// Whether an error has this code.
pub(super) fn has_code(error: &CloudError, code: &str) -> bool {
    error.code.as_deref() == Some(code)
}

/// An answer that says "done" and cannot be read.
pub(super) fn not_understood(call: &str, target: &str, why: impl std::fmt::Display) -> CloudError {
    let why = format!("an answer that is not understood: {why}");
    CloudError::new(CloudErrorKind::Unexpected, call, target, why)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn answer(status: u16, body: &str) -> HttpResponse {
        HttpResponse {
            status,
            body: body.as_bytes().to_vec(),
            ..HttpResponse::default()
        }
    }

    fn error(status: u16, body: &str) -> CloudError {
        failure(
            "Microsoft.Storage/storageAccounts/write",
            "acme",
            &answer(status, body),
        )
        .error
    }

    fn manager(code: &str, message: &str) -> String {
        format!(r#"{{"error":{{"code":"{code}","message":"{message}"}}}}"#)
    }

    #[test]
    fn codes_say_more_than_statuses() {
        use CloudErrorKind as Kind;
        for (status, code, kind) in [
            (404, "ResourceNotFound", Kind::NotFound),
            (404, "ContainerNotFound", Kind::NotFound),
            (404, "SubscriptionNotFound", Kind::Invalid),
            (403, "AuthorizationFailed", Kind::Denied),
            (403, "AuthenticationFailed", Kind::Unauthenticated),
            (401, "ExpiredAuthenticationToken", Kind::Unauthenticated),
            (409, "StorageAccountAlreadyTaken", Kind::AlreadyExists),
            (409, "MissingSubscriptionRegistration", Kind::Invalid),
            (409, "ScopeLocked", Kind::Conflict),
            (409, "ContainerBeingDeleted", Kind::Conflict),
            (409, "BlobImmutableDueToPolicy", Kind::Conflict),
            (429, "TooManyRequests", Kind::Throttled),
            (400, "InvalidXmlDocument", Kind::Invalid),
        ] {
            assert_eq!(error(status, &manager(code, "")).kind, kind, "{code}");
        }
    }

    #[test]
    fn a_404_that_is_a_page_says_nothing_about_containers() {
        for body in ["", "<html>Not Found</html>", "404", "{}"] {
            let error = error(404, body);
            assert_eq!(error.kind, CloudErrorKind::Unexpected, "{body}");
            assert!(!no_container(&error));
        }
    }

    #[test]
    fn the_missing_action_is_named() {
        let told = manager(
            "AuthorizationFailed",
            "The client 'c' with object id 'o' does not have authorization to perform action \
             'Microsoft.Storage/storageAccounts/read' over scope '/subscriptions/s/resourceGroups/g' \
             or the scope is invalid.",
        );
        let hint = error(403, &told).hint.unwrap_or_default();
        assert!(
            hint.contains("action Microsoft.Storage/storageAccounts/read on \"/subscriptions/s/"),
            "{hint}"
        );
    }

    #[test]
    fn what_helps_is_said() {
        for (code, words) in [
            (
                "MissingSubscriptionRegistration",
                "az provider register --namespace Microsoft.Storage",
            ),
            ("ScopeLocked", "az lock delete"),
            ("StorageAccountAlreadyTaken", "storage_account_name"),
        ] {
            let hint = error(409, &manager(code, "no")).hint.unwrap_or_default();
            assert!(hint.contains(words), "{hint}");
        }
    }

    #[test]
    fn what_passes_by_itself_is_asked_again() {
        for (status, code, passing) in [
            (409, "StorageAccountOperationInProgress", true),
            (
                409,
                "ConcurrentFederatedIdentityCredentialsWritesForSingleManagedIdentity",
                true,
            ),
            (409, "StorageAccountAlreadyTaken", false),
            (429, "TooManyRequests", true),
            (503, "", true),
            (403, "AuthorizationFailed", false),
        ] {
            let failed = failure("call", "acme", &answer(status, &manager(code, "")));
            assert_eq!(failed.passing, passing, "{code}");
        }
    }

    #[test]
    fn blobs_answer_in_xml_and_in_headers() {
        let body = "\u{feff}<?xml version=\"1.0\" encoding=\"utf-8\"?><Error><Code>ContainerNotFound</Code>\
            <Message>The specified container does not exist.\nRequestId:1\nTime:2</Message></Error>";
        let error = error(404, body);
        assert!(no_container(&error));
        assert_eq!(error.message, "The specified container does not exist.");
        let mut head = answer(404, "");
        head.headers
            .insert("x-ms-error-code".to_owned(), "ContainerNotFound".to_owned());
        assert!(no_container(&failure("call", "acme", &head).error));
    }
}
