//! What a user wants a bucket to be: fully known, checked, and in the clouds' common
//! words. `resources/byob_bucket` makes it from a configuration.

use std::collections::{BTreeMap, BTreeSet};

use super::deployment::{Deployment, Scope};
use super::identity::Identity;
use super::kind::CloudKind;
use super::marker::Generation;
use super::observed::{CorsRule, LifecycleRule, Observed};
use super::rights::Rights;

/// How objects are encrypted at rest when the writer says nothing.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Encryption {
    /// In the cloud's words, for example `AES256` or `aws:kms`.
    pub algorithm: String,
    /// With which key.
    pub key: Key,
    /// Whether one data key serves many objects; `None` is "as the server has it".
    pub bucket_key: Option<bool>,
}

/// The key that encrypts objects.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Key {
    /// The server's own.
    Server,
    /// This one, in the server's spelling.
    Named(String),
    /// One that is still to be made.
    ToMake,
}

impl Encryption {
    /// The key's name, where it has one.
    pub fn key_name(&self) -> Option<&str> {
        match &self.key {
            Key::Named(name) => Some(name),
            Key::Server | Key::ToMake => None,
        }
    }
}

/// A key in the cloud's key service: one of ours, or a given one that is only looked at.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct KeySpec {
    /// Its full name; `None` until it is made.
    pub name: Option<String>,
    /// The configuration names the key, so nobody makes another one in its place.
    pub given: bool,
    /// Who administers it besides the owner's account.
    pub admins: Vec<String>,
    /// Who encrypts and decrypts with it for W&B.
    pub users: Vec<String>,
    /// New key material every year.
    pub rotation: bool,
    /// How many days pass between giving the key up and its deletion.
    pub deletion_days: u32,
    /// The generations of runs that may have made it and not come to the point of naming it.
    pub unnamed_of: Vec<Generation>,
    /// Tags, the marker not among them.
    pub tags: BTreeMap<String, String>,
    /// Keys of tags that are neither read nor written.
    pub ignored_tags: BTreeSet<String>,
    /// Whose key it is: the generation of the bucket that it was made for.
    pub generation: Option<Generation>,
    /// The key is not this bucket's own, and whoever encrypts the objects with it is let in
    /// to it all the same.
    pub lets_in: bool,
}

/// Who gets in by the bucket's own access rules.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Grants {
    /// W&B's principals in the cloud's spelling; empty where W&B comes by a key.
    pub principals: Vec<String>,
    /// Principals that an earlier apply has let in and nobody wants any more, on clouds
    /// whose rules do not tell which of them are ours.
    pub former: BTreeSet<String>,
    /// What they may do.
    pub rights: Rights,
    /// Plain HTTP is refused.
    pub https_only: bool,
    /// Rules that are not ours go.
    pub exclusive: bool,
}

/// How W&B gets at the objects.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Access {
    /// By a key of an identity that this provider makes.
    MadeKey(Identity),
    /// As an identity that this provider makes and W&B becomes without a key, because the cloud
    /// trusts W&B's own tokens.
    MadeIdentity(Identity),
    /// By a key that W&B has already.
    GivenKey,
    /// By means that are not managed here.
    Unmanaged,
}

impl Access {
    /// The identity that is made, if one is.
    pub fn identity(&self) -> Option<&Identity> {
        match self {
            Self::MadeKey(identity) | Self::MadeIdentity(identity) => Some(identity),
            Self::GivenKey | Self::Unmanaged => None,
        }
    }

    /// The same, to be changed.
    pub fn identity_mut(&mut self) -> Option<&mut Identity> {
        match self {
            Self::MadeKey(identity) | Self::MadeIdentity(identity) => Some(identity),
            Self::GivenKey | Self::Unmanaged => None,
        }
    }
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
    /// The one that the last apply has written, which is ours although another one is wanted
    /// now: not every server keeps the ids of rules.
    pub written_cors: Option<CorsRule>,
    /// Our lifecycle rules that the last apply has written, which are ours although other
    /// ones are wanted now: not every server keeps the ids of rules.
    pub written_lifecycle: Vec<LifecycleRule>,
    /// Encryption at rest; `None` is "as the server has it".
    pub encryption: Option<Encryption>,
    /// The key in the cloud's key service, where there is one to look at.
    pub key: Option<KeySpec>,
    /// The bucket's own access rules; `None` is "not managed".
    pub grants: Option<Grants>,
    /// Whether it is made impossible to make anything public; `None` is "not managed".
    pub blocks_public: Option<bool>,
    /// The bucket's owner owns every object.
    pub owns_objects: bool,
    /// How objects are kept that do not say it themselves, in the cloud's words; `None` is
    /// "not managed".
    pub storage_class: Option<String>,
    /// Deleted objects can be brought back for so many days; `None` is "not managed".
    pub soft_delete_days: Option<u32>,
    /// The settings belong to others' buckets as well: what they have kept on stays on, and what
    /// is kept longer than wanted is kept long enough.
    pub shares_settings: bool,
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
    /// Deleted objects can be brought back for a while.
    SoftDelete,
    /// How objects are kept that do not say it themselves.
    StorageClass,
    /// The key that encrypts objects.
    Key,
    /// Nothing can be made public.
    PublicAccess,
    /// The bucket's owner owns every object.
    Ownership,
    /// Encryption at rest.
    Encryption,
    /// Rules for web pages of other origins.
    Cors,
    /// Rules about old data.
    Lifecycle,
    /// The bucket's own access rules.
    Grants,
    /// The identity whose key W&B holds, its rights and its key.
    Identity,
}

