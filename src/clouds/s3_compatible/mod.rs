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
mod identity;
mod identity_iam;
mod identity_minio;
mod observe;
mod permissions;

use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;

use async_trait::async_trait;
use tokio_util::sync::CancellationToken;

use crate::byob::change::Change;
use crate::byob::cloud::{CallerPermission, Intent, LookAt, Sighting};
use crate::byob::http::{HttpRequest, SecretUrl};
use crate::byob::identity::IdentityService;
use crate::byob::key_service::KeyService;
use crate::byob::{Cloud, CloudError, CloudErrorKind, CloudKind, Observed};
use crate::clouds::retry::Patience;
use crate::clouds::s3::iam::Iam;
use crate::clouds::s3::variant::Variant;
use crate::clouds::s3::{Dialect, S3, change, look};

pub use client::{AdminApi, Clients, Settings};
pub use permissions::PERMISSIONS;

/// The partition in the names of things on these servers.
const PARTITION: &str = "aws";

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
        let url = SecretUrl::new(self.s3.clients.server_url("minio/health/live"));
        let request = HttpRequest::new("GET", url);
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
impl Variant for S3Compatible {
    const KIND: CloudKind = CloudKind::S3Compatible;

    fn s3(&self) -> &S3 {
        &self.s3
    }

    async fn explain(&self, error: CloudError) -> CloudError {
        if error.kind != CloudErrorKind::Unauthenticated || error.hint.is_some() {
            return error;
        }
        error.hint(
            "Check the caller's keys: access_key and secret_key in the provider's block, or the \
             environment variables in their place.",
        )
    }

    /// Keys are the server's: one is named, none is made.
    fn key_service(&self) -> Option<&dyn KeyService> {
        None
    }

    fn identity_service(&self) -> Option<&dyn IdentityService> {
        Some(self)
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
        change::create(&self.s3, bucket, tags).await
    }

    fn fresh(&self, bucket: &str, tags: &BTreeMap<String, String>) -> Option<Observed> {
        Some(observe::fresh(self, bucket, tags))
    }

    async fn change(&self, bucket: &str, change: &Change) -> Result<(), CloudError> {
        change::change(&self.s3, bucket, change).await
    }

    fn is_not_known_yet(&self, _: &CloudError) -> bool {
        false
    }

    /// These servers have no accounts.
    async fn ask_account(&self) {}

    fn known_account(&self) -> Option<String> {
        None
    }

    /// These servers have no way to ask.
    async fn caller_permissions(&self, _: &str, _: Intent<'_>) -> Vec<CallerPermission> {
        Vec::new()
    }
}
