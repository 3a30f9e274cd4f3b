//! Many small calls in one request.

use axum::http::{HeaderMap, HeaderName, HeaderValue, Method};
use bytes::Bytes;

use super::{Outcome, answer as answer_one};
use crate::gcs::crypto::random_hex;
use crate::gcs::refusal::{Kind, Refusal};
use crate::gcs::request::{Answer, Request, parts_of, split_head};
use crate::gcs::world::World;

/// As many calls as one request may hold.
const MOST: usize = 100;

pub(super) fn answer(world: &mut World, request: &Request) -> Outcome {
    let wrong = |what: &str| Refusal::new(400, Kind::BadRequest, what);
    let content_type = request.header("content-type").unwrap_or_default();
    if request.method != Method::POST || !content_type.starts_with("multipart/mixed") {
        return Err(wrong("A batch is a POST of multipart/mixed."));
    }
    let parts = parts_of(&request.body, content_type);
    let parts = parts.ok_or_else(|| wrong("Malformed multipart body."))?;
    if parts.is_empty() || parts.len() > MOST {
        return Err(wrong("A batch holds 1 to 100 calls."));
    }
    let boundary = format!("batch_{}", random_hex(24));
    let mut body = Vec::new();
    for (headers, content) in &parts {
        let id = headers.iter().find(|(name, _)| name == "content-id");
        let call = inner(request, content).ok_or_else(|| wrong("Malformed call in a batch."))?;
        let storage = call.parts().get(1) == Some(&"v1") && call.parts()[0] == "storage";
        let answer = if storage {
            answer_one(world, &call)
        } else {
            Refusal::not_found("Not Found").into_storage_json()
        };
        body.extend_from_slice(
            format!("--{boundary}\r\nContent-Type: application/http\r\n").as_bytes(),
        );
        if let Some((_, id)) = id {
            let id = id.trim_start_matches('<');
            body.extend_from_slice(format!("Content-ID: <response-{id}\r\n").as_bytes());
        }
        write(&mut body, &answer);
    }
    body.extend_from_slice(format!("--{boundary}--\r\n").as_bytes());
    Ok(Answer::empty(200)
        .with(
            "Content-Type",
            format!("multipart/mixed; boundary={boundary}"),
        )
        .body(body))
}

/// A call; what it does not say itself it has from the request around it.
fn inner(outer: &Request, content: &Bytes) -> Option<Request> {
    let line_end = content.iter().position(|byte| *byte == b'\n')?;
    let line = std::str::from_utf8(&content[..line_end]).ok()?.trim();
    let mut words = line.split(' ');
    let method = Method::from_bytes(words.next()?.as_bytes()).ok()?;
    let target = words.next()?;
    let target = match target.split_once("://") {
        Some((_, rest)) => rest.find('/').map(|at| &rest[at..])?,
        None => target,
    };
    let (named, body) = split_head(&content.slice(line_end + 1..))?;
    let mut headers = HeaderMap::new();
    for name in ["authorization", "host", "x-goog-user-project"] {
        if let Some(value) = outer.headers.get(name) {
            headers.insert(name, value.clone());
        }
    }
    for (name, value) in named {
        let name = HeaderName::from_bytes(name.as_bytes()).ok()?;
        headers.insert(name, HeaderValue::from_str(&value).ok()?);
    }
    Some(Request::new(method, target, headers, body))
}

fn write(body: &mut Vec<u8>, answer: &Answer) {
    let reason = axum::http::StatusCode::from_u16(answer.status)
        .ok()
        .and_then(|status| status.canonical_reason())
        .unwrap_or_default();
    body.extend_from_slice(format!("\r\nHTTP/1.1 {} {reason}\r\n", answer.status).as_bytes());
    for (name, value) in &answer.headers {
        body.extend_from_slice(format!("{name}: {value}\r\n").as_bytes());
    }
    let length = answer.body.len();
    body.extend_from_slice(format!("Content-Length: {length}\r\n\r\n").as_bytes());
    body.extend_from_slice(&answer.body);
    body.extend_from_slice(b"\r\n");
}
