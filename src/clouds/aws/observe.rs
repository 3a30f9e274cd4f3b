//! Reads every setting of a bucket and of its key at once. Writes nothing.

use std::collections::BTreeMap;

use aws_sdk_s3::types::ObjectOwnership;

use crate::byob::cloud::{CloudKind, LookAt};
use crate::byob::observed::{
    EncryptionState, GrantState, Observed, PublicAccess, Reading, Rule, Versioning,
};
use crate::byob::{CloudError, CloudErrorKind};
use crate::clouds::retry::Work;
use crate::clouds::s3::error::{no_bucket, not_set};
use crate::clouds::s3::look;
use crate::clouds::s3::read::{self, Found};

use super::{Aws, identity, key, policy};

/// Tags that Amazon itself writes begin so; nobody else may.
const AMAZONS: &str = "aws:";
/// The ownership under which access lists have no meaning.
const ENFORCED: &str = "BucketOwnerEnforced";
/// The four switches of the block on public access.
pub(super) const SWITCHES: [&str; 4] = [
    "BlockPublicAcls",
    "IgnorePublicAcls",
    "BlockPublicPolicy",
    "RestrictPublicBuckets",
];

/// The error of a bucket that this operation has made and that is not known yet.
pub(super) fn unknown(bucket: &str) -> CloudError {
    let mut error = CloudError::new(
        CloudErrorKind::NotFound,
        "s3:GetBucketTagging",
        bucket,
        "the bucket was made a moment ago and is not known everywhere yet",
    );
    error.code = Some("NoSuchBucket".to_owned());
    error
}

/// A refusal to look at a name may mean that the name is another account's.
pub(super) fn not_ours(error: CloudError, bucket: &str) -> CloudError {
    if error.kind != CloudErrorKind::Denied {
        return error;
    }
    let hint = format!(
        "Bucket names are shared by all accounts of AWS, and {bucket:?} is taken. If another \
         account has it, choose another name; if it is yours, allow {} to the caller.",
        error.call
    );
    error.hint(hint)
}

/// Reads the bucket; `None` when the server says that it is not there.
pub(super) async fn observe(
    cloud: &Aws,
    bucket: &str,
    look_at: &LookAt,
) -> Result<Option<Observed>, CloudError> {
    let s3 = &cloud.s3;
    let (tags, versioning, encryption, cors, lifecycle, grants, public, owner, identity, key) = tokio::join!(
        read::tags(s3, bucket),
        read::versioning(s3, bucket),
        read::encryption(s3, bucket, look_at.encryption),
        read::cors(s3, bucket, ""),
        read::lifecycle(s3, bucket),
        read::grants(s3, bucket),
        public_access(cloud, bucket),
        other_owner(cloud, bucket),
        identity::reading(cloud, look_at.identity.as_ref()),
        key::reading(cloud, bucket, look_at.key.as_ref()),
    );
    let (
        Found::Reading(tags),
        Found::Reading(versioning),
        Found::Reading(encryption),
        Found::Reading(cors),
        Found::Reading(lifecycle),
        Found::Reading(grants),
        Found::Reading(public_access),
        Found::Reading(other_owner),
    ) = (
        tags?,
        versioning?,
        encryption?,
        cors?.0,
        lifecycle?,
        grants?,
        public?,
        owner?,
    )
    else {
        return Ok(None);
    };
    let refusals = (&tags, &versioning, &lifecycle, &grants);
    if let (Reading::Denied(_), Reading::Denied(_), Reading::Denied(_), Reading::Denied(_)) =
        refusals
    {
        // Nothing but refusals would pass for a bucket without drift.
        look::look(s3, bucket).await?;
    }
    let partition = cloud.clients.partition();
    let marker = tags.known().and_then(look::marker_of);
    Ok(Some(Observed {
        location: Some(cloud.clients.settings().region.clone()),
        marker,
        tags: read::without_marker(tags).map(without_amazons),
        versioning,
        cors,
        encryption: encryption.map(as_amazon_encrypts),
        lifecycle,
        grants: grants.map(|document| {
            policy::grant_state(partition, bucket, look_at.grants.as_ref(), &document)
        }),
        public_access,
        other_owner,
        identity: identity?,
        key: key?,
        ..Observed::unread(CloudKind::Aws, full_name(cloud, bucket))
    }))
}

fn full_name(cloud: &Aws, bucket: &str) -> String {
    format!("arn:{}:s3:::{bucket}", cloud.clients.partition())
}

