//! Lists the objects and the unfinished uploads that a bucket holds, page by page.

use std::collections::BTreeSet;

use serde_json::Value;
use time::OffsetDateTime;
use time::format_description::well_known::Rfc3339;

use super::Gcp;
use super::bucket::whole;
use super::error::not_understood;
use super::request::{Request, encoded};
use crate::byob::{CloudError, CloudErrorKind};
use crate::clouds::retry::Work;
use crate::clouds::xml;

/// The most entries that the service lists in one call.
pub(super) const PAGE: u64 = 1000;
/// How many objects are deleted at the same time.
pub(super) const ABREAST: usize = 16;

pub(super) const LIST: &str = "storage.objects.list";
const UPLOADS: &str = "storage.multipartUploads.list";
/// What is told of each object.
const FIELDS: &str = "nextPageToken,items(name,generation,size,timeDeleted,temporaryHold,eventBasedHold,\
     retention,retentionExpirationTime)";

/// One generation of an object.
#[derive(Clone, Debug)]
pub(in crate::clouds) struct Entry {
    pub(super) name: String,
    pub(super) generation: String,
    pub(super) is_live: bool,
    pub(super) bytes: u64,
    /// Why it cannot be deleted now, if it cannot.
    pub(super) lock: Option<String>,
}

/// One page of a list, and where it goes on.
#[derive(Debug)]
pub(super) struct Page<T> {
    pub(super) entries: Vec<T>,
    pub(super) next: Option<Position>,
}

/// A token of the service's, or the last name of a page with its upload.
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub(in crate::clouds) struct Position(String, String);

impl Position {
    /// Where a list in JSON goes on after this page.
    pub(super) fn of(page: &Value) -> Option<Self> {
        let token = page["nextPageToken"].as_str();
        let token = token.filter(|token| !token.is_empty())?;
        Some(Self(token.to_owned(), String::new()))
    }
}

/// The way through all pages of a list.
#[derive(Debug, Default)]
pub(in crate::clouds) struct Walk {
    at: Option<Position>,
    been: BTreeSet<Position>,
}

impl Walk {
    /// The token of the page to ask for; none for the first one.
    pub(super) fn token(&self) -> Option<&str> {
        self.at.as_ref().map(|at| at.0.as_str())
    }

    /// Goes on to the next page, if there is one. A service that sends the same way twice
    /// would do so for ever.
    pub(super) fn follow<T>(
        &mut self,
        call: &str,
        bucket: &str,
        page: &Page<T>,
    ) -> Result<bool, CloudError> {
        let Some(next) = page.next.clone() else {
            return Ok(false);
        };
        if !self.been.insert(next.clone()) {
            let why = "the service's list goes on where it has been before";
            return Err(CloudError::new(
                CloudErrorKind::Unexpected,
                call,
                bucket,
                why,
            ));
        }
        self.at = Some(next);
        Ok(true)
    }
}

/// One page of objects, every generation of them that is not deleted softly.
pub(super) async fn objects(
    cloud: &Gcp,
    bucket: &str,
    walk: &Walk,
    most: u64,
) -> Result<Page<Entry>, CloudError> {
    let request = Request::bucket("GET", bucket)
        .part("/o")
        .with("versions", "true")
        .with("fields", FIELDS)
        .with("maxResults", &most.to_string())
        .with_some("pageToken", walk.token());
    let told = cloud.json(Work::Read, LIST, bucket, &request).await?;
    let now = OffsetDateTime::now_utc();
    let mut entries = Vec::new();
    for item in told["items"].as_array().into_iter().flatten() {
        let entry = entry(item, now);
        entries.push(entry.ok_or_else(|| {
            not_understood(LIST, bucket, "an object has no name or no generation")
        })?);
    }
    Ok(Page {
        entries,
        next: Position::of(&told),
    })
}

/// Every generation of one object that is not deleted softly, of those on the first page.
pub(super) async fn generations(
    cloud: &Gcp,
    bucket: &str,
    object: &str,
) -> Result<Vec<String>, CloudError> {
    let request = Request::bucket("GET", bucket)
        .part("/o")
        .with("versions", "true")
        .with("fields", "items(name,generation)")
        .with("prefix", object);
    let told = cloud.json(Work::Read, LIST, bucket, &request).await?;
    let items = told["items"].as_array().into_iter().flatten();
    // Names come in their order, so the object itself comes first.
    let own = items.filter(|item| item["name"] == object);
    Ok(own
        .filter_map(|item| whole(&item["generation"]))
        .map(|generation| generation.to_string())
        .collect())
}

