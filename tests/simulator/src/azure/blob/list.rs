//! Lists of containers and of blobs.

use std::collections::BTreeSet;

use super::containers::live;
use super::refusal::{Outcome, Refusal};
use super::store::{Blob, Container};
use super::xml::{self, element, elements, escaped};
use super::{Names, not_simulated};
use crate::azure::clock::http;
use crate::azure::request::{Answer, Request};
use crate::azure::world::World;

/// What a list is to hold.
struct Page<'a> {
    prefix: &'a str,
    delimiter: Option<&'a str>,
    marker: usize,
    size: usize,
    include: Vec<&'a str>,
}

impl<'a> Page<'a> {
    fn of(request: &'a Request) -> Result<Self, Refusal> {
        let size = match request.parameter("maxresults") {
            None => 5000,
            Some(text) => match text.parse::<usize>() {
                Ok(0) | Err(_) => {
                    let words = "One of the query parameters specified in the request URI is \
                        outside the permissible range.";
                    return Err(Refusal::new(400, "OutOfRangeQueryParameterValue", words));
                }
                Ok(size) => size.min(5000),
            },
        };
        let marker = request
            .parameter("marker")
            .filter(|marker| !marker.is_empty());
        let marker = match marker {
            None => 0,
            Some(text) => text
                .strip_prefix("2!")
                .and_then(|text| text.parse().ok())
                .ok_or_else(Refusal::query)?,
        };
        let include = request.parameter("include").unwrap_or_default();
        Ok(Self {
            prefix: request.parameter("prefix").unwrap_or_default(),
            delimiter: request.parameter("delimiter").filter(|one| !one.is_empty()),
            marker,
            size,
            include: include.split(',').filter(|one| !one.is_empty()).collect(),
        })
    }

    fn includes(&self, what: &str) -> bool {
        self.include
            .iter()
            .any(|one| one.eq_ignore_ascii_case(what))
    }

    /// The rows of this page between what stands before and after them.
    fn rows(&self, request: &Request, rows: &[String], around: (&str, &str)) -> String {
        let head: String = [
            ("Prefix", "prefix"),
            ("Marker", "marker"),
            ("MaxResults", "maxresults"),
            ("Delimiter", "delimiter"),
        ]
        .iter()
        .filter_map(|(name, parameter)| Some(element(name, request.parameter(parameter)?)))
        .collect();
        let page: String = rows
            .iter()
            .skip(self.marker)
            .take(self.size)
            .map(String::as_str)
            .collect();
        let end = self.marker + self.size;
        let next = if rows.len() > end {
            format!("<NextMarker>2!{end}</NextMarker>")
        } else {
            "<NextMarker />".to_owned()
        };
        format!("{head}{}{page}{}{next}", around.0, around.1)
    }
}

fn metadata(of: &std::collections::BTreeMap<String, String>) -> String {
    let pairs: String = of
        .iter()
        .map(|(name, value)| element(name, value))
        .collect();
    format!("<Metadata>{pairs}</Metadata>")
}

/// The containers of an account.
pub(super) fn containers(world: &World, request: &Request, account: &str) -> Outcome {
    let page = Page::of(request)?;
    let (now, owner) = (
        world.now(),
        world.accounts.get(account).ok_or_else(not_simulated)?,
    );
    let mut all: Vec<&Container> = owner
        .containers
        .iter()
        .filter(|one| one.name.starts_with(page.prefix))
        .filter(|one| {
            one.deleted
                .is_none_or(|gone| page.includes("deleted") && gone.days > 0)
        })
        .collect();
    all.sort_by(|one, other| (&one.name, &one.version).cmp(&(&other.name, &other.version)));
    let row = |one: &&Container| {
        let mut row = element("Name", &one.name);
        if one.deleted.is_some() {
            row += &element("Version", &one.version);
            row += "<Deleted>true</Deleted>";
        }
        let mut properties = vec![
            ("Last-Modified", http(one.modified)),
            ("Etag", format!("\"{}\"", one.etag)),
            ("LeaseStatus", "unlocked".to_owned()),
            ("LeaseState", "available".to_owned()),
            (
                "DefaultEncryptionScope",
                "$account-encryption-key".to_owned(),
            ),
            ("DenyEncryptionScopeOverride", "false".to_owned()),
            (
                "HasImmutabilityPolicy",
                one.immutability.is_some().to_string(),
            ),
            ("HasLegalHold", (!one.holds.is_empty()).to_string()),
            ("ImmutableStorageWithVersioningEnabled", "false".to_owned()),
        ];
        if one.public_access != "None" {
            properties.push(("PublicAccess", one.public_access.to_ascii_lowercase()));
        }
        if let Some(gone) = one.deleted {
            properties.push(("DeletedTime", http(gone.at)));
            properties.push(("RemainingRetentionDays", gone.left(now).to_string()));
        }
        row += &format!("<Properties>{}</Properties>", elements(&properties));
        if page.includes("metadata") {
            row += &metadata(&one.metadata);
        }
        format!("<Container>{row}</Container>")
    };
    let rows: Vec<String> = all.iter().map(row).collect();
    let body = page.rows(request, &rows, ("<Containers>", "</Containers>"));
    let endpoint = format!("{}/{account}/", world.at.blob);
    Ok(document(&format!(
        "<EnumerationResults ServiceEndpoint=\"{}\">{body}</EnumerationResults>",
        escaped(&endpoint)
    )))
}

