//! Rights that this process has given a moment ago: the cloud may take minutes until they have
//! an effect for W&B, and what depends on them waits.

use std::collections::BTreeMap;
use std::sync::{LazyLock, Mutex, PoisonError};
use std::time::{Duration, Instant};

/// How long rights may take until they have an effect.
///
/// Source: Azure's page on troubleshooting role assignments, which says up to ten minutes.
const LONGEST: Duration = Duration::from_secs(600);

static GIVEN: LazyLock<Mutex<BTreeMap<String, Instant>>> = LazyLock::new(Mutex::default);

/// Notes that W&B was given rights on the bucket that it is told of by this name.
pub fn note_given(registration_name: &str) {
    let mut given = GIVEN.lock().unwrap_or_else(PoisonError::into_inner);
    given.insert(registration_name.to_owned(), Instant::now());
}

/// How much longer rights on that bucket may show no effect; nothing where none were given
/// lately.
pub fn still_to_come(registration_name: &str) -> Option<Duration> {
    let given = GIVEN.lock().unwrap_or_else(PoisonError::into_inner);
    let since = given.get(registration_name)?.elapsed();
    LONGEST.checked_sub(since)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_not_given_is_not_waited_for() {
        note_given("acme");
        assert!(still_to_come("acme").is_some_and(|rest| rest <= LONGEST));
        assert_eq!(still_to_come("other"), None);
    }
}
