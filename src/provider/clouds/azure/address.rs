//! Addresses of Azure's services.

use url::Url;

use crate::clouds::azure::{ACCOUNT, blob_address};
use crate::provider::arguments::{address, check_endpoint, keeps_secrets};

/// Why this is no address of Azure Resource Manager, as the end of a sentence. It never repeats
/// the text, which may hold credentials.
pub(super) fn check_manager(text: &str) -> Result<(), String> {
    check_endpoint(text)?;
    check_private(text)
}

/// The same of Microsoft Entra, whose client speaks TLS alone.
pub(super) fn check_authority(text: &str) -> Result<(), String> {
    check_endpoint(text)?;
    if text.starts_with("https://") {
        return Ok(());
    }
    Err("it must begin with https://, for secrets are sent there".to_owned())
}

/// The same of blobs: a template with the account in it, or an address to whose path the account
/// is appended.
pub(super) fn check_blob(text: &str) -> Result<(), String> {
    if text.contains('@') {
        return Err("it must not hold credentials".to_owned());
    }
    let example = blob_address(text, "account");
    let url = address(&example)?;
    if !matches!(url.scheme(), "http" | "https") {
        return Err("it must begin with http:// or https://".to_owned());
    }
    if url.host_str().is_none_or(str::is_empty) {
        return Err("it names no host".to_owned());
    }
    if url.query().is_some() || url.fragment().is_some() {
        return Err("it must end after host, port and path".to_owned());
    }
    if example.contains('{') || example.contains('}') {
        return Err(format!(
            "the one thing that may stand in braces is {ACCOUNT}"
        ));
    }
    check_private(&example)
}

fn check_private(text: &str) -> Result<(), String> {
    match Url::parse(text) {
        Ok(url) if keeps_secrets(&url) => Ok(()),
        _ => Err(
            "it begins with http:// and is no loopback address, and a token would travel \
             readable for everybody on the way; use https://"
                .to_owned(),
        ),
    }
}

/// The issuer of an instance: it is compared byte for byte, so it stays as it is.
pub(super) fn check_issuer(text: &str) -> Result<(), String> {
    if text.contains('@') {
        return Err("it must not hold credentials".to_owned());
    }
    // It is compared byte for byte, so nothing that a reader of addresses puts right passes.
    let host = text.strip_prefix("https://");
    if host.is_none_or(|host| host.starts_with('/')) {
        return Err("it must begin with https:// and a host, which Microsoft asks for".to_owned());
    }
    if let Some(wrong) = text.chars().find(|c| c.is_whitespace() || *c == '\\') {
        return Err(format!("it holds {wrong:?}"));
    }
    let url = address(text)?;
    if url.query().is_some() || url.fragment().is_some() {
        return Err("it must not hold \"?\" or \"#\"".to_owned());
    }
    Ok(())
}

/// Where a runner gives its tokens; it may hold a query.
pub(super) fn check_request(text: &str) -> Result<(), String> {
    if text.contains('@') {
        return Err("it must not hold credentials".to_owned());
    }
    address(text)?;
    check_private(text)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_token_travels_in_the_clear_to_nobody_else() {
        for good in [
            "https://management.azure.com",
            "https://h:8443/",
            "http://127.0.0.1:1",
            "http://[::1]:1",
        ] {
            assert_eq!(check_manager(good), Ok(()), "{good}");
        }
        for bad in ["", "h", "http://h", "https://h/x", "https://k:hunter2@h"] {
            let why = check_manager(bad).expect_err(bad);
            assert!(!why.contains("hunter2"), "{why}");
        }
        assert!(check_authority("https://127.0.0.1:1").is_ok());
        assert!(check_authority("http://127.0.0.1:1").is_err());
    }

    #[test]
    fn blobs_have_a_template_or_a_beginning() {
        for good in [
            "https://{account}.blob.example.com",
            "https://127.0.0.1:10000",
            "http://127.0.0.1:10000/",
            "https://h/{account}/",
        ] {
            assert_eq!(check_blob(good), Ok(()), "{good}");
        }
        for bad in [
            "{account}",
            "http://{account}.blob.example.com",
            "https://{name}.example.com",
            "https://h/?x={account}",
            "https://k:hunter2@h",
        ] {
            let why = check_blob(bad).expect_err(bad);
            assert!(!why.contains("hunter2"), "{why}");
        }
    }

    #[test]
    fn issuers_keep_their_slash() {
        assert_eq!(check_issuer("https://oidc.example.com/1/"), Ok(()));
        assert_eq!(check_issuer("https://oidc.example.com/1"), Ok(()));
        assert!(check_issuer("http://oidc.example.com").is_err());
        assert!(check_issuer("https://oidc.example.com?x").is_err());
    }
}
