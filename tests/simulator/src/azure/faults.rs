//! Things that can go wrong on demand, and the layer around all services that writes
//! requests down and breaks them.

use std::sync::Arc;
use std::time::Duration;

use axum::body::to_bytes;
use axum::extract::{ConnectInfo, Request as HttpRequest};
use axum::http::StatusCode;
use axum::response::{IntoResponse as _, Response};
use serde::Serialize;

use crate::connection::Switch;
use crate::faults;
pub use crate::faults::Fault;

use super::request::{Answer, Request};
use super::world::World;
use super::{Shared, arm, authority, blob, metadata, refusal};

/// Bodies longer than this are refused.
const LONGEST_BODY: usize = 64 << 20;

/// A fault and how often it still strikes. What it breaks is told by `SERVICE METHOD
/// /path?query`, where the service is `arm`, `authority`, `blob`, `issuer` or `metadata`.
pub(crate) type Armed = faults::Armed<Fault>;

/// Which of the addresses a request came to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Service {
    Arm,
    Authority,
    Blob,
    Issuer,
    Metadata,
}

impl Service {
    fn name(self) -> &'static str {
        match self {
            Self::Arm => "arm",
            Self::Authority => "authority",
            Self::Blob => "blob",
            Self::Issuer => "issuer",
            Self::Metadata => "metadata",
        }
    }
}

/// A request that the instance saw.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct RequestLog {
    /// `arm`, `authority`, `blob`, `issuer` or `metadata`.
    pub service: &'static str,
    /// `GET`, `POST`, ….
    pub method: String,
    /// The path, still percent-encoded, without the query.
    pub path: String,
    /// The query, still percent-encoded; empty when there is none.
    pub query: String,
    /// The object id of whose token it carried; `key` or `sas` where it was signed; empty
    /// for nobody.
    pub caller: String,
    /// The status of the answer; `None` while there is none and for lost ones.
    pub status: Option<u16>,
}

fn caller(world: &World, request: &Request) -> String {
    match request.header("authorization") {
        Some(value) if value.starts_with("SharedKey") => "key".to_owned(),
        Some(value) => value
            .split_once(' ')
            .and_then(|(_, token)| world.caller(token))
            .map(|caller| caller.object_id)
            .unwrap_or_default(),
        None if request.parameter("sig").is_some() => "sas".to_owned(),
        None => String::new(),
    }
}

fn carry_out(world: &mut World, service: Service, request: &Request) -> Answer {
    match service {
        Service::Arm => arm::answer(world, request),
        Service::Authority => authority::answer(world, request),
        Service::Blob => blob::answer(world, request),
        Service::Issuer => authority::issuer(world, request),
        Service::Metadata => metadata::answer(world, request),
    }
}

/// A write to the credentials of an identity, from its beginning to its end.
struct Writing {
    shared: Arc<Shared>,
    identity: String,
}

impl Writing {
    /// Begins one; nothing for any other request. Also tells whether another one is under
    /// way, and how long this one takes.
    fn begin(
        shared: &Arc<Shared>,
        service: Service,
        request: &Request,
    ) -> Option<(Self, bool, Duration)> {
        let writes = ["PUT", "DELETE"].contains(&request.method.as_str());
        let path = request.path.to_ascii_lowercase();
        let (identity, _) = path.split_once("/federatedidentitycredentials/")?;
        (service == Service::Arm && writes).then_some(())?;
        let mut world = shared.world();
        let takes = world.config.credential_write;
        let writers = world.writers.entry(identity.to_owned()).or_default();
        *writers += 1;
        let others = *writers > 1;
        let writing = Self {
            shared: shared.clone(),
            identity: identity.to_owned(),
        };
        Some((writing, others, takes))
    }
}

impl Drop for Writing {
    fn drop(&mut self) {
        let mut world = self.shared.world();
        if let Some(writers) = world.writers.get_mut(&self.identity) {
            *writers = writers.saturating_sub(1);
        }
    }
}

/// Writes the request down, then carries it out or breaks it.
pub(super) async fn serve(
    shared: Arc<Shared>,
    service: Service,
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
    let mut request = Request::new(parts.method, &target, parts.headers, body);
    let target = format!("{} {} {target}", service.name(), request.method);
    let (number, pause, fault) = {
        let mut world = shared.world();
        let fault = faults::strike(&mut world.faults, |fault| fault.breaks(&target));
        let pause: Duration = world
            .faults
            .iter()
            .map(|one| one.fault.pause(&target))
            .sum();
        let log = RequestLog {
            service: service.name(),
            method: request.method.to_string(),
            path: request.path.clone(),
            query: request.raw_query.clone(),
            caller: caller(&world, &request),
            status: None,
        };
        world.requests.push(log);
        (world.requests.len() - 1, pause, fault)
    };
    let writing = Writing::begin(&shared, service, &request);
    let mut pause = pause;
    if let Some((_, others, takes)) = &writing {
        request.overlaps = *others;
        pause += *takes;
    }
    if !pause.is_zero() {
        tokio::time::sleep(pause).await;
    }
    let answer = match &fault {
        Some(Fault::Reset { .. }) => None,
        Some(Fault::LoseReply { .. }) => {
            carry_out(&mut shared.world(), service, &request);
            None
        }
        Some(fault @ Fault::Status { .. }) => Some(broken(&shared.world(), service, fault)),
        Some(Fault::Delay { .. }) | None => Some(carry_out(&mut shared.world(), service, &request)),
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

fn broken(world: &World, service: Service, fault: &Fault) -> Answer {
    let Fault::Status {
        code,
        message,
        retry_after,
        ..
    } = fault
    else {
        return Answer::empty(500);
    };
    let message = message.as_deref();
    let answer = match service {
        Service::Arm | Service::Issuer | Service::Metadata => {
            arm::finish(refusal::injected(*code, message).into_answer())
        }
        Service::Authority => authority::injected(world, *code, message),
        Service::Blob => blob::injected(world, *code, message),
    };
    match retry_after {
        Some(seconds) => answer.with("Retry-After", seconds.to_string()),
        None => answer,
    }
}
