//! Shared access signatures: the text that is signed, and the query that carries the signature.
//!
//! Source: Microsoft's pages "Create a service SAS" and "Create a user delegation SAS", for the
//! versions from 2020-12-06 on.

use aws_lc_rs::hmac;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use secrecy::{ExposeSecret, SecretString};
use time::format_description::FormatItem;
use time::macros::format_description;
use time::{Duration, OffsetDateTime};

use super::request::{BLOB_VERSION, encoded};
use crate::byob::{CloudError, CloudErrorKind};

/// How long a signed address is good.
const LIFETIME: Duration = Duration::minutes(15);
/// How far the clock of whoever checks it may be behind.
const SKEW: Duration = Duration::minutes(5);
const FORMAT: &[FormatItem<'static>] =
    format_description!("[year]-[month]-[day]T[hour]:[minute]:[second]Z");

/// What an address is good for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Permits {
    /// Letters in the order that the service asks for.
    permissions: &'static str,
    start: String,
    expiry: String,
    /// `/blob/<account>/<container>[/<blob>]`.
    resource: String,
    /// `b` for a blob, `c` for a container.
    kind: &'static str,
}

/// A moment as signatures have it.
pub(super) fn moment(at: OffsetDateTime) -> String {
    // The format has no part that could fail.
    at.format(&FORMAT).unwrap_or_default()
}

impl Permits {
    fn of(permissions: &'static str, resource: String, kind: &'static str) -> Self {
        let now = OffsetDateTime::now_utc();
        Self {
            permissions,
            start: moment(now - SKEW),
            expiry: moment(now + LIFETIME),
            resource,
            kind,
        }
    }

    /// Everything in a container, and its list.
    pub(super) fn everything(account: &str, container: &str) -> Self {
        Self::of("racwdxl", format!("/blob/{account}/{container}"), "c")
    }

    /// Some of what can be done with one blob.
    pub(super) fn on_blob(
        permissions: &'static str,
        account: &str,
        container: &str,
        blob: &str,
    ) -> Self {
        let resource = format!("/blob/{account}/{container}/{blob}");
        Self::of(permissions, resource, "b")
    }

    /// What both kinds of signatures end with: the protocol is left open, for local servers.
    fn rest(&self) -> [&str; 3] {
        [BLOB_VERSION, self.kind, ""]
    }
}

/// A key that the service has given to the caller, to sign in its name.
#[derive(Clone)]
pub(super) struct DelegationKey {
    pub(super) object: String,
    pub(super) tenant: String,
    pub(super) start: String,
    pub(super) expiry: String,
    pub(super) service: String,
    pub(super) version: String,
    pub(super) value: SecretString,
}

/// What is signed by a key of the account.
fn text_for_key(permits: &Permits) -> String {
    let [version, kind, snapshot] = permits.rest();
    [
        permits.permissions,
        &permits.start,
        &permits.expiry,
        &permits.resource,
        "", // identifier
        "", // addresses
        "", // protocol
        version,
        kind,
        snapshot,
        "", // encryption scope
        "", // cache-control
        "", // content-disposition
        "", // content-encoding
        "", // content-language
        "", // content-type
    ]
    .join("\n")
}

/// What is signed by a key that the service has given to the caller.
fn text_for_delegation(permits: &Permits, key: &DelegationKey) -> String {
    let [version, kind, snapshot] = permits.rest();
    [
        permits.permissions,
        &permits.start,
        &permits.expiry,
        &permits.resource,
        &key.object,
        &key.tenant,
        &key.start,
        &key.expiry,
        &key.service,
        &key.version,
        "", // an object id that was checked
        "", // one that was not
        "", // correlation
        "", // addresses
        "", // protocol
        version,
        kind,
        snapshot,
        "", // encryption scope
        "", // cache-control
        "", // content-disposition
        "", // content-encoding
        "", // content-language
        "", // content-type
    ]
    .join("\n")
}

fn signature(key: &str, text: &str) -> Result<String, String> {
    let key = STANDARD.decode(key.trim());
    let key = key.map_err(|_| "the key is not in base64".to_owned())?;
    let key = hmac::Key::new(hmac::HMAC_SHA256, &key);
    Ok(STANDARD.encode(hmac::sign(&key, text.as_bytes())))
}

