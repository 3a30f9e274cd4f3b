//! What a cloud reports about a bucket, in our words.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use super::identity::AccessKey;
use super::kind::CloudKind;
use super::marker::{Generation, Marker};

/// One setting as the server told it, or why it could not be told.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum Reading<T> {
    /// The server's answer. "Not configured" is an answer.
    Known(T),
    /// The server does not know this setting. Holds its words.
    Unsupported(String),
    /// The caller may not look. Holds the missing permission or the server's words.
    Denied(String),
    /// Nobody asked.
    #[default]
    Skipped,
}

impl<T> Reading<T> {
    /// The answer, if there is one.
    pub fn known(&self) -> Option<&T> {
        match self {
            Self::Known(value) => Some(value),
            Self::Unsupported(_) | Self::Denied(_) | Self::Skipped => None,
        }
    }

    /// The same with the answer where it is.
    pub fn as_ref(&self) -> Reading<&T> {
        match self {
            Self::Known(value) => Reading::Known(value),
            Self::Unsupported(words) => Reading::Unsupported(words.clone()),
            Self::Denied(words) => Reading::Denied(words.clone()),
            Self::Skipped => Reading::Skipped,
        }
    }

    /// The same with another answer.
    pub fn map<U>(self, with: impl FnOnce(T) -> U) -> Reading<U> {
        match self {
            Self::Known(value) => Reading::Known(with(value)),
            Self::Unsupported(words) => Reading::Unsupported(words),
            Self::Denied(words) => Reading::Denied(words),
            Self::Skipped => Reading::Skipped,
        }
    }

    /// Why there is no answer; empty where there is one.
    pub fn why_unknown(&self) -> String {
        match self {
            Self::Known(_) => String::new(),
            Self::Unsupported(words) => format!("the server does not know this setting: {words}"),
            Self::Denied(words) => format!("not allowed to look: {words}"),
            Self::Skipped => "not looked at".to_owned(),
        }
    }
}

/// Whether old versions of objects are kept.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Versioning {
    /// Every overwrite and deletion keeps the old version.
    Enabled,
    /// It was on once; old versions stay, new ones are not made.
    Suspended,
    /// It was never on.
    Off,
}

/// Names of objects of which no old versions are kept although that is on.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Unversioned {
    /// Beginnings of such names; `*` stands for anything.
    pub prefixes: Vec<String>,
    /// Names that end in a slash, which stand for folders.
    pub folders: bool,
}

/// One rule about requests from web pages of other origins. Lists keep the server's
/// order; comparison is by meaning (see `requirements/cors.rs`).
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct CorsRule {
    /// The rule's own id, where it has one.
    pub id: Option<String>,
    /// `*`, or origins such as `https://acme.wandb.io`; one `*` inside is allowed.
    pub origins: Vec<String>,
    /// Upper case: `GET`, `HEAD`, `PUT`.
    pub methods: Vec<String>,
    /// Request headers that a page may send; `*` for all.
    pub headers: Vec<String>,
    /// Response headers that a page may read.
    pub exposed: Vec<String>,
    /// How long a browser may remember a preflight, in seconds.
    pub max_age_seconds: Option<i64>,
}

/// What a browser would be told about a cross-origin `PUT`, by a server whose rules
/// cannot be read.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Preflight {
    /// The origin that asked.
    pub origin: String,
    /// Whether that origin is let in.
    pub origin_allowed: bool,
    /// The methods that were let in, of those asked for.
    pub methods: Vec<String>,
    /// Whether the header asked for was let in.
    pub headers_allowed: bool,
    /// Whether a page may read `ETag`; `None` when the answer did not say.
    pub etag_exposed: Option<bool>,
    /// How long a browser may remember this answer, in seconds.
    pub max_age_seconds: Option<i64>,
    /// The status of the answer, for messages.
    pub status: u16,
}

