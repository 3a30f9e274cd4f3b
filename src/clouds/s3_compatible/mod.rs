//! Servers that speak Amazon's S3 protocol: MinIO, SeaweedFS, Ceph and others.
//!
//! They differ in what they know, and some take an unknown sub-resource for the
//! bucket itself (MinIO deletes a bucket on `DELETE ?publicAccessBlock`). So a setting
//! is written only after the server has answered the matching `GET`, and settings that
//! only AWS has are never written at all. [`change`] keeps that rule.
//!
//! Users and keys are made through MinIO's own interface or through that of AWS.

mod admin_minio;
mod change;
mod client;
mod contents;
mod encrypted;
mod error;
mod keys_iam;
mod keys_minio;
mod look;
mod observe;
mod permissions;
mod random;
mod settings;
mod sign;

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::future::Future;
use std::sync::{Arc, Mutex, PoisonError};

use async_trait::async_trait;
use aws_sdk_s3::config::http::HttpResponse;
use aws_sdk_s3::error::{ProvideErrorMetadata, SdkError};
use tokio_util::sync::CancellationToken;

use crate::byob::cloud::{Cloud, CloudKind, Contents, LookAt, OwnedBucket, SecretUrl, Sighting};
use crate::byob::diff::Change;
use crate::byob::identity::{AccessKey, Identity};
use crate::byob::observed::Observed;
use crate::byob::probe::{ProbeRequest, WebAnswer, WebRequest};
use crate::byob::{CloudError, CloudErrorKind};
use crate::clouds::retry::{Patience, Work};

use change::{Knowledge, Sub};
pub use client::{AdminApi, Clients, Settings};
pub use permissions::PERMISSIONS;

/// Opens the server of `clients` for one operation, which ends with `stop`.
pub fn open(clients: &Arc<Clients>, stop: CancellationToken) -> Arc<dyn Cloud> {
    Arc::new(S3Compatible {
        clients: clients.clone(),
        patience: Patience::new(clients.settings().max_retries, stop),
        knowledge: Mutex::new(BTreeMap::new()),
    })
}

/// One server, opened for one operation.
struct S3Compatible {
    clients: Arc<Clients>,
    patience: Patience,
    /// What the server has shown to know or not to know, in this operation.
    knowledge: Mutex<BTreeMap<Sub, Knowledge>>,
}

impl fmt::Debug for S3Compatible {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.debug_struct("S3Compatible")
            .field("clients", &self.clients)
            .finish_non_exhaustive()
    }
}

impl S3Compatible {
    /// Makes one call of an SDK, again when that makes sense.
    async fn sdk<T, E, Calling>(
        &self,
        work: Work,
        call: &str,
        target: &str,
        mut attempt: impl FnMut() -> Calling,
    ) -> Result<T, CloudError>
    where
        E: ProvideErrorMetadata + std::error::Error + 'static,
        Calling: Future<Output = Result<T, SdkError<E, HttpResponse>>>,
    {
        self.patience
            .call(work, call, target, || {
                let calling = attempt();
                async move {
                    calling
                        .await
                        .map_err(|error| error::failure(call, target, error))
                }
            })
            .await
    }

    fn recall(&self, sub: Sub) -> Option<Knowledge> {
        self.knowledge
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .get(&sub)
            .cloned()
    }

    fn learn(&self, sub: Sub, knowledge: Knowledge) {
        self.knowledge
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .insert(sub, knowledge);
    }

    /// Whether users are made through MinIO's interface. A server that has not said
    /// yet what it is gets asked once.
    async fn is_minio(&self) -> Result<bool, CloudError> {
        if let Some(known) = self.clients.is_minio() {
            return Ok(known);
        }
        let request = WebRequest {
            method: "GET",
            url: SecretUrl::new(self.clients.server_url("minio/health/live")),
            headers: Vec::new(),
            body: Vec::new(),
        };
        let answer = self.web("minio:HealthLive", "server", &request).await?;
        let is_minio = answer.status == 200;
        self.clients.remember_minio(is_minio);
        Ok(is_minio)
    }

    async fn web(
        &self,
        call: &str,
        target: &str,
        request: &WebRequest,
    ) -> Result<WebAnswer, CloudError> {
        let work = match request.method {
            "GET" | "HEAD" | "OPTIONS" => Work::Read,
            "DELETE" => Work::Write,
            _ => Work::Once,
        };
        self.patience
            .call(work, call, target, || {
                self.clients.exchange(call, target, request)
            })
            .await
    }
}

#[async_trait]
impl Cloud for S3Compatible {
    fn kind(&self) -> CloudKind {
        CloudKind::S3Compatible
    }

    fn location(&self) -> String {
        client::location(&self.clients.settings().endpoint)
    }

    async fn look(&self, bucket: &str) -> Result<Option<Sighting>, CloudError> {
        look::look(self, bucket).await
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
        look::create(self, bucket, tags).await
    }

    async fn change(&self, bucket: &str, change: &Change) -> Result<(), CloudError> {
        change::change(self, bucket, change).await
    }

    async fn put_identity(&self, identity: &Identity) -> Result<(), CloudError> {
        if self.is_minio().await? {
            keys_minio::put(self, identity).await
        } else {
            keys_iam::put(self, identity).await
        }
    }

    async fn make_key(&self, identity: &Identity) -> Result<AccessKey, CloudError> {
        if self.is_minio().await? {
            keys_minio::make_key(self, identity).await
        } else {
            keys_iam::make_key(self, identity).await
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
            keys_iam::remove_keys(self, identity, keep).await
        }
    }

    async fn remove_identity(&self, identity: &Identity) -> Result<(), CloudError> {
        if self.is_minio().await? {
            keys_minio::remove(self, identity).await
        } else {
            keys_iam::remove(self, identity).await
        }
    }

    async fn contents(&self, bucket: &str, limit: u64) -> Result<Contents, CloudError> {
        contents::contents(self, bucket, limit).await
    }

    async fn empty(&self, bucket: &OwnedBucket) -> Result<Contents, CloudError> {
        contents::empty(self, bucket.name()).await
    }

    async fn delete(&self, bucket: &OwnedBucket) -> Result<(), CloudError> {
        contents::delete(self, bucket.name()).await
    }

    async fn sign(
        &self,
        bucket: &str,
        request: &ProbeRequest,
        key: Option<&AccessKey>,
    ) -> Result<SecretUrl, CloudError> {
        sign::address(&self.clients, bucket, request, key)
    }

    async fn ask(&self, bucket: &str, request: &WebRequest) -> Result<WebAnswer, CloudError> {
        self.web(request.method, bucket, request).await
    }

    async fn overreach(&self, bucket: &str, key: &AccessKey) -> Result<Vec<String>, CloudError> {
        sign::overreach(self, bucket, key).await
    }
}

/// The error of a thing that cannot be done at all.
fn refused(
    kind: CloudErrorKind,
    call: &str,
    target: &str,
    message: impl Into<String>,
) -> CloudError {
    CloudError::new(kind, call, target, message)
}
