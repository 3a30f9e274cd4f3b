//! Rules for names and paths, checked before anything is made.

use std::collections::{BTreeMap, BTreeSet};
use std::net::Ipv4Addr;

use super::kind::CloudKind;
use super::marker;

/// Longest sub-path; object names may have 1,024 bytes and W&B needs the rest.
const LONGEST_PATH: usize = 512;

/// Why a cloud would not take this bucket name, as the end of a sentence.
pub fn check_bucket(cloud: CloudKind, name: &str) -> Result<(), String> {
    match cloud {
        CloudKind::Aws | CloudKind::S3Compatible => check_s3(name),
        CloudKind::CoreWeave => check_s3(name).and_then(|()| check_coreweave(name)),
        CloudKind::Gcp => check_gcs(name),
        CloudKind::Azure => check_container(name),
    }
}

/// Whether the text begins and ends with a letter or a digit.
fn has_plain_edges(name: &str) -> bool {
    let plain = |c: Option<char>| c.is_some_and(|c| c.is_ascii_alphanumeric());
    plain(name.chars().next()) && plain(name.chars().last())
}

fn check_s3(name: &str) -> Result<(), String> {
    if !(3..=63).contains(&name.len()) {
        return Err(format!(
            "it has {} characters, and 3 to 63 are allowed",
            name.len()
        ));
    }
    let allowed = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-' || c == '.';
    if let Some(wrong) = name.chars().find(|c| !allowed(*c)) {
        return Err(format!(
            "it holds {wrong:?}, and only lower-case letters, digits, hyphens and dots are allowed"
        ));
    }
    if !has_plain_edges(name) {
        return Err("it must begin and end with a letter or a digit".to_owned());
    }
    if ["..", ".-", "-."].iter().any(|pair| name.contains(pair)) {
        return Err("a dot in it must stand between letters or digits".to_owned());
    }
    if name.parse::<Ipv4Addr>().is_ok() {
        return Err("it looks like an IP address".to_owned());
    }
    let reserved = ["xn--", "sthree-", "amzn-s3-demo-"]
        .iter()
        .any(|start| name.starts_with(start))
        || ["-s3alias", "--ol-s3", ".mrap", "--x-s3"]
            .iter()
            .any(|end| name.ends_with(end));
    if reserved {
        return Err("it begins or ends with a part that S3 reserves".to_owned());
    }
    Ok(())
}

fn check_coreweave(name: &str) -> Result<(), String> {
    if name.contains('.') {
        return Err("CoreWeave allows no dots".to_owned());
    }
    if name == "int" {
        return Err("CoreWeave reserves it".to_owned());
    }
    match ["cw-", "vip-", "log-stitcher-ch-"]
        .iter()
        .find(|start| name.starts_with(**start))
    {
        Some(start) => Err(format!("CoreWeave reserves names that begin with {start}")),
        None => Ok(()),
    }
}

/// Source: Google's page on bucket names.
fn check_gcs(name: &str) -> Result<(), String> {
    let longest = if name.contains('.') { 222 } else { 63 };
    if !(3..=longest).contains(&name.len()) {
        return Err(format!(
            "it has {} characters, and 3 to {longest} are allowed",
            name.len()
        ));
    }
    if let Some(part) = name.split('.').find(|part| part.len() > 63) {
        return Err(format!(
            "{part:?} has more than 63 characters between its dots"
        ));
    }
    let allowed = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || "-_.".contains(c);
    if let Some(wrong) = name.chars().find(|c| !allowed(*c)) {
        return Err(format!(
            "it holds {wrong:?}, and only lower-case letters, digits, hyphens, underscores and dots \
             are allowed"
        ));
    }
    if !has_plain_edges(name) || name.split('.').any(str::is_empty) {
        return Err(
            "it, and each part between dots, must begin and end with a letter or a digit"
                .to_owned(),
        );
    }
    if name.parse::<Ipv4Addr>().is_ok() {
        return Err("it looks like an IP address".to_owned());
    }
    if [".-", "-."].iter().any(|pair| name.contains(pair)) {
        return Err("a dot in it must not stand beside a hyphen".to_owned());
    }
    // The digit stands for the letter in "close misspellings".
    if name.starts_with("goog") || name.replace('0', "o").contains("google") {
        return Err("Google reserves names with its own in them".to_owned());
    }
    Ok(())
}

