//! Lists the versions and the unfinished uploads that a bucket holds, page by page.
//!
//! Names come encoded: XML cannot carry every character that a name may have.

use std::collections::BTreeSet;

use aws_sdk_s3::types::EncodingType;
use percent_encoding::percent_decode_str;

use super::S3;
use crate::byob::{CloudError, CloudErrorKind};
use crate::clouds::retry::Work;

/// The most entries that servers list or delete in one call.
pub(super) const PAGE: u64 = 1000;
/// How many objects are asked about at the same time.
pub(super) const ABREAST: usize = 16;

const VERSIONS: &str = "s3:ListBucketVersions";
const UPLOADS: &str = "s3:ListBucketMultipartUploads";

/// Where a page begins: after this name and this version or upload of it.
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub(in crate::clouds) struct Position {
    key: Option<String>,
    id: Option<String>,
}

/// The way through all pages of a list.
#[derive(Debug, Default)]
pub(in crate::clouds) struct Walk {
    pub(super) at: Position,
    been: BTreeSet<Position>,
}

impl Walk {
    /// Goes on to the next page, if there is one. A server that sends the same way twice
    /// would do so for ever.
    pub(super) fn follow(
        &mut self,
        call: &str,
        bucket: &str,
        next: Option<Position>,
    ) -> Result<bool, CloudError> {
        let Some(next) = next else {
            return Ok(false);
        };
        let why = if next.key.is_none() {
            "the server says that its list goes on, and not where"
        } else if next == self.at || !self.been.insert(next.clone()) {
            "the server's list goes on where it has been before"
        } else {
            self.at = next;
            return Ok(true);
        };
        let kind = CloudErrorKind::Unexpected;
        Err(CloudError::new(kind, call, bucket, why))
    }
}

/// What stands in a list of versions.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(in crate::clouds) enum Kind {
    Current,
    Noncurrent,
    DeleteMarker,
}

/// One version of an object.
#[derive(Clone, Debug)]
pub(in crate::clouds) struct Entry {
    pub(super) key: String,
    pub(super) version: String,
    pub(super) kind: Kind,
    pub(super) bytes: u64,
}

/// One page of versions.
#[derive(Debug)]
pub(super) struct Page {
    pub(super) entries: Vec<Entry>,
    /// Where the list goes on, if it does.
    pub(super) next: Option<Position>,
}

impl Page {
    /// Goes on to the next page, if there is one.
    pub(super) fn follow(&self, walk: &mut Walk, bucket: &str) -> Result<bool, CloudError> {
        walk.follow(VERSIONS, bucket, self.next.clone())
    }
}

pub(super) async fn versions(
    cloud: &S3,
    bucket: &str,
    from: &Position,
    most: u64,
) -> Result<Page, CloudError> {
    let most = i32::try_from(most).unwrap_or(i32::MAX);
    let list = cloud.clients.s3().list_object_versions().bucket(bucket);
    let list = list
        .set_key_marker(from.key.clone())
        .set_version_id_marker(from.id.clone())
        .max_keys(most)
        .encoding_type(EncodingType::Url);
    let answer = cloud
        .sdk(Work::Read, VERSIONS, bucket, || list.clone().send())
        .await?;
    let decode = Decoder::new(VERSIONS, bucket, answer.encoding_type());
    let mut entries = Vec::new();
    for version in answer.versions() {
        let kind = match version.is_latest() {
            Some(false) => Kind::Noncurrent,
            Some(true) | None => Kind::Current,
        };
        let bytes = version.size().and_then(|size| u64::try_from(size).ok());
        let key = (version.key(), version.version_id());
        entries.extend(decode.entry(key, kind, bytes.unwrap_or(0))?);
    }
    for marker in answer.delete_markers() {
        let key = (marker.key(), marker.version_id());
        entries.extend(decode.entry(key, Kind::DeleteMarker, 0)?);
    }
    let marks = (answer.next_key_marker(), answer.next_version_id_marker());
    Ok(Page {
        entries,
        next: decode.position(answer.is_truncated(), marks)?,
    })
}

/// One page of unfinished uploads: object and upload id.
#[derive(Debug, Default)]
pub(super) struct Uploads {
    pub(super) found: Vec<(String, String)>,
    /// Those of them that read otherwise before they were decoded, as they were listed:
    /// SeaweedFS says that names are encoded and lists them as they are.
    pub(super) as_listed: Vec<(String, String)>,
    /// Where the list goes on, if it does.
    pub(super) next: Option<Position>,
}

impl Uploads {
    /// Goes on to the next page, if there is one.
    pub(super) fn follow(&self, walk: &mut Walk, bucket: &str) -> Result<bool, CloudError> {
        walk.follow(UPLOADS, bucket, self.next.clone())
    }
}

