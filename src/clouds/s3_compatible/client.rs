//! Who asks which server, and the clients that are shared by everything that asks it.

use std::fmt;
use std::hash::{Hash, Hasher};
use std::sync::{Arc, OnceLock};

use aws_credential_types::Credentials;
use aws_credential_types::provider::SharedCredentialsProvider;
use aws_sdk_iam::config::{
    BehaviorVersion, Region, StalledStreamProtectionConfig, retry::RetryConfig,
};
use secrecy::{ExposeSecret, SecretString};
use url::Url;

use crate::byob::CloudError;
use crate::clouds::s3::client::{self as s3, Connection, location};

/// Which interface a server has for users and their keys.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum AdminApi {
    /// Told by what the server says about itself.
    #[default]
    Auto,
    /// MinIO's own.
    MinIo,
    /// The one of AWS.
    Iam,
}

/// Who asks which server.
#[derive(Clone)]
pub struct Settings {
    /// The server's address, `http` or `https`.
    pub endpoint: Url,
    /// The region that requests are signed for.
    pub region: String,
    /// The caller's access key.
    pub access_key: String,
    /// Its secret.
    pub secret_key: SecretString,
    /// Its session token, where the key is a temporary one.
    pub session_token: Option<SecretString>,
    /// Buckets are a part of the path rather than of the host.
    pub path_style: bool,
    /// Certificates to trust besides the system's, in PEM.
    pub ca_bundle: Option<String>,
    /// How users and keys are made.
    pub admin_api: AdminApi,
    /// How often a failed request is sent again.
    pub max_retries: u32,
}

impl fmt::Debug for Settings {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.debug_struct("Settings")
            .field("endpoint", &location(&self.endpoint))
            .field("region", &self.region)
            .field("access_key", &self.access_key)
            .field("path_style", &self.path_style)
            .field("ca_bundle", &self.ca_bundle.is_some())
            .field("admin_api", &self.admin_api)
            .field("max_retries", &self.max_retries)
            .finish_non_exhaustive()
    }
}

impl PartialEq for Settings {
    fn eq(&self, other: &Self) -> bool {
        let token = |one: &Self| {
            let token = one.session_token.as_ref();
            token.map(|token| token.expose_secret().to_owned())
        };
        self.endpoint == other.endpoint
            && self.region == other.region
            && self.access_key == other.access_key
            && self.secret_key.expose_secret() == other.secret_key.expose_secret()
            && token(self) == token(other)
            && self.path_style == other.path_style
            && self.ca_bundle == other.ca_bundle
            && self.admin_api == other.admin_api
            && self.max_retries == other.max_retries
    }
}

impl Eq for Settings {}

impl Hash for Settings {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.endpoint.hash(state);
        self.region.hash(state);
        self.access_key.hash(state);
        self.path_style.hash(state);
        self.admin_api.hash(state);
    }
}

/// The clients of one server, shared by all operations; connections are kept.
pub struct Clients {
    settings: Settings,
    s3: Arc<s3::Clients>,
    iam: OnceLock<aws_sdk_iam::Client>,
    is_minio: OnceLock<bool>,
}

impl fmt::Debug for Clients {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.debug_struct("Clients")
            .field("settings", &self.settings)
            .finish_non_exhaustive()
    }
}

impl Clients {
    /// The clients for `settings`. Sends nothing, and opens nothing yet.
    ///
    /// # Errors
    /// `Invalid` when the endpoint is no address of a server, or the certificates
    /// are none.
    pub fn new(settings: Settings) -> Result<Self, CloudError> {
        let credentials = Credentials::from_keys(
            settings.access_key.as_str(),
            settings.secret_key.expose_secret(),
            settings
                .session_token
                .as_ref()
                .map(|token| token.expose_secret().to_owned()),
        );
        let s3 = s3::Clients::new(Connection {
            endpoint: settings.endpoint.clone(),
            region: settings.region.clone(),
            path_style: settings.path_style,
            ca_bundle: settings.ca_bundle.clone(),
            credentials: SharedCredentialsProvider::new(credentials),
        })?;
        Ok(Self {
            settings,
            s3: Arc::new(s3),
            iam: OnceLock::new(),
            is_minio: OnceLock::new(),
        })
    }

