//! Refusals, and the three forms that Google gives them: Cloud Storage's JSON, the JSON of
//! the newer services, and XML.

use serde_json::{Value, json};

use super::request::Answer;

/// Why a request was refused; each form has its own word for it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    /// No credentials where some are needed.
    Anonymous,
    /// Credentials that are no good, or no longer.
    BadCredentials,
    BadRequest,
    ConditionNotMet,
    Conflict,
    Forbidden,
    Held,
    Internal,
    Invalid,
    NotFound,
    NoSuchBucket,
    NoSuchObject,
    NotImplemented,
    NotModified,
    ParseError,
    RateLimit,
    Required,
    Retained,
    ScopeTooSmall,
    Unavailable,
    /// A project to be billed is missing, not there or not the caller's.
    Billing,
}

impl Kind {
    fn reason(self) -> &'static str {
        match self {
            Self::Anonymous | Self::Required | Self::Billing => "required",
            Self::BadCredentials => "authError",
            Self::BadRequest => "badRequest",
            Self::ConditionNotMet => "conditionNotMet",
            Self::Conflict => "conflict",
            Self::Forbidden | Self::Held => "forbidden",
            Self::Internal | Self::Unavailable => "backendError",
            Self::Invalid => "invalid",
            Self::NotFound | Self::NoSuchBucket | Self::NoSuchObject => "notFound",
            Self::NotImplemented => "notImplemented",
            Self::NotModified => "notModified",
            Self::ParseError => "parseError",
            Self::RateLimit => "rateLimitExceeded",
            Self::Retained => "retentionPolicyNotMet",
            Self::ScopeTooSmall => "insufficientPermissions",
        }
    }

    /// XML's code and its general words; the particular ones are the details.
    fn xml(self) -> (&'static str, &'static str) {
        match self {
            Self::Anonymous | Self::Forbidden | Self::ScopeTooSmall => {
                ("AccessDenied", "Access denied.")
            }
            Self::BadCredentials => ("AuthenticationRequired", "Authentication required."),
            Self::BadRequest | Self::Invalid | Self::ParseError | Self::Required => {
                ("InvalidArgument", "Invalid argument.")
            }
            Self::Billing => ("UserProjectMissing", "User project is missing."),
            Self::ConditionNotMet => (
                "PreconditionFailed",
                "At least one of the pre-conditions you specified did not hold.",
            ),
            Self::Conflict => ("OperationAborted", "Conflict."),
            Self::Held => (
                "ObjectUnderActiveHold",
                "Object overwrite or deletion is not allowed due to active hold on the object.",
            ),
            Self::Internal => (
                "InternalError",
                "We encountered an internal error. Please try again.",
            ),
            Self::NoSuchBucket => ("NoSuchBucket", "The specified bucket does not exist."),
            Self::NotFound | Self::NoSuchObject => {
                ("NoSuchKey", "The specified key does not exist.")
            }
            Self::NotImplemented => ("NotImplemented", "This is not simulated."),
            Self::NotModified => ("NotModified", "Not modified."),
            Self::RateLimit => ("SlowDown", "Please reduce your request rate."),
            Self::Retained => (
                "RetentionPolicyNotMet",
                "Object overwrite or deletion is not allowed due to retention policy.",
            ),
            Self::Unavailable => ("ServiceUnavailable", "Service unavailable."),
        }
    }
}

