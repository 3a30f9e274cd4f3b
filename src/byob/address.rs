//! How W&B is told where a bucket is.
//!
//! Source: the address formats of W&B's page on bringing your own bucket and the
//! values of its Helm chart; section 3 of the design has the summary.

use std::collections::BTreeMap;

use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};

use super::identity::AccessKey;
use super::kind::CloudKind;

/// Everything but letters, digits and `-._~` is escaped in a user or a secret.
const USERINFO: &AsciiSet = &NON_ALPHANUMERIC
    .remove(b'-')
    .remove(b'.')
    .remove(b'_')
    .remove(b'~');

/// A bucket behind an S3 endpoint, as W&B addresses it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct S3Address {
    /// Host, and port where it is not the scheme's own.
    pub authority: String,
    /// The bucket's name.
    pub bucket: String,
    /// The region; always written.
    pub region: String,
    /// Whether the endpoint speaks TLS.
    pub tls: bool,
}

impl S3Address {
    /// The address without any secret.
    pub fn plain(&self) -> String {
        format!("s3://{}", self.rest())
    }

    /// The address with W&B's key inside: the entry for
    /// `GORILLA_SUPPORTED_FILE_STORES`. It is a secret.
    pub fn with_key(&self, key: &AccessKey) -> String {
        format!(
            "s3://{}:{}@{}",
            escape(&key.id),
            escape(key.expose_secret()),
            self.rest()
        )
    }

    fn rest(&self) -> String {
        format!(
            "{}/{}?region={}&tls={}",
            self.authority,
            self.bucket,
            escape(&self.region),
            self.tls
        )
    }
}

/// A bucket of Google Cloud Storage, as W&B addresses it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct GoogleAddress {
    /// The bucket's name.
    pub bucket: String,
}

impl GoogleAddress {
    /// The address without any secret.
    pub fn plain(&self) -> String {
        format!("gs://{}", self.bucket)
    }

    /// The address with W&B's key inside, the entry for `GORILLA_SUPPORTED_FILE_STORES`;
    /// `None` where nobody knows whose key it is. It is a secret.
    pub fn with_key(&self, key: &AccessKey) -> Option<String> {
        Some(format!(
            "gs://{}:{}@{}",
            escape(key.holder.as_ref()?),
            escape(key.expose_secret()),
            self.bucket
        ))
    }
}

/// A container of Azure Blob Storage, as W&B addresses it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AzureAddress {
    /// The storage account.
    pub account: String,
    /// The container.
    pub container: String,
}

impl AzureAddress {
    /// The address without any secret.
    pub fn plain(&self) -> String {
        format!("az://{}/{}", self.account, self.container)
    }

    /// The address with a key of the account inside, the entry for
    /// `GORILLA_SUPPORTED_FILE_STORES`. It is a secret.
    pub fn with_key(&self, key: &AccessKey) -> String {
        format!(
            "az://:{}@{}/{}",
            escape(key.expose_secret()),
            self.account,
            self.container
        )
    }
}

/// The path of a team of its own, in a storage whose own path may be led by a container.
pub fn with_path(provider: &str, storage: Option<&str>, path: &str) -> String {
    let container = storage.and_then(|storage| storage.split('/').next());
    match container {
        Some(container) if provider == CloudKind::Azure.wandb_provider() => {
            format!("{container}/{path}")
        }
        _ => path.to_owned(),
    }
}

fn escape(text: &str) -> String {
    utf8_percent_encode(text, USERINFO).to_string()
}

/// The schemes of the addresses that W&B takes in the place of a name.
const SCHEMES: [&str; 4] = ["s3", "gs", "az", "cw"];

