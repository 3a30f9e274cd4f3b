//! Objects.

use axum::http::Method;
use bytes::Bytes;
use serde_json::{Map, Value, json};

use super::{Call, Outcome};
use crate::gcs::access::Resource;
use crate::gcs::json::objects::{content, hashes, remove};
use crate::gcs::object::{Conditions, Object};
use crate::gcs::refusal::Refusal;
use crate::gcs::request::{Answer, Request};
use crate::gcs::store::{NewObject, may_write, store};

fn generation(request: &Request) -> Result<Option<i64>, Refusal> {
    request.number("generation")
}

pub(super) fn get(call: &mut Call<'_>) -> Outcome {
    let (bucket, name) = (&call.bucket, &call.object);
    call.world.require(
        &call.who,
        "storage.objects.get",
        Resource::Object(bucket, name),
    )?;
    let generation = generation(call.request)?;
    let found = call
        .world
        .buckets
        .get(bucket)
        .ok_or_else(Refusal::no_such_bucket)?;
    let object = found.find(name, generation);
    let object = object.ok_or_else(|| call.world.missing(&call.who, bucket, name))?;
    let conditions = Conditions::of_headers(call.request);
    conditions.check(Some((object.generation, object.metageneration)))?;
    if let Some(key) = &object.key {
        call.world.check_key_for_reading(key, &found.project)?;
    }
    let mut answer = content(object, call.request)?;
    if let Some(until) = object.kept_until(&found.settings) {
        answer = answer.with(
            "X-Goog-Retention-Expiration",
            crate::gcs::clock::milliseconds(until),
        );
    }
    if call.request.method == Method::HEAD {
        let length = answer.body.len().to_string();
        return Ok(answer.with("Content-Length", length).body(Bytes::new()));
    }
    Ok(answer)
}

/// What the headers say of a new object, as the JSON interface has it.
pub(super) fn metadata(request: &Request) -> Value {
    let mut said = Map::new();
    let fields = [
        ("content-type", "contentType"),
        ("cache-control", "cacheControl"),
        ("content-disposition", "contentDisposition"),
        ("content-encoding", "contentEncoding"),
        ("content-language", "contentLanguage"),
        ("x-goog-storage-class", "storageClass"),
        ("x-goog-encryption-kms-key-name", "kmsKeyName"),
        ("content-md5", "md5Hash"),
    ];
    for (header, field) in fields {
        if let Some(value) = request.header(header) {
            said.insert(field.to_owned(), json!(value));
        }
    }
    for sum in request.headers.get_all("x-goog-hash") {
        let sums = sum.to_str().unwrap_or_default().split(',');
        for (name, value) in sums.filter_map(|sum| sum.trim().split_once('=')) {
            let field = if name == "md5" { "md5Hash" } else { "crc32c" };
            said.insert(field.to_owned(), json!(value));
        }
    }
    let own: Map<String, Value> = request
        .headers
        .iter()
        .filter_map(|(name, value)| {
            let name = name.as_str().strip_prefix("x-goog-meta-")?;
            Some((name.to_owned(), json!(value.to_str().ok()?)))
        })
        .collect();
    if !own.is_empty() {
        said.insert("metadata".to_owned(), Value::Object(own));
    }
    Value::Object(said)
}

pub(super) fn put(call: &mut Call<'_>) -> Outcome {
    let request = call.request;
    if request.headers.contains_key("x-goog-copy-source") {
        return Err(Refusal::not_simulated("a copy in XML"));
    }
    if let Some(acl) = request.header("x-goog-acl") {
        return Err(Refusal::not_simulated(&format!("x-goog-acl: {acl}")));
    }
    let conditions = Conditions::of_headers(request);
    may_write(
        call.world,
        &call.who,
        &call.bucket,
        &call.object,
        &conditions,
    )?;
    let new = NewObject {
        name: call.object.clone(),
        metadata: metadata(request),
        data: request.body.clone(),
        components: None,
        owner: call.who.clone(),
    };
    let object = store(call.world, &call.bucket, new)?;
    Ok(written(Answer::empty(200), &object))
}

/// The headers that tell of a new object.
pub(super) fn written(answer: Answer, object: &Object) -> Answer {
    answer
        .with("ETag", object.xml_etag())
        .with("X-Goog-Generation", object.generation.to_string())
        .with("X-Goog-Metageneration", object.metageneration.to_string())
        .with("X-Goog-Hash", hashes(object))
        .with("X-Goog-Stored-Content-Encoding", "identity")
        .with(
            "X-Goog-Stored-Content-Length",
            object.data.len().to_string(),
        )
}

pub(super) fn delete(call: &mut Call<'_>) -> Outcome {
    let conditions = Conditions::of_headers(call.request);
    let generation = generation(call.request)?;
    remove(
        call.world,
        &call.who,
        &call.bucket,
        &call.object,
        generation,
        &conditions,
    )?;
    Ok(Answer::empty(204))
}