fn without_amazons(mut tags: BTreeMap<String, String>) -> BTreeMap<String, String> {
    tags.retain(|key, _| !key.starts_with(AMAZONS));
    tags
}

/// Amazon encrypts every new object, also where a bucket says nothing about it.
fn as_amazon_encrypts(state: EncryptionState) -> EncryptionState {
    EncryptionState {
        algorithm: state.algorithm.or_else(|| Some("AES256".to_owned())),
        ..state
    }
}

/// What a bucket is like the moment that it was made. The switches on public access are
/// taken for open: since 2023 Amazon closes them, other years and other servers do not.
pub(super) fn fresh(cloud: &Aws, bucket: &str, tags: &BTreeMap<String, String>) -> Observed {
    let marker = look::marker_of(tags);
    Observed {
        location: Some(cloud.clients.settings().region.clone()),
        marker,
        tags: read::without_marker(Reading::Known(tags.clone())),
        versioning: Reading::Known(Versioning::Off),
        cors: Reading::Known(Vec::new()),
        encryption: Reading::Known(as_amazon_encrypts(EncryptionState::default())),
        lifecycle: Reading::Known(Vec::new()),
        grants: Reading::Known(GrantState {
            wandb: Rule::Missing,
            https_only: Rule::Missing,
            public: Vec::new(),
            foreign: Vec::new(),
        }),
        public_access: Reading::Known(PublicAccess {
            open: SWITCHES.map(str::to_owned).to_vec(),
        }),
        other_owner: Reading::Known("unknown".to_owned()),
        identity: Reading::Known(None),
        ..Observed::unread(CloudKind::Aws, full_name(cloud, bucket))
    }
}

async fn public_access(cloud: &Aws, bucket: &str) -> Result<Found<PublicAccess>, CloudError> {
    let call = "s3:GetBucketPublicAccessBlock";
    let client = cloud.s3.clients.s3();
    let outcome = cloud
        .s3
        .sdk(Work::Read, call, bucket, || {
            client.get_public_access_block().bucket(bucket).send()
        })
        .await
        .map(|answer| {
            let configuration = answer.public_access_block_configuration;
            let is_on =
                |which: fn(&aws_sdk_s3::types::PublicAccessBlockConfiguration) -> Option<bool>| {
                    configuration.as_ref().and_then(which).unwrap_or(false)
                };
            let switches = [
                is_on(|one| one.block_public_acls()),
                is_on(|one| one.ignore_public_acls()),
                is_on(|one| one.block_public_policy()),
                is_on(|one| one.restrict_public_buckets()),
            ];
            let open = SWITCHES.into_iter().zip(switches);
            open.filter(|(_, on)| !on)
                .map(|(name, _)| name.to_owned())
                .collect()
        });
    found(
        call,
        || SWITCHES.map(str::to_owned).to_vec(),
        outcome,
        |open| PublicAccess { open },
    )
}

async fn other_owner(cloud: &Aws, bucket: &str) -> Result<Found<String>, CloudError> {
    let call = "s3:GetBucketOwnershipControls";
    let client = cloud.s3.clients.s3();
    let outcome = cloud
        .s3
        .sdk(Work::Read, call, bucket, || {
            client.get_bucket_ownership_controls().bucket(bucket).send()
        })
        .await
        .map(|answer| {
            answer
                .ownership_controls
                .and_then(|controls| controls.rules.into_iter().next())
                .map_or(ObjectOwnership::ObjectWriter, |rule| rule.object_ownership)
                .as_str()
                .to_owned()
        });
    found(
        call,
        || "ObjectWriter".to_owned(),
        outcome,
        |owner| {
            if owner == ENFORCED {
                String::new()
            } else {
                owner
            }
        },
    )
}

/// Judges the outcome of reading a setting that only Amazon has.
fn found<T, U>(
    call: &str,
    none: impl FnOnce() -> T,
    outcome: Result<T, CloudError>,
    read: impl FnOnce(T) -> U,
) -> Result<Found<U>, CloudError> {
    Ok(Found::Reading(match outcome {
        Ok(value) => Reading::Known(read(value)),
        Err(error) if no_bucket(&error) => return Ok(Found::NoBucket),
        Err(error) if not_set(&error) => Reading::Known(read(none())),
        Err(error) if error.kind == CloudErrorKind::NotSupported => {
            Reading::Unsupported(error.message)
        }
        Err(error) if error.kind == CloudErrorKind::Denied => {
            Reading::Denied(format!("{call}: {}", error.message))
        }
        Err(error) => return Err(error),
    }))
}
