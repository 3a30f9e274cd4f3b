//! W&B's user and its keys, by MinIO's own interface or by the one of AWS.

use std::collections::BTreeSet;

use async_trait::async_trait;

use crate::byob::cloud::LookAt;
use crate::byob::identity::{AccessKey, Identity, IdentityService};
use crate::byob::observed::IdentityState;
use crate::byob::{CloudError, CloudErrorKind, Reading};
use crate::clouds::reading;
use crate::clouds::s3::variant::explained;

use super::{S3Compatible, identity_iam, identity_minio};

/// The identity, if one is asked for.
pub(super) async fn reading(
    cloud: &S3Compatible,
    bucket: &str,
    look_at: &LookAt,
) -> Result<Reading<Option<IdentityState>>, CloudError> {
    let Some(identity) = &look_at.identity else {
        return Ok(Reading::Skipped);
    };
    let key = look_at.access_key.as_ref();
    let outcome = if cloud.is_minio().await? {
        identity_minio::observe(cloud, bucket, identity, key).await
    } else {
        identity_iam::observe(&cloud.iam(), identity, key).await
    };
    match outcome {
        // A server that has the other interface takes the question for another one. That
        // must not stand in the way of a plan that changes admin_api.
        Err(error) if error.kind == CloudErrorKind::Invalid => {
            Ok(Reading::Unsupported(error.message))
        }
        outcome => reading::reading(outcome),
    }
}

#[async_trait]
impl IdentityService for S3Compatible {
    async fn put_identity(&self, identity: &Identity, is_new: bool) -> Result<(), CloudError> {
        let outcome = if self.is_minio().await? {
            identity_minio::put(self, identity, is_new).await
        } else {
            identity_iam::put(&self.iam(), identity).await
        };
        explained(self, outcome.map_err(other_interface)).await
    }

    fn makes_access_keys(&self) -> bool {
        true
    }

    fn chooses_access_key_ids(&self) -> bool {
        self.clients.is_minio() == Some(true)
    }

    async fn create_access_key(&self, identity: &Identity) -> Result<AccessKey, CloudError> {
        let outcome = if self.is_minio().await? {
            identity_minio::create_access_key(self, identity).await
        } else {
            self.iam().create_access_key(identity).await
        };
        explained(self, outcome).await
    }

    async fn delete_access_keys(
        &self,
        identity: &Identity,
        keep: &BTreeSet<String>,
    ) -> Result<(), CloudError> {
        let outcome = if self.is_minio().await? {
            identity_minio::delete_access_keys(self, identity, keep).await
        } else {
            self.iam().delete_access_keys(identity, keep).await
        };
        explained(self, outcome).await
    }

    async fn survives(&self, identity: &Identity) -> Result<bool, CloudError> {
        let outcome = if self.is_minio().await? {
            identity_minio::survives(self, identity).await
        } else {
            let state = identity_iam::observe(&self.iam(), identity, None).await;
            state.map(|state| state.is_some_and(|state| !identity_iam::is_foreign(&state)))
        };
        explained(self, outcome).await
    }

    /// Its name says it.
    async fn mark_identity(&self, _: &Identity) -> Result<(), CloudError> {
        Ok(())
    }

    async fn withdraw_identity(&self, identity: &Identity) -> Result<(), CloudError> {
        self.delete_identity(identity).await
    }

    async fn delete_identity(&self, identity: &Identity) -> Result<(), CloudError> {
        let outcome = if self.is_minio().await? {
            identity_minio::remove(self, identity).await
        } else {
            identity_iam::remove(&self.iam(), identity).await
        };
        explained(self, outcome).await
    }
}

/// A server that has the other interface for users takes the calls for something else.
fn other_interface(error: CloudError) -> CloudError {
    let is_odd = matches!(
        error.kind,
        CloudErrorKind::Invalid | CloudErrorKind::NotSupported | CloudErrorKind::NotFound
    );
    if !is_odd || error.hint.is_some() {
        return error;
    }
    error.hint(
        "Set admin_api to the interface for users that the server has, \"minio\" or \"iam\"; \
         \"auto\" finds out.",
    )
}
