//! Lists what a container holds, page by page, and what else there is in an account.

use std::collections::BTreeSet;

use time::OffsetDateTime;
use time::format_description::well_known::Rfc2822;

use super::Azure;
use super::container::Container;
use super::data::{self, Ask};
use super::error::not_understood;
use super::request::{Api, Request};
use crate::byob::identity::AccessKey;
use crate::byob::marker::Marker;
use crate::byob::{CloudError, CloudErrorKind};
use crate::clouds::retry::Work;
use crate::clouds::xml;

/// The most entries that the service lists in one call.
pub(super) const PAGE: u64 = 5000;
/// How many blobs are deleted at the same time.
pub(super) const ABREAST: usize = 16;

pub(super) const LIST: &str =
    "Microsoft.Storage/storageAccounts/blobServices/containers/blobs/read";
const LIST_CONTAINERS: &str = "Microsoft.Storage/storageAccounts/blobServices/containers/read";

/// One blob, or one version or snapshot of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(in crate::clouds) struct Entry {
    pub(super) name: String,
    pub(super) version: Option<String>,
    pub(super) snapshot: Option<String>,
    /// It is what a reader gets.
    pub(super) is_live: bool,
    pub(super) bytes: u64,
    /// Why it cannot be deleted now, if it cannot.
    pub(super) lock: Option<String>,
}

/// One page of a list, and where it goes on.
#[derive(Debug)]
pub(super) struct Page {
    pub(super) entries: Vec<Entry>,
    pub(super) next: Option<String>,
}

/// The way through all pages of a list.
#[derive(Debug, Default)]
pub(in crate::clouds) struct Walk {
    at: Option<String>,
    been: BTreeSet<String>,
}

impl Walk {
    /// Whether it has not begun.
    pub(super) fn is_at_start(&self) -> bool {
        self.at.is_none()
    }

    /// Goes on to the next page, if there is one. A service that sends the same way twice
    /// would do so for ever.
    pub(super) fn follow(&mut self, bucket: &str, page: &Page) -> Result<bool, CloudError> {
        let Some(next) = page.next.clone() else {
            return Ok(false);
        };
        if !self.been.insert(next.clone()) {
            let why = "the service's list goes on where it has been before";
            let kind = CloudErrorKind::Unexpected;
            return Err(CloudError::new(kind, LIST, bucket, why));
        }
        self.at = Some(next);
        Ok(true)
    }
}

fn list(include: &str, most: u64, at: Option<&str>) -> Ask<'static> {
    let mut ask = Ask::new("GET", None)
        .with("restype", "container")
        .with("comp", "list")
        .with("maxresults", most.to_string());
    if !include.is_empty() {
        ask = ask.with("include", include);
    }
    match at {
        Some(at) => ask.with("marker", at),
        None => ask,
    }
}

async fn page(cloud: &Azure, bucket: &str, ask: &Ask<'_>) -> Result<Page, CloudError> {
    let answer = data::send(cloud, Work::Read, LIST, bucket, ask).await?;
    let text = String::from_utf8_lossy(&answer.body);
    let text = text.trim_start_matches('\u{feff}');
    read(text, OffsetDateTime::now_utc()).map_err(|why| not_understood(LIST, bucket, why))
}

fn read(text: &str, now: OffsetDateTime) -> Result<Page, String> {
    let root = xml::parse(text).map_err(|why| why.to_string())?;
    if root.name != "EnumerationResults" {
        return Err("it is no list of blobs".to_owned());
    }
    let blobs = root.child("Blobs").ok_or("it holds no blobs")?;
    let mut entries = Vec::new();
    for blob in blobs.all("Blob") {
        entries.push(entry(blob, now).ok_or("a blob has no name")?);
    }
    let next = root.child_text("NextMarker");
    Ok(Page {
        entries,
        next: next.filter(|next| !next.is_empty()).map(str::to_owned),
    })
}

