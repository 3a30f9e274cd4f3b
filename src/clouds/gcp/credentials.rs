//! Credentials: where they come from, and the tokens that they give.

use std::fmt;

use secrecy::{ExposeSecret, SecretString};

/// Where credentials come from.
#[derive(Clone, Default)]
pub enum CredentialSource {
    /// An access token that somebody else has got, as it is.
    AccessToken(SecretString),
    /// The text of a file of credentials, of any type that Google gives out.
    Json(SecretString),
    /// The machine's own: the file that `gcloud auth application-default login` writes, then
    /// the metadata server.
    #[default]
    Default,
}

impl CredentialSource {
    fn secret(&self) -> Option<&str> {
        match self {
            Self::AccessToken(secret) | Self::Json(secret) => Some(secret.expose_secret()),
            Self::Default => None,
        }
    }
}

impl PartialEq for CredentialSource {
    fn eq(&self, other: &Self) -> bool {
        std::mem::discriminant(self) == std::mem::discriminant(other)
            && self.secret() == other.secret()
    }
}

impl Eq for CredentialSource {}

impl fmt::Debug for CredentialSource {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(match self {
            Self::AccessToken(_) => "AccessToken(***)",
            Self::Json(_) => "Json(***)",
            Self::Default => "Default",
        })
    }
}
