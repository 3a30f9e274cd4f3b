//! How a call to a cloud may fail, told by what a caller can act on.

/// What a caller can act on when a cloud refuses.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CloudErrorKind {
    /// The thing is not there.
    NotFound,
    /// A thing of that name is there already.
    AlreadyExists,
    /// The caller is known and may not do this.
    Denied,
    /// The caller's credentials are wrong, expired or missing.
    Unauthenticated,
    /// Another change is under way, or the thing still holds data.
    Conflict,
    /// Too many requests, and patience ran out.
    Throttled,
    /// The server does not know this operation.
    NotSupported,
    /// The server understood and refuses the value.
    Invalid,
    /// No answer: name, connection, TLS or timeout.
    Transport,
    /// Terraform asked to stop, or the operation's timeout passed.
    Stopped,
    /// Anything else, with the server's words.
    Unexpected,
}

/// A call to a cloud that did not succeed.
#[derive(Clone, Debug, thiserror::Error)]
#[error("{call} on \"{target}\": {message}")]
pub struct CloudError {
    /// What a caller can act on.
    pub kind: CloudErrorKind,
    /// The call in the cloud's own spelling, for example `s3:PutBucketVersioning`.
    pub call: String,
    /// The thing it was about: a bucket's or a user's name.
    pub target: String,
    /// Why, in the server's words where it had any. Holds no secret.
    pub message: String,
    /// The server's code, for example `AccessDenied`.
    pub code: Option<String>,
    /// The server's id for the request, for its operators.
    pub request_id: Option<String>,
    /// What to do about it, when the cloud knows better than the caller.
    pub hint: Option<String>,
}

impl CloudError {
    /// An error of `kind` in `call` about `target`, for the reason given.
    pub fn new(
        kind: CloudErrorKind,
        call: impl Into<String>,
        target: impl Into<String>,
        message: impl Into<String>,
    ) -> Self {
        Self {
            kind,
            call: call.into(),
            target: target.into(),
            message: message.into(),
            code: None,
            request_id: None,
            hint: None,
        }
    }

    /// The same error with advice.
    #[must_use]
    pub fn hint(mut self, hint: impl Into<String>) -> Self {
        self.hint = Some(hint.into());
        self
    }
}
