//! The shapes of names on Google Cloud. Pure: nobody is asked whether a thing is there.

use aws_lc_rs::digest::{SHA256, digest};

use crate::byob::marker::Generation;

/// What the addresses of service accounts end in.
const ACCOUNT_DOMAIN: &str = ".gserviceaccount.com";
/// What the id of an account begins with that is made for W&B.
const ACCOUNT_PREFIX: &str = "wandb-byob-";
/// The longest name of a bucket that an account's description has room for.
const LONGEST_DESCRIBED: usize = 182;

/// The id of the service account that is made for a bucket, the part before the `@`.
///
/// Google allows 30 characters, so the bucket's name is in the description.
pub fn account_id(generation: &Generation) -> String {
    format!("{ACCOUNT_PREFIX}{generation}")
}

/// The address of the service account that is made for a bucket: the holder of its keys.
pub fn account_email(generation: &Generation, project: &str) -> String {
    email_of(&account_id(generation), project)
}

/// The address of a service account by its id. A project of a domain, `example.com:p`, is
/// written backwards there.
pub(super) fn email_of(id: &str, project: &str) -> String {
    match project.split_once(':') {
        Some((domain, project)) => format!("{id}@{project}.{domain}.iam{ACCOUNT_DOMAIN}"),
        None => format!("{id}@{project}.iam{ACCOUNT_DOMAIN}"),
    }
}

/// The id of the account for an identity of this name: as much of it as Google allows.
pub(super) fn id_of_identity(name: &str) -> String {
    let longest = ACCOUNT_PREFIX.len() + 8;
    name.chars().take(longest).collect()
}

/// The address of the service account for an identity of this name: the holder of its keys.
pub fn account_of_identity(identity: &str, project: &str) -> String {
    email_of(&id_of_identity(identity), project)
}

/// What the account of this id that is made for a bucket says of itself. Google allows 256
/// bytes, so a long name of a bucket is cut, and a hash of the whole stands for the rest.
pub(super) fn account_description(id: &str, bucket: &str) -> String {
    let generation = id.rsplit('-').next().unwrap_or_default();
    let bucket = if bucket.len() > LONGEST_DESCRIBED {
        let hash: String = digest(&SHA256, bucket.as_bytes())
            .as_ref()
            .iter()
            .take(8)
            .map(|byte| format!("{byte:02x}"))
            .collect();
        let begin: String = bucket.chars().take(LONGEST_DESCRIBED - 22).collect();
        format!("{begin}...{hash}")
    } else {
        bucket.to_owned()
    };
    format!(
        "terraform-provider-wandb: W&B's access to the bucket {bucket}, generation {generation}"
    )
}

/// What such an account is called. Google allows a hundred bytes.
pub(super) fn account_display_name(bucket: &str) -> String {
    format!("W&B on {}", bucket.chars().take(80).collect::<String>())
}

/// The full name of a bucket.
pub fn bucket_full_name(bucket: &str) -> String {
    format!("//storage.googleapis.com/projects/_/buckets/{bucket}")
}

/// Why this is not the address of a service account, as the end of a sentence.
pub fn check_service_account(email: &str) -> Result<(), String> {
    let plain = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || "-.".contains(c);
    if email.starts_with("serviceAccount:") {
        return Err("it is written without \"serviceAccount:\"".to_owned());
    }
    let Some((id, domain)) = email.split_once('@') else {
        return Err("it has no \"@\", as an address of a service account has".to_owned());
    };
    if id.is_empty() || !id.chars().all(plain) || !domain.chars().all(plain) {
        return Err(
            "it holds other characters than lower-case letters, digits, hyphens and dots"
                .to_owned(),
        );
    }
    if !domain.ends_with(ACCOUNT_DOMAIN) {
        return Err(format!("it does not end in {ACCOUNT_DOMAIN}"));
    }
    Ok(())
}

