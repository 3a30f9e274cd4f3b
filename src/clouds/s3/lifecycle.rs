//! Writes our rules about old data into a document that may hold other people's.
//!
//! Theirs are kept as they were written: a rule may say what this provider's SDK does not
//! know, and would lose it on the way through its types.

use crate::byob::change::LIFECYCLE_PREFIX;
use crate::byob::observed::LifecycleRule;
use crate::byob::{CloudError, CloudErrorKind};
use crate::clouds::retry::Work;

use super::S3;
use super::error::not_set;
use super::knowledge::{Knowledge, Sub};
use super::raw::Document;
use crate::clouds::xml::{self, Element};

/// The sub-resource.
const PART: &str = "lifecycle";
/// A setting of the whole document that travels beside it, and that a write without it resets.
const MINIMUM_SIZE: &str = "x-amz-transition-default-minimum-object-size";
const ROOT: &str = "LifecycleConfiguration";

/// Replaces our rules; other people's are read just before and written back as they were.
pub(super) async fn write(
    cloud: &S3,
    bucket: &str,
    rules: &[LifecycleRule],
) -> Result<(), CloudError> {
    let sub = Sub::Lifecycle;
    if matches!(cloud.recall(sub), Some(Knowledge::Unknown(_))) {
        return cloud.must_know(sub, bucket).await;
    }
    let current = match cloud.read_document(sub.get(), bucket, PART, ROOT).await {
        Ok(document) => Some(document),
        Err(error) if not_set(&error) => None,
        Err(error) => return cloud.heed(sub, Err(error)),
    };
    cloud.learn(sub, Knowledge::Known);
    let ours: Vec<String> = rules.iter().map(text_of).collect();
    if is_as_wanted(current.as_ref(), &ours) {
        return Ok(());
    }
    let Some(text) = with_ours(current.as_ref(), &ours) else {
        let delete = cloud.clients.s3().delete_bucket_lifecycle().bucket(bucket);
        let outcome = cloud
            .sdk(Work::Write, sub.put(), bucket, || delete.clone().send())
            .await;
        return cloud.heed(sub, outcome.map(drop));
    };
    let size = current.as_ref().and_then(|one| one.header(MINIMUM_SIZE));
    let headers: Vec<(&str, &str)> = size.map(|size| (MINIMUM_SIZE, size)).into_iter().collect();
    let outcome = cloud
        .write_document(sub.put(), bucket, PART, &headers, &text)
        .await;
    let only_aborts = rules
        .iter()
        .any(|rule| rule.abort_upload_days.is_some() && rule.noncurrent_days.is_none());
    match outcome {
        // MinIO refuses a rule whose only action it does not have.
        Err(error) if only_aborts && error.code.as_deref() == Some("InvalidArgument") => {
            Err(CloudError {
                kind: CloudErrorKind::NotSupported,
                message: format!(
                    "this server takes no rule that aborts unfinished uploads: {}",
                    error.message
                ),
                ..error
            })
        }
        outcome => cloud.heed(sub, outcome),
    }
}

/// Whether a rule is one of ours.
fn is_ours(rule: &Element) -> bool {
    rule.name == "Rule"
        && rule
            .child_text("ID")
            .is_some_and(|id| id.starts_with(LIFECYCLE_PREFIX))
}

/// One of our rules as a document says it.
fn text_of(rule: &LifecycleRule) -> String {
    let days = |outer: &str, inner: &str, days: Option<u32>| {
        days.map(|days| format!("<{outer}><{inner}>{days}</{inner}></{outer}>"))
            .unwrap_or_default()
    };
    format!(
        "<Rule><ID>{}</ID><Filter><Prefix>{}</Prefix></Filter><Status>{}</Status>{}{}</Rule>",
        xml::encoded(&rule.id),
        xml::encoded(&rule.prefix),
        if rule.enabled { "Enabled" } else { "Disabled" },
        days(
            "NoncurrentVersionExpiration",
            "NoncurrentDays",
            rule.noncurrent_days
        ),
        days(
            "AbortIncompleteMultipartUpload",
            "DaysAfterInitiation",
            rule.abort_upload_days
        ),
    )
}

/// What an element says, wherever its parts stand.
fn meaning(element: &Element) -> (String, String, Vec<String>) {
    let mut children: Vec<String> = element
        .children
        .iter()
        .map(|child| format!("{:?}", meaning(child)))
        .collect();
    children.sort();
    (
        element.name.clone(),
        element.text.trim().to_owned(),
        children,
    )
}

