//! What can be written to a bucket, one setting at a time.

use std::collections::BTreeMap;

use super::kind::CloudKind;
use super::observed::{CorsRule, LifecycleRule};
use super::spec::{Encryption, Grants, Setting};

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
    /// Deleted objects can be brought back for so many days from now on.
    SoftDelete(u32),
    /// How new objects are kept that do not say it themselves.
    StorageClass(String),
    /// Nothing can be made public from now on; or whoever is above the bucket decides.
    PublicAccess(bool),
    /// The bucket's owner owns every object from now on.
    Ownership,
    /// Encryption at rest for new objects.
    Encryption(Encryption),
    /// All CORS rules: ours first, then other people's as they were.
    Cors(Vec<CorsRule>),
    /// Our lifecycle rules, all of them. Rules with other ids stay untouched.
    Lifecycle(Vec<LifecycleRule>),
    /// Our access rules, all of them. Rules that are not ours stay, unless the grants are
    /// exclusive.
    Grants(Grants),
}

impl Change {
    /// The setting that this change writes.
    pub fn setting(&self) -> Setting {
        match self {
            Self::Tags(_) => Setting::Tags,
            Self::Versioning(_) => Setting::Versioning,
            Self::SoftDelete(_) => Setting::SoftDelete,
            Self::StorageClass(_) => Setting::StorageClass,
            Self::PublicAccess(_) => Setting::PublicAccess,
            Self::Ownership => Setting::Ownership,
            Self::Encryption(_) => Setting::Encryption,
            Self::Cors(_) => Setting::Cors,
            Self::Lifecycle(_) => Setting::Lifecycle,
            Self::Grants(_) => Setting::Grants,
        }
    }
}

/// Why nobody can say on this cloud when unfinished uploads are given up, as the end of a sentence.
pub fn check_abort_days(cloud: CloudKind) -> Result<(), String> {
    match cloud {
        CloudKind::Azure => Err(
            "Azure gives unfinished uploads up by itself, a week after their last part".to_owned(),
        ),
        CloudKind::Aws | CloudKind::Gcp | CloudKind::S3Compatible | CloudKind::CoreWeave => Ok(()),
    }
}

/// Our own rules as the configuration wants them, in a fixed order.
pub fn lifecycle_rules(
    path: Option<&str>,
    noncurrent_days: Option<u32>,
    abort_upload_days: Option<u32>,
) -> Vec<LifecycleRule> {
    let prefix = path.map(|path| format!("{path}/")).unwrap_or_default();
    let rule = |suffix: &str| LifecycleRule {
        id: format!("{LIFECYCLE_PREFIX}{suffix}"),
        enabled: true,
        prefix: prefix.clone(),
        ..LifecycleRule::default()
    };
    let noncurrent = noncurrent_days.map(|days| LifecycleRule {
        noncurrent_days: Some(days),
        ..rule("noncurrent-versions")
    });
    let uploads = abort_upload_days.map(|days| LifecycleRule {
        abort_upload_days: Some(days),
        ..rule("unfinished-uploads")
    });
    noncurrent.into_iter().chain(uploads).collect()
}

/// Everything that separates a bucket from its spec.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Changes {
    /// The bucket's own key has to be made or mended; before the settings, which name it.
    pub key: bool,
    /// Settings to write, in the order in which they have to be written. Tags are not among
    /// them: they are written last, with the marker.
    pub settings: Vec<Change>,
    /// The identity whose key W&B holds has to be made or mended; after the settings, so
    /// that nobody gets in before they stand.
    pub identity: bool,
}
