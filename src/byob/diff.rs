//! Turns a spec and an observation into the changes between them.
//!
//! Pure: no clock, no network, no randomness. Plan and apply both call [`changes`],
//! so what Terraform shows is what will happen.

use std::collections::BTreeMap;

use super::observed::{CorsRule, LifecycleRule};
use super::spec::Encryption;

/// Ids of our lifecycle rules start so; rules with other ids are other people's.
pub const LIFECYCLE_PREFIX: &str = "wandb-byob-";

/// One setting to write. Each holds the whole new value, so that writing it twice is
/// writing it once.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Change {
    /// All tags of the bucket, the marker and ignored ones included.
    Tags(BTreeMap<String, String>),
    /// Old versions are kept from now on, or no longer made.
    Versioning(bool),
    /// Encryption at rest for new objects.
    Encryption(Encryption),
    /// All CORS rules: ours first, then other people's as they were.
    Cors(Vec<CorsRule>),
    /// Our lifecycle rules, all of them. Rules with other ids stay untouched.
    Lifecycle(Vec<LifecycleRule>),
    /// The identity whose key W&B holds, with exactly its rights.
    Identity,
}
