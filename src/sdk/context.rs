//! What an operation knows about the run that it is part of.

use std::fmt;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use tokio_util::sync::{CancellationToken, DropGuard};

use super::model::{Model, ToValue};
use super::private::Private;
use super::value::Value;

/// The state that an operation last knew to be true.
pub(super) type BestKnown = Arc<Mutex<Option<(Value, Private)>>>;

/// Makes the whole object from one of its parts.
#[derive(Clone)]
struct Whole(Arc<dyn Fn(Value, Private) -> (Value, Private) + Send + Sync>);

impl fmt::Debug for Whole {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str("Whole")
    }
}

/// One operation's view of the run.
#[derive(Clone, Debug)]
pub struct Context {
    stop: CancellationToken,
    timed_out: Arc<AtomicBool>,
    write_only_allowed: bool,
    best_known: BestKnown,
    /// From the part that is worked on to the whole object.
    whole: Option<Whole>,
    // Ends the timer of a limited operation with the operation.
    _timer: Option<Arc<DropGuard>>,
}

impl Context {
    /// The context of an operation that ends with `stop`.
    pub(crate) fn new(stop: CancellationToken, write_only_allowed: bool) -> Self {
        Self {
            stop,
            timed_out: Arc::default(),
            write_only_allowed,
            best_known: Arc::default(),
            whole: None,
            _timer: None,
        }
    }

    /// The same operation, ended after `limit` at the latest.
    #[must_use]
    pub fn limited(&self, limit: Duration) -> Self {
        let stop = self.stop.child_token();
        let done = CancellationToken::new();
        let timed_out = Arc::new(AtomicBool::new(false));
        let (token, flag, over) = (stop.clone(), Arc::clone(&timed_out), done.clone());
        tokio::spawn(async move {
            if tokio::time::timeout(limit, over.cancelled()).await.is_err() {
                flag.store(true, Ordering::Relaxed);
                token.cancel();
            }
        });
        Self {
            stop,
            timed_out,
            _timer: Some(Arc::new(done.drop_guard())),
            ..self.clone()
        }
    }

    /// The same operation, for work on a part of the object: `whole` makes the object from
    /// the part that [`Self::exists`] is told.
    #[must_use]
    pub fn for_part(
        &self,
        whole: impl Fn(Value, Private) -> (Value, Private) + Send + Sync + 'static,
    ) -> Self {
        Self {
            whole: Some(Whole(Arc::new(whole))),
            ..self.clone()
        }
    }

    /// Cancelled when Terraform asks to stop or the time is up.
    pub fn stop(&self) -> &CancellationToken {
        &self.stop
    }

    /// Whether the operation was ended because its time was up.
    pub fn timed_out(&self) -> bool {
        self.timed_out.load(Ordering::Relaxed)
    }

    /// Whether this Terraform knows write-only arguments.
    pub fn write_only_allowed(&self) -> bool {
        self.write_only_allowed
    }

    /// Notes what exists by now. Should the operation end in a panic, this is what
    /// Terraform stores.
    pub fn exists<M: Model>(&self, state: &M, private: &Private) {
        if let Ok(mut best) = self.best_known.lock() {
            let known = (ToValue::to_value(state), private.clone());
            *best = Some(match &self.whole {
                Some(Whole(whole)) => whole(known.0, known.1),
                None => known,
            });
        }
    }

    /// What [`Self::exists`] was told last.
    pub(crate) fn best_known(&self) -> Option<(Value, Private)> {
        self.best_known.lock().ok().and_then(|best| best.clone())
    }
}
