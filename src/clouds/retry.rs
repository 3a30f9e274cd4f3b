//! The only place that waits and asks a cloud again.
//!
//! What is repeated: throttling, 5xx answers, and connections that broke, for calls
//! that have the same effect when they are made twice. What is not: everything that
//! a server understood and refused.

use std::future::Future;
use std::time::Duration;

use backon::{BackoffBuilder, ExponentialBuilder};
use tokio_util::sync::CancellationToken;

use crate::byob::{CloudError, CloudErrorKind};

/// The shortest pause.
const SHORTEST: Duration = Duration::from_millis(100);
/// The longest pause.
const LONGEST: Duration = Duration::from_secs(10);
/// The longest pause that a server is given that asks for one.
const LONGEST_ASKED: Duration = Duration::from_secs(60);
/// How long a change may need until every part of a server knows it.
pub const PROPAGATION: Duration = Duration::from_secs(10);

/// What kind of call it is, which decides when it may be cut or repeated.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Work {
    /// Changes nothing: repeated, and cut at once when the operation stops.
    Read,
    /// Has the same effect twice as once: repeated; one on its way is finished.
    Write,
    /// Has another effect each time: repeated only when the server did not do it.
    Once,
}

/// A failed attempt, and whether another one makes sense.
#[derive(Clone, Debug)]
pub struct Failure {
    /// What to report.
    pub error: CloudError,
    /// It may pass by itself.
    pub passing: bool,
    /// The server has not carried the call out.
    pub undone: bool,
    /// How long the server asks to wait before the next attempt.
    pub after: Option<Duration>,
}

impl Failure {
    /// A failure that will come again.
    pub fn lasting(error: CloudError) -> Self {
        Self {
            error,
            passing: false,
            undone: true,
            after: None,
        }
    }
}

/// How often to ask again, and when to give up.
#[derive(Clone, Debug)]
pub struct Patience {
    max_retries: u32,
    stop: CancellationToken,
}

impl Patience {
    /// At most `max_retries` further attempts for each call, none after `stop`.
    pub fn new(max_retries: u32, stop: CancellationToken) -> Self {
        Self { max_retries, stop }
    }

    /// What ends it.
    pub fn stop(&self) -> &CancellationToken {
        &self.stop
    }

    /// The same patience, for calls that a stop must not end.
    #[must_use]
    pub fn unstopped(&self) -> Self {
        Self::new(self.max_retries, CancellationToken::new())
    }

    /// Calls until it succeeds, fails for good, or patience runs out.
    ///
    /// # Errors
    /// The last attempt's error, or one of kind `Stopped`.
    pub async fn call<T, Calling>(
        &self,
        work: Work,
        name: &str,
        target: &str,
        mut attempt: impl FnMut() -> Calling,
    ) -> Result<T, CloudError>
    where
        Calling: Future<Output = Result<T, Failure>>,
    {
        let mut pauses = ExponentialBuilder::default()
            .with_jitter()
            .with_min_delay(SHORTEST)
            .with_max_delay(LONGEST)
            .with_max_times(self.max_retries as usize)
            .build();
        loop {
            let failure = match self.once(work, name, target, attempt()).await {
                Ok(answer) => return Ok(answer),
                Err(failure) => failure,
            };
            let may_repeat = failure.passing && (work != Work::Once || failure.undone);
            let Some(pause) = pauses.next().filter(|_| may_repeat) else {
                return Err(failure.error);
            };
            // Jitter comes on top, so that not everybody comes back at once.
            let asked = failure.after.map(|after| after.min(LONGEST_ASKED));
            let pause = asked.map_or(pause, |asked| asked + pause);
            tracing::debug!(call = name, target, ?pause, "asking again");
            self.pause(pause, name, target).await?;
        }
    }

    async fn once<T>(
        &self,
        work: Work,
        name: &str,
        target: &str,
        calling: impl Future<Output = Result<T, Failure>>,
    ) -> Result<T, Failure> {
        if self.stop.is_cancelled() {
            return Err(Failure::lasting(stopped(name, target)));
        }
        if work != Work::Read {
            // Dropping a write that is on its way would leave open whether it was done.
            return calling.await;
        }
        tokio::select! {
            biased;
            () = self.stop.cancelled() => Err(Failure::lasting(stopped(name, target))),
            outcome = calling => outcome,
        }
    }

    /// Waits before something is asked again that may not be known everywhere yet: the
    /// longer, the more often it was asked. False once that has taken [`PROPAGATION`].
    ///
    /// # Errors
    /// One of kind `Stopped`.
    pub async fn wait_again(
        &self,
        attempt: u32,
        name: &str,
        target: &str,
    ) -> Result<bool, CloudError> {
        self.wait_within(PROPAGATION, attempt, name, target).await
    }

