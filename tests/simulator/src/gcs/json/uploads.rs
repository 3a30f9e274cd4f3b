//! Uploads: in one piece, with metadata beside it, and piece by piece.

use bytes::Bytes;
use serde_json::{Value, json};

use super::{Call, Outcome};
use crate::gcs::crypto::random_hex;
use crate::gcs::object::{Conditions, Object};
use crate::gcs::refusal::{Kind, Refusal};
use crate::gcs::request::{Answer, Request, parts_of};
use crate::gcs::store::{NewObject, may_write, store};
use crate::gcs::world::{Session, World};

pub(super) fn begin(call: &mut Call<'_>, bucket: &str) -> Outcome {
    call.bucket(bucket)?;
    let request = call.request;
    let content_type = request
        .header("content-type")
        .unwrap_or("application/octet-stream");
    let (mut metadata, data) = match request.parameter("uploadType") {
        Some("media") => (json!({}), request.body.clone()),
        Some("multipart") => multipart(request, content_type)?,
        Some("resumable") => (request.json()?, Bytes::new()),
        _ => {
            return Err(Refusal::new(400, Kind::BadRequest, "Invalid upload type.")
                .at("parameter", "uploadType"));
        }
    };
    // The address wins over the body.
    if let Some(name) = request.parameter("name") {
        metadata["name"] = json!(name);
    }
    if let Some(key) = request.parameter("kmsKeyName") {
        metadata["kmsKeyName"] = json!(key);
    }
    let resumable = request.parameter("uploadType") == Some("resumable");
    if metadata["contentType"].is_null()
        && let Some(named) = type_beside(request, content_type)
    {
        metadata["contentType"] = json!(named);
    }
    let name = metadata["name"].as_str().unwrap_or_default().to_owned();
    if name.is_empty() {
        return Err(Refusal::new(400, Kind::Required, "Required"));
    }
    if let Some(named) = metadata["bucket"].as_str()
        && named != bucket
    {
        return Err(Refusal::invalid(
            "The bucket in the body is not the one in the address.",
        ));
    }
    let conditions = Conditions::of_query(request)?;
    may_write(call.world, &call.who, bucket, &name, &conditions)?;
    if resumable {
        return Ok(open(call, bucket, name, metadata, conditions));
    }
    let new = NewObject {
        name,
        metadata,
        data,
        components: None,
        owner: call.who.clone(),
    };
    let object = store(call.world, bucket, new)?;
    shown(call.world, bucket, &object)
}

fn shown(world: &World, bucket: &str, object: &Object) -> Outcome {
    let settings = &world
        .buckets
        .get(bucket)
        .ok_or_else(Refusal::no_such_bucket)?
        .settings;
    let answer = Answer::ok(&object.view(&world.url, bucket, settings));
    Ok(answer.with("ETag", object.etag()))
}

fn multipart(request: &Request, content_type: &str) -> Result<(Value, Bytes), Refusal> {
    let wrong = || Refusal::new(400, Kind::BadRequest, "Malformed multipart body.");
    let parts = parts_of(&request.body, content_type).ok_or_else(wrong)?;
    let [(_, metadata), (_, data)] = &parts[..] else {
        return Err(wrong());
    };
    match serde_json::from_slice(metadata) {
        Ok(metadata @ Value::Object(_)) => Ok((metadata, data.clone())),
        Ok(_) | Err(_) => Err(Refusal::parse_error()),
    }
}

/// The type that a request names beside the metadata.
fn type_beside(request: &Request, content_type: &str) -> Option<String> {
    match request.parameter("uploadType") {
        Some("resumable") => request.header("x-upload-content-type").map(str::to_owned),
        Some("media") => Some(content_type.to_owned()),
        _ => {
            let parts = parts_of(&request.body, content_type)?;
            let (headers, _) = parts.get(1)?;
            let (_, value) = headers.iter().find(|(name, _)| name == "content-type")?;
            Some(value.clone())
        }
    }
}

fn open(
    call: &mut Call<'_>,
    bucket: &str,
    name: String,
    metadata: Value,
    conditions: Conditions,
) -> Answer {
    let id = format!("ABPtcP{}", random_hex(64));
    let place = format!(
        "{}/upload/storage/v1/b/{bucket}/o?uploadType=resumable&name={}&upload_id={id}",
        call.world.url,
        crate::gcs::object::encode(&name)
    );
    let session = Session {
        bucket: bucket.to_owned(),
        name,
        metadata,
        conditions,
        data: Vec::new(),
        owner: call.who.clone(),
    };
    call.world.sessions.insert(id, session);
    Answer::empty(200).with("Location", place)
}

/// The next piece; who knows the address needs nothing else.
pub(super) fn resume(world: &mut World, request: &Request) -> Outcome {
    let id = request.parameter("upload_id").unwrap_or_default();
    let gone = || {
        Refusal::new(
            410,
            Kind::NotFound,
            "The upload session does not exist or has ended.",
        )
    };
    if request.method == axum::http::Method::DELETE {
        world.sessions.remove(id).ok_or_else(gone)?;
        return Ok(Answer::empty(499));
    }
    let session = world.sessions.get_mut(id).ok_or_else(gone)?;
    let whole = take(session, request)?;
    if !whole {
        // Some clients would follow it as a redirection, and say so.
        let answer = if request.header("x-guploader-no-308") == Some("yes") {
            Answer::empty(200).with("X-HTTP-Status-Code-Override", "308")
        } else {
            Answer::empty(308)
        };
        return Ok(match session.data.len() {
            0 => answer,
            length => answer.with("Range", format!("bytes=0-{}", length - 1)),
        });
    }
    let session = session.clone();
    may_write(
        world,
        &session.owner,
        &session.bucket,
        &session.name,
        &session.conditions,
    )?;
    let new = NewObject {
        name: session.name,
        metadata: session.metadata,
        data: session.data.into(),
        components: None,
        owner: session.owner,
    };
    let object = store(world, &session.bucket, new)?;
    world.sessions.remove(id);
    shown(world, &session.bucket, &object)
}

/// Adds a piece; whether it was the last one.
fn take(session: &mut Session, request: &Request) -> Result<bool, Refusal> {
    // `bytes 0-9/20`, `bytes 10-19/*`, `bytes */20`, or nothing for all that is left.
    let Some(range) = request.header("content-range") else {
        session.data.extend_from_slice(&request.body);
        return Ok(true);
    };
    let wrong = || Refusal::invalid(format!("Failed to parse Content-Range header: '{range}'"));
    let text = range.strip_prefix("bytes ").ok_or_else(wrong)?;
    let (span, total) = text.split_once('/').ok_or_else(wrong)?;
    if let Some((first, _)) = span.split_once('-') {
        let first: usize = first.parse().map_err(|_| wrong())?;
        if first > session.data.len() {
            return Err(wrong());
        }
        // What came twice counts once.
        let known = session.data.len() - first;
        let more = request.body.get(known..).unwrap_or_default();
        session.data.extend_from_slice(more);
    }
    Ok(total.parse() == Ok(session.data.len()))
}
