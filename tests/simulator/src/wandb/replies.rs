//! Answers in SCIM's form: the media type, errors, lists, and entity tags.

use axum::Json;
use axum::http::header::{CONTENT_TYPE, ETAG, WWW_AUTHENTICATE};
use axum::http::{HeaderValue, StatusCode, Uri};
use axum::response::{IntoResponse, Response};
use serde_json::{Value, json};

use super::faults::Fault;
use super::filter::Listing;
use super::world::World;

const ERROR_SCHEMA: &str = "urn:ietf:params:scim:api:messages:2.0:Error";
const LIST_SCHEMA: &str = "urn:ietf:params:scim:api:messages:2.0:ListResponse";
/// W&B's page size: in effect, everything.
pub(super) const PAGE: usize = 9999;

/// A refusal, before it becomes an answer.
#[derive(Debug)]
pub(super) struct Refusal {
    pub(super) status: StatusCode,
    pub(super) detail: String,
}

impl Refusal {
    pub(super) fn new(status: StatusCode, detail: impl Into<String>) -> Self {
        Self {
            status,
            detail: detail.into(),
        }
    }

    pub(super) fn bad(detail: impl Into<String>) -> Self {
        Self::new(StatusCode::BAD_REQUEST, detail)
    }

    pub(super) fn unauthorized() -> Self {
        Self::new(StatusCode::UNAUTHORIZED, "invalid credentials")
    }
}

impl IntoResponse for Refusal {
    fn into_response(self) -> Response {
        let body = json!({
            "schemas": [ERROR_SCHEMA],
            "detail": self.detail,
            "status": self.status.as_u16().to_string(),
        });
        let mut response = answer(self.status, body);
        if self.status == StatusCode::UNAUTHORIZED {
            let challenge = HeaderValue::from_static("Basic realm=\"wandb\"");
            response.headers_mut().insert(WWW_AUTHENTICATE, challenge);
        }
        response
    }
}

/// A SCIM answer.
pub(super) fn answer(status: StatusCode, body: Value) -> Response {
    let version = body.pointer("/meta/version").and_then(Value::as_str);
    let tag = version.and_then(|version| HeaderValue::from_str(version).ok());
    let mut response = (status, Json(body)).into_response();
    let headers = response.headers_mut();
    headers.insert(
        CONTENT_TYPE,
        HeaderValue::from_static("application/scim+json"),
    );
    if let Some(tag) = tag {
        headers.insert(ETAG, tag);
    }
    response
}

/// A page of a list.
pub(super) fn list(resources: Vec<Value>, listing: &Listing, world: &World) -> Response {
    let ignores = world.standing(|fault| matches!(fault, Fault::IgnoreStart).then_some(()));
    let start = match ignores {
        Some(()) => 1,
        None => listing.start.max(1),
    };
    let most = world.standing(|fault| match fault {
        Fault::PageSize { entries } => Some(*entries),
        _ => None,
    });
    let total = world.standing(|fault| match fault {
        Fault::WrongTotal { total } => Some(*total),
        _ => None,
    });
    let total = total.unwrap_or(resources.len());
    let page: Vec<Value> = resources
        .into_iter()
        .skip(start - 1)
        .take(listing.count.min(most.unwrap_or(PAGE)))
        .collect();
    answer(
        StatusCode::OK,
        json!({
            "Resources": page,
            "itemsPerPage": PAGE,
            "schemas": [LIST_SCHEMA],
            "startIndex": start,
            "totalResults": total,
        }),
    )
}

/// The answer to paths that the instance does not have.
pub(super) async fn unknown_path(uri: Uri) -> Response {
    Refusal::new(
        StatusCode::NOT_FOUND,
        format!("there is nothing at {}", uri.path()),
    )
    .into_response()
}
