//! Reads every setting of a bucket at once. Writes nothing.

use std::collections::BTreeMap;

use crate::byob::cloud::LookAt;
use crate::byob::observed::{GrantState, Rule};
use crate::byob::{CloudError, CloudKind, Observed};
use crate::clouds::s3::observe;
use crate::clouds::s3::policy::{Document, bucket_arn};

use super::{PARTITION, S3Compatible, identity};

/// Reads the bucket; `None` when the server says that it is not there.
pub(super) async fn observe(
    cloud: &S3Compatible,
    bucket: &str,
    look_at: &LookAt,
) -> Result<Option<Observed>, CloudError> {
    // The first answer tells what kind of server it is, and so where users are.
    let identity = identity::reading(cloud, bucket, look_at);
    let (settings, identity) = observe::settings(&cloud.s3, bucket, look_at, identity).await?;
    let Some(settings) = settings else {
        return Ok(None);
    };
    let observed = settings.observed(unread(cloud, bucket), grants);
    Ok(Some(Observed {
        identity: identity?,
        ..observed
    }))
}

fn unread(cloud: &S3Compatible, bucket: &str) -> Observed {
    let region = &cloud.clients.settings().region;
    observe::unread(
        CloudKind::S3Compatible,
        bucket_arn(PARTITION, bucket),
        region,
    )
}

/// What a bucket is like the moment that it was made. Which rules a server gives to web
/// pages by itself, and to the public, differs, so nothing is said about that.
pub(super) fn fresh(
    cloud: &S3Compatible,
    bucket: &str,
    tags: &BTreeMap<String, String>,
) -> Observed {
    observe::fresh(unread(cloud, bucket), tags)
}

/// These servers are given no rules of ours, so what is there is somebody else's.
fn grants(policy: Document) -> GrantState {
    GrantState {
        wandb: Rule::AsWanted,
        https_only: Rule::AsWanted,
        public: policy.public_statements(),
        foreign: policy.names(),
        ..GrantState::default()
    }
}
