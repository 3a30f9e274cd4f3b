//! Servers that speak Amazon's S3 protocol: MinIO, SeaweedFS, Ceph and others.
//!
//! They differ in what they know, and some take an unknown sub-resource for the
//! bucket itself (MinIO deletes a bucket on `DELETE ?publicAccessBlock`). So a setting
//! is written only after the server has answered the matching `GET`, and settings that
//! only AWS has are never written at all. [`crate::clouds::s3::change`] keeps that rule.
//!
//! Users and keys are made through MinIO's own interface or through that of AWS.

mod admin_minio;
mod client;
mod encrypted;
mod keys_iam;
mod keys_minio;
mod observe;
mod permissions;

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::sync::Arc;

use async_trait::async_trait;
use tokio_util::sync::CancellationToken;

use crate::byob::cloud::{Cloud, CloudKind, Contents, LookAt, OwnedBucket, SecretUrl, Sighting};
use crate::byob::diff::Change;
use crate::byob::identity::{AccessKey, Identity};
use crate::byob::observed::Observed;
use crate::byob::probe::{ProbeRequest, WebAnswer, WebRequest};
use crate::byob::{CloudError, CloudErrorKind};
use crate::clouds::retry::Patience;
use crate::clouds::s3::iam::Iam;
use crate::clouds::s3::{Dialect, S3, change, client as s3_client, contents, locks, look, sign};

pub use client::{AdminApi, Clients, Settings};
pub use permissions::PERMISSIONS;

/// Opens the server of `clients` for one operation, which ends with `stop`.
pub fn open(clients: &Arc<Clients>, stop: CancellationToken) -> Arc<dyn Cloud> {
    let patience = Patience::new(clients.settings().max_retries, stop);
    Arc::new(S3Compatible {
        s3: S3::new(clients.s3(), patience, Dialect::Unknown),
        clients: clients.clone(),
    })
}

/// One server, opened for one operation.
struct S3Compatible {
    clients: Arc<Clients>,
    s3: S3,
}

impl fmt::Debug for S3Compatible {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.debug_struct("S3Compatible")
            .field("clients", &self.clients)
            .finish_non_exhaustive()
    }
}

impl S3Compatible {
    /// Whether users are made through MinIO's interface. A server that has not said
    /// yet what it is gets asked once.
    async fn is_minio(&self) -> Result<bool, CloudError> {
        if let Some(known) = self.clients.is_minio() {
            return Ok(known);
        }
        let request = WebRequest {
            method: "GET",
            url: SecretUrl::new(self.s3.clients.server_url("minio/health/live")),
            headers: Vec::new(),
            body: Vec::new(),
        };
        let answer = self.s3.web("minio:HealthLive", "server", &request).await?;
        let is_minio = answer.status == 200;
        self.clients.remember_minio(is_minio);
        Ok(is_minio)
    }

    /// Users and keys by the interface of AWS.
    fn iam(&self) -> Iam<'_> {
        Iam {
            s3: &self.s3,
            client: self.clients.iam(),
        }
    }
}

#[async_trait]
impl Cloud for S3Compatible {
    fn kind(&self) -> CloudKind {
        CloudKind::S3Compatible
    }

    fn location(&self) -> String {
        s3_client::location(&self.clients.settings().endpoint)
    }

    async fn look(&self, bucket: &str) -> Result<Option<Sighting>, CloudError> {
        look::look(&self.s3, bucket).await
    }

    async fn observe(
        &self,
        bucket: &str,
        look_at: &LookAt,
    ) -> Result<Option<Observed>, CloudError> {
        observe::observe(self, bucket, look_at).await
    }

    async fn create(
        &self,
        bucket: &str,
        tags: &BTreeMap<String, String>,
    ) -> Result<(), CloudError> {
        look::create(&self.s3, bucket, tags).await
    }

    fn fresh(&self, bucket: &str, tags: &BTreeMap<String, String>) -> Option<Observed> {
        Some(observe::fresh(self, bucket, tags))
    }

    async fn change(&self, bucket: &str, change: &Change) -> Result<(), CloudError> {
        change::change(&self.s3, bucket, change).await
    }

    async fn put_identity(&self, identity: &Identity) -> Result<(), CloudError> {
        let outcome = if self.is_minio().await? {
            keys_minio::put(self, identity).await
        } else {
            keys_iam::put(&self.iam(), identity).await
        };
        outcome.map_err(other_interface)
    }

    async fn put_new_identity(&self, identity: &Identity) -> Result<(), CloudError> {
        if !self.is_minio().await? {
            return self.put_identity(identity).await;
        }
        keys_minio::put_new(self, identity)
            .await
            .map_err(other_interface)
    }

    fn names_keys(&self) -> bool {
        self.clients.is_minio() == Some(true)
    }

    async fn make_key(&self, identity: &Identity) -> Result<AccessKey, CloudError> {
        if self.is_minio().await? {
            keys_minio::make_key(self, identity).await
        } else {
            self.iam().make_key(identity).await
        }
    }

    async fn remove_keys(
        &self,
        identity: &Identity,
        keep: &BTreeSet<String>,
    ) -> Result<(), CloudError> {
        if self.is_minio().await? {
            keys_minio::remove_keys(self, identity, keep).await
        } else {
            self.iam().remove_keys(identity, keep).await
        }
    }

    async fn remove_identity(&self, identity: &Identity) -> Result<(), CloudError> {
        if self.is_minio().await? {
            keys_minio::remove(self, identity).await
        } else {
            keys_iam::remove(&self.iam(), identity).await
        }
    }

    async fn contents(&self, bucket: &str, limit: u64) -> Result<Contents, CloudError> {
        contents::contents(&self.s3, bucket, limit).await
    }

    async fn can_empty(&self, bucket: &OwnedBucket) -> Result<(), CloudError> {
        locks::refuse_locked(&self.s3, bucket.name()).await
    }

    async fn empty(&self, bucket: &OwnedBucket) -> Result<Contents, CloudError> {
        contents::empty(&self.s3, bucket.name()).await
    }

    async fn delete(&self, bucket: &OwnedBucket) -> Result<(), CloudError> {
        contents::delete(&self.s3, bucket.name()).await
    }

    async fn sign(
        &self,
        bucket: &str,
        request: &ProbeRequest,
        key: Option<&AccessKey>,
    ) -> Result<SecretUrl, CloudError> {
        sign::address(&self.s3.clients, bucket, request, key).await
    }

    async fn ask(&self, bucket: &str, request: &WebRequest) -> Result<WebAnswer, CloudError> {
        self.s3.web(request.method, bucket, request).await
    }

    async fn overreach(&self, bucket: &str, key: &AccessKey) -> Result<Vec<String>, CloudError> {
        sign::overreach(&self.s3, bucket, key).await
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
