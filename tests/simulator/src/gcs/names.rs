//! Names of buckets, objects and keys, and the places that there are.

use std::net::Ipv4Addr;

use super::refusal::Refusal;

const REGIONS: &[&str] = &[
    "AFRICA-SOUTH1",
    "ASIA-EAST1",
    "ASIA-EAST2",
    "ASIA-NORTHEAST1",
    "ASIA-NORTHEAST2",
    "ASIA-NORTHEAST3",
    "ASIA-SOUTH1",
    "ASIA-SOUTH2",
    "ASIA-SOUTHEAST1",
    "ASIA-SOUTHEAST2",
    "AUSTRALIA-SOUTHEAST1",
    "AUSTRALIA-SOUTHEAST2",
    "EUROPE-CENTRAL2",
    "EUROPE-NORTH1",
    "EUROPE-NORTH2",
    "EUROPE-SOUTHWEST1",
    "EUROPE-WEST1",
    "EUROPE-WEST2",
    "EUROPE-WEST3",
    "EUROPE-WEST4",
    "EUROPE-WEST6",
    "EUROPE-WEST8",
    "EUROPE-WEST9",
    "EUROPE-WEST10",
    "EUROPE-WEST12",
    "ME-CENTRAL1",
    "ME-CENTRAL2",
    "ME-WEST1",
    "NORTHAMERICA-NORTHEAST1",
    "NORTHAMERICA-NORTHEAST2",
    "NORTHAMERICA-SOUTH1",
    "SOUTHAMERICA-EAST1",
    "SOUTHAMERICA-WEST1",
    "US-CENTRAL1",
    "US-EAST1",
    "US-EAST4",
    "US-EAST5",
    "US-SOUTH1",
    "US-WEST1",
    "US-WEST2",
    "US-WEST3",
    "US-WEST4",
];

/// The location in upper case, with its type.
pub(crate) fn location(text: &str) -> Result<(String, &'static str), Refusal> {
    let name = text.to_ascii_uppercase();
    let kind = match name.as_str() {
        "US" | "EU" | "ASIA" => "multi-region",
        "NAM4" | "EUR4" | "EUR5" | "EUR7" | "EUR8" | "ASIA1" => "dual-region",
        _ if REGIONS.contains(&name.as_str()) => "region",
        _ => {
            return Err(Refusal::invalid(
                "The specified location constraint is not valid.",
            ));
        }
    };
    Ok((name, kind))
}

/// The rules for names of buckets.
pub(crate) fn check_bucket(name: &str) -> Result<(), Refusal> {
    let sound = |part: &str| (1..=63).contains(&part.len());
    let allowed =
        |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || b"-_.".contains(&byte);
    let end = |byte: Option<&u8>| byte.is_some_and(u8::is_ascii_alphanumeric);
    let bytes = name.as_bytes();
    let longest = if name.contains('.') { 222 } else { 63 };
    let disguised = name.replace('0', "o");
    let good = (3..=longest).contains(&name.len())
        && bytes.iter().all(|byte| allowed(*byte))
        && end(bytes.first())
        && end(bytes.last())
        && name
            .split('.')
            .all(|part| sound(part) && !part.starts_with('-') && !part.ends_with('-'))
        && name.parse::<Ipv4Addr>().is_err()
        && !name.starts_with("goog")
        && !disguised.contains("google");
    if !good {
        return Err(Refusal::invalid(format!("Invalid bucket name: '{name}'"))
            .coded("InvalidBucketName", "The specified bucket is not valid."));
    }
    if name.contains('.') {
        return Err(Refusal::forbidden(format!(
            "Another user owns the domain {name} or a parent domain. You can either verify domain \
             ownership at https://search.google.com/search-console/welcome?new_domain_name={name} \
             or find the current owner and ask that person to create the bucket for you"
        )));
    }
    Ok(())
}

/// The rules for names of objects.
pub(crate) fn check_object(name: &str) -> Result<(), Refusal> {
    if name.is_empty() {
        return Err(Refusal::new(
            400,
            super::refusal::Kind::Required,
            "Required",
        ));
    }
    let reserved = name == "."
        || name == ".."
        || name.starts_with(".well-known/acme-challenge/")
        || name.contains(['\r', '\n']);
    if name.len() > 1024 {
        return Err(Refusal::invalid(
            "The maximum object length is 1024 characters, but got a name with more.",
        ));
    }
    if reserved {
        return Err(Refusal::invalid(
            "Disallowed unicode characters present in object name.",
        ));
    }
    Ok(())
}

/// The location in a key's name; `None` when it is not the name of a key.
pub(crate) fn key_location(name: &str) -> Option<&str> {
    let parts: Vec<&str> = name.split('/').collect();
    match parts[..] {
        [
            "projects",
            project,
            "locations",
            location,
            "keyRings",
            ring,
            "cryptoKeys",
            key,
        ] if ![project, location, ring, key].contains(&"") => Some(location),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::{check_bucket, key_location};

    #[test]
    fn bad_names_are_refused() {
        for good in ["abc", "a-b_c", "0ab", &"a".repeat(63)] {
            assert!(check_bucket(good).is_ok(), "{good}");
        }
        for bad in [
            "ab",
            "Abc",
            "-ab",
            "ab-",
            "_ab",
            "a b",
            "goog-x",
            "my-g00gle",
            "1.2.3.4",
            "a..b",
            "a.-b",
            "a.b",
            &"a".repeat(64),
        ] {
            assert!(check_bucket(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn keys_have_a_location() {
        let key = "projects/p/locations/us/keyRings/r/cryptoKeys/k";
        assert_eq!(key_location(key), Some("us"));
        assert_eq!(key_location(&format!("{key}/cryptoKeyVersions/1")), None);
        assert_eq!(
            key_location("projects/p/locations/us/keyRings//cryptoKeys/k"),
            None
        );
    }
}