    /// Who asks which server.
    pub fn settings(&self) -> &Settings {
        &self.settings
    }

    /// The clients of the S3 protocol.
    pub(super) fn s3(&self) -> Arc<s3::Clients> {
        Arc::clone(&self.s3)
    }

    /// The client of the interface for users that AWS has.
    pub(super) fn iam(&self) -> &aws_sdk_iam::Client {
        self.iam.get_or_init(|| {
            let config = aws_sdk_iam::Config::builder()
                .behavior_version(BehaviorVersion::latest())
                .http_client(self.s3.sdk())
                .endpoint_url(self.s3.address())
                .region(Region::new(self.settings.region.clone()))
                .credentials_provider(self.s3.connection().credentials.clone())
                .retry_config(RetryConfig::disabled())
                .timeout_config(s3::timeouts())
                .stalled_stream_protection(StalledStreamProtectionConfig::disabled())
                .build();
            aws_sdk_iam::Client::from_conf(config)
        })
    }

    /// What is known about the kind of server; `None` when no answer said it yet.
    ///
    /// Of the names that servers give themselves only "MinIO" tells anything: proxies
    /// put their own names there.
    pub(super) fn is_minio(&self) -> Option<bool> {
        let named = self.s3.server_name();
        match self.settings.admin_api {
            AdminApi::MinIo => Some(true),
            AdminApi::Iam => Some(false),
            AdminApi::Auto if named.is_some_and(|name| name.starts_with("MinIO")) => Some(true),
            AdminApi::Auto => self.is_minio.get().copied(),
        }
    }

    /// Remembers the kind of server.
    pub(super) fn remember_minio(&self, is_minio: bool) {
        let _ = self.is_minio.set(is_minio);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::byob::CloudErrorKind;

    fn settings(endpoint: &str, path_style: bool) -> Settings {
        Settings {
            endpoint: Url::parse(endpoint).expect("a literal"),
            region: "us-east-1".to_owned(),
            access_key: "caller".to_owned(),
            secret_key: SecretString::from("the-secret"),
            session_token: None,
            path_style,
            ca_bundle: None,
            admin_api: AdminApi::Auto,
            max_retries: 0,
        }
    }

    #[test]
    fn a_secret_is_not_printed() {
        let clients = Clients::new(settings("http://127.0.0.1:9000", true)).expect("valid");
        assert!(!format!("{clients:?}").contains("the-secret"));
    }

    #[test]
    fn addresses_follow_the_style() {
        for (endpoint, path_style, expected) in [
            ("http://h:9000", true, "http://h:9000/b/a/x%20%2B.txt"),
            ("http://h:9000/", true, "http://h:9000/b/a/x%20%2B.txt"),
            ("https://h/s3/", true, "https://h/s3/b/a/x%20%2B.txt"),
            ("https://h", false, "https://b.h/a/x%20%2B.txt"),
        ] {
            let clients = Clients::new(settings(endpoint, path_style)).expect("valid");
            assert_eq!(clients.s3().object_url("b", "a/x +.txt"), expected);
        }
    }

    #[test]
    fn what_is_no_server_is_refused() {
        for endpoint in ["ftp://h", "http://u:p@h", "http://h?x=1", "http://h#x"] {
            let outcome = Clients::new(settings(endpoint, true));
            let kind = outcome.map(|_| ()).map_err(|error| error.kind);
            assert_eq!(kind, Err(CloudErrorKind::Invalid), "{endpoint}");
        }
        let mut bad = settings("https://h", true);
        bad.ca_bundle = Some("no certificate".to_owned());
        assert!(Clients::new(bad).is_err());
    }
}
