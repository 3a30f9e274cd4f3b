//! What W&B may do, in no cloud's language.
//!
//! Each cloud spells it (actions of a policy, roles of a binding) and compares what it
//! finds with it; nothing else does.

use std::collections::BTreeSet;

/// W&B's rights: list, read, write and delete the objects of one bucket, and look at the
/// settings that the instance checks. Never: change who has access.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Rights {
    /// The bucket's name.
    pub bucket: String,
    /// Objects below this path only, no slash at either end; `None` is the whole bucket.
    pub path: Option<String>,
    /// The key that encrypts the objects, by its full name, where W&B has to be let in to
    /// it by rights of its own.
    pub key: Option<String>,
    /// The roles to give, on clouds whose rights are roles with names; empty elsewhere.
    pub roles: BTreeSet<String>,
}

impl Rights {
    /// All of W&B's rights on `bucket`, below `path` where there is one.
    pub fn on(bucket: &str, path: Option<&str>) -> Self {
        Self {
            bucket: bucket.to_owned(),
            path: path.map(str::to_owned),
            ..Self::default()
        }
    }
}
