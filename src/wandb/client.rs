//! Sends requests to one W&B instance: who asks, how often, and what the answer means.

use std::time::{Duration, SystemTime};

use backon::{BackoffBuilder, ExponentialBuilder};
use reqwest::header::{CONTENT_TYPE, RETRY_AFTER};
use reqwest::{Method, Response, StatusCode};
use secrecy::{ExposeSecret, SecretString};
use serde_json::Value;
use tokio_util::sync::CancellationToken;
use url::Url;

use super::error::{WandbError, WandbErrorKind};
use crate::retry_after::asked_pause;

/// SCIM's own media type.
const SCIM_JSON: &str = "application/scim+json";
/// The schema of SCIM's own errors.
const SCIM_ERROR: &str = "urn:ietf:params:scim:api:messages:2.0:Error";
/// Answers longer than this are cut. Messages cut them once more, after secrets were taken
/// out of them.
const LONGEST_WORDS: usize = 16_384;
/// The longest pause that an instance can ask us to make.
const LONGEST_PAUSE: Duration = Duration::from_secs(60);

/// Who asks which instance.
#[derive(Clone, Debug)]
pub struct Settings {
    /// The address of the instance, without `/graphql` or `/scim`.
    pub base_url: Url,
    /// The key of an admin or of an organization's service account.
    pub api_key: SecretString,
    /// For instances that know no bearer tokens (before 0.79).
    pub username: Option<String>,
    /// The organization, for keys that see several.
    pub organization: Option<String>,
    /// Certificates to trust besides the system's, in PEM.
    pub ca_bundle: Option<String>,
    /// How often a failed request is sent again.
    pub max_retries: u32,
}

/// A client of one instance, for one operation of Terraform.
#[derive(Clone, Debug)]
pub struct Client {
    http: reqwest::Client,
    settings: Settings,
    stop: CancellationToken,
}

/// Whether a request may be sent again after a failure that left its fate open.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Repeat {
    /// Twice has the effect of once.
    Always,
    /// Only when the instance has not carried it out for sure.
    Unsent,
}

/// One request, ready to be sent any number of times.
pub(super) struct Request<'a> {
    pub(super) method: Method,
    /// Below the instance's address, part by part: an id may hold a slash.
    pub(super) path: &'a [&'a str],
    pub(super) query: &'a [(&'a str, &'a str)],
    pub(super) body: Option<Value>,
    pub(super) repeat: Repeat,
    /// How messages call it.
    pub(super) call: &'a str,
}

impl Client {
    /// A client; sends nothing.
    ///
    /// # Errors
    /// When `ca_bundle` holds no certificates.
    pub fn new(settings: Settings, stop: CancellationToken) -> Result<Self, WandbError> {
        let fail = |error: reqwest::Error| {
            WandbError::new(WandbErrorKind::Invalid, "ca_bundle", error.to_string())
        };
        let mut builder = reqwest::Client::builder()
            .user_agent(concat!(
                "terraform-provider-wandb/",
                env!("CARGO_PKG_VERSION")
            ))
            .connect_timeout(Duration::from_secs(10))
            .timeout(Duration::from_secs(120))
            .redirect(reqwest::redirect::Policy::none());
        // What goes in the clear stays on this machine, whatever the environment says of proxies.
        if settings.base_url.scheme() == "http" {
            builder = builder.no_proxy();
        }
        if let Some(pem) = &settings.ca_bundle {
            let certificates =
                reqwest::Certificate::from_pem_bundle(pem.as_bytes()).map_err(fail)?;
            builder = builder.tls_certs_merge(certificates);
        }
        Ok(Self {
            http: builder.build().map_err(fail)?,
            settings,
            stop,
        })
    }

    /// The same client, stopping with another operation.
    #[must_use]
    pub fn for_operation(&self, stop: CancellationToken) -> Self {
        Self {
            stop,
            ..self.clone()
        }
    }

    /// Waits before something is asked once more; false when the operation has ended meanwhile.
    pub async fn pause(&self, pause: Duration) -> bool {
        tokio::select! {
            biased;
            () = self.stop.cancelled() => false,
            () = tokio::time::sleep(pause) => true,
        }
    }

    /// Which instance it asks.
    #[must_use]
    pub fn address(&self) -> &str {
        self.settings.base_url.as_str()
    }

    /// Sends a request to the SCIM interface; `None` for an empty answer.
    pub(super) async fn scim(&self, request: Request<'_>) -> Result<Option<Value>, WandbError> {
        self.send(&request, |builder| match &self.settings.username {
            Some(user) => builder.basic_auth(user, Some(self.settings.api_key.expose_secret())),
            None => builder.bearer_auth(self.settings.api_key.expose_secret()),
        })
        .await
    }