/// How objects are encrypted at rest when the writer says nothing.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct EncryptionState {
    /// `AES256`, `aws:kms` and the like; `None` when the bucket has no default.
    pub algorithm: Option<String>,
    /// The key, in the server's spelling.
    pub key: Option<String>,
    /// Whether one data key serves many objects.
    pub bucket_key: bool,
}

/// A rule about old data, with the parts that the requirements look at. Rules of
/// other people are kept whole by the cloud when ours change.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct LifecycleRule {
    /// The rule's id; ours start with [`super::change::LIFECYCLE_PREFIX`].
    pub id: String,
    /// Switched on.
    pub enabled: bool,
    /// Only objects whose names start so; empty for all.
    pub prefix: String,
    /// The rule also asks for tags or sizes, so it may not meet every object.
    pub narrowed: bool,
    /// Deletes current objects, at an age or on a date.
    pub expires_current: bool,
    /// Deletes versions this many days after they stopped being current.
    pub noncurrent_days: Option<u32>,
    /// Aborts uploads this many days after they began.
    pub abort_upload_days: Option<u32>,
}

/// The identity whose key W&B holds, as it is on the server.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct IdentityState {
    /// Switched on; where the server cannot tell, true.
    pub enabled: bool,
    /// Its rights on paper, compared with W&B's.
    pub rights: Rule,
    /// Rights that are attached to it besides ours, by name.
    pub other_rights: Vec<String>,
    /// Its keys, or the one that was tried: id to "is it enabled".
    pub keys: BTreeMap<String, bool>,
    /// When they were made, in seconds since 1970; empty where the server does not tell.
    pub keys_made: BTreeMap<String, i64>,
    /// The path below which its rights let it write, as they stand; `None` for all objects.
    pub path: Option<String>,
    /// Whether the cloud lets W&B's own tokens become this identity; `None` where W&B comes by a
    /// key.
    pub trust: Option<Rule>,
    /// Names of others whose tokens can become it.
    pub trusts_others: Vec<String>,
    /// Its key as it is now, where keys are read and not made, and the one that was tried is it
    /// no more.
    pub current_key: Option<AccessKey>,
}

/// What became of a rule that we write.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum Rule {
    /// It says what was asked for.
    AsWanted,
    /// It is not there.
    #[default]
    Missing,
    /// It says something else; what, in a few words.
    Different(String),
}

/// Who gets in by the bucket's own access rules.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct GrantState {
    /// The rule that lets W&B in; [`Rule::AsWanted`] where none was asked for and none
    /// is there.
    pub wandb: Rule,
    /// The rule that refuses plain HTTP; likewise.
    pub https_only: Rule,
    /// Names of rules that let everybody in.
    pub public: Vec<String>,
    /// Names of all rules that are not ours.
    pub foreign: Vec<String>,
    /// Whom the rule that lets W&B in names, as it stands.
    pub principals: Vec<String>,
    /// The path below which that rule lets W&B write, as it stands; `None` for all objects.
    pub path: Option<String>,
    /// The roles that the principals have, as they stand, on clouds whose rights are roles.
    pub roles: BTreeSet<String>,
}

/// The ways in which a bucket could be opened to everybody, and whether they are shut.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct PublicAccess {
    /// Names of the switches that are off; empty when everything is blocked.
    pub open: Vec<String>,
}

/// The key that encrypts objects, as it is in the cloud's key service.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct KeyState {
    /// The cloud's own full name of the key.
    pub name: String,
    /// Our marker, if this provider made the key.
    pub marker: Option<Marker>,
    /// The bucket that this provider made the key for, where its tags say so.
    pub bucket: Option<String>,
    /// Its tags or labels, without ours.
    pub tags: BTreeMap<String, String>,
    /// What the key is for, in the cloud's words; empty when it is for encryption.
    pub other_usage: String,
    /// It encrypts and decrypts now.
    pub enabled: bool,
    /// Days until it is deleted, when that is scheduled.
    pub days_to_deletion: Option<i64>,
    /// New key material every year.
    pub rotation: Reading<bool>,
    /// The rule that gives the owner's administrators the key.
    pub admins: Reading<Rule>,
    /// The rule that lets W&B use the key.
    pub users: Reading<Rule>,
    /// Whom the rule for administrators names besides the owner's account, as it stands.
    pub named_admins: Vec<String>,
    /// The name by which people find it; false when that is missing or names another.
    pub alias: bool,
    /// What to add, in the cloud's own language, so that W&B may use the key.
    pub remedy: String,
}

