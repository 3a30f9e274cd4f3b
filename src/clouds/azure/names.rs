//! What things are called on Azure, and which names there can be.

use aws_lc_rs::digest::{SHA256, digest};

use crate::byob::Generation;
use crate::byob::marker;

/// The key of the marker in the metadata of a container, whose names are those of C#.
pub(super) const METADATA: &str = "terraform_provider_wandb";
/// Whether a tag is the provider's own.
pub(super) fn is_reserved(key: &str) -> bool {
    marker::is_reserved(key) || key == marker::CONTAINER
}

/// Why this is no id of a subscription, tenant, application or principal, as the end of a
/// sentence.
pub fn check_guid(text: &str) -> Result<(), String> {
    let parts: Vec<&str> = text.split('-').collect();
    let lengths: Vec<usize> = parts.iter().map(|part| part.len()).collect();
    let is_hex = parts
        .iter()
        .all(|part| part.bytes().all(|byte| byte.is_ascii_hexdigit()));
    if lengths == [8, 4, 4, 4, 12] && is_hex {
        return Ok(());
    }
    Err(format!(
        "{text:?} is no id such as 00000000-0000-0000-0000-000000000000"
    ))
}

/// Why this is no tenant, as the end of a sentence: an id, or a domain.
pub fn check_tenant(text: &str) -> Result<(), String> {
    let plain = |c: char| c.is_ascii_alphanumeric() || c == '-';
    let is_label = |label: &str| !label.is_empty() && label.chars().all(plain);
    if check_guid(text).is_ok() || (text.contains('.') && text.split('.').all(is_label)) {
        return Ok(());
    }
    Err(format!("{text:?} is neither a tenant's id nor its domain"))
}

/// Why this is no name of a storage account, as the end of a sentence.
///
/// Source: Azure's page on naming storage accounts.
pub fn check_account(text: &str) -> Result<(), String> {
    if !(3..=24).contains(&text.len()) {
        return Err(format!(
            "it has {} characters, and 3 to 24 are allowed",
            text.len()
        ));
    }
    let allowed = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit();
    match text.chars().find(|c| !allowed(*c)) {
        Some(wrong) => Err(format!(
            "it holds {wrong:?}, and only lower-case letters and digits are allowed"
        )),
        None => Ok(()),
    }
}

/// Why this is no name of a resource group, as the end of a sentence.
///
/// Source: Azure's page on naming rules of resources.
pub fn check_group(text: &str) -> Result<(), String> {
    let allowed = |c: char| c.is_alphanumeric() || "-_.()".contains(c);
    if text.chars().count() > 90 || text.is_empty() {
        return Err("it does not have 1 to 90 characters".to_owned());
    }
    if let Some(wrong) = text.chars().find(|c| !allowed(*c)) {
        return Err(format!(
            "it holds {wrong:?}, and only letters, digits, - _ . and parentheses are allowed"
        ));
    }
    if text.ends_with('.') {
        return Err("it ends with a dot".to_owned());
    }
    Ok(())
}

/// Why this is no name of a managed identity, as the end of a sentence.
///
/// Source: Azure's page on naming rules of resources.
pub fn check_identity(text: &str) -> Result<(), String> {
    let allowed = |c: char| c.is_ascii_alphanumeric() || c == '-' || c == '_';
    if !(3..=128).contains(&text.len()) || !text.chars().all(allowed) {
        return Err(format!(
            "{text:?} does not have 3 to 128 letters, digits, hyphens and underscores"
        ));
    }
    if !text.starts_with(|c: char| c.is_ascii_alphanumeric()) {
        return Err(format!("{text:?} does not begin with a letter or a digit"));
    }
    Ok(())
}

/// Why this is no location, as the end of a sentence: `westeurope`, or `West Europe`.
pub fn check_location(text: &str) -> Result<(), String> {
    let allowed = |c: char| c.is_ascii_alphanumeric() || c == ' ';
    if text.chars().all(allowed) && text.len() <= 64 {
        return Ok(());
    }
    Err(format!(
        "{text:?} is no location of Azure: letters and digits, such as westeurope"
    ))
}

