//! The clients of one endpoint, shared by all operations; connections are kept.

use std::fmt;
use std::sync::{Arc, OnceLock};

use aws_credential_types::Credentials;
use aws_credential_types::provider::{ProvideCredentials, SharedCredentialsProvider};
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
use url::Url;

use crate::byob::identity::AccessKey;
use crate::byob::{CloudError, CloudErrorKind};
use crate::clouds::web::{self, Web, causes};

/// Everything but the characters that an address carries as they are.
const ENCODED: &AsciiSet = &NON_ALPHANUMERIC
    .remove(b'-')
    .remove(b'.')
    .remove(b'_')
    .remove(b'~');
const ENCODED_PATH: &AsciiSet = &ENCODED.remove(b'/');

/// Who asks which server, and how.
#[derive(Clone, Debug)]
pub struct Connection {
    /// The server's address, `http` or `https`.
    pub endpoint: Url,
    /// The region that requests are signed for.
    pub region: String,
    /// Buckets are a part of the path rather than of the host.
    pub path_style: bool,
    /// Certificates to trust besides the system's, in PEM.
    pub ca_bundle: Option<String>,
    /// The caller.
    pub credentials: SharedCredentialsProvider,
}

/// The clients of one endpoint.
pub struct Clients {
    connection: Connection,
    sdk: OnceLock<SharedHttpClient>,
    s3: OnceLock<aws_sdk_s3::Client>,
    web: Web,
    server: Arc<OnceLock<String>>,
}

impl fmt::Debug for Clients {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.debug_struct("Clients")
            .field("endpoint", &location(&self.connection.endpoint))
            .field("region", &self.connection.region)
            .finish_non_exhaustive()
    }
}

impl Clients {
    /// The clients for `connection`. Sends nothing, and opens nothing yet.
    ///
    /// # Errors
    /// `Invalid` when the endpoint is no address of a server, or the certificates
    /// are none.
    pub fn new(connection: Connection) -> Result<Self, CloudError> {
        let target = location(&connection.endpoint);
        let invalid = |call: &str, why: String| {
            Err(CloudError::new(CloudErrorKind::Invalid, call, &target, why))
        };
        let endpoint = &connection.endpoint;
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
        if let Some(why) = connection
            .ca_bundle
            .as_deref()
            .and_then(|pem| web::check_certificates(pem).err())
        {
            return invalid("ca_bundle", why);
        }
        Ok(Self {
            web: Web::new(connection.ca_bundle.clone()),
            connection,
            sdk: OnceLock::new(),
            s3: OnceLock::new(),
            server: Arc::new(OnceLock::new()),
        })
    }

    /// Who asks which server.
    pub fn connection(&self) -> &Connection {
        &self.connection
    }

    /// The HTTP client below every SDK of this endpoint.
    pub(in crate::clouds) fn sdk(&self) -> SharedHttpClient {
        self.sdk
            .get_or_init(|| web::for_sdk(self.connection.ca_bundle.as_deref()))
            .clone()
    }

    /// The endpoint without a slash at its end.
    pub(in crate::clouds) fn address(&self) -> String {
        self.connection
            .endpoint
            .as_str()
            .trim_end_matches('/')
            .to_owned()
    }

    /// The S3 client with the caller's own key.
    pub(in crate::clouds) fn s3(&self) -> &aws_sdk_s3::Client {
        self.s3.get_or_init(|| {
            let config = aws_sdk_s3::Config::builder()
                .behavior_version(BehaviorVersion::latest())
                .http_client(self.sdk())
                .endpoint_url(self.address())
                .region(Region::new(self.connection.region.clone()))
                .force_path_style(self.connection.path_style)
                .credentials_provider(self.connection.credentials.clone())
                .retry_config(RetryConfig::disabled())
                .timeout_config(timeouts())
                .request_checksum_calculation(RequestChecksumCalculation::WhenRequired)
                .response_checksum_validation(ResponseChecksumValidation::WhenRequired)
                .stalled_stream_protection(StalledStreamProtectionConfig::disabled())
                .interceptor(ServerName(self.server.clone()))
                .build();
            aws_sdk_s3::Client::from_conf(config)
        })
    }

    /// The S3 client with another key; connections are shared.
    pub(in crate::clouds) fn s3_as(&self, key: &AccessKey) -> aws_sdk_s3::Client {
        let config = self
            .s3()
            .config()
            .to_builder()
            .credentials_provider(static_credentials(key))
            .build();
        aws_sdk_s3::Client::from_conf(config)
    }

    /// `key`, or the caller's own.
    ///
    /// # Errors
    /// `Unauthenticated` when the caller has none.
    pub(in crate::clouds) async fn credentials(
        &self,
        key: Option<&AccessKey>,
    ) -> Result<Credentials, CloudError> {
        match key {
            Some(key) => Ok(static_credentials(key)),
            None => self
                .connection
                .credentials
                .provide_credentials()
                .await
                .map_err(|error| {
                    CloudError::new(
                        CloudErrorKind::Unauthenticated,
                        "credentials",
                        location(&self.connection.endpoint),
                        causes(&error),
                    )
                }),
        }
    }

    /// What the server calls itself; `None` before the first answer, or without a name.
    pub(in crate::clouds) fn server_name(&self) -> Option<&str> {
        self.server.get().map(String::as_str)
    }

    /// The client for requests that no SDK makes.
    pub(in crate::clouds) fn web(&self) -> &Web {
        &self.web
    }

    /// The address of an object.
    pub(in crate::clouds) fn object_url(&self, bucket: &str, object: &str) -> String {
        let object = utf8_percent_encode(object, ENCODED_PATH);
        let address = self.address();
        if self.connection.path_style {
            return format!("{address}/{bucket}/{object}");
        }
        let scheme = self.connection.endpoint.scheme();
        let rest = address
            .strip_prefix(&format!("{scheme}://"))
            .unwrap_or(&address)
            .to_owned();
        format!("{scheme}://{bucket}.{rest}/{object}")
    }

    /// The address of something that is in no bucket.
    pub(in crate::clouds) fn server_url(&self, path: &str) -> String {
        format!("{}/{path}", self.address())
    }
}

fn static_credentials(key: &AccessKey) -> Credentials {
    Credentials::from_keys(key.id.as_str(), key.expose_secret(), None)
}

/// One part of an address, encoded.
pub(in crate::clouds) fn encoded(part: &str) -> String {
    utf8_percent_encode(part, ENCODED).to_string()
}

/// `host` or `host:port`, the latter when the port is not the usual one.
pub(in crate::clouds) fn location(endpoint: &Url) -> String {
    let host = endpoint.host_str().unwrap_or_default();
    match endpoint.port() {
        Some(port) => format!("{host}:{port}"),
        None => host.to_owned(),
    }
}

pub(in crate::clouds) fn timeouts() -> TimeoutConfig {
    TimeoutConfig::builder()
        .connect_timeout(web::CONNECT_TIMEOUT)
        .operation_attempt_timeout(web::REQUEST_TIMEOUT)
        .build()
}

/// Keeps the first `Server` header that passes by.
#[derive(Debug)]
struct ServerName(Arc<OnceLock<String>>);

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
        if let Some(name) = context.response().headers().get("server") {
            let _ = self.0.set(name.to_owned());
        }
        Ok(())
    }
}
