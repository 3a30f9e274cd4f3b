//! Things that can go wrong on demand, and the layer around all services that writes
//! requests down and breaks them.

use std::sync::Arc;
use std::time::Duration;

use axum::body::to_bytes;
use axum::extract::{ConnectInfo, Request as HttpRequest, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse as _, Response};
use serde::{Deserialize, Serialize};

use crate::connection::Switch;

use super::Shared;
use super::refusal::injected;
use super::request::{Answer, Request};
use super::service::{self, Style};
use super::world::World;

/// Bodies longer than this are refused.
const LONGEST_BODY: usize = 64 << 20;

/// One thing that goes wrong. `path_contains` is looked for in `METHOD /path?query`.
/// Without `times` it lasts until it is cleared.
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

    fn times(&self) -> Option<u32> {
        match self {
            Self::Status { times, .. }
            | Self::LoseReply { times, .. }
            | Self::Reset { times, .. } => *times,
            Self::Delay { .. } => None,
        }
    }

    fn place(&self) -> &str {
        match self {
            Self::Status { path_contains, .. }
            | Self::LoseReply { path_contains, .. }
            | Self::Reset { path_contains, .. }
            | Self::Delay { path_contains, .. } => path_contains,
        }
    }
}

/// A fault and how often it still strikes.
#[derive(Clone, Debug, Serialize)]
pub(crate) struct Armed {
    #[serde(flatten)]
    fault: Fault,
    left: Option<u32>,
}

impl Armed {
    pub(crate) fn new(fault: Fault) -> Self {
        let left = fault.times();
        Self { fault, left }
    }
}

/// A request that the instance saw.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct RequestLog {
    /// `GET`, `POST`, ….
    pub method: String,
    /// The `Host` header.
    pub host: String,
    /// The path, still percent-encoded, without the query.
    pub path: String,
    /// The query, still percent-encoded; empty when there is none.
    pub query: String,
    /// Whose credentials it carried, or who is said to have signed it; empty for nobody.
    pub caller: String,
    /// The status of the answer; `None` while there is none and for lost ones.
    pub status: Option<u16>,
}

impl World {
    /// Takes one strike of the first fault that breaks this request.
    fn strike(&mut self, target: &str) -> Option<Fault> {
        let armed = self.faults.iter_mut().find(|armed| {
            armed.left != Some(0)
                && !matches!(armed.fault, Fault::Delay { .. })
                && target.contains(armed.fault.place())
        })?;
        armed.left = armed.left.map(|left| left - 1);
        Some(armed.fault.clone())
    }

    fn pause(&self, target: &str) -> Duration {
        let pauses = self.faults.iter().map(|armed| match &armed.fault {
            Fault::Delay {
                path_contains,
                milliseconds,
            } if target.contains(path_contains) => *milliseconds,
            _ => 0,
        });
        Duration::from_millis(pauses.sum())
    }

    fn record(&mut self, request: &Request) -> usize {
        let caller = self
            .caller(request)
            .map(|caller| caller.principal)
            .ok()
            .filter(|principal| *principal != super::access::Principal::Anonymous)
            .map(|principal| principal.name().to_owned())
            .or_else(|| {
                Some(
                    request
                        .parameter("X-Goog-Credential")?
                        .split('/')
                        .next()?
                        .to_owned(),
                )
            });
        self.requests.push(RequestLog {
            method: request.method.to_string(),
            host: request.host.clone(),
            path: request.path.clone(),
            query: request.raw_query.clone(),
            caller: caller.unwrap_or_default(),
            status: None,
        });
        self.requests.len() - 1
    }
}

/// Writes the request down, then carries it out or breaks it.
pub(super) async fn serve(
    State(shared): State<Arc<Shared>>,
    ConnectInfo(connection): ConnectInfo<Switch>,
    request: HttpRequest,
) -> Response {
    let (parts, body) = request.into_parts();
    let Ok(body) = to_bytes(body, LONGEST_BODY).await else {
        return StatusCode::PAYLOAD_TOO_LARGE.into_response();
    };
    let target = parts
        .uri
        .path_and_query()
        .map_or_else(|| "/".to_owned(), ToString::to_string);
    let request = Request::new(parts.method, &target, parts.headers, body);
    let target = format!("{} {target}", request.method);
    let (number, pause, fault) = {
        let mut world = shared.world();
        let fault = world.strike(&target);
        (world.record(&request), world.pause(&target), fault)
    };
    if !pause.is_zero() {
        tokio::time::sleep(pause).await;
    }
    let answer = match fault {
        Some(Fault::Reset { .. }) => None,
        Some(Fault::Status {
            code,
            message,
            retry_after,
            ..
        }) => Some(broken(&request, code, message.as_deref(), retry_after)),
        Some(Fault::LoseReply { .. }) => {
            service::answer(&mut shared.world(), &request);
            None
        }
        Some(Fault::Delay { .. }) | None => Some(service::answer(&mut shared.world(), &request)),
    };
    let Some(answer) = answer else {
        connection.cut();
        return StatusCode::BAD_GATEWAY.into_response();
    };
    if let Some(log) = shared.world().requests.get_mut(number) {
        log.status = Some(answer.status);
    }
    answer.into_response()
}

fn broken(request: &Request, code: u16, message: Option<&str>, retry_after: Option<u64>) -> Answer {
    let refusal = injected(code, message);
    let answer = match service::style(request) {
        Style::Storage => refusal.into_storage_json(),
        Style::Google => refusal.into_google_json(),
        Style::Xml => refusal.into_xml(),
    };
    match retry_after {
        Some(seconds) => answer.with("Retry-After", seconds.to_string()),
        None => answer,
    }
}
