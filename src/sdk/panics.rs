//! Where a panic was, and nothing of what it said: the message of a panic may quote any
//! text that the code was at work on, a secret too.

use std::cell::RefCell;
use std::panic::{self, PanicHookInfo};

use super::diagnostic::Diagnostic;

thread_local! {
    /// The place of this thread's last panic. An operation is polled, and caught, on the
    /// thread that it panics on.
    static PLACE: RefCell<Option<String>> = const { RefCell::new(None) };
}

/// Notes the place of every panic from now on, in place of printing its message.
pub(super) fn watch() {
    panic::set_hook(Box::new(note));
}

/// Notes the place of one panic.
pub(super) fn note(panic: &PanicHookInfo<'_>) {
    let place = panic
        .location()
        .map(|place| format!("{}:{}", place.file(), place.line()));
    tracing::error!(place, "the provider panicked");
    PLACE.set(place);
}

/// The error for an operation that has just panicked on this thread.
pub(super) fn error(operation: &str) -> Diagnostic {
    let place = PLACE
        .take()
        .unwrap_or_else(|| "an unknown place".to_owned());
    Diagnostic::error(
        "The provider met a bug of its own",
        format!(
            "Why: {operation} panicked at {place}\n\
             Left behind: the state holds what was known before.\n\
             What to do: please report it with the provider's version and, if you can, the log \
             of a run with TF_LOG_PROVIDER=DEBUG."
        ),
    )
}