/// Source: Azure's page on naming containers.
fn check_container(name: &str) -> Result<(), String> {
    if !(3..=63).contains(&name.len()) {
        return Err(format!(
            "it has {} characters, and 3 to 63 are allowed",
            name.len()
        ));
    }
    let allowed = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-';
    if let Some(wrong) = name.chars().find(|c| !allowed(*c)) {
        return Err(format!(
            "it holds {wrong:?}, and only lower-case letters, digits and hyphens are allowed"
        ));
    }
    if !has_plain_edges(name) || name.contains("--") {
        return Err("each hyphen in it must stand between letters or digits".to_owned());
    }
    Ok(())
}

/// Most tags of a bucket on S3, the marker among them.
const MOST_TAGS: usize = 50;
/// Longest key and value of a tag on S3, in characters.
const LONGEST_TAG: (usize, usize) = (128, 256);

/// Why a cloud would not take these tags beside the marker, as the end of a sentence.
pub fn check_tags(cloud: CloudKind, tags: &BTreeMap<String, String>) -> Result<(), String> {
    if let Some(key) = tags.keys().find(|key| marker::is_reserved(key)) {
        return Err(format!("the key {key:?} is the provider's own"));
    }
    match cloud {
        CloudKind::Aws | CloudKind::S3Compatible | CloudKind::CoreWeave => check_s3_tags(tags),
        CloudKind::Gcp => check_labels(tags),
        CloudKind::Azure => check_azure_tags(tags),
    }
}

/// Why there are too many, if there are.
fn check_count(count: usize, most: usize) -> Result<(), String> {
    if count < most {
        return Ok(());
    }
    Err(format!(
        "there are {count}, and a bucket can have {} beside the provider's own",
        most - 1
    ))
}

/// Source: Google's page on labels of buckets.
fn check_labels(labels: &BTreeMap<String, String>) -> Result<(), String> {
    check_count(labels.len(), 64)?;
    let allowed = |c: char| c == '-' || c == '_' || (c.is_alphanumeric() && !c.is_uppercase());
    for (key, value) in labels {
        let begins = key
            .chars()
            .next()
            .is_some_and(|c| c.is_alphabetic() && !c.is_uppercase());
        if !begins || key.chars().count() > 63 || !key.chars().all(allowed) {
            return Err(format!(
                "{key:?} is no key of a label: 1 to 63 lower-case letters, digits, hyphens and \
                 underscores, beginning with a letter"
            ));
        }
        if value.chars().count() > 63 || !value.chars().all(allowed) {
            return Err(format!(
                "the value of {key:?} is none of a label: up to 63 lower-case letters, digits, \
                 hyphens and underscores"
            ));
        }
    }
    Ok(())
}

/// Source: Azure's page on tags of storage accounts.
fn check_azure_tags(tags: &BTreeMap<String, String>) -> Result<(), String> {
    // Two are the provider's own: the marker, and the container that the account is for.
    check_count(tags.len(), 49)?;
    let mut seen = BTreeSet::new();
    for (key, value) in tags {
        let lower = key.to_lowercase();
        if [marker::KEY, marker::CONTAINER].contains(&lower.as_str()) {
            return Err(format!("the key {key:?} is the provider's own"));
        }
        if !seen.insert(lower) {
            return Err(format!(
                "the key {key:?} differs from another one in case only, which Azure takes for the \
                 same"
            ));
        }
        if key.is_empty() || key.chars().count() > 128 {
            return Err(format!("the key {key:?} does not have 1 to 128 characters"));
        }
        if let Some(wrong) = key
            .chars()
            .find(|c| "<>%&\\?/".contains(*c) || c.is_control())
        {
            return Err(format!(
                "the key {key:?} holds {wrong:?}, which Azure does not take"
            ));
        }
        if value.chars().count() > 256 {
            return Err(format!("the value of {key:?} has more than 256 characters"));
        }
    }
    Ok(())
}

