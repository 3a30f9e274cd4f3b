//! The connections of one caller to Azure, shared by all operations: addresses, tokens, and
//! what is asked once.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use azure_core::credentials::TokenCredential;
use secrecy::{ExposeSecret, SecretString};
use time::OffsetDateTime;
use tokio::sync::OnceCell;
use url::Url;

use super::credentials::{self, CALL, CredentialSource, Remember, wrong};
use super::endpoints::{Endpoints, Environment, STORAGE_SCOPE, is_private};
use super::error;
use crate::byob::http::{HttpRequest, HttpResponse};
use crate::byob::{CloudError, CloudErrorKind};
use crate::clouds::retry::{Failure, Patience, Work, stopped};
use crate::clouds::web::{self, Web, at_its_address, causes, transport};

/// How long before its end a token is renewed.
const EARLY: time::Duration = time::Duration::minutes(5);
/// How long a sign-in may take: a command of Azure's takes seconds.
const LONGEST_SIGN_IN: Duration = Duration::from_secs(60);

/// Who asks Azure, and how.
#[derive(Clone)]
pub struct Connection {
    /// Where tokens come from.
    pub credentials: CredentialSource,
    /// Which of Azure's clouds.
    pub environment: Environment,
    /// Other addresses than that cloud's.
    pub endpoints: Endpoints,
    /// How often a failed request is sent again.
    pub max_retries: u32,
    /// Certificates to trust besides the system's, in PEM.
    pub ca_bundle: Option<String>,
    /// Told of each token and key that comes from Azure.
    pub remember: Remember,
}

impl PartialEq for Connection {
    fn eq(&self, other: &Self) -> bool {
        self.credentials == other.credentials
            && self.environment == other.environment
            && self.endpoints == other.endpoints
            && self.max_retries == other.max_retries
            && self.ca_bundle == other.ca_bundle
    }
}

impl Eq for Connection {}

impl fmt::Debug for Connection {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.debug_struct("Connection")
            .field("credentials", &self.credentials)
            .field("environment", &self.environment)
            .field("endpoints", &self.endpoints)
            .finish_non_exhaustive()
    }
}

/// What a token is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Audience {
    /// Azure Resource Manager.
    Management,
    /// Blobs.
    Storage,
}

struct Token {
    text: SecretString,
    until: OffsetDateTime,
}

/// What is kept for one [`Connection`]: HTTP connections, tokens and keys.
pub struct Clients {
    connection: Connection,
    web: Arc<Web>,
    credential: OnceCell<Arc<dyn TokenCredential>>,
    tokens: tokio::sync::Mutex<BTreeMap<Audience, Token>>,
    /// Keys of accounts, by the account's id and the key's name.
    keys: Mutex<BTreeMap<(String, String), SecretString>>,
}

impl fmt::Debug for Clients {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.debug_struct("Clients")
            .field("connection", &self.connection)
            .finish_non_exhaustive()
    }
}

impl Clients {
    /// The clients for `connection`. Sends nothing, signs in nowhere, and opens nothing yet.
    ///
    /// # Errors
    /// `Invalid` when the certificates are none, or an address would have a secret sent in the
    /// clear to another machine.
    pub fn new(connection: Connection) -> Result<Self, CloudError> {
        let invalid = |target: &str, why: String| {
            CloudError::new(CloudErrorKind::Invalid, "connect", target, why)
        };
        let endpoints = &connection.endpoints;
        let blob = endpoints.blob(connection.environment, "account");
        let blob = Url::parse(&blob)
            .map_err(|error| invalid("blob", format!("it is no address: {error}")))?;
        let named = [
            ("resource_manager", endpoints.resource_manager.as_ref()),
            ("authority", endpoints.authority.as_ref()),
            ("blob", Some(&blob)),
            (
                "oidc_request_url",
                credentials::sent_in_the_clear(&connection.credentials),
            ),
        ];
        for (name, endpoint) in named {
            if endpoint.is_some_and(|url| !is_private(url)) {
                let why = "the address has no https, and a secret would be sent there for everybody \
                           to read";
                return Err(invalid(name, why.to_owned()));
            }
        }
        if let Some(pem) = connection.ca_bundle.as_deref() {
            web::check_certificates(pem).map_err(|why| invalid("ca_bundle", why))?;
        }
        Ok(Self {
            web: Arc::new(Web::new(connection.ca_bundle.clone())),
            connection,
            credential: OnceCell::new(),
            tokens: tokio::sync::Mutex::default(),
            keys: Mutex::default(),
        })
    }

    /// Who asks Azure, and how.
    pub fn connection(&self) -> &Connection {
        &self.connection
    }

    pub(super) fn web(&self) -> &Web {
        &self.web
    }

    /// The address of Azure Resource Manager, without a slash at its end.
    pub(super) fn manager(&self) -> String {
        let connection = &self.connection;
        connection
            .endpoints
            .resource_manager(connection.environment)
    }

    /// The address of an account's blobs, without a slash at its end.
    pub(super) fn blobs(&self, account: &str) -> String {
        let connection = &self.connection;
        connection.endpoints.blob(connection.environment, account)
    }

    /// Tells a secret to whoever sees to it that it is never printed.
    pub(super) fn remember(&self, secret: &str) {
        (self.connection.remember)(secret);
    }