    /// Sends a request to the GraphQL interface and returns the whole answer.
    pub(super) async fn graphql(
        &self,
        body: Value,
        repeat: Repeat,
        call: &str,
    ) -> Result<Value, WandbError> {
        let request = Request {
            method: Method::POST,
            path: &["graphql"],
            query: &[],
            body: Some(body),
            repeat,
            call,
        };
        let answer = self
            .send(&request, |builder| {
                builder.basic_auth("api", Some(self.settings.api_key.expose_secret()))
            })
            .await?;
        answer.ok_or_else(|| WandbError::new(WandbErrorKind::Transport, call, "an empty answer"))
    }

    /// The organization that the provider was told to use.
    pub(super) fn organization(&self) -> Option<&str> {
        self.settings.organization.as_deref()
    }

    async fn send(
        &self,
        request: &Request<'_>,
        sign: impl Fn(reqwest::RequestBuilder) -> reqwest::RequestBuilder,
    ) -> Result<Option<Value>, WandbError> {
        let mut pauses = ExponentialBuilder::default()
            .with_jitter()
            .with_min_delay(Duration::from_millis(200))
            .with_max_delay(Duration::from_secs(10))
            .with_max_times(self.settings.max_retries as usize)
            .build();
        loop {
            let failure = match self.send_once(request, &sign).await {
                Ok(answer) => return Ok(answer),
                Err(failure) => failure,
            };
            let may_repeat = failure.unsent() || request.repeat == Repeat::Always;
            let Some(pause) = pauses.next().filter(|_| failure.passing && may_repeat) else {
                return Err(failure.error);
            };
            let pause = failure
                .pause
                .map_or(pause, |asked| asked.min(LONGEST_PAUSE));
            tracing::debug!(call = request.call, ?pause, "asking again");
            if !self.pause(pause).await {
                return Err(stopped(request.call));
            }
        }
    }

    async fn send_once(
        &self,
        request: &Request<'_>,
        sign: &impl Fn(reqwest::RequestBuilder) -> reqwest::RequestBuilder,
    ) -> Result<Option<Value>, Failure> {
        let is_read = request.method == Method::GET;
        let exchange = async {
            let response = self
                .builder(request, sign)
                .map_err(Failure::lasting)?
                .send()
                .await
                .map_err(|error| Failure::of_transport(request.call, &error))?;
            read_answer(request.call, response).await
        };
        // A write that is on its way is waited for: dropping it would leave open
        // whether it was carried out.
        if is_read {
            tokio::select! {
                () = self.stop.cancelled() => Err(Failure::lasting(stopped(request.call))),
                outcome = exchange => outcome,
            }
        } else if self.stop.is_cancelled() {
            Err(Failure::lasting(stopped(request.call)))
        } else {
            exchange.await
        }
    }

    fn builder(
        &self,
        request: &Request<'_>,
        sign: &impl Fn(reqwest::RequestBuilder) -> reqwest::RequestBuilder,
    ) -> Result<reqwest::RequestBuilder, WandbError> {
        let mut url = self.settings.base_url.clone();
        url.path_segments_mut()
            .map_err(|()| {
                WandbError::new(
                    WandbErrorKind::Invalid,
                    request.call,
                    "base_url is no web address",
                )
            })?
            .pop_if_empty()
            .extend(request.path);
        let mut builder = self
            .http
            .request(request.method.clone(), url)
            .query(request.query);
        if let Some(body) = &request.body {
            builder = builder.json(body);
            if request.path.first() == Some(&"scim") {
                builder = builder.header(CONTENT_TYPE, SCIM_JSON);
            }
        }
        Ok(sign(builder))
    }
}

/// A failed attempt, and whether another one makes sense.
struct Failure {
    error: WandbError,
    /// It may pass by itself.
    passing: bool,
    /// Too many requests: whoever says so has not carried this one out.
    throttled: bool,
    /// How long the instance asked us to wait.
    pause: Option<Duration>,
}

impl Failure {
    fn lasting(error: WandbError) -> Self {
        Self {
            error: error.undone(),
            passing: false,
            throttled: false,
            pause: None,
        }
    }

    /// Whether the instance has not carried the request out.
    fn unsent(&self) -> bool {
        self.throttled || self.error.undone
    }

    fn of_transport(call: &str, error: &reqwest::Error) -> Self {
        let failed = WandbError::new(WandbErrorKind::Transport, call, chain(error));
        Self {
            error: if error.is_connect() {
                failed.undone()
            } else {
                failed
            },
            passing: true,
            throttled: false,
            pause: None,
        }
    }
}