/// What tags may hold on S3 beside letters, digits and spaces.
const TAG_MARKS: &str = "_ . : / = + - @";

/// Whether a tag may hold this on S3, KMS and IAM, and on the servers that check as they do
/// (MinIO, SeaweedFS).
fn is_tagged(c: char) -> bool {
    let is_space = c.is_whitespace() && !c.is_control();
    c.is_alphanumeric() || is_space || "_.:/=+-@".contains(c)
}

/// The first tag that this cloud takes on some of its servers only, with why: MinIO knows
/// letters, digits and spaces of ASCII alone, where Amazon takes more.
pub fn doubtful_tag(cloud: CloudKind, tags: &BTreeMap<String, String>) -> Option<(&str, String)> {
    if cloud != CloudKind::S3Compatible {
        return None;
    }
    let mut pairs = tags.iter();
    let found = pairs.find(|(key, value)| !key.is_ascii() || !value.is_ascii());
    found.map(|(key, _)| {
        let why =
            format!("key or value of {key:?} goes beyond ASCII, which MinIO, for one, refuses");
        (key.as_str(), why)
    })
}

fn check_s3_tags(tags: &BTreeMap<String, String>) -> Result<(), String> {
    let (key_limit, value_limit) = LONGEST_TAG;
    check_count(tags.len(), MOST_TAGS)?;
    for (key, value) in tags {
        if key.is_empty() || key.chars().count() > key_limit {
            return Err(format!(
                "the key {key:?} does not have 1 to {key_limit} characters"
            ));
        }
        if value.chars().count() > value_limit {
            return Err(format!(
                "the value of {key:?} has more than {value_limit} characters"
            ));
        }
        if let Some(wrong) = key.chars().chain(value.chars()).find(|c| !is_tagged(*c)) {
            return Err(format!(
                "of the tag {key:?}, key or value holds {wrong:?}; letters, digits, spaces and \
                 {TAG_MARKS} are allowed"
            ));
        }
        if key
            .get(..4)
            .is_some_and(|start| start.eq_ignore_ascii_case("aws:"))
        {
            return Err(format!(
                "the key {key:?} begins with \"aws:\", which is reserved"
            ));
        }
    }
    Ok(())
}