fn entry(blob: &xml::Element, now: OffsetDateTime) -> Option<Entry> {
    // The text as it stands: a name may begin or end with a blank.
    let element = blob.child("Name")?;
    let name = element.text.clone();
    let encoded = element
        .child_text("Encoded")
        .is_some_and(|text| text == "true");
    if name.is_empty() || encoded {
        return None;
    }
    let text = |name: &str| blob.child_text(name).filter(|text| !text.is_empty());
    let version = text("VersionId").map(str::to_owned);
    let snapshot = text("Snapshot").map(str::to_owned);
    let is_current = text("IsCurrentVersion") == Some("true");
    let properties = blob.child("Properties");
    let property = |name: &str| {
        let text = properties.and_then(|properties| properties.child_text(name));
        text.filter(|text| !text.is_empty())
    };
    let is_live = snapshot.is_none() && (version.is_none() || is_current);
    Some(Entry {
        is_live,
        bytes: property("Content-Length")
            .and_then(|text| text.parse().ok())
            .unwrap_or(0),
        lock: lock(&name, property, now),
        name,
        version,
        snapshot,
    })
}

/// Why a blob cannot be deleted now, if it cannot.
fn lock<'a>(
    name: &str,
    property: impl Fn(&str) -> Option<&'a str>,
    now: OffsetDateTime,
) -> Option<String> {
    if property("LegalHold") == Some("true") {
        return Some(format!("{name:?} is under a legal hold"));
    }
    if let Some(until) = property("ImmutabilityPolicyUntilDate") {
        // A date that cannot be read may be one to come.
        let until = OffsetDateTime::parse(until, &Rfc2822);
        if until.map_or(true, |until| until > now) {
            let mode = property("ImmutabilityPolicyMode").unwrap_or_default();
            return Some(format!("{name:?} is under an immutability policy {mode}"));
        }
    }
    if property("LeaseState") == Some("leased") {
        return Some(format!("{name:?} is leased by somebody who works with it"));
    }
    None
}

/// One page of blobs with their versions and snapshots; what is deleted softly is not among
/// them, nor what was never finished.
pub(super) async fn blobs(
    cloud: &Azure,
    bucket: &str,
    walk: &Walk,
    most: u64,
) -> Result<Page, CloudError> {
    let include = "snapshots,versions,immutabilitypolicy,legalhold";
    let page = page(cloud, bucket, &list(include, most, walk.at.as_deref())).await?;
    for entry in page.entries.iter().filter(|entry| entry.is_live) {
        cloud.seen.note_live(&entry.name);
    }
    Ok(page)
}

/// One page of blobs, with those of which parts were sent and never put together.
pub(super) async fn unfinished(
    cloud: &Azure,
    bucket: &str,
    walk: &Walk,
    most: u64,
) -> Result<Page, CloudError> {
    let ask = list("uncommittedblobs", most, walk.at.as_deref());
    let mut page = page(cloud, bucket, &ask).await?;
    page.entries
        .retain(|entry| !cloud.seen.is_live(&entry.name));
    Ok(page)
}

/// Whether the container holds nothing at all, in one question.
pub(super) async fn holds_nothing(cloud: &Azure, bucket: &str) -> Result<bool, CloudError> {
    let include = "snapshots,versions,uncommittedblobs";
    let page = page(cloud, bucket, &list(include, 1, None)).await?;
    Ok(page.entries.is_empty() && page.next.is_none())
}

/// Asks for the list and cares for nothing but being let in.
pub(super) async fn glance(cloud: &Azure, bucket: &str) -> Result<(), CloudError> {
    let ask = list("", 1, None);
    let asked = data::send(cloud, Work::Read, LIST, bucket, &ask);
    asked.await.map(drop)
}

/// The same with this key.
pub(super) async fn glance_by(
    cloud: &Azure,
    bucket: &str,
    key: &AccessKey,
) -> Result<(), CloudError> {
    let (ask, secret) = (list("", 1, None), key.expose_secret());
    let asked = data::send_by_key(cloud, Work::Read, LIST, bucket, (&ask, secret));
    asked.await.map(drop)
}

/// The versions of one blob, of those on the first page.
pub(super) async fn versions(
    cloud: &Azure,
    bucket: &str,
    object: &str,
) -> Result<Vec<String>, CloudError> {
    let ask = list("versions", PAGE, None).with("prefix", object);
    let page = page(cloud, bucket, &ask).await?;
    let own = page.entries.into_iter().filter(|one| one.name == object);
    Ok(own.filter_map(|one| one.version).collect())
}

/// A container of an account.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Named {
    pub(super) name: String,
    /// It can be brought back for a while.
    pub(super) is_deleted: bool,
    /// The marker that it carries, or did.
    pub(super) marker: Option<Marker>,
}

