//! Whether old versions are kept, and for which names a server other than Amazon's makes an
//! exception.

use aws_sdk_s3::types as sdk;

use crate::byob::observed::{Unversioned, Versioning};
use crate::byob::{CloudError, CloudErrorKind};
use crate::clouds::retry::Work;

use super::knowledge::Sub;
use super::raw::Document;
use super::read::Found;
use super::{Dialect, S3};
use crate::clouds::xml::Element;

/// The sub-resource.
const PART: &str = "versioning";
const ROOT: &str = "VersioningConfiguration";

/// Reads it; Amazon knows no exceptions.
pub(in crate::clouds) async fn read(
    cloud: &S3,
    bucket: &str,
) -> Result<Found<(Versioning, Unversioned)>, CloudError> {
    let sub = Sub::Versioning;
    let outcome = match cloud.dialect {
        Dialect::Amazon => {
            let get = cloud.clients.s3().get_bucket_versioning().bucket(bucket);
            cloud
                .sdk(Work::Read, sub.get(), bucket, || get.clone().send())
                .await
                .map(|answer| {
                    let status = answer.status().map(sdk::BucketVersioningStatus::as_str);
                    (meaning(status), Unversioned::default())
                })
        }
        Dialect::Unknown => cloud
            .read_document(sub.get(), bucket, PART, ROOT)
            .await
            .map(|document| {
                let root = &document.root;
                (meaning(root.child_text("Status")), exceptions(root))
            }),
    };
    cloud.found(sub, || (Versioning::Off, Unversioned::default()), outcome)
}

fn meaning(status: Option<&str>) -> Versioning {
    match status {
        Some("Enabled") => Versioning::Enabled,
        Some("Suspended") => Versioning::Suspended,
        Some(_) | None => Versioning::Off,
    }
}

/// MinIO's: beginnings of names, and objects that stand for folders.
fn exceptions(root: &Element) -> Unversioned {
    let prefixes = root.all("ExcludedPrefixes");
    let texts = prefixes.flat_map(|one| one.all("Prefix").map(|prefix| prefix.text.clone()));
    Unversioned {
        prefixes: texts.filter(|prefix| !prefix.is_empty()).collect(),
        folders: root.child_text("ExcludeFolders") == Some("true"),
    }
}

/// Switches it on or off; what else the document of an older bucket says stays.
pub(super) async fn write(cloud: &S3, bucket: &str, on: bool) -> Result<(), CloudError> {
    let sub = Sub::Versioning;
    cloud.must_know(sub, bucket).await?;
    if cloud.dialect == Dialect::Amazon || cloud.made_here() {
        return write_plain(cloud, bucket, on).await;
    }
    let current = cloud.read_document(sub.get(), bucket, PART, ROOT).await?;
    let Some(text) = with_status(&current, status(on).as_str()) else {
        return write_plain(cloud, bucket, on).await;
    };
    let written = cloud
        .write_document(sub.put(), bucket, PART, &[], &text)
        .await;
    match written {
        // Where no versions are made there is nothing to make exceptions from.
        Err(error) if !on && error.kind == CloudErrorKind::Invalid => {
            write_plain(cloud, bucket, on).await
        }
        outcome => cloud.heed(sub, outcome),
    }
}

fn status(on: bool) -> sdk::BucketVersioningStatus {
    if on {
        sdk::BucketVersioningStatus::Enabled
    } else {
        sdk::BucketVersioningStatus::Suspended
    }
}

async fn write_plain(cloud: &S3, bucket: &str, on: bool) -> Result<(), CloudError> {
    let sub = Sub::Versioning;
    let configuration = sdk::VersioningConfiguration::builder()
        .status(status(on))
        .build();
    let put = cloud.clients.s3().put_bucket_versioning().bucket(bucket);
    let put = put.versioning_configuration(configuration);
    cloud
        .write(sub, sub.put(), bucket, || put.clone().send())
        .await
}

/// The document with another status; `None` where it says nothing but that.
fn with_status(document: &Document, status: &str) -> Option<String> {
    let (root, text) = (&document.root, &document.text);
    if root.children.iter().all(|child| child.name == "Status") {
        return None;
    }
    let element = format!("<Status>{status}</Status>");
    let at = match root.child("Status") {
        Some(status) => status.range.clone(),
        None => root.inner.start..root.inner.start,
    };
    let (before, after) = (
        &text[root.range.start..at.start],
        &text[at.end..root.range.end],
    );
    Some(format!("{before}{element}{after}"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::clouds::xml;

    fn document(text: &str) -> Document {
        Document {
            text: text.to_owned(),
            root: xml::parse(text).expect("a document"),
            headers: Vec::new(),
        }
    }

    #[test]
    fn exceptions_are_read_and_survive() {
        let rest = "<ExcludedPrefixes><Prefix>tmp/</Prefix></ExcludedPrefixes><ExcludedPrefixes><Prefix>*/x/</Prefix></ExcludedPrefixes><ExcludeFolders>true</ExcludeFolders>";
        let with = |status: &str| format!("<{ROOT} xmlns=\"urn:x\">{status}{rest}</{ROOT}>");
        let found = document(&with("<Status>Suspended</Status>"));
        let expected = Unversioned {
            prefixes: vec!["tmp/".to_owned(), "*/x/".to_owned()],
            folders: true,
        };
        assert_eq!(exceptions(&found.root), expected);
        let wanted = with("<Status>Enabled</Status>");
        assert_eq!(with_status(&found, "Enabled"), Some(wanted.clone()));
        assert_eq!(with_status(&document(&with("")), "Enabled"), Some(wanted));
    }

    #[test]
    fn a_document_without_exceptions_is_written_plainly() {
        for text in [
            "<VersioningConfiguration/>",
            "<VersioningConfiguration><Status>Enabled</Status></VersioningConfiguration>",
        ] {
            assert_eq!(with_status(&document(text), "Suspended"), None);
        }
    }
}
