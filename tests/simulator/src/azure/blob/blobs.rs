//! Blobs: what is written, read, deleted and given back.

use std::collections::BTreeMap;

use bytes::Bytes;

use super::containers::{live, live_mut, metadata, stamped};
use super::refusal::{Outcome, Refusal};
use super::store::{Blob, Block, Container, Wanted, etag};
use super::{Names, not_simulated};
use crate::azure::clock::{http, long};
use crate::azure::request::{Answer, Request};
use crate::azure::world::World;

/// Answers a request to a blob.
pub(super) fn answer(world: &mut World, request: &Request, names: &Names) -> Outcome {
    match (request.method.as_str(), request.parameter("comp")) {
        ("PUT", None) => put(world, request, names),
        ("GET" | "HEAD", None | Some("metadata")) => get(world, request, names),
        ("DELETE", None) => delete(world, request, names),
        ("PUT", Some("metadata" | "properties")) => change(world, request, names),
        ("PUT", Some("snapshot")) => snapshot(world, request, names),
        ("PUT", Some("undelete")) => undelete(world, names),
        _ => Err(not_simulated()),
    }
}

/// The version or the snapshot that a request names.
fn wanted(request: &Request) -> Option<Wanted> {
    let version = request
        .parameter("versionid")
        .map(|id| Wanted::Version(id.to_owned()));
    version.or_else(|| Some(Wanted::Snapshot(request.parameter("snapshot")?.to_owned())))
}

/// The headers that a blob keeps.
pub(super) fn headers(request: &Request, whole: bool) -> BTreeMap<String, String> {
    let mut kept = BTreeMap::new();
    for name in [
        "content-type",
        "content-encoding",
        "content-language",
        "cache-control",
        "content-disposition",
    ] {
        let own = request.header(&format!("x-ms-blob-{name}"));
        let value = own.or_else(|| {
            request
                .header(name)
                .filter(|_| whole && name != "content-disposition")
        });
        if let Some(value) = value {
            kept.insert(name.to_owned(), value.to_owned());
        }
    }
    if let Some(sum) = request.header("x-ms-blob-content-md5") {
        kept.insert("content-md5".to_owned(), sum.to_owned());
    }
    kept.entry("content-type".to_owned())
        .or_insert_with(|| "application/octet-stream".to_owned());
    kept
}

/// Whether a body is what its checksum says.
pub(super) fn checked(request: &Request) -> Result<(), Refusal> {
    let sum = crate::gcs::base64(&crate::gcs::md5(&request.body));
    if request
        .header("content-md5")
        .is_some_and(|sent| sent != sum)
    {
        let words = "The MD5 value specified in the request did not match with the MD5 value \
            calculated by the server.";
        return Err(Refusal::new(400, "Md5Mismatch", words));
    }
    Ok(())
}

/// Refuses what the conditions of a request or the state of the container forbid.
pub(super) fn guarded(
    world: &World,
    request: &Request,
    names: &Names,
    write: bool,
) -> Result<(), Refusal> {
    let account = world
        .accounts
        .get(&names.account)
        .ok_or_else(not_simulated)?;
    let container = live(account, names.container())?;
    let blob = container.live(names.blob());
    if let Some((code, words)) = blob.and_then(|one| container.held(one, world.now())) {
        return Err(Refusal::new(409, code, words));
    }
    let tag = |name: &str| {
        request
            .header(name)
            .map(|tag| tag.trim_matches('"').to_owned())
    };
    let failed = || {
        let words = "The condition specified using HTTP conditional header(s) is not met.";
        Refusal::new(412, "ConditionNotMet", words)
    };
    if let Some(wanted) = tag("if-match")
        && blob.is_none_or(|one| wanted != "*" && one.etag != wanted)
    {
        return Err(failed());
    }
    match (tag("if-none-match"), blob) {
        (Some(other), Some(_)) if other == "*" && write => {
            let words = "The specified blob already exists.";
            Err(Refusal::new(409, "BlobAlreadyExists", words))
        }
        (Some(other), Some(one)) if one.etag == other => Err(failed()),
        _ => Ok(()),
    }
}

fn put(world: &mut World, request: &Request, names: &Names) -> Outcome {
    match request.header("x-ms-blob-type") {
        Some("BlockBlob") => {}
        Some("PageBlob" | "AppendBlob") => return Err(not_simulated()),
        Some(_) => return Err(Refusal::header()),
        None => return Err(Refusal::missing_header().with("x-ms-missing", "x-ms-blob-type")),
    }
    if request.header("x-ms-copy-source").is_some() {
        return Err(not_simulated());
    }
    if names.blob().chars().count() > 1024 {
        let words = "The specified resource name length is not within the permissible limits.";
        return Err(Refusal::new(400, "OutOfRangeInput", words));
    }
    checked(request)?;
    let metadata = metadata(request)?;
    guarded(world, request, names, true)?;
    let sum = crate::gcs::base64(&crate::gcs::md5(&request.body));
    let mut kept = headers(request, true);
    kept.insert("content-md5".to_owned(), sum.clone());
    let answer = written(
        world,
        names,
        kept,
        metadata,
        request.body.clone(),
        Vec::new(),
    )?;
    Ok(answer.with("Content-MD5", sum))
}

