//! The connections of one caller to Google Cloud, shared by all operations: addresses,
//! tokens, and what is asked once.

use std::fmt;
use std::time::{Duration, Instant};

use google_cloud_auth::credentials::AccessTokenCredentials;
use google_cloud_auth::signer::Signer;
use secrecy::{ExposeSecret, SecretString};
use serde_json::{Value, json};
use tokio::sync::{Mutex, OnceCell};
use tokio_util::sync::CancellationToken;
use url::Url;

use super::credentials::{self, CALL, CredentialSource, Read, SCOPE, wrong};
use super::endpoints::{Endpoints, Service, is_private};
use super::error::{self, not_understood};
use crate::byob::http::{HttpRequest, HttpResponse, SecretUrl};
use crate::byob::{CloudError, CloudErrorKind};
use crate::clouds::retry::{Failure, Patience, Work};
use crate::clouds::web::{Web, at_its_address, causes};

/// How long before its end a token is renewed.
const EARLY: Duration = Duration::from_secs(300);
/// How long a token of another account lasts.
const LIFETIME: Duration = Duration::from_hours(1);
/// The machine's own metadata server.
const METADATA: &str = "http://metadata.google.internal";

/// Who asks Google Cloud, and how.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Connection {
    /// Where credentials come from.
    pub credentials: CredentialSource,
    /// The service account to act as, by its address.
    pub impersonate: Option<String>,
    /// The project that requests are counted and billed to, where it is not the
    /// credentials' own.
    pub user_project: Option<String>,
    /// Other addresses than Google's.
    pub endpoints: Endpoints,
    /// How often a failed request is sent again.
    pub max_retries: u32,
}

/// What can sign an address in the caller's name.
pub(super) enum Signing {
    /// A private key that is at hand.
    Key(String, Signer),
    /// Google, for this service account, where the caller may ask for it.
    Remote(String),
    /// Nothing, for this reason.
    Unable(String),
}

/// A token of the account that is acted as.
struct Token {
    text: SecretString,
    until: Instant,
}

/// What is kept for one [`Connection`]: HTTP connections and tokens.
pub struct Clients {
    connection: Connection,
    web: Web,
    read: Result<Read, CloudError>,
    remember: fn(&str),
    own: OnceCell<Option<AccessTokenCredentials>>,
    impersonated: Mutex<Option<Token>>,
    machine_account: OnceCell<String>,
    /// Cloud Storage's own account in a project, and the project.
    pub(super) service_agent: OnceCell<(String, String)>,
}

impl fmt::Debug for Clients {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.debug_struct("Clients")
            .field("connection", &self.connection)
            .finish_non_exhaustive()
    }
}

impl Clients {
    /// The clients for `connection`. Sends nothing, looks nothing up, and opens nothing yet.
    /// Each token that Google gives is told to `remember` before it is sent anywhere, so that
    /// no server's words can print it.
    ///
    /// # Errors
    /// `Invalid` when an address would have a token sent in the clear to another machine.
    pub fn new(connection: Connection, remember: fn(&str)) -> Result<Self, CloudError> {
        let invalid = |target: &str, why: String| {
            CloudError::new(CloudErrorKind::Invalid, "connect", target, why)
        };
        let endpoints = &connection.endpoints;
        let named = [
            ("storage", &endpoints.storage),
            ("iam", &endpoints.iam),
            ("iam_credentials", &endpoints.iam_credentials),
            ("kms", &endpoints.kms),
            ("resource_manager", &endpoints.resource_manager),
            ("sts", &endpoints.sts),
        ];
        for (name, endpoint) in named {
            if endpoint.as_ref().is_some_and(|url| !is_private(url)) {
                let why = "the address has no https, and a token would be sent there for everybody \
                           to read";
                return Err(invalid(name, why.to_owned()));
            }
        }
        Ok(Self {
            web: Web::default(),
            read: connection.credentials.read(),
            connection,
            remember,
            own: OnceCell::new(),
            impersonated: Mutex::new(None),
            machine_account: OnceCell::new(),
            service_agent: OnceCell::new(),
        })
    }