/// Why this is no role, as the end of a sentence: `roles/r`, `projects/p/roles/r` or
/// `organizations/o/roles/r`.
pub fn check_role(role: &str) -> Result<(), String> {
    let parts: Vec<&str> = role.split('/').collect();
    let plain = |part: &&str| {
        let allowed = |c: char| c.is_ascii_alphanumeric() || "._-:".contains(c);
        !part.is_empty() && part.chars().all(allowed)
    };
    let has_shape = matches!(
        parts.as_slice(),
        ["roles", _] | ["projects" | "organizations", _, "roles", _]
    );
    if has_shape && parts.iter().all(plain) {
        return Ok(());
    }
    Err(
        "it is none of roles/<role>, projects/<project>/roles/<role> and \
         organizations/<organization>/roles/<role>"
            .to_owned(),
    )
}

/// Why this is no project id, as the end of a sentence.
///
/// Source: Google's page on creating projects; ids of old projects may hold a domain.
pub fn check_project(project: &str) -> Result<(), String> {
    let id = match project.split_once(':') {
        Some((domain, id)) if domain.contains('.') => id,
        Some(_) => return Err("what stands before its colon is no domain".to_owned()),
        None => project,
    };
    let is_number = !id.is_empty() && id.bytes().all(|byte| byte.is_ascii_digit());
    let allowed = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-';
    let begins = id.starts_with(|c: char| c.is_ascii_lowercase());
    if is_number {
        return Err("it is the number of a project, and the id is needed".to_owned());
    }
    if !(6..=30).contains(&id.len()) || !begins || !id.chars().all(allowed) || id.ends_with('-') {
        return Err(
            "an id has 6 to 30 lower-case letters, digits and hyphens, begins with a letter and \
             does not end in a hyphen"
                .to_owned(),
        );
    }
    Ok(())
}

/// Why this is no location of buckets, as the end of a sentence. Which locations there are
/// is Google's to say.
pub fn check_location(location: &str) -> Result<(), String> {
    let allowed = |c: char| c.is_ascii_alphanumeric() || c == '-';
    let begins = location.starts_with(|c: char| c.is_ascii_alphabetic());
    if begins && location.chars().all(allowed) && !location.ends_with('-') {
        return Ok(());
    }
    Err("a location has letters, digits and hyphens, as US, EUR4 or us-central1".to_owned())
}

/// The location of a key of Cloud KMS by the key's full name; `None` for another name.
pub fn key_location(key: &str) -> Option<&str> {
    let parts: Vec<&str> = key.split('/').collect();
    let [
        "projects",
        project,
        "locations",
        location,
        "keyRings",
        ring,
        "cryptoKeys",
        name,
    ] = parts.as_slice()
    else {
        return None;
    };
    let allowed = |c: char| c.is_ascii_alphanumeric() || c == '-' || c == '_';
    let plain = |part: &str| !part.is_empty() && part.len() <= 63 && part.chars().all(allowed);
    let is_project = !project.is_empty() && project.chars().all(|c| allowed(c) || ".:".contains(c));
    (is_project && [location, ring, name].into_iter().all(|part| plain(part))).then_some(*location)
}

/// Why this is no full name of a key of Cloud KMS, as the end of a sentence.
pub fn check_kms_key_name(key: &str) -> Result<(), String> {
    if key_location(key).is_some() {
        return Ok(());
    }
    if key.contains("/cryptoKeyVersions/") {
        return Err("it names one version of a key, and a bucket takes the key itself".to_owned());
    }
    Err(
        "it is not of the form projects/<project>/locations/<location>/keyRings/<ring>/cryptoKeys/<key>"
            .to_owned(),
    )
}