/// Stores a blob.
pub(super) fn written(
    world: &mut World,
    names: &Names,
    headers: BTreeMap<String, String>,
    metadata: BTreeMap<String, String>,
    data: Bytes,
    blocks: Vec<Block>,
) -> Outcome {
    let now = world.now();
    let account = world
        .accounts
        .get_mut(&names.account)
        .ok_or_else(not_simulated)?;
    let keeping = account.keeping();
    let container = account
        .live_mut(names.container())
        .ok_or_else(Refusal::no_container)?;
    let created = container.live(names.blob()).map_or(now, |one| one.created);
    let blob = Blob {
        name: names.blob().to_owned(),
        version: None,
        snapshot: None,
        current: true,
        deleted: None,
        etag: etag(),
        created,
        modified: now,
        headers,
        metadata,
        blocks,
        data,
    };
    let tag = blob.etag.clone();
    let version = container.store(blob, keeping, now);
    let answer = stamped(Answer::empty(201), &tag, now, &BTreeMap::new())
        .with("x-ms-request-server-encrypted", "true");
    Ok(match version {
        Some(version) => answer.with("x-ms-version-id", version),
        None => answer,
    })
}

/// The blob, the version or the snapshot that a request names.
fn found<'a>(
    container: &'a Container,
    request: &Request,
    names: &Names,
) -> Result<&'a Blob, Refusal> {
    let found = match wanted(request) {
        None => container.live(names.blob()),
        Some(wanted) => container
            .blobs
            .iter()
            .find(|one| one.name == names.blob() && one.deleted.is_none() && wanted.is(one)),
    };
    found.ok_or_else(Refusal::no_blob)
}

fn get(world: &World, request: &Request, names: &Names) -> Outcome {
    let account = world
        .accounts
        .get(&names.account)
        .ok_or_else(not_simulated)?;
    let container = live(account, names.container())?;
    let blob = found(container, request, names)?;
    let tag = |name: &str| {
        request
            .header(name)
            .map(|tag| tag.trim_matches('"').to_owned())
    };
    if tag("if-match").is_some_and(|wanted| wanted != "*" && wanted != blob.etag) {
        let words = "The condition specified using HTTP conditional header(s) is not met.";
        return Err(Refusal::new(412, "ConditionNotMet", words));
    }
    if tag("if-none-match").is_some_and(|other| other == "*" || other == blob.etag) {
        return Err(Refusal::new(304, "ConditionNotMet", ""));
    }
    let size = blob.data.len();
    let range = request
        .header("x-ms-range")
        .or_else(|| request.header("range"));
    let range = range
        .filter(|_| request.method == "GET")
        .map(|text| span(text, size));
    let (status, data, note) = match range {
        None => (200, blob.data.clone(), None),
        Some(None) => {
            let words = "The range specified is invalid for the current size of the resource.";
            let refusal = Refusal::new(416, "InvalidRange", words);
            return Err(refusal.with("Content-Range", &format!("bytes */{size}")));
        }
        Some(Some((from, to))) => {
            let note = format!("bytes {from}-{to}/{size}");
            (206, blob.data.slice(from..=to), Some(note))
        }
    };
    let mut answer = described(blob, request, status);
    if let Some(note) = note {
        answer = answer.with("Content-Range", note);
    }
    if request.method == "HEAD" {
        return Ok(answer.with("Content-Length", size.to_string()));
    }
    if request.parameter("comp").is_some() {
        return Ok(answer);
    }
    Ok(answer.body(data))
}

/// What an answer says of a blob.
fn described(blob: &Blob, request: &Request, status: u16) -> Answer {
    let mut answer = stamped(
        Answer::empty(status),
        &blob.etag,
        blob.modified,
        &blob.metadata,
    )
    .with("x-ms-blob-type", "BlockBlob")
    .with("x-ms-creation-time", http(blob.created))
    .with("x-ms-lease-status", "unlocked")
    .with("x-ms-lease-state", "available")
    .with("x-ms-server-encrypted", "true")
    .with("x-ms-access-tier", "Hot")
    .with("x-ms-access-tier-inferred", "true")
    .with("Accept-Ranges", "bytes");
    for (name, value) in &blob.headers {
        let name = if name == "content-md5" && status == 206 {
            "x-ms-blob-content-md5"
        } else {
            name
        };
        answer = answer.with(name, value.clone());
    }
    // A signed address may say what a browser is to be told.
    for (parameter, header) in [
        ("rscd", "content-disposition"),
        ("rsct", "content-type"),
        ("rscc", "cache-control"),
    ] {
        if let Some(value) = request.parameter(parameter) {
            answer
                .headers
                .retain(|(name, _)| !name.eq_ignore_ascii_case(header));
            answer = answer.with(header, value);
        }
    }
    if let Some(version) = &blob.version {
        answer = answer.with("x-ms-version-id", version.clone());
        if blob.is_live() {
            answer = answer.with("x-ms-is-current-version", "true");
        }
    }
    answer
}

