//! The identity that W&B acts as when it reaches a bucket by a key, and its access keys.

use std::collections::BTreeSet;
use std::fmt;

use async_trait::async_trait;
use secrecy::{ExposeSecret, SecretString};

use super::error::CloudError;
use super::marker::Generation;
use super::rights::Rights;

/// A user on the server that exists only to hold W&B's rights on one bucket.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Identity {
    /// The user's name; its rights carry the same name where they need one.
    pub name: String,
    /// Exactly what it may do.
    pub rights: Rights,
    /// The most that it may ever be given, by name, on clouds that know such a limit.
    pub boundary: Option<String>,
    /// The makings of the bucket that it may be marked with, where its name does not say so; the
    /// one that it is for comes first.
    pub serves: Vec<Generation>,
}

/// Longest user name that every server takes (64 on AWS).
const LONGEST_NAME: usize = 64;
/// How the name of every identity that is made here begins; its generation follows.
const PREFIX: &str = "wandb-byob-";

impl Identity {
    /// W&B's identity on `bucket`, with these rights.
    ///
    /// The generation in the name keeps it apart from the identity of an earlier
    /// bucket of that name, and from users that were there before.
    pub fn for_bucket(bucket: &str, rights: Rights, generation: &Generation) -> Self {
        let mut name = format!("{PREFIX}{generation}-{bucket}");
        name.truncate(LONGEST_NAME);
        Self {
            name: name.trim_end_matches(['-', '.']).to_owned(),
            rights,
            boundary: None,
            serves: vec![generation.clone()],
        }
    }

    /// Whether it is the one of this name. In another case it is the same: no cloud tells two by
    /// that.
    pub fn is_named(&self, name: &str) -> bool {
        self.name.eq_ignore_ascii_case(name)
    }

    /// The same, which may be marked with any of these makings.
    #[must_use]
    pub fn of(self, makings: &[Generation]) -> Self {
        Self {
            serves: makings.to_vec(),
            ..self
        }
    }

    /// The generation that the identity was made with, by its name.
    pub fn generation(&self) -> Option<Generation> {
        let (generation, _) = self.name.strip_prefix(PREFIX)?.split_once('-')?;
        Generation::parse(generation)
    }
}

/// A key and its secret. It compares by content.
#[derive(Clone)]
pub struct AccessKey {
    /// The public half.
    pub id: String,
    /// The identity that it belongs to, in the cloud's spelling, where neither half says so
    /// and whoever uses the key has to.
    pub holder: Option<String>,
    secret: SecretString,
}

impl AccessKey {
    /// A key with its secret.
    pub fn new(id: impl Into<String>, secret: impl Into<String>) -> Self {
        Self {
            id: id.into(),
            holder: None,
            secret: SecretString::from(secret.into()),
        }
    }

    /// The same key with the identity that it belongs to.
    #[must_use]
    pub fn held_by(mut self, holder: impl Into<String>) -> Self {
        self.holder = Some(holder.into());
        self
    }

    /// The secret, for signing and for the user's own outputs.
    pub fn expose_secret(&self) -> &str {
        self.secret.expose_secret()
    }
}

impl PartialEq for AccessKey {
    fn eq(&self, other: &Self) -> bool {
        self.id == other.id
            && self.holder == other.holder
            && self.expose_secret() == other.expose_secret()
    }
}

impl Eq for AccessKey {}

impl fmt::Debug for AccessKey {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.debug_struct("AccessKey")
            .field("id", &self.id)
            .field("holder", &self.holder)
            .finish_non_exhaustive()
    }
}

/// A cloud's service for identities and their access keys.
///
/// Every method may be called again after a failure or a crash: doing something twice has
/// the effect of doing it once.
#[async_trait]
pub trait IdentityService: fmt::Debug + Send + Sync {
    /// The identity that a making of the bucket was given, if one was, where nobody chose its
    /// name. A cloud where people choose names has another one for it.
    fn identity_of(&self, bucket: &str, path: Option<&str>, generation: &Generation) -> Identity {
        Identity::for_bucket(bucket, Rights::on(bucket, path), generation)
    }

    /// Makes sure that the identity exists with exactly its rights. `is_new` when it cannot
    /// be there yet, because the generation in its name was drawn in this run.
    ///
    /// `AlreadyExists` when somebody else's identity has the name; it is not touched.
    async fn put_identity(&self, identity: &Identity, is_new: bool) -> Result<(), CloudError>;

    /// Whether [`Self::create_access_key`] chooses the key's id itself: then a lost answer
    /// leaves no second key behind.
    fn chooses_access_key_ids(&self) -> bool;

    /// Whether access keys are made and deleted here. Else they are somebody's, and only read.
    fn makes_access_keys(&self) -> bool;

    /// A new access key of the identity. Its secret is given this one time.
    ///
    /// `Conflict` when the identity holds as many keys as it may.
    async fn create_access_key(&self, identity: &Identity) -> Result<AccessKey, CloudError>;

    /// Deletes every access key of the identity except the ones in `keep`.
    async fn delete_access_keys(
        &self,
        identity: &Identity,
        keep: &BTreeSet<String>,
    ) -> Result<(), CloudError>;

    /// Whether anything of the identity is left, for a bucket that is gone. An identity of
    /// that name that is not ours does not count.
    async fn survives(&self, identity: &Identity) -> Result<bool, CloudError>;

    /// Writes which making of the bucket the identity serves, where its name does not say so:
    /// the last thing but the bucket's own marker, so that an identity that is taken over
    /// stays its former owner's until all is done.
    async fn mark_identity(&self, identity: &Identity) -> Result<(), CloudError>;

    /// Deletes the identity if this very making of the bucket has made it, as an adoption
    /// does that fails.
    async fn withdraw_identity(&self, identity: &Identity) -> Result<(), CloudError>;

    /// Deletes the identity, its access keys and its rights. Gone already is success, once
    /// two answers agree; an identity of that name that is not ours stays.
    async fn delete_identity(&self, identity: &Identity) -> Result<(), CloudError>;
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_name_fits_every_server_and_ends_well() {
        let generation = Generation::from_bytes([1, 2, 3, 4]);
        let bucket = format!("{}.b", "a".repeat(43));
        let identity = Identity::for_bucket(&bucket, Rights::default(), &generation);
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