pub(super) async fn uploads(
    cloud: &S3,
    bucket: &str,
    from: &Position,
    most: u64,
) -> Result<Uploads, CloudError> {
    let most = i32::try_from(most).unwrap_or(i32::MAX);
    let list = cloud.clients.s3().list_multipart_uploads().bucket(bucket);
    let list = list
        .set_key_marker(from.key.clone())
        .set_upload_id_marker(from.id.clone())
        .max_uploads(most)
        .encoding_type(EncodingType::Url);
    let outcome = cloud
        .sdk(Work::Read, UPLOADS, bucket, || list.clone().send())
        .await;
    let answer = match outcome {
        Ok(answer) => answer,
        // A server without uploads in parts has none that are unfinished.
        Err(error) if error.kind == CloudErrorKind::NotSupported => return Ok(Uploads::default()),
        Err(error) => return Err(error),
    };
    let decode = Decoder::new(UPLOADS, bucket, answer.encoding_type());
    let (mut found, mut as_listed) = (Vec::new(), Vec::new());
    for upload in answer.uploads() {
        if let (Some(key), Some(id)) = (upload.key(), upload.upload_id()) {
            let name = decode.name(key)?;
            if name != key {
                as_listed.push((key.to_owned(), id.to_owned()));
            }
            found.push((name, id.to_owned()));
        }
    }
    let marks = (answer.next_key_marker(), answer.next_upload_id_marker());
    let next = decode.position(answer.is_truncated(), marks)?;
    Ok(Uploads {
        found,
        as_listed,
        // SeaweedFS says of a full page that the list goes on, and not where: that was all.
        next: next.filter(|next| next.key.is_some()),
    })
}

/// Reads the names of one answer, which says itself whether they are encoded.
struct Decoder<'a> {
    call: &'a str,
    bucket: &'a str,
    is_encoded: bool,
}

impl<'a> Decoder<'a> {
    fn new(call: &'a str, bucket: &'a str, encoding: Option<&EncodingType>) -> Self {
        Self {
            call,
            bucket,
            is_encoded: encoding == Some(&EncodingType::Url),
        }
    }

    fn name(&self, text: &str) -> Result<String, CloudError> {
        if !self.is_encoded {
            return Ok(text.to_owned());
        }
        // As in forms: a plus is a space, and a plus itself is encoded.
        let text = text.replace('+', " ");
        let decoded = percent_decode_str(&text).decode_utf8();
        decoded.map(Into::into).map_err(|_| {
            let why = format!("the name {text:?} is not UTF-8, so nobody can ask for it");
            CloudError::new(CloudErrorKind::Unexpected, self.call, self.bucket, why)
        })
    }

    fn entry(
        &self,
        (key, version): (Option<&str>, Option<&str>),
        kind: Kind,
        bytes: u64,
    ) -> Result<Option<Entry>, CloudError> {
        let Some(key) = key else {
            return Ok(None);
        };
        Ok(Some(Entry {
            key: self.name(key)?,
            version: version.unwrap_or("null").to_owned(),
            kind,
            bytes,
        }))
    }

    fn position(
        &self,
        is_truncated: Option<bool>,
        (key, id): (Option<&str>, Option<&str>),
    ) -> Result<Option<Position>, CloudError> {
        if !is_truncated.unwrap_or(false) {
            return Ok(None);
        }
        let key = key.filter(|key| !key.is_empty());
        Ok(Some(Position {
            key: key.map(|key| self.name(key)).transpose()?,
            id: id.filter(|id| !id.is_empty()).map(str::to_owned),
        }))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(key: &str) -> Option<Position> {
        Some(Position {
            key: Some(key.to_owned()),
            id: None,
        })
    }

    #[test]
    fn names_are_decoded_where_the_answer_says_so() {
        let url = Decoder::new("call", "b", Some(&EncodingType::Url));
        let plain = Decoder::new("call", "b", None);
        for (text, decoded) in [("ctl%01x", "ctl\u{1}x"), ("a%2Bb+c/%C3%BC", "a+b c/ü")] {
            assert_eq!(url.name(text).expect("a name"), decoded);
            assert_eq!(plain.name(text).expect("a name"), text);
        }
        assert!(url.name("%FF").is_err());
    }

    #[test]
    fn a_walk_never_goes_in_circles() {
        let mut walk = Walk::default();
        assert!(walk.follow("call", "b", at("a")).expect("a way"));
        assert!(walk.follow("call", "b", at("b")).expect("a way"));
        assert!(walk.follow("call", "b", at("a")).is_err());
        assert!(walk.follow("call", "b", Some(Position::default())).is_err());
        assert!(!walk.follow("call", "b", None).expect("the end"));
    }
}