/// Why W&B cannot be told this name of a bucket, as the end of a sentence: a bare name, a
/// host with a bucket, or a whole address. It never repeats the name, which may hold a
/// secret.
pub fn check_told_name(name: &str) -> Result<(), String> {
    if name.contains('@') {
        return Err(
            "it holds \"@\", as an address with credentials does; W&B is told the address without \
             them, and finds them in GORILLA_SUPPORTED_FILE_STORES"
                .to_owned(),
        );
    }
    let (scheme, rest) = match name.split_once("://") {
        Some((scheme, rest)) => (Some(scheme), rest),
        None => (None, name),
    };
    if scheme.is_some_and(|scheme| !SCHEMES.contains(&scheme)) {
        return Err(format!(
            "its scheme is none of {}",
            SCHEMES.map(|one| format!("{one}://")).join(", ")
        ));
    }
    let (place, query) = match rest.split_once('?') {
        Some((place, query)) => (place, Some(query)),
        None => (rest, None),
    };
    check_place(place)?;
    match query {
        Some(_) if scheme.is_none() => Err("it holds \"?\", and is no address".to_owned()),
        Some(query) => check_query(query),
        None => Ok(()),
    }
}

fn check_place(place: &str) -> Result<(), String> {
    let parts: Vec<&str> = place.split('/').collect();
    if parts.iter().any(|part| part.is_empty()) {
        return Err("it begins or ends with a slash, or has two in a row".to_owned());
    }
    if parts.iter().any(|part| *part == "." || *part == "..") {
        return Err("it holds \".\" or \"..\" between its slashes".to_owned());
    }
    let plain = |c: char| c.is_ascii_alphanumeric() || "-._~:[]".contains(c);
    if !place.chars().all(|c| plain(c) || c == '/') {
        return Err("it holds a character that no name of a bucket has".to_owned());
    }
    let (host, port) = match parts[0].rsplit_once(':') {
        Some((host, port)) if !parts[0].ends_with(']') => (host, Some(port)),
        _ => (parts[0], None),
    };
    let is_host = !host.is_empty() && (host.starts_with('[') || !host.contains(':'));
    let is_port = |port: &str| port.parse::<u16>().is_ok();
    if !is_host || !port.is_none_or(is_port) || parts[1..].iter().any(|part| part.contains(':')) {
        return Err(
            "it holds a colon that no port follows; W&B is told addresses without credentials"
                .to_owned(),
        );
    }
    Ok(())
}

fn check_query(query: &str) -> Result<(), String> {
    for pair in query.split('&') {
        let (key, value) = pair.split_once('=').unwrap_or((pair, ""));
        let plain = |c: char| c.is_ascii_alphanumeric() || "-._~".contains(c);
        let is_known = match key {
            "region" => !value.is_empty() && value.chars().all(plain),
            "tls" => matches!(value, "true" | "false"),
            _ => false,
        };
        if !is_known {
            return Err(
                "what follows \"?\" is not region=<region> and tls=true or tls=false, joined by \"&\""
                    .to_owned(),
            );
        }
    }
    Ok(())
}

/// What a team's registration takes: `name` and `provider`, and `path` where there is
/// one.
pub fn storage(cloud: CloudKind, name: &str, path: Option<&str>) -> BTreeMap<String, String> {
    let mut storage = BTreeMap::from([
        ("name".to_owned(), name.to_owned()),
        ("provider".to_owned(), cloud.wandb_provider().to_owned()),
    ]);
    if let Some(path) = path {
        storage.insert("path".to_owned(), path.to_owned());
    }
    storage
}

/// The values of `global.bucket` in W&B's Helm chart, without any secret.
pub fn instance_bucket(
    address: &S3Address,
    path: Option<&str>,
    kms_key: Option<&str>,
) -> BTreeMap<String, String> {
    let mut values = BTreeMap::from([
        ("provider".to_owned(), "s3".to_owned()),
        (
            "name".to_owned(),
            format!("{}/{}", address.authority, address.bucket),
        ),
        ("region".to_owned(), address.region.clone()),
    ]);
    values.extend(path.map(|path| ("path".to_owned(), path.to_owned())));
    values.extend(kms_key.map(|key| ("kmsKey".to_owned(), key.to_owned())));
    values
}

/// The values of `global.bucket` for a bucket that W&B knows by its name alone.
pub fn native_bucket(provider: &str, name: &str, path: Option<&str>) -> BTreeMap<String, String> {
    let mut values = BTreeMap::from([
        ("provider".to_owned(), provider.to_owned()),
        ("name".to_owned(), name.to_owned()),
    ]);
    values.extend(path.map(|path| ("path".to_owned(), path.to_owned())));
    values
}

#[cfg(test)]
mod tests {
    use super::*;

