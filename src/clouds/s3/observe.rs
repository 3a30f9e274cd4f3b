//! Reads the settings that every server of the protocol may have, at once.

use std::collections::BTreeMap;
use std::future::Future;

use crate::byob::cloud::LookAt;
use crate::byob::observed::{
    CorsRule, EncryptionState, GrantState, LifecycleRule, Preflight, Unversioned, Versioning,
};
use crate::byob::{CloudError, CloudKind, Observed, Reading};

use super::error::bucket_contradiction;
use super::policy::Document;
use super::{S3, look, read, versioning};

/// The settings of a bucket as the server told them.
pub(in crate::clouds) struct Settings {
    tags: Reading<BTreeMap<String, String>>,
    versioning: Reading<(Versioning, Unversioned)>,
    encryption: Reading<EncryptionState>,
    cors: Reading<Vec<CorsRule>>,
    preflight: Option<Preflight>,
    lifecycle: Reading<Vec<LifecycleRule>>,
    /// The bucket's policy, as it was written.
    pub(in crate::clouds) policy: Reading<Document>,
}

/// Reads the settings; `None` when the server says that there is no such bucket.
/// `after_tags` begins once the first answer has told what kind of server it is.
pub(in crate::clouds) async fn settings<T>(
    s3: &S3,
    bucket: &str,
    look_at: &LookAt,
    after_tags: impl Future<Output = T>,
) -> Result<(Option<Settings>, T), CloudError> {
    let ((tags, after), versioning, encryption, cors, lifecycle, policy) = tokio::join!(
        async {
            let tags = read::tags(s3, bucket).await;
            (tags, after_tags.await)
        },
        versioning::read(s3, bucket),
        read::encryption(s3, bucket, look_at.encryption.as_ref()),
        read::cors(s3, bucket, &look_at.origin),
        read::lifecycle(s3, bucket),
        read::policy(s3, bucket),
    );
    // The first answer first: of a failure that all share it tells the most.
    let (tags, has_tags) = tags?.into_reading();
    let (cors, preflight) = cors?;
    let (versioning, has_versioning) = versioning?.into_reading();
    let (encryption, has_encryption) = encryption?.into_reading();
    let (cors, has_cors) = cors.into_reading();
    let (lifecycle, has_lifecycle) = lifecycle?.into_reading();
    let (policy, has_policy) = policy?.into_reading();
    // "Not set" is no evidence: MinIO says so of buckets that are not there.
    let answers = [
        ("tags", has_tags, has(&tags, |it| !it.is_empty())),
        (
            "versioning",
            has_versioning,
            has(&versioning, |(it, _)| *it != Versioning::Off),
        ),
        (
            "encryption",
            has_encryption,
            has(&encryption, |it| *it != EncryptionState::default()),
        ),
        ("CORS rules", has_cors, has(&cors, |it| !it.is_empty())),
        (
            "lifecycle rules",
            has_lifecycle,
            has(&lifecycle, |it| !it.is_empty()),
        ),
        (
            "policy",
            has_policy,
            has(&policy, |it| *it != Document::default()),
        ),
    ];
    if !agree(bucket, &answers)? {
        return Ok((None, after));
    }
    let refusals = (&tags, &versioning, &lifecycle, &policy);
    if let (Reading::Denied(_), Reading::Denied(_), Reading::Denied(_), Reading::Denied(_)) =
        refusals
    {
        // Nothing but refusals would pass for a bucket without drift.
        look::look(s3, bucket).await?;
    }
    let settings = Settings {
        tags,
        versioning,
        encryption,
        cors,
        preflight,
        lifecycle,
        policy,
    };
    Ok((Some(settings), after))
}

/// Whether a setting was read that only a bucket can have.
fn has<T>(reading: &Reading<T>, is_set: impl FnOnce(&T) -> bool) -> bool {
    reading.known().is_some_and(is_set)
}

/// Whether the bucket is there, by answers about its settings: what it is about, whether the
/// answer was not "no such bucket", and whether it holds something.
fn agree(bucket: &str, answers: &[(&str, bool, bool)]) -> Result<bool, CloudError> {
    let Some((missing, ..)) = answers.iter().find(|(_, is_there, _)| !is_there) else {
        return Ok(true);
    };
    match answers.iter().find(|(.., is_set)| *is_set) {
        Some((found, ..)) => Err(bucket_contradiction(
            "s3:GetBucket",
            bucket,
            format!(
                "the server says of the bucket's {missing} that there is no such bucket, and \
                 tells its {found}; nothing was forgotten for it"
            ),
        )),
        None => Ok(false),
    }
}

impl Settings {
    /// The settings in our words, with `grants` made of the policy; what only some clouds
    /// have is not read. Tags of the server's own are kept apart.
    pub(in crate::clouds) fn observed(
        self,
        bucket: Observed,
        grants: impl FnOnce(Document) -> GrantState,
    ) -> Observed {
        let system_tags = self.tags.known().map(read::of_the_system);
        let unversioned = self.versioning.known().map(|(_, names)| names.clone());
        Observed {
            marker: self.tags.known().and_then(look::marker_of),
            tags: read::of_people(self.tags),
            system_tags: system_tags.unwrap_or_default(),
            versioning: self.versioning.map(|(versioning, _)| versioning),
            unversioned: unversioned.unwrap_or_default(),
            cors: self.cors,
            preflight: self.preflight,
            encryption: self.encryption,
            lifecycle: self.lifecycle,
            grants: self.policy.map(grants),
            ..bucket
        }
    }
}

/// A bucket of which nothing but its names is known.
pub(in crate::clouds) fn unread(kind: CloudKind, full_name: String, region: &str) -> Observed {
    Observed {
        location: (!region.is_empty()).then(|| region.to_owned()),
        ..Observed::unread(kind, full_name)
    }
}

/// What a bucket with these tags is like on every server the moment that it was made.
pub(in crate::clouds) fn fresh(bucket: Observed, tags: &BTreeMap<String, String>) -> Observed {
    Observed {
        marker: look::marker_of(tags),
        tags: read::of_people(Reading::Known(tags.clone())),
        versioning: Reading::Known(Versioning::Off),
        encryption: Reading::Known(EncryptionState::default()),
        lifecycle: Reading::Known(Vec::new()),
        identity: Reading::Known(None),
        ..bucket
    }
}