/// The error and its causes; the address is left out, it is in the configuration.
fn chain(error: &reqwest::Error) -> String {
    let mut text = String::new();
    let mut cause: Option<&dyn std::error::Error> = std::error::Error::source(error);
    while let Some(inner) = cause {
        if !text.is_empty() {
            text.push_str(": ");
        }
        text.push_str(&inner.to_string());
        cause = inner.source();
    }
    if text.is_empty() {
        "the request was not answered".to_owned()
    } else {
        text
    }
}

fn stopped(call: &str) -> WandbError {
    WandbError::new(WandbErrorKind::Stopped, call, "stopped before it was done")
}

async fn read_answer(call: &str, response: Response) -> Result<Option<Value>, Failure> {
    let status = response.status();
    let header = |name: &str| {
        response
            .headers()
            .get(name)
            .and_then(|value| value.to_str().ok())
            .map(str::to_owned)
    };
    let request_id = header("x-request-id");
    let pause = header(RETRY_AFTER.as_str());
    let pause = pause.and_then(|text| asked_pause(&text, SystemTime::now()));
    let is_json = header(CONTENT_TYPE.as_str()).is_some_and(|kind| kind.contains("json"));
    let body = response
        .text()
        .await
        .map_err(|error| Failure::of_transport(call, &error))?;
    if status.is_success() {
        if body.trim().is_empty() {
            return Ok(None);
        }
        return serde_json::from_str(&body).map(Some).map_err(|_| Failure {
            error: WandbError::new(
                WandbErrorKind::Transport,
                call,
                format!("the answer is not JSON: {}", cut(&body)),
            ),
            passing: false,
            throttled: false,
            pause: None,
        });
    }
    let words = if is_json { said(&body) } else { cut(&body) };
    let mut error = WandbError::of_status(status, call, &words);
    error.request_id = request_id;
    if is_scim_error(&body, status) {
        error.undone = status.is_client_error();
    } else if !is_json || error.kind == WandbErrorKind::NotFound {
        // Somebody else's server, or a proxy before the instance.
        error = error.of_a_stranger();
    }
    Err(Failure {
        error,
        passing: status == StatusCode::TOO_MANY_REQUESTS
            || matches!(status.as_u16(), 500 | 502 | 503 | 504),
        throttled: status == StatusCode::TOO_MANY_REQUESTS,
        pause,
    })
}

/// Whether it is SCIM's own error, about this very status.
fn is_scim_error(body: &str, status: StatusCode) -> bool {
    let Ok(value) = serde_json::from_str::<Value>(body) else {
        return false;
    };
    let has_schema = value
        .get("schemas")
        .and_then(Value::as_array)
        .is_some_and(|list| list.iter().any(|one| one == SCIM_ERROR));
    // A text by the standard; some write a number.
    let named = value.get("status").map(|status| match status {
        Value::String(text) => text.clone(),
        other => other.to_string(),
    });
    has_schema && named.as_deref() == Some(status.as_str())
}

/// The words of an error body: SCIM's `detail`, GraphQL's messages, or all of it.
fn said(body: &str) -> String {
    let Ok(value) = serde_json::from_str::<Value>(body) else {
        return cut(body);
    };
    let detail = value
        .get("detail")
        .and_then(Value::as_str)
        .map(str::to_owned);
    let messages = value.get("errors").and_then(Value::as_array).map(|errors| {
        let texts: Vec<&str> = errors
            .iter()
            .filter_map(|error| error.get("message").and_then(Value::as_str))
            .collect();
        texts.join("; ")
    });
    detail
        .or(messages.filter(|text| !text.is_empty()))
        .map_or_else(|| cut(body), |text| cut(&text))
}

fn cut(text: &str) -> String {
    let text = text.trim();
    match text.char_indices().nth(LONGEST_WORDS) {
        Some((end, _)) => format!("{}…", &text[..end]),
        None => text.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_scims_own_error_is_one() {
        let schemas = "\"schemas\":[\"urn:ietf:params:scim:api:messages:2.0:Error\"]";
        let not_found = StatusCode::NOT_FOUND;
        for (body, expected) in [
            (format!("{{{schemas},\"status\":\"404\"}}"), true),
            (format!("{{{schemas},\"status\":404}}"), true),
            (format!("{{{schemas},\"status\":\"403\"}}"), false),
            (format!("{{{schemas}}}"), false),
            ("{\"status\":\"404\"}".to_owned(), false),
            ("{\"message\":\"no route\"}".to_owned(), false),
            ("<html>404</html>".to_owned(), false),
            (String::new(), false),
        ] {
            assert_eq!(is_scim_error(&body, not_found), expected, "{body}");
        }
    }
}
