//! What one operation has seen, so that it asks for nothing twice, and takes away nothing that
//! it has not looked at.

use std::collections::BTreeSet;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};

use serde_json::Value;

use super::account::Account;
use super::container::Container;
use super::sas::DelegationKey;
use crate::byob::Generation;

/// What is kept in mind.
#[derive(Default)]
struct Memory {
    account: Option<Account>,
    container: Option<(String, Container)>,
    /// Every generation that the bucket's marker has named in this operation.
    generations: BTreeSet<Generation>,
    /// CORS rules of the account, as they were when somebody made up the new ones.
    cors: Vec<Value>,
    /// Names of live blobs, to be told from those that were never finished.
    live: BTreeSet<String>,
    delegation: Option<DelegationKey>,
    /// Why the caller cannot try the container, once somebody has asked.
    lack: Option<Option<String>>,
}

/// What one operation has seen.
#[derive(Default)]
pub(super) struct Seen {
    memory: Mutex<Memory>,
    /// Everything in the container was deleted by this operation.
    emptied: AtomicBool,
    /// The container holds nothing at all, unfinished blobs neither.
    nothing: AtomicBool,
    /// The account was deleted by this operation, with all that was given on it.
    account_gone: AtomicBool,
}

impl Seen {
    fn memory(&self) -> MutexGuard<'_, Memory> {
        self.memory.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn note_account(&self, account: &Account) {
        self.memory().account = Some(account.clone());
    }

    pub(super) fn account(&self) -> Option<Account> {
        self.memory().account.clone()
    }

    pub(super) fn note_container(&self, bucket: &str, container: &Container) {
        let mut memory = self.memory();
        if let Some(marker) = container.marker() {
            memory.generations.extend(marker.generations());
        }
        memory.container = Some((bucket.to_owned(), container.clone()));
    }

    pub(super) fn container(&self, bucket: &str) -> Option<Container> {
        let memory = self.memory();
        let seen = memory.container.as_ref();
        seen.filter(|(name, _)| name == bucket)
            .map(|(_, container)| container.clone())
    }

    /// Every generation that the bucket is known to have had.
    pub(super) fn generations(&self) -> Vec<Generation> {
        self.memory().generations.iter().cloned().collect()
    }

    pub(super) fn note_generations(&self, generations: Vec<Generation>) {
        self.memory().generations.extend(generations);
    }

    pub(super) fn note_cors(&self, rules: &[Value]) {
        self.memory().cors = rules.to_vec();
    }

    pub(super) fn cors(&self) -> Vec<Value> {
        self.memory().cors.clone()
    }

    pub(super) fn forget_live(&self) {
        self.memory().live.clear();
        self.nothing.store(false, Ordering::Relaxed);
    }

    pub(super) fn note_live(&self, name: &str) {
        self.memory().live.insert(name.to_owned());
    }

    pub(super) fn is_live(&self, name: &str) -> bool {
        self.memory().live.contains(name)
    }

    pub(super) fn note_nothing(&self) {
        self.nothing.store(true, Ordering::Relaxed);
    }

    pub(super) fn holds_nothing(&self) -> bool {
        self.nothing.load(Ordering::Relaxed)
    }

    pub(super) fn delegation(&self) -> Option<DelegationKey> {
        self.memory().delegation.clone()
    }

    pub(super) fn note_delegation(&self, key: &DelegationKey) {
        self.memory().delegation = Some(key.clone());
    }

    pub(super) fn note_emptied(&self) {
        self.emptied.store(true, Ordering::Relaxed);
    }

    pub(super) fn is_emptied(&self) -> bool {
        self.emptied.load(Ordering::Relaxed)
    }

    pub(super) fn note_account_gone(&self) {
        self.account_gone.store(true, Ordering::Relaxed);
    }

    pub(super) fn is_account_gone(&self) -> bool {
        self.account_gone.load(Ordering::Relaxed)
    }

    /// Why the caller cannot try the container; `None` while nobody has asked.
    pub(super) fn lack(&self) -> Option<Option<String>> {
        self.memory().lack.clone()
    }

    pub(super) fn note_lack(&self, lack: &Option<String>) {
        self.memory().lack = Some(lack.clone());
    }
}