    fn address(tls: bool) -> S3Address {
        S3Address {
            authority: "127.0.0.1:9000".into(),
            bucket: "acme".into(),
            region: "us-east-1".into(),
            tls,
        }
    }

    #[test]
    fn an_address_names_region_and_tls() {
        assert_eq!(
            address(false).plain(),
            "s3://127.0.0.1:9000/acme?region=us-east-1&tls=false"
        );
        assert_eq!(
            address(true).plain(),
            "s3://127.0.0.1:9000/acme?region=us-east-1&tls=true"
        );
    }

    #[test]
    fn keys_are_escaped() {
        let key = AccessKey::new("AK/1", "a+b/c=d:e@f~g-h_i.j k%");
        assert_eq!(
            address(false).with_key(&key),
            "s3://AK%2F1:a%2Bb%2Fc%3Dd%3Ae%40f~g-h_i.j%20k%25@127.0.0.1:9000/acme?region=us-east-1&tls=false"
        );
    }

    #[test]
    fn an_address_of_google_names_the_account_and_holds_its_key() {
        let address = GoogleAddress {
            bucket: "acme".into(),
        };
        assert_eq!(address.plain(), "gs://acme");
        let key = AccessKey::new("0a1b", "-----BEGIN PRIVATE KEY-----\nMII+/=\n");
        assert_eq!(address.with_key(&key), None);
        let key = key.held_by("wandb@acme.iam.gserviceaccount.com");
        assert_eq!(
            address.with_key(&key).as_deref(),
            Some(
                "gs://wandb%40acme.iam.gserviceaccount.com:-----BEGIN%20PRIVATE%20KEY-----%0AMII%2B%2F%3D%0A@acme"
            )
        );
    }

    #[test]
    fn an_address_of_azure_holds_the_accounts_key_and_no_user() {
        let address = AzureAddress {
            account: "acme".into(),
            container: "box".into(),
        };
        assert_eq!(address.plain(), "az://acme/box");
        assert_eq!(
            address.with_key(&AccessKey::new("key1", "a+b/c==")),
            "az://:a%2Bb%2Fc%3D%3D@acme/box"
        );
    }

    #[test]
    fn a_teams_own_path_follows_the_container() {
        assert_eq!(
            with_path("AZURE", Some("box/a/b"), "teams/o"),
            "box/teams/o"
        );
        assert_eq!(with_path("AZURE", Some("box"), "teams/o"), "box/teams/o");
        assert_eq!(with_path("AWS", Some("a/b"), "teams/o"), "teams/o");
        assert_eq!(with_path("AZURE", None, "teams/o"), "teams/o");
    }

    #[test]
    fn storage_leaves_out_what_there_is_not() {
        let storage = storage(CloudKind::S3Compatible, "s3://h/b", None);
        assert_eq!(storage.keys().collect::<Vec<_>>(), ["name", "provider"]);
        assert_eq!(storage["provider"], "MINIO");
    }

    #[test]
    fn names_that_wandb_can_be_told() {
        for good in [
            "acme",
            "acme-storage.account_1",
            "minio.example.com:9000/acme",
            "s3://acme",
            "s3://127.0.0.1:9000/acme?region=us-east-1&tls=false",
            "s3://[::1]:9000/acme?region=minio_local&tls=true",
            "s3://h/acme?region=us-east-1",
            "gs://acme",
            "az://account/container",
            "cw://acme.cwobject.com",
        ] {
            assert_eq!(check_told_name(good), Ok(()), "{good}");
        }
        for bad in [
            "",
            "/",
            "/acme",
            "acme/",
            "a//b",
            "../acme",
            "s3://h/../acme",
            "ftp://h/acme",
            "s3://KEY:hunter2@h/acme",
            "KEY:hunter2@h/acme",
            "s3://KEY:hunter2/acme",
            "s3://KEY%3Ahunter2%40h/acme",
            "s3://h/acme?region=us-east-1?tls=true",
            "s3://h/acme?region=&tls=true",
            "s3://h/acme?secret=hunter2",
            "s3://h/acme#hunter2",
            "acme?region=x",
            "acme\nhunter2",
            "a b",
        ] {
            let why = check_told_name(bad).expect_err(bad);
            assert!(!why.contains("hunter2"), "{bad}: {why}");
        }
    }
}
