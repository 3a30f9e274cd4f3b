//! Makes a bucket with everything that its first apply wants of it, in one call.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicU32, Ordering};

use serde_json::{Value, json};

use super::bucket::{Document, first};
use super::error::{CREATE_BUCKET, not_understood};
use super::request::Request;
use super::{Gcp, key, resource};
use crate::byob::change::Change;
use crate::byob::marker;
use crate::byob::spec::Key;
use crate::byob::{CloudError, CloudErrorKind};
use crate::clouds::retry::Work;

/// Makes the bucket. A key of its owner's is opened to Cloud Storage first, which could not
/// encrypt with it else.
pub(super) async fn create(
    cloud: &Gcp,
    bucket: &str,
    tags: &BTreeMap<String, String>,
    settings: &[Change],
) -> Result<(), CloudError> {
    let place = &cloud.place;
    let mut resource = first(tags, settings);
    for (name, value) in [
        ("name", bucket),
        ("location", place.location.as_str()),
        ("storageClass", place.storage_class.as_str()),
    ] {
        resource.insert(name.to_owned(), json!(value));
    }
    let request = Request::storage("POST", "b")
        .with("project", &place.project)
        .with("projection", "noAcl")
        .body(Value::Object(resource));
    let named = settings.iter().find_map(|change| match change {
        Change::Encryption(wanted) => match &wanted.key {
            Key::Named(name) => Some(name.as_str()),
            Key::Server | Key::ToMake => None,
        },
        _ => None,
    });
    let made = key::with_use_of(cloud, named, || insert(cloud, bucket, tags, &request)).await?;
    cloud.note_made();
    cloud.remember(bucket, &made);
    Ok(())
}

async fn insert(
    cloud: &Gcp,
    bucket: &str,
    tags: &BTreeMap<String, String>,
    request: &Request,
) -> Result<Document, CloudError> {
    let sent = AtomicU32::new(0);
    let outcome = cloud
        .send_counted(&sent, Work::Write, CREATE_BUCKET, bucket, request)
        .await;
    match outcome {
        Ok(answer) => serde_json::from_slice(&answer.body)
            .map_err(|error| error.to_string())
            .and_then(|made| Document::read(made, bucket).map_err(str::to_owned))
            .map_err(|why| not_understood(CREATE_BUCKET, bucket, why)),
        // The answer to the first of several requests may have been lost. The marker was
        // drawn for this very call, so a bucket that carries it is the one of that request.
        Err(error)
            if error.kind == CloudErrorKind::AlreadyExists && sent.load(Ordering::Relaxed) > 1 =>
        {
            let found = resource::get(cloud, bucket).await.ok().flatten();
            let own = tags.get(marker::KEY);
            found
                .filter(|found| own.is_some() && found.labels().get(marker::KEY) == own)
                .ok_or(error)
        }
        Err(error) => Err(error),
    }
}
