//! Things that can go wrong on demand, and the layer around all services that writes
//! requests down and breaks them.

use std::sync::Arc;
use std::time::Duration;

use axum::body::to_bytes;
use axum::extract::{ConnectInfo, Request as HttpRequest, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse as _, Response};
use serde::Serialize;

use crate::connection::Switch;
use crate::faults;

use super::Shared;
use super::refusal::injected;
use super::request::{Answer, Request};
use super::service::{self, Style};
use super::world::World;

/// Bodies longer than this are refused.
const LONGEST_BODY: usize = 64 << 20;

pub use crate::faults::Fault;

/// A fault and how often it still strikes.
pub(crate) type Armed = faults::Armed<Fault>;

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
        faults::strike(&mut self.faults, |fault| fault.breaks(target))
    }

    fn pause(&self, target: &str) -> Duration {
        self.faults
            .iter()
            .map(|armed| armed.fault.pause(target))
            .sum()
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