impl KeyState {
    /// Whether this provider made the key for another bucket than `bucket` of `generation`.
    pub fn is_anothers(&self, bucket: &str, generation: Option<&Generation>) -> bool {
        match (&self.marker, &self.bucket) {
            (None, _) => false,
            (Some(_), Some(owner)) => owner != bucket,
            (Some(marker), None) => Some(&marker.generation) != generation,
        }
    }
}

/// Everything that is known about one bucket at one moment.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Observed {
    /// Where it lives.
    pub cloud: CloudKind,
    /// The cloud's own full name of the bucket.
    pub full_name: String,
    /// The region or location, where the server names one.
    pub location: Option<String>,
    /// Our marker.
    pub marker: Option<Marker>,
    /// Tags or labels, without the marker.
    pub tags: Reading<BTreeMap<String, String>>,
    /// Tags that the cloud itself has written. Nobody may change them, and whoever writes
    /// tags has to send them along.
    pub system_tags: BTreeMap<String, String>,
    /// Old versions.
    pub versioning: Reading<Versioning>,
    /// Where that makes exceptions.
    pub unversioned: Unversioned,
    /// How long deleted objects can be brought back; zero when they cannot.
    pub soft_delete: Reading<Duration>,
    /// The same for whole buckets, on clouds that tell them apart.
    pub soft_delete_containers: Reading<Duration>,
    /// How objects are kept that do not say it themselves, in the cloud's words.
    pub storage_class: Reading<String>,
    /// The retention that every new object gets, in words; empty where there is none.
    pub default_retention: Reading<String>,
    /// Rules of the bucket for web pages of other origins.
    pub cors: Reading<Vec<CorsRule>>,
    /// What a browser is told when the bucket has no rules of its own.
    pub preflight: Option<Preflight>,
    /// Encryption at rest.
    pub encryption: Reading<EncryptionState>,
    /// Rules about old data.
    pub lifecycle: Reading<Vec<LifecycleRule>>,
    /// Who has access by the bucket's own rules.
    pub grants: Reading<GrantState>,
    /// Whether public access is blocked as a whole.
    pub public_access: Reading<PublicAccess>,
    /// Who owns an object that somebody else has written; empty when the bucket's owner.
    pub other_owner: Reading<String>,
    /// The key; `Known(None)` when there is none of that name.
    pub key: Reading<Option<KeyState>>,
    /// The identity whose key W&B holds; `Known(None)` when it is gone.
    pub identity: Reading<Option<IdentityState>>,
    /// What the cloud's own block says besides, in the cloud's words, by the argument's name.
    pub arguments: BTreeMap<&'static str, String>,
}

impl Observed {
    /// A bucket of which nothing but its name has been read.
    pub fn unread(cloud: CloudKind, full_name: impl Into<String>) -> Self {
        Self {
            cloud,
            full_name: full_name.into(),
            location: None,
            marker: None,
            tags: Reading::Skipped,
            system_tags: BTreeMap::new(),
            versioning: Reading::Skipped,
            unversioned: Unversioned::default(),
            soft_delete: Reading::Skipped,
            soft_delete_containers: Reading::Skipped,
            storage_class: Reading::Skipped,
            default_retention: Reading::Skipped,
            cors: Reading::Skipped,
            preflight: None,
            encryption: Reading::Skipped,
            lifecycle: Reading::Skipped,
            grants: Reading::Skipped,
            public_access: Reading::Skipped,
            other_owner: Reading::Skipped,
            key: Reading::Skipped,
            identity: Reading::Skipped,
            arguments: BTreeMap::new(),
        }
    }
}