fn document(body: &str) -> Answer {
    let answer = Answer::empty(200).with("Content-Type", "application/xml");
    answer.body(xml::document(body))
}

/// The blobs of a container.
pub(super) fn blobs(world: &World, request: &Request, names: &Names) -> Outcome {
    let page = Page::of(request)?;
    let now = world.now();
    let account = world
        .accounts
        .get(&names.account)
        .ok_or_else(not_simulated)?;
    let container = live(account, names.container())?;
    if page.includes("snapshots") && page.delimiter.is_some() {
        return Err(Refusal::query());
    }
    let all = selected(container, &page);
    let mut rows: Vec<(String, String)> = Vec::new();
    let mut prefixes = BTreeSet::new();
    let below = |name: &str| {
        let rest = &name[page.prefix.len()..];
        let at = rest.find(page.delimiter?)?;
        Some(format!("{}{}", page.prefix, &rest[..=at]))
    };
    for one in all {
        match below(&one.name) {
            Some(prefix) => drop(prefixes.insert(prefix)),
            None => rows.push((one.name.clone(), row(one, &page, now))),
        }
    }
    if page.includes("uncommittedblobs") {
        for name in container.uncommitted.keys() {
            let wanted = name.starts_with(page.prefix) && container.live(name).is_none();
            match below(name).filter(|_| wanted) {
                Some(prefix) => drop(prefixes.insert(prefix)),
                None if wanted => rows.push((name.clone(), uncommitted(name))),
                None => {}
            }
        }
    }
    rows.extend(prefixes.iter().map(|prefix| {
        (
            prefix.clone(),
            format!("<BlobPrefix>{}</BlobPrefix>", element("Name", prefix)),
        )
    }));
    // By name alone: what shares a name has its order already.
    rows.sort_by(|one, other| one.0.cmp(&other.0));
    let rows: Vec<String> = rows.into_iter().map(|(_, row)| row).collect();
    let body = page.rows(request, &rows, ("<Blobs>", "</Blobs>"));
    let endpoint = format!("{}/{}/", world.at.blob, names.account);
    Ok(document(&format!(
        "<EnumerationResults ServiceEndpoint=\"{}\" ContainerName=\"{}\">{body}</EnumerationResults>",
        escaped(&endpoint),
        escaped(names.container())
    )))
}

/// The blobs, versions and snapshots that a list is to hold, in its order.
fn selected<'a>(container: &'a Container, page: &Page<'_>) -> Vec<&'a Blob> {
    let mut all: Vec<&Blob> = container
        .blobs
        .iter()
        .filter(|one| one.name.starts_with(page.prefix))
        .filter(|one| one.deleted.is_none() || page.includes("deleted"))
        .filter(|one| one.snapshot.is_none() || page.includes("snapshots") || one.deleted.is_some())
        .filter(|one| one.current || one.snapshot.is_some() || page.includes("versions"))
        .collect();
    all.sort_by_key(|one| {
        // What is older comes first, the blob itself last.
        let age = one.snapshot.clone().or_else(|| one.version.clone());
        (one.name.clone(), one.is_live(), age)
    });
    all
}

fn uncommitted(name: &str) -> String {
    let properties = "<Properties><Last-Modified /><Etag /><Content-Length>0</Content-Length>\
        <Content-Type /><Content-Encoding /><Content-Language /><Content-MD5 /><Cache-Control />\
        <BlobType>BlockBlob</BlobType></Properties>";
    format!("<Blob>{}{properties}</Blob>", element("Name", name))
}

fn row(one: &Blob, page: &Page<'_>, now: time::OffsetDateTime) -> String {
    let mut row = element("Name", &one.name);
    if one.deleted.is_some() {
        row += "<Deleted>true</Deleted>";
    }
    if let Some(snapshot) = &one.snapshot {
        row += &element("Snapshot", snapshot);
    }
    if let Some(version) = one.version.as_ref().filter(|_| one.snapshot.is_none()) {
        row += &element("VersionId", version);
        if one.is_live() {
            row += "<IsCurrentVersion>true</IsCurrentVersion>";
        }
    }
    let header = |name: &str| one.headers.get(name).cloned().unwrap_or_default();
    let mut properties = vec![
        ("Creation-Time", http(one.created)),
        ("Last-Modified", http(one.modified)),
        ("Etag", one.etag.clone()),
        ("Content-Length", one.data.len().to_string()),
        ("Content-Type", header("content-type")),
        ("Content-Encoding", header("content-encoding")),
        ("Content-Language", header("content-language")),
        ("Content-MD5", header("content-md5")),
        ("Cache-Control", header("cache-control")),
        ("Content-Disposition", header("content-disposition")),
        ("BlobType", "BlockBlob".to_owned()),
        ("AccessTier", "Hot".to_owned()),
        ("AccessTierInferred", "true".to_owned()),
        ("LeaseStatus", "unlocked".to_owned()),
        ("LeaseState", "available".to_owned()),
        ("ServerEncrypted", "true".to_owned()),
    ];
    if let Some(gone) = one.deleted {
        properties.push(("DeletedTime", http(gone.at)));
        properties.push(("RemainingRetentionDays", gone.left(now).to_string()));
    }
    row += &format!("<Properties>{}</Properties>", elements(&properties));
    if page.includes("metadata") {
        row += &metadata(&one.metadata);
    }
    format!("<Blob>{row}</Blob>")
}
