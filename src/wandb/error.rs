//! How a call to a W&B instance can fail.

use reqwest::StatusCode;

/// What a caller can act on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum WandbErrorKind {
    /// The key is wrong, or of a kind that the interface does not take.
    Unauthenticated,
    /// The key is known and may not do this.
    Denied,
    /// The thing is not there, in the interface's own words. A proxy's page is none.
    NotFound,
    /// A thing of that name is there already.
    Conflict,
    /// The instance understood and refuses the value.
    Invalid,
    /// Too many requests, and patience ran out.
    Throttled,
    /// The instance is too old to know this.
    NotSupported,
    /// No usable answer: the request may or may not have been carried out.
    Transport,
    /// Terraform asked to stop, or the operation's timeout passed.
    Stopped,
    /// Anything else.
    Unexpected,
}

/// A call to a W&B instance that did not succeed.
#[derive(Clone, Debug, thiserror::Error)]
#[error("{call}: {message}")]
pub struct WandbError {
    /// What a caller can act on.
    pub kind: WandbErrorKind,
    /// The call, for example `POST /scim/Groups` or `GraphQL testBucketStoreConnection`.
    pub call: String,
    /// Why, in the instance's words where it had any. Holds no secret.
    pub message: String,
    /// The instance's id for the request, where it gave one.
    pub request_id: Option<String>,
    /// What to do about it.
    pub hint: Option<String>,
    /// The instance has certainly not carried the request out: it was never sent, or the
    /// instance itself refused it.
    pub undone: bool,
}

impl WandbError {
    /// An error of `kind` in `call`, for the reason given.
    pub fn new(kind: WandbErrorKind, call: &str, message: impl Into<String>) -> Self {
        Self {
            kind,
            call: call.to_owned(),
            message: message.into(),
            request_id: None,
            hint: hint(kind).map(str::to_owned),
            undone: false,
        }
    }

    /// The same of a request that was certainly not carried out.
    #[must_use]
    pub fn undone(self) -> Self {
        Self {
            undone: true,
            ..self
        }
    }

    /// The same for an answer that the instance did not give itself: whatever its status
    /// says, it is neither a refusal nor a proof of anything.
    #[must_use]
    pub fn of_a_stranger(mut self) -> Self {
        let is_told = matches!(
            self.kind,
            WandbErrorKind::Unauthenticated | WandbErrorKind::Denied | WandbErrorKind::Throttled
        );
        if !is_told {
            self.kind = WandbErrorKind::Transport;
            self.hint = hint(self.kind).map(str::to_owned);
        }
        let hint = self.hint.take().map(|hint| format!("{hint} "));
        self.hint = Some(format!(
            "{}The answer is not W&B's own, so check base_url (WANDB_BASE_URL) as well.",
            hint.unwrap_or_default()
        ));
        self
    }

    /// The error for an answer with a status that is no success.
    pub fn of_status(status: StatusCode, call: &str, words: &str) -> Self {
        let kind = match status.as_u16() {
            401 => WandbErrorKind::Unauthenticated,
            403 => WandbErrorKind::Denied,
            404 => WandbErrorKind::NotFound,
            409 => WandbErrorKind::Conflict,
            429 => WandbErrorKind::Throttled,
            400 | 422 => WandbErrorKind::Invalid,
            501 => WandbErrorKind::NotSupported,
            502..=504 => WandbErrorKind::Transport,
            _ => WandbErrorKind::Unexpected,
        };
        let words = if words.is_empty() {
            "no explanation"
        } else {
            words
        };
        Self::new(kind, call, format!("{status}: {words}"))
    }
}

fn hint(kind: WandbErrorKind) -> Option<&'static str> {
    match kind {
        WandbErrorKind::Unauthenticated => Some(
            "Check api_key (WANDB_API_KEY) and base_url (WANDB_BASE_URL) of the provider. \
             Instances older than 0.79 know no bearer tokens: set username as well.",
        ),
        WandbErrorKind::Denied => Some(
            "Use the key of an instance admin, an organization admin or an organization's \
             service account; a team's service account may not do this.",
        ),
        WandbErrorKind::NotFound => Some(
            "Check base_url (WANDB_BASE_URL) of the provider: it is the address of the instance, \
             without /graphql or /scim.",
        ),
        WandbErrorKind::Throttled => {
            Some("Run again later, with fewer operations at once (-parallelism).")
        }
        WandbErrorKind::NotSupported => {
            Some("The instance is too old for this; W&B's release notes name the version.")
        }
        WandbErrorKind::Transport => {
            Some("Check base_url, proxies and ca_bundle, and whether the instance is up.")
        }
        WandbErrorKind::Conflict
        | WandbErrorKind::Invalid
        | WandbErrorKind::Stopped
        | WandbErrorKind::Unexpected => None,
    }
}
