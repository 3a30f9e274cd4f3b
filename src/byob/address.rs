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

fn escape(text: &str) -> String {
    utf8_percent_encode(text, USERINFO).to_string()
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
    fn storage_leaves_out_what_there_is_not() {
        let storage = storage(CloudKind::S3Compatible, "s3://h/b", None);
        assert_eq!(storage.keys().collect::<Vec<_>>(), ["name", "provider"]);
        assert_eq!(storage["provider"], "MINIO");
    }
}
