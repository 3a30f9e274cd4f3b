//! Who asks which server, and the clients that are shared by everything that asks it.

use std::collections::BTreeMap;
use std::fmt;
use std::hash::{Hash, Hasher};
use std::sync::{Arc, OnceLock};

use aws_credential_types::Credentials;
use aws_sdk_s3::config::{
    BehaviorVersion, Intercept, Region, RequestChecksumCalculation, ResponseChecksumValidation,
    RuntimeComponents, StalledStreamProtectionConfig,
    interceptors::BeforeDeserializationInterceptorContextRef, retry::RetryConfig,
    timeout::TimeoutConfig,
};
use aws_sdk_s3::error::BoxError;
use aws_smithy_runtime_api::client::http::SharedHttpClient;
use aws_smithy_types::config_bag::ConfigBag;
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use secrecy::{ExposeSecret, SecretString};
use url::Url;

use crate::byob::identity::AccessKey;
use crate::byob::probe::{WebAnswer, WebRequest};
use crate::byob::{CloudError, CloudErrorKind};
use crate::clouds::http;
use crate::clouds::retry::Failure;

use super::error::of_reqwest;

/// Everything but the characters that an address carries as they are.
const ENCODED: &AsciiSet = &NON_ALPHANUMERIC
    .remove(b'-')
    .remove(b'.')
    .remove(b'_')
    .remove(b'~');
const ENCODED_PATH: &AsciiSet = &ENCODED.remove(b'/');

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
        self.endpoint == other.endpoint
            && self.region == other.region
            && self.access_key == other.access_key
            && self.secret_key.expose_secret() == other.secret_key.expose_secret()
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
    sdk: OnceLock<SharedHttpClient>,
    s3: OnceLock<aws_sdk_s3::Client>,
    iam: OnceLock<aws_sdk_iam::Client>,
    plain: OnceLock<Result<reqwest::Client, String>>,
    is_minio: Arc<OnceLock<bool>>,
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
        let target = location(&settings.endpoint);
        let invalid = |call: &str, why: String| {
            Err(CloudError::new(CloudErrorKind::Invalid, call, &target, why))
        };
        let endpoint = &settings.endpoint;
        if !matches!(endpoint.scheme(), "http" | "https") || endpoint.host_str().is_none() {
            return invalid("endpoint", "it is not an http or https address".to_owned());
        }
        if !endpoint.username().is_empty() || endpoint.password().is_some() {
            return invalid(
                "endpoint",
                "it must not hold a user or a password".to_owned(),
            );
        }
        if endpoint.query().is_some() || endpoint.fragment().is_some() {
            return invalid(
                "endpoint",
                "it must not hold a query or a fragment".to_owned(),
            );
        }
        if let Some(why) = settings
            .ca_bundle
            .as_deref()
            .and_then(|pem| http::check_certificates(pem).err())
        {
            return invalid("ca_bundle", why);
        }
        Ok(Self {
            settings,
            sdk: OnceLock::new(),
            s3: OnceLock::new(),
            iam: OnceLock::new(),
            plain: OnceLock::new(),
            is_minio: Arc::new(OnceLock::new()),
        })
    }

    /// Who asks which server.
    pub fn settings(&self) -> &Settings {
        &self.settings
    }

    fn sdk(&self) -> SharedHttpClient {
        self.sdk
            .get_or_init(|| http::for_sdk(self.settings.ca_bundle.as_deref()))
            .clone()
    }

    fn address(&self) -> String {
        self.settings
            .endpoint
            .as_str()
            .trim_end_matches('/')
            .to_owned()
    }

    /// The S3 client with the caller's own key.
    pub(super) fn s3(&self) -> &aws_sdk_s3::Client {
        self.s3.get_or_init(|| {
            let config = aws_sdk_s3::Config::builder()
                .behavior_version(BehaviorVersion::latest())
                .http_client(self.sdk())
                .endpoint_url(self.address())
                .region(Region::new(self.settings.region.clone()))
                .force_path_style(self.settings.path_style)
                .credentials_provider(self.credentials(None))
                .retry_config(RetryConfig::disabled())
                .timeout_config(timeouts())
                .request_checksum_calculation(RequestChecksumCalculation::WhenRequired)
                .response_checksum_validation(ResponseChecksumValidation::WhenRequired)
                .stalled_stream_protection(StalledStreamProtectionConfig::disabled())
                .interceptor(ServerName(self.is_minio.clone()))
                .build();
            aws_sdk_s3::Client::from_conf(config)
        })
    }

    /// The S3 client with another key; connections are shared.
    pub(super) fn s3_as(&self, key: &AccessKey) -> aws_sdk_s3::Client {
        let config = self
            .s3()
            .config()
            .to_builder()
            .credentials_provider(self.credentials(Some(key)))
            .build();
        aws_sdk_s3::Client::from_conf(config)
    }

    /// The client of the interface for users that AWS has.
    pub(super) fn iam(&self) -> &aws_sdk_iam::Client {
        self.iam.get_or_init(|| {
            let config = aws_sdk_iam::Config::builder()
                .behavior_version(aws_sdk_iam::config::BehaviorVersion::latest())
                .http_client(self.sdk())
                .endpoint_url(self.address())
                .region(Region::new(self.settings.region.clone()))
                .credentials_provider(self.credentials(None))
                .retry_config(RetryConfig::disabled())
                .timeout_config(timeouts())
                .stalled_stream_protection(StalledStreamProtectionConfig::disabled())
                .build();
            aws_sdk_iam::Client::from_conf(config)
        })
    }

    /// `key`, or the caller's own.
    pub(super) fn credentials(&self, key: Option<&AccessKey>) -> Credentials {
        let (id, secret) = match key {
            Some(key) => (key.id.as_str(), key.expose_secret()),
            None => (
                self.settings.access_key.as_str(),
                self.settings.secret_key.expose_secret(),
            ),
        };
        Credentials::from_keys(id, secret, None)
    }

    /// The client for requests that no SDK makes.
    pub(super) fn plain(&self, call: &str, target: &str) -> Result<reqwest::Client, Failure> {
        self.plain
            .get_or_init(|| {
                http::plain(self.settings.ca_bundle.as_deref())
                    .map_err(|error| super::error::causes(&error))
            })
            .clone()
            .map_err(|why| {
                Failure::lasting(CloudError::new(
                    CloudErrorKind::Transport,
                    call,
                    target,
                    why,
                ))
            })
    }

    /// Sends one plain request and reads the whole answer.
    pub(super) async fn exchange(
        &self,
        call: &str,
        target: &str,
        request: &WebRequest,
    ) -> Result<WebAnswer, Failure> {
        let broken = |error| of_reqwest(call, target, error);
        let method = reqwest::Method::from_bytes(request.method.as_bytes()).map_err(|error| {
            Failure::lasting(CloudError::new(
                CloudErrorKind::Invalid,
                call,
                target,
                error.to_string(),
            ))
        })?;
        let mut builder = self
            .plain(call, target)?
            .request(method, request.url.expose())
            .body(request.body.clone());
        for (name, value) in &request.headers {
            builder = builder.header(name, value);
        }
        let response = builder.send().await.map_err(broken)?;
        let status = response.status().as_u16();
        let mut headers: BTreeMap<String, String> = BTreeMap::new();
        for (name, value) in response.headers() {
            let value = String::from_utf8_lossy(value.as_bytes()).into_owned();
            headers
                .entry(name.as_str().to_owned())
                .and_modify(|one| *one = format!("{one}, {value}"))
                .or_insert(value);
        }
        let body = response.bytes().await.map_err(broken)?.to_vec();
        Ok(WebAnswer {
            status,
            headers,
            body,
        })
    }

    /// The address of an object.
    pub(super) fn object_url(&self, bucket: &str, object: &str) -> String {
        let object = utf8_percent_encode(object, ENCODED_PATH);
        let address = self.address();
        if self.settings.path_style {
            return format!("{address}/{bucket}/{object}");
        }
        let scheme = self.settings.endpoint.scheme();
        let rest = address
            .strip_prefix(&format!("{scheme}://"))
            .unwrap_or(&address)
            .to_owned();
        format!("{scheme}://{bucket}.{rest}/{object}")
    }

    /// The address of something that is in no bucket.
    pub(super) fn server_url(&self, path: &str) -> String {
        format!("{}/{path}", self.address())
    }

    /// What is known about the kind of server; `None` when no answer said it yet.
    pub(super) fn is_minio(&self) -> Option<bool> {
        match self.settings.admin_api {
            AdminApi::MinIo => Some(true),
            AdminApi::Iam => Some(false),
            AdminApi::Auto => self.is_minio.get().copied(),
        }
    }

    /// Remembers the kind of server.
    pub(super) fn remember_minio(&self, is_minio: bool) {
        let _ = self.is_minio.set(is_minio);
    }
}

