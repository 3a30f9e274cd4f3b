//! Amazon Web Services: S3 with KMS, IAM and STS.
//!
//! What the S3 protocol shares with other servers is in [`crate::clouds::s3`]; here is
//! what only Amazon has: access documents of buckets and keys, the block on public
//! access, object ownership, keys, and users.

mod caller;
mod change;
mod client;
mod create;
mod credentials;
mod error;
mod identity;
mod key_service;
mod observe;
pub mod partition;
mod permissions;
mod policy;

use std::collections::BTreeMap;
use std::fmt;
use std::sync::{Arc, OnceLock};

use async_trait::async_trait;
use tokio_util::sync::CancellationToken;

use crate::byob::change::Change;
use crate::byob::cloud::{CallerPermission, Intent, LookAt, Sighting};
use crate::byob::identity::IdentityService;
use crate::byob::key_service::KeyService;
use crate::byob::{Cloud, CloudError, CloudErrorKind, CloudKind, Observed};
use crate::clouds::retry::Patience;
use crate::clouds::s3::grants::Language;
use crate::clouds::s3::iam::Iam;
use crate::clouds::s3::variant::Variant;
use crate::clouds::s3::{Dialect, S3, look};

use error::{missing_action, names_no_principal};

pub use client::{Clients, Endpoints, Settings};
pub use credentials::{AssumeRole, Source, WebIdentity, default_region};
pub use permissions::PERMISSIONS;

/// Opens the account and region of `clients` for one operation, which ends with `stop`.
pub fn open(clients: &Arc<Clients>, stop: CancellationToken) -> Arc<dyn Cloud> {
    let patience = Patience::new(clients.settings().max_retries, stop.clone());
    Arc::new(Aws {
        s3: S3::new(clients.s3(), patience, Dialect::Amazon),
        clients: Arc::clone(clients),
        stop,
        own_key: OnceLock::new(),
    })
}

/// One account and region, opened for one operation.
struct Aws {
    clients: Arc<Clients>,
    s3: S3,
    stop: CancellationToken,
    /// The bucket's own key, which this operation has made or found.
    own_key: OnceLock<String>,
}

impl fmt::Debug for Aws {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.debug_struct("Aws")
            .field("clients", &self.clients)
            .finish_non_exhaustive()
    }
}

impl Aws {
    fn iam(&self) -> Iam<'_> {
        Iam {
            s3: &self.s3,
            client: self.clients.iam(),
        }
    }

    fn language(&self) -> Language<'_> {
        Language {
            principal: "AWS",
            partition: self.clients.partition(),
        }
    }

    /// Who asks, when it is one of the accounts that the user allows.
    async fn allowed(&self) -> Result<(), CloudError> {
        let allowed = &self.clients.settings().allowed_account_ids;
        if allowed.is_empty() {
            return Ok(());
        }
        let caller = self.clients.caller(&self.s3).await?;
        if allowed.contains(&caller.account) {
            return Ok(());
        }
        Err(CloudError::new(
            CloudErrorKind::Invalid,
            "sts:GetCallerIdentity",
            &caller.arn,
            format!(
                "the credentials belong to account {}, and allowed_account_ids has {}",
                caller.account,
                allowed.iter().cloned().collect::<Vec<_>>().join(", ")
            ),
        )
        .hint("Use credentials of the right account, or add this one to allowed_account_ids."))
    }
}

#[async_trait]
impl Variant for Aws {
    const KIND: CloudKind = CloudKind::Aws;

    fn s3(&self) -> &S3 {
        &self.s3
    }

    /// What an error's code asks for, or the missing action and the caller's name.
    async fn explain(&self, error: CloudError) -> CloudError {
        // No server has refused them: they were not found, or not to be had.
        if error.kind == CloudErrorKind::Unauthenticated && error.code.is_none() {
            return error.hint(credentials::ADVICE);
        }
        if error.hint.is_some() {
            return error;
        }
        if let Some(advice) = error::advice(&error) {
            return error.hint(advice);
        }
        if error.kind != CloudErrorKind::Denied {
            return error;
        }
        let caller = match self.clients.caller(&self.s3).await {
            Ok(caller) => caller.arn.clone(),
            Err(_) => "the caller".to_owned(),
        };
        let action = missing_action(&error).unwrap_or_else(|| error.call.clone());
        let hint = format!(
            "Allow {action} to {caller}, for {:?}; an explicit deny, a permissions boundary or an \
             organization's policy may be in the way as well.",
            error.target
        );
        error.hint(hint)
    }

    fn key_service(&self) -> Option<&dyn KeyService> {
        Some(self)
    }

    fn identity_service(&self) -> Option<&dyn IdentityService> {
        Some(self)
    }

    async fn look(&self, bucket: &str) -> Result<Option<Sighting>, CloudError> {
        self.allowed().await?;
        let outcome = look::look(&self.s3, bucket).await;
        outcome.map_err(|error| observe::not_ours(error, bucket))
    }

    async fn observe(
        &self,
        bucket: &str,
        look_at: &LookAt,
    ) -> Result<Option<Observed>, CloudError> {
        self.allowed().await?;
        observe::observe(self, bucket, look_at).await
    }

    async fn create(
        &self,
        bucket: &str,
        tags: &BTreeMap<String, String>,
    ) -> Result<(), CloudError> {
        create::create(self, bucket, tags).await?;
        self.s3.note_made();
        Ok(())
    }

    fn fresh(&self, bucket: &str, tags: &BTreeMap<String, String>) -> Option<Observed> {
        Some(observe::fresh(self, bucket, tags))
    }

    async fn change(&self, bucket: &str, change: &Change) -> Result<(), CloudError> {
        change::change(self, bucket, change).await
    }

    fn is_not_known_yet(&self, error: &CloudError) -> bool {
        names_no_principal(error)
    }

    async fn ask_account(&self) {
        // Who may not ask is compared by the address alone.
        let _ = self.clients.caller(&self.s3).await;
    }

    fn known_account(&self) -> Option<String> {
        self.clients.known_account()
    }

    async fn caller_permissions(&self, bucket: &str, intent: Intent<'_>) -> Vec<CallerPermission> {
        caller::permissions(self, bucket, intent).await
    }
}