impl Setting {
    /// Every setting.
    pub const ALL: [Self; 12] = [
        Self::Tags,
        Self::Versioning,
        Self::SoftDelete,
        Self::StorageClass,
        Self::Key,
        Self::PublicAccess,
        Self::Ownership,
        Self::Encryption,
        Self::Cors,
        Self::Lifecycle,
        Self::Grants,
        Self::Identity,
    ];

    /// The name that is kept from one run to the next.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Tags => "tags",
            Self::Versioning => "versioning",
            Self::SoftDelete => "soft_delete",
            Self::StorageClass => "storage_class",
            Self::Key => "key",
            Self::PublicAccess => "public_access",
            Self::Ownership => "ownership",
            Self::Encryption => "encryption",
            Self::Cors => "cors",
            Self::Lifecycle => "lifecycle",
            Self::Grants => "grants",
            Self::Identity => "identity",
        }
    }
}

impl BucketSpec {
    /// Whether this configuration writes the setting at all.
    pub fn manages(&self, setting: Setting, observed: &Observed) -> bool {
        match setting {
            Setting::Tags
            | Setting::Versioning
            | Setting::Encryption
            | Setting::Cors
            | Setting::Lifecycle => true,
            Setting::Key => self.owns_key(observed) || self.lets_in_to_key(),
            Setting::PublicAccess => self.blocks_public.is_some(),
            Setting::Ownership => self.owns_objects,
            Setting::SoftDelete => self.soft_delete_days.is_some(),
            Setting::StorageClass => self.storage_class.is_some(),
            Setting::Grants => self.grants.is_some(),
            Setting::Identity => self.access.identity().is_some(),
        }
    }

    /// Whether somebody is let in to a key that is not this bucket's own.
    pub fn lets_in_to_key(&self) -> bool {
        self.key.as_ref().is_some_and(|key| key.lets_in)
    }

    /// Whether the key is this bucket's own: to be made, or made for it.
    pub fn owns_key(&self, observed: &Observed) -> bool {
        self.key
            .as_ref()
            .is_some_and(|key| match (&key.name, observed.key.known()) {
                (None, _) => true,
                (Some(_), Some(None)) => !key.given,
                (Some(_), Some(Some(state))) => {
                    key.generation.is_some()
                        && state.marker.is_some()
                        && !state.is_anothers(&self.name, key.generation.as_ref())
                }
                (Some(_), None) => false,
            })
    }
}

/// The methods that W&B's browser application and SDK use.
pub const CORS_METHODS: [&str; 3] = ["GET", "HEAD", "PUT"];
/// The response header that a page must be able to read, to finish uploads in parts.
pub const CORS_EXPOSED: &str = "ETag";
/// The id of our CORS rule on servers whose rules have ids.
pub const CORS_RULE_ID: &str = "wandb-byob";

/// The list of Google Cloud's rules, which holds for both directions.
const CORS_HEADERS: [&str; 2] = ["Content-Type", CORS_EXPOSED];

/// The one CORS rule that W&B needs on this cloud.
pub fn cors_rule_on(cloud: CloudKind, origins: Vec<String>, max_age_seconds: i64) -> CorsRule {
    let rule = cors_rule(origins, max_age_seconds);
    if cloud == CloudKind::Azure {
        return CorsRule {
            exposed: vec!["*".to_owned()],
            ..rule
        };
    }
    if cloud != CloudKind::Gcp {
        return rule;
    }
    let both = CORS_HEADERS.map(str::to_owned).to_vec();
    CorsRule {
        headers: both.clone(),
        exposed: both,
        ..rule
    }
}

/// The one CORS rule that W&B needs, where requests and answers have a list each.
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
