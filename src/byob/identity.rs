//! The identity that W&B acts as when it reaches a bucket by a key.

use std::fmt;

use secrecy::{ExposeSecret, SecretString};

use super::marker::Generation;
use super::policy::Document;

/// A user on the server that exists only to hold W&B's rights on one bucket.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Identity {
    /// The user's name; its rights carry the same name where they need one.
    pub name: String,
    /// Exactly what it may do.
    pub rights: Document,
    /// The most that it may ever be given, by name, on clouds that know such a limit.
    pub boundary: Option<String>,
}

/// Longest user name that every server takes (64 on AWS).
const LONGEST_NAME: usize = 64;

impl Identity {
    /// W&B's identity on `bucket`, with these rights.
    ///
    /// The generation in the name keeps it apart from the identity of an earlier
    /// bucket of that name, and from users that were there before.
    pub fn for_bucket(bucket: &str, rights: Document, generation: &Generation) -> Self {
        let mut name = format!("wandb-byob-{generation}-{bucket}");
        name.truncate(LONGEST_NAME);
        Self {
            name: name.trim_end_matches(['-', '.']).to_owned(),
            rights,
            boundary: None,
        }
    }
}

/// A key and its secret.
#[derive(Clone)]
pub struct AccessKey {
    /// The public half.
    pub id: String,
    secret: SecretString,
}

impl AccessKey {
    /// A key with its secret.
    pub fn new(id: impl Into<String>, secret: impl Into<String>) -> Self {
        Self {
            id: id.into(),
            secret: SecretString::from(secret.into()),
        }
    }

    /// The secret, for signing and for the user's own outputs.
    pub fn expose_secret(&self) -> &str {
        self.secret.expose_secret()
    }
}

impl fmt::Debug for AccessKey {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.debug_struct("AccessKey")
            .field("id", &self.id)
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_name_fits_every_server_and_ends_well() {
        let generation = Generation::from_bytes([1, 2, 3, 4]);
        let bucket = format!("{}.b", "a".repeat(43));
        let identity = Identity::for_bucket(&bucket, Document::default(), &generation);
        assert_eq!(
            identity.name,
            format!("wandb-byob-01020304-{}", "a".repeat(43))
        );
    }

    #[test]
    fn a_key_does_not_print_its_secret() {
        let key = AccessKey::new("AKIA", "very-secret");
        assert!(!format!("{key:?}").contains("very-secret"));
    }
}