/// Why objects in `location` cannot be encrypted with `key`, as the end of a sentence. A key
/// has to be in the bucket's own location, under the name that Cloud KMS gives to it.
///
/// Source: Google's page on customer-managed keys of Cloud Storage.
pub fn check_key_location(key: &str, location: &str) -> Result<(), String> {
    let Some(of_key) = key_location(key) else {
        return check_kms_key_name(key);
    };
    let location = location.to_ascii_lowercase();
    let wanted = match location.as_str() {
        "eu" => "europe",
        other => other,
    };
    if of_key.eq_ignore_ascii_case(wanted) {
        return Ok(());
    }
    Err(format!(
        "the key is in {of_key}, and a bucket in {} takes keys in {wanted} alone",
        location.to_ascii_uppercase()
    ))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_account_says_whose_it_is_in_the_bytes_that_google_allows() {
        let id = "wandb-byob-0a1b2c3d";
        assert_eq!(
            account_description(id, "acme"),
            "terraform-provider-wandb: W&B's access to the bucket acme, generation 0a1b2c3d"
        );
        let most = account_description(id, &"a".repeat(182));
        assert_eq!(most.len(), 256);
        assert!(most.contains(&"a".repeat(182)), "{most}");
        let long = account_description(id, &"a".repeat(222));
        assert!(long.len() <= 256, "{long}");
        assert!(long.ends_with(", generation 0a1b2c3d"), "{long}");
        let other = format!("{}b", "a".repeat(221));
        assert_ne!(account_description(id, &other), long);
        assert!(account_display_name(&"a".repeat(222)).len() <= 100);
    }

    #[test]
    fn an_account_fits_into_thirty_characters() {
        let generation = Generation::from_bytes([1, 2, 3, 4]);
        assert_eq!(account_id(&generation), "wandb-byob-01020304");
        assert_eq!(
            account_email(&generation, "acme-prod"),
            "wandb-byob-01020304@acme-prod.iam.gserviceaccount.com"
        );
        assert_eq!(
            account_email(&generation, "example.com:acme"),
            "wandb-byob-01020304@acme.example.com.iam.gserviceaccount.com"
        );
        assert_eq!(
            id_of_identity("wandb-byob-01020304-bucket"),
            "wandb-byob-01020304"
        );
    }

    #[test]
    fn names_have_their_shapes() {
        for good in [
            "deploy@wandb-production.iam.gserviceaccount.com",
            "123-compute@developer.gserviceaccount.com",
        ] {
            assert_eq!(check_service_account(good), Ok(()), "{good}");
        }
        for bad in [
            "",
            "deploy",
            "jane@example.com",
            "serviceAccount:a@b.gserviceaccount.com",
            "A@b.iam.gserviceaccount.com",
            "a b@b.iam.gserviceaccount.com",
        ] {
            assert!(check_service_account(bad).is_err(), "{bad}");
        }
        for (project, good) in [
            ("acme-prod", true),
            ("example.com:acme-prod", true),
            ("123456789012", false),
            ("acme", false),
            ("Acme-prod", false),
            ("acme-prod-", false),
            ("", false),
        ] {
            assert_eq!(check_project(project).is_ok(), good, "{project}");
        }
        for (role, good) in [
            ("roles/storage.admin", true),
            ("projects/acme-prod/roles/wandb", true),
            ("organizations/1/roles/wandb", true),
            ("storage.admin", false),
            ("roles/", false),
            ("roles/a/b", false),
        ] {
            assert_eq!(check_role(role).is_ok(), good, "{role}");
        }
    }

    #[test]
    fn a_key_is_where_its_bucket_is() {
        let key = |place: &str| format!("projects/p/locations/{place}/keyRings/r/cryptoKeys/k");
        for (place, location, good) in [
            ("us", "US", true),
            ("europe", "EU", true),
            ("us-central1", "US-CENTRAL1", true),
            ("nam4", "nam4", true),
            ("eu", "EU", false),
            ("global", "US", false),
            ("us-east1", "us", false),
        ] {
            let outcome = check_key_location(&key(place), location);
            assert_eq!(outcome.is_ok(), good, "{place} {location}");
        }
        assert!(check_kms_key_name(&format!("{}/cryptoKeyVersions/1", key("us"))).is_err());
        assert!(check_kms_key_name("projects/p/locations/us/keyRings//cryptoKeys/k").is_err());
    }
}
