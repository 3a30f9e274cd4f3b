//! Refusals of the management side: a code, words and a status.

use serde_json::{Value, json};

use super::request::Answer;

/// A refusal.
#[derive(Clone, Debug)]
pub(crate) struct Refusal {
    pub(crate) status: u16,
    pub(crate) code: String,
    pub(crate) message: String,
    pub(crate) target: Option<String>,
    headers: Vec<(String, String)>,
}

/// What a call comes to.
pub(crate) type Outcome = Result<Answer, Refusal>;

impl Refusal {
    pub(crate) fn new(status: u16, code: &str, message: impl Into<String>) -> Self {
        Self {
            status,
            code: code.to_owned(),
            message: message.into(),
            target: None,
            headers: Vec::new(),
        }
    }

    pub(crate) fn bad(code: &str, message: impl Into<String>) -> Self {
        Self::new(400, code, message)
    }

    pub(crate) fn conflict(code: &str, message: impl Into<String>) -> Self {
        Self::new(409, code, message)
    }

    /// The body is no JSON object, or not of the form that is wanted.
    pub(crate) fn content(why: &str) -> Self {
        let message =
            format!("The request content was invalid and could not be deserialized: '{why}'.");
        Self::bad("InvalidRequestContent", message)
    }

    /// Values that Storage does not take.
    pub(crate) fn values(names: &str) -> Self {
        let message = format!("Values for request parameters are invalid: {names}.");
        Self::bad("InvalidValuesForRequestParameters", message)
    }

    /// A value that Storage does not take for a property.
    pub(crate) fn value(property: &str, value: &Value) -> Self {
        let value = value
            .as_str()
            .map_or_else(|| value.to_string(), str::to_owned);
        let message = format!(
            "The value '{value}' is not allowed for property {property}. For more information, \
             see - https://aka.ms/storageaccountupdate"
        );
        Self::bad("InvalidRequestPropertyValue", message)
    }

    pub(crate) fn resource_not_found(kind: &str, name: &str, group: &str) -> Self {
        let message = format!(
            "The Resource '{kind}/{name}' under resource group '{group}' was not found. For more \
             details please go to https://aka.ms/ARMResourceNotFoundFix"
        );
        Self::new(404, "ResourceNotFound", message)
    }

    pub(crate) fn at(mut self, target: &str) -> Self {
        self.target = Some(target.to_owned());
        self
    }

    pub(crate) fn with(mut self, name: &str, value: impl Into<String>) -> Self {
        self.headers.push((name.to_owned(), value.into()));
        self
    }

    pub(crate) fn into_answer(self) -> Answer {
        let mut error = json!({"code": self.code, "message": self.message});
        if let Some(target) = self.target {
            error["target"] = target.into();
        }
        let mut answer = Answer::json(self.status, &json!({"error": error}));
        answer.headers.extend(self.headers);
        answer
    }
}

/// What a fault is told as.
pub(crate) fn injected(status: u16, message: Option<&str>) -> Refusal {
    let (code, words) = match status {
        401 => ("InvalidAuthenticationToken", "The access token is invalid."),
        403 => (
            "AuthorizationFailed",
            "The client does not have authorization.",
        ),
        404 => ("ResourceNotFound", "The resource was not found."),
        409 => (
            "AnotherOperationInProgress",
            "Another operation on this or dependent resource is in progress.",
        ),
        429 => ("TooManyRequests", "The request is being throttled."),
        503 => ("ServerBusy", "The server is busy."),
        _ => ("InternalServerError", "Encountered internal server error."),
    };
    Refusal::new(status, code, message.unwrap_or(words))
}