    /// Who asks Google Cloud, and how.
    pub fn connection(&self) -> &Connection {
        &self.connection
    }

    pub(super) fn web(&self) -> &Web {
        &self.web
    }

    /// The address of a service, without a slash at its end.
    pub(super) fn address(&self, service: Service) -> String {
        self.connection.endpoints.address(service)
    }

    fn read(&self) -> Result<&Read, CloudError> {
        self.read.as_ref().map_err(Clone::clone)
    }

    /// The project that the credentials belong to, where they say so: a file does, and the
    /// metadata server of a machine, until `stop`. Asks nobody for credentials that are given.
    ///
    /// # Errors
    /// When the credentials are wrong, or the metadata server does not answer.
    pub async fn own_project(
        &self,
        stop: &CancellationToken,
    ) -> Result<Option<String>, CloudError> {
        match self.read()? {
            Read::Token(_) => Ok(None),
            Read::File(file) => Ok(file.project()),
            Read::Machine => {
                let patience = Patience::new(self.connection.max_retries, stop.clone());
                self.metadata(&patience, "project/project-id")
                    .await
                    .map(Some)
            }
        }
    }

    async fn metadata(&self, patience: &Patience, what: &str) -> Result<String, CloudError> {
        let own = self.connection.endpoints.metadata.as_ref();
        let address = own.map_or(METADATA, Url::as_str).trim_end_matches('/');
        let url = format!("{address}/computeMetadata/v1/{what}");
        let mut request = HttpRequest::new("GET", SecretUrl::new(url));
        let flavor = ("metadata-flavor".to_owned(), "Google".to_owned());
        request.headers.push(flavor.clone());
        let (call, target) = ("metadata.get", "the metadata server");
        let answer = patience
            .call(Work::Read, call, target, || {
                self.web.exchange(call, target, &request)
            })
            .await
            .map_err(|error| match error.kind {
                CloudErrorKind::Stopped => error,
                _ => wrong(format!("no metadata server answers: {}", error.message)),
            })?;
        let text = String::from_utf8_lossy(&answer.body).trim().to_owned();
        let is_google = answer.headers.get(&flavor.0) == Some(&flavor.1);
        if !answer.is_success() || !is_google || text.is_empty() {
            let why = format!(
                "the metadata server has no {what} (status {})",
                answer.status
            );
            return Err(wrong(why));
        }
        Ok(text)
    }

    /// A token for a request.
    pub(super) async fn token(&self, patience: &Patience) -> Result<SecretString, CloudError> {
        let Some(account) = &self.connection.impersonate else {
            return self.own_token(patience).await;
        };
        let mut kept = self.impersonated.lock().await;
        if let Some(token) = kept.as_ref().filter(|token| token.until > Instant::now()) {
            return Ok(token.text.clone());
        }
        let token = self.token_of(account, patience).await?;
        let text = token.text.clone();
        *kept = Some(token);
        Ok(text)
    }

    /// A token of the credentials themselves, whoever they act as: the right to act as an
    /// account, and to sign as it, is theirs.
    pub(super) async fn own_token(&self, patience: &Patience) -> Result<SecretString, CloudError> {
        let read = self.read()?;
        if let Read::Token(token) = read {
            return Ok(token.clone());
        }
        let endpoints = &self.connection.endpoints;
        let build = || async { credentials::credentials(read, endpoints) };
        let Some(credentials) = self.own.get_or_try_init(build).await? else {
            return Err(wrong("there are none"));
        };
        let asking = async {
            let told = credentials.access_token().await;
            told.map(|told| self.secret(told.token))
                .map_err(|error| wrong(format!("they give no token: {}", causes(&error))))
        };
        tokio::select! {
            biased;
            () = patience.stop().cancelled() => {
                Err(crate::clouds::retry::stopped(CALL, "the credentials"))
            }
            told = asking => told,
        }
    }