    fn kept_keys(&self) -> MutexGuard<'_, BTreeMap<(String, String), SecretString>> {
        self.keys.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// A key of an account that was seen to work, or was read, in this process.
    pub(super) fn kept_key(&self, account: &str, name: &str) -> Option<SecretString> {
        let place = (account.to_owned(), name.to_owned());
        self.kept_keys().get(&place).cloned()
    }

    /// Keeps a key of an account for whoever asks next.
    pub(super) fn keep_key(&self, account: &str, name: &str, key: &str) {
        self.remember(key);
        let place = (account.to_owned(), name.to_owned());
        self.kept_keys().insert(place, SecretString::from(key));
    }

    async fn credential(&self) -> Result<&Arc<dyn TokenCredential>, CloudError> {
        let connection = &self.connection;
        let open = || async {
            let client = self.web.client(CALL, "Microsoft Entra");
            credentials::open(
                &connection.credentials,
                &connection.endpoints.authority(connection.environment),
                &client.map_err(|failure| failure.error)?,
                &self.web,
                connection.remember,
            )
        };
        self.credential.get_or_try_init(open).await
    }

    /// A token for a service.
    pub(super) async fn token(
        &self,
        audience: Audience,
        patience: &Patience,
    ) -> Result<SecretString, CloudError> {
        // Held while one is asked for, so that all who come meanwhile get the same.
        let mut kept = self.tokens.lock().await;
        if let Some(token) = kept.get(&audience)
            && token.until - EARLY > OffsetDateTime::now_utc()
        {
            return Ok(token.text.clone());
        }
        let target = "Microsoft Entra";
        let token = patience
            .call(Work::Read, CALL, target, || self.sign_in(audience))
            .await?;
        let text = token.text.clone();
        kept.insert(audience, token);
        Ok(text)
    }

    /// The next token is a new one: what the caller may do has changed, or it is refused.
    pub(super) async fn forget_token(&self, audience: Audience) {
        self.tokens.lock().await.remove(&audience);
    }

    async fn sign_in(&self, audience: Audience) -> Result<Token, Failure> {
        let credential = self.credential().await.map_err(Failure::lasting)?;
        let scope = match audience {
            Audience::Management => self.connection.environment.management_scope(),
            Audience::Storage => STORAGE_SCOPE.to_owned(),
        };
        let source = &self.connection.credentials;
        let scopes = [scope.as_str()];
        let asking = credential.get_token(&scopes, None);
        match tokio::time::timeout(LONGEST_SIGN_IN, asking).await {
            Ok(Ok(token)) => {
                let text = token.token.secret();
                self.remember(text);
                Ok(Token {
                    text: SecretString::from(text),
                    until: token.expires_on,
                })
            }
            Ok(Err(error)) => Err(sign_in_failed(source, &causes(&error))),
            Err(_) => {
                let why = "no token came within a minute".to_owned();
                Err(transport(CALL, "Microsoft Entra", why, true))
            }
        }
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
}

/// What a sign-in is told to have failed with when nobody answered.
const NO_ANSWER: &str = "failed to execute `reqwest` request";
/// What Microsoft Entra calls a failure of its own.
///
/// Source: Microsoft's page on the error codes of Entra.
const BUSY: [&str; 3] = ["AADSTS90033", "AADSTS90006", "AADSTS90012"];

/// What Microsoft Entra said against a sign-in; what may pass by itself is asked again.
fn sign_in_failed(source: &CredentialSource, words: &str) -> Failure {
    let is_refused = words.contains("AADSTS") || words.contains("az login");
    let is_busy = BUSY.iter().any(|code| words.contains(code));
    let no_answer = !is_refused && words.contains(NO_ANSWER);
    let cause = words.find("error sending request").map(|at| &words[at..]);
    let why = match cause {
        Some(cause) if no_answer => first_line(cause),
        _ => first_line(words),
    };
    let mut failure = Failure::lasting(wrong(source, why));
    let passing = [
        "error sending request",
        "timed out",
        "503",
        "429",
        "connect",
    ];
    failure.passing = is_busy || (!is_refused && passing.iter().any(|word| words.contains(word)));
    if failure.passing || no_answer {
        failure.error.kind = CloudErrorKind::Transport;
    }
    if no_answer {
        failure.error.hint = Some(
            "Check the address in the azure block's endpoints, the network, and ca_bundle of the \
             provider where the service has a certificate of your own."
                .to_owned(),
        );
    } else if is_busy {
        failure.error.hint = Some("Run again in a while.".to_owned());
    }
    failure
}

/// Microsoft's answers go on for lines with ids and dates.
fn first_line(words: &str) -> String {
    let line = words.lines().map(str::trim).find(|line| !line.is_empty());
    let line = line.unwrap_or("no reason was given");
    let (reason, _) = line.split_once(" Trace ID:").unwrap_or((line, ""));
    reason.to_owned()
}

/// The header that shows a token.
pub(super) fn bearer(token: &SecretString) -> (String, String) {
    let value = format!("Bearer {}", token.expose_secret().trim());
    ("authorization".to_owned(), value)
}

/// Ends with the operation whatever is waited for.
pub(super) async fn until_stopped<T>(
    patience: &Patience,
    call: &str,
    target: &str,
    waiting: impl Future<Output = Result<T, CloudError>>,
) -> Result<T, CloudError> {
    tokio::select! {
        biased;
        () = patience.stop().cancelled() => Err(stopped(call, target)),
        outcome = waiting => outcome,
    }
}