/// A refusal.
#[derive(Clone, Debug)]
pub(crate) struct Refusal {
    pub(crate) status: u16,
    pub(crate) kind: Kind,
    pub(crate) message: String,
    location: Option<(&'static str, String)>,
    /// The permission that was missing, for services that put it into the details.
    permission: Option<String>,
    /// The newer services' word, where the status alone does not tell it.
    canonical: Option<&'static str>,
    /// The rule of the organization that was violated, and by what.
    violation: Option<(&'static str, String)>,
    /// XML's own code and words, where the kind does not tell them.
    xml: Option<(&'static str, &'static str)>,
    /// Further elements of an XML answer.
    elements: String,
}

impl Refusal {
    pub(crate) fn new(status: u16, kind: Kind, message: impl Into<String>) -> Self {
        Self {
            status,
            kind,
            message: message.into(),
            location: None,
            permission: None,
            canonical: None,
            violation: None,
            xml: None,
            elements: String::new(),
        }
    }

    /// A value that is not allowed.
    pub(crate) fn invalid(message: impl Into<String>) -> Self {
        Self::new(400, Kind::Invalid, message)
    }

    pub(crate) fn parse_error() -> Self {
        Self::new(400, Kind::ParseError, "Parse Error")
    }

    pub(crate) fn forbidden(message: impl Into<String>) -> Self {
        Self::new(403, Kind::Forbidden, message)
    }

    pub(crate) fn not_found(message: impl Into<String>) -> Self {
        Self::new(404, Kind::NotFound, message)
    }

    pub(crate) fn no_such_bucket() -> Self {
        Self::new(
            404,
            Kind::NoSuchBucket,
            "The specified bucket does not exist.",
        )
    }

    pub(crate) fn no_such_object(bucket: &str, name: &str) -> Self {
        let message = format!("No such object: {bucket}/{name}");
        Self::new(404, Kind::NoSuchObject, message)
    }

    pub(crate) fn condition_not_met() -> Self {
        Self::new(
            412,
            Kind::ConditionNotMet,
            "At least one of the pre-conditions you specified did not hold.",
        )
        .at("header", "If-Match")
    }

    pub(crate) fn not_modified() -> Self {
        Self::new(304, Kind::NotModified, "")
    }

    /// A rule of the organization: a condition that does not hold, to Cloud Storage.
    pub(crate) fn constraint(message: impl Into<String>) -> Self {
        Self::new(412, Kind::ConditionNotMet, message)
    }

    /// Something that the real service has and this one has not.
    pub(crate) fn not_simulated(what: &str) -> Self {
        let message = format!("{what} is not simulated");
        Self::new(501, Kind::NotImplemented, message)
    }

    pub(crate) fn at(mut self, kind: &'static str, place: impl Into<String>) -> Self {
        self.location = Some((kind, place.into()));
        self
    }

    pub(crate) fn lacking(mut self, permission: &str) -> Self {
        self.permission = Some(permission.to_owned());
        self
    }

    /// Names the rule of the organization in the details, as the newer services do.
    pub(crate) fn constrained(mut self, rule: &'static str, subject: &str) -> Self {
        self.violation = Some((rule, subject.to_owned()));
        self
    }

    pub(crate) fn canonical(mut self, word: &'static str) -> Self {
        self.canonical = Some(word);
        self
    }

    /// XML's code and general words.
    pub(crate) fn coded(mut self, code: &'static str, words: &'static str) -> Self {
        self.xml = Some((code, words));
        self
    }

    pub(crate) fn element(mut self, name: &str, value: &str) -> Self {
        self.elements += &format!("<{name}>{}</{name}>", escape(value));
        self
    }

    /// Cloud Storage's JSON.
    pub(crate) fn into_storage_json(self) -> Answer {
        if self.status == 304 {
            return Answer::empty(304);
        }
        let domain = match self.kind {
            Kind::RateLimit => "usageLimits",
            _ => "global",
        };
        let mut error = json!({
            "message": self.message,
            "domain": domain,
            "reason": self.kind.reason(),
        });
        let location = match self.kind {
            Kind::Anonymous | Kind::BadCredentials => Some(("header", "Authorization".to_owned())),
            _ => self.location,
        };
        if let Some((kind, place)) = location {
            error["locationType"] = json!(kind);
            error["location"] = json!(place);
        }
        let body = json!({"error": {
            "code": self.status,
            "message": self.message,
            "errors": [error],
        }});
        challenged(self.status, Answer::json(self.status, &body))
    }

    /// The form of IAM, Cloud KMS and Resource Manager.
    pub(crate) fn into_google_json(self) -> Answer {
        let word = self.canonical.unwrap_or(match self.status {
            400 => "INVALID_ARGUMENT",
            401 => "UNAUTHENTICATED",
            403 => "PERMISSION_DENIED",
            404 => "NOT_FOUND",
            409 => "ALREADY_EXISTS",
            429 => "RESOURCE_EXHAUSTED",
            501 => "UNIMPLEMENTED",
            503 => "UNAVAILABLE",
            _ => "INTERNAL",
        });
        let mut body = json!({"error": {
            "code": self.status,
            "message": self.message,
            "status": word,
        }});
        if let Some(permission) = self.permission {
            body["error"]["details"] = json!([{
                "@type": "type.googleapis.com/google.rpc.ErrorInfo",
                "reason": "IAM_PERMISSION_DENIED",
                "domain": "iam.googleapis.com",
                "metadata": {"permission": permission},
            }]);
        }
        if let Some((rule, subject)) = self.violation {
            body["error"]["details"] = json!([{
                "@type": "type.googleapis.com/google.rpc.PreconditionFailure",
                "violations": [{
                    "type": rule,
                    "subject": subject,
                    "description": self.message,
                }],
            }]);
        }
        challenged(self.status, Answer::json(self.status, &body))
    }

    /// The form of the XML interface.
    pub(crate) fn into_xml(self) -> Answer {
        // It has no 401 for strangers: what they may not do is denied.
        let status = if self.kind == Kind::Anonymous {
            403
        } else {
            self.status
        };
        if status == 304 {
            return Answer::empty(304);
        }
        let (code, words) = self.xml.unwrap_or(self.kind.xml());
        let details = if self.message.is_empty() || self.message == words {
            String::new()
        } else {
            format!("<Details>{}</Details>", escape(&self.message))
        };
        let elements = self.elements;
        Answer::xml(
            status,
            &format!(
                "<Error><Code>{code}</Code><Message>{words}</Message>{details}{elements}</Error>"
            ),
        )
    }
}

fn challenged(status: u16, answer: Answer) -> Answer {
    if status == 401 {
        answer.with(
            "WWW-Authenticate",
            "Bearer realm=\"https://accounts.google.com/\", error=\"invalid_token\"",
        )
    } else {
        answer
    }
}

/// Text as it stands in XML.
pub(crate) fn escape(text: &str) -> String {
    text.replace('&', "&amp;")
        .replace('<', "&lt;")
        .replace('>', "&gt;")
}

/// What a fault answers in Cloud Storage's words, or the newer services'.
pub(crate) fn injected(status: u16, message: Option<&str>) -> Refusal {
    let (kind, words) = match status {
        400 => (Kind::BadRequest, "Bad Request"),
        401 => (Kind::BadCredentials, "Invalid Credentials"),
        403 => (Kind::Forbidden, "Forbidden"),
        404 => (Kind::NotFound, "Not Found"),
        409 => (Kind::Conflict, "Conflict"),
        412 => (
            Kind::ConditionNotMet,
            "At least one of the pre-conditions you specified did not hold.",
        ),
        429 => (
            Kind::RateLimit,
            "The object exceeded the rate limit for object mutation operations (create, update, \
             and delete). Please reduce your request rate.",
        ),
        503 => (
            Kind::Unavailable,
            "We encountered an internal error. Please try again.",
        ),
        _ => (Kind::Internal, "Backend Error"),
    };
    Refusal::new(status, kind, message.unwrap_or(words))
}

/// A list of words for a JSON answer.
pub(crate) fn words(list: &[String]) -> Value {
    list.iter().map(String::as_str).collect()
}