    /// A token that nothing prints from now on.
    fn secret(&self, token: String) -> SecretString {
        (self.remember)(&token);
        SecretString::from(token)
    }

    /// A token of another account, which the caller's own may ask for.
    async fn token_of(&self, account: &str, patience: &Patience) -> Result<Token, CloudError> {
        let own = self.own_token(patience).await?;
        let (call, base) = (
            "iam.serviceAccounts.getAccessToken",
            self.address(Service::IamCredentials),
        );
        let url = format!("{base}/v1/projects/-/serviceAccounts/{account}:generateAccessToken");
        let lifetime = format!("{}s", LIFETIME.as_secs());
        let body = json!({"scope": [SCOPE], "lifetime": lifetime});
        let request = self.request("POST", url, &own, Some(&body));
        let asked = Instant::now();
        let answer = patience
            .call(Work::Read, call, account, || {
                self.exchange(call, account, &request)
            })
            .await
            .map_err(|error| match error.kind {
                CloudErrorKind::Denied | CloudErrorKind::NotFound => error.hint(
                    "Give the caller roles/iam.serviceAccountTokenCreator on that service account, \
                     or leave impersonate_service_account out.",
                ),
                _ => error,
            })?;
        let body: Value = serde_json::from_slice(&answer.body).unwrap_or_default();
        let text = body["accessToken"].as_str();
        let text = text.ok_or_else(|| not_understood(call, account, "it holds no token"))?;
        Ok(Token {
            text: self.secret(text.to_owned()),
            until: asked + (LIFETIME - EARLY),
        })
    }

    /// A request with this token.
    pub(super) fn request(
        &self,
        method: &'static str,
        url: String,
        token: &SecretString,
        body: Option<&Value>,
    ) -> HttpRequest {
        let mut request = HttpRequest::new(method, SecretUrl::new(url));
        let mut header = |name: &str, value: String| {
            request.headers.push((name.to_owned(), value));
        };
        header(
            "authorization",
            format!("Bearer {}", token.expose_secret().trim()),
        );
        if let Some(project) = &self.connection.user_project {
            header("x-goog-user-project", project.clone());
        }
        if body.is_some() {
            header("content-type", "application/json".to_owned());
        }
        request.body = body
            .map(|body| body.to_string().into_bytes())
            .unwrap_or_default();
        request
    }

    /// Sends one request; a refusal is a failure.
    pub(super) async fn exchange(
        &self,
        call: &str,
        target: &str,
        request: &HttpRequest,
    ) -> Result<HttpResponse, Failure> {
        let answer = self.web.exchange(call, target, request).await;
        let answer = answer.map_err(|failure| at_its_address(failure, request))?;
        if answer.is_success() {
            Ok(answer)
        } else {
            Err(error::failure(call, target, &answer))
        }
    }

    /// What signs in the caller's name.
    pub(super) async fn signing(&self, patience: &Patience) -> Result<Signing, CloudError> {
        if let Some(account) = &self.connection.impersonate {
            return Ok(Signing::Remote(account.clone()));
        }
        match self.read()? {
            Read::Token(_) => Ok(Signing::Unable(unable("an access token"))),
            Read::File(file) => match (file.signer()?, file.account()) {
                (Some(signer), Some(account)) => Ok(Signing::Key(account, signer)),
                (None, Some(account)) => Ok(Signing::Remote(account)),
                (_, None) => Ok(Signing::Unable(unable(
                    "a person's or a pool's credentials",
                ))),
            },
            Read::Machine => {
                let ask = || self.metadata(patience, "instance/service-accounts/default/email");
                let account = self.machine_account.get_or_try_init(ask).await?;
                Ok(Signing::Remote(account.clone()))
            }
        }
    }
}

fn unable(what: &str) -> String {
    format!(
        "{what} cannot sign addresses, so nothing was tried as W&B would; use a service account's \
         key, or set impersonate_service_account to one on which the caller has \
         iam.serviceAccounts.signBlob (roles/iam.serviceAccountTokenCreator)"
    )
}
