//! Blobs that are put together from blocks.

use super::blobs::{self, guarded, headers, written};
use super::containers::{live, live_mut, metadata};
use super::refusal::{Outcome, Refusal};
use super::store::Block;
use super::{Names, not_simulated, xml};
use crate::azure::request::{Answer, Request};
use crate::azure::world::World;
use crate::gcs::unbase64;

/// The most blocks that wait for one blob.
const MOST: usize = 100_000;

/// Puts a block.
pub(super) fn put(world: &mut World, request: &Request, names: &Names) -> Outcome {
    let id = request.parameter("blockid").unwrap_or_default().to_owned();
    let bytes = unbase64(&id).filter(|bytes| (1..=64).contains(&bytes.len()));
    let Some(bytes) = bytes else {
        return Err(Refusal::query());
    };
    if request.body.is_empty() {
        return Err(Refusal::header());
    }
    blobs::checked(request)?;
    let sum = crate::gcs::base64(&crate::gcs::md5(&request.body));
    let container = live_mut(world, names)?;
    let blocks = container
        .uncommitted
        .entry(names.blob().to_owned())
        .or_default();
    let longer = |one: &Block| unbase64(&one.id).is_some_and(|other| other.len() != bytes.len());
    if blocks.first().is_some_and(longer) {
        let words = "The specified blob or block content is invalid.";
        return Err(Refusal::new(400, "InvalidBlobOrBlock", words));
    }
    blocks.retain(|one| one.id != id);
    if blocks.len() >= MOST {
        let words =
            "The uncommitted block count cannot exceed the maximum limit of 100,000 blocks.";
        return Err(Refusal::new(409, "BlockCountExceedsLimit", words));
    }
    blocks.push(Block {
        id,
        data: request.body.clone(),
    });
    Ok(Answer::empty(201)
        .with("Content-MD5", sum)
        .with("x-ms-request-server-encrypted", "true"))
}

/// Makes a blob of blocks.
pub(super) fn commit(world: &mut World, request: &Request, names: &Names) -> Outcome {
    let body = String::from_utf8_lossy(&request.body).into_owned();
    if !body.contains("<BlockList") {
        return Err(Refusal::document());
    }
    let metadata = metadata(request)?;
    guarded(world, request, names, true)?;
    let container = live_mut(world, names)?;
    let waiting = container
        .uncommitted
        .get(names.blob())
        .cloned()
        .unwrap_or_default();
    let there = container
        .live(names.blob())
        .map(|one| one.blocks.clone())
        .unwrap_or_default();
    let of = |blocks: &[Block], id: &str| blocks.iter().find(|one| one.id == id).cloned();
    let mut blocks = Vec::new();
    for (kind, id) in xml::leaves(&body) {
        let found = match kind.as_str() {
            "Latest" => of(&waiting, &id).or_else(|| of(&there, &id)),
            "Uncommitted" => of(&waiting, &id),
            "Committed" => of(&there, &id),
            _ => return Err(Refusal::document()),
        };
        let words = "The specified block list is invalid.";
        blocks.push(found.ok_or_else(|| Refusal::new(400, "InvalidBlockList", words))?);
    }
    let data: Vec<u8> = blocks.iter().flat_map(|one| one.data.to_vec()).collect();
    written(
        world,
        names,
        headers(request, false),
        metadata,
        data.into(),
        blocks,
    )
}

/// The blocks of a blob, those that wait for it, or both.
pub(super) fn list(world: &World, request: &Request, names: &Names) -> Outcome {
    let account = world
        .accounts
        .get(&names.account)
        .ok_or_else(not_simulated)?;
    let container = live(account, names.container())?;
    let blob = container.live(names.blob());
    let waiting = container.uncommitted.get(names.blob());
    if blob.is_none() && waiting.is_none() {
        return Err(Refusal::no_blob());
    }
    let kind = request.parameter("blocklisttype").unwrap_or("committed");
    let rows = |blocks: &[Block]| -> String {
        let row = |one: &Block| {
            let size = one.data.len().to_string();
            let pairs = [("Name", one.id.clone()), ("Size", size)];
            format!("<Block>{}</Block>", xml::elements(&pairs))
        };
        blocks.iter().map(row).collect()
    };
    let mut body = String::new();
    if ["committed", "all"].contains(&kind) {
        let committed = blob.map(|one| rows(&one.blocks));
        body += &format!(
            "<CommittedBlocks>{}</CommittedBlocks>",
            committed.unwrap_or_default()
        );
    }
    if ["uncommitted", "all"].contains(&kind) {
        let waiting = waiting.map(|blocks| rows(blocks));
        body += &format!(
            "<UncommittedBlocks>{}</UncommittedBlocks>",
            waiting.unwrap_or_default()
        );
    }
    let size = blob.map_or(0, |one| one.data.len());
    Ok(Answer::empty(200)
        .with("Content-Type", "application/xml")
        .with("x-ms-blob-content-length", size.to_string())
        .body(xml::document(&format!("<BlockList>{body}</BlockList>"))))
}
