//! Storage addresses as W&B's administrators write them, for example
//! `s3://key:secret@host:9000/bucket?region=r&tls=false`.

use percent_encoding::percent_decode_str;
use url::Url;

/// The parts of an address.
#[derive(Clone, PartialEq, Eq)]
pub(super) struct Address {
    /// `s3`, `cw`, `gs` or `az`.
    pub(super) scheme: String,
    pub(super) access_key: String,
    pub(super) secret_key: String,
    /// In lower case. The bucket for `gs`, the account for `az`.
    pub(super) host: String,
    pub(super) port: Option<u16>,
    /// The first part of the path; empty for `gs`.
    pub(super) bucket: String,
    pub(super) region: Option<String>,
    pub(super) tls: Option<bool>,
}

impl Address {
    /// Reads an address; `None` for everything that is none. The text may hold secrets,
    /// so there is no message that could repeat them.
    pub(super) fn parse(text: &str) -> Option<Self> {
        let url = Url::parse(text).ok()?;
        let scheme = url.scheme().to_owned();
        if !["s3", "cw", "gs", "az"].contains(&scheme.as_str()) {
            return None;
        }
        let value_of = |name: &str| {
            url.query_pairs()
                .find(|(key, _)| key == name)
                .map(|(_, value)| value.into_owned())
        };
        let bucket = url.path().trim_matches('/').split('/').next();
        Some(Self {
            access_key: decode(url.username())?,
            secret_key: decode(url.password().unwrap_or_default())?,
            host: url.host_str()?.to_ascii_lowercase(),
            port: url.port(),
            bucket: decode(bucket.unwrap_or_default())?,
            region: value_of("region").filter(|region| !region.is_empty()),
            tls: match value_of("tls").as_deref() {
                Some("true") => Some(true),
                Some("false") => Some(false),
                Some(_) | None => None,
            },
            scheme,
        })
    }

    /// Whether the address holds any credentials.
    pub(super) fn has_credentials(&self) -> bool {
        !self.access_key.is_empty() || !self.secret_key.is_empty()
    }

    /// Whether both speak of the same bucket of the same server.
    pub(super) fn is_same_place(&self, other: &Self) -> bool {
        let port = |address: &Self, tls: Option<bool>| {
            let default = if tls == Some(false) { 80 } else { 443 };
            address.port.unwrap_or(default)
        };
        let tls = self.tls.or(other.tls);
        self.scheme == other.scheme
            && self.host == other.host
            && port(self, tls) == port(other, tls)
            && self.bucket == other.bucket
    }

    /// The address without its credentials.
    pub(super) fn public(&self) -> String {
        let port = self.port.map(|port| format!(":{port}")).unwrap_or_default();
        format!("{}://{}{port}/{}", self.scheme, self.host, self.bucket)
    }
}

fn decode(text: &str) -> Option<String> {
    let text = percent_decode_str(text).decode_utf8().ok()?;
    Some(text.into_owned())
}

#[cfg(test)]
mod tests {
    use super::Address;

    #[test]
    fn credentials_are_decoded() {
        let address = Address::parse("s3://a%2Fk:s%40c%3Ar@Host:9000/b?region=r&tls=false");
        let address = address.unwrap();
        assert_eq!(address.access_key, "a/k");
        assert_eq!(address.secret_key, "s@c:r");
        assert_eq!(address.public(), "s3://host:9000/b");
        assert_eq!(address.region.as_deref(), Some("r"));
        assert_eq!(address.tls, Some(false));
    }

    #[test]
    fn a_raw_slash_in_a_secret_is_no_address() {
        assert!(Address::parse("s3://ak:se/cret@host:9000/b?region=r").is_none());
    }

    #[test]
    fn places_are_compared_without_credentials_and_settings() {
        let parse = |text| Address::parse(text).unwrap();
        let entry = parse("s3://a:b@host/bucket?region=r&tls=true");
        assert!(entry.is_same_place(&parse("s3://host:443/bucket")));
        assert!(!entry.is_same_place(&parse("s3://host:444/bucket")));
        assert!(!entry.is_same_place(&parse("s3://host/bucket2")));
        assert!(!entry.is_same_place(&parse("s3://other/bucket")));
    }
}