fn query(parts: &[(&str, &str)]) -> String {
    let parts = parts
        .iter()
        .map(|(name, value)| format!("{name}={}", encoded(value)));
    parts.collect::<Vec<_>>().join("&")
}

/// The query that lets in by a key of the account.
pub(super) fn by_key(permits: &Permits, key: &str) -> Result<String, String> {
    let signature = signature(key, &text_for_key(permits))?;
    Ok(query(&[
        ("sv", BLOB_VERSION),
        ("st", &permits.start),
        ("se", &permits.expiry),
        ("sr", permits.kind),
        ("sp", permits.permissions),
        ("sig", &signature),
    ]))
}

/// The query that lets in as the caller.
pub(super) fn by_delegation(permits: &Permits, key: &DelegationKey) -> Result<String, String> {
    let signature = signature(
        key.value.expose_secret(),
        &text_for_delegation(permits, key),
    )?;
    Ok(query(&[
        ("skoid", &key.object),
        ("sktid", &key.tenant),
        ("skt", &key.start),
        ("ske", &key.expiry),
        ("sks", &key.service),
        ("skv", &key.version),
        ("sv", BLOB_VERSION),
        ("st", &permits.start),
        ("se", &permits.expiry),
        ("sr", permits.kind),
        ("sp", permits.permissions),
        ("sig", &signature),
    ]))
}

/// The error of a key that cannot sign.
pub(super) fn unsignable(account: &str, why: String) -> CloudError {
    CloudError::new(CloudErrorKind::Invalid, "sign", account, why)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The key that Azurite and Microsoft's older emulator are known by.
    const KEY: &str =
        "Eby8vdM02xNOcqFlqUwJPLlmEtlCDXJ1OUzFT50uSRZ6IFsuFq2UVErCz4I6tq/K1SZFPTOtr/KBHBeksoGMGw==";

    fn permits() -> Permits {
        Permits {
            permissions: "rw",
            start: "2026-01-02T03:04:05Z".to_owned(),
            expiry: "2026-01-02T04:04:05Z".to_owned(),
            resource: "/blob/acme/box/teams/a b.txt".to_owned(),
            kind: "b",
        }
    }

    /// The lines stand in the order of Microsoft's page on the service SAS.
    #[test]
    fn what_the_accounts_key_signs() {
        assert_eq!(
            text_for_key(&permits()),
            "rw\n2026-01-02T03:04:05Z\n2026-01-02T04:04:05Z\n/blob/acme/box/teams/a b.txt\n\n\n\n\
             2021-12-02\nb\n\n\n\n\n\n\n"
        );
    }

    /// The lines stand in the order of Microsoft's page on the user delegation SAS.
    #[test]
    fn what_the_callers_key_signs() {
        let key = DelegationKey {
            object: "oid".to_owned(),
            tenant: "tid".to_owned(),
            start: "2026-01-02T03:00:00Z".to_owned(),
            expiry: "2026-01-02T05:00:00Z".to_owned(),
            service: "b".to_owned(),
            version: "2021-12-02".to_owned(),
            value: SecretString::from(KEY),
        };
        assert_eq!(
            text_for_delegation(&permits(), &key),
            "rw\n2026-01-02T03:04:05Z\n2026-01-02T04:04:05Z\n/blob/acme/box/teams/a b.txt\n\
             oid\ntid\n2026-01-02T03:00:00Z\n2026-01-02T05:00:00Z\nb\n2021-12-02\n\n\n\n\n\n\
             2021-12-02\nb\n\n\n\n\n\n\n"
        );
        let query = by_delegation(&permits(), &key).expect("a signature");
        assert!(query.starts_with("skoid=oid&sktid=tid&skt=2026-01-02T03%3A00%3A00Z&"));
    }

    /// Computed with Python: base64(hmac(base64decode(key), text, sha256)).
    #[test]
    fn a_signature_is_the_one_that_others_make() {
        let made = signature(KEY, "r\n\n2026-01-02T03:04:05Z\n").expect("a signature");
        assert_eq!(made, "o2UpdjxCJ6K0U8BU761M/iaMscSgu4Yhmf0JVIitj8c=");
        assert!(signature("no base64!", "x").is_err());
    }
}
