//! Amazon's S3 protocol, spoken to one endpoint as one caller, for every cloud that
//! understands it.
//!
//! What differs between servers is said in a [`Dialect`]; what only one cloud has
//! (users, keys, public access) is in that cloud's folder.

pub mod client;
pub mod policy;

pub(in crate::clouds) mod absence;
pub(in crate::clouds) mod change;
pub(in crate::clouds) mod contents;
mod deletion;
pub(in crate::clouds) mod error;
pub(in crate::clouds) mod grants;
pub(in crate::clouds) mod iam;
pub(in crate::clouds) mod knowledge;
mod lifecycle;
pub(in crate::clouds) mod locks;
pub(in crate::clouds) mod look;
pub(in crate::clouds) mod observe;
pub(in crate::clouds) mod overreach;
pub(in crate::clouds) mod permissions;
mod raw;
pub(in crate::clouds) mod read;
pub(in crate::clouds) mod settings;
pub(in crate::clouds) mod sign;
mod skew;
pub(in crate::clouds) mod variant;
mod versioning;
mod versions;

use std::collections::BTreeMap;
use std::future::Future;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use aws_sdk_s3::config::http::HttpResponse as SdkResponse;
use aws_sdk_s3::error::{ProvideErrorMetadata, SdkError};

use crate::byob::CloudError;
use crate::byob::http::{HttpRequest, HttpResponse};
use crate::clouds::retry::{Patience, Work, until_known};

use client::Clients;
use error::{contradicts, no_bucket};
use knowledge::{Knowledge, Sub};

/// What can be taken for granted about the server.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::clouds) enum Dialect {
    /// Amazon's own: every setting is known.
    Amazon,
    /// Another one: each setting has to be asked for before it is written.
    Unknown,
}

/// One endpoint and one caller, for one operation.
pub(in crate::clouds) struct S3 {
    pub(in crate::clouds) clients: Arc<Clients>,
    patience: Patience,
    dialect: Dialect,
    /// What the server has shown to know or not to know, in this operation.
    knowledge: Mutex<BTreeMap<Sub, Knowledge>>,
    /// This operation has made the bucket, so that "no such bucket" means "not known
    /// everywhere yet".
    made_here: Arc<AtomicBool>,
}

impl S3 {
    /// The protocol over `clients`, with the patience of one operation.
    pub(in crate::clouds) fn new(
        clients: Arc<Clients>,
        patience: Patience,
        dialect: Dialect,
    ) -> Self {
        Self {
            clients,
            patience,
            dialect,
            knowledge: Mutex::new(BTreeMap::new()),
            made_here: Arc::default(),
        }
    }

    /// The same for a step that has to be done once another one is.
    pub(in crate::clouds) fn unstopped(&self) -> Self {
        Self {
            made_here: Arc::clone(&self.made_here),
            ..Self::new(
                Arc::clone(&self.clients),
                self.patience.unstopped(),
                self.dialect,
            )
        }
    }

    /// Notes that this operation has made the bucket.
    pub(in crate::clouds) fn note_made(&self) {
        self.made_here.store(true, Ordering::Relaxed);
    }

    /// Whether this operation has made the bucket.
    pub(in crate::clouds) fn made_here(&self) -> bool {
        self.made_here.load(Ordering::Relaxed)
    }

    /// Repeats a call about a bucket that this operation has made until the bucket is known
    /// everywhere, and while `waiting` says so of its error.
    pub(in crate::clouds) async fn once_made<T, Calling>(
        &self,
        call: &str,
        bucket: &str,
        waiting: impl Fn(&CloudError) -> bool,
        attempt: impl FnMut() -> Calling,
    ) -> Result<T, CloudError>
    where
        Calling: Future<Output = Result<T, CloudError>>,
    {
        let made_here = self.made_here();
        let waiting = |error: &CloudError| {
            (made_here && (no_bucket(error) || contradicts(error))) || waiting(error)
        };
        self.once_known(call, bucket, waiting, attempt).await
    }

    /// Makes one call of an SDK, again when that makes sense.
    pub(in crate::clouds) async fn sdk<T, E, Calling>(
        &self,
        work: Work,
        call: &str,
        target: &str,
        mut attempt: impl FnMut() -> Calling,
    ) -> Result<T, CloudError>
    where
        E: ProvideErrorMetadata + std::error::Error + 'static,
        Calling: Future<Output = Result<T, SdkError<E, SdkResponse>>>,
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

    /// Repeats something while `waiting` says of its error that it is about a thing made a
    /// moment ago, which is not known everywhere yet.
    pub(in crate::clouds) async fn once_known<T, Calling>(
        &self,
        call: &str,
        target: &str,
        waiting: impl Fn(&CloudError) -> bool,
        mut attempt: impl FnMut() -> Calling,
    ) -> Result<T, CloudError>
    where
        Calling: Future<Output = Result<T, CloudError>>,
    {
        until_known(
            self.patience.stop(),
            call,
            target,
            |outcome: &Result<T, CloudError>| outcome.as_ref().is_err_and(&waiting),
            || {
                // On the heap: these are whole chains of calls, and several stand in one.
                let calling = Box::pin(attempt());
                async move { Ok(calling.await) }
            },
        )
        .await?
    }

    /// Sends one plain request, again when that makes sense. Every answer is a success.
    pub(in crate::clouds) async fn web(
        &self,
        call: &str,
        target: &str,
        request: &HttpRequest,
    ) -> Result<HttpResponse, CloudError> {
        let work = match request.method {
            "GET" | "HEAD" | "OPTIONS" => Work::Read,
            "DELETE" => Work::Write,
            _ => Work::Once,
        };
        self.patience
            .call(work, call, target, || {
                self.clients.web().exchange(call, target, request)
            })
            .await
    }

    /// Waits before something is asked again that was made a moment ago.
    pub(in crate::clouds) async fn wait_again(
        &self,
        attempt: u32,
        bucket: &str,
    ) -> Result<bool, CloudError> {
        self.patience.wait_again(attempt, "wait", bucket).await
    }

    fn recall(&self, sub: Sub) -> Option<Knowledge> {
        if self.dialect == Dialect::Amazon {
            return Some(Knowledge::Known);
        }
        let shown = self
            .knowledge
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .get(&sub)
            .cloned();
        // Every MinIO, however old, knows these by name: it does them or answers 501.
        let is_minio = || {
            let name = self.clients.server_name();
            name.is_some_and(|name| name.starts_with("MinIO"))
        };
        match (shown, sub) {
            (None, Sub::Tags | Sub::Versioning) if is_minio() => Some(Knowledge::Known),
            (shown, _) => shown,
        }
    }

    fn learn(&self, sub: Sub, knowledge: Knowledge) {
        self.knowledge
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .insert(sub, knowledge);
    }
}