/// One part of an address, encoded.
pub(super) fn encoded(part: &str) -> String {
    utf8_percent_encode(part, ENCODED).to_string()
}

/// `host` or `host:port`, the latter when the port is not the usual one.
pub(super) fn location(endpoint: &Url) -> String {
    let host = endpoint.host_str().unwrap_or_default();
    match endpoint.port() {
        Some(port) => format!("{host}:{port}"),
        None => host.to_owned(),
    }
}

fn timeouts() -> TimeoutConfig {
    TimeoutConfig::builder()
        .connect_timeout(http::CONNECT_TIMEOUT)
        .operation_attempt_timeout(http::REQUEST_TIMEOUT)
        .build()
}

/// Reads the `Server` header that passes by. Only "MinIO" tells anything: proxies
/// put their own names there.
#[derive(Debug)]
struct ServerName(Arc<OnceLock<bool>>);

impl Intercept for ServerName {
    fn name(&self) -> &'static str {
        "ServerName"
    }

    fn read_before_deserialization(
        &self,
        context: &BeforeDeserializationInterceptorContextRef<'_>,
        _components: &RuntimeComponents,
        _config: &mut ConfigBag,
    ) -> Result<(), BoxError> {
        if context
            .response()
            .headers()
            .get("server")
            .is_some_and(|name| name.starts_with("MinIO"))
        {
            let _ = self.0.set(true);
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn settings(endpoint: &str, path_style: bool) -> Settings {
        Settings {
            endpoint: Url::parse(endpoint).expect("a literal"),
            region: "us-east-1".to_owned(),
            access_key: "caller".to_owned(),
            secret_key: SecretString::from("the-secret"),
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
            assert_eq!(clients.object_url("b", "a/x +.txt"), expected);
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