/// The location as Azure tells it: without blanks, in lower case.
pub fn plain_location(text: &str) -> String {
    let plain = text.chars().filter(|c| *c != ' ');
    plain.collect::<String>().to_ascii_lowercase()
}

/// Why this is no role, as the end of a sentence: a name, or the id of a definition.
pub fn check_role(text: &str) -> Result<(), String> {
    let id = text.split_once("/roleDefinitions/");
    let is_id = id.is_some_and(|(_, guid)| check_guid(guid).is_ok());
    if !is_id && (text.len() > 512 || text.contains(['\'', '/', '"'])) {
        return Err(format!(
            "{text:?} is neither the name nor the full id of a role"
        ));
    }
    Ok(())
}

/// Why this is no name of Kubernetes, as the end of a sentence.
pub fn check_kubernetes(text: &str) -> Result<(), String> {
    let allowed = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-' || c == '.';
    let edge = |c: Option<char>| c.is_some_and(|c| c.is_ascii_lowercase() || c.is_ascii_digit());
    let is_name = text.len() <= 253
        && text.chars().all(allowed)
        && edge(text.chars().next())
        && edge(text.chars().last());
    if is_name {
        return Ok(());
    }
    Err(format!("{text:?} is no name of Kubernetes"))
}

/// The full name of a storage account.
pub fn account_id(subscription: &str, group: &str, account: &str) -> String {
    format!(
        "/subscriptions/{subscription}/resourceGroups/{group}/providers/Microsoft.Storage\
         /storageAccounts/{account}"
    )
}

/// The full name of a container.
pub fn container_id(account_id: &str, container: &str) -> String {
    format!("{account_id}/blobServices/default/containers/{container}")
}

/// The full name of a managed identity.
pub fn identity_id(subscription: &str, group: &str, identity: &str) -> String {
    format!(
        "/subscriptions/{subscription}/resourceGroups/{group}/providers/Microsoft.ManagedIdentity\
         /userAssignedIdentities/{identity}"
    )
}

/// The name of W&B's identity where nobody chose another one.
pub fn default_identity(account: &str) -> String {
    format!("{account}-wandb")
}

/// Whether the name of an identity is one of a managed identity's; else it is an account whose
/// key W&B holds.
pub(super) fn is_managed(identity: &str) -> bool {
    identity.starts_with('/')
}

/// The roles that Azure has by itself and W&B is given.
///
/// Source: Azure's page on built-in roles.
const BUILT_IN: [(&str, &str); 7] = [
    ("Contributor", "b24988ac-6180-42a0-ab88-20f7382dd24c"),
    ("Owner", "8e3af657-a8ff-443c-a75c-2fe8c4bcb635"),
    ("Reader", "acdd72a7-3385-48ef-bd42-f606fba81ae7"),
    (
        "Storage Account Contributor",
        "17d1049b-9a84-46fb-8f53-869881c3d3ab",
    ),
    (
        "Storage Blob Data Contributor",
        "ba92f5b4-2d11-453d-a403-e96b0029c9fe",
    ),
    (
        "Storage Blob Data Owner",
        "b7e6dc6d-f1e8-4753-8033-0f276bb0955b",
    ),
    (
        "Storage Blob Data Reader",
        "2a2b9908-6ea1-4ae2-8e65-a410df84e7d1",
    ),
];

/// The last part of the id of a role's definition, where the name or the id says it.
pub(super) fn role_guid(role: &str) -> Option<String> {
    if let Some((_, guid)) = role.rsplit_once("/roleDefinitions/") {
        return Some(guid.to_ascii_lowercase());
    }
    let found = BUILT_IN.iter().find(|(name, _)| *name == role);
    found.map(|(_, guid)| (*guid).to_owned())
}