/// The first and the last byte of a range within so many.
fn span(text: &str, size: usize) -> Option<(usize, usize)> {
    let (from, to) = text.strip_prefix("bytes=")?.split_once('-')?;
    let from: usize = from.parse().ok()?;
    let last = size.checked_sub(1)?;
    let to = if to.is_empty() {
        last
    } else {
        to.parse::<usize>().ok()?.min(last)
    };
    (from <= to).then_some((from, to))
}

fn delete(world: &mut World, request: &Request, names: &Names) -> Outcome {
    guarded(world, request, names, false)?;
    let now = world.now();
    let account = world
        .accounts
        .get_mut(&names.account)
        .ok_or_else(not_simulated)?;
    let keeping = account.keeping();
    let container = account
        .live_mut(names.container())
        .ok_or_else(Refusal::no_container)?;
    let held = {
        let blob = found(container, request, names)?;
        container.held(blob, now)
    };
    if let Some((code, words)) = held {
        return Err(Refusal::new(409, code, words));
    }
    let answer = Answer::empty(202).with(
        "x-ms-delete-type-permanent",
        keeping.days.is_none().to_string(),
    );
    if let Some(wanted) = wanted(request) {
        let current = container
            .live(names.blob())
            .is_some_and(|one| wanted.is(one));
        if current {
            let words = "The specified operation is not allowed on root blob.";
            return Err(Refusal::new(403, "OperationNotAllowedOnRootBlob", words));
        }
        container.delete_one(names.blob(), &wanted, keeping, now);
        return Ok(answer);
    }
    let mut blobs = container.blobs.iter();
    let snapshots = blobs
        .any(|one| one.name == names.blob() && one.snapshot.is_some() && one.deleted.is_none());
    let (base, with) = match request.header("x-ms-delete-snapshots") {
        None if snapshots => {
            let words = "This operation is not permitted because the blob has snapshots.";
            return Err(Refusal::new(409, "SnapshotsPresent", words));
        }
        None => (true, false),
        Some("include") => (true, true),
        Some("only") => (false, true),
        Some(_) => return Err(Refusal::header()),
    };
    container.delete(names.blob(), keeping, with, base, now);
    Ok(answer)
}

fn change(world: &mut World, request: &Request, names: &Names) -> Outcome {
    guarded(world, request, names, true)?;
    let now = world.now();
    let whole = request.parameter("comp") == Some("metadata");
    let metadata = metadata(request)?;
    let account = world
        .accounts
        .get_mut(&names.account)
        .ok_or_else(not_simulated)?;
    let keeping = account.keeping();
    let container = account
        .live_mut(names.container())
        .ok_or_else(Refusal::no_container)?;
    let mut blob = container
        .live(names.blob())
        .cloned()
        .ok_or_else(Refusal::no_blob)?;
    blob.etag = etag();
    blob.modified = now;
    let mut answer = stamped(Answer::empty(200), &blob.etag, now, &BTreeMap::new());
    if whole {
        blob.metadata = metadata;
        if keeping.versions {
            // Metadata is part of a version.
            if let Some(version) = container.store(blob, keeping, now) {
                answer = answer.with("x-ms-version-id", version);
            }
            return Ok(answer);
        }
    } else {
        blob.headers = headers(request, false);
    }
    if let Some(there) = container.live_mut(names.blob()) {
        *there = blob;
    }
    Ok(answer)
}

fn snapshot(world: &mut World, request: &Request, names: &Names) -> Outcome {
    let now = world.now();
    let metadata = metadata(request)?;
    let container = live_mut(world, names)?;
    let mut copy = container
        .live(names.blob())
        .cloned()
        .ok_or_else(Refusal::no_blob)?;
    let mut moment = now;
    let taken = |id: &String| {
        container
            .blobs
            .iter()
            .any(|one| one.snapshot.as_ref() == Some(id))
    };
    while taken(&long(moment)) {
        moment += time::Duration::nanoseconds(100);
    }
    let id = long(moment);
    copy.snapshot = Some(id.clone());
    copy.current = false;
    copy.version = None;
    if !metadata.is_empty() {
        copy.metadata = metadata;
    }
    let answer = stamped(
        Answer::empty(201),
        &copy.etag,
        copy.modified,
        &BTreeMap::new(),
    );
    container.blobs.push(copy);
    Ok(answer.with("x-ms-snapshot", id))
}

fn undelete(world: &mut World, names: &Names) -> Outcome {
    let container = live_mut(world, names)?;
    let mut any = false;
    for one in container
        .blobs
        .iter_mut()
        .filter(|one| one.name == names.blob())
    {
        any = true;
        one.deleted = None;
    }
    any.then(|| Answer::empty(200)).ok_or_else(Refusal::no_blob)
}
