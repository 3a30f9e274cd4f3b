//! What one operation has seen of its bucket, so that it asks for nothing twice, and writes
//! onto what it has looked at and nothing else.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};

use super::Gcp;
use super::bucket::Document;
use super::sign::Target;
use crate::byob::http::SecretUrl;
use crate::byob::observed::LifecycleRule;

/// What is kept in mind.
#[derive(Default)]
struct Memory {
    /// The bucket's resource as it was told last.
    document: Option<(String, Document)>,
    /// The same as it was when somebody looked whose it is.
    looked_at: Option<(String, Document)>,
    /// Our own lifecycle rules, by which they are told from other people's.
    own_rules: Vec<LifecycleRule>,
    /// Addresses that were signed.
    signed: BTreeMap<Target, SecretUrl>,
}

/// What one operation has seen.
#[derive(Default)]
pub(super) struct Seen {
    memory: Mutex<Memory>,
    /// This operation has made the bucket, so that "no such bucket" means "not known
    /// everywhere yet".
    made_here: AtomicBool,
    /// This operation has given somebody access, which is felt later.
    gave_access: AtomicBool,
}

impl Seen {
    fn memory(&self) -> MutexGuard<'_, Memory> {
        self.memory.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Gcp {
    pub(super) fn remember(&self, bucket: &str, document: &Document) {
        self.seen.memory().document = Some((bucket.to_owned(), document.clone()));
    }

    /// Whatever was seen of the bucket is out of date.
    pub(super) fn forget(&self) {
        self.seen.memory().document = None;
    }

    pub(super) fn recall(&self, bucket: &str) -> Option<Document> {
        let memory = self.seen.memory();
        let seen = memory.document.as_ref();
        seen.filter(|(name, _)| name == bucket)
            .map(|(_, document)| document.clone())
    }

    /// Keeps in mind what somebody is told whose bucket it is by.
    pub(super) fn note_look(&self, bucket: &str, document: &Document) {
        self.seen.memory().looked_at = Some((bucket.to_owned(), document.clone()));
    }

    /// The bucket as it was when somebody looked whose it is.
    pub(super) fn looked_at(&self, bucket: &str) -> Option<Document> {
        let memory = self.seen.memory();
        let looked_at = memory.looked_at.as_ref();
        looked_at
            .filter(|(name, _)| name == bucket)
            .map(|(_, document)| document.clone())
    }

    pub(super) fn note_own_rules(&self, rules: &[LifecycleRule]) {
        self.seen.memory().own_rules = rules.to_vec();
    }

    pub(super) fn own_rules(&self) -> Vec<LifecycleRule> {
        self.seen.memory().own_rules.clone()
    }

    /// An operation is over long before an address that it has signed.
    pub(super) fn remember_signed(&self, target: Target, url: SecretUrl) {
        self.seen.memory().signed.insert(target, url);
    }

    pub(super) fn recall_signed(&self, target: &Target) -> Option<SecretUrl> {
        self.seen.memory().signed.get(target).cloned()
    }

    /// Notes that this operation has made the bucket.
    pub(super) fn note_made(&self) {
        self.seen.made_here.store(true, Ordering::Relaxed);
    }

    /// Notes that this operation has written a policy, or made a key.
    pub(super) fn note_access(&self) {
        self.seen.gave_access.store(true, Ordering::Relaxed);
    }

    /// Whether this operation has written a policy, or made a key.
    pub(super) fn gave_access(&self) -> bool {
        self.seen.gave_access.load(Ordering::Relaxed)
    }

    /// Whether this operation has made the bucket.
    pub(super) fn made_here(&self) -> bool {
        self.seen.made_here.load(Ordering::Relaxed)
    }
}
