//! Reads every setting of a bucket and of its key at once. Writes nothing.

use std::collections::BTreeMap;

use aws_sdk_s3::types::ObjectOwnership;

use crate::byob::cloud::LookAt;
use crate::byob::observed::{EncryptionState, GrantState, Observed, PublicAccess};
use crate::byob::{CloudError, CloudErrorKind, CloudKind, Reading};
use crate::clouds::retry::Work;
use crate::clouds::s3::grants;
use crate::clouds::s3::observe;
use crate::clouds::s3::policy::bucket_arn;
use crate::clouds::s3::read::Found;

use super::{Aws, identity, key_service};

/// The ownership under which access lists have no meaning.
const ENFORCED: &str = "BucketOwnerEnforced";
/// The four switches of the block on public access.
pub(super) const SWITCHES: [&str; 4] = [
    "BlockPublicAcls",
    "IgnorePublicAcls",
    "BlockPublicPolicy",
    "RestrictPublicBuckets",
];

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
    // The rules of Amazon's buckets are always their own.
    let look_at = LookAt {
        origin: String::new(),
        ..look_at.clone()
    };
    let (settings, public_access, other_owner, identity, key) = tokio::join!(
        observe::settings(&cloud.s3, bucket, &look_at, std::future::ready(())),
        public_access(cloud, bucket),
        other_owner(cloud, bucket),
        identity::reading(cloud, &look_at),
        key_service::reading(cloud, bucket, look_at.key.as_ref()),
    );
    let (settings, ()) = settings?;
    let (public_access, has_access) = public_access?.into_reading();
    let (other_owner, has_owner) = other_owner?.into_reading();
    let Some(settings) = settings.filter(|_| has_access && has_owner) else {
        return Ok(None);
    };
    let wanted = look_at.grants.as_ref();
    let observed = settings.observed(unread(cloud, bucket), |policy| {
        grants::state(cloud.language(), wanted, &policy)
    });
    Ok(Some(Observed {
        encryption: observed.encryption.map(as_amazon_encrypts),
        public_access,
        other_owner,
        identity: identity?,
        key: key?,
        ..observed
    }))
}

fn unread(cloud: &Aws, bucket: &str) -> Observed {
    let region = &cloud.clients.settings().region;
    let full_name = bucket_arn(cloud.clients.partition(), bucket);
    observe::unread(CloudKind::Aws, full_name, region)
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
    Observed {
        cors: Reading::Known(Vec::new()),
        encryption: Reading::Known(as_amazon_encrypts(EncryptionState::default())),
        grants: Reading::Known(GrantState::default()),
        public_access: Reading::Known(PublicAccess {
            open: SWITCHES.map(str::to_owned).to_vec(),
        }),
        other_owner: Reading::Known("unknown".to_owned()),
        ..observe::fresh(unread(cloud, bucket), tags)
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
    let all = || SWITCHES.map(str::to_owned).to_vec();
    Found::of(
        || PublicAccess { open: all() },
        outcome.map(|open| PublicAccess { open }),
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
    let other = |owner: String| {
        if owner == ENFORCED {
            String::new()
        } else {
            owner
        }
    };
    Found::of(|| "ObjectWriter".to_owned(), outcome.map(other))
}
