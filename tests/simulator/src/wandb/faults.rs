//! Things that can go wrong on demand, and the layer around SCIM and GraphQL that
//! writes requests down and breaks them.

use std::sync::Arc;
use std::time::Duration;

use axum::Json;
use axum::body::{Body, to_bytes};
use axum::extract::{ConnectInfo, Request, State};
use axum::http::header::{AUTHORIZATION, CONTENT_TYPE, RETRY_AFTER};
use axum::http::{HeaderValue, StatusCode};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::Shared;
use super::replies::Refusal;
use super::world::{RequestLog, World};
use crate::connection::Switch;
use crate::faults::{self, Counted};

/// Bodies longer than this are refused.
const LONGEST_BODY: usize = 1 << 20;

/// How bad a problem with a bucket is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "UPPERCASE")]
pub enum Severity {
    /// The bucket cannot be used.
    Error,
    /// The bucket can be used, with a drawback.
    Warn,
}

/// One thing that goes wrong. `path_contains` is looked for in
/// `METHOD /path?query OPERATION` (the operation only for GraphQL), so `POST /scim` and
/// `TestBucket` work too. Without `times` it lasts until it is cleared.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum Fault {
    /// Answers a GraphQL operation with status 200 and an error.
    GraphqlError {
        /// The name of the operation, or a field in it.
        operation: String,
        /// The error's message.
        message: String,
        /// How often.
        #[serde(default)]
        times: Option<u32>,
    },
    /// What the bucket check finds, instead of a real check.
    TestResult {
        /// How bad the one problem is.
        severity: Severity,
        /// The problem's message.
        message: String,
        /// How often.
        #[serde(default)]
        times: Option<u32>,
    },
    /// Lists are answered whole: the filter is not looked at.
    IgnoreFilter,
    /// Every page of a list is the first one: `startIndex` is not looked at.
    IgnoreStart,
    /// Pages of lists hold so many entries at most, however many are asked for.
    PageSize {
        /// How many.
        entries: usize,
    },
    /// Lists say that they have so many entries.
    WrongTotal {
        /// How many.
        total: usize,
    },
    /// Whoever makes a team is a member of it, and nobody can take them out.
    AddCaller,
    /// Which organizations the key belongs to, by number; SCIM answers for one of them. The
    /// instance's own is number 1, in which all teams are that nobody made here.
    Organizations {
        /// The one that SCIM answers for.
        asked: u32,
        /// All that the key sees.
        seen: Vec<u32>,
    },
    /// Another answer in place of the instance's. `{authorization}` in it stands for that
    /// header of the request.
    Answer {
        /// Which requests.
        path_contains: String,
        /// The status.
        code: u16,
        /// The media type.
        content_type: String,
        /// The body.
        body: String,
        /// Whether the request is carried out all the same.
        carried_out: bool,
        /// How often.
        #[serde(default)]
        times: Option<u32>,
    },
    /// The bucket check finds nothing wrong, without a real check: for clouds that
    /// cannot be reached from a test.
    TestPasses {
        /// How often.
        #[serde(default)]
        times: Option<u32>,
    },
    /// What can go wrong at any service.
    #[serde(untagged)]
    Service(faults::Fault),
}

impl Fault {
    /// Answers with this status and carries nothing out; with seconds for a `Retry-After`
    /// header.
    #[must_use]
    pub fn status(
        path_contains: &str,
        code: u16,
        times: Option<u32>,
        retry_after: Option<u64>,
    ) -> Self {
        Self::Service(faults::Fault::Status {
            path_contains: path_contains.to_owned(),
            code,
            message: None,
            times,
            retry_after,
        })
    }

    /// Carries the request out, then ends the connection without an answer.
    #[must_use]
    pub fn lose_reply(path_contains: &str, times: Option<u32>) -> Self {
        Self::Service(faults::Fault::lose_reply(path_contains, times))
    }

    /// Ends the connection without carrying the request out.
    #[must_use]
    pub fn reset(path_contains: &str, times: Option<u32>) -> Self {
        Self::Service(faults::Fault::reset(path_contains, times))
    }

    /// Waits before every request.
    #[must_use]
    pub fn delay(milliseconds: u64) -> Self {
        Self::Service(faults::Fault::delay("", milliseconds))
    }