/// The containers of the account; those that were deleted softly as well, where asked for.
pub(super) async fn containers(
    cloud: &Azure,
    with_deleted: bool,
) -> Result<Vec<Named>, CloudError> {
    let id = format!(
        "{}/blobServices/default/containers",
        cloud.place.account_id()
    );
    let request = Request::manager(Api::Storage, "GET", &id);
    let request = if with_deleted {
        request.with("$include", "deleted")
    } else {
        request
    };
    let target = &cloud.place.account;
    let told = cloud.all(LIST_CONTAINERS, target, &request).await?;
    told.iter()
        .map(|one| {
            let name = one["name"].as_str();
            let name = name.ok_or_else(|| {
                not_understood(LIST_CONTAINERS, target, "a container has no name")
            })?;
            Ok(Named {
                name: name.to_owned(),
                is_deleted: one["properties"]["deleted"] == true,
                marker: Container::of(one).marker(),
            })
        })
        .collect()
}

/// How many of something else the account has: `fileServices` with `shares` and the like.
pub(super) async fn others(cloud: &Azure, service: &str, what: &str) -> Result<usize, CloudError> {
    let id = format!("{}/{service}/default/{what}", cloud.place.account_id());
    let request = Request::manager(Api::Storage, "GET", &id);
    let call = format!("Microsoft.Storage/storageAccounts/{service}/{what}/read");
    let target = &cloud.place.account;
    match cloud.all(&call, target, &request).await {
        Ok(told) => Ok(told.len()),
        // An account of a kind that has no such service.
        Err(error) if is_not_served(&error) => Ok(0),
        Err(error) => Err(error),
    }
}

fn is_not_served(error: &CloudError) -> bool {
    matches!(
        error.code.as_deref(),
        Some("FeatureNotSupportedForAccount" | "OperationNotAllowedOnKind")
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    fn now() -> OffsetDateTime {
        OffsetDateTime::from_unix_timestamp(1_700_000_000).expect("a time")
    }

    fn page(blobs: &str) -> Page {
        let text = format!(
            "<?xml version=\"1.0\" encoding=\"utf-8\"?><EnumerationResults ContainerName=\"box\">\
             <Blobs>{blobs}</Blobs><NextMarker>2!8</NextMarker></EnumerationResults>"
        );
        read(&text, now()).expect("a page")
    }

    #[test]
    fn versions_and_snapshots_are_told_from_what_a_reader_gets() {
        let page = page(
            "<Blob><Name>a</Name><VersionId>2</VersionId><IsCurrentVersion>true</IsCurrentVersion>\
             <Properties><Content-Length>7</Content-Length></Properties></Blob>\
             <Blob><Name>a</Name><VersionId>1</VersionId><Properties/></Blob>\
             <Blob><Name>a</Name><Snapshot>3</Snapshot><Properties/></Blob>\
             <Blob><Name> b</Name><Properties/></Blob>",
        );
        let live: Vec<bool> = page.entries.iter().map(|entry| entry.is_live).collect();
        assert_eq!(live, [true, false, false, true]);
        assert_eq!(page.entries[0].bytes, 7);
        assert_eq!(page.entries[3].name, " b");
        assert_eq!(page.next.as_deref(), Some("2!8"));
    }

    #[test]
    fn what_keeps_a_blob_is_told() {
        for (properties, locked) in [
            ("", false),
            ("<LegalHold>true</LegalHold>", true),
            ("<LegalHold>false</LegalHold>", false),
            (
                "<ImmutabilityPolicyUntilDate>Tue, 14 Nov 2023 22:13:21 GMT\
                 </ImmutabilityPolicyUntilDate>",
                true,
            ),
            (
                "<ImmutabilityPolicyUntilDate>Tue, 14 Nov 2023 22:13:19 GMT\
                 </ImmutabilityPolicyUntilDate>",
                false,
            ),
            (
                "<ImmutabilityPolicyUntilDate>some day</ImmutabilityPolicyUntilDate>",
                true,
            ),
            ("<LeaseState>leased</LeaseState>", true),
            ("<LeaseState>available</LeaseState>", false),
        ] {
            let page = page(&format!(
                "<Blob><Name>a</Name><Properties>{properties}</Properties></Blob>"
            ));
            assert_eq!(page.entries[0].lock.is_some(), locked, "{properties}");
        }
    }

    #[test]
    fn a_walk_never_goes_in_circles() {
        let mut walk = Walk::default();
        let page = page("");
        assert!(walk.follow("box", &page).expect("a way"));
        assert!(walk.follow("box", &page).is_err());
    }
}
