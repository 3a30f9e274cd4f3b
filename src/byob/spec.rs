//! What a user wants a bucket to be: fully known, checked, and in the clouds' common
//! words. `resources/byob_bucket` makes it from a configuration.

use std::collections::{BTreeMap, BTreeSet};

use super::cloud::CloudKind;
use super::deployment::{Deployment, Scope};
use super::identity::Identity;
use super::observed::CorsRule;

/// How objects are encrypted at rest when the writer says nothing.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum Encryption {
    /// Left as the server has it.
    #[default]
    Unmanaged,
    /// The given algorithm with the server's own key, for example `AES256`.
    ServerKey(String),
    /// The given algorithm with the given key.
    NamedKey {
        /// For example `aws:kms`.
        algorithm: String,
        /// The key in the server's spelling.
        key: String,
    },
}

/// How W&B gets at the objects.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Access {
    /// By a key of an identity that this provider makes.
    MadeKey(Identity),
    /// By a key that W&B has already.
    GivenKey,
    /// By means that are not managed here.
    Unmanaged,
}

/// One bucket as it shall be.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BucketSpec {
    /// Where it lives.
    pub cloud: CloudKind,
    /// Its name.
    pub name: String,
    /// Only this part of it is W&B's; no slash at either end.
    pub path: Option<String>,
    /// Who stores in it.
    pub scope: Scope,
    /// How W&B is run, if known.
    pub deployment: Option<Deployment>,
    /// The origin of W&B's web application.
    pub origin: String,
    /// Old versions are kept.
    pub versioning: bool,
    /// Old versions under `path` go after so many days; `None` is "not managed".
    pub noncurrent_version_days: Option<u32>,
    /// Unfinished uploads under `path` go after so many days; `None` is "not managed".
    pub abort_upload_days: Option<u32>,
    /// The rule for web pages of other origins.
    pub cors: CorsRule,
    /// Encryption at rest.
    pub encryption: Encryption,
    /// How W&B gets at the objects.
    pub access: Access,
    /// Tags, without the marker.
    pub tags: BTreeMap<String, String>,
    /// Keys of tags that are neither read nor written.
    pub ignored_tags: BTreeSet<String>,
    /// The access key that the state knows, for [`Access::MadeKey`].
    pub access_key_id: Option<String>,
    /// Settings that the user asked for by name. A server that cannot keep one of
    /// these is an error; one that cannot keep a default is a finding.
    pub chosen: BTreeSet<Setting>,
}

/// The settings of a bucket that can be written on their own.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Setting {
    /// Tags or labels.
    Tags,
    /// Old versions are kept.
    Versioning,
    /// Encryption at rest.
    Encryption,
    /// Rules for web pages of other origins.
    Cors,
    /// Rules about old data.
    Lifecycle,
    /// The identity whose key W&B holds, its rights and its key.
    Identity,
}

/// The methods that W&B's browser application and SDK use.
pub const CORS_METHODS: [&str; 3] = ["GET", "HEAD", "PUT"];
/// The response header that a page must be able to read, to finish uploads in parts.
pub const CORS_EXPOSED: &str = "ETag";
/// The id of our CORS rule on servers whose rules have ids.
pub const CORS_RULE_ID: &str = "wandb-byob";

/// The one CORS rule that W&B needs.
pub fn cors_rule(origins: Vec<String>, max_age_seconds: i64) -> CorsRule {
    CorsRule {
        id: Some(CORS_RULE_ID.to_owned()),
        origins,
        methods: CORS_METHODS.map(str::to_owned).to_vec(),
        headers: vec!["*".to_owned()],
        exposed: vec![CORS_EXPOSED.to_owned()],
        max_age_seconds: Some(max_age_seconds),
    }
}