    /// The same with another limit than [`PROPAGATION`].
    ///
    /// # Errors
    /// One of kind `Stopped`.
    pub async fn wait_within(
        &self,
        limit: Duration,
        attempt: u32,
        name: &str,
        target: &str,
    ) -> Result<bool, CloudError> {
        let pauses = || {
            ExponentialBuilder::default()
                .with_min_delay(SHORTEST)
                .with_max_delay(Duration::from_secs(2))
                .without_max_times()
                .build()
        };
        let attempt = attempt as usize;
        let waited: Duration = pauses().take(attempt).sum();
        let pause = pauses().nth(attempt).unwrap_or(LONGEST);
        if waited + pause > limit {
            return Ok(false);
        }
        self.pause(pause, name, target).await?;
        Ok(true)
    }

    /// Waits for so long.
    ///
    /// # Errors
    /// One of kind `Stopped`.
    pub async fn pause(&self, pause: Duration, name: &str, target: &str) -> Result<(), CloudError> {
        tokio::select! {
            biased;
            () = self.stop.cancelled() => Err(stopped(name, target)),
            () = tokio::time::sleep(pause) => Ok(()),
        }
    }
}

/// Repeats `attempt` while `waiting` says that its outcome may be one of a change that
/// is not known everywhere yet; at most for [`PROPAGATION`], and not after `stop`.
///
/// # Errors
/// What `attempt` fails with, or an error of kind `Stopped`.
pub async fn until_known<T, Calling>(
    stop: &CancellationToken,
    name: &str,
    target: &str,
    waiting: impl Fn(&T) -> bool,
    attempt: impl FnMut() -> Calling,
) -> Result<T, CloudError>
where
    Calling: Future<Output = Result<T, CloudError>>,
{
    until_known_within(PROPAGATION, stop, name, target, waiting, attempt).await
}

/// The same with another limit than [`PROPAGATION`].
///
/// # Errors
/// What `attempt` fails with, or an error of kind `Stopped`.
pub async fn until_known_within<T, Calling>(
    limit: Duration,
    stop: &CancellationToken,
    name: &str,
    target: &str,
    waiting: impl Fn(&T) -> bool,
    mut attempt: impl FnMut() -> Calling,
) -> Result<T, CloudError>
where
    Calling: Future<Output = Result<T, CloudError>>,
{
    let patience = Patience::new(0, stop.clone());
    let mut count = 0;
    loop {
        let outcome = attempt().await?;
        if !waiting(&outcome) || !patience.wait_within(limit, count, name, target).await? {
            return Ok(outcome);
        }
        count += 1;
    }
}

/// The error of a call that was not made or not waited for.
pub fn stopped(name: &str, target: &str) -> CloudError {
    CloudError::new(
        CloudErrorKind::Stopped,
        name,
        target,
        "stopped before it was done",
    )
}

#[cfg(test)]
mod tests {
    use std::cell::Cell;

    use super::*;

    fn failure(passing: bool, undone: bool) -> Failure {
        Failure {
            error: CloudError::new(CloudErrorKind::Unexpected, "call", "target", "no"),
            passing,
            undone,
            after: None,
        }
    }

    async fn tries(work: Work, failure: &Failure) -> u32 {
        let count = Cell::new(0);
        let outcome: Result<(), CloudError> = Patience::new(2, CancellationToken::new())
            .call(work, "call", "target", || {
                count.set(count.get() + 1);
                std::future::ready(Err(failure.clone()))
            })
            .await;
        assert!(outcome.is_err());
        count.get()
    }

    #[tokio::test]
    async fn only_what_may_pass_and_is_safe_is_repeated() {
        assert_eq!(tries(Work::Read, &failure(true, false)).await, 3);
        assert_eq!(tries(Work::Write, &failure(true, false)).await, 3);
        assert_eq!(tries(Work::Once, &failure(true, false)).await, 1);
        assert_eq!(tries(Work::Once, &failure(true, true)).await, 3);
        assert_eq!(tries(Work::Read, &failure(false, true)).await, 1);
    }

    #[tokio::test]
    async fn stopping_ends_a_read_that_hangs_and_lets_a_write_finish() {
        let stop = CancellationToken::new();
        let patience = Patience::new(5, stop.clone());
        let reading = patience.call(Work::Read, "call", "target", || {
            std::future::pending::<Result<(), Failure>>()
        });
        let stopping = async { stop.cancel() };
        let (outcome, ()) = tokio::join!(reading, stopping);
        assert_eq!(
            outcome.map_err(|error| error.kind),
            Err(CloudErrorKind::Stopped)
        );

        let stop = CancellationToken::new();
        let patience = Patience::new(5, stop.clone());
        let outcome = patience
            .call(Work::Write, "call", "target", || {
                // Cancelled while the write is on its way, not before it is sent.
                async {
                    stop.cancel();
                    tokio::task::yield_now().await;
                    Ok::<_, Failure>(7)
                }
            })
            .await;
        assert_eq!(outcome.ok(), Some(7));
    }
}