fn is_as_wanted(current: Option<&Document>, ours: &[String]) -> bool {
    let rules = current.map_or(&[][..], |document| &document.root.children);
    let mut found: Vec<_> = rules
        .iter()
        .filter(|rule| is_ours(rule))
        .map(meaning)
        .collect();
    let wanted = ours.iter().map(|text| xml::parse(text));
    let wanted: Result<Vec<_>, _> = wanted.map(|rule| rule.map(|rule| meaning(&rule))).collect();
    found.sort();
    wanted.is_ok_and(|mut wanted| {
        wanted.sort();
        wanted == found
    })
}

/// The document with everything that is not ours as it was, and our rules behind it; `None`
/// where no rule is left.
fn with_ours(current: Option<&Document>, ours: &[String]) -> Option<String> {
    let theirs: Vec<&Element> = current
        .iter()
        .flat_map(|document| &document.root.children)
        .filter(|element| !is_ours(element))
        .collect();
    if ours.is_empty() && !theirs.iter().any(|element| element.name == "Rule") {
        return None;
    }
    let (mut text, end) = current
        .and_then(frame)
        .unwrap_or_else(|| (format!("<{ROOT}>"), format!("</{ROOT}>")));
    for element in theirs {
        text.push_str(current.map_or("", |document| document.verbatim(element)));
    }
    text.push_str(&ours.concat());
    text.push_str(&end);
    Some(text)
}

/// How the document begins and ends, with its declarations; `None` where both are one.
fn frame(document: &Document) -> Option<(String, String)> {
    let root = &document.root;
    let begin = &document.text[root.range.start..root.inner.start];
    let end = &document.text[root.inner.end..root.range.end];
    (!begin.ends_with("/>")).then(|| (begin.to_owned(), end.to_owned()))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rule() -> LifecycleRule {
        LifecycleRule {
            id: "wandb-byob-noncurrent-versions".to_owned(),
            enabled: true,
            prefix: "teams/a&b/".to_owned(),
            noncurrent_days: Some(30),
            ..LifecycleRule::default()
        }
    }

    const OURS: &str = "<Rule><ID>wandb-byob-noncurrent-versions</ID><Filter><Prefix>teams/a&amp;b/</Prefix></Filter>\
        <Status>Enabled</Status><NoncurrentVersionExpiration><NoncurrentDays>30</NoncurrentDays></NoncurrentVersionExpiration></Rule>";

    fn document(text: &str) -> Document {
        Document {
            text: text.to_owned(),
            root: xml::parse(text).expect("a document"),
            headers: Vec::new(),
        }
    }

    #[test]
    fn other_peoples_rules_stay_byte_for_byte() {
        let theirs = "<Rule>\n <ID>theirs</ID><Status>Enabled</Status><DelMarkerExpiration><Days>9</Days></DelMarkerExpiration></Rule>";
        let current = document(&format!(
            "<?xml version=\"1.0\"?>\n<LifecycleConfiguration xmlns=\"urn:x\"><Later/>{theirs}<Rule><ID>wandb-byob-old</ID></Rule></LifecycleConfiguration>"
        ));
        let ours = [text_of(&rule())];
        assert_eq!(
            with_ours(Some(&current), &ours).expect("rules"),
            format!(
                "<LifecycleConfiguration xmlns=\"urn:x\"><Later/>{theirs}{OURS}</LifecycleConfiguration>"
            )
        );
        assert_eq!(
            with_ours(Some(&current), &[]).expect("rules"),
            format!(
                "<LifecycleConfiguration xmlns=\"urn:x\"><Later/>{theirs}</LifecycleConfiguration>"
            )
        );
    }

    #[test]
    fn without_rules_there_is_no_document() {
        let current = document(&format!(
            "<LifecycleConfiguration>{OURS}</LifecycleConfiguration>"
        ));
        assert_eq!(with_ours(Some(&current), &[]), None);
        assert_eq!(with_ours(None, &[]), None);
        let empty = document("<LifecycleConfiguration/>");
        assert_eq!(
            with_ours(Some(&empty), &[text_of(&rule())]).expect("rules"),
            format!("<LifecycleConfiguration>{OURS}</LifecycleConfiguration>")
        );
    }

    #[test]
    fn a_rule_in_another_order_says_the_same() {
        let current = document(
            "<LifecycleConfiguration><Rule><Status>Enabled</Status><ID>wandb-byob-noncurrent-versions</ID>\
             <NoncurrentVersionExpiration><NoncurrentDays>30</NoncurrentDays></NoncurrentVersionExpiration>\
             <Filter><Prefix>teams/a&amp;b/</Prefix></Filter></Rule></LifecycleConfiguration>",
        );
        assert!(is_as_wanted(Some(&current), &[text_of(&rule())]));
        assert!(!is_as_wanted(Some(&current), &[]));
        assert!(is_as_wanted(None, &[]));
    }
}
