//! What can go wrong at any simulated service, and how often it still does.

use std::time::Duration;

use serde::{Deserialize, Serialize};

/// One thing that goes wrong. `path_contains` is looked for in `METHOD /path?query` and
/// whatever else a service adds to that. Without `times` it lasts until it is cleared.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum Fault {
    /// Answers with this status in the service's own form, and carries nothing out.
    Status {
        /// Which requests.
        path_contains: String,
        /// The status.
        code: u16,
        /// The words, where they matter.
        #[serde(default)]
        message: Option<String>,
        /// How often.
        #[serde(default)]
        times: Option<u32>,
        /// Seconds for a `Retry-After` header.
        #[serde(default)]
        retry_after: Option<u64>,
    },
    /// Carries the request out, then ends the connection without an answer.
    LoseReply {
        /// Which requests.
        path_contains: String,
        /// How often.
        #[serde(default)]
        times: Option<u32>,
    },
    /// Ends the connection without carrying the request out.
    Reset {
        /// Which requests.
        path_contains: String,
        /// How often.
        #[serde(default)]
        times: Option<u32>,
    },
    /// Waits before such requests.
    Delay {
        /// Which requests; all for an empty text.
        #[serde(default)]
        path_contains: String,
        /// For how long.
        milliseconds: u64,
    },
}

impl Fault {
    /// See [`Fault::Status`].
    #[must_use]
    pub fn status(path_contains: &str, code: u16, times: Option<u32>) -> Self {
        Self::Status {
            path_contains: path_contains.to_owned(),
            code,
            message: None,
            times,
            retry_after: None,
        }
    }

    /// See [`Fault::LoseReply`].
    #[must_use]
    pub fn lose_reply(path_contains: &str, times: Option<u32>) -> Self {
        Self::LoseReply {
            path_contains: path_contains.to_owned(),
            times,
        }
    }

    /// See [`Fault::Reset`].
    #[must_use]
    pub fn reset(path_contains: &str, times: Option<u32>) -> Self {
        Self::Reset {
            path_contains: path_contains.to_owned(),
            times,
        }
    }

    /// See [`Fault::Delay`].
    #[must_use]
    pub fn delay(path_contains: &str, milliseconds: u64) -> Self {
        Self::Delay {
            path_contains: path_contains.to_owned(),
            milliseconds,
        }
    }

    /// Whether it breaks this request.
    pub(crate) fn breaks(&self, target: &str) -> bool {
        match self {
            Self::Status { path_contains, .. }
            | Self::LoseReply { path_contains, .. }
            | Self::Reset { path_contains, .. } => target.contains(path_contains),
            Self::Delay { .. } => false,
        }
    }

    /// How long it makes this request wait.
    pub(crate) fn pause(&self, target: &str) -> Duration {
        match self {
            Self::Delay {
                path_contains,
                milliseconds,
            } if target.contains(path_contains) => Duration::from_millis(*milliseconds),
            Self::Delay { .. }
            | Self::Status { .. }
            | Self::LoseReply { .. }
            | Self::Reset { .. } => Duration::ZERO,
        }
    }
}

/// Something that goes wrong a number of times.
pub(crate) trait Counted: Clone {
    /// How often; `None` for ever.
    fn times(&self) -> Option<u32>;
}

impl Counted for Fault {
    fn times(&self) -> Option<u32> {
        match self {
            Self::Status { times, .. }
            | Self::LoseReply { times, .. }
            | Self::Reset { times, .. } => *times,
            Self::Delay { .. } => None,
        }
    }
}

/// A fault and how often it still strikes.
#[derive(Clone, Debug, Serialize)]
pub(crate) struct Armed<F> {
    #[serde(flatten)]
    pub(crate) fault: F,
    left: Option<u32>,
}

impl<F: Counted> Armed<F> {
    pub(crate) fn new(fault: F) -> Self {
        let left = fault.times();
        Self { fault, left }
    }
}

/// Takes one strike of the first fault of which `wanted` holds.
pub(crate) fn strike<F: Counted>(
    faults: &mut [Armed<F>],
    wanted: impl Fn(&F) -> bool,
) -> Option<F> {
    let armed = faults
        .iter_mut()
        .find(|armed| armed.left != Some(0) && wanted(&armed.fault))?;
    armed.left = armed.left.map(|left| left - 1);
    Some(armed.fault.clone())
}