fn entry(item: &Value, now: OffsetDateTime) -> Option<Entry> {
    Some(Entry {
        name: item["name"].as_str()?.to_owned(),
        generation: whole(&item["generation"])?.to_string(),
        is_live: item["timeDeleted"].is_null(),
        bytes: whole(&item["size"]).unwrap_or(0),
        lock: lock(item, now),
    })
}

/// Why an object cannot be deleted now, if it cannot.
fn lock(item: &Value, now: OffsetDateTime) -> Option<String> {
    let name = item["name"].as_str().unwrap_or_default();
    if item["temporaryHold"] == true {
        return Some(format!("{name:?} is under a temporary hold"));
    }
    if item["eventBasedHold"] == true {
        return Some(format!("{name:?} is under an event-based hold"));
    }
    let is_ahead = |value: &Value| {
        value.as_str().is_some_and(|text| {
            OffsetDateTime::parse(text, &Rfc3339).is_ok_and(|until| until > now)
        })
    };
    let own = &item["retention"]["retainUntilTime"];
    let held = is_ahead(own) || is_ahead(&item["retentionExpirationTime"]);
    held.then(|| {
        let mode = item["retention"]["mode"].as_str();
        let mode = mode.map_or(String::new(), |mode| format!("{mode} "));
        format!("{name:?} is under {mode}retention")
    })
}

/// One page of unfinished uploads: object and upload.
pub(super) async fn uploads(
    cloud: &Gcp,
    bucket: &str,
    walk: &Walk,
    most: u64,
) -> Result<Page<(String, String)>, CloudError> {
    let request = Request::xml("GET", &format!("{}?uploads", encoded(bucket)))
        .with("max-uploads", &most.to_string())
        .with_some("key-marker", walk.token())
        .with_some("upload-id-marker", walk.at.as_ref().map(|at| at.1.as_str()));
    let answer = cloud
        .send_request(Work::Read, UPLOADS, bucket, &request)
        .await?;
    let text = String::from_utf8_lossy(&answer.body);
    let root = xml::parse(&text).map_err(|why| not_understood(UPLOADS, bucket, why))?;
    if root.name != "ListMultipartUploadsResult" {
        return Err(not_understood(UPLOADS, bucket, "it is no list of uploads"));
    }
    let entries = root.all("Upload").map(|upload| {
        // The text as it stands: a name may begin or end with a blank.
        let key = upload.child("Key").map(|key| key.text.clone());
        let id = upload.child_text("UploadId").map(str::to_owned);
        key.zip(id)
            .ok_or_else(|| not_understood(UPLOADS, bucket, "an upload has no name or no id"))
    });
    let entries = entries.collect::<Result<Vec<(String, String)>, CloudError>>()?;
    let is_truncated = root.child_text("IsTruncated") == Some("true");
    let next = is_truncated.then(|| {
        let key = root
            .child("NextKeyMarker")
            .map(|marker| marker.text.clone());
        let id = root.child_text("NextUploadIdMarker").map(str::to_owned);
        Position(key.unwrap_or_default(), id.unwrap_or_default())
    });
    Ok(Page { entries, next })
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn what_keeps_an_object_is_told() {
        let now = OffsetDateTime::from_unix_timestamp(1_700_000_000).expect("a time");
        for (item, locked) in [
            (json!({"name": "a"}), false),
            (json!({"name": "a", "temporaryHold": true}), true),
            (json!({"name": "a", "eventBasedHold": true}), true),
            (
                json!({"name": "a", "retentionExpirationTime": "2023-11-14T22:13:21Z"}),
                true,
            ),
            (
                json!({"name": "a", "retentionExpirationTime": "2023-11-14T22:13:19Z"}),
                false,
            ),
            (
                json!({"name": "a", "retention": {"mode": "Locked",
                    "retainUntilTime": "2033-11-14T22:13:19.5Z"}}),
                true,
            ),
        ] {
            assert_eq!(lock(&item, now).is_some(), locked, "{item}");
        }
    }

    #[test]
    fn a_walk_never_goes_in_circles() {
        let mut walk = Walk::default();
        let page = Page::<()> {
            entries: Vec::new(),
            next: Some(Position("a".to_owned(), String::new())),
        };
        assert!(walk.follow("call", "b", &page).expect("a way"));
        assert!(walk.follow("call", "b", &page).is_err());
    }
}
