//! Rules for names and paths, checked before anything is made.

use std::collections::BTreeMap;
use std::net::Ipv4Addr;

use super::cloud::CloudKind;
use super::marker;

/// Longest sub-path; object names may have 1,024 bytes and W&B needs the rest.
const LONGEST_PATH: usize = 512;

/// Why a cloud would not take this bucket name, as the end of a sentence.
pub fn check_bucket(cloud: CloudKind, name: &str) -> Result<(), String> {
    match cloud {
        CloudKind::Aws | CloudKind::S3Compatible => check_s3(name),
        CloudKind::CoreWeave => check_s3(name).and_then(|()| check_coreweave(name)),
        // Their rules come with their folders.
        CloudKind::Gcp | CloudKind::Azure => Ok(()),
    }
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
    let edge = |c: Option<char>| c.is_some_and(|c| c.is_ascii_alphanumeric());
    if !edge(name.chars().next()) || !edge(name.chars().last()) {
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
    match ["cw-", "vip-", "log-stitcher-ch-"]
        .iter()
        .find(|start| name.starts_with(**start))
    {
        Some(start) => Err(format!("CoreWeave reserves names that begin with {start}")),
        None => Ok(()),
    }
}

/// Most tags of a bucket on S3, the marker among them.
const MOST_TAGS: usize = 50;
/// Longest key and value of a tag on S3, in characters.
const LONGEST_TAG: (usize, usize) = (128, 256);

/// Why a cloud would not take these tags beside the marker, as the end of a sentence.
pub fn check_tags(cloud: CloudKind, tags: &BTreeMap<String, String>) -> Result<(), String> {
    if tags.contains_key(marker::KEY) {
        return Err(format!("the key {:?} is the provider's own", marker::KEY));
    }
    match cloud {
        CloudKind::Aws | CloudKind::S3Compatible | CloudKind::CoreWeave => check_s3_tags(tags),
        // Their rules come with their folders.
        CloudKind::Gcp | CloudKind::Azure => Ok(()),
    }
}

fn check_s3_tags(tags: &BTreeMap<String, String>) -> Result<(), String> {
    let (key_limit, value_limit) = LONGEST_TAG;
    if tags.len() >= MOST_TAGS {
        return Err(format!(
            "there are {}, and a bucket can have {} beside the provider's own",
            tags.len(),
            MOST_TAGS - 1
        ));
    }
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
        ] {
            assert!(check(&[(key.clone(), value)]).is_err(), "{key}");
        }
    }

    #[test]
    fn coreweave_names() {
        assert_eq!(check_bucket(CloudKind::CoreWeave, "acme-wandb"), Ok(()));
        for bad in ["cw-data", "vip-data", "log-stitcher-ch-x", "a.b.c"] {
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