/// Why this is no sub-path, as the end of a sentence.
pub fn check_path(path: &str) -> Result<(), String> {
    if path.is_empty() {
        return Err("it is empty; leave it out to use the whole bucket".to_owned());
    }
    if path.starts_with('/') || path.ends_with('/') {
        return Err("it must not begin or end with a slash".to_owned());
    }
    if path.len() > LONGEST_PATH {
        return Err(format!(
            "it has {} bytes, and {LONGEST_PATH} are allowed",
            path.len()
        ));
    }
    if path
        .split('/')
        .any(|part| part.is_empty() || part == "." || part == "..")
    {
        return Err("it holds an empty part, \".\" or \"..\" between its slashes".to_owned());
    }
    // Access documents take these for wildcards and variables, so a path that holds
    // one would give away more than it names.
    let forbidden = |c: &char| c.is_control() || "*?$\\{}^%`[]\"<>~#|".contains(*c);
    match path.chars().find(forbidden) {
        Some(wrong) => Err(format!(
            "it holds {wrong:?}, which is not safe in object names"
        )),
        None => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn s3_names() {
        for good in ["abc", "acme-wandb-omega", "a.b.c", "1-2", &"a".repeat(63)] {
            assert_eq!(
                check_bucket(CloudKind::S3Compatible, good),
                Ok(()),
                "{good}"
            );
        }
        for bad in [
            "",
            "ab",
            &"a".repeat(64),
            "Abc",
            "a_b",
            "a b",
            "-abc",
            "abc-",
            ".abc",
            "a..b",
            "a.-b",
            "127.0.0.1",
            "xn--abc",
            "abc-s3alias",
            "bücket",
        ] {
            assert!(check_bucket(CloudKind::S3Compatible, bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn tags() {
        let check = |pairs: &[(String, &str)]| {
            let tags = pairs
                .iter()
                .map(|(key, value)| (key.clone(), (*value).to_owned()));
            check_tags(CloudKind::S3Compatible, &tags.collect())
        };
        let numbered =
            |count: usize| -> Vec<_> { (0..count).map(|n| (format!("t{n}"), "")).collect() };
        assert_eq!(check(&numbered(49)), Ok(()));
        assert!(check(&numbered(50)).is_err());
        assert_eq!(
            check(&[("Cost center_1.a:b/c=d+e-f@g".to_owned(), "Ünïcode 1 @")]),
            Ok(())
        );
        let long = "ü".repeat(256);
        let key: String = long.chars().take(128).collect();
        assert_eq!(check(&[(key.clone(), &long)]), Ok(()));
        let longer = format!("{long}x");
        for (key, value) in [
            (String::new(), ""),
            (format!("{key}x"), ""),
            ("a".to_owned(), longer.as_str()),
            ("AWS:x".to_owned(), ""),
            (marker::KEY.to_owned(), "ready-00c0ffee"),
            (format!("{}/bucket", marker::KEY), "other"),
            ("a(b)".to_owned(), ""),
            ("a".to_owned(), "b(c)"),
            ("a".to_owned(), "b;c"),
            ("a".to_owned(), "b,c"),
            ("a".to_owned(), "b\n"),
            ("a".to_owned(), "b\tc"),
            ("a&b".to_owned(), ""),
        ] {
            assert!(check(&[(key.clone(), value)]).is_err(), "{key}");
        }
    }

    #[test]
    fn names_of_google_and_azure() {
        for (cloud, good) in [
            (CloudKind::Gcp, "acme_wandb"),
            (CloudKind::Gcp, "a.example.com"),
            (CloudKind::Azure, "acme-wandb"),
        ] {
            assert_eq!(check_bucket(cloud, good), Ok(()), "{good}");
        }
        let long = "a".repeat(64);
        for (cloud, bad) in [
            (CloudKind::Gcp, "goog-data"),
            (CloudKind::Gcp, "my-google-data"),
            (CloudKind::Gcp, "my-g00gle-data"),
            (CloudKind::Gcp, "my-go0gle-data"),
            (CloudKind::Gcp, "a..b"),
            (CloudKind::Gcp, "a.-b"),
            (CloudKind::Gcp, "_acme"),
            (CloudKind::Gcp, "192.168.0.1"),
            (CloudKind::Gcp, "Acme"),
            (CloudKind::Gcp, long.as_str()),
            (CloudKind::Azure, "a--b"),
            (CloudKind::Azure, "a.b.c"),
            (CloudKind::Azure, "ab"),
        ] {
            assert!(check_bucket(cloud, bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn labels_and_tags_of_azure() {
        let one = |key: &str, value: &str| BTreeMap::from([(key.to_owned(), value.to_owned())]);
        assert_eq!(
            check_tags(CloudKind::Gcp, &one("cost_center", "ml-1")),
            Ok(())
        );
        assert_eq!(
            check_tags(CloudKind::Azure, &one("Cost Center", "ML")),
            Ok(())
        );
        for (cloud, key, value) in [
            (CloudKind::Gcp, "Cost", "ml"),
            (CloudKind::Gcp, "1cost", "ml"),
            (CloudKind::Gcp, "cost", "ML"),
            (CloudKind::Azure, "a/b", ""),
        ] {
            assert!(
                check_tags(cloud, &one(key, value)).is_err(),
                "{key} {value}"
            );
        }
    }

    #[test]
    fn coreweave_names() {
        assert_eq!(check_bucket(CloudKind::CoreWeave, "acme-wandb"), Ok(()));
        for bad in ["cw-data", "vip-data", "log-stitcher-ch-x", "a.b.c", "int"] {
            assert!(check_bucket(CloudKind::CoreWeave, bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn paths() {
        for good in ["teams", "teams/omega", "a b", "ü"] {
            assert_eq!(check_path(good), Ok(()), "{good}");
        }
        for bad in [
            "", "/a", "a/", "a//b", "a/../b", ".", "a*", "a?", "${x}", "a\u{0}b",
        ] {
            assert!(check_path(bad).is_err(), "{bad}");
        }
    }
}