    /// See [`Fault::GraphqlError`]; lasts until cleared.
    #[must_use]
    pub fn graphql_error(operation: &str, message: &str) -> Self {
        Self::GraphqlError {
            operation: operation.to_owned(),
            message: message.to_owned(),
            times: None,
        }
    }

    /// See [`Fault::TestResult`]; lasts until cleared.
    #[must_use]
    pub fn test_result(severity: Severity, message: &str) -> Self {
        Self::TestResult {
            severity,
            message: message.to_owned(),
            times: None,
        }
    }

    /// See [`Fault::TestPasses`]; lasts until cleared.
    #[must_use]
    pub fn test_passes() -> Self {
        Self::TestPasses { times: None }
    }

    /// A page of HTML in place of the instance's answer, as from a proxy before it.
    #[must_use]
    pub fn html(path_contains: &str, code: u16, times: Option<u32>) -> Self {
        let body = "<!DOCTYPE html><html><body><h1>nginx</h1></body></html>";
        Self::answer(path_contains, code, "text/html", body, false, times)
    }

    /// The request is carried out, and the answer says something else.
    #[must_use]
    pub fn carried_out(path_contains: &str, code: u16, content_type: &str, body: &str) -> Self {
        Self::answer(path_contains, code, content_type, body, true, Some(1))
    }

    /// An error that repeats the request's `Authorization` header.
    #[must_use]
    pub fn echo(path_contains: &str, code: u16, content_type: &str, times: Option<u32>) -> Self {
        let body = r#"{"schemas": ["urn:ietf:params:scim:api:messages:2.0:Error"],
            "detail": "I do not like {authorization}", "status": "CODE", "errors": [{"message": "{authorization}"}]}"#;
        let body = body.replace("CODE", &code.to_string());
        Self::answer(path_contains, code, content_type, &body, false, times)
    }

    fn answer(
        path_contains: &str,
        code: u16,
        content_type: &str,
        body: &str,
        carried_out: bool,
        times: Option<u32>,
    ) -> Self {
        Self::Answer {
            path_contains: path_contains.to_owned(),
            code,
            content_type: content_type.to_owned(),
            body: body.to_owned(),
            carried_out,
            times,
        }
    }
}

impl Counted for Fault {
    fn times(&self) -> Option<u32> {
        match self {
            Self::Answer { times, .. }
            | Self::GraphqlError { times, .. }
            | Self::TestResult { times, .. }
            | Self::TestPasses { times } => *times,
            Self::Service(fault) => fault.times(),
            Self::IgnoreFilter
            | Self::IgnoreStart
            | Self::PageSize { .. }
            | Self::WrongTotal { .. }
            | Self::AddCaller
            | Self::Organizations { .. } => None,
        }
    }
}

/// A fault and how often it still strikes.
pub(super) type Armed = faults::Armed<Fault>;

impl World {
    /// Takes one strike of the first fault of which `wanted` holds.
    pub(super) fn strike(&mut self, wanted: impl Fn(&Fault) -> bool) -> Option<Fault> {
        faults::strike(&mut self.faults, wanted)
    }

    /// The first fault that is of use to whoever asks; it is not used up.
    pub(super) fn standing<T>(&self, of: impl Fn(&Fault) -> Option<T>) -> Option<T> {
        self.faults.iter().find_map(|armed| of(&armed.fault))
    }

    /// How long a request waits at present.
    fn pause(&self, target: &str) -> Duration {
        let pauses = self.faults.iter().map(|armed| match &armed.fault {
            Fault::Service(fault) => fault.pause(target),
            _ => Duration::ZERO,
        });
        pauses.sum()
    }
}

