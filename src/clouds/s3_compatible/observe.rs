//! Reads every setting of a bucket at once. Writes nothing.

use std::collections::BTreeMap;

use crate::byob::cloud::{CloudKind, LookAt};
use crate::byob::observed::{
    EncryptionState, GrantState, IdentityState, Observed, Reading, Rule, Versioning,
};
use crate::byob::policy::Document;
use crate::byob::{CloudError, CloudErrorKind};
use crate::clouds::s3::look;
use crate::clouds::s3::read::{self, Found};

use super::{S3Compatible, keys_iam, keys_minio};

/// Reads the bucket; `None` when the server says that it is not there.
pub(super) async fn observe(
    cloud: &S3Compatible,
    bucket: &str,
    look_at: &LookAt,
) -> Result<Option<Observed>, CloudError> {
    let s3 = &cloud.s3;
    let ((tags, identity), versioning, encryption, cors, lifecycle, grants) = tokio::join!(
        // The first answer tells what kind of server it is, and so where users are.
        async {
            let tags = read::tags(s3, bucket).await;
            let identity = identity(cloud, bucket, look_at).await;
            (tags, identity)
        },
        read::versioning(s3, bucket),
        read::encryption(s3, bucket, look_at.encryption),
        read::cors(s3, bucket, &look_at.origin),
        read::lifecycle(s3, bucket),
        read::grants(s3, bucket),
    );
    let (cors, preflight) = cors?;
    let (
        Found::Reading(tags),
        Found::Reading(versioning),
        Found::Reading(encryption),
        Found::Reading(cors),
        Found::Reading(lifecycle),
        Found::Reading(grants),
    ) = (tags?, versioning?, encryption?, cors, lifecycle?, grants?)
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
    let marker = tags.known().and_then(look::marker_of);
    let region = &cloud.clients.settings().region;
    Ok(Some(Observed {
        location: (!region.is_empty()).then(|| region.clone()),
        marker,
        tags: read::without_marker(tags),
        versioning,
        cors,
        preflight,
        encryption,
        lifecycle,
        grants: told(grants),
        identity: identity?,
        ..Observed::unread(CloudKind::S3Compatible, format!("arn:aws:s3:::{bucket}"))
    }))
}

/// What a bucket is like the moment that it was made. Which rules a server gives to web
/// pages by itself, and to the public, differs, so nothing is said about that.
pub(super) fn fresh(
    cloud: &S3Compatible,
    bucket: &str,
    tags: &BTreeMap<String, String>,
) -> Observed {
    let region = &cloud.clients.settings().region;
    Observed {
        location: (!region.is_empty()).then(|| region.clone()),
        marker: look::marker_of(tags),
        tags: read::without_marker(Reading::Known(tags.clone())),
        versioning: Reading::Known(Versioning::Off),
        encryption: Reading::Known(EncryptionState::default()),
        lifecycle: Reading::Known(Vec::new()),
        identity: Reading::Known(None),
        ..Observed::unread(CloudKind::S3Compatible, format!("arn:aws:s3:::{bucket}"))
    }
}

/// These servers are given no rules of ours, so what is there is somebody else's.
fn told(grants: Reading<Document>) -> Reading<GrantState> {
    grants.map(|document| GrantState {
        wandb: Rule::AsWanted,
        https_only: Rule::AsWanted,
        public: document.public_statements(),
        foreign: document.names(),
    })
}

async fn identity(
    cloud: &S3Compatible,
    bucket: &str,
    look_at: &LookAt,
) -> Result<Reading<Option<IdentityState>>, CloudError> {
    let Some(identity) = &look_at.identity else {
        return Ok(Reading::Skipped);
    };
    let outcome = if cloud.is_minio().await? {
        let key = look_at.access_key.as_ref();
        keys_minio::observe(cloud, bucket, identity, key).await
    } else {
        keys_iam::observe(&cloud.iam(), identity).await
    };
    match outcome {
        Ok(state) => Ok(Reading::Known(state)),
        Err(error) if error.kind == CloudErrorKind::Denied => Ok(Reading::Denied(format!(
            "{}: {}",
            error.call, error.message
        ))),
        // A server that has the other interface takes the question for another one. That
        // must not stand in the way of a plan that changes admin_api.
        Err(error)
            if matches!(
                error.kind,
                CloudErrorKind::NotSupported | CloudErrorKind::Invalid
            ) =>
        {
            Ok(Reading::Unsupported(error.message))
        }
        Err(error) => Err(error),
    }
}