/// The name of a role that Azure has by itself.
pub(super) fn role_name(guid: &str) -> Option<&'static str> {
    let found = BUILT_IN.iter().find(|(_, one)| *one == guid);
    found.map(|(name, _)| *name)
}

/// A name in the form of a UUID that is always the same for the same parts: what is made twice
/// with it is made once.
pub(super) fn stable_guid(parts: &[&str]) -> String {
    let text = parts.join("\n").to_ascii_lowercase();
    let hash = digest(&SHA256, text.as_bytes());
    let mut hex: String = hash.as_ref()[..16]
        .iter()
        .map(|byte| format!("{byte:02x}"))
        .collect();
    // Version 8: made by a rule of one's own (RFC 9562).
    hex.replace_range(12..13, "8");
    hex.replace_range(16..17, "8");
    [(0, 8), (8, 12), (12, 16), (16, 20), (20, 32)]
        .map(|(from, to)| &hex[from..to])
        .join("-")
}

/// Whether any of the generations of one marker is one of another's.
pub(super) fn is_related(one: &[Generation], other: &[Generation]) -> bool {
    one.iter()
        .any(|generation| *generation != Generation::nobodys() && other.contains(generation))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_follow_azures_rules() {
        type Check = fn(&str) -> Result<(), String>;
        let table: [(Check, &[&str], &[&str]); 7] = [
            (
                check_guid,
                &["00000000-0000-0000-0000-00000000000a"],
                &["", "acme", "00000000-0000-0000-0000-00000000000"],
            ),
            (
                check_tenant,
                &[
                    "00000000-0000-0000-0000-00000000000a",
                    "acme.onmicrosoft.com",
                ],
                &["acme", "a/b.c", "..", "a..b", ".com"],
            ),
            (
                check_account,
                &["abc", "acmewandb01"],
                &["ab", "Acme", "acme-wandb", "abcdefghijklmnopqrstuvwxy"],
            ),
            (
                check_group,
                &["acme", "Acme_(1).x-y"],
                &["", "acme.", "a b", "a/b"],
            ),
            (
                check_identity,
                &["acme-wandb", "a_1"],
                &["ab", "-abc", "a.b.c", "a/b/c"],
            ),
            (
                check_location,
                &["westeurope", "West Europe"],
                &["west-europe", "a/b"],
            ),
            (
                check_kubernetes,
                &["default", "wandb-app", "a.b"],
                &["", "-a", "a_b", "A"],
            ),
        ];
        for (check, good, bad) in table {
            for text in good {
                assert_eq!(check(text), Ok(()), "{text}");
            }
            for text in bad {
                assert!(check(text).is_err(), "{text}");
            }
        }
        assert!(check_role("Storage Blob Data Owner").is_ok());
        assert!(check_role("x' or 'y").is_err());
    }

    #[test]
    fn a_stable_name_is_a_uuid_and_says_what_it_is_of() {
        let one = stable_guid(&["/scope", "principal", "role"]);
        assert_eq!(check_guid(&one), Ok(()));
        assert_eq!(one, stable_guid(&["/SCOPE", "principal", "role"]));
        assert_ne!(one, stable_guid(&["/scope", "other", "role"]));
    }

    #[test]
    fn roles_are_known_by_name_and_by_id() {
        let owner = "b7e6dc6d-f1e8-4753-8033-0f276bb0955b";
        assert_eq!(role_guid("Storage Blob Data Owner").as_deref(), Some(owner));
        let id = format!(
            "/subscriptions/s/providers/Microsoft.Authorization/roleDefinitions/{}",
            owner.to_ascii_uppercase()
        );
        assert_eq!(role_guid(&id).as_deref(), Some(owner));
        assert_eq!(role_guid("W&B of Acme"), None);
        assert_eq!(role_name(owner), Some("Storage Blob Data Owner"));
    }

    #[test]
    fn a_location_has_one_plain_spelling() {
        assert_eq!(plain_location("West Europe"), "westeurope");
    }
}