/// Writes the request down, then lets it through or breaks it.
pub(super) async fn observe(
    State(shared): State<Arc<Shared>>,
    ConnectInfo(connection): ConnectInfo<Switch>,
    request: Request,
    next: Next,
) -> Response {
    let (parts, body) = request.into_parts();
    let Ok(body) = to_bytes(body, LONGEST_BODY).await else {
        return StatusCode::PAYLOAD_TOO_LARGE.into_response();
    };
    let graphql = (parts.uri.path() == "/graphql")
        .then(|| serde_json::from_slice::<Value>(&body).unwrap_or_default());
    let text_of = |key: &str| graphql.as_ref()?.get(key)?.as_str().map(str::to_owned);
    let log = RequestLog {
        method: parts.method.to_string(),
        path: parts.uri.path().to_owned(),
        query: parts.uri.query().unwrap_or_default().to_owned(),
        operation: text_of("operationName"),
        status: None,
    };
    let asked = Asked::new(&log, text_of("query").unwrap_or_default());
    let (number, pause, fault) = {
        let mut world = shared.world();
        let fault = world.strike(|fault| asked.meets(fault));
        (world.record(log), world.pause(&asked.target), fault)
    };
    if !pause.is_zero() {
        tokio::time::sleep(pause).await;
    }
    let loses = matches!(fault, Some(Fault::Service(faults::Fault::LoseReply { .. })));
    let authorization = parts.headers.get(AUTHORIZATION).cloned();
    let other = fault
        .as_ref()
        .and_then(|fault| in_place(fault, authorization.as_ref()));
    if let Some((response, carried_out)) = other {
        if carried_out {
            next.run(Request::from_parts(parts, Body::from(body))).await;
        }
        let status = response.status().as_u16();
        shared.world().set_status(number, status);
        return response;
    }
    let Some(response) = fault.and_then(|fault| broken(&fault, graphql.is_some())) else {
        let response = next.run(Request::from_parts(parts, Body::from(body))).await;
        if loses {
            connection.cut();
        } else {
            shared
                .world()
                .set_status(number, response.status().as_u16());
        }
        return response;
    };
    match response {
        Some(response) => {
            shared
                .world()
                .set_status(number, response.status().as_u16());
            response
        }
        None => {
            connection.cut();
            StatusCode::BAD_GATEWAY.into_response()
        }
    }
}

/// A request as faults look at it.
struct Asked {
    target: String,
    operation: String,
    query: String,
}

impl Asked {
    fn new(log: &RequestLog, query: String) -> Self {
        let mut target = format!("{} {}", log.method, log.path);
        if !log.query.is_empty() {
            target = format!("{target}?{}", log.query);
        }
        let operation = log.operation.clone().unwrap_or_default();
        Self {
            target: format!("{target} {operation}"),
            operation,
            query,
        }
    }

    fn meets(&self, fault: &Fault) -> bool {
        match fault {
            Fault::Service(fault) => fault.breaks(&self.target),
            Fault::Answer { path_contains, .. } => self.target.contains(path_contains),
            Fault::GraphqlError { operation, .. } => {
                self.operation == *operation || self.query.contains(operation)
            }
            Fault::IgnoreFilter
            | Fault::IgnoreStart
            | Fault::PageSize { .. }
            | Fault::WrongTotal { .. }
            | Fault::AddCaller
            | Fault::Organizations { .. }
            | Fault::TestResult { .. }
            | Fault::TestPasses { .. } => false,
        }
    }
}

/// Another answer than the instance's, and whether the request is carried out first.
fn in_place(fault: &Fault, authorization: Option<&HeaderValue>) -> Option<(Response, bool)> {
    let Fault::Answer {
        code,
        content_type,
        body,
        carried_out,
        ..
    } = fault
    else {
        return None;
    };
    let status = StatusCode::from_u16(*code).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    let header = authorization.and_then(|value| value.to_str().ok());
    let body = body.replace("{authorization}", header.unwrap_or_default());
    let mut response = (status, body).into_response();
    if let Ok(kind) = HeaderValue::from_str(content_type) {
        response.headers_mut().insert(CONTENT_TYPE, kind);
    }
    Some((response, *carried_out))
}

/// The answer that the fault gives instead of the instance: `None` lets the request
/// through, `Some(None)` is no answer at all.
fn broken(fault: &Fault, is_graphql: bool) -> Option<Option<Response>> {
    match fault {
        Fault::Service(faults::Fault::Status {
            code,
            message,
            retry_after,
            ..
        }) => {
            let status = StatusCode::from_u16(*code).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
            let detail = message
                .clone()
                .unwrap_or_else(|| format!("a fault was asked for: {status}"));
            let mut response = if is_graphql {
                (status, detail).into_response()
            } else {
                Refusal::new(status, detail).into_response()
            };
            if let Some(seconds) = retry_after {
                response
                    .headers_mut()
                    .insert(RETRY_AFTER, HeaderValue::from(*seconds));
            }
            Some(Some(response))
        }
        Fault::Service(faults::Fault::Reset { .. }) => Some(None),
        Fault::GraphqlError { message, .. } => {
            let body = json!({"data": null, "errors": [{"message": message}]});
            Some(Some(Json(body).into_response()))
        }
        _ => None,
    }
}
